"""The energy of states, where there is one: the work of the effective field between them.

dE = −Ms V B · dm. It is an energy where the work does not depend on the way, that is, where ∂B/∂m is symmetric in the
tangent planes; a spin torque is none.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.field_term import Inputs
from llgrad.core.speed.quick import quick_jit
from llgrad.devices.array import OscillatorArray
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.orbits.chart import chart_at
from llgrad.orbits.flow import Flow

SYMMETRIC: Final = 1e-9
"""Largest antisymmetric part of ∂B/∂m, relative to its largest entry."""
NODES, WEIGHTS = np.polynomial.legendre.leggauss(48)


def moment_of(device: Any) -> Any:
    """Ms V [A m²] of a macrospin, or (N,); 1 of a system that tells its forces, None of any other."""
    if isinstance(device, (Oscillator, OscillatorArray)):
        one = device.oscillator if isinstance(device, OscillatorArray) else device
        return one.Ms * one.volume
    return (
        1.0 if isinstance(device, System) and device.forces(device.start(), _still(device, 0.0)) is not None else None
    )


def _still(system: System, time: Any) -> Inputs:
    """The inputs of a system at a moment [s], without drive and noise."""
    return Inputs(time, (0.0,) * system.noises, dict.fromkeys(system.inputs, 0.0))


def has_energy(flow: Flow, moment: Any, states: np.ndarray) -> bool:
    """Whether the effective field is that of an energy, as told by its slope at many states (S, d)."""
    slopes = np.asarray(_slopes(flow, moment, jnp.asarray(states)))
    return bool(np.abs(slopes - slopes.swapaxes(1, 2)).max() <= SYMMETRIC * max(np.abs(slopes).max(), 1e-300))


def hessians(flow: Flow, moment: Any, states: Any) -> Any:
    """Curvature (S, n, n) [J] of the energy at states at rest (S, d), in the tangent planes."""
    return -_slopes(flow, moment, states)


@partial(quick_jit, compiled=jax.jit)
def _slopes(flow: Flow, moment: Any, states: Any) -> Any:
    """Slope (S, n, n) [J] of the forces Ms V B in the tangent planes."""

    def one(y: Any) -> Any:
        chart = chart_at(flow, y)

        def forces(q: Any) -> Any:
            moved = chart.state(flow, q)
            return jax.vjp(lambda q: chart.state(flow, q), q)[1](_force(flow, moment, moved))[0]

        return jax.jacfwd(forces)(jnp.zeros(flow.shape.freedom, y.dtype))

    return jax.vmap(one)(states)


def _force(flow: Flow, moment: Any, y: Any) -> Any:
    """−dE/dy (d,) [J]: Ms V times the effective field."""
    system = getattr(flow.equation, "system", None)
    if system is not None:
        found = system.forces(flow.state(y), _still(system, flow.time * 1e-9))
        return flow.vector([jnp.asarray(c, y.dtype) for c in jax.tree.leaves(found)])
    field, shape = flow.field(y), jnp.shape(flow.components(y)[0])
    parts = [jnp.broadcast_to(part * jnp.asarray(moment, y.dtype), shape) for part in (field.x, field.y, field.z)]
    return flow.vector(parts)


@partial(quick_jit, compiled=jax.jit)
def energies(flow: Flow, moment: Any, states: Any) -> Any:
    """Energy (E,) [J] of states (E, d), above that of the first: the work along the great circles from it."""

    def one(y: Any) -> Any:
        begin, end = states[0].reshape(-1, 3), y.reshape(-1, 3)
        cosine = jnp.sum(begin * end, axis=1, keepdims=True)
        across = end - cosine * begin
        size = jnp.sqrt(jnp.sum(across * across, axis=1, keepdims=True))
        # between opposite states every great circle will do
        other = chart_at(flow, states[0]).frames[:, 0]
        there = size > 1e-9
        towards = jnp.where(there, across / jnp.where(there, size, 1.0), other)
        angle = jnp.arctan2(jnp.where(there, size, 0.0), cosine)

        def power(part: Any) -> Any:
            m = begin * jnp.cos(angle * part) + towards * jnp.sin(angle * part)
            along = (towards * jnp.cos(angle * part) - begin * jnp.sin(angle * part)) * angle
            return -jnp.sum(_force(flow, moment, m.reshape(-1)) * along.reshape(-1))

        nodes, weights = (jnp.asarray(part, y.dtype) for part in ((NODES + 1) / 2, WEIGHTS / 2))
        return jnp.sum(jax.vmap(power)(nodes) * weights)

    return jax.vmap(one)(states)
