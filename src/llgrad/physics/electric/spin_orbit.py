"""Spin–orbit torque of a current in a heavy metal beside the layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, Self

import numpy as np

from llgrad.core.constants import ELEMENTARY_CHARGE, HBAR
from llgrad.core.field_term import FieldTerm, Inputs
from llgrad.core.record import quantity, vector
from llgrad.core.vector import Vec3
from llgrad.devices.ranges import check_unit_vector

HEAVY_METAL: Final = "heavy_metal_current"
"""Name of the terminal: the current [A] in the heavy metal."""


class SpinOrbitTorque(FieldTerm):
    """Damping-like and field-like spin–orbit torque of a current I in a heavy metal: B = s I (m × σ + β σ).

    The damping-like part a_DL = s I > 0 pulls m towards σ: −γ m × (m × σ) a_DL = γ a_DL [σ − (m·σ) m]. σ is the
    polarisation of the spins that enter the layer, as magnetic moments. `of_metal` finds s and σ from the geometry.

    I is `current` and what a drive of a `Stack` brings at the terminal "heavy_metal_current". In an `Oscillator`, whose
    drives do not reach that terminal, it is `current` alone.

    Source of the two parts: A. Manchon et al., Rev. Mod. Phys. 91, 035004 (2019), section I (recalled).

    >>> import llgrad as lg
    >>> term = lg.physics.SpinOrbitTorque(1.0, field_like=0.5, current=1e-3)  # 1 T per ampere, spins along y
    >>> sto = lg.presets.kubota2013().replace(terms=(term,))
    >>> torques = lg.physics.torque_at(sto, (0.0, 0.0, 1.0), thickness=2e-9)
    >>> (1e3 * torques.fields["terms.0 SpinOrbitTorque"]).round(3).tolist()  # mT: m × σ + β σ
    [-1.0, 0.5, 0.0]
    """

    per_ampere: float = quantity("T/A", about="damping-like field per current in the metal, s")
    field_like: float = quantity("1", default=0.0, about="field-like over damping-like torque β")
    spin: Vec3 = vector("1", default=(0.0, 1.0, 0.0), about="polarisation σ of the spins")
    current: float = quantity("A", default=0.0, about="direct current in the heavy metal")
    terminals: ClassVar[Mapping[str, str]] = {HEAVY_METAL: "A"}

    def __check_init__(self) -> None:
        check_unit_vector("SpinOrbitTorque: spin", self.spin)

    @classmethod
    def of_metal(
        cls,
        theta_SH: float,
        *,
        Ms: float,
        thickness: float,
        section: float,
        flow: Sequence[float] = (1.0, 0.0, 0.0),
        normal: Sequence[float] = (0.0, 0.0, 1.0),
        field_like: float = 0.0,
        current: float = 0.0,
    ) -> Self:
        """From the spin Hall angle and the geometry: s = ħ θ_SH/(2 e Ms t A), σ = n̂ × ĵ.

        Args:
            theta_SH: spin Hall angle, or damping-like efficiency. Positive where m is pulled towards n̂ × ĵ; its sign
                for a metal is that of the source it comes from.
            Ms, thickness: of the layer, A/m and m.
            section: cross-section A of the metal that the current flows through, width times thickness [m²].
            flow: direction ĵ of a positive current. normal: n̂ from the metal into the layer, across ĵ.
            field_like: a_FL/a_DL. current: direct current [A].

        Raises ValueError where flow and normal are no unit vectors at a right angle.

        >>> import llgrad as lg
        >>> section = 200e-9 * 5e-9
        >>> torque = lg.physics.SpinOrbitTorque.of_metal(0.1, Ms=1e6, thickness=1e-9, section=section, current=1e-3)
        >>> round(torque.per_ampere * torque.current * 1e3, 2), torque.spin.y
        (32.91, 1.0)
        """
        j, n = np.asarray(flow, float), np.asarray(normal, float)
        unit = j.shape == n.shape == (3,) and abs(j @ j - 1) < 1e-6 and abs(n @ n - 1) < 1e-6
        if not unit or abs(j @ n) > 1e-6:
            raise ValueError(
                f"flow = {flow!r} and normal = {normal!r}, expected unit vectors at a right angle: the current flows "
                "in the plane of the metal"
            )
        scale = HBAR / (2 * ELEMENTARY_CHARGE) * 1e15
        strength = scale * theta_SH / ((Ms * 1e-6) * (thickness * 1e9) * (section * 1e18)) * 1e6
        return cls(strength, field_like, Vec3(*(float(c) for c in np.cross(n, j))), current)

    def field(self, m: Vec3, inputs: Inputs) -> Vec3:
        strength = self.per_ampere * (self.current + inputs.heavy_metal_current)
        return (m.cross(self.spin) + self.spin * self.field_like) * strength
