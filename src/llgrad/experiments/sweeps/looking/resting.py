"""The states at rest at every point: Newton's method from starts all over, of all points side by side."""

from __future__ import annotations

from functools import partial
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.experiments.sweeps.looking.points import Points, flow_at, in_portions
from llgrad.orbits.cycle.guess import LONGEST, STILL
from llgrad.orbits.equilibria.domain import domain_of, sum_of_indices
from llgrad.orbits.equilibria.modes import NEUTRAL
from llgrad.orbits.equilibria.search import SAME, SINGULAR, covering
from llgrad.orbits.flow import Flow, flow_of

STARTS: Final = (20, 160)
"""Starts at each point: to begin with, and where the indices of what was found do not add up."""
ITERATIONS: Final = 24


class Resting(NamedTuple):
    """States at rest at each point, S at most; the others are NaN."""

    states: np.ndarray
    """(B, S, n)"""
    matrices: np.ndarray
    """∂f/∂y (B, S, d, d) [1/ns] in the directions in which a state can move."""
    growing: np.ndarray
    """(B, S) in how many directions deviations grow; −1 where there is no state."""
    scale: np.ndarray
    """A length (n,) of each number of a state: 1 of a unit vector's."""
    complete: np.ndarray
    """Whether the indices of the states add up as they must (B,); where it is not known what they must, False."""

    @property
    def stable(self) -> np.ndarray:
        """Number (B,) of states that attract."""
        return (self.growing == 0).sum(1)

    def nearest(self, starts: np.ndarray) -> np.ndarray:
        """The attracting state (B, n) nearest to a start; NaN where none attracts."""
        gap = np.sqrt((((self.states - starts[:, None]) / self.scale) ** 2).sum(2))
        gap = np.where(self.growing == 0, gap, np.inf)
        chosen = self.states[np.arange(len(gap)), gap.argmin(1)]
        return np.where(np.isfinite(gap.min(1))[:, None], chosen, np.nan)


def resting(points: Points, places: np.ndarray, middle: Any) -> Resting:
    """All states at rest at places (K,) that are found; `middle` is the model at one of the points."""
    flow = flow_of(middle)
    domain = domain_of(flow, None)
    scale = np.ones(flow.shape.size)
    scale[list(flow.shape.plain)] = np.asarray(flow.scale)

    def of(places: np.ndarray, number: int) -> Resting:
        starts = covering(flow, domain.centre, domain.half_width, number * min(2 ** max(flow.shape.freedom - 2, 0), 8))
        expected = sum_of_indices(flow, domain, covering(flow, domain.centre, domain.half_width, number))
        states, left, matrices = in_portions(points, places, partial(_converged, jnp.asarray(starts)))
        return _told(states, left, matrices, scale, expected)

    found = of(places, STARTS[0])
    again = np.flatnonzero(~found.complete)
    if len(again) and not flow.shape.plain:
        more = of(places[again], STARTS[1])
        found = _replaced(found, again, more)
    return found


def _told(
    states: np.ndarray, left: np.ndarray, matrices: np.ndarray, scale: np.ndarray, expected: int | None
) -> Resting:
    """The different ones among the states (K, S, n) that Newton's method ended with."""
    with np.errstate(invalid="ignore"):
        good = (left < STILL) & np.isfinite(states).all(2) & np.isfinite(matrices).all((2, 3))
    safe = np.where(good[..., None], states, np.inf)
    for i in range(1, states.shape[1]):
        with np.errstate(invalid="ignore"):
            gap = (np.abs(safe[:, :i] - safe[:, i : i + 1]) / scale).max(2)
        good[:, i] &= ~((gap < SAME) & good[:, :i]).any(1)
    matrices = np.where(good[..., None, None], matrices, 0.0)
    sizes = np.linalg.svd(matrices, compute_uv=False)
    degenerate = good & (sizes[..., -1] <= SINGULAR * sizes[..., 0])
    good &= ~degenerate | (np.cumsum(degenerate, axis=1) == 1)  # of a curve of states one is enough
    most = max(int(good.sum(1).max()), 1)
    order = np.argsort(~good, axis=1, kind="stable")[:, :most]
    rows = np.arange(len(states))[:, None]
    states, matrices, good = states[rows, order], matrices[rows, order], good[rows, order]
    matrices = np.where(good[..., None, None], matrices, 0.0)
    degenerate = degenerate[rows, order]
    values = np.linalg.eigvals(matrices)
    limit = NEUTRAL * np.abs(values).max(2, keepdims=True)
    growing = np.where(good, (values.real > -limit).sum(2), -1)  # a direction that costs nothing does not decay
    # round a curve of states that closes the indices add up to 0
    total = np.where(good & ~degenerate, np.sign(np.linalg.det(matrices)), 0.0).sum(1)
    complete = np.zeros(len(states), bool) if expected is None else total == expected
    return Resting(np.where(good[..., None], states, np.nan), matrices, growing, scale, complete)


