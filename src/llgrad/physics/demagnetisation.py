"""The demagnetising field, and the factors of a rectangular prism and of an ellipsoid."""

from __future__ import annotations

import math

from llgrad.core.constants import MU_0
from llgrad.core.field_term import FieldTerm, Inputs
from llgrad.core.record import quantity, vector
from llgrad.core.vector import Vec3


class Demagnetisation(FieldTerm):
    """Shape anisotropy with a diagonal tensor: B = −µ0 Ms (N_x m_x, N_y m_y, N_z m_z).

    >>> import llgrad as lg
    >>> film = lg.physics.Demagnetisation(Ms=1.4483e6, factors=lg.Vec3(0.0, 0.0, 1.0))
    >>> round(float(film.field(lg.Vec3(0.6, 0.0, 0.8), None).z), 4)  # T: −µ0 Ms m_z
    -1.456
    """

    Ms: float = quantity("A/m", about="saturation magnetisation")
    factors: Vec3 = vector("1", default=(0.0, 0.0, 1.0), about="demagnetising factors")

    def field(self, m: Vec3, inputs: Inputs) -> Vec3:
        strength = -MU_0 * self.Ms
        return Vec3(
            strength * self.factors.x * m.x,
            strength * self.factors.y * m.y,
            strength * self.factors.z * m.z,
        )


def prism_factors(length_x: float, length_y: float, length_z: float) -> Vec3:
    """Magnetometric demagnetising factors (N_x, N_y, N_z) of a uniformly magnetised rectangular prism with these edges.

    Any unit of length; their sum is 1. Source: A. Aharoni, J. Appl. Phys. 83, 3432 (1998), eq. (1).

    >>> import llgrad as lg
    >>> N = lg.physics.prism_factors(160e-9, 80e-9, 5e-9)
    >>> round(N.x, 4), round(N.y, 4), round(N.z, 4)
    (0.0372, 0.0765, 0.8863)
    """
    for name, edge in (("length_x", length_x), ("length_y", length_y), ("length_z", length_z)):
        if not edge > 0:
            raise ValueError(f"{name} = {edge}, expected a positive length")
    return Vec3(
        _prism_z(length_y, length_z, length_x),
        _prism_z(length_z, length_x, length_y),
        _prism_z(length_x, length_y, length_z),
    )


def _prism_z(x: float, y: float, z: float) -> float:
    """Aharoni's N_z for semi-axes a, b, c (only ratios matter)."""
    a, b, c = x / 2, y / 2, z / 2
    abc, ab, ac, bc = (math.sqrt(s) for s in (a * a + b * b + c * c, a * a + b * b, a * a + c * c, b * b + c * c))
    total = (b * b - c * c) / (2 * b * c) * math.log((abc - a) / (abc + a))
    total += (a * a - c * c) / (2 * a * c) * math.log((abc - b) / (abc + b))
    total += b / (2 * c) * math.log((ab + a) / (ab - a)) + a / (2 * c) * math.log((ab + b) / (ab - b))
    total += c / (2 * a) * math.log((bc - b) / (bc + b)) + c / (2 * b) * math.log((ac - a) / (ac + a))
    total += 2 * math.atan(a * b / (c * abc)) + (a**3 + b**3 - 2 * c**3) / (3 * a * b * c)
    total += (a * a + b * b - 2 * c * c) / (3 * a * b * c) * abc + c / (a * b) * (ac + bc)
    total -= (ab**3 + bc**3 + ac**3) / (3 * a * b * c)
    return total / math.pi
