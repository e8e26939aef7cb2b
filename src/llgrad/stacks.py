"""Stacks of layers: free and fixed layers, barriers, and what couples one layer to another."""

from typing import TYPE_CHECKING

from llgrad.core.speed.rooms import as_room

if TYPE_CHECKING:
    from llgrad.physics.electric.laws import VoltageLaw, VoltagePolynomial, VoltageTable
    from llgrad.physics.stacks.barrier import Barrier
    from llgrad.physics.stacks.coupling import InterlayerExchange, LayerCoupling
    from llgrad.physics.stacks.dmi import InterlayerDMI
    from llgrad.physics.stacks.layer import Layer
    from llgrad.physics.stacks.stack import Stack
    from llgrad.physics.stacks.stray import StrayField
    from llgrad.physics.stacks.tensors import dipole_tensor, ellipse_tensor, prism_tensor
    from llgrad.physics.stacks.torque import SpinTorque

__all__ = [
    "Barrier",
    "InterlayerDMI",
    "InterlayerExchange",
    "Layer",
    "LayerCoupling",
    "SpinTorque",
    "Stack",
    "StrayField",
    "VoltageLaw",
    "VoltagePolynomial",
    "VoltageTable",
    "dipole_tensor",
    "ellipse_tensor",
    "prism_tensor",
]

as_room(__name__)