def _replaced(found: Resting, places: np.ndarray, more: Resting) -> Resting:
    """What was found, with what was found at some places by more starts."""
    wide = max(found.growing.shape[1], more.growing.shape[1])

    def widened(part: np.ndarray, fill: float) -> np.ndarray:
        width = [(0, 0), (0, wide - part.shape[1]), *([(0, 0)] * (part.ndim - 2))]
        return np.pad(part, width, constant_values=fill)

    fills = (np.nan, 0.0, -1)
    parts = [widened(part, fill) for part, fill in zip(found[:3], fills, strict=True)]
    for part, new, fill in zip(parts, more[:3], fills, strict=True):
        part[places] = widened(new, fill)
    complete = found.complete.copy()
    complete[places] = more.complete
    return Resting(parts[0], parts[1], parts[2], found.scale, complete)


@quick_jit
def _converged(seeds: Any, dynamic: Any, static: Any, starts: Any) -> tuple[Any, Any, Any]:
    """States (B, S, n), what is left of |f| over its fastest rate times the state's size, and matrices (B, S, d, d)."""

    def one(dynamic: Any, seed: Any) -> tuple[Any, Any, Any]:
        flow = flow_at(dynamic, static)
        y = jax.lax.fori_loop(0, ITERATIONS, lambda _, y: _step(flow, y), seed)
        _, slope, matrix = _linear(flow, y)
        rate = jnp.sqrt(jnp.sum(matrix**2)) * jnp.maximum(jnp.sqrt(jnp.sum(y * y)), 1e-300)
        return y, jnp.sqrt(jnp.sum(slope**2)) / rate, matrix

    return jax.vmap(lambda dynamic: jax.vmap(lambda seed: one(dynamic, seed))(seeds))(dynamic)


def _linear(flow: Flow, y: Any) -> tuple[Any, Any, Any]:
    basis = flow.basis(y)
    slope, moved = jax.vmap(lambda v: jax.jvp(flow.slope, (y,), (v,)), 1, (None, 1))(basis)
    return basis, basis.T @ slope, basis.T @ moved


def _step(flow: Flow, y: Any) -> Any:
    basis, slope, matrix = _linear(flow, y)
    change = -_solve(matrix, slope)
    size = jnp.sqrt(jnp.sum(change**2))
    longest = LONGEST * jnp.maximum(1.0, jnp.sqrt(jnp.sum(y * y)))
    return flow.on_sphere(y + basis @ (change * jnp.minimum(1.0, longest / jnp.maximum(size, 1e-300))))


def _solve(matrix: Any, right: Any) -> Any:
    """Of two unknowns in closed form: a library's call for each point and start would take longest."""
    if len(right) != 2:
        return jnp.linalg.solve(matrix, right)
    (a, b), (c, d) = matrix
    determinant = a * d - b * c
    safe = jnp.where(determinant == 0, jnp.finfo(right.dtype).tiny, determinant)
    return jnp.stack([d * right[0] - b * right[1], a * right[1] - c * right[0]]) / safe
