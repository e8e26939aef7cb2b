"""One layer of a stack: what a macrospin is made of, and its place in space."""

from __future__ import annotations

import math
from typing import Final

import equinox as eqx

from llgrad.core.constants import GAMMA_ELECTRON
from llgrad.core.field_term import FieldTerm, Inputs, as_terms
from llgrad.core.record import Record, quantity, vector
from llgrad.core.vector import Number, Vec3
from llgrad.devices.bounds import between, positive
from llgrad.devices.ranges import LAYER, check_factors, check_record, check_unit_vector, direction
from llgrad.physics.anisotropy import PerpendicularAnisotropy
from llgrad.physics.demagnetisation import Demagnetisation

TILT: Final = math.radians(1.0)
"""A free layer starts so far off z, where no other direction is given: at rest on its axis nothing would move."""


class Layer(Record):
    """A uniformly magnetised layer of a `Stack`, free or fixed. Every number is in SI; `print` shows the card.

    Its own field is that of an `Oscillator`,

        B = H_k m_z ẑ + H_k2 (1 − m_z²) m_z ẑ − µ0 Ms (N_x m_x, N_y m_y, N_z m_z) + terms,

    to which the stack adds the applied field, its couplings and the thermal field. `terms` holds what else acts on it:
    an easy axis in the plane is `UniaxialAnisotropy(H_k, axis=(1, 0, 0))`.

    Args:
        name: by which couplings, states and signals know it ("free": its z component is the signal "free.z").
        m: the direction in which a free layer starts (1° off z where it is left out), or that of a fixed one.
        fixed: whether it keeps its direction, as a pinned layer that acts on others and does not move.

    Raises ValueError where a value is out of range, and for a fixed layer without direction.

    >>> import llgrad as lg
    >>> layer = lg.Layer("free", Ms=1.0e6, thickness=3e-9, area=1e-14, m=(1, 0, 0))
    >>> round(layer.volume * 1e24, 6), round(layer.areal_moment * 1e3, 6)  # 1e-24 m³, mA
    (30.0, 3000.0)
    """

    name: str = eqx.field(static=True)
    Ms: float = quantity("A/m", about="saturation magnetisation", bound=positive())
    thickness: float = quantity("m", about="thickness t", bound=positive())
    area: float = quantity("m²", about="area", bound=positive())
    alpha: float = quantity("1", default=0.01, about="Gilbert damping α", bound=between(0.0, 1.0))
    gamma: float = quantity("rad/(T s)", default=GAMMA_ELECTRON, about="gyromagnetic ratio γ", bound=positive())
    H_k: float = quantity("T", default=0.0, about="perpendicular anisotropy field, 2K₁/Ms")
    H_k2: float = quantity("T", default=0.0, about="second-order perpendicular anisotropy field, 4K₂/Ms")
    demag: Vec3 = vector("1", default=(0.0, 0.0, 1.0), about="demagnetising factors (N_x, N_y, N_z)")
    m: Vec3 | None = vector("1", default=None, about="direction at the start, or for good")
    fixed: bool = eqx.field(static=True, default=False)
    terms: tuple[FieldTerm, ...] = eqx.field(converter=as_terms, default=())

    def __check_init__(self) -> None:
        if not (isinstance(self.name, str) and self.name.isidentifier()):
            raise ValueError(f"the name of a layer is {self.name!r}, expected a word such as 'free', without dots")
        check_record(self, LAYER, f"layer {self.name!r}: ")
        check_factors(f"layer {self.name!r}: demag", self.demag)
        check_unit_vector(f"layer {self.name!r}: m", self.m)
        if self.fixed and self.m is None:
            raise ValueError(f"layer {self.name!r} is fixed, and its direction is not known; give m=(x, y, z)")
        for term in self.terms:
            if not isinstance(term, FieldTerm):
                raise ValueError(f"layer {self.name!r}: terms holds {type(term).__name__}, expected field terms")

    @property
    def volume(self) -> Number:
        """area · t [m³]."""
        return self.area * self.thickness

    @property
    def areal_moment(self) -> Number:
        """Ms t in 10⁻³ A: a number near 1."""
        return (self.Ms * 1e-6) * (self.thickness * 1e9)

    @property
    def direction(self) -> Vec3:
        """The direction at the start, or of a fixed layer."""
        return direction(TILT, TILT) if self.m is None else self.m

    def field(self, m: Vec3, inputs: Inputs) -> Vec3:
        """The effective field [T] of the layer by itself, without the applied one."""
        total = PerpendicularAnisotropy(self.H_k, self.H_k2).field(m, inputs)
        for term in (Demagnetisation(self.Ms, self.demag), *self.terms):
            total = total + term.field(m, inputs)
        return total
