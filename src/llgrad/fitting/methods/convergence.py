"""When a search has come to a minimum: one test for every method."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from llgrad.fitting.problem import CostEvaluation, Problem
from llgrad.fitting.targets.starting import is_start

NEAR: Final = 0.1
"""A minimum is reached within this part of a standard error."""
STEP: Final = 0.05
"""Largest step to the minimum, in unbounded parameters (a relative change, for most bounds)."""
EXACT: Final = 1e-8
"""Data without noise: a minimum is reached where the prediction would change by this part of the signal."""
UNSEEN: Final = 1e-13
"""Slopes below this part of the signal, for a step of 1, are rounding."""
SINGULAR: Final = 1e-12
"""Relative eigenvalue of the scaled JᵀJ below which a combination of parameters changes nothing."""


def at_minimum(problem: Problem, u: np.ndarray, value: CostEvaluation) -> np.ndarray:
    """Whether each start (S,) is at a minimum: its gradient is small, and so is the step that is left.

    With H = JᵀJ, g = Jᵀr and the Gauss–Newton step δ = −H⁻¹g, all on the whole recordings:

    - gᵀH⁻¹g, the square of the distance to the minimum in standard errors times s², is below s²/100, where
      s² = Σr²/(M − p) is the variance of a residual (or below what is rounding in data without noise);
    - every |δ| is below 0.05: far out on a flat slope the gradient is small too, but the step is not;
    - every parameter that is searched for still changes the prediction.

    Combinations that change nothing take no part: a valley has its minimum all along its floor. A parameter that the
    data push against its bound stays there, and the minimum is that of the others.
    """
    u = np.asarray(u, float)
    cost, gradient, curvature = (np.asarray(part) for part in (value.cost, value.gradient, value.curvature))
    signal, needed = sum(recording.power for recording in problem.recordings), needed_parameters(problem)
    found = np.zeros(len(u), bool)
    for i in np.flatnonzero(np.isfinite(cost)):
        values = problem.values_at(u[i])
        edges = [bound.at_edge(float(value)) for bound, value in zip(problem.bounds, values, strict=True)]
        place = Place(u[i], float(cost[i]), gradient[i], curvature[i], np.array(edges))
        found[i] = is_minimum(place, needed, signal, problem.size)
    return found


def needed_parameters(problem: Problem) -> np.ndarray:
    """Which parameters (p,) a minimum must show."""
    return np.asarray(problem.searched) & np.array([not is_start(name) for name in problem.names])


class Place(NamedTuple):
    """Where a search is: unbounded u (p,), cost, gradient (p,) and JᵀJ (p, p) there, and which parameters (p,) are at
    an edge of their bound."""

    u: np.ndarray
    cost: float
    gradient: np.ndarray
    curvature: np.ndarray
    edges: np.ndarray


def is_minimum(place: Place, needed: np.ndarray, signal: float, size: int) -> bool:
    """The test of `at_minimum` at one place, of `size` values whose signal has the power `signal`."""
    u, cost, gradient, curvature, edges = place
    pinned = edges & (gradient * u <= 0)  # the data push against an edge, where u is infinite
    length = np.sqrt(np.diag(curvature))
    seen = (length > UNSEEN * np.sqrt(signal)) & ~pinned
    if (needed & ~seen & ~pinned).any():
        return False
    step, fall = _newton(curvature[np.ix_(seen, seen)], gradient[seen], length[seen])
    variance = cost / max(size - u.size, 1)
    near = fall <= max(NEAR**2 * variance, EXACT**2 * signal)
    return bool(near and np.abs(step).max(initial=0.0) <= STEP)


def _newton(curvature: np.ndarray, gradient: np.ndarray, length: np.ndarray) -> tuple[np.ndarray, float]:
    """The Gauss–Newton step, and the fall of the cost that it promises; nothing moves along singular directions."""
    values, vectors = np.linalg.eigh(curvature / np.outer(length, length))
    along = vectors.T @ (gradient / length)
    kept = values > SINGULAR * values.max(initial=0.0)
    weights = np.where(kept, along / np.where(kept, values, 1.0), 0.0)
    return -(vectors @ weights) / length, float(along @ weights)
