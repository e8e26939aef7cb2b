"""Devices: the oscillator of one free layer and arrays of it, their shapes, junctions and couplings."""

from typing import TYPE_CHECKING

from llgrad.core.speed.rooms import as_room

if TYPE_CHECKING:
    from llgrad.core.vector import Vec3
    from llgrad.devices.array import OscillatorArray
    from llgrad.devices.coupling import Coupling, FieldCoupling, TensorCoupling
    from llgrad.devices.files import save_device
    from llgrad.devices.geometry import Ellipse, ellipse
    from llgrad.devices.junction import ConductanceJunction, Junction, LinearJunction
    from llgrad.devices.oscillator import Oscillator, ellipse_volume
    from llgrad.devices.ranges import direction

__all__ = [
    "ConductanceJunction",
    "Coupling",
    "Ellipse",
    "FieldCoupling",
    "Junction",
    "LinearJunction",
    "Oscillator",
    "OscillatorArray",
    "TensorCoupling",
    "Vec3",
    "direction",
    "ellipse",
    "ellipse_volume",
    "save_device",
]

as_room(__name__)
