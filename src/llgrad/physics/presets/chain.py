"""Junctions that share a current."""

from __future__ import annotations

from llgrad.devices.junction import LinearJunction
from llgrad.physics.circuits.circuit import Circuit
from llgrad.physics.circuits.connections import Series
from llgrad.physics.circuits.elements import Resistor, VoltageSource
from llgrad.physics.presets.perpendicular import kubota2013


def taniguchi2018() -> Circuit:
    """Two perpendicular free layers with in-plane polarisers in series, with a load, at 2.5 mA of mean current.

    The circuit of T. Taniguchi, S. Tsunegi, H. Kubota, Appl. Phys. Express 11, 013005 (2018) (arXiv:1712.04591), of
    which the abstract alone was read; its model of the coupling, and its numbers, were not compared. The oscillators
    are those of `kubota2013`, the device of the group. Not printed in what was read, and chosen here: the resistances
    (310 to 340 Ω), the load of 50 Ω and the source of 1.75 V.

    Reproduced: where the resistances hardly vary the two oscillate at the frequency that a single one has at the same
    current, as the abstract says; with the resistances chosen here at 2.5 % more, as the common current swings.

    >>> import llgrad as lg
    >>> pair = lg.presets.taniguchi2018()
    >>> [name for name in pair.outputs if name.endswith("current")]
    ['current', 'junction0.current', 'junction1.current', 'load.current']
    """
    device = kubota2013().replace(current=0.0, junction=LinearJunction(R_P=310.0, delta_R=30.0))
    return Circuit(VoltageSource(1.75), Series(device, device, Resistor(50.0, name="load")))
