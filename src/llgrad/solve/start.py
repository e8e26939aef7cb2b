"""Where a run starts: as it is given, or where nobody says."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.record import is_concrete
from llgrad.core.speed.starting import check_platform
from llgrad.core.vector import Vec3
from llgrad.devices.array import OscillatorArray
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.ranges import check_unit_vector
from llgrad.devices.states.default import default_start


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
    check_platform()
    shape = (model.count,) if isinstance(model, OscillatorArray) else ()
    dtype = jnp.result_type(float)
    try:
        parts = [jnp.broadcast_to(jnp.asarray(c, dtype), shape) for c in (state.x, state.y, state.z)]
    except ValueError:
        raise ValueError(
            f"m0 has components of shape {jnp.shape(state.x)}, expected {shape} (or () for all alike)"
        ) from None
    return Vec3(*parts)
