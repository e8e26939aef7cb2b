"""Where an oscillator starts when nobody says: 1° off the stable axis."""

from __future__ import annotations

import math
from typing import Any, Final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.constants import MU_0
from llgrad.core.field_term import FieldTerm, inputs_of_term, terminals_of
from llgrad.core.record import tables_of
from llgrad.core.speed.namespace import fixed, namespace
from llgrad.core.speed.starting import check_platform
from llgrad.core.vector import Vec3
from llgrad.devices.oscillator import Oscillator

TILT: Final = math.radians(1.0)
"""Polar angle off the stable axis, and azimuth, of the default starting state [rad]."""


def default_start(device: Oscillator) -> Vec3:
    """The default starting state: θ = φ = 1° from the stable axis of the device at its settings.

    The stable axis is that of ±x, ±y, ±z with the lowest magnetic energy: applied field, perpendicular anisotropy,
    demagnetisation, and terms of your own, of field B at the device's direct current and field at time 0, with
    −∫₀¹ m·B(s m) ds (−m·B of a constant field, −m·B/2 of one linear in m); not spin torque or coupling. For the axis +z
    the state is (sinθ cosφ, sinθ sinφ, cosθ); for the others the components are permuted cyclically. It carries no
    gradient.

    >>> import llgrad as lg
    >>> m = lg.solvers.default_start(lg.presets.kubota2013())
    >>> round(float(m.z), 5), round(float(m.norm2()), 5)  # cos 1°
    (0.99985, 1.0)
    """
    check_kind("device", device, Oscillator, "give the device of a run, or array.oscillator")
    check_platform()
    demagnetisation = device.demag * (MU_0 * device.Ms)
    own = _own_energies(device.terms, device.current, device.field) if device.terms else None
    shape, H_k, H_k2, field = fixed((demagnetisation, device.H_k, device.H_k2, device.field))
    return _near_lowest(shape, H_k, H_k2, field, own)


@eqx.filter_jit
def _own_energies(terms: tuple[FieldTerm, ...], current: Any, applied: Vec3) -> list[Any]:
    """Energies [T] of a device's own terms along ±x, ±y, ±z, per unit of magnetisation; no gradient."""
    dynamic, static = eqx.partition(
        (terms, current, applied), lambda leaf: isinstance(leaf, float) or eqx.is_array(leaf)
    )
    terms, current, applied = eqx.combine(jax.lax.stop_gradient(dynamic), static)
    leaves, tree = jax.tree.flatten(dynamic)
    shapes = [jnp.shape(leaf) for leaf, table in zip(leaves, tables_of(tree), strict=True) if not table]
    shape = np.broadcast_shapes(*shapes)
    dtype = jnp.result_type(float)
    nodes, weights = np.polynomial.legendre.leggauss(6)

    def along(axis: Any, distance: Any) -> Any:
        m = Vec3(*(jnp.broadcast_to(distance * axis[k], shape) for k in range(3)))
        inputs = inputs_of_term(current, applied, 0.0, dict.fromkeys(terminals_of(terms), 0.0))
        fields = [term.field(m, inputs) for term in terms]
        return sum(sum(b * axis[k] for k, b in enumerate((f.x, f.y, f.z))) for f in fields)

    axes = jnp.asarray([sign * np.eye(3)[k] for k in range(3) for sign in (1.0, -1.0)], dtype)
    values = jax.vmap(jax.vmap(along, (None, 0)), (0, None))(axes, jnp.asarray((nodes + 1) / 2, dtype))
    return list(-jnp.tensordot(values, jnp.asarray(weights / 2, dtype), ((1,), (0,))))


def _near_lowest(demagnetisation: Vec3, H_k: Any, H_k2: Any, field: Vec3, own: list[Any] | None) -> Vec3:
    """The state 1° off the axis of lowest energy, per unit of magnetisation, all in tesla."""
    xp, dtype = namespace(demagnetisation, H_k, H_k2, field, own), jnp.result_type(float)
    shape_energy = [factor / 2 for factor in (demagnetisation.x, demagnetisation.y, demagnetisation.z)]
    shape_energy[0] = shape_energy[0] + H_k / 2 + H_k2 / 4
    shape_energy[1] = shape_energy[1] + H_k / 2 + H_k2 / 4
    applied = (field.x, field.y, field.z)
    parts = [e - s * b for e, b in zip(shape_energy, applied, strict=True) for s in (1, -1)]
    if own is not None:
        parts = [part + more for part, more in zip(parts, own, strict=True)]
    energies = xp.stack(xp.broadcast_arrays(*(xp.asarray(part, dtype) for part in parts)))
    best = xp.argmin(energies, axis=0)
    s, c = math.sin(TILT), math.cos(TILT)
    states = []
    for axis in range(3):
        for sign in (1, -1):
            state = np.empty(3)
            state[[(axis + 1) % 3, (axis + 2) % 3, axis]] = s * math.cos(TILT), s * math.sin(TILT), sign * c
            states.append(state)
    chosen = xp.asarray(np.array(states), dtype)[best]
    return Vec3(*(jnp.asarray(chosen[..., axis]) for axis in range(3)))
