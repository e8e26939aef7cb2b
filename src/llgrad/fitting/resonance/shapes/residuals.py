"""Whether a line shape explains a sweep: what it leaves must be noise, or small."""

from __future__ import annotations

from typing import Final

import numpy as np

from llgrad.fitting.resonance.lorentzian import Line

LARGEST_MISFIT: Final = 0.05
"""Part of a line, by its squares, that a shape may leave unexplained and that is no noise."""
SIGNIFICANCE: Final = 1e-4
"""Probability below which residuals are not taken for noise."""
NEAR: Final = 3.0
"""Fields within so many half widths of the resonance are near the line."""
FEWEST: Final = 5
"""Residuals that a comparison of variances needs on either side."""


def reason_unexplained(line: Line) -> str | None:
    """Why the shape does not explain a sweep, as the end of a sentence; None where it does, or all that it leaves is
    noise."""
    part = misfit(line)
    if part <= LARGEST_MISFIT:
        return None
    return (
        f"{line.shape.words} do not explain it (R² = {line.r_squared:.3f}, and what they leave is no noise but "
        f"{part:.0%} of the line): another shape, a second line, or a background that is not "
        "the one chosen"
    )


def following(rest: np.ndarray) -> float:
    """The part of residuals, by their squares, that follow each other; 0 where they may be noise."""
    import scipy.stats  # slow to import

    total = float(rest @ rest)
    part = 1 - float(np.diff(rest) @ np.diff(rest)) / (2 * total) if total > 0 else 0.0
    return part if part * rest.size**0.5 > scipy.stats.norm.isf(SIGNIFICANCE) else 0.0


def misfit(line: Line) -> float:
    """The part of a line (0 to 1, by its squares) that the fitted shape leaves and that is not noise.

    Residuals of noise do not follow each other from field to field (their first autocorrelation ρ is 0 ± 1/√n), and are
    as large near the line as far from it (F test). Where one of the two fails, with a probability below 1e-4, the part
    ρ of Σr², or the part that is in excess near the line, counts as unexplained; the larger of both.
    """
    import scipy.stats  # slow to import

    order = np.argsort(line.sweep.field, kind="stable")
    rest = line.residuals[order]
    total = float(rest @ rest)
    if total <= 0.0 or line.explained <= 0.0:
        return 0.0
    part = following(rest)
    near = np.abs(line.sweep.field[order] - line.resonance) < NEAR * line.half_width
    if min(near.sum(), (~near).sum()) >= FEWEST:
        ratio = float(np.mean(rest[near] ** 2) / max(np.mean(rest[~near] ** 2), 1e-300))
        if scipy.stats.f.sf(ratio, near.sum(), (~near).sum()) < SIGNIFICANCE:
            part = max(part, float(rest[near] @ rest[near]) * (1 - 1 / ratio) / total)
    return min(part * (1 - line.explained) / line.explained, 1.0)
