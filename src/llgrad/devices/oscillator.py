"""The record of one spin-torque oscillator: everything that its equation of motion needs, in SI units."""

from __future__ import annotations

import math
from typing import Any

from llgrad.core.constants import GAMMA_ELECTRON, MU_0
from llgrad.core.field_term import FieldTerm
from llgrad.core.record import Record, quantity, vector
from llgrad.core.vector import Vec3
from llgrad.devices import ranges
from llgrad.devices.junction import Junction


class Oscillator(Record):
    """A macrospin free layer driven by spin torque. Every number is in SI; `print` shows the card with units.

    The effective field that follows from the record is

        B = field + H_k m_z ẑ + H_k2 (1 − m_z²) m_z ẑ − µ0 Ms (N_x m_x, N_y m_y, N_z m_z) + B_s p × m + β B_s p + terms,
        B_s = ħ η I / (2 e Ms V) / (1 + λ m·p).

    H_k = 2 K_1/Ms and H_k2 = 4 K_2/Ms are flux densities (µ0 times the anisotropy field) for the energy K_1 sin²θ +
    K_2 sin⁴θ.
    A positive current is one whose torque drives a free layer away from `polariser`'s antiparallel in the sense of
    T. Taniguchi et al., Appl. Phys. Express 6, 123003 (2013); the sign of the current and the side of the fixed layer
    each flip it.

    Raises ValueError where a value is out of range, with the likely mistake (tesla for A/m, ampere for mA, …).
    """

    Ms: float = quantity("A/m", about="saturation magnetisation")
    volume: float = quantity("m³", about="volume of the free layer")
    alpha: float = quantity("1", default=0.01, about="Gilbert damping α")
    gamma: float = quantity("rad/(T s)", default=GAMMA_ELECTRON, about="gyromagnetic ratio γ")
    H_k: float = quantity("T", default=0.0, about="perpendicular anisotropy field, 2K₁/Ms")
    H_k2: float = quantity("T", default=0.0, about="second-order perpendicular anisotropy field, 4K₂/Ms")
    demag: Vec3 = vector("1", default=(0.0, 0.0, 1.0), about="demagnetising factors (N_x, N_y, N_z)")
    polarization: float = quantity("1", default=0.5, about="spin polarisation η")
    lambda_: float = quantity("1", default=0.0, about="angular asymmetry λ of the torque")
    field_like: float = quantity("1", default=0.0, about="field-like over damping-like torque β")
    polariser: Vec3 = vector("1", default=(1.0, 0.0, 0.0), about="direction p of the fixed layer")
    current: float = quantity("A", default=0.0, about="direct current I")
    field: Vec3 = vector("T", default=(0.0, 0.0, 0.0), about="applied field")
    temperature: float = quantity("K", default=0.0, about="temperature of the free layer")
    terms: tuple[FieldTerm, ...] = ()
    junction: Junction | None = None

    def __check_init__(self) -> None:
        ranges.check_oscillator(self)

    @classmethod
    def from_cgs(
        cls,
        *,
        Ms: float,
        volume: float,
        H_k: float = 0.0,
        H_k2: float = 0.0,
        gamma: float = GAMMA_ELECTRON * 1e-4,
        field: Any = (0.0, 0.0, 0.0),
        current: float = 0.0,
        **others: Any,
    ) -> Oscillator:
        """From CGS numbers: `Ms` [emu/cm³], `volume` [cm³], `H_k`, `H_k2` and `field` [Oe], `gamma` [rad/(Oe s)],
        `current` [mA].

        >>> import llgrad as lg
        >>> lg.Oscillator.from_cgs(Ms=1448.3, volume=2.2619e-17, H_k=18616, field=(0, 0, 200), current=2.5).field.z
        0.02
        """
        ranges.check_gamma_cgs(gamma)
        return cls(
            Ms=Ms * 1e3,
            volume=volume * 1e-6,
            H_k=H_k / 1e4,
            H_k2=H_k2 / 1e4,
            gamma=gamma * 1e4,
            field=Vec3(*(component / 1e4 for component in field)),
            current=current / 1e3,
            **others,
        )

    @classmethod
    def from_mumax(
        cls,
        *,
        Msat: float,
        area: float,
        thickness: float,
        Ku1: float = 0.0,
        Ku2: float = 0.0,
        Pol: float = 1.0,
        Lambda: float = 1.0,
        EpsilonPrime: float = 0.0,
        J: float = 0.0,
        fixedlayer: Any = (1.0, 0.0, 0.0),
        B_ext: Any = (0.0, 0.0, 0.0),
        **others: Any,
    ) -> Oscillator:
        """From mumax3's names: `Msat` [A/m], `Ku1`, `Ku2` [J/m³] along z, `J` [A/m²], `B_ext` [T], `Pol`, `Lambda`,
        `EpsilonPrime`.

        `area` [m²] and `thickness` [m] of the free layer. mumax counts a current positive the other way: I = −J · area.
        Its ε′ carries no angular factor, so it is a field-like β = −2ε′/η only where Lambda is 1; otherwise it is
        refused.
        Source: A. Vansteenkiste et al., AIP Advances 4, 107133 (2014), and mumax3's slonczewski2.cu.
        """
        lambda_, polarization = lambda_from_Lambda(Lambda, Pol)
        if EpsilonPrime and lambda_:
            raise ValueError(
                f"EpsilonPrime = {EpsilonPrime} with Lambda = {Lambda} has no field-like β in this torque: "
                "mumax's secondary "
                "term carries no angular factor; set Lambda=1, or write the secondary torque as a field "
                "term of your own"
            )
        return cls(
            Ms=Msat,
            volume=area * thickness,
            H_k=2 * Ku1 / Msat,
            H_k2=4 * Ku2 / Msat,
            polarization=polarization,
            lambda_=lambda_,
            field_like=-2 * EpsilonPrime / polarization if EpsilonPrime else 0.0,
            polariser=fixedlayer,
            current=-J * area,
            field=B_ext,
            **others,
        )

    @classmethod
    def from_cmtj(
        cls, *, Ms: float, Ku: float = 0.0, area: float, thickness: float, J: float = 0.0, **others: Any
    ) -> Oscillator:
        """From cmtj's names: `Ms` as µ0 Ms [T], `Ku` [J/m³] along z, `J` [A/m²]; cmtj counts a current positive the
        other way."""
        ranges.check_magnetisation_in_tesla(Ms)
        magnetisation = Ms / MU_0
        return cls(Ms=magnetisation, volume=area * thickness, H_k=2 * Ku / magnetisation, current=-J * area, **others)


