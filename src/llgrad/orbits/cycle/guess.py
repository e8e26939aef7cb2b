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
from llgrad.orbits.cycle.native import spiral_guess
from llgrad.orbits.flow import STEPPER, Flow

RADII: Final = 32
STEPS: Final = 96
PIECE: Final = 24
"""Steps that are taken at a time: most turns end in the first of them."""
ANGLE: Final = 0.5
"""Largest turn [rad] of a step in the linear motion: errors near 1e-5, enough for a guess."""
SMALLEST: Final = 0.02
LARGEST_ANGLE: Final = 2.9
"""Largest distance [rad] on the sphere from the state at rest."""
SPAN: Final = (1e-3, 30.0)
"""Distances of states without a unit vector, in parts of the start's from the state at rest."""
NEWTON_STEPS: Final = 25
TURNS: Final = 1e-6
"""Eigenvalues of a smaller imaginary part, in parts of the fastest rate, turn nothing."""
RESTS: Final = 16
"""A step of so many roundings is the last one."""
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

    def goes_on(now: Any) -> Any:
        _, size, count, _ = now
        return (size > RESTS * jnp.finfo(y.dtype).eps) & (count < NEWTON_STEPS)

    def step(now: Any) -> Any:
        y, _, count, (basis, slope, matrix) = now
        change = -_least_squares(matrix, slope)
        size, whole = jnp.sqrt(jnp.sum(change**2)), jnp.sqrt(jnp.sum(y * y))
        longest = LONGEST * jnp.maximum(1.0, whole)
        y = flow.on_sphere(y + basis @ (change * jnp.minimum(1.0, longest / jnp.maximum(size, 1e-300))))
        return y, size / jnp.maximum(whole, 1e-300), count + 1, linear(y)

    y, _, _, (basis, slope, matrix) = jax.lax.while_loop(goes_on, step, (y, jnp.inf, 0, linear(y)))
    rate = jnp.sqrt(jnp.sum(matrix**2)) * jnp.maximum(jnp.sqrt(jnp.sum(y * y)), 1e-300)
    return LinearRest(y, jnp.sqrt(jnp.sum(slope**2)) / rate, matrix, basis)


def stiffness_near(flow: Flow, y: Any) -> Any:
    """The fastest rate at rest near y (n,) over that of the turning there; infinite where nothing turns."""
    fastest, _, turning, _ = _modes(rest_near(flow, y).matrix)
    return fastest / turning


def _least_squares(a: Any, b: Any) -> Any:
    """The shortest x (d,) with the least |a x − b|, a (d, d)."""
    if len(b) != 2:
        return jnp.linalg.lstsq(a, b)[0]
    # some operations in place of LAPACK; where a has one direction only, its inverse on that is aᵀ/|a|²
    size, determinant = jnp.sum(a * a), a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]
    regular = jnp.abs(determinant) > 2 * jnp.finfo(a.dtype).eps * size
    safe = jnp.where(regular, determinant, 1.0)
    whole = jnp.stack([a[1, 1] * b[0] - a[0, 1] * b[1], a[0, 0] * b[1] - a[1, 0] * b[0]]) / safe
    return jnp.where(regular, whole, (a.T @ b) / jnp.where(size > 0, size, 1.0))


