"""α from the growth of the line width with frequency: w = w₀ + (α/γ') f, in every geometry of `geometries.py`.

w₀ is the width that inhomogeneity leaves at zero frequency. At low frequency, lines of a layer that is not quite
saturated are wider than that. How many of the lowest to leave out is chosen by an information criterion.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

FEWEST: Final = 6
"""Lines that must remain where lines are left out: fewer tell their own scatter too poorly for that."""
BY_CHANCE: Final = 1e-3
"""Probability above which lines are not believed to be off the law."""
LARGEST_ALPHA: Final = 0.3
"""Beyond it, the law of the width, of first order in α, does not hold."""


class WidthLaw(NamedTuple):
    """The straight line through half widths against frequency."""

    slope: float
    """dw/df [T/Hz] = α/γ'."""
    slope_error: float
    intercept: float
    """w₀ [T]."""
    intercept_error: float
    chi2: float
    """χ² per degree of freedom, with the standard errors of the lines: about 1 where they explain the scatter."""
    freedom: int
    """Lines minus two."""

    def half_width(self, frequency: np.ndarray) -> np.ndarray:
        """w [T] at frequencies [Hz]."""
        return self.intercept + self.slope * frequency

    def alpha(self, gamma: float) -> tuple[float, float]:
        """α and its standard error with γ' [Hz/T]."""
        return self.slope * gamma, self.slope_error * gamma

    def interval(self, gamma: float) -> tuple[float, float]:
        """The interval that holds α with a probability of 95 %, by Student's t: few lines tell their scatter poorly."""
        import scipy.stats  # slow to import

        alpha, error = self.alpha(gamma)
        reach = error * float(scipy.stats.t.isf(0.025, self.freedom))
        return alpha - reach, alpha + reach


def width_law(frequencies: np.ndarray, widths: np.ndarray, errors: np.ndarray) -> WidthLaw:
    """The line by weighted least squares; standard errors from the scatter. All (n,), n ≥ 3."""
    law, _ = _fit(frequencies, widths, errors)
    return law


def first_on_the_law(frequencies: np.ndarray, widths: np.ndarray, errors: np.ndarray) -> tuple[int, float]:
    """Index of the lowest frequency that belongs to the law, and by how much the next lower line is too wide.

    Among the first to the middle frequency, the one with the smallest BIC: χ² + (lines left out) ln n, where each line
    left out counts as a parameter of its own. χ² is in units of that of the upper half, if that is more than 1. No line
    is left out where χ² would fall as much by chance with a probability above 1e-3: to choose among a few scattered
    lines would make α look surer than it is. The second number is the excess in standard deviations, 0 where no line
    is left out.
    """
    import scipy.stats  # slow to import

    n = len(frequencies)
    middle = max(min(n // 2, n - FEWEST), 0)
    laws = [_fit(frequencies[first:], widths[first:], errors[first:]) for first in range(middle + 1)]
    unit = max(1.0, laws[-1][0].chi2)
    costs = [law.chi2 * max(n - first - 2, 1) / unit + first * np.log(n) for first, (law, _) in enumerate(laws)]
    first = int(np.argmin(costs))
    fall = costs[0] - costs[first] + first * np.log(n)
    if first == 0 or scipy.stats.chi2.sf(fall, first) > BY_CHANCE:
        return 0, 0.0
    law, covariance = laws[first]
    row = np.array([1.0, frequencies[first - 1] / 1e9])
    spread = np.sqrt(row @ covariance @ row + errors[first - 1] ** 2)
    return first, float((widths[first - 1] - law.half_width(frequencies[first - 1])) / spread)


def remark_on_alpha(alpha: float, error: float) -> str | None:
    """What speaks against an α, in a sentence; None where nothing does."""
    if alpha < 2 * error:
        return (
            "the widths do not grow with frequency beyond their errors, so α is not fixed by these lines: "
            f"it is below {max(alpha, 0.0) + 2 * error:.2g}"
        )
    if alpha > LARGEST_ALPHA:
        return f"α = {alpha:.2g} is beyond what the law of the width holds for (α ≪ 1)"
    return None


def _fit(frequencies: np.ndarray, widths: np.ndarray, errors: np.ndarray) -> tuple[WidthLaw, np.ndarray]:
    """The law, and the covariance of (w₀ [T], slope [T/GHz])."""
    design = np.column_stack([np.ones_like(frequencies), frequencies / 1e9]) / errors[:, None]
    inverse = np.linalg.inv(design.T @ design)
    intercept, slope = inverse @ design.T @ (widths / errors)
    rest = widths / errors - design @ [intercept, slope]
    chi2 = float(rest @ rest) / (len(frequencies) - 2)
    covariance = inverse * chi2
    deviations = np.sqrt(np.diag(covariance))
    law = WidthLaw(slope / 1e9, deviations[1] / 1e9, float(intercept), float(deviations[0]), chi2, len(frequencies) - 2)
    return law, covariance
