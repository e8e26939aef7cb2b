"""The static state of a device at its settings, and how it rings: the start of every linear response.

dm/dt = 0 where m is parallel to the effective field, spin torque included. That state is found by relaxation without
precession, which goes downhill and so chooses the branch, then by Newton's method in the tangent plane, which makes it
exact and carries the derivative (implicit function theorem).
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp

from llgrad.core.vector import Vec3, unstack
from llgrad.devices.oscillator import Oscillator
from llgrad.experiments.tangent import Plane, plane_at, solve_in_plane
from llgrad.physics.equation import Equation, still_equation
from llgrad.solve.start import start_of

MOST_STEPS: Final = 3000
SMALLEST_TURN: Final = 1e-6
"""The relaxation ends when a step turns m by less than this [rad]."""
NEWTON_STEPS: Final = 6


class Equilibrium(NamedTuple):
    """A static state, differentiable once in everything that the device holds."""

    m: Vec3
    """Unit vector."""
    torque: Any
    """What is left of |m × B| [T], of the size of rounding where a static state was found."""
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


class Rest(NamedTuple):
    """A static state as the point q of a tangent plane that carries no derivative; q, near 0, carries it."""

    plane: Plane
    q: Any


def equilibrium(device: Oscillator, m0: Any = None) -> Equilibrium:
    """The static state that `m0` relaxes to, its stability and its ringing.

    Whether the state is stable is told by `growth`, with the device's own damping: above the threshold current of an
    oscillator the state is there and unstable. `m0` (3,) is by default 1° off the axis of lowest energy, as in
    `simulate`. May be batched by `jax.vmap`, and differentiated once (by `jax.grad` or `jax.jacfwd`) in every leaf.

    >>> import llgrad as lg
    >>> still = equilibrium(lg.presets.kubota2013().replace(current=0.0))
    >>> round(float(still.m.z), 6), round(float(still.frequency) / 1e9, 3)
    (1.0, 1.73)
    """
    return _equilibrium(device, None if m0 is None else start_of(device, m0))


@jax.jit
def _equilibrium(device: Oscillator, start: Vec3 | None) -> Equilibrium:
    equation = still_equation(device, "equilibrium")
    plane, q = rest_of(equation, start_of(device, start))
    m = plane.state(q)
    still = jnp.zeros(4, q.dtype)
    field = equation.effective_field(m, unstack(still[1:]), still[0])
    stiffness = jax.jacfwd(lambda q: plane.velocity(equation, jnp.concatenate([q, still])))(q)
    return Equilibrium(m, jnp.sqrt(m.cross(field).norm2()), stiffness)


def rest_of(equation: Equation, start: Vec3) -> Rest:
    """The static state that `start` relaxes to.

    One last step of Newton's method, whose matrix needs no derivative, gives q the derivative of the root.
    """
    frozen, start = jax.lax.stop_gradient((equation, start))
    found = jax.lax.fori_loop(0, NEWTON_STEPS, lambda _, m: _newton_step(frozen, m), _relax(frozen, start))
    plane, still = plane_at(found), jnp.zeros(6, found.x.dtype)
    matrix = jax.jacfwd(lambda q: plane.velocity(frozen, jnp.concatenate([q, still[2:]])))(still[:2])
    return Rest(plane, -solve_in_plane(matrix, plane.velocity(equation, still)))


def growth_of(stiffness: Any) -> Any:
    """The larger real part [1/s] of the eigenvalues of a stiffness (2, 2) [1/ns]."""
    half_trace, below = _half_trace_and_discriminant(stiffness)
    creeps = below > 0
    return 1e9 * (half_trace + jnp.where(creeps, jnp.sqrt(jnp.where(creeps, below, 1.0)), 0.0))


def _half_trace_and_discriminant(a: Any) -> tuple[Any, Any]:
    """The eigenvalues of (2, 2) are h ± √d."""
    half_trace = (a[..., 0, 0] + a[..., 1, 1]) / 2
    return half_trace, ((a[..., 0, 0] - a[..., 1, 1]) / 2) ** 2 + a[..., 0, 1] * a[..., 1, 0]


def _relax(equation: Equation, start: Vec3) -> Vec3:
    """Downhill along the effective field, in steps as long as its change with m allows, until m no longer turns."""
    still = jnp.zeros(4, start.x.dtype)

    def field_at(m: Any) -> Any:
        return equation.effective_field(unstack(m), unstack(still[1:]), still[0]).stack()

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

    m, _, _ = jax.lax.while_loop(turns, step, (start.stack(), still[0] + 1, 0))
    return unstack(m)


def _newton_step(equation: Equation, m: Vec3) -> Vec3:
    """One step of Newton's method for dq/dt = 0; one longer than half a radian is shortened."""
    still = jnp.zeros(6, m.x.dtype)
    plane = plane_at(m)

    def velocity(q: Any) -> Any:
        return plane.velocity(equation, jnp.concatenate([q, still[2:]]))

    q = -solve_in_plane(jax.jacfwd(velocity)(still[:2]), velocity(still[:2]))
    length = jnp.sqrt(jnp.sum(q * q))
    return plane.state(q * jnp.minimum(1.0, 0.5 / jnp.maximum(length, 1e-30)))
