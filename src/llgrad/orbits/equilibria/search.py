"""All states in which nothing moves: Newton's method from starts that cover the states, duplicates merged."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.orbits.chart import chart_at
from llgrad.orbits.equilibria.domain import rates
from llgrad.orbits.flow import Flow

BATCH: Final = 256
"""Starts that are followed at once: one program serves any number."""
STEPS: Final = 60
LONGEST_STEP: Final = 0.4
SAME: Final = 1e-6
"""States nearer than this (radians, or units of their scale) are one."""
SINGULAR: Final = 1e-7
"""A stiffness with a singular value below this, relative to the largest one, has a direction that costs nothing; each
row over how fast its number moves."""
TRIED: Final = 64
"""States at which that is looked at."""
LINKED: Final = 0.5
"""Degenerate states nearer than this belong to one curve."""


class StatesFound(NamedTuple):
    """States (E, d) with nothing left of dq/dt, each with its stiffness (E, n, n) [1/ns]."""

    states: np.ndarray
    stiffness: np.ndarray
    degenerate: np.ndarray
    """(E,) whether a direction costs nothing, to the first order."""
    family: np.ndarray
    """(E,) how many of the states that were found each stands for: more than one is a curve of states."""


def covering(flow: Flow, centre: np.ndarray, half_width: np.ndarray, number: int) -> np.ndarray:
    """Starts (S, d) spread evenly over all directions of the unit vectors and over a box of the other components."""
    from scipy.stats import qmc  # takes a second to import

    shape = flow.shape
    k = len(shape.spins)
    axes = np.vstack([np.eye(3)[[2, 0, 1]], -np.eye(3)[[2, 0, 1]]])
    corners = 0 if not k else 6**k if 2 * 6**k <= number else 6
    points = qmc.Halton(max(shape.freedom, 1), scramble=False).random(max(number - corners, 0) + 1)[1:]
    z, azimuth = 2 * points[:, 0 : 2 * k : 2] - 1, 2 * np.pi * points[:, 1 : 2 * k : 2]
    across = np.sqrt(1 - z**2)
    spins = np.stack([across * np.cos(azimuth), across * np.sin(azimuth), z], axis=-1)
    if corners > 6 or k == 1:
        spins = np.concatenate([np.array(list(itertools.product(axes, repeat=k))), spins])
    elif k:
        spins = np.concatenate([np.repeat(axes[:, None], k, axis=1), spins])
    plain = centre + half_width * (2 * np.resize(points[:, 2 * k :], (len(spins), len(shape.plain))) - 1)
    starts = np.empty((len(spins), shape.size))
    for place, columns in enumerate(shape.spins):
        starts[:, columns] = spins[:, place]
    starts[:, list(shape.plain)] = plain
    return starts


def find(flow: Flow, starts: np.ndarray) -> StatesFound:
    """The states that Newton's method reaches from any of the starts (S, d)."""
    pieces = np.resize(starts, (-(-len(starts) // BATCH), BATCH, starts.shape[1]))
    found = [jax.tree.map(np.asarray, _converge(flow, jnp.asarray(piece))) for piece in pieces]
    states, last_step, left, stiffness = (np.concatenate(part) for part in zip(*found, strict=True))
    with np.errstate(invalid="ignore"):
        good = np.isfinite(states.sum(axis=1) + stiffness.sum(axis=(1, 2)))
        matrices = np.where(good[:, None, None], stiffness, 0.0)
        sizes = np.linalg.svd(matrices / _speeds(flow, starts)[:, None], compute_uv=False)
        smooth = sizes[:, -1] > SINGULAR * sizes[:, 0]
        # a step may end where its matrix is singular and yet something moves
        still = left <= 1e-9 * np.linalg.norm(matrices, 2, (1, 2))
        good &= still & (last_step < np.where(smooth, 1e-9, 1e-4))
    states, stiffness, smooth = states[good], stiffness[good], smooth[good]
    return _merged(flow, states, stiffness, ~smooth)


def _speeds(flow: Flow, starts: np.ndarray) -> np.ndarray:
    """How fast each coordinate moves (n,), relative to the fastest: a number that follows at once makes no other's
    direction one that costs nothing. Of unit vectors alone 1."""
    spins, plain = flow.shape.spins, list(flow.shape.plain)
    if not plain:
        return np.ones(flow.shape.freedom)
    states = covering(flow, starts[:, plain].mean(axis=0), np.asarray(flow.scale), TRIED)
    moved = np.abs(rates(flow, states))
    turns = [np.linalg.norm(moved[:, columns], axis=1) for columns in spins for _ in range(2)]
    speeds = np.array([*turns, *(moved[:, plain] / np.asarray(flow.scale)).T]).max(axis=1)
    largest = float(speeds.max())
    return np.where((speeds > 0) & np.isfinite(speeds), speeds / largest, 1.0) if largest > 0 else np.ones(len(speeds))


def _merged(flow: Flow, states: np.ndarray, stiffness: np.ndarray, degenerate: np.ndarray) -> StatesFound:
    """One of each group of states that are the same; of degenerate ones, one of each group that hangs together."""
    points = normalised(flow, states)
    chosen, family = [], []
    free = np.ones(len(points), bool)
    for place in [*np.flatnonzero(~degenerate).tolist(), *np.flatnonzero(degenerate).tolist()]:
        if not free[place]:
            continue
        # one that converged slowly beside a state that is not degenerate is that state
        near = _reached(points, place, free & degenerate) if degenerate[place] else _distance(points, place) < SAME
        different = len(_distinct(points[near])) if degenerate[place] else 1
        free &= ~near
        if not degenerate[place]:
            free &= ~(degenerate & (_distance(points, place) < 1e-3))
        chosen.append(place)
        family.append(different)
    return StatesFound(states[chosen], stiffness[chosen], degenerate[chosen], np.array(family, int))


def normalised(flow: Flow, states: np.ndarray) -> np.ndarray:
    """States (…, d) with each component that is no unit vector in its own unit."""
    plain = list(flow.shape.plain)
    found = np.array(states)
    found[..., plain] /= np.asarray(flow.scale)
    return found


def _distance(points: np.ndarray, place: int) -> np.ndarray:
    return np.sqrt(((points - points[place]) ** 2).sum(axis=1))


def _reached(points: np.ndarray, place: int, among: np.ndarray) -> np.ndarray:
    """Which of the points hang together with one, from neighbour to neighbour."""
    inside = np.zeros(len(points), bool)
    inside[place] = True
    while True:
        near = np.zeros(len(points), bool)
        for one in np.flatnonzero(inside).tolist():
            near |= _distance(points, one) < LINKED
        grown = inside | (near & among)
        if (grown == inside).all():
            return inside
        inside = grown


def _distinct(points: np.ndarray) -> np.ndarray:
    return np.unique(points.round(3), axis=0)


@partial(quick_jit, compiled=jax.jit)
def _converge(flow: Flow, starts: Any) -> tuple[Any, Any, Any, Any]:
    """States (S, d), length (S,) of the last step, and what was left of dq/dt and its slope (S, n, n) before it."""

    def turned(_: Any, now: tuple[Any, Any, Any, Any]) -> tuple[Any, Any, Any, Any]:
        chart = chart_at(flow, now[0])
        zero = jnp.zeros(flow.shape.freedom, starts.dtype)
        slope = jax.jacfwd(lambda q: chart.velocity(flow, q))(zero)
        left = chart.velocity(flow, zero)
        q = -jnp.linalg.pinv(slope, rtol=1e-11) @ left
        size = jnp.sqrt(jnp.sum(q * q))
        moved = chart.state(flow, q * jnp.minimum(1.0, LONGEST_STEP / jnp.maximum(size, 1e-30)))
        return moved, size, jnp.sqrt(jnp.sum(left * left)), slope

    n = flow.shape.freedom
    none = jnp.zeros((), starts.dtype)
    begun = jnp.zeros((n, n), starts.dtype)
    return jax.vmap(lambda y: jax.lax.fori_loop(0, STEPS, turned, (y, none, none, begun)))(starts)
