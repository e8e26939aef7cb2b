"""Oscillators of any other kind: models that are there, and what one of your own is written with.

The numbers of a record are declared with their units, by `quantity` and `vector`:

>>> import llgrad as lg
>>> class Bias(lg.physics.FieldTerm):
...     applied: lg.Vec3 = lg.systems.vector("T", about="a constant field")
...     scale: float = lg.systems.quantity("1", default=1.0, about="its part that acts")
...     def field(self, m, inputs):
...         return self.applied * self.scale
>>> print(Bias((0.0, 0.0, 20e-3)))
Bias
  applied  (0, 0, 0.02) T  a constant field
  scale    1               its part that acts
"""

from typing import TYPE_CHECKING

from llgrad.core.speed.rooms import as_room

if TYPE_CHECKING:
    from llgrad.core.field_term import Inputs
    from llgrad.core.record import quantity, table, vector
    from llgrad.devices.arrays.mix import DenseMix, Mix, SumMix
    from llgrad.devices.arrays.system_array import SystemArray
    from llgrad.devices.bounds import between, positive, unbounded
    from llgrad.devices.files import load_system
    from llgrad.devices.system import Spin, System
    from llgrad.physics.heat.heated import Heated
    from llgrad.physics.heat.laws import PowerLaw, TemperatureLaw, TemperatureTable
    from llgrad.physics.models.amplitude import AmplitudeModel
    from llgrad.physics.models.vortex import Vortex

__all__ = [
    "AmplitudeModel",
    "DenseMix",
    "Heated",
    "Inputs",
    "Mix",
    "PowerLaw",
    "Spin",
    "SumMix",
    "System",
    "SystemArray",
    "TemperatureLaw",
    "TemperatureTable",
    "Vortex",
    "between",
    "load_system",
    "positive",
    "quantity",
    "table",
    "unbounded",
    "vector",
]

as_room(__name__)
