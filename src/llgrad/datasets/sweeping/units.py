"""The units of fields and signals, and which of two columns is the field where only their values can tell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from llgrad.core.constants import MU_0
from llgrad.core.units import unit_factor
from llgrad.datasets.sweeping.columns import ARBITRARY, Column, is_arbitrary
from llgrad.datasets.tables.symbols import symbol_of

FIELDS: Final = (1e-5, 50.0)
"""The largest field of a sweep [T] that can be: from a tenth of the Earth's to what a laboratory has."""
VOLTAGES: Final = 50.0
"""The largest rectified or lock-in voltage [V] that can be."""
NO_SIGNAL: Final = ("T", "A/m", "s", "Hz", "K", "m", "rad", "J/m³")
"""What a signal is not recorded in."""
_EXAMPLES: Final = {"field": "Oe", "voltage": "uV"}


class UnitTaken(NamedTuple):
    """The unit of a column, as it was taken."""

    unit: str
    """As written."""
    factor: float
    si: str
    """The unit of the numbers times the factor."""
    where: str


def field_factor(unit: str) -> float:
    """Tesla per unit; a field strength in A/m counts as the flux density µ0 H. Raises ValueError for another kind."""
    found, factor = unit_factor(symbol_of(unit) or unit)
    if found not in ("T", "A/m"):
        raise ValueError(f"{unit} is a unit of {found}, expected one of T")
    return factor * MU_0 if found == "A/m" else factor


def taken(path: Path, kind: str, columns: Sequence[Column], given: str | None) -> UnitTaken:
    """The unit of the fields, or of the voltages. Raises ValueError for none, several, or one of another kind."""
    example = _EXAMPLES[kind]
    written = {column.unit for column in columns}
    if len(written) > 1:
        raise ValueError(
            f"{path}: the {kind} columns have different units ({', '.join(sorted(map(str, written)))}); expected one"
        )
    unit = written.pop()
    if unit is None and given is None:
        raise ValueError(
            f"{path} says no unit for its {kind}s; write it in the header, as in '{kind} ({example})', "
            f"or give {kind}_unit={example!r} (--{kind}-unit {example} on the command line)"
        )
    if unit is not None and given is not None and not _same(unit, given):
        raise ValueError(f"{path} has its {kind}s in {unit}, and {kind}_unit says {given}; leave one out")
    chosen = unit if unit is not None else str(given)
    where = "as given" if unit is None else "from the header"
    try:
        if kind == "field":
            return UnitTaken(chosen, field_factor(chosen), "T", where)
        return UnitTaken(chosen, *_signal(chosen), where)
    except ValueError as error:
        raise ValueError(f"{path}: the {kind}s: {error}, such as {example}") from None


def _same(unit: str, given: str) -> bool:
    if is_arbitrary(unit) or is_arbitrary(given):
        return is_arbitrary(unit) and is_arbitrary(given)
    known = symbol_of(unit), symbol_of(given)
    if None in known:
        return unit == given
    return unit_factor(known[0] or "") == unit_factor(known[1] or "")


def _signal(unit: str) -> tuple[float, str]:
    """Factor and unit of a signal: V, or as written where the scale does not matter."""
    if is_arbitrary(unit):
        return 1.0, ARBITRARY
    symbol = symbol_of(unit)
    if unit.strip().lower().startswith("db"):
        raise ValueError(f"{unit} is a logarithm, in which a resonance is no Lorentzian; expected a linear unit")
    if symbol is None:
        if "/" not in unit:
            unit_factor(unit)  # says what a unit is
        return 1.0, unit  # a slope, as uV/Oe
    found, factor = unit_factor(symbol)
    if found in NO_SIGNAL:
        raise ValueError(f"{unit} is a unit of {found}, expected one of V")
    return factor, found


def turned(path: Path, pairs: Sequence[tuple[Column, Column]], in_tesla: UnitTaken, in_volt: UnitTaken) -> bool:
    """Whether the second column of each pair is the field. Raises ValueError where the values do not tell."""
    as_written = all(_can_be(first, second, in_tesla, in_volt) for first, second in pairs)
    the_other = all(_can_be(second, first, in_tesla, in_volt) for first, second in pairs)
    if as_written and the_other:
        as_written = all(_turns(first) < _turns(second) for first, second in pairs)
        the_other = all(_turns(second) < _turns(first) for first, second in pairs)
    if as_written == the_other:
        first, second = pairs[0]
        raise ValueError(
            f"{path}: nothing tells which of {first.name!r} and {second.name!r} is the field in {in_tesla.unit} and "
            f"which the voltage in {in_volt.unit}; write 'H ({in_tesla.unit})' above the fields"
        )
    return the_other


def _can_be(field: Column, voltage: Column, in_tesla: UnitTaken, in_volt: UnitTaken) -> bool:
    largest = np.nanmax(np.abs(field.values)) * in_tesla.factor
    return bool(
        FIELDS[0] <= largest <= FIELDS[1]
        and (in_volt.si != "V" or np.nanmax(np.abs(voltage.values)) * in_volt.factor <= VOLTAGES)
        and np.unique(field.values[np.isfinite(field.values)]).size > 1
    )


def _turns(column: Column) -> int:
    """How often the values turn back."""
    steps = np.sign(np.diff(column.values[np.isfinite(column.values)]))
    steps = steps[steps != 0]
    return int((np.diff(steps) != 0).sum())
