"""Where a cycle may be: states round it, roughly, and a period.

Round an unstable focus the motion spirals. From states at growing distances r one turn is taken, all at once; where the
return map r → r′ crosses its diagonal downwards lies an attracting cycle.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp

from llgrad.core.speed.quick import quick_jit
from llgrad.orbits.flow import Flow

RADII: Final = 32
STEPS: Final = 96
ANGLE: Final = 0.5
"""Largest turn [rad] of a step in the linear motion: errors near 1e-5, enough for a guess."""
LARGEST_ANGLE: Final = 2.9
"""Largest distance [rad] on the sphere from the state at rest."""
SPAN: Final = (1e-3, 30.0)
"""Distances of states without a unit vector, in parts of the start's from the state at rest."""
NEWTON_STEPS: Final = 25
STILL: Final = 1e-9
"""What is left of the motion at rest, over the fastest rate."""
LONGEST: Final = 0.5
"""Largest step of Newton's method to a state at rest [rad], or in parts of the state."""


class LinearRest(NamedTuple):
    """A state at rest and its linear motion."""

    state: Any
    """(n,)"""
    slope: Any
    """What is left of |f| [1/ns], over its fastest rate times the state's size: 0 where it rests."""
    matrix: Any
    """(d, d) [1/ns], in `basis`."""
    basis: Any


class CycleGuess(NamedTuple):
    """States (N, n) round a cycle, its period [ns], and whether there is one."""

    states: Any
    period: Any
    found: Any
    bistable: Any
    """Whether the state at rest attracts."""
    between: Any
    """(2,) distances from the state at rest, between which it lies."""
    stiffness: Any
    """The fastest rate at rest over that of the turning."""


def rest_near(flow: Flow, y: Any) -> LinearRest:
    """The state at rest that Newton's method finds from y (n,)."""

    def linear(y: Any) -> tuple[Any, Any, Any]:
        basis = flow.basis(y)
        slope, moved = jax.vmap(lambda v: jax.jvp(flow.slope, (y,), (v,)), 1, (None, 1))(basis)
        return basis, basis.T @ slope, basis.T @ moved

    def step(_: Any, y: Any) -> Any:
        basis, slope, matrix = linear(y)
        change = -jnp.linalg.lstsq(matrix, slope)[0]
        size = jnp.sqrt(jnp.sum(change**2))
        longest = LONGEST * jnp.maximum(1.0, jnp.sqrt(jnp.sum(y * y)))
        return flow.on_sphere(y + basis @ (change * jnp.minimum(1.0, longest / jnp.maximum(size, 1e-300))))

    y = jax.lax.fori_loop(0, NEWTON_STEPS, step, y)
    basis, slope, matrix = linear(y)
    rate = jnp.sqrt(jnp.sum(matrix**2)) * jnp.maximum(jnp.sqrt(jnp.sum(y * y)), 1e-300)
    return LinearRest(y, jnp.sqrt(jnp.sum(slope**2)) / rate, matrix, basis)


@quick_jit
def spiral(flow: Flow, start: Any, count: int, between: Any = (0.0, 0.0)) -> CycleGuess:
    """The nearest attracting cycle round the focus near `start` (n,), as `count` states; no derivative.

    Looked for at all distances from the state at rest, or `between` two where the second is not 0.
    """
    flow, start = jax.lax.stop_gradient((flow, start))
    rest = rest_near(flow, start)
    plane, fastest, turning = _plane(rest)
    low, high = jnp.asarray(between, start.dtype)
    inside = low + (high - low) * jnp.linspace(0.0, 1.0, RADII, dtype=start.dtype)
    radii = jnp.where(high > 0, inside, _radii(flow, rest.state, start))
    lanes = jax.vmap(lambda r: _away(flow, rest.state, plane[0] * r))(radii)
    interval = ANGLE * flow.inner / fastest
    paths = jax.vmap(lambda y: flow.run(y, STEPS * interval, STEPS))(lanes)
    returns = jax.vmap(lambda y, path: _first_return(flow, rest.state, plane, y, path, interval))(lanes, paths)
    growth, time, _ = returns
    falls = (growth[:-1] > 0) & (growth[1:] <= 0)
    place = jnp.argmax(falls)
    share = growth[place] / (growth[place] - growth[place + 1])
    states = flow.on_sphere(lanes[place] + share * (lanes[place + 1] - lanes[place]))
    period = time[place] + share * (time[place + 1] - time[place])
    path = flow.run(states, period, count)
    found = falls.any() & jnp.isfinite(path).all() & jnp.isfinite(period)
    bracket = jnp.stack([radii[place], radii[place + 1]])
    still = (rest.slope < STILL) & (jnp.max(jnp.linalg.eigvals(rest.matrix).real) < 0)
    return CycleGuess(jnp.concatenate([states[None], path[:-1]]), period, found, still, bracket, fastest / turning)