@quick_jit
def spiral(flow: Flow, start: Any, count: int, between: Any = (0.0, 0.0)) -> CycleGuess:
    """The nearest attracting cycle round the focus near `start` (n,), as `count` states; no derivative.

    Looked for at all distances from the state at rest, or `between` two where the second is not 0.
    """
    flow, start = jax.lax.stop_gradient((flow, start))
    if (known := _natively(flow, start, count, between)) is not None:
        return known
    rest = rest_near(flow, start)
    plane, fastest, turning, growing = _plane(rest)
    low, high = jnp.asarray(between, start.dtype)
    inside = low + (high - low) * jnp.linspace(0.0, 1.0, RADII, dtype=start.dtype)
    radii = jnp.where(high > 0, inside, _radii(flow, rest.state, start))
    lanes = jax.vmap(lambda r: _away(flow, rest.state, plane[0] * r))(radii)
    interval = ANGLE * flow.inner / fastest
    before = _first_crossings(flow, rest.state, plane, lanes, interval)
    growth, time = jax.vmap(lambda y, last: _first_return(flow, rest.state, plane, y, last, interval))(lanes, before)
    falls = (growth[:-1] > 0) & (growth[1:] <= 0)
    place = jnp.argmax(falls)
    share = growth[place] / (growth[place] - growth[place + 1])
    states = flow.on_sphere(lanes[place] + share * (lanes[place + 1] - lanes[place]))
    period = time[place] + share * (time[place + 1] - time[place])
    path = flow.run(states, period, count)
    found = falls.any() & jnp.isfinite(path).all() & jnp.isfinite(period)
    bracket = jnp.stack([radii[place], radii[place + 1]])
    still = (rest.slope < STILL) & (growing < 0)
    return CycleGuess(jnp.concatenate([states[None], path[:-1]]), period, found, still, bracket, fastest / turning)


def _natively(flow: Flow, start: Any, count: int, between: Any) -> CycleGuess | None:
    """The same by one kernel, where there is one."""
    found = spiral_guess(
        flow,
        start,
        jnp.asarray(between, start.dtype),
        stepper=STEPPER,
        count=count,
        radii=RADII,
        steps=STEPS,
        angle=ANGLE,
        largest_angle=LARGEST_ANGLE,
        span=(math.log(SPAN[0]), math.log(SPAN[1])),
        newton_steps=NEWTON_STEPS,
        longest=LONGEST,
        rests=RESTS * float(jnp.finfo(start.dtype).eps),
        turns=TURNS,
        still=STILL,
    )
    if found is None:
        return None
    return CycleGuess(found.states, found.period, found.found, found.bistable, found.between, found.stiffness)


def _plane(rest: LinearRest) -> tuple[Any, Any, Any, Any]:
    """Two unit vectors (2, n) that span the plane of the least damped turning, the fastest rate, that of this plane
    [1/ns], 0 where nothing turns, and how fast deviations grow."""
    fastest, growing, value, vector = _modes(rest.matrix)
    first = rest.basis @ vector.real
    first = first / jnp.sqrt(jnp.sum(first**2))
    second = rest.basis @ vector.imag
    second = second - first * jnp.sum(first * second)
    second = second / jnp.sqrt(jnp.sum(second**2))
    turns = jnp.sum(second * (rest.basis @ (rest.matrix @ (rest.basis.T @ first))))
    return jnp.stack([first, second * jnp.sign(turns)]), fastest, value, growing


def _modes(matrix: Any) -> tuple[Any, Any, Any, Any]:
    """Of a matrix the largest size and real part of its eigenvalues, and of the least damped that turns its size, 0
    where none does, and its vector."""
    if len(matrix) == 2:  # some operations in place of LAPACK
        (a, b), (c, d) = matrix
        mean, square = (a + d) / 2, ((a - d) / 2) ** 2 + b * c
        root = jnp.sqrt(jnp.abs(square))
        turning = -square > TURNS**2 * (mean**2 - square)
        size = jnp.where(square < 0, jnp.sqrt(mean**2 + root**2), jnp.abs(mean) + root)
        vector = jnp.stack([jax.lax.complex(b, jnp.zeros_like(b)), jax.lax.complex((d - a) / 2, root)])
        return size, mean + jnp.where(square < 0, 0.0, root), jnp.where(turning, size, 0.0), vector
    values, vectors = jnp.linalg.eig(matrix)
    fastest = jnp.max(jnp.abs(values))
    turning = jnp.abs(values.imag) > TURNS * fastest
    least = jnp.argmax(jnp.where(turning, values.real, -jnp.inf))
    return fastest, jnp.max(values.real), jnp.where(turning.any(), jnp.abs(values[least]), 0.0), vectors[:, least]


