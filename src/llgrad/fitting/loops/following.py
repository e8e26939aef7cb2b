"""The search where measured loops are fitted: on from the answer of a method, over the edges of its valley.

The residuals of a loop are continuous while the device goes through the same branches. Where a branch vanishes, or a
jump leads elsewhere, they are not, and a search along slopes ends on its side of such an edge: so it is begun again
from devices around its answer, and from the best of them.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from llgrad.fitting.loops.recording import LoopRecording
from llgrad.fitting.methods.base import Begin, Log, MethodEnd
from llgrad.fitting.methods.least_squares import LevenbergMarquardt
from llgrad.fitting.problem import Problem, evaluate

ROUNDS: Final = 3
AROUND: Final = 9
"""Devices that are looked at around an answer."""
FAR: Final = (1.0, 2.0, 4.0)
"""By so many standard errors of the answer they are off."""
LARGEST: Final = 0.3
"""And by no more in any unbounded parameter."""
SEARCHED: Final = 2
"""So many of the best of them are searched from."""
WORTHWHILE: Final = 0.01
"""Variances of a residual by which Σr² must fall for another round."""
SMALL: Final = 1e-9
"""Curvature, relative to the largest, along which nothing is looked at."""


def search_over_edges(problem: Problem, found: MethodEnd, log: Log) -> MethodEnd:
    """The best search of those that begin around the answer of a method, again and again while that is won."""
    if not any(isinstance(recording, LoopRecording) for recording in problem.recordings):
        return found
    rng = np.random.default_rng(0)
    with log.stoppable():
        for _ in range(ROUNDS):
            best = int(np.argmin(found.cost))
            if found.interrupted or not np.isfinite(found.cost[best]):
                return found
            other = _around(problem, found.u[best], found.m0[best], float(found.cost[best]), rng, log)
            variance = float(found.cost[best]) / max(problem.size - found.u.shape[1], 1)
            if other is None or other.cost[0] > found.cost[best]:
                return found
            fell = float(found.cost[best] - other.cost[0])
            found = _with_best(found, best, other)
            if fell < WORTHWHILE * variance:
                return found
        return found
    return found._replace(interrupted=log.stopped)


def _with_best(found: MethodEnd, best: int, other: MethodEnd) -> MethodEnd:
    """All starts of a search, the best of them gone on."""
    for mine, theirs in (
        (found.u, other.u), (found.m0, other.m0), (found.cost, other.cost), (found.converged, other.converged)
    ):  # fmt: skip
        mine[best] = theirs[0]
    return found


def _around(
    problem: Problem, u: np.ndarray, m0: np.ndarray, cost: float, rng: np.random.Generator, log: Log
) -> MethodEnd | None:
    """The best search from the best of devices around u (p,)."""
    here = evaluate(problem, u[None], m0[None], np.inf)
    curvature = np.asarray(here.curvature[0])
    length = np.sqrt(np.maximum(np.diag(curvature), 1e-300))
    values, vectors = np.linalg.eigh(curvature / np.outer(length, length))
    spread = np.sqrt(cost / max(problem.size - len(u), 1))
    ways = vectors / np.sqrt(np.maximum(values, SMALL * values.max())) * spread / length[:, None]
    tried = []
    for number in range(AROUND):
        step = ways @ rng.normal(size=len(u)) * FAR[number % len(FAR)] / np.sqrt(len(u))
        tried.append(u + step * min(1.0, LARGEST / max(float(np.abs(step).max()), 1e-300)))
    states = np.repeat(m0[None], len(tried), axis=0)
    costs = np.asarray(evaluate(problem, np.array(tried), states, np.inf).cost)
    log.count(len(tried), len(u))
    log.note(0.9, stage="around", iteration=0, cost=float(costs.min()))
    chosen = [tried[i] for i in np.argsort(costs)[:SEARCHED] if np.isfinite(costs[i])]
    if not chosen:
        return None
    begin = Begin(np.array(chosen), states[: len(chosen)])
    other = LevenbergMarquardt(grow=False, iterations=20).search(problem, begin, log)
    i = int(np.argmin(other.cost))
    return MethodEnd(
        other.u[i][None], other.m0[i][None], other.cost[i][None], other.converged[i][None], other.interrupted
    )
