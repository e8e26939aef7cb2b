"""The grid search that gradients replace: there to be compared with."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.numbers import checked_count, checked_size
from llgrad.core.record import as_count, as_number
from llgrad.devices.bounds import EDGE
from llgrad.fitting.methods.base import Begin, Log, Method, MethodEnd
from llgrad.fitting.methods.starts import reaches
from llgrad.fitting.orbits.looking import near_each
from llgrad.fitting.problem import Problem, costs, taken
from llgrad.fitting.targets.starting import is_start


class GridSearch(Method):
    """The best point of a regular grid: `points` values of each parameter within ±`span` of the start, and its bound.

    The span is relative to the start; to the size of a change that matters (`Bound.reach`) where that is zero. Tilts of
    the starting state stay at zero: a grid over them as well would take `points`² times as long.

    >>> import llgrad as lg
    >>> method = lg.fitting.GridSearch(points=5, span=0.2)  # lg.fit(…, method=method): 5 simulations for one parameter
    >>> method.points, method.span
    (5, 0.2)
    """

    points: int = eqx.field(static=True, default=11, converter=as_count)
    span: float = eqx.field(static=True, default=0.5, converter=as_number)
    batch: int = eqx.field(static=True, default=256, converter=as_count)

    def __check_init__(self) -> None:
        checked_count("points of a GridSearch", self.points, 2)
        checked_count("batch of a GridSearch", self.batch, 1)
        checked_size("the relative span of a GridSearch", self.span)

    def search(self, problem: Problem, begin: Begin, log: Log) -> MethodEnd:
        axes = self._axes(problem, begin.u[0])
        total = math.prod(len(axis) for axis in axes)
        best_cost, best_u, best_near = np.inf, np.array(begin.u[0]), None
        nodes = itertools.product(*axes)
        m0 = np.repeat(begin.m0[:1], self.batch, axis=0)
        with log.stoppable():
            for number in range(math.ceil(total / self.batch)):
                points = np.array(list(itertools.islice(nodes, self.batch)))
                padded = np.concatenate([points, np.repeat(points[-1:], self.batch - len(points), axis=0)])
                near = near_each(problem, padded, m0, log) if any(problem.near) else None
                cost = np.asarray(costs(problem, padded, m0, np.inf, near))[: len(points)]
                log.count(len(points))
                if cost.min() < best_cost:
                    best_cost, best_u = float(cost.min()), points[cost.argmin()]
                    best_near = None if near is None else taken(near, np.array([cost.argmin()]))
                log.note((number + 1) * self.batch / total, stage="grid", iteration=number, cost=best_cost)
        if not np.isfinite(best_cost):  # stopped at once
            best_cost = float(costs(problem, begin.u[:1], m0[:1], np.inf)[0])
        # a node of a grid is no minimum: nothing has converged
        return MethodEnd(best_u[None], begin.m0[:1], np.array([best_cost]), np.array([False]), log.stopped, best_near)

    def _axes(self, problem: Problem, u: np.ndarray) -> list[np.ndarray]:
        values = np.asarray(problem.physical(jnp.asarray(u)))
        axes = []
        for name, bound, value, reach in zip(
            problem.names, problem.bounds, values.tolist(), reaches(problem, values), strict=True
        ):
            if is_start(name):
                axes.append(np.array([bound.free(value)]))
                continue
            low, high = (value + (1 - EDGE) * (edge - value) for edge in bound.limits)
            ends = max(value - self.span * reach, low), min(value + self.span * reach, high)
            axes.append(np.array([bound.free(v) for v in np.linspace(*ends, self.points).tolist()]))
        return axes


def grid_simulations(spans: Mapping[str, tuple[float, float]], accuracy: Mapping[str, float]) -> int:
    """Simulations of a grid search whose nearest point is within `accuracy` of any truth: Π ⌈(high − low)/(2 ·
    accuracy)⌉.

    `spans`: the (low, high) searched for each parameter; `accuracy`: the largest error accepted, in the same units.
    """
    return math.prod(max(1, math.ceil((high - low) / (2 * accuracy[name]))) for name, (low, high) in spans.items())