def _plane(rest: LinearRest) -> tuple[Any, Any, Any]:
    """Two unit vectors (2, n) that span the plane of the least damped turning, the fastest rate, and that of this
    plane [1/ns], 0 where nothing turns."""
    values, vectors = jnp.linalg.eig(rest.matrix)
    turning = jnp.abs(values.imag) > 1e-6 * jnp.max(jnp.abs(values))
    least = jnp.argmax(jnp.where(turning, values.real, -jnp.inf))
    vector = vectors[:, least]
    first = rest.basis @ vector.real
    first = first / jnp.sqrt(jnp.sum(first**2))
    second = rest.basis @ vector.imag
    second = second - first * jnp.sum(first * second)
    second = second / jnp.sqrt(jnp.sum(second**2))
    turns = jnp.sum(second * (rest.basis @ (rest.matrix @ (rest.basis.T @ first))))
    rate = jnp.where(turning.any(), jnp.abs(values[least]), 0.0)
    return jnp.stack([first, second * jnp.sign(turns)]), jnp.max(jnp.abs(values)), rate


def _radii(flow: Flow, rest: Any, start: Any) -> Any:
    if flow.shape.spins:
        return jnp.linspace(0.02, 1.0, RADII, dtype=rest.dtype) ** 1.5 * LARGEST_ANGLE
    away = jnp.sqrt(jnp.sum((start - rest) ** 2))
    unit = jnp.where(away > 0, away, 1.0)
    return unit * jnp.exp(jnp.linspace(math.log(SPAN[0]), math.log(SPAN[1]), RADII, dtype=rest.dtype))


def _away(flow: Flow, rest: Any, move: Any) -> Any:
    """The state at a distance from the state at rest: on a great circle of each unit vector, straight of the others."""
    parts, moves = flow.parts(rest), flow.parts(move)
    result = flow.parts(rest + move)
    for spin in flow.equation.layout.spins:
        angle = jnp.sqrt(sum(moves[i] ** 2 for i in spin))
        safe = jnp.where(angle > 0, angle, 1.0)
        for i in spin:
            result[i] = parts[i] * jnp.cos(angle) + jnp.where(angle > 0, moves[i] * (jnp.sin(angle) / safe), 0.0)
    return flow.joined(result)


def _crossing(flow: Flow, rest: Any, across: Any, last: Any, time: Any) -> tuple[Any, Any]:
    """Where a step of a length [ns] crosses a plane through `rest`, to first order, and how late it is [ns]."""
    state = flow.run(last, time, 1)[-1]
    slope = flow.slope(state)
    late = jnp.sum((state - rest) * across) / jnp.sum(slope * across)
    return state - slope * late, late


def _first_return(flow: Flow, rest: Any, plane: Any, start: Any, path: Any, interval: Any) -> tuple[Any, Any, Any]:
    """log r′/r of the first return to the half plane through `rest`, its time [ns], and the state; NaN for none."""
    path = jnp.concatenate([start[None], path])
    across, ahead = (path - rest) @ plane[1], (path - rest) @ plane[0]
    crosses = (across[:-1] < 0) & (across[1:] >= 0) & (ahead[1:] > 0)
    crosses = crosses.at[0].set(False)  # the start itself, by rounding
    place = jnp.argmax(crosses)
    last = path[place]
    time = interval * across[place] / (across[place] - across[place + 1])
    state, late = _crossing(flow, rest, plane[1], last, time)
    state, later = _crossing(flow, rest, plane[1], last, time - late)
    time = time - late - later
    growth = jnp.log(jnp.sum((state - rest) ** 2) / jnp.sum((start - rest) ** 2)) / 2
    return jnp.where(crosses.any(), growth, jnp.nan), place * interval + time, state
