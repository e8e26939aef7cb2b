"""Spin-transfer torque, written as an effective field."""

from __future__ import annotations

from typing import Any

from llgrad.core.constants import ELEMENTARY_CHARGE, HBAR
from llgrad.core.field_term import FieldTerm, Inputs
from llgrad.core.record import quantity, vector
from llgrad.core.vector import Vec3
from llgrad.devices.ranges import check_unit_vector


class SlonczewskiTorque(FieldTerm):
    """Damping-like and field-like spin torque: B = B_s (p × m + β p), B_s = s I/(1 + λ m·p), s = ħ η/(2 e Ms V).

    In the LLG line it gives −γ B_s m × (p × m) − γ β B_s m × p with all the cross terms in α.
    Source: J. C. Slonczewski, J. Magn. Magn. Mater. 159, L1 (1996); the form with λ: T. Taniguchi et al.,
    Appl. Phys. Express 6, 123003 (2013).

    >>> import llgrad as lg
    >>> torques = lg.physics.torque_at(lg.presets.kubota2013(), (0.0, 0.6, 0.8), thickness=2e-9)
    >>> (1e3 * torques.fields["spin torque"]).round(3).tolist()  # mT at 2.5 mA: B_s p × m
    [0.0, -10.789, 8.092]
    """

    per_ampere: float = quantity("T/A", about="strength per current s = ħη/(2eMsV)")
    lambda_: float = quantity("1", default=0.0, about="angular asymmetry λ")
    field_like: float = quantity("1", default=0.0, about="field-like over damping-like torque β")
    polariser: Vec3 = vector("1", default=(1.0, 0.0, 0.0), about="direction p of the fixed layer")

    def __check_init__(self) -> None:
        check_unit_vector("SlonczewskiTorque: polariser", self.polariser)

    def field(self, m: Vec3, inputs: Inputs) -> Vec3:
        return torque_field(m, self.polariser, self.per_ampere * inputs.current, self.lambda_, self.field_like)


def torque_field(m: Vec3, p: Vec3, strength: Any, lambda_: Any, field_like: Any) -> Vec3:
    """B_s (p × m + β p) [T], B_s = strength/(1 + λ m·p)."""
    return (p.cross(m) + p * field_like) * (strength / (1 + lambda_ * m.dot(p)))


def torque_per_ampere(polarization: Any, Ms: Any, volume: Any) -> Any:
    """s = ħ η/(2 e Ms V) [T/A].

    Written with Ms in 10⁶ A/m and V in 10⁻²⁴ m³: e·V and ħ·I are below the smallest float32, these are near 1.
    """
    prefactor = HBAR / (2 * ELEMENTARY_CHARGE) * 1e18
    return prefactor * polarization / ((Ms * 1e-6) * (volume * 1e24))
