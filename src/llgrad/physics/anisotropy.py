"""Uniaxial anisotropy, along z (perpendicular) and along any axis, to second order."""

from __future__ import annotations

from llgrad.core.field_term import FieldTerm, Inputs
from llgrad.core.record import quantity, vector
from llgrad.core.vector import Vec3
from llgrad.devices.ranges import check_unit_vector


class PerpendicularAnisotropy(FieldTerm):
    """Uniaxial anisotropy along z: B = [H_k + H_k2 (1 − m_z²)] m_z ẑ.

    Energy density K_1 sin²θ + K_2 sin⁴θ; H_k = 2 K_1/Ms, H_k2 = 4 K_2/Ms, both in tesla.

    >>> import llgrad as lg
    >>> term = lg.physics.PerpendicularAnisotropy(H_k=1.8616, H_k2=0.05)
    >>> round(float(term.field(lg.Vec3(0.6, 0.0, 0.8), None).z), 5)  # T: [H_k + H_k2 (1 − m_z²)] m_z
    1.50368
    """

    H_k: float = quantity("T", about="first-order anisotropy field, 2K₁/Ms")
    H_k2: float = quantity("T", default=0.0, about="second-order anisotropy field, 4K₂/Ms")

    def field(self, m: Vec3, inputs: Inputs) -> Vec3:
        strength = self.H_k * m.z + self.H_k2 * (1 - m.z * m.z) * m.z
        return Vec3(0.0, 0.0, strength)


class UniaxialAnisotropy(FieldTerm):
    """Uniaxial anisotropy along a unit vector n: B = [H_k + H_k2 (1 − (m·n)²)] (m·n) n.

    For a second axis beside the perpendicular one (an in-plane easy axis, say), as an entry of `Oscillator.terms`.

    >>> import llgrad as lg
    >>> term = lg.physics.UniaxialAnisotropy(H_k=10e-3, axis=(1.0, 0.0, 0.0))
    >>> round(float(term.field(lg.Vec3(0.6, 0.0, 0.8), None).x), 5)  # T: H_k m_x
    0.006
    >>> sto = lg.presets.kubota2013().replace(terms=(term,))  # an easy axis in the plane beside the device's own
    """

    H_k: float = quantity("T", about="first-order anisotropy field, 2K₁/Ms")
    H_k2: float = quantity("T", default=0.0, about="second-order anisotropy field, 4K₂/Ms")
    axis: Vec3 = vector("1", default=(1.0, 0.0, 0.0), about="easy axis n")

    def __check_init__(self) -> None:
        check_unit_vector("axis", self.axis)

    def field(self, m: Vec3, inputs: Inputs) -> Vec3:
        along = m.dot(self.axis)
        return self.axis * (self.H_k * along + self.H_k2 * (1 - along * along) * along)
