"""Does the model explain a table of frequencies, or a spectrum?"""

from __future__ import annotations

from typing import Final

import numpy as np

from llgrad.datasets.frequencies import FrequencyTable
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
from llgrad.observables.spectrum import Spectrum

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
    found: Quality, data: FrequencyTable, r: np.ndarray, weights: np.ndarray, slopes: np.ndarray, used: int
) -> Quality:
    """By χ² where the errors are known; else by R², and by a smooth curve in the setting that is left."""
    value = r_squared(data.frequencies[:, None], r[:, None])
    spread = float(data.frequencies.std())
    column = ColumnFit("frequency", "Hz", found.rms, spread, value)
    left = f"residual rms {short(found.rms, 'Hz')}"
    freedom = max(r.size - used, 1)
    bend = smooth_part(r / weights, data.values, 2, slopes, freedom) if found.rms > ROUNDING * spread else 0.0
    bent = f"the residuals follow a smooth curve in {data.setting} ({bend:.0%} of their power): they are no scatter"
    failure, warnings, doubtful = "", list(found.warnings), found.doubtful
    chi2 = found.chi2_per_freedom
    if chi2 is not None and chi2 > TWICE and chi2_tail(chi2 * freedom, freedom)[0] < SURE:
        usual, given = chi2_edge(1e-3, freedom) / freedom, float(np.sqrt(np.mean(weights**2)))
        failure = (
            f"χ² per degree of freedom is {chi2:.3g}, which a right model keeps below {usual:.2g} in 999 of 1000 "
            f"tables; {left} for given errors of {short(given, 'Hz')}"
        )
        warnings = [one for one in warnings if not one.startswith("χ²")]
    elif chi2 is not None and not doubtful and chi2_tail(chi2 * freedom, freedom)[0] < UNLIKELY:
        warnings.append(f"χ² per degree of freedom is {chi2:.3g}: the residuals are larger than the errors given")
        doubtful = True
    elif chi2 is None and value is not None and value < HALF and found.rms > FIXED * float(data.frequencies.mean()):
        failure = f"R² = {shown_r_squared(value)}, {left} of frequencies that vary by {short(spread, 'Hz')} rms"
    if bend and not failure:
        warnings, doubtful = [*warnings, bent], True
    return found._replace(
        unit="Hz", r_squared=value, columns=(column,), failure=failure, warnings=tuple(warnings), doubtful=doubtful
    )
