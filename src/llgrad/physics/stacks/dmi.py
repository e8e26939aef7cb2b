"""Interlayer Dzyaloshinskii–Moriya interaction: the chiral part of the exchange through a spacer."""

from __future__ import annotations

import equinox as eqx

from llgrad.core.field_term import Inputs
from llgrad.core.record import vector
from llgrad.core.vector import Vec3
from llgrad.devices.ranges import EXCHANGE, check_record
from llgrad.physics.stacks.coupling import Directions, LayerCoupling, Layers, check_pair, parts_of_exchange


class InterlayerDMI(LayerCoupling):
    """Interlayer Dzyaloshinskii–Moriya interaction: E/area = −D · (m₁ × m₂), which favours a sense of turn about D.

        B₁ = (m₂ × D)/(Ms₁ t₁),   B₂ = (D × m₁)/(Ms₂ t₂),

    the derivatives of m₁·(m₂ × D) = m₂·(D × m₁) = D·(m₁ × m₂). Of layers of different areas the smaller one is coupled.

    Source: A. Fernández-Pacheco et al., Nature Materials 18, 679 (2019) (recalled; their D has no sign of its own).

    >>> import llgrad as lg
    >>> coupling = lg.stacks.InterlayerDMI(("lower", "upper"), D=(0.0, 0.0, 0.1e-3))
    >>> coupling.names, coupling.D
    (('lower', 'upper'), Vec3(0.0, 0.0, 0.0001))
    """

    between: tuple[str, str] = eqx.field(static=True, converter=lambda v: tuple(v) if isinstance(v, list) else v)
    D: Vec3 = vector("J/m²", about="vector D of the interaction")

    def __check_init__(self) -> None:
        check_pair("InterlayerDMI", self.between)
        check_record(self, {"D": EXCHANGE}, "InterlayerDMI: ")

    @property
    def names(self) -> tuple[str, ...]:
        return self.between

    def fields(self, layers: Layers, m: Directions, inputs: Inputs) -> dict[str, Vec3]:
        first, second = self.between
        one, other = parts_of_exchange(layers.layer(first), layers.layer(second))
        return {first: m[second].cross(self.D * one), second: (self.D * other).cross(m[first])}
