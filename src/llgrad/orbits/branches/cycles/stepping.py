"""A closed orbit of a device with one of its numbers left open: Newton's method for states, period and number.

Unknown are N states round the orbit, its period T and the number p. Every step of the N is closed as in
`cycle/shooting.py`; two more conditions fix the phase, Σ_k f_k · δ_k = 0, and where on the branch the orbit is: a plane
across a direction. With the derivative of each step by p the corrections are δ_{k+1} = Φ_k δ_k + r_k + g_k τ + h_k π.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.devices.arrays.system_array import SystemArray
from llgrad.devices.system import System
from llgrad.orbits.branches.family import FollowedRange, set_value
from llgrad.orbits.cycle.finding import with_arrays
from llgrad.orbits.cycle.shooting import LARGEST_TURN, Chain, chained, products
from llgrad.orbits.flow import Flow, begun, flow_of

ITERATIONS: Final = 10
CLOSED: Final = 1e-9
"""Size of the last correction of an orbit that is closed."""
ROUNDING: Final = 1e-11
"""A correction of this size, before it is made, is rounding."""


class CycleFamily(eqx.Module):
    """The cycles of a device over one of its numbers."""

    device: Any
    """With its numbers as arrays."""
    start: Any
    """State (n,) in which a run of it begins."""
    plain: Any
    """Unit (P,) of each number that is of no unit vector."""
    scale: Any
    """Unit (n,) of each component: 1 of a unit vector."""
    turned: Any
    """Whether each component (n,) is one of a unit vector."""
    size: Any
    """Unit of the number: the range over which it is followed."""
    path: str = eqx.field(static=True)
    time: float | None = eqx.field(static=True)
    """0 of a System, whose rate was seen not to depend on it."""
    inner: int = eqx.field(static=True, default=1)
    """How many steps each step between states is (`Flow.inner`), where some motion is much faster than the turning."""

    def flow(self, value: Any) -> Flow:
        """The flow at a value of the number."""
        flow = with_arrays(flow_of(set_value(self.device, self.path, value), self.time, self.plain))
        return dataclasses.replace(flow, inner=self.inner)


class OrbitPlace(NamedTuple):
    """States round an orbit, or near one."""

    states: Any
    """(N, n)"""
    period: Any
    """[ns]"""
    value: Any
    """Of the number."""


class Direction(NamedTuple):
    """A direction in the space of places, of length 1 in their units."""

    states: Any
    """(N, n)"""
    period: Any
    """d ln T"""
    value: Any
    """In the unit of the number."""


class BranchStep(NamedTuple):
    """A closed orbit, with the branch's direction there."""

    place: OrbitPlace
    along: Direction
    length: Any
    """Unit (n,) in which changes of the states are measured there."""
    left: Any
    """Size of the last correction."""
    error: Any
    """Of the orbit, by steps of half the length, relative."""
    transversal: Any
    """(d − 1, d − 1): what a period makes of deviations across the motion."""
    matrix: Any
    """(d + 2, d + 2) of the equations for deviations of the first state, ln T and the number: of a closed orbit, of the
    phase, of the plane."""
    speeds: Any
    """|f| (N,) in units of the states [1/ns]."""


def length_of(family: CycleFamily, states: np.ndarray) -> np.ndarray:
    """Units (n,) of changes of the states (N, n): their scale, or their own size where an orbit is larger."""
    radius = np.sqrt(((states - states.mean(0)) ** 2).mean(0))
    return np.where(family.turned, 1.0, np.maximum(family.scale, radius))


def cycle_family_of(device: Any, span: FollowedRange) -> CycleFamily:
    """The cycles of a device over a range of one of its numbers. Raises ValueError for a rate of the time."""
    middle = set_value(device, span.path, (span.start + span.stop) / 2)
    flow = flow_of(middle, what="closed orbit")
    turned = np.ones(flow.size, bool)
    turned[list(flow.shape.plain)] = False
    scale = np.ones(flow.size)
    scale[~turned] = np.asarray(flow.scale)
    given = with_arrays(middle), begun(flow, middle), flow.scale, jnp.asarray(scale), jnp.asarray(turned)
    time = 0.0 if isinstance(middle, (System, SystemArray)) else None
    return CycleFamily(*given, jnp.asarray(span.stop - span.start), span.path, time)


def chain_over(family: CycleFamily, place: OrbitPlace) -> tuple[Chain, Any]:
    """The steps between states, linearised, and their derivatives h_k (N, d) by the number in its unit."""
    states, period, value = place
    flow = family.flow(value)
    basis = jax.vmap(flow.basis)(states)

    def ends_of(y: Any, value: Any) -> Any:
        at = family.flow(value)
        return jax.vmap(lambda y: at.run(y, period / len(states), 1)[-1])(y)

    d = basis.shape[2]
    pushes = jnp.concatenate([jnp.moveaxis(basis, 2, 0), jnp.zeros((1, *states.shape), states.dtype)])
    numbers = jnp.zeros(d + 1, states.dtype).at[d].set(family.size)
    ends, moved = jax.vmap(lambda y, p: jax.jvp(ends_of, (states, value), (y, p)))(pushes, numbers)
    chain = chained(flow, states, basis, ends[0], jnp.moveaxis(moved[:d], 0, 2))
    return chain, jnp.einsum("kni,kn->ki", jnp.roll(basis, -1, 0), moved[d])


