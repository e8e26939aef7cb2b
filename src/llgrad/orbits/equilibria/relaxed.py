"""The one state at rest that a start relaxes to, as a function that compiles and batches: the start of every response.

Where `equilibria` searches for all of them, this goes downhill, by relaxation without precession, and so chooses the
branch; then Newton's method in the tangent plane makes it exact and carries the derivative (implicit function theorem).
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp

from llgrad.core.speed.quick import quick_jit
from llgrad.core.vector import Vec3
from llgrad.devices.oscillator import Oscillator
from llgrad.orbits.chart import Chart, chart_at, solve_small
from llgrad.orbits.flow import Flow, flow_of
from llgrad.solve.start import start_of

MOST_STEPS: Final = 3000
SMALLEST_TURN: Final = 1e-6
"""The relaxation ends when a step turns m by less than this [rad]."""
NEWTON_STEPS: Final = 6
LONGEST_STEP: Final = 0.5
"""A longer step of Newton's method [rad] is shortened."""


class Relaxed(NamedTuple):
    """A state at rest of one macrospin, differentiable once in everything that the device holds."""

    m: Vec3
    """Unit vector."""
    torque: Any
    """What is left of |m × B| [T], of the size of rounding where a state at rest was found."""
    stiffness: Any
    """∂(dq/dt)/∂q (2, 2) [1/ns], in a tangent plane."""

    @property
    def growth(self) -> Any:
        """Rate [1/s] at which small deviations grow: negative where the state is stable."""
        return growth_of(self.stiffness)

    @property
    def frequency(self) -> Any:
        """Frequency [Hz] at which small deviations ring, 0 where they creep."""
        _, below = _half_trace_and_discriminant(self.stiffness)
        rings = below < 0
        return jnp.where(rings, jnp.sqrt(jnp.where(rings, -below, 1.0)), 0.0) * (1e9 / math.tau)


class RelaxedRest(NamedTuple):
    """A state at rest as the point q of a chart that carries no derivative; q, near 0, carries it."""

    chart: Chart
    q: Any


def relaxed(device: Oscillator, m0: Any = None) -> Relaxed:
    """The state at rest that `m0` relaxes to, its stability and its ringing.

    Whether the state is stable is told by `growth`, with the device's own damping: above the threshold current of an
    oscillator the state is there and unstable. `m0` (3,) is by default 1° off the axis of lowest energy, as in
    `simulate`. May be compiled and batched, and differentiated once (by `jax.grad` or `jax.jacfwd`) in every leaf.

    >>> import llgrad as lg
    >>> still = relaxed(lg.presets.kubota2013().replace(current=0.0))
    >>> round(float(still.m.z), 6), round(float(still.frequency) / 1e9, 3)
    (1.0, 1.73)
    """
    return _relaxed(device, None if m0 is None else start_of(device, m0))


@partial(quick_jit, compiled=jax.jit)
def _relaxed(device: Oscillator, start: Vec3 | None) -> Relaxed:
    flow = flow_of(device)
    chart, q = rest_of(flow, start_of(device, start).stack())
    y = chart.state(flow, q)
    m: Vec3 = flow.state(y)
    stiffness = jax.jacfwd(lambda q: chart.velocity(flow, q))(q)
    return Relaxed(m, jnp.sqrt(m.cross(flow.field(y)).norm2()), stiffness)


def rest_of(flow: Flow, start: Any) -> RelaxedRest:
    """The state at rest of a macrospin that `start` (3,) relaxes to.

    One last step of Newton's method, whose matrix needs no derivative, gives q the derivative of the root.
    """
    frozen, start = jax.lax.stop_gradient((flow, start))
    found = jax.lax.fori_loop(0, NEWTON_STEPS, lambda _, y: _newton_step(frozen, y), _downhill(frozen, start))
    chart, zero = chart_at(flow, found), jnp.zeros(2, found.dtype)
    matrix = jax.jacfwd(lambda q: chart.velocity(frozen, q))(zero)
    return RelaxedRest(chart, -solve_small(matrix, chart.velocity(flow, zero)))


def growth_of(stiffness: Any) -> Any:
    """The larger real part [1/s] of the eigenvalues of a stiffness (2, 2) [1/ns]."""
    half_trace, below = _half_trace_and_discriminant(stiffness)
    creeps = below > 0
    return 1e9 * (half_trace + jnp.where(creeps, jnp.sqrt(jnp.where(creeps, below, 1.0)), 0.0))


def _half_trace_and_discriminant(a: Any) -> tuple[Any, Any]:
    """The eigenvalues of (2, 2) are h ± √d."""
    half_trace = (a[..., 0, 0] + a[..., 1, 1]) / 2
    return half_trace, ((a[..., 0, 0] - a[..., 1, 1]) / 2) ** 2 + a[..., 0, 1] * a[..., 1, 0]


def _downhill(flow: Flow, start: Any) -> Any:
    """Downhill along the effective field, in steps as long as its change with m allows, until m no longer turns."""

    def field_at(m: Any) -> Any:
        return flow.field(m).stack()

    def turns(state: tuple[Any, Any, Any]) -> Any:
        _, turn, count = state
        return (turn > SMALLEST_TURN) & (count < MOST_STEPS)

    def step(state: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        m, _, count = state
        field = field_at(m)
        downhill = field - m * jnp.sum(m * field)
        largest = jnp.sqrt(jnp.sum(jax.jacfwd(field_at)(m) ** 2)) + jnp.sqrt(jnp.sum(field**2))
        move = downhill / jnp.maximum(largest, jnp.finfo(m.dtype).tiny)
        there = m + move
        return there / jnp.sqrt(jnp.sum(there**2)), jnp.sqrt(jnp.sum(move**2)), count + 1

    m, _, _ = jax.lax.while_loop(turns, step, (start, jnp.ones((), start.dtype), 0))
    return m


def _newton_step(flow: Flow, y: Any) -> Any:
    chart, zero = chart_at(flow, y), jnp.zeros(2, y.dtype)

    def velocity(q: Any) -> Any:
        return chart.velocity(flow, q)

    q = -solve_small(jax.jacfwd(velocity)(zero), velocity(zero))
    length = jnp.sqrt(jnp.sum(q * q))
    return chart.state(flow, q * jnp.minimum(1.0, LONGEST_STEP / jnp.maximum(length, 1e-30)))
