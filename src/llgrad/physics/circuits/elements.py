"""The elements of a circuit: resistors, capacitors, inductors, sources."""

from __future__ import annotations

from typing import Any, ClassVar

import equinox as eqx
import numpy as np

from llgrad.core.arguments.leaves import as_leaf
from llgrad.core.record import Record, is_concrete, quantity
from llgrad.core.units import show
from llgrad.core.vector import Number
from llgrad.devices.bounds import positive, unbounded


def _none_for_zero(value: Any) -> Any:
    """A number; None where it is known to be 0."""
    leaf = as_leaf(value)
    return None if isinstance(leaf, float) and leaf == 0 else leaf


class Element(Record):
    """A two-terminal element. Its current is positive in the direction of the whole circuit, and its voltage is the
    drop in that direction."""

    word: ClassVar[str] = "element"
    """Begins its name where it has none of its own."""

    def _check(self, name: str, unit: str) -> None:
        """Raise ValueError unless a value is positive and finite, as far as it is known."""
        value = getattr(self, name)
        if is_concrete(value) and not np.all((np.asarray(value) > 0) & np.isfinite(value)):
            raise ValueError(
                f"{type(self).__name__}: {name} = {show(value, unit)}, expected a positive, finite one; leave the "
                "element out where there is none"
            )


class Resistor(Element):
    """A resistor, or a load: V = R I. Its signals are "<name>.voltage", "<name>.current", "<name>.power" (V I).

    >>> import llgrad as lg
    >>> print(lg.circuits.Resistor(50.0, name="load"))
    Resistor
      resistance  50 Ω  resistance R
      name        load
    """

    resistance: float = quantity("Ω", about="resistance R", bound=positive())
    name: str | None = eqx.field(static=True, default=None)
    word: ClassVar[str] = "resistor"

    def __check_init__(self) -> None:
        self._check("resistance", "Ω")


class Capacitor(Element):
    """A capacitor: I = C dV/dt; its voltage is a state of the circuit. With a load it is the way out of a bias tee.

    >>> import llgrad as lg
    >>> source = lg.circuits.VoltageSource(0.1, resistance=50.0)
    >>> empty = lg.circuits.Capacitor(20e-12, voltage=0.0)
    >>> run = lg.simulate(lg.circuits.Circuit(source, empty), duration=1e-9, dt=10e-12)
    >>> round(float(run.signal("voltage").values[-1]), 3)  # 0.1 V (1 − 1/e): RC is 1 ns
    0.063
    """

    capacitance: float = quantity("F", about="capacitance C", bound=positive())
    voltage: Number | None = quantity("V", default=None, about="voltage at the start", bound=unbounded(0.1))
    """None: that of the circuit at rest, with no current through it."""
    name: str | None = eqx.field(static=True, default=None)
    word: ClassVar[str] = "capacitor"

    def __check_init__(self) -> None:
        self._check("capacitance", "F")


class Inductor(Element):
    """An inductor: V = L dI/dt; its current is a state of the circuit. It is the way in of a bias tee, or a wire.

    >>> import llgrad as lg
    >>> source = lg.circuits.VoltageSource(0.1, resistance=50.0)
    >>> coil = lg.circuits.Inductor(50e-9, current=0.0)
    >>> run = lg.simulate(lg.circuits.Circuit(source, coil), duration=1e-9, dt=10e-12)
    >>> round(float(run.signal("current").values[-1]) * 1e3, 2)  # 2 mA (1 − 1/e): L/R is 1 ns
    1.26
    """

    inductance: float = quantity("H", about="inductance L", bound=positive())
    current: Number | None = quantity("A", default=None, about="current at the start", bound=unbounded(1e-3))
    """None: that of the circuit at rest, with no voltage across it."""
    name: str | None = eqx.field(static=True, default=None)
    word: ClassVar[str] = "inductor"

    def __check_init__(self) -> None:
        self._check("inductance", "H")


class CurrentSource(Element):
    """A source that keeps its current, whatever the voltage; a drive adds to it. With a resistor in parallel to it it
    has an internal conductance.

    >>> import llgrad as lg
    >>> load = lg.circuits.Resistor(50.0)
    >>> network = lg.circuits.Parallel(load, lg.circuits.Capacitor(20e-12))
    >>> circuit = lg.circuits.Circuit(lg.circuits.CurrentSource(2e-3), network)
    >>> run = lg.simulate(circuit, duration=1e-9, dt=10e-12)
    >>> round(float(run.signal("voltage").values[-1]), 4)  # V: I R at rest
    0.1
    """

    current: float = quantity("A", about="direct current", bound=unbounded(1e-3))
    name: str | None = eqx.field(static=True, default=None)
    word: ClassVar[str] = "source"
    unit: ClassVar[str] = "A"


class VoltageSource(Element):
    """A source of V behind its internal resistance R (0: none): a current I leaves V − R I; a drive adds to V.

    >>> import llgrad as lg
    >>> source = lg.circuits.VoltageSource(0.1, resistance=50.0)
    >>> circuit = lg.circuits.Circuit(source, lg.circuits.Inductor(50e-9))
    >>> run = lg.simulate(circuit, duration=1e-9, dt=10e-12)
    >>> round(float(run.signal("current").values[-1]) * 1e3, 4)  # a run begins at rest: V/R = 2 mA
    2.0
    """

    voltage: float = quantity("V", about="direct voltage", bound=unbounded(0.1))
    resistance: Number | None = eqx.field(
        converter=_none_for_zero, default=None, metadata={"unit": "Ω", "about": "internal resistance"}
    )
    name: str | None = eqx.field(static=True, default=None)
    word: ClassVar[str] = "source"
    unit: ClassVar[str] = "V"

    def __check_init__(self) -> None:
        if self.resistance is not None:
            self._check("resistance", "Ω")