@quick_jit
def _iterated(
    family: CycleFamily, place: OrbitPlace, predicted: OrbitPlace, across: Direction, length: Any
) -> tuple[Any, ...]:
    """One iteration of Newton's method: its correction as a place, its size, and what is told of a `BranchStep`, all of
    them at the place before the correction."""
    flow = family.flow(place.value)
    chain, column = chain_over(family, place)
    row = across._replace(states=jnp.einsum("kni,kn->ki", chain.basis, across.states / length**2))
    halves = jax.vmap(lambda y: flow.run(y, place.period / len(place.states), 2)[-1])(place.states)
    halves = jnp.einsum("kni,kn->ki", jnp.roll(chain.basis, -1, 0), halves - jnp.roll(place.states, -1, 0))
    equations = _bordered(chain, column, halves, place.period, row)
    off = jnp.sum(across.states / length**2 * (place.states - predicted.states)) / len(place.states)
    off = off + across.period * jnp.log(place.period / predicted.period)
    off = off + across.value * (place.value - predicted.value) / family.size
    change, tangent, wrong = _solved(equations, off)
    largest = _size_of(chain, change, length)
    factor = jnp.minimum(1.0, LARGEST_TURN / largest)
    moves = jnp.einsum("kni,ki->kn", chain.basis, change.states)
    there = OrbitPlace(
        jax.vmap(flow.on_sphere)(place.states + factor * moves),
        place.period * jnp.exp(factor * change.period),
        place.value + factor * change.value * family.size,
    )
    along = unit(tangent._replace(states=jnp.einsum("kni,ki->kn", chain.basis, tangent.states)), length)
    extent = jnp.max(jnp.abs((place.states - place.states.mean(0)) / length))
    shown = wrong._replace(states=wrong.states / jnp.maximum(extent, 1e-300))
    speeds = jnp.sqrt(jnp.sum((jnp.einsum("kni,ki->kn", chain.basis, chain.along) / length) ** 2, 1))
    told = along, _size_of(chain, shown, length), transversal_of(chain), equations.matrix, speeds
    return there, largest, told


class _Bordered(NamedTuple):
    """The linear equations for corrections, reduced to those of the first state, the period and the number."""

    A: Any
    """(N, d, d), before each state."""
    B: Any
    """(N, d, 4) of gaps, gaps with steps of half the length, ln T and the number."""
    matrix: Any
    sides: Any
    """(d + 2, 2) what either gaps add to the right side."""


def _bordered(chain: Chain, column: Any, halves: Any, period: Any, row: Direction) -> _Bordered:
    """The equations across a row: of the states (N, d), of ln T, of the number."""
    count, d = chain.gaps.shape
    ahead = jnp.roll(chain.along, -1, 0) * (period / count)
    A, B = products(chain.steps, jnp.stack([chain.gaps, halves, ahead, column], -1))
    before_A = jnp.concatenate([jnp.eye(d, dtype=A.dtype)[None], A[:-1]])
    before_B = jnp.concatenate([jnp.zeros((1, d, 4), A.dtype), B[:-1]])
    # the motion's size is divided out, so that the numbers are near 1
    phase = chain.along / jnp.sqrt(jnp.sum(chain.along**2))
    rows = jnp.stack([phase, row.states / count])
    by_first, by_rest = jnp.einsum("rki,kij->rj", rows, before_A), jnp.einsum("rki,kim->rm", rows, before_B)
    matrix = jnp.zeros((d + 2, d + 2), A.dtype)
    matrix = matrix.at[:d, :d].set(jnp.eye(d, dtype=A.dtype) - A[-1]).at[:d, d:].set(-B[-1, :, 2:])
    matrix = matrix.at[d:, :d].set(by_first).at[d:, d:].set(by_rest[:, 2:])
    matrix = matrix.at[d + 1, d:].add(jnp.stack([row.period, row.value]))
    return _Bordered(before_A, before_B, matrix, jnp.concatenate([B[-1, :, :2], -by_rest[:, :2]]))


