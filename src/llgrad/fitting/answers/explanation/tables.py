"""Does the model explain a table of frequencies, or a spectrum?"""

from __future__ import annotations

from typing import Final

import numpy as np

from llgrad.datasets.peaks import correlation_factor, peak_of
from llgrad.fitting.answers.explanation.sentences import short, shown_r_squared
from llgrad.fitting.answers.explanation.shape import (
    ROUNDING,
    UNLIKELY,
    chi2_edge,
    chi2_tail,
    f_tail,
    r_squared,
    smooth_part,
)
from llgrad.fitting.answers.explanation.traces import HALF
from llgrad.fitting.answers.quality import SURE, ColumnFit, Quality
from llgrad.fitting.orbits.tables.table import OrbitTable
from llgrad.observables.spectrum import Spectrum
from llgrad.orbits.results.named import QUANTITIES

TWICE: Final = 4.0
"""χ² per degree of freedom above which the residuals are more than twice the errors given."""

FIXED: Final = 0.01
"""A table whose residuals are below this part of the frequencies is reproduced, however little they vary."""


def judge_spectrum(found: Quality, data: Spectrum, residuals: np.ndarray, weights: np.ndarray) -> Quality:
    """Between a level line and a Lorentzian that may lie anywhere: R² is the part of what that one explains."""
    d, w, r = np.asarray(data.density, float), weights[:, 0], residuals[:, 0]
    level = float(np.sum(d / w**2) / np.sum(1 / w**2))
    flat, left = float(np.sum(((d - level) / w) ** 2)), float(np.sum((r / w) ** 2))
    free_line = float(np.sum(((d - peak_of(data)(data.frequency)) / w) ** 2))
    value = min((flat - left) / (flat - free_line), 1.0) if flat > free_line else None
    below = max((d.size - 4) / correlation_factor(r / w), 1.0)
    ratio = (left - free_line) / max(free_line / below, 1e-300)
    if not f_tail(ratio, 1, below) < SURE or value is None:
        return found._replace(r_squared=value)
    words = (
        f"the fitted line is not where the recorded one is: a line that may lie anywhere leaves "
        f"{left / max(free_line, 1e-300):.2g} times less"
    )
    if value < HALF:
        return found._replace(r_squared=value, failure=f"R² = {shown_r_squared(value)}, {words}")
    return found._replace(r_squared=value, warnings=(*found.warnings, words), doubtful=True)


def judge_table(
    found: Quality, data: OrbitTable, r: np.ndarray, weights: np.ndarray, slopes: np.ndarray, used: int
) -> Quality:
    """By χ² where the errors are known; else by R², and by a smooth curve in the setting that is left.

    Of several quantities the residuals are in units of the errors, which then are known.
    """
    columns = _columns(data, r)
    name, unit, (setting, *others) = columns[0].name, columns[0].unit, data.settings
    alone = len(columns) == 1
    recorded = data.measured[name][np.isfinite(data.measured[name])]
    value, spread = (columns[0].r_squared, columns[0].spread) if alone else (None, 1.0)
    unit = unit if alone else "1"
    left = f"residual rms {short(found.rms, unit)}" if alone else f"residual rms {found.rms:.3g} errors"
    freedom = max(r.size - used, 1)
    smooth = alone and not others and found.rms > ROUNDING * spread
    swept = data.settings[setting][np.isfinite(data.measured[name])]
    bend = smooth_part(r / weights, swept, 2, slopes, freedom) if smooth else 0.0
    bent = f"the residuals follow a smooth curve in {setting} ({bend:.0%} of their power): they are no scatter"
    failure, warnings, doubtful = "", list(found.warnings), found.doubtful
    chi2 = found.chi2_per_freedom
    if chi2 is not None and chi2 > TWICE and chi2_tail(chi2 * freedom, freedom)[0] < SURE:
        usual, given = chi2_edge(1e-3, freedom) / freedom, float(np.sqrt(np.mean(weights**2)))
        failure = (
            f"χ² per degree of freedom is {chi2:.3g}, which a right model keeps below {usual:.2g} in 999 of 1000 "
            f"tables; {left}{f' for given errors of {short(given, unit)}' if alone else ''}"
        )
        warnings = [one for one in warnings if not one.startswith("χ²")]
    elif chi2 is not None and not doubtful and chi2_tail(chi2 * freedom, freedom)[0] < UNLIKELY:
        warnings.append(f"χ² per degree of freedom is {chi2:.3g}: the residuals are larger than the errors given")
        doubtful = True
    elif chi2 is None and value is not None and value < HALF and found.rms > FIXED * abs(float(recorded.mean())):
        failure = f"R² = {shown_r_squared(value)}, {left} of {_plural(name)} that vary by {short(spread, unit)} rms"
    if bend and not failure:
        warnings, doubtful = [*warnings, bent], True
    return found._replace(
        unit=unit, r_squared=value, columns=columns, failure=failure, warnings=tuple(warnings), doubtful=doubtful
    )


def _columns(data: OrbitTable, r: np.ndarray) -> tuple[ColumnFit, ...]:
    """How well each quantity is explained, in its own unit, from residuals in that of the fit."""
    measured = np.stack(list(data.measured.values()), axis=1)
    rows, columns = np.nonzero(np.isfinite(measured))
    found = []
    for place, name in enumerate(data.measured):
        recorded, own = measured[rows, columns][columns == place], r[columns == place]
        if len(data.measured) > 1:
            errors = data.errors[name][rows[columns == place]]
            own = own * np.sqrt(np.mean(errors**2))
        value = r_squared(recorded[:, None], own[:, None])
        unit = QUANTITIES[name].unit or "1"
        found.append(ColumnFit(name, unit, float(np.sqrt(np.mean(own**2))), float(recorded.std()), value))
    return tuple(found)


def _plural(name: str) -> str:
    return "frequencies" if name == "frequency" else f"values of {name}"
