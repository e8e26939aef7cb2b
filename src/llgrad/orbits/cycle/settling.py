"""A run that falls onto its cycle, or comes to rest, for values that are known; and the guess that its last turn is."""

from __future__ import annotations

import enum
import math
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.orbits.cycle.guess import rest_near
from llgrad.orbits.cycle.newton import NewtonEnd, newton
from llgrad.orbits.cycle.solving import attracts, is_cycle
from llgrad.orbits.flow import Flow

STEPS: Final = 1024
"""Steps of a piece."""
PIECES: Final = 150
AFFORDED: Final = 3000
"""Pieces at most, times the steps that each of their steps is: of what is stiff there are fewer."""
ANGLE: Final = 0.4
NEAR: Final = 0.25
"""How near a turn must come back to where it began, in parts of its size, to be a guess."""
FARTHEST: Final = 1e100
"""A state that has grown to this runs away."""
STILL: Final = 1e-9
"""A piece that moves less than this in parts of the state is at rest."""
SHRUNK: Final = 1e-3
"""So may one that has shrunk to this and still shrinks, where the state at rest attracts."""
SLOWLY: Final = 0.1
"""So may, after the last piece, one that has shrunk at all, from this or less: near a threshold it takes long."""
PUSH: Final = 1e-3
"""By so much, in parts of the state, a run is pushed off a cycle that repels."""


class SettlingOutcome(enum.Enum):
    """How a run ended."""

    CYCLE = "a cycle"
    REST = "at rest"
    LOST = "to infinity"
    STIFF = "not, for it is too stiff"
    NEITHER = "neither"


class Settled(NamedTuple):
    """What a run fell onto."""

    outcome: SettlingOutcome
    found: NewtonEnd | None
    state: Any
    """The last state (n,)."""
    time: float
    """Time that it took [ns]."""


class _Piece(NamedTuple):
    """A piece of a run: one program, for what is computed of known numbers one by one takes longer than the run."""

    path: Any
    """(STEPS + 1, n)."""
    slope: Any
    """At its end (n,)."""
    fastest: Any
    """The fastest rate there [1/ns]."""


@quick_jit
def _piece(flow: Flow, y: Any, interval: Any) -> _Piece:
    path = jnp.concatenate([y[None], flow.run(y, STEPS * interval, STEPS)])
    end = path[-1]
    return _Piece(path, flow.slope(end), _rate_at(flow, end))


@quick_jit
def _rate(flow: Flow, y: Any) -> Any:
    return _rate_at(flow, y)


def _rate_at(flow: Flow, y: Any) -> Any:
    """The fastest rate [1/ns] of the linear motion at y."""
    basis = flow.basis(y)
    moved = jax.vmap(lambda v: jax.jvp(flow.slope, (y,), (v,))[1], 1, 1)(basis)
    return jnp.max(jnp.abs(jnp.linalg.eigvals(basis.T @ moved)))


@quick_jit
def _round(flow: Flow, y: Any, period: Any, count: int) -> Any:
    return jnp.concatenate([y[None], flow.run(y, period, count)[:-1]])


@quick_jit
def rest_and_rates(flow: Flow, y: Any) -> tuple[Any, Any, Any]:
    """The state at rest near y, how well it rests, and the eigenvalues [1/ns] there, the least damped first."""
    rest = rest_near(flow, y)
    values = jnp.linalg.eigvals(rest.matrix)
    return rest.state, rest.slope, values[jnp.argsort(-values.real)]


def settle(flow: Flow, y: Any, count: int) -> Settled:
    """Run from y until the motion repeats itself, or stops."""
    fastest = max(float(_rate(flow, y)), 1e-12)
    time, before, first, extent, size = 0.0, math.inf, math.nan, math.inf, 1.0
    for _ in range(min(PIECES, max(1, AFFORDED // flow.inner))):
        interval = ANGLE * flow.inner / fastest
        piece = _piece(flow, y, jnp.asarray(interval))  # a float would compile anew
        path = np.asarray(piece.path)
        time += STEPS * interval
        if not (np.abs(path) < FARTHEST).all():
            return Settled(SettlingOutcome.LOST, None, y, time)
        half = path[STEPS // 2 :]
        size = max(float(np.abs(path).max()), 1e-300)
        extent = float(np.abs(half - half.mean(0)).max()) / size
        y, fastest = jnp.asarray(path[-1]), max(fastest, float(piece.fastest))
        if extent < STILL or (extent < SHRUNK and extent < 0.99 * before and _is_at_rest(flow, y, extent * size)):
            return Settled(SettlingOutcome.REST, None, y, time)
        guess = last_turn(path, np.asarray(piece.slope))
        if guess is not None:
            period = jnp.asarray(guess * interval)
            found = newton(flow, _round(flow, y, period, count), period)
            if bool(is_cycle(flow, found)) and _is_near(found, path):
                if bool(attracts(found)):
                    return Settled(SettlingOutcome.CYCLE, found, y, time)
                y = _pushed_off(flow, y, size)  # equal members that begin equal stay so, even where that repels
                fastest = max(fastest, float(_rate(flow, y)))
        before, first = extent, extent if math.isnan(first) else first
    slowly = extent < min(first, SLOWLY) and _is_at_rest(flow, y, extent * size)
    return Settled(SettlingOutcome.REST if slowly else SettlingOutcome.NEITHER, None, y, time)


def _pushed_off(flow: Flow, y: Any, size: float) -> Any:
    return flow.on_sphere(y + PUSH * size * np.random.default_rng(0).standard_normal(flow.size))


def _is_at_rest(flow: Flow, y: Any, extent: float) -> bool:
    state, slope, values = map(np.asarray, rest_and_rates(flow, y))
    near = float(np.abs(state - np.asarray(y)).max()) < 10 * extent
    return near and float(slope) < 1e-9 and float(values[0].real) < 0


def _is_near(found: NewtonEnd, path: np.ndarray) -> bool:
    """Whether a cycle is the one that the run is on: of its size, and through its states."""
    states = np.asarray(found.states)
    size = np.abs(states - states.mean(0)).max()
    return float(np.sqrt(((states - path[-1]) ** 2).sum(1)).min()) < 2 * size


def last_turn(path: np.ndarray, slope: np.ndarray) -> float | None:
    """How many steps ago a run (S, n) last came by its last state, whose slope is given, in the same direction; None
    where it did not."""
    end, size = path[-1], np.sqrt(((path - path.mean(0)) ** 2).sum(1)).max()
    height = (path - end) @ slope
    crossings = np.flatnonzero((height[:-2] < 0) & (height[1:-1] >= 0))
    share = height[crossings] / (height[crossings] - height[crossings + 1])
    crossed = path[crossings] + share[:, None] * (path[crossings + 1] - path[crossings])
    distance = np.sqrt(((crossed - end) ** 2).sum(1))
    close = distance < NEAR * 2 * size
    if not close.any():
        return None
    last = np.flatnonzero(close & (distance <= 2 * distance[close].min() + 0.02 * size))[-1]
    return len(path) - 1 - float(crossings[last] + share[last])
