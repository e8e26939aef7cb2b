"""How the parts of a circuit are connected: in series and in parallel."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from llgrad.core.record import Record, is_concrete
from llgrad.core.units import show
from llgrad.devices.oscillator import Oscillator
from llgrad.physics.circuits.elements import Element
from llgrad.physics.heat.heated import Heated
from llgrad.physics.stacks.stack import Stack

Part = Any
"""An element, an `Oscillator` with a junction, a `Stack` with barriers, or a `Heated` one of these."""


def _cold(part: Any) -> Any:
    """An oscillator at 0 K without temperature, so that whether it has noise is a matter of form."""
    known = isinstance(part, Oscillator) and isinstance(part.temperature, (int, float)) and part.temperature == 0
    return part.replace(temperature=None) if known else part


def checked_part(part: Any) -> Any:
    """A part of a circuit. Raises ValueError, in one sentence, for what cannot be one."""
    if isinstance(part, Heated):
        return part.replace(device=checked_part(part.device))
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
                "give barriers=lg.stacks.Barrier(…)"
            )
        _check_own_current("a stack", part.current)
        if part.voltage is not None:
            raise ValueError("a stack in this circuit has a voltage of its own; leave it out: the source drives it")
    elif not isinstance(part, (Element, Several)):
        raise ValueError(
            f"a circuit holds {type(part).__name__}, expected oscillators with a junction, stacks with barriers, "
            "lg.systems.Heated(…) of these, lg.circuits.Resistor(…), lg.circuits.Capacitor(…), "
            "lg.circuits.Inductor(…), sources, lg.circuits.Series(…) or lg.circuits.Parallel(…)"
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
    """Parts one after the other: one current, the voltages add. `Series(a, b, …)`; parts may be `Parallel` again.

    >>> import llgrad as lg
    >>> branch = lg.circuits.Series(lg.circuits.Resistor(50.0), lg.circuits.Inductor(50e-9))
    >>> len(branch.parts), branch.parts[0].resistance
    (2, 50.0)
    """

    def __init__(self, *given: Part, parts: Any = ()) -> None:
        super().__init__(*given, parts=parts)


class Parallel(Several):
    """Parts side by side: one voltage, the currents add. `Parallel(a, b, …)`; parts may be `Series` again.

    >>> import llgrad as lg
    >>> lg.circuits.Parallel(lg.circuits.Resistor(50.0), lg.circuits.Capacitor(20e-12)).parts[1].capacitance
    2e-11
    """

    def __init__(self, *given: Part, parts: Any = ()) -> None:
        super().__init__(*given, parts=parts)


def elements_of(part: Part) -> list[Part]:
    """The elements of a part and its parts, from the first to the last."""
    if isinstance(part, Several):
        return [one for inner in part.parts for one in elements_of(inner)]
    return [part]
