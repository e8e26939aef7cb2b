"""Headers as people and instruments write them: a name with a unit, units in words, and the keys of a preamble."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from llgrad.core.units import unit_factor
from llgrad.datasets.tables.quantities import is_unit_of
from llgrad.datasets.tables.symbols import symbol_of

_BRACKETS: Final = re.compile(r"^\s*(?P<name>.*?)\s*[(\[](?P<unit>[^()\[\]]*)[)\]]\s*$")
_NESTED: Final = re.compile(r"^\s*(?P<name>.*?)\s*[(\[](?P<unit>.*)[)\]]\s*$")
_OTHERWISE: Final = re.compile(r"^\s*(?P<name>.*?)(?:\s*/\s*|\s+in\s+|^in\s+)(?P<unit>[^\s/]+)\s*$")
_SUFFIX: Final = re.compile(r"^(?P<name>.*[^\W_])_+(?P<unit>[^\W\d_][^_]*)$")
_X_UNIT: Final = ("horizontal units", "xunits", "x units", "x-unit", "x axis units", "x-axis units")
_Y_UNIT: Final = ("vertical units", "yunits", "y units", "y-unit", "y axis units", "y-axis units")
_OF_AN_INSTRUMENT: Final = ("sample interval", "sampling period", "record length", "xinc", "segments")
RESOLUTION: Final = ("rbw", "resolution bw", "res bw", "resolution bandwidth")
"""What spectrum analysers call their resolution bandwidth."""
KEYS: Final = (*_X_UNIT, *_Y_UNIT, *_OF_AN_INSTRUMENT, *RESOLUTION)
"""Keys of a preamble that are understood."""


class Header(NamedTuple):
    """The header of one column."""

    name: str
    unit: str | None
    """As written; None where there is none."""


def header_of(cell: str) -> Header:
    """Name and unit of a column: "t (ns)", "time [s]", "U / mV", "CH1 in V", "t_ns".

    >>> header_of("U / mV"), header_of("PSD (nV²/(Hz mA²))"), header_of("f_GHz")
    (Header(name='U', unit='mV'), Header(name='PSD', unit='nV²/(Hz mA²)'), Header(name='f', unit='GHz'))
    """
    cell = cell.strip().strip('"')
    if (match := _BRACKETS.match(cell) or _NESTED.match(cell)) is not None:
        return Header(match["name"], symbol_of(match["unit"]) or match["unit"].strip())
    match = _OTHERWISE.match(cell)
    if match is not None and (unit := symbol_of(match["unit"])) and unit != "Ms":  # mx/Ms is no megasecond
        return Header(match["name"], unit)
    match = _SUFFIX.match(cell)
    if match is not None and is_unit_of(match["unit"], match["name"]):
        return Header(match["name"], symbol_of(match["unit"]) or match["unit"])
    return Header(cell, None)


def units_row(cells: list[str]) -> list[str | None] | None:
    """The units in a row of their own, such as `second,Volt` or `(ns);(mV)`; None where it is none.

    >>> units_row(["second", "Volt"]), units_row(["t", "mx"])
    (['s', 'V'], None)
    """
    units = [symbol_of(cell) for cell in cells]
    if any(unit is None for unit in units) or all(unit_factor(unit or "")[0] == "1" for unit in units):
        return None
    return [unit or None for unit in units]


def preamble_of(rows: Iterable[list[str]]) -> dict[str, str]:
    """Values by their key, in lower case, of lines such as `Sample Interval,4e-10` or `XInc: 5e-11`."""
    found = {}
    for row in rows:
        filled = [cell for cell in row if cell]
        if len(filled) == 1 and ":" in filled[0]:
            filled = [part.strip() for part in filled[0].split(":", 1)]
        if filled:
            found[filled[0].rstrip(":").lower()] = " ".join(filled[1:])
    return found


def with_units(header: list[Header], preamble: dict[str, str]) -> tuple[list[Header], list[str]]:
    """The header, its missing names and units filled in as the preamble says, and remarks.

    Oscilloscopes that say no unit write seconds and volts.
    """
    from_scope = any(key in preamble for key in _OF_AN_INSTRUMENT) or any(key.startswith("lecroy") for key in preamble)
    x, y = (next((preamble[key] for key in keys if preamble.get(key)), None) for keys in (_X_UNIT, _Y_UNIT))
    if all(column.unit for column in header) or not (from_scope or x or y):
        return header, []
    first = _symbol(x or "s")
    others = [_symbol(unit) for unit in (y or "V").split()] * len(header)
    if len(header) == 1 and y:  # the frequencies are told by their ends
        return [Header(header[0].name or "level", header[0].unit or others[0])], ["the unit from the preamble"]
    units = ["s" if first == "S" else first, *(others if y and " " in y else others[:1] * len(header))]
    filled = [
        Header(column.name or _named(unit, index), column.unit or unit)
        for index, (column, unit) in enumerate(zip(header, units, strict=False))
    ]
    return filled, ["units from the preamble" if x or y else "units s and V, as oscilloscopes write them"]


def _symbol(written: str) -> str:
    return symbol_of(written) or written.strip()


def _named(unit: str, index: int) -> str:
    """What a column without a name holds, with a number where it is not the first of its unit."""
    kind = unit_factor(unit)[0] if symbol_of(unit) else ""
    return {"s": "time", "Hz": "frequency", "V": "voltage"}.get(kind, "level" if index else "x") + (
        f" {index}" if index > 1 else ""
    )