def _solved(equations: _Bordered, off: Any) -> tuple[Direction, Direction, Direction]:
    """Newton's correction from a place that is so far off the plane, the direction of the branch, and what would be
    corrected with steps of half the length; of states (N, d)."""
    ahead = jnp.zeros_like(equations.sides[:, 0]).at[-1].set(1.0)
    sides = jnp.stack([equations.sides[:, 0] - off * ahead, ahead, equations.sides[:, 1]], -1)
    solved = jnp.linalg.solve(equations.matrix, sides)
    d = equations.A.shape[1]
    gaps = jnp.asarray([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], solved.dtype)
    states = jnp.einsum("kij,jm->mki", equations.A, solved[:d])
    states = states + jnp.einsum("kij,jm->mki", equations.B, jnp.concatenate([gaps, solved[d:]]))
    change, tangent, wrong = (Direction(states[m], solved[d, m], solved[d + 1, m]) for m in range(3))
    return change, tangent, wrong


def transversal_of(chain: Chain) -> Any:
    """What a period makes of deviations across the motion (d − 1, d − 1), whose eigenvalues are the multipliers without
    the 1 of the free phase.

    The motion is taken out of every step, and not of their product: what grows and decays along it, by many orders of
    magnitude where a cycle is slow somewhere, is in none of the numbers then.
    """
    d = chain.along.shape[1]
    if d == 1:
        return jnp.zeros((0, 0), chain.along.dtype)
    first = chain.along / jnp.sqrt(jnp.sum(chain.along**2, 1, keepdims=True))
    mirror = first.at[:, 0].add(jnp.where(first[:, 0] >= 0, 1.0, -1.0))
    turns = jnp.eye(d) - 2 * mirror[:, :, None] * mirror[:, None] / jnp.sum(mirror**2, 1)[:, None, None]
    across = turns[:, :, 1:]
    steps = jnp.einsum("kim,kij,kjl->kml", jnp.roll(across, -1, 0), chain.steps, across)
    return products(steps, jnp.zeros((*steps.shape[:2], 0), steps.dtype))[0][-1]


def _size_of(chain: Chain, change: Direction, length: Any) -> Any:
    moves = jnp.einsum("kni,ki->kn", chain.basis, change.states) / length
    return jnp.maximum(jnp.max(jnp.abs(moves)), jnp.maximum(jnp.abs(change.period), jnp.abs(change.value)))


def unit(along: Direction, length: Any) -> Direction:
    """A direction, brought to length 1."""
    size = jnp.sqrt(jnp.mean(jnp.sum((along.states / length) ** 2, 1)) + along.period**2 + along.value**2)
    return Direction(along.states / size, along.period / size, along.value / size)


@quick_jit
def finer(family: CycleFamily, place: OrbitPlace, along: Direction) -> tuple[OrbitPlace, Direction]:
    """The same with twice as many states."""
    flow, step = family.flow(place.value), place.period / len(place.states)
    between = jax.vmap(lambda y: flow.run(y, step / 2, 1)[-1])(place.states)
    pairs = jnp.stack([place.states, between], 1).reshape(-1, flow.size)
    middle = (along.states + jnp.roll(along.states, -1, 0)) / 2
    moves = jnp.stack([along.states, middle], 1).reshape(-1, flow.size)
    return place._replace(states=pairs), along._replace(states=moves)


@quick_jit
def deviations(family: CycleFamily, place: OrbitPlace) -> tuple[Any, Any]:
    """What each step, and all before it, make of deviations of the first state (N + 1, d, d); the bases (N, n, d)."""
    chain, _ = chain_over(family, place)
    A = products(chain.steps, jnp.zeros((*chain.steps.shape[:2], 0)))[0]
    return jnp.concatenate([jnp.eye(A.shape[1], dtype=A.dtype)[None], A]), chain.basis


def step_across(family: CycleFamily, predicted: OrbitPlace, along: Direction, length: np.ndarray) -> BranchStep | None:
    """The closed orbit, of plain numbers, in the plane through a place across a direction of length 1; None where
    Newton's method does not end there."""
    ahead, row, unit = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), (predicted, along, length))
    here, last, told = ahead, math.inf, None
    for _ in range(ITERATIONS):
        before = last
        there, largest, told = _iterated(family, here, ahead, row, unit)
        last = float(largest)
        if not math.isfinite(last):
            return None
        # before the last correction what is told would be wrong by it, so a rounding's size is waited for
        if last <= ROUNDING or (last <= CLOSED and last > before / 4):
            break
        here = there
    if told is None or last > CLOSED:
        return None
    found = BranchStep(*jax.device_get((here, told[0], length, last, *told[1:])))
    place = found.place._replace(period=float(found.place.period), value=float(found.place.value))
    fine = place.period > 0 and np.isfinite(found.along.states).all() and math.isfinite(found.error)
    return found._replace(place=place, error=float(found.error)) if fine else None


def refined(family: CycleFamily, place: OrbitPlace, along: Direction, times: int) -> tuple[OrbitPlace, Direction]:
    """A place and a direction, as plain numbers, with the number of states doubled so many times."""
    place, along = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), (place, along))
    for _ in range(times):
        place, along = finer(family, place, along)
    return jax.device_get(place), jax.device_get(along)
