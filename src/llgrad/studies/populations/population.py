"""Mean and spread of a population whose members were measured with errors."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.units import show, show_with_error

CHANCE: Final = 0.01
"""Probability that any of all values of a normal population is called an outlier."""
EFFICIENCY: Final = 0.37
"""Of the median absolute deviation, for normal values: its own scatter is that of so many of them."""
NORMAL: Final = 0.6745
"""Quartile of the normal distribution: MAD/0.6745 is a standard deviation."""


class Population(NamedTuple):
    """Mean and spread of a population; numbers in the unit of the values.

    >>> import llgrad as lg
    >>> found = lg.studies.population([1.0, 2.0, 3.0, 4.0], [0.5, 0.5, 0.5, 0.5])
    >>> found.members, round(found.mean_error, 3)
    (4, 0.645)
    """

    mean: float
    mean_error: float
    """Standard error of the mean."""
    spread: float
    """Standard deviation of the true values between members, the errors of the measurements taken out."""
    spread_error: float
    """Standard error of the spread; infinite where it is 0, the edge of what it can be."""
    observed: float
    """Standard deviation of the values as they were found, with the errors."""
    members: int
    """Values that were used: finite, with a finite error."""

    def said(self, unit: str) -> str:
        """The population in words, in its unit."""
        sure = np.isfinite(self.spread_error)
        spread = show_with_error(self.spread, self.spread_error, unit) if sure else show(self.spread, unit)
        return f"{show_with_error(self.mean, self.mean_error, unit)}, spread {spread}"


def population(values: Float[ArrayLike, " n"], errors: Float[ArrayLike, " n"]) -> Population:
    """Mean μ and spread τ of true values x of which x_i ± σ_i were found.

    The values are drawn as x_i ~ N(μ, τ² + σ_i²). With w_i = 1/(τ² + σ_i²) and μ = Σw x/Σw, τ² maximises the restricted
    likelihood, −½ [Σ ln(τ² + σ_i²) + ln Σw + Σw (x − μ)²], in which the mean's own freedom is taken out (for equal
    errors: τ² = s² − σ², s² the sample variance, where that is positive). Standard errors: 1/√Σw of μ, and of τ² from
    the expected information ½ [Σw² − 2 Σw³/Σw + (Σw²/Σw)²].

    Source: the random-effects model of a meta-analysis, its REML estimate; W. Viechtbauer, J. Educ. Behav. Stat. 30,
    261 (2005), recalled.

    Args:
        values: found values (N,); those that are not finite, or whose error is not, are left out.
        errors: their standard errors (N,), positive.

    Raises ValueError for other shapes, an error that is not positive, and fewer than two values.

    >>> import llgrad as lg
    >>> found = lg.studies.population([1.0, 2.0, 3.0, 4.0], [0.5, 0.5, 0.5, 0.5])
    >>> round(found.mean, 6), round(found.spread**2, 6), round(found.observed**2, 6)
    (2.5, 1.416667, 1.666667)
    """
    x, sigma = np.asarray(values, float), np.asarray(errors, float)
    if x.ndim != 1 or x.shape != sigma.shape:
        raise ValueError(f"values has the shape {x.shape} and errors {sigma.shape}, expected one number each a member")
    known = np.isfinite(x) & np.isfinite(sigma)
    x, sigma = x[known], sigma[known]
    if (sigma <= 0).any():
        raise ValueError(f"errors has {sigma.min():g}, expected positive standard errors; leave out what has none")
    if x.size < 2:
        raise ValueError(f"there are {x.size} values with errors, expected at least two")
    scale = float(np.sqrt(np.var(x) + np.mean(sigma**2)))
    x, variance, centre = (x - x.mean()) / scale, (sigma / scale) ** 2, x.mean()
    between = _between(x, variance)
    w = 1 / (between + variance)
    sums = [float(np.sum(w**power)) for power in (1, 2, 3)]
    information = 0.5 * (sums[1] - 2 * sums[2] / sums[0] + (sums[1] / sums[0]) ** 2)
    spread = float(np.sqrt(between))
    error = np.inf if between == 0 or information <= 0 else float(1 / np.sqrt(information) / (2 * spread))
    mean = float(np.sum(w * x) / sums[0])
    observed = float(np.std(x, ddof=1))
    return Population(
        mean=float(centre + scale * mean),
        mean_error=float(scale / np.sqrt(sums[0])),
        spread=scale * spread,
        spread_error=scale * error,
        observed=scale * observed,
        members=int(x.size),
    )


def _between(x: np.ndarray, variance: np.ndarray) -> float:
    """The variance between members that maximises the restricted likelihood, of values of size 1."""
    from scipy.optimize import minimize_scalar  # slow to import

    def cost(between: float) -> float:
        w = 1 / (between + variance)
        mean = np.sum(w * x) / np.sum(w)
        return float(np.sum(np.log(between + variance)) + np.log(np.sum(w)) + np.sum(w * (x - mean) ** 2))

    grid = np.concatenate([[0.0], np.geomspace(1e-8, 4 * float(np.var(x, ddof=1)) + 1e-6, 60)])
    best = int(np.argmin([cost(value) for value in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = minimize_scalar(cost, bounds=(low, high), method="bounded", options={"xatol": 1e-12})
    return float(found.x) if found.fun < cost(0.0) and found.x > 1e-8 else 0.0


def outlying(values: np.ndarray, errors: np.ndarray | None = None) -> np.ndarray:
    """How far (N,) each value is from the median, in robust standard deviations; NaN where there is no value.

    z_i = (x_i − median)/√((MAD/0.6745)² + σ_i²).

    >>> import numpy as np
    >>> outlying(np.array([1.0, 1.1, 0.9, 1.05, 5.0])).round(1).tolist()
    [-0.7, 0.7, -2.0, 0.0, 53.3]
    """
    known = values[np.isfinite(values)]
    if known.size < 3:
        return np.full(values.shape, np.nan)
    middle = float(np.median(known))
    spread = float(np.median(np.abs(known - middle))) / NORMAL
    own = np.zeros(values.shape) if errors is None else np.where(np.isfinite(errors), errors, 0.0)
    size = np.sqrt(spread**2 + own**2)
    return np.divide(values - middle, size, out=np.zeros(values.shape), where=size > 0)


def outliers_of(values: np.ndarray, errors: np.ndarray | None = None) -> np.ndarray:
    """Which values (N,) are outliers: so far from the median that of N normal ones any is in 1 of 100 populations.

    The limit of |z| is the quantile 1 − 0.01/(2 N) of Student's distribution with 0.37 (N − 1) degrees of freedom: the
    scatter of the MAD is that of a standard deviation of 0.37 N values.

    >>> import numpy as np
    >>> np.flatnonzero(outliers_of(np.array([1.0, 1.1, 0.9, 1.05, 0.97, 1.02, 0.99, 1.01, 9.0]))).tolist()
    [8]
    """
    from scipy.special import stdtrit

    far, count = np.abs(outlying(values, errors)), int(np.isfinite(values).sum())
    if count < 3:
        return np.zeros(values.shape, bool)
    limit = float(stdtrit(EFFICIENCY * (count - 1), 1 - CHANCE / (2 * count)))
    return np.nan_to_num(far) > limit
