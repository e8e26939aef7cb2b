"""Where a stack is read out: the resistance between two of its layers."""

from __future__ import annotations

from typing import Any

import equinox as eqx

from llgrad.core.record import Record
from llgrad.core.vector import Number
from llgrad.devices.junction import Junction
from llgrad.physics.stacks.coupling import Directions, check_pair


class Barrier(Record):
    """A barrier or spacer between two layers, whose resistance follows their angle by the law of a `Junction`.

    Args:
        between: names of the two layers.
        junction: `ConductanceJunction(R_P, tmr)`, `LinearJunction(R_P, delta_R)`, `BiasedJunction(R_P, tmr,
            half_voltage)`, `TabulatedJunction(R_P, voltages, tmr)` or a law of your own.

    >>> import llgrad as lg
    >>> size = {"Ms": 1.0e6, "thickness": 3e-9, "area": 1e-14}
    >>> layers = (lg.Layer("reference", m=(1, 0, 0), fixed=True, **size), lg.Layer("free", m=(-1, 0, 0), **size))
    >>> law = lg.devices.LinearJunction(R_P=300.0, delta_R=300.0)
    >>> stack = lg.Stack(layers=layers, barriers=lg.stacks.Barrier(("reference", "free"), law))
    >>> float(lg.simulate(stack, duration=1e-9, dt=2e-12).signal("resistance").values[0])  # Ω, antiparallel
    600.0
    """

    between: tuple[str, str] = eqx.field(static=True, converter=lambda v: tuple(v) if isinstance(v, list) else v)
    junction: Junction

    def __check_init__(self) -> None:
        check_pair("Barrier", self.between)
        if not isinstance(self.junction, Junction):
            raise ValueError(
                f"Barrier: junction is {type(self.junction).__name__}, expected a law of the resistance, such as "
                "ConductanceJunction(R_P=1e3, tmr=1.0)"
            )

    def resistance(self, m: Directions, current: Number) -> Number:
        """Resistance [Ω] at the directions of the layers, where a current [A] flows."""
        return self.junction.at_current(self._cosine(m), current)

    def at_voltage(self, m: Directions, voltage: Number) -> Number:
        """Resistance [Ω] at the directions of the layers and a voltage [V] across it."""
        return self.junction.at_voltage(self._cosine(m), voltage)

    def current(self, m: Directions, voltage: Number) -> Number:
        """Current [A] at the directions of the layers and a voltage [V] across it."""
        return self.junction.current(self._cosine(m), voltage)

    def _cosine(self, m: Directions) -> Any:
        return m[self.between[0]].dot(m[self.between[1]])
