"""Profile likelihood: how χ² rises when one parameter is held off its best value and all others follow.

The standard error of a fit is the curvature at the minimum. The profile is the valley itself: it shows an asymmetric, a
flat or a closed-off valley, and its intervals hold where the straight-line error does not.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.numbers import checked_count, checked_size
from llgrad.core.units import show
from llgrad.fitting.answers.levels import checked_probability, freedom_of, level_of
from llgrad.fitting.answers.result import FitResult, minimum_of
from llgrad.fitting.methods.base import Begin, Log, Progress
from llgrad.fitting.methods.least_squares import LevenbergMarquardt
from llgrad.fitting.problem import Problem
from llgrad.fitting.targets.starting import is_start

TOLD: Final = (0.68, 0.95)
"""Probabilities of the intervals that are told."""

UNKNOWN_ERROR: Final = 0.1
"""Where the data do not fix a parameter, its profile takes this part of its value as the standard error."""


class Profile(NamedTuple):
    """The profile of one parameter, in SI; Δχ² is in units of the noise.

    >>> import llgrad as lg
    >>> sto = lg.presets.kubota2013()
    >>> trace = lg.trace_of(lg.simulate(sto, duration=1e-9, dt=2e-12, save=lg.Every(5)))
    >>> result = lg.fit(sto.replace(alpha=0.006), trace, free=["alpha"], dt=2e-12, noise=0.01)
    >>> profile = lg.fitting.profile(result, "alpha", points=5)
    >>> profile.delta_chi2.round(1).tolist()  # at ±1.5 and ±3 standard errors: 1.5², 3²
    [9.0, 2.2, 0.0, 2.3, 9.0]
    """

    name: str
    unit: str
    best: float
    error: float
    """Standard error of the fit, whose parabola (δ/error)² the profile is compared with."""
    values: np.ndarray
    """Where the parameter was held, (K,), the best value among them."""
    delta_chi2: np.ndarray
    """Rise of the lowest χ² over all other parameters (K,); infinite where no run was fine."""
    settled: np.ndarray
    """Whether the search for the others ended by itself (K,)."""
    simulations: int
    caveat: str = ""
    """What is to be said before its intervals, where the model explains the data in part only."""
    freedom: float = math.inf
    """Degrees of freedom of the noise that was estimated; infinite where all of it was given."""

    def level(self, probability: float = 0.95) -> float:
        """Δχ² at the edges of the interval of a probability: t², with t the quantile (1 + probability)/2 of Student's
        distribution of this freedom (Bates and Watts 1988, section 6.1.2), as of `lg.fitting.intervals`.

        Raises ValueError for what is no probability.
        """
        return level_of(checked_probability(probability), self.freedom)

    def interval(self, probability: float = 0.95) -> tuple[float, float]:
        """Where Δχ² stays below `level`; infinite on a side where the profile does not reach it.

        Between two points √Δχ², which is straight for a parabola, is interpolated.
        """
        return self.between(self.level(probability))

    def between(self, delta_chi2: float) -> tuple[float, float]:
        """The same of any Δχ²."""
        rise, level = np.sqrt(self.delta_chi2), delta_chi2**0.5
        lowest = int(np.argmin(self.delta_chi2))
        return _crossing(self.values[lowest::-1], rise[lowest::-1], level, -np.inf), _crossing(
            self.values[lowest:], rise[lowest:], level, np.inf
        )

    def __str__(self) -> str:
        parts = []
        for probability in TOLD:
            low, high = (show(edge, self.unit) if np.isfinite(edge) else "?" for edge in self.interval(probability))
            parts.append(f"{probability:.0%} interval {low} to {high}")
        return f"{self.name}: {'; '.join(parts)}" + (f" ({self.caveat})" if self.caveat else "")

    def to_json(self) -> dict[str, Any]:
        """A dictionary that `core.files.plain` makes JSON; an open end of an interval is null."""
        found = self._asdict()
        del found["name"]
        return found | {f"interval_{100 * p:.0f}": list(self.interval(p)) for p in TOLD}


class HeldProblem(Problem):
    """A problem in which some parameters stay where they are: their sensitivities are zero."""

    held: Any
    """Which (p,), as booleans."""

    @property
    def searched(self) -> Any:
        return ~self.held

    def physical(self, u: Any) -> Any:
        values = super().physical(u)
        return jnp.where(self.held, jax.lax.stop_gradient(values), values)


def profile(
    result: FitResult,
    name: str,
    *,
    points: int = 13,
    span: float = 3.0,
    progress: Progress | None = None,
) -> Profile:
    """The lowest χ² over all other parameters, at `points` fixed values of one; all points in one batched search.

    χ² is in units of the noise: the given one, or the rms of each recording's residuals.

    Args:
        result: a fit that converged.
        name: one of its free parameters.
        points: number of values, the best one included.
        span: how far to go on each side, in standard errors.

    Raises:
        ValueError: for a name that was not searched for, and for a fit without a minimum or in pieces.

    >>> import llgrad as lg
    >>> sto = lg.presets.kubota2013()
    >>> trace = lg.trace_of(lg.simulate(sto, duration=1e-9, dt=2e-12, save=lg.Every(5)))
    >>> result = lg.fit(sto.replace(alpha=0.006), trace, free=["alpha"], dt=2e-12, noise=0.01)
    >>> profile = lg.fitting.profile(result, "alpha", points=5)
    >>> low, high = profile.interval()
    >>> low < 0.005 < high, round((high - low) / result.errors["alpha"], 1)  # ± 1.96 standard errors
    (True, 3.9)
    """
    points, span = checked_count("points", points, 5), checked_size("span", span, 100.0)
    problem, u, m0 = minimum_of(result, "profile", "profile")
    with jax.enable_x64(True):
        if name not in problem.names or is_start(name):
            able = [n for n in problem.names if not is_start(n)]
            raise ValueError(f"{name!r} has no profile; the parameters that were searched for are {', '.join(able)}")
        values, starts = _grid(result, problem, name, u, points, span)
        held = HeldProblem(problem.recordings, problem.bounds, problem.names, problem.rate, _is(name, problem))
        log = Log(progress)
        begin = Begin(starts, np.repeat(m0[None], len(starts), axis=0))
        found = LevenbergMarquardt(grow=False, iterations=40).search(held, begin, log)
    rise = found.cost - np.min(found.cost)
    return Profile(
        name,
        result.units[name],
        result.values[name],
        result.errors[name],
        values,
        rise,
        found.converged,
        log.simulations,
        result.caveat,
        freedom_of(problem, result.experiments, len(result.names)),
    )


def _grid(
    result: FitResult, problem: Problem, name: str, u: np.ndarray, points: int, span: float
) -> tuple[np.ndarray, np.ndarray]:
    """The values to hold (K,), and for each the parameters to begin at (K, p), on the covariance's ridge."""
    best, error = result.values[name], result.errors[name]
    own = error if np.isfinite(error) and error > 0 else UNKNOWN_ERROR * (abs(best) or 1.0)
    place, number = problem.names.index(name), result.names.index(name)
    steps = np.linspace(-span, span, points)
    steps[np.argmin(np.abs(steps))] = 0.0
    values = [best + own * step for step in steps if problem.bounds[place].contains(best + own * step)]
    rows = np.tile(u, (len(values), 1))
    for k, (other, bound) in enumerate(zip(problem.names, problem.bounds, strict=True)):
        theirs = result.errors[other]
        slope = result.correlation[number, result.names.index(other)] * theirs / own if np.isfinite(theirs) else 0.0
        slope = 1.0 if other == name else slope
        middle = float(bound.physical(u[k]))
        moved = [middle + slope * (value - best) for value in values]
        rows[:, k] = [bound.free(v) if bound.contains(v) else u[k] for v in moved]
    return np.array(values), rows


def _is(name: str, problem: Problem) -> Any:
    return jnp.array([other == name for other in problem.names])


def _crossing(values: np.ndarray, rise: np.ndarray, level: float, otherwise: float) -> float:
    """Where a curve that begins at its minimum first reaches the level."""
    above = np.flatnonzero(rise >= level)
    if not above.size:
        return otherwise
    k = int(above[0])
    if not np.isfinite(rise[k]):
        return float(values[k])
    part = (level - rise[k - 1]) / (rise[k] - rise[k - 1])
    return float(values[k - 1] + part * (values[k] - values[k - 1]))
