"""A table of orbits from the file that a lab has: columns of settings, of what was measured, and of its errors."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from llgrad.datasets.settings import columns_of, setting_column, swept_columns, varies
from llgrad.datasets.tables.quantities import ColumnQuantity, QuantityKind
from llgrad.datasets.tables.table import TextTable, read_table
from llgrad.fitting.orbits.tables.table import OrbitTable

WATTS: Final = {"W": 1.0, "mW": 1e-3, "µW": 1e-6, "μW": 1e-6, "uW": 1e-6, "nW": 1e-9, "pW": 1e-12, "fW": 1e-15}
KINDS: Final = {"frequency": QuantityKind.FREQUENCY, "line_width": QuantityKind.LINE_WIDTH, "power": QuantityKind.LEVEL}
_LOCKING: Final = re.compile(r"lock", re.IGNORECASE)
_HALF: Final = re.compile(r"half|hwhm|halb", re.IGNORECASE)
_FULL: Final = re.compile(r"full|fwhm|whole|total|voll", re.IGNORECASE)


def read_orbit_table(
    path: str | os.PathLike[str],
    *,
    settings: str | Sequence[str] | None = None,
    quantities: str | Sequence[str] | None = None,
    drive: Mapping[str, Any] | None = None,
    ratio: float = 1,
    load: float | None = None,
) -> OrbitTable:
    """The table of orbits in a text file: currents, fields, temperatures; frequencies, line widths, powers, locking
    ranges; and their errors, each column for what its name and unit say together.

    As in `current (mA), field.z (Oe), T (K), f (GHz), f error (MHz), FWHM (MHz), FWHM error (MHz), power (dBm), power
    error (dB), half locking range (MHz)`. A blank cell is a missing value. Text is read as by `read_trace`.

    Args:
        path: the file.
        settings: which leaves of the device were set, "current", "field.x", …; by default every current and field that
            varies, a field without an axis along z, and the temperature.
        quantities: which of "frequency", "line_width", "power", "locking" are taken; by default all that there are.
        drive: amplitudes by input [T, A], as {"field_x": 1e-4}, of the drive that a locking range belongs to.
        ratio: of the frequency of this drive to the oscillator's.
        load: impedance [Ω] that the power goes into, 50 by default.

    Raises:
        ValueError: in one sentence, for a file without such columns, a column that could be several, and a value that
            cannot be.

    >>> from pathlib import Path
    >>> text = "I (mA), f (GHz), f error (MHz), FWHM (MHz), FWHM error (MHz)\\n1.5, 1.52, 2, 9, 1\\n2, 1.61, 2, , 1\\n"
    >>> _ = Path("orbits.csv").write_text(text)
    >>> table = read_orbit_table("orbits.csv")
    >>> table, table.measured["line_width"].tolist()
    (OrbitTable: frequency, line_width at 2 settings of current, [9000000.0, nan])
    """
    table = read_table(path)
    columns = columns_of(table)
    found = _measured(table, columns, _names(quantities))
    values, errors, options, taken = {}, {}, {}, {}
    for name, index in found.items():
        own, factor = _unit(table, name, index)
        values[own] = _numbers(table, index, factor)
        taken[index] = own
        if (error := _error(table, columns, name, index)) is not None:
            errors[own] = np.where(
                np.isfinite(values[own]), _numbers(table, error, _of_error(table, own, error, factor)), 1
            )
            taken[error] = f"its error ({own})"
        if name == "locking":
            options[own] = {"drive": dict(drive or {}), "ratio": ratio}
        elif name == "power" and load is not None:
            options[own] = {"load": load}
    if drive is not None and "locking" not in found:
        raise ValueError(f"{table.path} has no locking range that a drive would be for; it has {table.names()}")
    set_to = {leaf: index for index, leaf in _settings(table, columns, found, _names(settings)).items()}
    swept = {leaf: _set_to(table, index, leaf) for leaf, index in set_to.items()}
    taken |= {index: leaf for leaf, index in set_to.items()}
    try:
        return OrbitTable(swept, values, errors, options, table.notes, (*table.remarks, table.taken(taken)))
    except ValueError as mistake:
        raise ValueError(f"{table.path}: {mistake}") from None


def _names(given: str | Sequence[str] | None) -> list[str] | None:
    if given is None:
        return None
    return [name.strip() for name in (given.split(",") if isinstance(given, str) else given)]


def _si(leaf: str) -> str:
    return {"current": "A", "temperature": "K"}.get(leaf, "T")


def _set_to(table: TextTable, index: int, leaf: str) -> np.ndarray:
    """Values [SI] of a setting."""
    if (unit := table.unit(index)[0]) != _si(leaf):
        raise ValueError(
            f"{table.path}: the column {table.header[index].name!r} is in {unit or 'no unit'}, and the setting "
            f"{leaf!r} would be in {_si(leaf)}; settings are named as the device names them: current, field.x, "
            "field.y, field.z, temperature"
        )
    return table.in_si(index, _si(leaf))


def _measured(table: TextTable, columns: Sequence[ColumnQuantity], wanted: list[str] | None) -> dict[str, int]:
    """The column of each quantity."""
    found: dict[str, list[int]] = {}
    for index, column in enumerate(columns):
        if column.kind in (QuantityKind.ERROR, QuantityKind.TIME, QuantityKind.COMMENT):
            continue
        if _LOCKING.search(table.header[index].name):
            found.setdefault("locking", []).append(index)
            continue
        for name, kind in KINDS.items():
            if column.kind is kind and (name != "line_width" or table.unit(index)[0] == "Hz"):
                found.setdefault(name, []).append(index)
    known = ", ".join((*KINDS, "locking"))
    for name in wanted or ():
        if name not in (*KINDS, "locking"):
            raise ValueError(f"{name!r} is no quantity that is read from a table; it can be {known}")
        if name not in found:
            raise ValueError(f"{table.path} has no column of {name}; it has {table.names()}")
    chosen = {name: places for name, places in found.items() if wanted is None or name in wanted}
    if not chosen:
        raise ValueError(
            f"{table.path} has no column of {known}; it has {table.names()}; write 'f (GHz)' in the header"
        )
    for name, places in chosen.items():
        if len(places) > 1:
            raise ValueError(
                f"{table.path} has several columns of {name}: {table.listed(places)}; leave one of them in the file"
            )
    return {name: places[0] for name, places in chosen.items()}


def _unit(table: TextTable, name: str, index: int) -> tuple[str, float]:
    """The quantity that a column holds, and by what it is multiplied."""
    header = table.header[index]
    if name == "power":
        unit = (header.unit or "").strip()
        if unit in WATTS:
            return "power", WATTS[unit]
        if unit == "dBm":
            return "power_dbm", 1.0
        raise ValueError(
            f"{table.path}: the column {header.name!r} is in {unit or 'no unit'}, expected a power in dBm, or in watts "
            "as pW, nW or W"
        )
    found, factor = table.unit(index)
    if found != "Hz":
        raise ValueError(f"{table.path}: the column {header.name!r} is in {found}, expected a frequency such as MHz")
    if name == "locking":
        half, full = _HALF.search(header.name), _FULL.search(header.name)
        if bool(half) == bool(full):
            raise ValueError(
                f"{table.path}: the column {header.name!r} is a locking range, half of it or the whole? write 'half "
                "locking range (MHz)', or 'full locking range (MHz)'"
            )
        return name, factor * (1.0 if half else 0.5)
    return name, factor * (2.0 if name == "line_width" and _HALF.search(header.name) else 1.0)


def _error(table: TextTable, columns: Sequence[ColumnQuantity], name: str, index: int) -> int | None:
    """The column of the errors of a quantity."""
    locking = name == "locking"
    found = [
        i
        for i, column in enumerate(columns)
        if column.kind is QuantityKind.ERROR and bool(_LOCKING.search(table.header[i].name)) == locking
    ]
    if not locking:
        found = [i for i in found if columns[i].of is KINDS[name]]
    if len(found) > 1:
        raise ValueError(
            f"{table.path} has several columns of errors of {table.header[index].name!r}: {table.listed(found)}; leave "
            "one of them in the file"
        )
    return found[0] if found else None


def _of_error(table: TextTable, own: str, index: int, factor: float) -> float:
    """By what the errors are multiplied; `factor` is that of the values, without a unit of its own theirs too."""
    unit = (table.header[index].unit or "").strip()
    if own == "power_dbm":
        if unit not in ("dB", "dBm", ""):
            raise ValueError(f"{table.path}: the errors {table.header[index].name!r} are in {unit}, expected dB")
        return 1.0
    if own == "power":
        if unit and unit not in WATTS:
            raise ValueError(f"{table.path}: the errors {table.header[index].name!r} are in {unit}, expected watts")
        return WATTS.get(unit, factor)
    if not unit:
        return factor
    found, scale = table.unit(index)
    if found != "Hz":
        raise ValueError(f"{table.path}: the errors {table.header[index].name!r} are in {found}, expected hertz")
    name = table.header[index].name
    if own == "locking":
        return scale * (0.5 if _FULL.search(name) else 1.0)
    return scale * (2.0 if own == "line_width" and _HALF.search(name) else 1.0)


def _numbers(table: TextTable, index: int, factor: float) -> np.ndarray:
    """A column of numbers, NaN where a cell is blank."""
    values = table.values[:, index]
    for row in np.flatnonzero(~np.isfinite(values)):
        if table.source.cell(int(table.lines[row]), index).lower() not in ("", "nan", "-"):
            raise ValueError(table.complaint(int(row), index))
    return values * factor


def _settings(
    table: TextTable, columns: Sequence[ColumnQuantity], found: Mapping[str, int], wanted: list[str] | None
) -> dict[int, str]:
    """The columns of settings, and the leaf of a device that each is."""
    measured = next(iter(found.values()))
    if wanted is not None:
        pairs = [_place(table, columns, measured, name) for name in wanted]
        return dict(pairs)
    swept = [i for i in swept_columns(columns) if i not in found.values()]
    swept = [i for i in swept if varies(table.values[:, i])] or swept
    pairs = [setting_column(table, columns, measured, table.header[i].name) for i in swept]
    pairs += [(i, "temperature") for i, column in enumerate(columns) if column.kind is QuantityKind.TEMPERATURE]
    leaves = [leaf for _, leaf in pairs]
    if not leaves:
        raise ValueError(
            f"{table.path} has no column of currents, fields or temperatures; it has {table.names()}; write 'current "
            "(mA)' or 'field.z (Oe)' above what was set"
        )
    if twice := [leaf for leaf in leaves if leaves.count(leaf) > 1]:
        raise ValueError(f"{table.path} has several columns of {twice[0]}; choose: settings={leaves[0]!r}")
    return dict(pairs)


def _place(table: TextTable, columns: Sequence[ColumnQuantity], measured: int, name: str) -> tuple[int, str]:
    if name == "temperature":
        places = [i for i, column in enumerate(columns) if column.kind is QuantityKind.TEMPERATURE]
        if len(places) == 1:
            return places[0], name
    return setting_column(table, columns, measured, name)
