"""Where a run starts when nobody says: 1° off the stable axis."""

from __future__ import annotations

import math
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.constants import MU_0
from llgrad.core.record import is_concrete
from llgrad.core.vector import Vec3, unstack
from llgrad.devices.array import OscillatorArray
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.ranges import check_unit_vector

TILT: Final = math.radians(1.0)
"""Polar angle off the stable axis, and azimuth, of the default starting state [rad]."""


def default_start(device: Oscillator) -> Vec3:
    """The default starting state: θ = φ = 1° from the stable axis of the device at its settings.

    The stable axis is that of ±x, ±y, ±z with the lowest magnetic energy (applied field, perpendicular anisotropy,
    demagnetisation; not spin torque, coupling or terms of your own). For the axis +z the state is
    (sinθ cosφ, sinθ sinφ, cosθ); for the others the components are permuted cyclically. It carries no gradient.
    """
    demagnetisation = device.demag * (MU_0 * device.Ms)
    return _near_lowest(*jax.lax.stop_gradient((demagnetisation, device.H_k, device.H_k2, device.field)))


@jax.jit
def _near_lowest(demagnetisation: Vec3, H_k: Any, H_k2: Any, field: Vec3) -> Vec3:
    """The state 1° off the axis of lowest energy, per unit of magnetisation, all in tesla."""
    shape_energy = [factor / 2 for factor in (demagnetisation.x, demagnetisation.y, demagnetisation.z)]
    shape_energy[0] = shape_energy[0] + H_k / 2 + H_k2 / 4
    shape_energy[1] = shape_energy[1] + H_k / 2 + H_k2 / 4
    applied = (field.x, field.y, field.z)
    energies = jnp.stack([jnp.asarray(e - s * b) for e, b in zip(shape_energy, applied, strict=True) for s in (1, -1)])
    best = jnp.argmin(energies, axis=0)
    s, c = math.sin(TILT), math.cos(TILT)
    states = []
    for axis in range(3):
        for sign in (1, -1):
            state = np.empty(3)
            state[[(axis + 1) % 3, (axis + 2) % 3, axis]] = s * math.cos(TILT), s * math.sin(TILT), sign * c
            states.append(state)
    return unstack(jnp.asarray(np.array(states))[best])


def start_of(model: Oscillator | OscillatorArray, m0: Any) -> Vec3:
    """The starting state of a run, from what the user gave; components () or (N,) in the default float type.

    Raises ValueError for a wrong shape, or for a concrete `m0` whose length is not 1 within 1e-6.
    """
    device = model.oscillator if isinstance(model, OscillatorArray) else model
    if m0 is None:
        state = default_start(device)
    elif isinstance(m0, Vec3):
        state = m0
    else:
        array = m0 if isinstance(m0, jax.Array) else np.asarray(m0, dtype=float)
        if array.shape[-1:] != (3,):
            raise ValueError(
                f"m0 has the shape {array.shape}, expected (3,), or (N, 3) for an array; give unit vectors"
            )
        state = Vec3(array[..., 0], array[..., 1], array[..., 2])
    if all(is_concrete(c) for c in (state.x, state.y, state.z)):
        check_unit_vector("m0", state, 1e-5)
    shape = (model.count,) if isinstance(model, OscillatorArray) else ()
    dtype = jnp.result_type(float)
    try:
        parts = [jnp.broadcast_to(jnp.asarray(c, dtype), shape) for c in (state.x, state.y, state.z)]
    except ValueError:
        raise ValueError(
            f"m0 has components of shape {jnp.shape(state.x)}, expected {shape} (or () for all alike)"
        ) from None
    return Vec3(*parts)
