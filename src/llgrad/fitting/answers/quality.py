"""Does the model explain the data? χ², the residuals' correlation, and whether they grow with time as noise in the
device makes them."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

CORRELATED: Final = 0.2
"""Autocorrelation of neighbouring residuals above which their independence, and the standard errors with it, is
doubted."""

GROWN: Final = 1.5
"""Ratio of the residuals' rms in the last third to that in the first third above which they count as growing."""


class Quality(NamedTuple):
    """How well the model explains one recording."""

    rms: float
    """Root mean square of the residuals, in the unit of the data."""
    chi2_per_freedom: float | None
    """Σ(r/σ)²/(M − p) where the noise was given, else None."""
    autocorrelation: float
    """Correlation of neighbouring residuals."""
    growth: float
    """Rms of the residuals in the last third over that in the first third."""
    warnings: tuple[str, ...]


def quality(residuals: np.ndarray, sigma: float | None, parameters: int, scale: float) -> Quality:
    """Of the residuals (T, C) of one recording in the unit of the data; `scale` is the rms of the data about their
    mean.

    Residuals that are rounding of a noise-free trace (below 10⁻⁶ of the data) raise no warning.
    """
    rms = float(np.sqrt(np.mean(residuals**2)))
    freedom = max(residuals.size - parameters, 1)
    chi2 = None if sigma is None else float(np.sum(residuals**2)) / sigma**2 / freedom
    centred = residuals - residuals.mean(axis=0)
    power = float(np.sum(centred**2))
    correlation = float(np.sum(centred[1:] * centred[:-1])) / power if power > 0 and len(residuals) > 2 else 0.0
    third = max(len(residuals) // 3, 1)
    early, late = (float(np.sqrt(np.mean(part**2))) for part in (residuals[:third], residuals[-third:]))
    growth = late / early if early > 0 else 1.0
    warnings = []
    if rms > 1e-6 * scale and residuals.size > 30:
        if chi2 is not None and abs(chi2 - 1) > 5 * np.sqrt(2 / freedom):
            word = "larger" if chi2 > 1 else "smaller"
            warnings.append(f"χ² per degree of freedom is {chi2:.3g}: the residuals are {word} than the noise given")
        if correlation > CORRELATED and growth > GROWN:
            warnings.append(
                f"the residuals are correlated ({correlation:.2f}) and grow with time (×{growth:.1f}): the "
                "noise is in the "
                "device, not in the recorder, and no single deterministic orbit explains this trace; fit shorter "
                "segments with a phase of their own, or the spectrum and the line width"
            )
        elif correlation > CORRELATED:
            warnings.append(
                f"neighbouring residuals are correlated ({correlation:.2f}): the model does not explain all "
                "of the data, "
                "and the standard errors are too small"
            )
    return Quality(rms, chi2, correlation, growth, tuple(warnings))
