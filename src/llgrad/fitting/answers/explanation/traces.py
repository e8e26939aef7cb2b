"""Does the model explain a trace? R² of each column, the length of m, and what shape is left."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from llgrad.datasets.trace import Trace
from llgrad.fitting.answers.explanation.sentences import short, shown_r_squared
from llgrad.fitting.answers.explanation.shape import (
    ROUNDING,
    drift,
    f_tail,
    is_correlated,
    is_noise,
    length_of,
    missing_line,
    outliers,
    r_squared,
    strongest_line,
)
from llgrad.fitting.answers.quality import ColumnFit, Quality
from llgrad.fitting.targets.experiment import Experiment

HALF: Final = 0.5
"""R² below which a model whose residuals are no noise leaves more of the data than it explains."""

AS_GOOD: Final = 1e-3
"""Probability above which what a model explains beyond constants counts as chance; a search for the best frequency
finds more of that in pure noise than an F test knows of, so this is not smaller."""

FEWEST: Final = 12
"""Values of a column below which a straight line through them says nothing of a unit or a gain."""

LENGTH: Final = 0.01
"""A recorded m whose mean length is 1 within a hundredth is a unit vector up to the calibration of its recorder."""


def judge_trace(found: Quality, experiment: Experiment, data: Trace, residuals: np.ndarray, used: int) -> Quality:
    names, in_pieces = list(data.columns), experiment.segment is not None
    recorded = np.stack([data.columns[name] for name in names], axis=1)[: len(residuals)]
    units = [data.units[name] for name in names]
    columns = tuple(
        ColumnFit(name, unit, float(np.sqrt(np.mean(r**2))), float(d.std()), r_squared(d[:, None], r[:, None]))
        for name, unit, r, d in zip(names, units, residuals.T, recorded.T, strict=True)
    )
    shapes = [] if in_pieces else _shapes(data, columns, residuals)
    long = _length(data)
    doubtful = found.doubtful or bool(shapes or long)
    wrong = found.chi2_per_freedom is not None and found.doubtful
    failures, pooled = [], []
    for unit in dict.fromkeys(units):
        one = [i for i, other in enumerate(units) if other == unit]
        d, r = recorded[:, one], residuals[:, one]
        pooled.append(r_squared(d, r))

        def shaped(d: np.ndarray = d, r: np.ndarray = r) -> bool:
            return wrong or is_correlated(r, float(d.std()) or 1.0) or not (in_pieces or is_noise(r))

        failures.append(unexplained([columns[i] for i in one], d, r, pooled[-1], shaped, used))
    failure = next((one for one in failures if one), "")
    known = [value for value in pooled if value is not None]
    warnings = (*long, *found.warnings, *shapes, *_factors(columns, recorded, residuals), *_far(columns, residuals))
    return found._replace(
        warnings=tuple(dict.fromkeys(warnings)),
        unit=units[0] if len(set(units)) == 1 else "",
        r_squared=min(known) if known else None,
        columns=columns,
        doubtful=doubtful,
        failure=failure,
    )


def unexplained(
    columns: list[ColumnFit], d: np.ndarray, r: np.ndarray, value: float | None, shaped: Callable[[], bool], used: int
) -> str:
    """Why the columns of one unit are not explained, or nothing. `shaped` tells whether what is left is no noise, and
    is asked only where it matters."""
    names = ", ".join(column.name for column in columns)
    spread = math.sqrt(sum(column.spread**2 for column in columns) / len(columns))
    size = float(np.abs(d).max())
    if value is None or spread <= ROUNDING * size:
        return f"{names} {'do' if len(columns) > 1 else 'does'} not move, so nothing shows whether the model is right"
    if value >= HALF:
        return ""
    rms = float(np.sqrt(np.mean(r**2)))
    left = f"residual rms {short(rms, columns[0].unit)} of a signal of {short(spread, columns[0].unit)} rms"
    if shaped():
        return f"R² = {shown_r_squared(value)}, {left}, and what is left is no noise"
    below = max(d.size - d.shape[1] - used, 1)
    if f_tail(value / used / ((1 - value) / below), used, below) > AS_GOOD:
        return f"R² = {shown_r_squared(value)}, {left}: nothing moves in it beyond its noise, and constants do as well"
    return ""


def _shapes(data: Trace, columns: tuple[ColumnFit, ...], residuals: np.ndarray) -> list[str]:
    """A line, and a drift or an offset, in the residuals of each column."""
    lines, drifts = [], []
    x = np.linspace(-0.5, 0.5, len(residuals))
    for column, r in zip(columns, residuals.T, strict=True):
        if column.rms <= ROUNDING * column.size:
            continue
        if (share := drift(r)) > 0:
            slope, offset = (short(value, column.unit) for value in np.polyfit(x, -r, 1))
            drifts.append(
                f"{column.name} by {offset}, and {slope} from the first to the last ({share:.0%} of their power)"
            )
        line = strongest_line(r)
        if line is not None and line.frequency * r.size > 1.5:
            where = short(line.frequency / data.dt, "Hz") if data.evenly_spaced else f"{line.frequency:.3g} a sample"
            lines.append(f"{column.name} at {where} ({line.share:.0%} of their power)")
    said = [f"the residuals are not about zero: {'; '.join(drifts)}"] if drifts else []
    if lines:
        said.append(
            f"the residuals oscillate: {'; '.join(lines)}: the model lacks this oscillation, or gives it another "
            "amplitude or phase"
        )
    return said


def _length(data: Trace) -> list[str]:
    if not {"mx", "my", "mz"} <= set(data.columns):
        return []
    m = np.stack([data.columns[name] for name in ("mx", "my", "mz")], axis=1)
    length, error = length_of(m)
    if abs(length - 1) <= max(LENGTH, 5 * error):
        return []
    size = np.linalg.norm(m, axis=1)
    return [
        f"the recorded m is {length:.3f} long ({size.min():.2f} to {size.max():.2f}), and that of the model is 1: "
        "it is not normalised, or the mean over a texture, which no single m explains"
    ]


def _factors(columns: tuple[ColumnFit, ...], recorded: np.ndarray, residuals: np.ndarray) -> list[str]:
    """Columns that a factor and an offset would bring to the model: a unit, a gain."""
    said = []
    for column, d, r in zip(columns, recorded.T, residuals.T, strict=True):
        gain, offset, stays = missing_line(d, d + r)
        if d.size < FEWEST:  # a straight line goes through a few values of anything
            continue
        if column.r_squared is not None and column.r_squared < 0.9 and stays < 0.25 and column.rms > 0:
            said.append(
                f"{column.name} is {gain:.3g} times what the model gives plus {short(offset, column.unit)}, but for "
                f"{stays:.0%} of the residuals' power: is its unit right, or has it a gain?"
            )
    return said


def _far(columns: tuple[ColumnFit, ...], residuals: np.ndarray) -> list[str]:
    """Values far from the model, where the others are noise about it."""
    found = []
    for column, r in zip(columns, residuals.T, strict=True):
        if column.rms <= ROUNDING * column.size or is_correlated(r[:, None], column.size):
            continue
        if count := outliers(r):
            found.append(f"{count} of {r.size} values of {column.name}")
    if not found:
        return []
    return [
        f"{', '.join(found)} lie farther from the model than noise brings any: they pull the parameters; correct "
        "them or leave them out"
    ]