def _radii(flow: Flow, rest: Any, start: Any) -> Any:
    if flow.shape.spins:
        return jnp.linspace(SMALLEST, 1.0, RADII, dtype=rest.dtype) ** 1.5 * LARGEST_ANGLE
    away = jnp.sqrt(jnp.sum((start - rest) ** 2))
    unit = jnp.where(away > 0, away, 1.0)
    return unit * jnp.exp(jnp.linspace(math.log(SPAN[0]), math.log(SPAN[1]), RADII, dtype=rest.dtype))


def smallest_radius(flow: Flow, start: Any) -> float:
    """The smallest of the distances from the state at rest near `start` (n,) at which cycles are looked for first."""
    return SMALLEST**1.5 * LARGEST_ANGLE if flow.shape.spins else float(_smallest(flow, start))


@quick_jit
def _smallest(flow: Flow, start: Any) -> Any:
    return jnp.min(_radii(flow, rest_near(flow, start).state, start))


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


class Crossing(NamedTuple):
    """The two states of runs (R, …) between which they come back to the half plane through `rest`."""

    there: Any
    """(R,) whether they do."""
    step: Any
    """(R,) number of the first of the two"""
    first: Any
    """(R, n)"""
    second: Any
    """(R, n)"""


def _first_crossings(flow: Flow, rest: Any, plane: Any, lanes: Any, interval: Any) -> Crossing:
    """Where runs from states (R, n) first cross the half plane: piece by piece, as long as one has not crossed it."""
    count = len(lanes)

    def goes_on(now: tuple[Any, Any, Crossing]) -> Any:
        begun, _, before = now
        return (begun < STEPS) & ~before.there.all()

    def advance(now: tuple[Any, Any, Crossing]) -> tuple[Any, Any, Crossing]:
        begun, states, before = now
        path = jax.vmap(lambda y: flow.run(y, PIECE * interval, PIECE))(states)
        path = jnp.concatenate([states[:, None], path], 1)
        across = jnp.sum((path - rest) * plane[1], 2)
        ahead = jnp.sum((path[:, 1:] - rest) * plane[0], 2)
        # the start itself crosses it by rounding
        crosses = (across[:, :-1] < 0) & (across[:, 1:] >= 0) & (ahead > 0) & (begun + jnp.arange(PIECE) > 0)
        place = jnp.argmax(crosses, 1)
        lane = jnp.arange(count)
        found = Crossing(crosses.any(1), begun + place, path[lane, place], path[lane, place + 1])
        kept = jax.tree.map(
            lambda old, new: jnp.where(before.there.reshape(count, *[1] * (old.ndim - 1)), old, new), before, found
        )
        return begun + PIECE, path[:, -1], kept

    none = Crossing(jnp.zeros(count, bool), jnp.zeros(count, int), lanes, lanes)
    return jax.lax.while_loop(goes_on, advance, (jnp.zeros((), int), lanes, none))[2]


def _first_return(flow: Flow, rest: Any, plane: Any, start: Any, before: Crossing, interval: Any) -> tuple[Any, Any]:
    """log r′/r of the first return to the half plane through `rest`, and its time [ns]; NaN for none."""
    pair = jnp.stack([before.first, before.second])
    low, high = jnp.sum((pair - rest) * plane[1], 1)
    # the time as a cubic of the distance, then a step and what is left to first order
    pace = jnp.sum(jax.vmap(flow.slope)(pair) * plane[1], 1) * interval
    part = low / (low - high)
    bend = (1 - part) * (high - low) / pace[0] - part * (high - low) / pace[1] - (1 - 2 * part)
    time = interval * jnp.clip(part + part * (1 - part) * bend, 0.0, 1.0)
    state = flow.run(before.first, time, 1)[-1]
    slope = flow.slope(state)
    late = jnp.sum((state - rest) * plane[1]) / jnp.sum(slope * plane[1])
    state = state - slope * late
    growth = jnp.log(jnp.sum((state - rest) ** 2) / jnp.sum((start - rest) ** 2)) / 2
    return jnp.where(before.there, growth, jnp.nan), before.step * interval + time - late
