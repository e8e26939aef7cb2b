"""The record of one spin-torque oscillator: everything that its equation of motion needs, in SI units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float

from llgrad.core.arguments.leaves import as_leaf
from llgrad.core.constants import GAMMA_ELECTRON
from llgrad.core.field_term import FieldTerm, as_terms, terminals_of
from llgrad.core.record import Record, quantity, vector
from llgrad.core.vector import Vec3
from llgrad.devices import ranges
from llgrad.devices.conversions import cmtj, mumax
from llgrad.devices.conversions.names import named
from llgrad.devices.junction import Junction, check_junction


class Oscillator(Record):
    """A macrospin free layer driven by spin torque. Every number is in SI; `print` shows the card with units.

    The effective field that follows from the record is

        B = field + H_k m_z ẑ + H_k2 (1 − m_z²) m_z ẑ − µ0 Ms (N_x m_x, N_y m_y, N_z m_z) + B_s p × m + β B_s p + terms,
        B_s = ħ η I / (2 e Ms V) / (1 + λ m·p).

    H_k = 2 K_1/Ms and H_k2 = 4 K_2/Ms are flux densities (µ0 times the anisotropy field) for the energy K_1 sin²θ +
    K_2 sin⁴θ.
    A positive current drives m away from `polariser`, towards its antiparallel (where η > 0), as in T. Taniguchi et
    al., Appl. Phys. Express 6, 123003 (2013); the sign of the current and the side of the fixed layer each flip it.
    docs/conventions.md tells how other programs count; `lg.physics.torque_at` shows it for a device.

    Raises ValueError where a value is out of range, with the likely mistake (tesla for A/m, ampere for mA, …).

    >>> import llgrad as lg
    >>> sto = lg.Oscillator(Ms=1.4483e6, volume=2.2619e-23, alpha=0.005, H_k=1.8616, current=2.5e-3)
    >>> sto = sto.replace(field=(0, 0, 20e-3), lambda_=0.288)  # a new record; `sto` itself never changes
    >>> run = lg.simulate(sto, duration=1e-9, dt=2e-12)
    >>> run.m.shape, run.status
    ((501, 3), Status(finished))
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
    temperature: float = eqx.field(
        converter=as_leaf, default=0.0, metadata={"unit": "K", "about": "temperature of the free layer"}
    )
    """None is 0, as of other devices."""
    terms: tuple[FieldTerm, ...] = eqx.field(converter=as_terms, default=())
    junction: Junction | None = None

    def __check_init__(self) -> None:
        ranges.check_oscillator(self)
        check_junction("Oscillator", self.junction)
        if wrong := [term for term in self.terms if not isinstance(term, FieldTerm)]:
            raise ValueError(f"terms holds {type(wrong[0]).__name__}, expected field terms; see lg.physics.FieldTerm")
        if "voltage" in terminals_of(self.terms) and self.junction is None:
            raise ValueError(
                "a term of this device follows the voltage across its junction, and it has none; give one, as in "
                "junction=ConductanceJunction(R_P=1e3, tmr=1.0)"
            )

    @classmethod
    def from_cgs(
        cls,
        *,
        Ms: float,
        volume: float,
        H_k: float = 0.0,
        H_k2: float = 0.0,
        gamma: float = GAMMA_ELECTRON * 1e-4,
        field: Sequence[float] | Float[np.ndarray, "3"] | Float[jax.Array, "3"] = (0.0, 0.0, 0.0),
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
    def from_mumax(cls, **settings: Any) -> Oscillator:
        """From mumax3's names, in its units and signs; upper and lower case as you like, as in its scripts.

        `Msat` [A/m]; `FreeLayerThickness` (or `thickness`) [m] and `area` [m²]; `Ku1`, `Ku2` [J/m³] along `anisU`
        = z; `alpha` (0, as there); `GammaLL` (1.7595e11 rad/(T s)); `Pol` (1), `Lambda` (1), `EpsilonPrime` (0);
        `FixedLayer` and `FixedLayerPosition` ("FIXEDLAYER_TOP" or "FIXEDLAYER_BOTTOM"); `J` [A/m²], along z; `B_ext`
        [T]; `Temp` [K]; and llgrad's own `demag` (mumax3 finds it from the cells: (0, 0, 1) for a thin film; see
        `lg.devices.ellipse` and `lg.physics.prism_factors`), `terms`, `junction`.

        mumax3 adds 2 Ku1/Msat (m·u) u + 4 Ku2/Msat (m·u)³ u, so H_k = 2 Ku1/Msat + 4 Ku2/Msat and H_k2 = −4 Ku2/Msat;
        with the fixed layer on top its positive current pulls m towards `FixedLayer`, so I = −J · area, and +J · area
        with FIXEDLAYER_BOTTOM. Its ε′ carries no angular factor, so it is a field-like β = −2ε′/η only where Lambda is
        1; otherwise it is refused.

        Raises ValueError for an unknown name, for J without FixedLayer, for an easy axis off z.
        Source: A. Vansteenkiste et al., AIP Advances 4, 107133 (2014), and mumax 3.11.1's engine/torque.go,
        cuda/slonczewski2.cu, cuda/uniaxialanisotropy2.cu.

        >>> import llgrad as lg
        >>> sto = lg.Oscillator.from_mumax(
        ...     Msat=800e3, area=1e-14, FreeLayerThickness=5e-9, alpha=0.01, Pol=0.5669, FixedLayer=(1, 0, 0), J=-8e11
        ... )
        >>> round(sto.current * 1e3, 3), sto.gamma
        (8.0, 175950000000.0)
        """
        return cls(**named("from_mumax", mumax.values, settings, mumax.ALIASES))

    @classmethod
    def from_cmtj(cls, **settings: Any) -> Oscillator:
        """From cmtj's names, in its units and signs: the device that cmtj simulates, to rounding.

        Of `Layer.createSTTLayer`: `Ms` as µ0 Ms [T], `thickness` [m], `cellSurface` [m²], `demagTensor` (three rows),
        `anis` (z), `damping` (0.011), `SlonczewskiSpacerLayerParameter` (1), `beta` (0), `spinPolarisation` (0). Of
        the setters: `referenceLayer` (setReferenceLayer), `alternativeSTT` (setAlternativeSTT), `kappa` (setKappa).
        What the drivers hold: `Ku`, `K2` [J/m³] (setAnisotropyDriver, setSecondOrderAnisotropyDriver), `J` [A/m²]
        (setLayerCurrentDriver), `Hext` [A/m] (setExternalFieldDriver), `temperature` [K]. Of `Junction`: `Rp`, `Rap`
        [Ω], for a resistance that is linear in m·p. `gyromagnetic_ratio` (220880 m/(A s)) and
        `magnetic_permeability` (12.566e-7 T m/A, as it rounds it), where they were set otherwise in
        `cmtj.constants`. And llgrad's own `terms`.

        cmtj drops the α cross terms of the spin torque: it is llgrad's with field_like = (β − α)/(1 + αβ) and
        η = P (1 + λ) (1 + αβ)/(1 + α²); a positive current pulls m towards the reference layer, so
        I = −J · cellSurface.
        Its alternative torque is P/(1 + λ m·p), twice as strong, with λ = SlonczewskiSpacerLayerParameter.
        Its `K2` is the energy −K2 (m·u)⁴: H_k = µ0 (2 Ku + 4 K2)/Ms, H_k2 = −4 µ0 K2/Ms.

        Raises ValueError for an unknown name, for J without referenceLayer, for an easy axis off z.
        Source: cmtj 1.15.0, core/junction.hpp (`solveLLG`), run side by side in tests/cross_check/test_cmtj.py.

        >>> import llgrad as lg
        >>> sto = lg.Oscillator.from_cmtj(Ms=1.5, thickness=2e-9, cellSurface=7e-15, damping=0.02, beta=0.02, Ku=8e5)
        >>> round(sto.H_k, 4), sto.field_like
        (1.3404, 0.0)
        """
        return cls(**named("from_cmtj", cmtj.values, settings, cmtj.ALIASES))


def ellipse_volume(semi_axis_a: float, semi_axis_b: float, thickness: float) -> float:
    """Volume [m³] of an elliptic layer: π a b t, all in metres.

    >>> import llgrad as lg
    >>> round(lg.devices.ellipse_volume(60e-9, 60e-9, 2e-9) * 1e24, 3)  # in 1e-24 m³
    22.619
    """
    return math.pi * semi_axis_a * semi_axis_b * thickness
