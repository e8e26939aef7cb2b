"""What a magnetisation does to a current in the plane: anisotropic, spin Hall, anomalous and planar Hall effects."""

from __future__ import annotations

import abc
from typing import NamedTuple

from llgrad.core.record import Record, quantity
from llgrad.core.vector import Number
from llgrad.devices.bounds import unbounded


class SheetTensor(NamedTuple):
    """Sheet resistances [Ω] in the plane, E = ρ J/thickness: along ĵ, along t̂, and what one does to the other.

    The field along t̂ of a current along ĵ is `symmetric + hall`, that along ĵ of a current along t̂ `symmetric − hall`:
    Onsager's relations, hall being odd and the others even in the magnetisation.
    """

    along: Number
    across: Number
    symmetric: Number
    hall: Number

    def plus(self, other: SheetTensor) -> SheetTensor:
        """The sum of two."""
        return SheetTensor(*(one + more for one, more in zip(self, other, strict=True)))


class Magnetoresistance(Record):
    """What one effect adds to the sheet resistances of a film. One of your own is one small class with `tensor`.

    >>> import llgrad as lg
    >>> from llgrad.physics.readout.effects import SheetTensor
    >>> class OutOfPlane(lg.readout.Magnetoresistance):
    ...     R: float = lg.quantity("Ohm")
    ...     def tensor(self, along, across, normal):
    ...         more = self.R * normal**2
    ...         return SheetTensor(more, more, 0.0 * along, 0.0 * along)
    >>> bar = lg.readout.HallBar(lg.readout.Film(200.0, OutOfPlane(3.0)), length=20e-6, width=5e-6)
    >>> [round(float(R), 6) for R in bar.resistances(lg.Vec3(0.0, 0.0, 1.0))]
    [812.0, 0.0]
    """

    @abc.abstractmethod
    def tensor(self, along: Number, across: Number, normal: Number) -> SheetTensor:
        """Sheet resistances [Ω] at m·ĵ, m·t̂ and m·n̂ (any one shape), t̂ = n̂ × ĵ."""


class AMR(Magnetoresistance):
    """Anisotropic magnetoresistance: R = ΔR (m·ĵ)² along the current, ΔR (m·ĵ)(m·t̂) across it (planar Hall effect).

    Of E = ρ⊥ J + (ρ∥ − ρ⊥) m (m·J), ΔR = (ρ∥ − ρ⊥)/thickness; the sheet resistance of the film is ρ⊥/thickness.

    Source: T. R. McGuire, R. I. Potter, IEEE Trans. Magn. 11, 1018 (1975) (recalled).

    >>> import llgrad as lg
    >>> bar = lg.readout.HallBar(lg.readout.Film(200.0, lg.readout.AMR(2.0)), length=20e-6, width=5e-6)
    >>> [round(float(R), 6) for R in bar.resistances(lg.Vec3(0.6, 0.8, 0.0))]  # 4 (200 + ΔR 0.6²), ΔR 0.6 · 0.8
    [802.88, 0.96]
    """

    delta_R: float = quantity("Ω", about="ΔR per square, parallel less perpendicular", bound=unbounded(1.0))

    def tensor(self, along: Number, across: Number, normal: Number) -> SheetTensor:
        R = self.delta_R
        return SheetTensor(R * along * along, R * across * across, R * along * across, 0.0 * along)


class SMR(Magnetoresistance):
    """Spin Hall magnetoresistance of a metal on a magnet: ΔR₁ (1 − (m·t̂)²) along the current, ΔR₁ (m·ĵ)(m·t̂) +
    ΔR₂ m·n̂ across it.

    The spins that the metal sends are along ± t̂: they are reflected, and the resistance is least, where m is along t̂.
    m along ĵ and along n̂ are one to it, and two to AMR. The sheet resistance of the film is that with m along t̂.

    Source: H. Nakayama et al., Phys. Rev. Lett. 110, 206601 (2013); M. Althammer et al., Phys. Rev. B 87, 224401
    (2013); Y.-T. Chen et al., Phys. Rev. B 87, 144411 (2013) (formulas recalled).

    >>> import llgrad as lg
    >>> bar = lg.readout.HallBar(lg.readout.Film(200.0, lg.readout.SMR(2.0)), length=20e-6, width=5e-6)
    >>> [round(float(R), 6) for R in bar.resistances(lg.Vec3(0.6, 0.8, 0.0))]  # 4 (200 + ΔR (1 − 0.8²)), ΔR 0.6 · 0.8
    [802.88, 0.96]
    """

    delta_R: float = quantity("Ω", about="ΔR₁ per square", bound=unbounded(1.0))
    hall: float = quantity("Ω", default=0.0, about="ΔR₂, anomalous-Hall-like", bound=unbounded(0.1))

    def tensor(self, along: Number, across: Number, normal: Number) -> SheetTensor:
        R = self.delta_R
        return SheetTensor(R * (1 - across * across), R * (1 - along * along), R * along * across, self.hall * normal)


class AHE(Magnetoresistance):
    """Anomalous Hall effect: R_AHE m·n̂ across the current. Of E = ρ_H m × J, R_AHE = ρ_H/thickness.

    It is half of what the transverse resistance changes by where m is reversed.

    Source: N. Nagaosa et al., Rev. Mod. Phys. 82, 1539 (2010) (recalled).

    >>> import llgrad as lg
    >>> bar = lg.readout.HallBar(lg.readout.Film(200.0, lg.readout.AHE(1.0)), length=20e-6, width=5e-6)
    >>> [round(float(R), 6) for R in bar.resistances(lg.Vec3(0.0, 0.0, 1.0))]  # Ω along and across: R_AHE m_z
    [800.0, 1.0]
    """

    R: float = quantity("Ω", about="transverse resistance with m along the normal", bound=unbounded(1.0))

    def tensor(self, along: Number, across: Number, normal: Number) -> SheetTensor:
        none = 0.0 * normal
        return SheetTensor(none, none, none, self.R * normal)


class PHE(Magnetoresistance):
    """Planar Hall effect by itself: R_PHE (m·ĵ)(m·t̂) = (R_PHE/2) sin 2φ across the current, of m in the plane.

    AMR and SMR have one that goes with them: give this where the transverse resistance alone is measured.

    >>> import llgrad as lg
    >>> bar = lg.readout.HallBar(lg.readout.Film(200.0, lg.readout.PHE(2.0)), length=20e-6, width=5e-6)
    >>> [round(float(R), 6) for R in bar.resistances(lg.Vec3(0.6, 0.8, 0.0))]
    [800.0, 0.96]
    """

    R: float = quantity("Ω", about="twice the transverse resistance at 45°", bound=unbounded(1.0))

    def tensor(self, along: Number, across: Number, normal: Number) -> SheetTensor:
        none = 0.0 * normal
        return SheetTensor(none, none, self.R * along * across, none)
