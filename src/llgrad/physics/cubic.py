"""Cubic anisotropy."""

from __future__ import annotations

import numpy as np

from llgrad.core.field_term import FieldTerm, Inputs
from llgrad.core.record import is_concrete, quantity, vector
from llgrad.core.vector import Vec3
from llgrad.devices.ranges import check_unit_vector


class CubicAnisotropy(FieldTerm):
    """First-order cubic anisotropy with the axes a, b and c = a × b: B = −H_c Σ_i α_i (α_j² + α_k²) e_i, α_i = m·e_i.

    Energy density K_1 (α₁²α₂² + α₂²α₃² + α₃²α₁²), H_c = 2 K_1/Ms; H_c > 0: the axes are easy.
    Source: A. Vansteenkiste et al., AIP Advances 4, 107133 (2014), eq. (13), first term (recalled).

    Raises ValueError unless the axes are unit vectors at a right angle.

    >>> import llgrad as lg
    >>> term = lg.physics.CubicAnisotropy(H_c=10e-3)
    >>> term.field(lg.Vec3(0.0, 0.0, 1.0), None)  # none along an axis
    Vec3(-0.0, -0.0, -0.0)
    >>> sto = lg.presets.kubota2013().replace(terms=(term,))
    """

    H_c: float = quantity("T", about="cubic anisotropy field, 2K₁/Ms")
    first: Vec3 = vector("1", default=(1.0, 0.0, 0.0), about="axis a")
    second: Vec3 = vector("1", default=(0.0, 1.0, 0.0), about="axis b")

    def __check_init__(self) -> None:
        for name in ("first", "second"):
            check_unit_vector(f"CubicAnisotropy: {name}", getattr(self, name))
        between = self.first.dot(self.second)
        if is_concrete(between) and not np.all(np.abs(between) < 1e-6):
            worst = float(np.max(np.abs(between)))
            raise ValueError(f"CubicAnisotropy: first·second = {worst:.3g}, expected axes at a right angle")

    def field(self, m: Vec3, inputs: Inputs) -> Vec3:
        axes = self.first, self.second, self.first.cross(self.second)
        parts = [m.dot(axis) for axis in axes]
        squares = [part * part for part in parts]
        total = Vec3(0.0, 0.0, 0.0)
        for i, axis in enumerate(axes):
            total = total + axis * (parts[i] * (squares[(i + 1) % 3] + squares[(i + 2) % 3]))
        return total * -self.H_c
