"""How well the model explains one recording, in numbers: rms, R², χ², correlation. `explanation/` judges and tells.

A recording is explained, explained in part, or not explained:

- not explained: where less than half of what varies in it (R² < 0.5) is reproduced and the rest is not independent
  noise; where constants do as well as the model; where χ² of a table is far beyond what its errors allow, or a fitted
  line is not where the recorded one is;
- in part: where what is left has a shape, or is larger than the noise given, or where m has not the length 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from llgrad.datasets.peaks import correlation_factor
from llgrad.datasets.trace import Trace
from llgrad.fitting.answers.explanation.shape import (
    FEWEST,
    UNLIKELY,
    chi2_edge,
    chi2_tail,
    correlation_of,
    is_correlated,
    is_noise,
    outliers,
)
from llgrad.fitting.targets.experiment import Experiment
from llgrad.observables.frequency import best_frequency
from llgrad.observables.line_width import LineWidth, line_width

GROWN: Final = 2.0
"""Ratio of the residuals' rms on the whole trace to that of a fit of its first part, above which they count as
growing."""

PART: Final = 8
"""The first part is one so-many-th of the trace."""

SURE: Final = 2.87e-7
"""Probability of five standard deviations on one side: the convention of physics for what is no chance."""


class ColumnFit(NamedTuple):
    """How well one column of a recording is explained."""

    name: str
    unit: str
    rms: float
    """Root mean square of its residuals."""
    spread: float
    """Standard deviation of what was recorded."""
    r_squared: float | None
    """1 − Σr²/Σ(d − d̄)², None where nothing varies."""

    @property
    def size(self) -> float:
        """What its residuals are small or large against."""
        return self.spread or 1.0


class Quality(NamedTuple):
    """How well the model explains one recording."""

    rms: float
    """Root mean square of the residuals, in `unit`."""
    chi2_per_freedom: float | None
    """Σ(r/σ)²/(M − p) where the noise was given, else None."""
    autocorrelation: float
    """Correlation of neighbouring residuals."""
    growth: float | None
    """Rms of the residuals over that of a fit of the first eighth alone; None where they are not correlated."""
    warnings: tuple[str, ...]
    """What speaks against the model, or against the noise that was given, in sentences."""
    unit: str = "1"
    """That of the data; "1" for a spectrum, whose residuals are relative to the line."""
    r_squared: float | None = None
    """1 − Σr²/Σ(d − d̄)² of all columns of the unit, None where nothing varies; of a spectrum, the part of what the best
    line at any frequency explains."""
    columns: tuple[ColumnFit, ...] = ()
    doubtful: bool = False
    """Whether the model explains the recording in part only."""
    failure: str = ""
    """Why the model does not explain the recording; empty where it does, if only in part."""

    def to_json(self) -> dict[str, Any]:
        """A dictionary that `core.files.plain` makes JSON."""
        return self._asdict() | {"columns": [column._asdict() for column in self.columns]}


def is_lost(qualities: Sequence[Quality]) -> bool:
    """Whether the model does not explain one of the recordings: then no value of the fit means anything."""
    return any(one.failure for one in qualities)


def quality(
    residuals: np.ndarray,
    sigma: np.ndarray | float | None,
    parameters: int,
    scale: float,
    first_part: float | None,
    in_pieces: bool = False,
    relative_noise: float = 0.0,
) -> Quality:
    """Of the residuals (T, C) of one recording in the unit of the data, whatever kind it is; `judged` goes on.

    Args:
        residuals: (T, C).
        sigma: standard deviation of each, where it was given.
        parameters: how many of the fit's parameters count as this recording's.
        scale: the rms of the data about their mean.
        first_part: the rms of the residuals of a fit of the first part alone, where it was made.
        in_pieces: correlations are expected, and counted in the standard errors.
        relative_noise: that of a spectrum, whose readings scatter as a χ² does and not as a normal number.
    """
    rms = float(np.sqrt(np.mean(residuals**2)))
    freedom = max(residuals.size - parameters, 1)
    chi2 = None if sigma is None else float(np.sum((residuals / sigma) ** 2)) / freedom
    growth = None if first_part is None else rms / max(first_part, 1e-9 * scale)
    correlation, warnings = correlation_of(residuals), []
    correlated = not in_pieces and is_correlated(residuals, scale)
    if correlated:
        warnings.append(_doubt(correlation, growth))
    doubtful = correlated
    if chi2 is not None:
        free = _free_values(residuals, freedom, relative_noise)
        above, below = chi2_tail(chi2 * free, free)
        if min(above, below) < SURE:
            noise = (
                residuals.size > FEWEST
                and not correlated
                and is_noise(residuals)
                and not any(map(outliers, residuals.T))
            )
            warnings.append(_misfit(chi2, free, noise))
            doubtful |= above < below and not noise
    return Quality(rms, chi2, correlation, growth, tuple(warnings), doubtful=doubtful)


def _free_values(residuals: np.ndarray, freedom: int, relative_noise: float) -> float:
    """Degrees of freedom of χ²: fewer where squares of neighbours vary together, or vary more than normal ones.

    The squares of residuals whose correlations are ρ_k have the correlations ρ_k²; a reading that is the mean of n
    exponential ones has the kurtosis 3 + 6/n.
    """
    together = sum(correlation_factor(column) - 1 for column in residuals.T) / residuals.shape[1]
    return max(freedom / (1 + together) / (1 + 3 * relative_noise**2), 1.0)


def _misfit(chi2: float, free: float, noise: bool) -> str:
    usual = " (a right model with the right noise stays within "
    usual += f"{_edge(1 - UNLIKELY / 2, free):.3g} to {_edge(UNLIKELY / 2, free):.3g})"
    if chi2 < 1:
        return f"χ² per degree of freedom is {chi2:.3g}{usual}: the residuals are smaller than the noise given"
    then = "; they look like noise, so it may be larger than was given" if noise else ""
    return f"χ² per degree of freedom is {chi2:.3g}{usual}: the residuals are larger than the noise given{then}"


def _edge(tail: float, free: float) -> float:
    return chi2_edge(tail, free) / free


def _doubt(correlation: float, growth: float | None) -> str:
    if growth is not None and growth > GROWN:
        return (
            "no single deterministic orbit explains this trace: neighbouring residuals are correlated "
            f"({correlation:.2f}) "
            f"and grow with time (×{growth:.1f} from a fit of the first eighth), as thermal noise in the "
            "device makes them, or a wrong value of what is held; for noise, fit it in segments with a starting state "
            "of their own, or use its frequency and line width"
        )
    return (
        f"neighbouring residuals are correlated ({correlation:.2f}): the model does not explain all of the "
        "data, and the "
        "standard errors are too small"
    )


def width_of(experiment: Experiment, measured: Quality) -> LineWidth | None:
    """Frequency and line width of a trace in pieces, or of one that no single orbit explains; None for others, and
    where the trace is too short."""
    noisy = experiment.segment is not None or (measured.growth is not None and measured.growth > GROWN)
    if not noisy or not isinstance(experiment.data, Trace):
        return None
    try:
        return line_width(_largest(experiment.data))
    except ValueError:
        return None


def half_period(trace: Trace) -> float:
    """Half a period [s] of the column that moves most."""
    return 0.5 / float(best_frequency(_largest(trace)))


def _largest(trace: Trace) -> Trace:
    return trace.select(max(trace.columns, key=lambda name: float(np.ptp(trace.columns[name]))))
