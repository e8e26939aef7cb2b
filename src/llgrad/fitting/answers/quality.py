"""Does the model explain the data? χ², the residuals' correlation, and whether they grow with time as noise in the
device makes them."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from llgrad.datasets.trace import Trace
from llgrad.fitting.targets.experiment import Experiment
from llgrad.observables.frequency import best_frequency
from llgrad.observables.line_width import LineWidth, line_width

CORRELATED: Final = 0.2
"""Autocorrelation of neighbouring residuals above which their independence, and the standard errors with it, is
doubted."""

GROWN: Final = 2.0
"""Ratio of the residuals' rms on the whole trace to that of a fit of its first part, above which they count as
growing."""

PART: Final = 8
"""The first part is one so-many-th of the trace."""


class Quality(NamedTuple):
    """How well the model explains one recording."""

    rms: float
    """Root mean square of the residuals, in the unit of the data."""
    chi2_per_freedom: float | None
    """Σ(r/σ)²/(M − p) where the noise was given, else None."""
    autocorrelation: float
    """Correlation of neighbouring residuals."""
    growth: float | None
    """Rms of the residuals over that of a fit of the first eighth alone; None where they are not correlated."""
    warnings: tuple[str, ...]


def correlation_of(residuals: np.ndarray) -> float:
    """Correlation of neighbouring residuals (T, C)."""
    centred = residuals - residuals.mean(axis=0)
    power = float(np.sum(centred**2))
    return float(np.sum(centred[1:] * centred[:-1])) / power if power > 0 and len(residuals) > 2 else 0.0


def is_correlated(residuals: np.ndarray, scale: float) -> bool:
    """Whether the residuals are correlated, and not just the rounding of a noise-free trace (10⁻⁶ of its `scale`)."""
    rms = float(np.sqrt(np.mean(residuals**2)))
    return residuals.size > 30 and rms > 1e-6 * scale and correlation_of(residuals) > CORRELATED


def quality(
    residuals: np.ndarray,
    sigma: float | None,
    parameters: int,
    scale: float,
    first_part: float | None,
    in_pieces: bool = False,
) -> Quality:
    """Of the residuals (T, C) of one recording in the unit of the data.

    `scale` is the rms of the data about their mean; `first_part` the rms of the residuals of a fit of the first part
    alone, where it was made. `in_pieces`: correlations are expected, and counted in the standard errors.
    """
    rms = float(np.sqrt(np.mean(residuals**2)))
    freedom = max(residuals.size - parameters, 1)
    chi2 = None if sigma is None else float(np.sum(residuals**2)) / sigma**2 / freedom
    growth = None if first_part is None else rms / max(first_part, 1e-9 * scale)
    correlation, warnings = correlation_of(residuals), []
    if chi2 is not None and residuals.size > 30 and abs(chi2 - 1) > 5 * np.sqrt(2 / freedom):
        word = "larger" if chi2 > 1 else "smaller"
        warnings.append(f"χ² per degree of freedom is {chi2:.3g}: the residuals are {word} than the noise given")
    if not in_pieces and is_correlated(residuals, scale):
        warnings.append(_doubt(correlation, growth))
    return Quality(rms, chi2, correlation, growth, tuple(warnings))


def _doubt(correlation: float, growth: float | None) -> str:
    if growth is not None and growth > GROWN:
        return (
            "no single deterministic orbit explains this trace: neighbouring residuals are correlated "
            f"({correlation:.2f}) "
            f"and grow with time (×{growth:.1f} from a fit of the first eighth), as thermal noise in the "
            "device makes them; fit it in segments with a starting state of their own, or use its frequency and line "
            "width"
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
