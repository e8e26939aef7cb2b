"""Circuits: oscillators, stacks and electrical elements in series and in parallel, simulated as one system."""

from typing import TYPE_CHECKING

from llgrad.core.speed.rooms import as_room

if TYPE_CHECKING:
    from llgrad.physics.circuits.circuit import Circuit
    from llgrad.physics.circuits.connections import Parallel, Series
    from llgrad.physics.circuits.elements import Capacitor, CurrentSource, Inductor, Resistor, VoltageSource

__all__ = [
    "Capacitor",
    "Circuit",
    "CurrentSource",
    "Inductor",
    "Parallel",
    "Resistor",
    "Series",
    "VoltageSource",
]

as_room(__name__)
