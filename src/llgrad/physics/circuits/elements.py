"""What a circuit is made of: resistors, capacitors, inductors, sources, and parts in series and in parallel."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import equinox as eqx
import numpy as np

from llgrad.core.record import Record, is_concrete, quantity
from llgrad.core.units import show
from llgrad.devices.bounds import positive, unbounded
from llgrad.devices.oscillator import Oscillator
from llgrad.physics.stacks.stack import Stack

Part = Any
"""An element, an `Oscillator` with a junction, or a `Stack` with barriers."""


def _none_for_zero(value: Any) -> Any:
    """A number; None where it is known to be 0."""
    zero = isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and value == 0
    return None if zero else float(value) if isinstance(value, (int, np.number)) else value


class Element(Record):
    """A two-terminal element. Its current is positive in the direction of the whole circuit, and its voltage is the
    drop in that direction."""

    word: ClassVar[str] = "element"
    """Begins its name where it has none of its own."""

    def _check(self, name: str, unit: str) -> None:
        """Raise ValueError unless a value is positive, as far as it is known."""
        value = getattr(self, name)
        if is_concrete(value) and not np.all(np.asarray(value) > 0):
            raise ValueError(
                f"{type(self).__name__}: {name} = {show(value, unit)}, expected a positive one; leave the element out "
                "where there is none"
            )


class Resistor(Element):
    """A resistor, or a load: V = R I. Its signals are "<name>.voltage", "<name>.current", "<name>.power" (V I)."""

    resistance: float = quantity("Ω", about="resistance R", bound=positive())
    name: str | None = eqx.field(static=True, default=None)
    word: ClassVar[str] = "resistor"

    def __check_init__(self) -> None:
        self._check("resistance", "Ω")


class Capacitor(Element):
    """A capacitor: I = C dV/dt; its voltage is a state of the circuit. With a load it is the way out of a bias tee."""

    capacitance: float = quantity("F", about="capacitance C", bound=positive())
    voltage: Any = quantity("V", default=None, about="voltage at the start", bound=unbounded(0.1))
    """None: that of the circuit at rest, with no current through it."""
    name: str | None = eqx.field(static=True, default=None)
    word: ClassVar[str] = "capacitor"

    def __check_init__(self) -> None:
        self._check("capacitance", "F")


class Inductor(Element):
    """An inductor: V = L dI/dt; its current is a state of the circuit. It is the way in of a bias tee, or a wire."""

    inductance: float = quantity("H", about="inductance L", bound=positive())
    current: Any = quantity("A", default=None, about="current at the start", bound=unbounded(1e-3))
    """None: that of the circuit at rest, with no voltage across it."""
    name: str | None = eqx.field(static=True, default=None)
    word: ClassVar[str] = "inductor"

    def __check_init__(self) -> None:
        self._check("inductance", "H")


class CurrentSource(Element):
    """A source that keeps its current, whatever the voltage; a drive adds to it. With a resistor in parallel to it it
    has an internal conductance."""

    current: float = quantity("A", about="direct current", bound=unbounded(1e-3))
    name: str | None = eqx.field(static=True, default=None)
    word: ClassVar[str] = "source"
    unit: ClassVar[str] = "A"


class VoltageSource(Element):
    """A source of V behind its internal resistance R (0: none): a current I leaves V − R I; a drive adds to V."""

    voltage: float = quantity("V", about="direct voltage", bound=unbounded(0.1))
    resistance: Any = eqx.field(
        converter=_none_for_zero, default=None, metadata={"unit": "Ω", "about": "internal resistance"}
    )
    name: str | None = eqx.field(static=True, default=None)
    word: ClassVar[str] = "source"
    unit: ClassVar[str] = "V"

    def __check_init__(self) -> None:
        if self.resistance is not None:
            self._check("resistance", "Ω")


def _cold(part: Any) -> Any:
    """An oscillator at 0 K without temperature, so that whether it has noise is a matter of form."""
    known = isinstance(part, Oscillator) and isinstance(part.temperature, (int, float)) and part.temperature == 0
    return part.replace(temperature=None) if known else part


def checked_part(part: Any) -> Any:
    """A part of a circuit. Raises ValueError, in one sentence, for what cannot be one."""
    if isinstance(part, Oscillator):
        if part.junction is None:
            raise ValueError(
                "an oscillator in this circuit has no junction, so that its resistance is not known; give one, as in "
                "junction=ConductanceJunction(R_P=1e3, tmr=1.0)"
            )
        _check_own_current("an oscillator", part.current)
    elif isinstance(part, Stack):
        if not part.barriers:
            raise ValueError(
                "a stack in this circuit has no barrier, so that its resistance is not known and no voltage drives it; "
                "give barriers=lg.Barrier(…)"
            )
        _check_own_current("a stack", part.current)
        if part.voltage is not None:
            raise ValueError("a stack in this circuit has a voltage of its own; leave it out: the source drives it")
    elif not isinstance(part, (Element, Several)):
        raise ValueError(
            f"a circuit holds {type(part).__name__}, expected oscillators with a junction, stacks with barriers, "
            "lg.Resistor(…), lg.Capacitor(…), lg.Inductor(…), sources, lg.Series(…) or lg.Parallel(…)"
        )
    return _cold(part)


def _check_own_current(what: str, current: Any) -> None:
    if is_concrete(current) and np.any(np.asarray(current) != 0):
        raise ValueError(
            f"{what} in this circuit has a current of its own, {show(current, 'A')}; give current=0.0: the source "
            "drives it"
        )


class Several(Record):
    """Parts that are connected in one way: `Series` or `Parallel`."""

    parts: tuple[Record, ...]

    def __init__(self, *given: Part, parts: Any = ()) -> None:
        listed = given[0] if len(given) == 1 and isinstance(given[0], (list, tuple)) else given
        several = tuple(listed) + tuple(parts)
        if not several:
            kind = type(self).__name__
            raise ValueError(f"{kind}() has no parts; give some, as in lg.{kind}(first, second)")
        self.parts = tuple(checked_part(part) for part in several)

    def replace(self, **changes: Any) -> Self:
        """A copy with other `parts`."""
        return type(self)(**({"parts": self.parts} | changes))


class Series(Several):
    """Parts one after the other: one current, the voltages add. `Series(a, b, …)`; parts may be `Parallel` again."""

    def __init__(self, *given: Part, parts: Any = ()) -> None:
        super().__init__(*given, parts=parts)


class Parallel(Several):
    """Parts side by side: one voltage, the currents add. `Parallel(a, b, …)`; parts may be `Series` again."""

    def __init__(self, *given: Part, parts: Any = ()) -> None:
        super().__init__(*given, parts=parts)


def elements_of(part: Part) -> list[Part]:
    """The elements of a part and its parts, from the first to the last."""
    if isinstance(part, Several):
        return [one for inner in part.parts for one in elements_of(inner)]
    return [part]
