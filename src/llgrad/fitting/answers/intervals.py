"""Intervals of the likelihood: how far each parameter may go before χ² has risen by what a probability allows.

A standard error takes the model for straight, and χ² for a parabola. Where the model bends within a few standard errors
χ² is none, and value ± 1.96 σ holds the truth less often than in 95 of 100 draws, or has it on the wrong side. An edge
of the likelihood's interval is the least or the largest value of a parameter on the surface of that χ², whatever the
others are: it is found directly, all edges side by side, without a grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.fitting.answers.levels import checked_probability, freedom_of, level_of
from llgrad.fitting.answers.profile import profile
from llgrad.fitting.answers.result import FitResult, minimum_of
from llgrad.fitting.methods.base import Log, Progress
from llgrad.fitting.methods.convergence import SINGULAR
from llgrad.fitting.methods.least_squares import LARGEST_STEP
from llgrad.fitting.problem import CostEvaluation, Problem, evaluate, repeated
from llgrad.fitting.targets.starting import is_start

ITERATIONS: Final = 30
SETTLED: Final = 3e-3
"""An edge is found where it would move by less than this part of its distance from the best value."""
POINTS, SPAN = 25, 6.0
"""Of the profile, in standard errors, that is taken where an edge is not found directly."""


def intervals(
    result: FitResult,
    names: Iterable[str] | None = None,
    *,
    probability: float = 0.95,
    progress: Progress | None = None,
) -> dict[str, tuple[float, float]]:
    """The interval (low, high) [SI] of each parameter by the likelihood, all others being free.

    Where min χ² over all other parameters is below χ²_min + t², with t the quantile (1 + probability)/2 of Student's
    distribution of M − p degrees of freedom, or of the normal one where all noise was given; χ² in units of the noise.
    For a model that is straight within the interval it is value ± t·error. The edges do not depend on how a parameter
    is written (as its logarithm or its inverse), and it need not be symmetric.

    Args:
        result: a fit that converged.
        names: of the parameters; None takes all that were searched for.
        probability: that the interval holds the truth, in many draws of the noise.
        progress: as for `lg.fit`.

    Returns the interval by name. An edge that χ² does not show is that of the parameter's bound, or infinite.

    Raises:
        ValueError: for a name that was not searched for, a probability that is none, and for a fit without a minimum
            or in pieces.

    Source: D. J. Venzon and S. H. Moolgavkar, Applied Statistics 37, 87 (1988), here with JᵀJ for the curvature.

    >>> import llgrad as lg
    >>> sto = lg.presets.kubota2013()
    >>> trace = lg.trace_of(lg.simulate(sto, duration=1e-9, dt=2e-12, save=lg.Every(5)))
    >>> result = lg.fit(sto.replace(alpha=0.006), trace, free=["alpha"], dt=2e-12, noise=0.01)
    >>> low, high = lg.fitting.intervals(result)["alpha"]
    >>> low < 0.005 < high, round((high - low) / result.errors["alpha"], 1)  # ± 1.96 standard errors
    (True, 3.9)
    """
    chance = checked_probability(probability)
    problem, u, m0 = minimum_of(result, "likelihood interval", "go on from")
    wanted = _names(problem, names)
    level = level_of(chance, freedom_of(problem, result.experiments, len(result.names)))
    with jax.enable_x64(True):
        log = Log(progress)
        known = [name for name in wanted if math.isfinite(result.errors[name])]
        places = np.repeat([problem.names.index(name) for name in known], 2)
        edges = _Edges(problem, u, m0, places, level)
        edges.search(log)
        found = {name: (-math.inf, math.inf) for name in wanted}
        found |= {name: _interval(result, edges, 2 * number, level) for number, name in enumerate(known)}
        return {name: _within(problem, name, pair) for name, pair in found.items()}


def _names(problem: Problem, names: Iterable[str] | None) -> list[str]:
    able = [name for name in problem.names if not is_start(name)]
    wanted = able if names is None else [names] if isinstance(names, str) else list(names)
    for name in wanted:
        if name not in able:
            raise ValueError(f"{name!r} has no interval; the parameters that were searched for are {', '.join(able)}")
    return wanted


def _interval(result: FitResult, edges: _Edges, first: int, level: float) -> tuple[float, float]:
    """Of one parameter, from its profile where an edge was not found."""
    low, high = (float(edges.value(lane)) if edges.settled[lane] else math.nan for lane in (first, first + 1))
    if math.isnan(low + high):
        name = edges.problem.names[edges.places[first]]
        shape = profile(result, name, points=POINTS, span=SPAN)
        other = shape.between(level)
        low, high = (b if math.isnan(a) else a for a, b in zip((low, high), other, strict=True))
    return low, high


def _within(problem: Problem, name: str, pair: tuple[float, float]) -> tuple[float, float]:
    low, high = problem.bounds[problem.names.index(name)].limits
    return max(pair[0], low), min(pair[1], high)


class _Edges:
    """The edges, lanes (L,) of a search: of each parameter first the lower, then the upper one."""

    def __init__(self, problem: Problem, u: np.ndarray, m0: np.ndarray, places: np.ndarray, level: float):
        self.problem, self.best, self.places, self.level = problem, u, places, level
        self.signs = np.tile([-1.0, 1.0], len(places) // 2)
        self.m0 = np.repeat(m0[None], len(places), axis=0)
        self.u = np.repeat(u[None], len(places), axis=0)
        self.near = jax.tree.map(np.array, repeated(problem, len(places)))
        self.settled = np.zeros(len(places), bool)
        self.step = np.zeros_like(self.u)
        """Which is tried next."""

    def value(self, lane: int) -> Any:
        """The physical value [SI] of the parameter there."""
        place = self.places[lane]
        return self.problem.bounds[place].physical(jnp.asarray(self.u[lane, place]))

    def search(self, log: Log) -> None:
        """Go on until every edge is found, or cannot be."""
        if not len(self.places):
            return
        self.now = self._evaluate(self.u, log)
        self.least = float(self.now.cost.min())
        self._propose(np.ones(len(self.places), bool))
        for iteration in range(ITERATIONS):
            if self.settled.all():
                break
            trial = np.where(self.settled[:, None], self.u, self.u + self.step)
            value = self._evaluate(trial, log)
            good = ~self.settled & self._is_better(value)
            self._take(good, trial, value)
            self.step = np.where(good[:, None], self.step, self.step / 2)
            self._propose(good)
            done = float(self.settled.mean())
            log.note(max(done, iteration / ITERATIONS), stage="intervals", iteration=iteration, cost=self.least)

    def _evaluate(self, u: np.ndarray, log: Log) -> CostEvaluation:
        log.count(len(u), u.shape[1])
        return jax.tree.map(np.array, evaluate(self.problem, u, self.m0, np.float64(np.inf), self.near))

    def _is_better(self, value: CostEvaluation) -> np.ndarray:
        """Whether χ² (L,) is as near to its level as it was, or about there: a step too far is halved."""
        aim = self.least + self.level
        with np.errstate(invalid="ignore"):
            return np.abs(value.cost - aim) <= np.maximum(np.abs(self.now.cost - aim), self.level / 2)

    def _take(self, good: np.ndarray, u: np.ndarray, value: CostEvaluation) -> None:
        pairs = [(self.u, u), (self.now.cost, value.cost), (self.now.gradient, value.gradient)]
        pairs.append((self.now.curvature, value.curvature))
        if jax.tree.structure(value.near) == jax.tree.structure(self.near):
            pairs += zip(jax.tree.leaves(self.near), jax.tree.leaves(value.near), strict=True)
        for mine, theirs in pairs:
            mine[good] = theirs[good]

    def _propose(self, which: np.ndarray) -> None:
        """The steps of some lanes to where their parameter is farthest on the level of the parabola of χ² here."""
        for lane in np.flatnonzero(which):
            place, sign = self.places[lane], self.signs[lane]
            step = _to_edge(
                self.now.gradient[lane],
                self.now.curvature[lane],
                self.least + self.level - float(self.now.cost[lane]),
                (place, sign),
            )
            far = sign * (self.u[lane, place] - self.best[place])
            self.settled[lane] = far > 0 and abs(step[place]) <= SETTLED * far
            self.step[lane] = step * min(1.0, LARGEST_STEP / max(float(np.abs(step).max()), 1e-300))


def _to_edge(gradient: np.ndarray, curvature: np.ndarray, rise: float, edge: tuple[int, float]) -> np.ndarray:
    """The step s (p,) to the largest ±sᵢ with 2 gᵀs + sᵀGs = rise, of Jᵀr = g and JᵀJ = G.

    s = −G⁻¹g ± √((rise + gᵀG⁻¹g)/(G⁻¹)ᵢᵢ) G⁻¹eᵢ; directions that change nothing are not gone along.
    """
    place, sign = edge
    length = np.sqrt(np.maximum(np.diag(curvature), 1e-300))
    values, vectors = np.linalg.eigh(curvature / np.outer(length, length))
    kept = values > SINGULAR * values.max(initial=0.0)
    inverse = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T / np.outer(length, length)
    down = inverse @ gradient
    width = max(rise + float(gradient @ down), 0.0) / max(float(inverse[place, place]), 1e-300)
    return sign * math.sqrt(width) * inverse[:, place] - down