def lambda_from_Lambda(Lambda: float, polarization: float) -> tuple[float, float]:
    """(λ, η) of this torque from Slonczewski's (Λ, P): λ = (Λ² − 1)/(Λ² + 1), η = P (1 + λ).

    The efficiency ε = P Λ²/[(Λ² + 1) + (Λ² − 1) m·p] is then η/2/(1 + λ m·p).
    """
    if not Lambda > 0:
        raise ValueError(f"Lambda = {Lambda} is out of range; expected a positive number (1 means no asymmetry)")
    lambda_ = (Lambda**2 - 1) / (Lambda**2 + 1)
    return lambda_, polarization * (1 + lambda_)


def Lambda_from_lambda(lambda_: float, polarization: float) -> tuple[float, float]:
    """(Λ, P) of Slonczewski's torque from (λ, η): the inverse of `lambda_from_Lambda`."""
    if not -1 < lambda_ < 1:
        raise ValueError(f"lambda_ = {lambda_} is out of range; expected −1 < λ < 1")
    return math.sqrt((1 + lambda_) / (1 - lambda_)), polarization / (1 + lambda_)


def ellipse_volume(semi_axis_a: float, semi_axis_b: float, thickness: float) -> float:
    """Volume [m³] of an elliptic layer: π a b t, all in metres."""
    return math.pi * semi_axis_a * semi_axis_b * thickness
