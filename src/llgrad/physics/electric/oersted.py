"""The magnetic field of a current itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Self

import equinox as eqx
import numpy as np

from llgrad.core.constants import MU_0
from llgrad.core.field_term import FieldTerm, Inputs
from llgrad.core.record import quantity, vector
from llgrad.core.vector import Vec3
from llgrad.physics.electric.spin_orbit import HEAVY_METAL


class OerstedField(FieldTerm):
    """The Oersted field of a current I: B = b I, with a constant vector b.

    I is the current through the junction, or, with `terminal="heavy_metal_current"`, `current` and what a drive of a
    `Stack` brings there. `of_strip` and `of_pillar` find b.

    >>> import llgrad as lg
    >>> term = lg.physics.OerstedField(per_ampere=lg.Vec3(0.0, 0.8, 0.0))
    >>> sto = lg.presets.kubota2013().replace(terms=(term,))
    >>> torques = lg.physics.torque_at(sto, (0.6, 0.0, 0.8), thickness=2e-9)
    >>> (1e3 * torques.fields["terms.0 OerstedField"]).round(3).tolist()  # mT at 2.5 mA
    [0.0, 2.0, 0.0]
    """

    per_ampere: Vec3 = vector("T/A", about="field per current b")
    terminal: str = eqx.field(static=True, default="current")
    current: float = quantity("A", default=0.0, about="direct current at a terminal of its own")

    def __check_init__(self) -> None:
        if self.terminal not in ("current", HEAVY_METAL):
            raise ValueError(f"OerstedField: terminal = {self.terminal!r}, expected 'current' or {HEAVY_METAL!r}")
        if self.terminal == "current" and isinstance(self.current, float) and self.current:
            raise ValueError(
                f"OerstedField: current = {self.current} is for terminal={HEAVY_METAL!r}; the current through the "
                "junction is that of the device"
            )

    @property
    def terminals(self) -> Mapping[str, str]:  # type: ignore[override]
        """Units of the inputs beside the usual ones, by name."""
        return {self.terminal: "A"} if self.terminal != "current" else {}

    @classmethod
    def of_strip(
        cls,
        width: float,
        *,
        flow: Sequence[float] = (1.0, 0.0, 0.0),
        normal: Sequence[float] = (0.0, 0.0, 1.0),
        current: float = 0.0,
    ) -> Self:
        """Of a strip much wider than its distance, such as a heavy metal: b = µ0/(2 w) ĵ × n̂.

        By Ampère's law around the strip: J. D. Jackson, Classical Electrodynamics, 3rd edition, eq. 5.25.

        Args:
            width: w [m]. flow: ĵ of a positive current. normal: n̂ from the strip to the layer. current: [A].
        """
        if not width > 0:
            raise ValueError(f"width = {width}, expected the width of the strip in metres, a positive number")
        b = np.cross(flow, normal) * (MU_0 / (2 * width))
        return cls(Vec3(*map(float, b)), HEAVY_METAL, current)

    @classmethod
    def of_pillar(cls, radius: float, offset: Sequence[float]) -> Self:
        """Of the current through a round pillar along +z, at a place off its axis: b = µ0/(2π R²) ẑ × d inside, and
        µ0/(2π d²) ẑ × d outside. Over a centred layer it averages to zero. Same source.

        Args:
            radius: R [m]. offset: (d_x, d_y) [m] of the layer's centre from the axis.
        """
        d = np.asarray(offset, float)
        if not radius > 0 or d.shape != (2,):
            raise ValueError(f"radius = {radius}, offset = {offset!r}, expected a positive length and (d_x, d_y), in m")
        inside = max(radius**2, float(d @ d))
        strength = MU_0 / (2 * math.pi * inside)
        return cls(Vec3(-strength * float(d[1]), strength * float(d[0]), 0.0))

    def field(self, m: Vec3, inputs: Inputs) -> Vec3:
        current = inputs.current if self.terminal == "current" else self.current + inputs.heavy_metal_current
        return self.per_ampere * current
