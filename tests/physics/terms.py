"""The field terms that the laws are tested on: every built-in one, and one written as a user would.

A new term is tested by adding one entry here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

import llgrad as lg
from llgrad.core.constants import MU_0
from llgrad.core.field_term import inputs_of_term
from llgrad.physics.anisotropy import PerpendicularAnisotropy, UniaxialAnisotropy
from llgrad.physics.applied import AppliedField
from llgrad.physics.demagnetisation import Demagnetisation
from llgrad.physics.slonczewski import SlonczewskiTorque


class Exchange(lg.physics.FieldTerm):
    """A term as a user writes it: exchange with a pinned layer that stiffens with the alignment, along a direction."""

    strength: float = lg.quantity("T")
    curvature: float = lg.quantity("1")
    pinned: lg.Vec3 = lg.systems.vector("1", default=(0.0, 0.0, 1.0))

    def field(self, m: lg.Vec3, inputs: lg.systems.Inputs) -> lg.Vec3:
        return self.pinned * (self.strength * jnp.exp(self.curvature * m.dot(self.pinned)))


class Member(NamedTuple):
    """A term, what it is invariant under, and its energy over Ms [T] where it has one."""

    term: lg.physics.FieldTerm
    rotates: str
    """"any": by rotating its vectors; "about z"; "by permutation" of the axes."""
    energy: Callable[[Any, lg.Vec3], Any] | None


def applied_energy(term: Any, m: lg.Vec3) -> Any:
    return -term.applied.dot(m)


def perpendicular_energy(term: Any, m: lg.Vec3) -> Any:
    sin2 = 1 - m.z * m.z
    return term.H_k / 2 * sin2 + term.H_k2 / 4 * sin2 * sin2


def uniaxial_energy(term: Any, m: lg.Vec3) -> Any:
    sin2 = 1 - m.dot(term.axis) * m.dot(term.axis)
    return term.H_k / 2 * sin2 + term.H_k2 / 4 * sin2 * sin2


def demagnetisation_energy(term: Any, m: lg.Vec3) -> Any:
    n = term.factors
    return MU_0 * term.Ms / 2 * (n.x * m.x * m.x + n.y * m.y * m.y + n.z * m.z * m.z)


def cubic_energy(term: Any, m: lg.Vec3) -> Any:
    a, b, c = (m.dot(axis) ** 2 for axis in (term.first, term.second, term.first.cross(term.second)))
    return term.H_c / 2 * (a * b + b * c + c * a)


def voltage_energy(term: Any, m: lg.Vec3) -> Any:
    return -term.per_volt * VOLTAGE / 2 * m.dot(term.axis) ** 2


def voltage_table_energy(term: Any, m: lg.Vec3) -> Any:
    return -jnp.interp(VOLTAGE, term.voltages, term.fields) / 2 * m.dot(term.axis) ** 2


def oersted_energy(term: Any, m: lg.Vec3) -> Any:
    return -(term.current + METAL) * term.per_ampere.dot(m)


def exchange_energy(term: Any, m: lg.Vec3) -> Any:
    return -term.strength / term.curvature * jnp.exp(term.curvature * m.dot(term.pinned))


TERMS: dict[str, Member] = {
    "applied": Member(AppliedField(lg.Vec3(0.013, -0.021, 0.035)), "any", applied_energy),
    "perpendicular": Member(PerpendicularAnisotropy(H_k=0.4, H_k2=-0.11), "about z", perpendicular_energy),
    "uniaxial": Member(UniaxialAnisotropy(H_k=0.07, H_k2=0.03, axis=lg.direction(1.1, 0.4)), "any", uniaxial_energy),
    "demagnetisation": Member(
        Demagnetisation(Ms=8e5, factors=lg.Vec3(0.05, 0.15, 0.8)), "by permutation", demagnetisation_energy
    ),
    "slonczewski": Member(
        SlonczewskiTorque(per_ampere=5.4, lambda_=0.288, field_like=0.3, polariser=lg.direction(0.7, -0.5)), "any", None
    ),
    "cubic": Member(
        lg.physics.CubicAnisotropy(0.08, first=lg.direction(1.2, 0.3), second=lg.direction(1.2 + np.pi / 2, 0.3)),
        "any",
        cubic_energy,
    ),
    "spin-orbit": Member(
        lg.physics.SpinOrbitTorque(12.0, field_like=0.4, spin=lg.direction(1.4, 1.9), current=1e-3), "any", None
    ),
    "Oersted": Member(
        lg.physics.OerstedField(lg.Vec3(1.0, -2.0, 3.0), "heavy_metal_current", current=2e-3), "any", oersted_energy
    ),
    "voltage": Member(lg.physics.VoltageControlledAnisotropy(0.2, axis=lg.direction(0.3, 0.8)), "any", voltage_energy),
    "voltage table": Member(
        lg.physics.VoltageAnisotropyTable([-1.0, 0.0, 1.0], [0.03, 0.0, -0.05], axis=lg.direction(0.3, 0.8)),
        "any",
        voltage_table_energy,
    ),
    "user": Member(Exchange(strength=0.02, curvature=0.8, pinned=lg.direction(2.0, 0.3)), "any", exchange_energy),
}

VOLTAGE, METAL = 0.6, 0.7e-3
INPUTS = inputs_of_term(2.5e-3, lg.Vec3(0.0, 0.0, 0.02), 0.0, {"voltage": VOLTAGE, "heavy_metal_current": METAL})


def random_states(rng: np.random.Generator, count: int) -> lg.Vec3:
    """Unit vectors spread over the sphere, components (count,)."""
    raw = rng.normal(size=(3, count))
    x, y, z = raw / np.linalg.norm(raw, axis=0)
    return lg.Vec3(x, y, z)


def array_of(v: lg.Vec3, count: int) -> np.ndarray:
    """A vector of scalars or (count,) components as one (3, count) array."""
    return np.stack([np.broadcast_to(np.asarray(c, dtype=float), (count,)) for c in (v.x, v.y, v.z)])
