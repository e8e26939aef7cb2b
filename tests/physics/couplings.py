"""The couplings of layers that the laws are tested on: every built-in one, and one written as a user would.

A new coupling is tested by adding one entry here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp

import llgrad as lg
from llgrad.core.constants import MU_0
from llgrad.physics.electric.laws import VoltagePolynomial, VoltageTable


class Member(NamedTuple):
    """A coupling, whether it turns with the stack where its vectors do, and its energy [J], where it has one."""

    coupling: lg.stacks.LayerCoupling
    isotropic: bool
    energy: Callable[[Any, lg.Stack, Any], Any] | None


class Quartic(lg.stacks.LayerCoupling):
    """A coupling as a user writes it: E = −K (m₁·m₂)⁴."""

    one: str = eqx.field(static=True)
    other: str = eqx.field(static=True)
    K: float = lg.quantity("J")

    @property
    def names(self):
        return self.one, self.other

    def fields(self, layers, m, inputs):
        strength = 4e17 * self.K * m[self.one].dot(m[self.other]) ** 3
        pairs = [(layers.layer(on), m[by]) for on, by in ((self.one, self.other), (self.other, self.one))]
        return {on.name: by * (strength / (on.areal_moment * (on.area * 1e14))) for on, by in pairs}


def exchange_energy(coupling, stack, m):
    cosine = m["free"].dot(m["hard"])
    area = jnp.minimum(stack.layer("free").area, stack.layer("hard").area)
    return -area * (coupling.J1 * cosine + coupling.J2 * cosine**2)


def stray_energy(coupling, stack, m):
    free, hard = stack.layer("free"), stack.layer("hard")
    d, o = coupling.diagonal, coupling.off_diagonal
    n = jnp.array([[d.x, o.z, o.y], [o.z, d.y, o.x], [o.y, o.x, d.z]])
    return MU_0 * free.Ms * hard.Ms * free.volume * (m["free"].stack() @ n @ m["hard"].stack())


def dmi_energy(coupling, stack, m):
    area = jnp.minimum(stack.layer("free").area, stack.layer("hard").area)
    return -area * coupling.D.dot(m["free"].cross(m["hard"]))


def quartic_energy(coupling, stack, m):
    return -coupling.K * m["free"].dot(m["hard"]) ** 4


LINE, PARABOLA = VoltagePolynomial(0.1, 0.02), VoltagePolynomial(0.2, -0.3)
CURVE = VoltageTable([-0.4, 0.5], [-0.03, 0.05])  # two points: both count
PRISMS = ((60e-9, 40e-9, 2e-9), (60e-9, 40e-9, 3e-9), (5e-9, -8e-9, 4e-9))
COUPLINGS: dict[str, Member] = {
    "exchange": Member(lg.stacks.InterlayerExchange(("free", "hard"), J1=-2e-4, J2=-5e-5), True, exchange_energy),
    "stray field": Member(lg.stacks.StrayField.of_prisms(("free", "hard"), *PRISMS), False, stray_energy),
    "torque": Member(lg.stacks.SpinTorque("free", "hard", 0.5, 0.3, 0.2), True, None),
    "torque back": Member(lg.stacks.SpinTorque("hard", "free", 0.4, 0.2, -0.1), True, None),
    "torque by a voltage": Member(
        lg.stacks.SpinTorque("free", "hard", 0.1, 0.1, 0.05, field_like_per_volt=0.3), True, None
    ),
    "torque by laws of the voltage": Member(
        lg.stacks.SpinTorque("hard", "free", 0.1, 0.1, 0.05, polarization_law=LINE, field_like_law=PARABOLA), True, None
    ),
    "torque by a measured curve": Member(
        lg.stacks.SpinTorque("free", "hard", 0.1, 0.1, 0.05, polarization_law=CURVE, field_like_law=CURVE), True, None
    ),
    "DMI": Member(lg.stacks.InterlayerDMI(("free", "hard"), (3e-5, -5e-5, 8e-5)), False, dmi_energy),
    "user": Member(Quartic("free", "hard", 7e-20), True, quartic_energy),
}

FREE = lg.Layer(
    "free", Ms=1.1e6, thickness=2e-9, area=2.4e-15, alpha=0.03, gamma=1.8e11, H_k=0.9, H_k2=0.05,
    demag=(0.04, 0.06, 0.9), m=lg.direction(0.4, 0.3), 
    terms=(lg.physics.UniaxialAnisotropy(0.04, axis=(0.6, 0.8, 0.0)),),
)  # fmt: skip
HARD = lg.Layer("hard", Ms=0.8e6, thickness=3e-9, area=3e-15, alpha=0.05, H_k=1.2, demag=(0.05, 0.08, 0.87),
                H_k2=0.02, m=lg.direction(2.6, 1.3))  # fmt: skip
BARRIER = lg.stacks.Barrier(("hard", "free"), lg.devices.ConductanceJunction(R_P=1e3, tmr=0.9))
STACK = lg.Stack(
    (HARD, FREE), tuple(member.coupling for member in COUPLINGS.values()), 0.2e-3, (0.02, -0.03, 0.05), None, BARRIER
)
"""Two layers of which every number is away from zero, with every coupling."""


def energy_of(stack, m):
    """The energy [J] of a stack of FREE and HARD without current at directions `m`, by formulas of this file."""
    total = 0.0
    for layer in stack.layers:
        v, n = m[layer.name], layer.demag
        sin2 = 1 - v.z * v.z
        density = layer.H_k / 2 * sin2 + layer.H_k2 / 4 * sin2 * sin2 - stack.field.dot(v)
        density += MU_0 * layer.Ms / 2 * (n.x * v.x * v.x + n.y * v.y * v.y + n.z * v.z * v.z)
        for term in layer.terms:
            density += term.H_k / 2 * (1 - v.dot(term.axis) ** 2)
        total += layer.Ms * layer.volume * density
    energies = {type(member.coupling): member.energy for member in COUPLINGS.values()}
    for coupling in stack.couplings:
        energy = energies[type(coupling)]
        total += 0.0 if energy is None else energy(coupling, stack, m)
    return total
