"""How the layers of a stack feel each other: the one interface, and the exchange through a spacer."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import equinox as eqx
import jax.numpy as jnp

from llgrad.core.field_term import Inputs
from llgrad.core.record import Record, quantity
from llgrad.core.vector import Vec3
from llgrad.devices.bounds import unbounded
from llgrad.devices.ranges import EXCHANGE, check_record
from llgrad.physics.stacks.layer import Layer

Directions = Mapping[str, Vec3]


class Layers(Protocol):
    """What a coupling knows of its stack."""

    def layer(self, name: str) -> Layer:
        """The layer of a name."""
        ...

    def place(self, name: str) -> int:
        """Its place from the bottom, from 0."""
        ...


class LayerCoupling(Record):
    """What two or more layers of a stack do to each other, as an effective field on each.

    A coupling of your own is one small class: parameters declared with `quantity(unit)`, the names of its layers in
    fields `str = eqx.field(static=True)`, and two functions.

    >>> import equinox as eqx, llgrad as lg
    >>> class Pull(lg.stacks.LayerCoupling):
    ...     on: str = eqx.field(static=True)
    ...     strength: float = lg.quantity("T")
    ...     @property
    ...     def names(self):
    ...         return (self.on,)
    ...     def fields(self, layers, m, inputs):
    ...         return {self.on: lg.Vec3(self.strength + 0 * m[self.on].x, 0 * m[self.on].y, 0 * m[self.on].z)}
    >>> stack = lg.Stack(lg.Layer("free", Ms=1e6, thickness=3e-9, area=1e-14), couplings=Pull("free", 10e-3))
    >>> stack.couplings[0].names
    ('free',)
    """

    terminals: ClassVar[Mapping[str, str]] = {}
    """Units of inputs beside t, current and field that `fields` asks for, by name; "voltage" is that of the barrier
    between its layers."""

    @property
    @abc.abstractmethod
    def names(self) -> tuple[str, ...]:
        """The names of the layers that it couples."""

    @abc.abstractmethod
    def fields(self, layers: Layers, m: Directions, inputs: Inputs) -> dict[str, Vec3]:
        """Effective fields [T], by the name of the layer that each acts on.

        `layers.layer(name)` is the record of a layer, `m[name]` its direction; `inputs` has what a field term has.
        """


def check_pair(kind: str, between: Any) -> None:
    """Raise ValueError unless `between` is the names of two layers."""
    names = isinstance(between, (tuple, list)) and len(between) == 2 and all(isinstance(n, str) for n in between)
    if not names or between[0] == between[1]:
        raise ValueError(f"{kind} is between {between!r}, expected the names of two layers, as ('free', 'reference')")


class InterlayerExchange(LayerCoupling):
    """Bilinear and biquadratic exchange through a spacer: E/area = −J₁ m₁·m₂ − J₂ (m₁·m₂)².

        B₁ = −(1/(Ms₁ t₁)) ∂(E/area)/∂m₁ = (J₁ + 2 J₂ m₁·m₂) m₂/(Ms₁ t₁),   and the same with 1 and 2 exchanged.

    Of layers of different areas the smaller one is coupled: B is less by its part of the layer's area.
    J₁ > 0 favours parallel layers, J₁ < 0 antiparallel ones; J₂ < 0 favours 90°. Two sublattices of one layer (a
    ferrimagnet, an antiferromagnet) are two layers of the same area and thickness t, with J₁ = −B_E Ms t.

    Source of the two terms: M. Rührig et al., phys. stat. sol. (a) 125, 635 (1991), and J. C. Slonczewski, Phys. Rev.
    Lett. 67, 3172 (1991), whose biquadratic coefficient has the other sign.

    >>> import llgrad as lg
    >>> size = {"Ms": 1.0e6, "thickness": 3e-9, "area": 1e-14, "alpha": 0.02}
    >>> layers = (lg.Layer("lower", m=(1, 0, 0), **size), lg.Layer("upper", m=(-1, 0, 0), **size))
    >>> exchange = lg.stacks.InterlayerExchange(("lower", "upper"), J1=-0.3e-3)
    >>> stack = lg.Stack(layers=layers, couplings=(exchange,))
    >>> round(-exchange.J1 / (stack.layers[0].Ms * stack.layers[0].thickness) * 1e3, 3)  # mT: the field on each
    100.0
    """

    between: tuple[str, str] = eqx.field(static=True, converter=lambda v: tuple(v) if isinstance(v, list) else v)
    J1: float = quantity("J/m²", about="bilinear exchange J₁, > 0: parallel", bound=unbounded(1e-4))
    J2: float = quantity("J/m²", default=0.0, about="biquadratic exchange J₂, < 0: 90°", bound=unbounded(1e-5))

    def __check_init__(self) -> None:
        check_pair("InterlayerExchange", self.between)
        check_record(self, {"J1": EXCHANGE, "J2": EXCHANGE}, "InterlayerExchange: ")

    @property
    def names(self) -> tuple[str, ...]:
        return self.between

    def fields(self, layers: Layers, m: Directions, inputs: Inputs) -> dict[str, Vec3]:
        first, second = self.between
        strength = self.J1 + 2 * self.J2 * m[first].dot(m[second])
        one, other = parts_of_exchange(layers.layer(first), layers.layer(second))
        return {first: m[second] * (strength * one), second: m[first] * (strength * other)}


def parts_of_exchange(first: Layer, second: Layer) -> tuple[Any, Any]:
    """Field [T] on each of two layers for an energy of 1 J per area of the smaller one: 1/(Ms t) and its part of the
    area."""
    areas = first.area * 1e14, second.area * 1e14
    known = all(isinstance(area, float) for area in areas)
    shared = min(*areas) if known else jnp.minimum(*areas)
    one, other = (
        1e3 * shared / (area * layer.areal_moment) for area, layer in zip(areas, (first, second), strict=True)
    )
    return one, other
