"""How the resonance frequency follows the field, for each geometry that a saturated layer may be in.

Where the magnetisation lies along the field, the two stiffness fields of a small deviation are H − H₁ and H − H₂, and

    f = γ' √((H − H₁)(H − H₂)),   γ' = γ/2π.

The relaxation rate of that mode is αγ(2H − H₁ − H₂)/2, and df/dH = γ'²(2H − H₁ − H₂)/(2f); so the *half* width in field
at a fixed frequency is, in every one of these geometries and to first order in α,

    w = (αγ(2H − H₁ − H₂)/2) / (2π df/dH) = α f/γ'.

The geometries therefore share the slope α/γ' of the width against frequency, and differ in α by their γ' only. (It is
not so where the field drags the magnetisation: keep to fields above H₁.) Source of the widths: C. E. Patton, J. Appl.
Phys. 39, 3060 (1968); of the frequencies: C. Kittel, Phys. Rev. 73, 155 (1948).
"""

from __future__ import annotations

import abc
from typing import Any, Final

import equinox as eqx
import numpy as np


class Geometry(eqx.Module):
    """A law f(H) with γ' and one or two fields. Its search parameters are (γ' [GHz/T], …), each with a lower bound."""

    name: str = eqx.field(static=True)
    formula: str = eqx.field(static=True)
    symbols: tuple[str, ...] = eqx.field(static=True)
    """Names of the fields that are reported."""

    @abc.abstractmethod
    def start(self, slope: float, zero: float) -> list[float]:
        """Search parameters from the straight line f = slope (H − zero) through the data, in GHz/T and T."""

    @abc.abstractmethod
    def fields(self, p: Any) -> list[Any]:
        """The reported fields [T] at the search parameters, in the order of `symbols`."""

    @abc.abstractmethod
    def softening(self, p: Any) -> tuple[Any, Any]:
        """H₁ and H₂ [T], the fields at which the stiffness vanishes."""

    def frequency(self, p: Any, field: Any) -> np.ndarray:
        """f [GHz] at fields [T]; 0 where the layer is not saturated."""
        first, second = self.softening(p)
        product = (field - first) * (field - second)
        return p[0] * np.sqrt(np.where((product > 0) & (field > max(first, second)), product, 0.0))


class InPlaneField(Geometry):
    """A perpendicular layer that an in-plane field has pulled into its plane."""

    def start(self, slope: float, zero: float) -> list[float]:
        return [slope, max(2 * zero, 1e-3)]

    def fields(self, p: Any) -> list[Any]:
        return [p[1]]

    def softening(self, p: Any) -> tuple[Any, Any]:
        return 0.0, p[1]


class InPlaneFilm(Geometry):
    """A layer whose easy plane is its own, in a field in that plane."""

    def start(self, slope: float, zero: float) -> list[float]:
        return [slope, max(-2 * zero, 1e-3)]

    def fields(self, p: Any) -> list[Any]:
        return [p[1]]

    def softening(self, p: Any) -> tuple[Any, Any]:
        return 0.0, -p[1]


class TwoAnisotropies(Geometry):
    """Two anisotropies or shape factors. Searched by the middle of H₁ and H₂ and the square of half their distance."""

    def start(self, slope: float, zero: float) -> list[float]:
        return [slope, zero, 1e-2 * max(abs(zero), 1e-2) ** 2]

    def fields(self, p: Any) -> list[Any]:
        half = np.sqrt(max(p[2], 0.0))
        return [p[1] + half, p[1] - half]

    def softening(self, p: Any) -> tuple[Any, Any]:
        first, second = self.fields(p)
        return first, second


class HardAxis(Geometry):
    """A field along the hard axis, such as the normal of an in-plane film."""

    def start(self, slope: float, zero: float) -> list[float]:
        return [slope, max(zero, 1e-3)]

    def fields(self, p: Any) -> list[Any]:
        return [p[1]]

    def softening(self, p: Any) -> tuple[Any, Any]:
        return p[1], p[1]


class EasyAxis(Geometry):
    """A field along the easy axis, such as the normal of a perpendicular layer."""

    def start(self, slope: float, zero: float) -> list[float]:
        return [slope, max(-zero, 1e-3)]

    def fields(self, p: Any) -> list[Any]:
        return [p[1]]

    def softening(self, p: Any) -> tuple[Any, Any]:
        return -p[1], -p[1]


TWO_ANISOTROPIES: Final = TwoAnisotropies("two anisotropies", "γ'√((H − H₁)(H − H₂))", ("H₁", "H₂"))
"""The most general: the others are special cases of it."""

GEOMETRIES: Final[tuple[Geometry, ...]] = (
    InPlaneField("perpendicular layer, in-plane field", "γ'√(H(H − H_K))", ("H_K",)),
    TWO_ANISOTROPIES,
    HardAxis("straight line, hard axis", "γ'(H − H₀)", ("H₀",)),
    EasyAxis("straight line, easy axis", "γ'(H + H_k)", ("H_k",)),
    InPlaneFilm("in-plane film", "γ'√(H(H + M))", ("M",)),
)
"""The candidates of a comparison."""
