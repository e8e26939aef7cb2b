"""By how much χ² may rise within an interval of one parameter, the others being free: one rule for all intervals."""

from __future__ import annotations

import math
from typing import Any

from llgrad.core.record import as_number
from llgrad.fitting.problem import Problem


def checked_probability(probability: Any) -> float:
    """Raise ValueError for what is no probability between 0 and 1."""
    chance = as_number(probability)
    if isinstance(chance, bool) or not isinstance(chance, int | float) or not 0 < chance < 1:
        raise ValueError(f"probability = {probability!r}, expected one between 0 and 1, such as 0.95")
    return float(chance)


def level_of(probability: float, freedom: float) -> float:
    """t², with t the quantile (1 + probability)/2 of Student's distribution of that freedom; of the normal one where it
    is infinite.

    Source: D. M. Bates and D. G. Watts, Nonlinear Regression Analysis and Its Applications (1988), section 6.1.2
    (profile t), for a noise that is estimated; S. S. Wilks, Ann. Math. Stat. 9, 60 (1938), for one that is known.
    """
    from scipy.special import ndtri, stdtrit  # slow to import

    upper = (1 + probability) / 2
    return float(stdtrit(freedom, upper) if math.isfinite(freedom) else ndtri(upper)) ** 2


def freedom_of(problem: Problem, experiments: Any, parameters: int) -> float:
    """Degrees of freedom of the noise that was estimated; infinite where all of it was given."""
    sizes = [recording.data.size for recording in problem.recordings]
    own = [size for size, one in zip(sizes, experiments, strict=True) if one.noise is None]
    if not own:
        return math.inf
    return max(sum(own) * (1 - parameters / sum(sizes)), 1.0)
