"""A measured loop from the file that a lab has: a field, perhaps its angles, and what was read."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from llgrad.core.arguments.doors import by_door
from llgrad.core.constants import MU_0
from llgrad.core.units import unit_factor
from llgrad.datasets.settings import columns_of
from llgrad.datasets.tables.quantities import ColumnQuantity, QuantityKind
from llgrad.datasets.tables.table import TextTable, read_table
from llgrad.fitting.loops.measured import UNITS, MeasuredLoop

KINDS: Final = {
    "resistance": (QuantityKind.RESISTANCE,),
    "along": (QuantityKind.MAGNETISATION,),
    "moment": (QuantityKind.MAGNETISATION, QuantityKind.OTHER),
    "voltage": (QuantityKind.VOLTAGE,),
}
EMU: Final = {"emu": 1e-3, "memu": 1e-6, "uemu": 1e-9, "µemu": 1e-9, "μemu": 1e-9}  # fmt: skip
"""Magnetic moments in A m²: 1 emu is 10⁻³ A m²."""
MOMENTS: Final = {**EMU, "A m²": 1.0, "A m2": 1.0, "Am2": 1.0, "Am²": 1.0, "A·m²": 1.0, "A m^2": 1.0, "Am^2": 1.0}
PURE: Final = ("norm", "normalised", "normalized", "norm.", "Ms", "M_s")
"""What stands for a unit where a magnetisation is over its largest, as in "M (norm.)"."""
OVER_LARGEST: Final = re.compile(r"<?m\w*>?\s*/\s*m_?(?:s|sat|max|0)|m[_ ]?norm\w*|norm\w*[_. ]*m\w*", re.IGNORECASE)
"""M/Ms, m/Ms, M/Mmax, M_norm, normalised magnetisation."""
MAGNETISATION: Final = re.compile(r"m|m_?[a-z]+|magneti[sz]ation|moment", re.IGNORECASE)
EXAMPLES: Final = {"resistance": "R (Ohm)", "along": "M/Ms", "moment": "m (emu)", "voltage": "V (mV)"}
"""A header of each quantity."""
BEGINNING: Final = 500
"""Lines that tell what a file is."""
OWN: Final = {"resistance": "resistance", "along": "m_along"}
"""Columns of what `Loop.save` writes."""
WIDE: Final = 0.05
"""Part of the range of the fields, above which a step back is no scatter of a sensor."""
MANY_TURNS: Final = 0.25
"""Turns for each row, above which the rows may have been sorted by something else."""
POLAR: Final = ("polar", "theta", "θ")
AZIMUTH: Final = ("azimuth", "azimuthal", "phi", "φ")


def read_loop(
    path: str | os.PathLike[str],
    *,
    angle: Sequence[float] | None = None,
    quantity: str | None = None,
    field: str | None = None,
    value: str | None = None,
    field_unit: str | None = None,
    value_unit: str | None = None,
) -> MeasuredLoop:
    """The loop in a text file: a column of fields in the order of measurement, and one of what was read.

    As in `H (Oe), R (Ohm)`, `field (mT); m (uemu)`, `H (Oe), M/Ms`, `polar (deg), azimuth (deg), B (T), R (kOhm)`; or
    what `Loop.save` wrote, in SI units. Text is read as by `read_trace`.

    Args:
        path: the file.
        angle: polar and azimuthal angle of the field's axis [rad], from z and from x, where the file has no columns of
            them.
        quantity: "resistance", "along", "moment", "voltage", or a signal of the stack that the column is, such as
            "transverse"; by default what the column's name and unit say.
        field, value: names of the columns, or places such as "#3", where several may be meant.
        field_unit, value_unit: where the file says none, "Oe", "mT", "Ohm", "emu", …; one that contradicts the file is
            refused.

    Raises:
        ValueError: in one sentence that names the file, for what it cannot understand.

    >>> from pathlib import Path
    >>> _ = Path("loop.csv").write_text("H (Oe), R (kOhm)\\n900, 1.0\\n300, 1.0\\n-300, 2.0\\n-600, 2.0\\n-900, 1.0\\n")
    >>> loop = read_loop("loop.csv", angle=(1.5708, 0.0))
    >>> loop, loop.values.tolist()
    (MeasuredLoop: resistance at 5 fields from -90 mT to 90 mT, (90°, 0°), [1000.0, 1000.0, 2000.0, 2000.0, 1000.0])
    """
    table = read_table(path)
    columns = columns_of(table)
    for index in (i for i in range(len(columns)) if _over_largest(table, i)):
        columns[index] = ColumnQuantity(QuantityKind.MAGNETISATION)
    if _is_own(table):
        quantity, field, value, field_unit, value_unit = _of_own(table, quantity, field, value, field_unit, value_unit)
    fields = _field(table, columns, field)
    read = _value(table, columns, fields, quantity, value)
    what, unit, factor = _unit(table, columns, read, quantity, value_unit)
    angles, places = _angles(table, columns, angle)
    numbers = (
        table.in_si(fields, "T") if field_unit is None else _numbers(table, fields) * _given(table, fields, field_unit)
    )
    values = _numbers(table, read) * factor
    taken = table.taken({fields: "field", read: what} | {place: name for name, place in places.items()})
    try:
        return MeasuredLoop(
            numbers,
            values,
            angle=angles,
            quantity=what,
            unit=unit,
            notes=table.notes,
            understood=(*table.remarks, taken, *_turning(numbers)),
        )
    except ValueError as mistake:
        raise ValueError(f"{table.path}: {mistake}") from None


def looks_like_loop(path: str | os.PathLike[str]) -> bool:
    """Whether a text file is a measured loop: no time and no frequency, a field that varies, and a resistance or a
    magnetisation."""
    try:
        table = read_table(path, lines=BEGINNING)
        columns = columns_of(table)
    except ValueError:
        return False
    if _is_own(table):
        return True
    kinds = [column.kind for column in columns]
    if QuantityKind.TIME in kinds or QuantityKind.FREQUENCY in kinds:
        return False
    swept = any(kind is QuantityKind.FIELD and table.varies(i) for i, kind in enumerate(kinds))
    return swept and any(
        kind in (QuantityKind.RESISTANCE, QuantityKind.MAGNETISATION) or _over_largest(table, i) or _of_moment(table, i)
        for i, kind in enumerate(kinds)
    )


def _turning(fields: np.ndarray) -> tuple[str, ...]:
    """A remark where fields turn so often that their order may have been lost."""
    steps = np.diff(fields)
    wide = steps[np.abs(steps) > WIDE * np.ptp(fields)]
    turns = int(np.sum(np.diff(np.sign(wide)) != 0))
    if turns <= MANY_TURNS * len(fields):
        return ()
    return (f"the field turns {turns} times in {len(fields)} rows: is each row below the one measured before it?",)


def _is_own(table: TextTable) -> bool:
    """Whether a table is a loop over a field of `Loop.save`, whose columns are in SI units and do not say so."""
    names = [column.name for column in table.header]
    return names[:3] == ["sweep", "field", "m_along"] and all(column.unit is None for column in table.header)


def _of_own(
    table: TextTable, quantity: str | None, field: str | None, value: str | None, *units: str | None
) -> tuple[str | None, ...]:
    """Quantity, columns and units of such a table, where they were not given."""
    names = [column.name for column in table.header]
    quantity = quantity or ("resistance" if "resistance" in names and value is None else None)
    quantity = quantity or ("along" if value in (None, "m_along") else None)
    given = value if value is not None or OWN.get(quantity or "") not in names else OWN[quantity or ""]
    unit = units[1] or ("Ohm" if given == "resistance" else None)
    return quantity, field or "field", given, units[0] or "T", unit


def _field(table: TextTable, columns: Sequence[ColumnQuantity], name: str | None) -> int:
    """The column of fields."""
    if name is not None:
        return table.place(name)
    found = [i for i, column in enumerate(columns) if column.kind is QuantityKind.FIELD]
    found = [i for i in found if table.varies(i)] or found
    if not found:
        raise ValueError(
            f"{table.path} has no column of fields; it has {table.names()}; write 'H (Oe)' in the header, or name it, "
            f"{by_door('field=…', '--read field=…')}"
        )
    if len(found) > 1:
        raise ValueError(
            f"{table.path} has several columns of fields: {table.listed(found)}; choose one, as in "
            f"{by_door(f'field={table.header[found[0]].name!r}', '--read field=…')}"
        )
    return found[0]


def _value(
    table: TextTable, columns: Sequence[ColumnQuantity], fields: int, quantity: str | None, name: str | None
) -> int:
    """The column of what was read."""
    if name is not None:
        if (found := table.place(name)) == fields:
            raise ValueError(f"{table.path}: {name!r} is the column of fields; name that of what was read")
        return found
    left_out = (
        QuantityKind.FIELD,
        QuantityKind.ANGLE,
        QuantityKind.INDEX,
        QuantityKind.TIME,
        QuantityKind.COMMENT,
        QuantityKind.ERROR,
        QuantityKind.TEMPERATURE,
    )
    others = [i for i, column in enumerate(columns) if i != fields and column.kind not in left_out]
    if quantity in KINDS:
        others = [
            i for i in others if columns[i].kind in KINDS[quantity] or _of_moment(table, i) == (quantity == "moment")
        ]
    if not others:
        raise ValueError(
            f"{table.path} has no column of {quantity or 'a resistance or a magnetisation'}; it has {table.names()}; "
            f"write {EXAMPLES.get(quantity or '', 'R (Ohm)')!r} in the header"
        )
    if len(others) > 1:
        raise ValueError(
            f"{table.path} has several columns that may have been read: {table.listed(others)}; choose one, as in "
            f"{by_door(f'value={table.header[others[0]].name!r}', '--read value=…')}"
        )
    return others[0]


def _over_largest(table: TextTable, index: int) -> bool:
    """Whether a column is M over its largest, by its name, or by what stands where a unit would."""
    name, unit = table.header[index].name.strip(), (table.header[index].unit or "").strip()
    whole = f"{name}/{unit}" if unit in ("Ms", "ms", "M_s", "m_s") else name
    return (bool(OVER_LARGEST.fullmatch(whole)) and unit not in MOMENTS) or (
        unit in PURE and bool(MAGNETISATION.fullmatch(name))
    )


def _of_moment(table: TextTable, index: int) -> bool:
    return (table.header[index].unit or "").strip() in MOMENTS


def _unit(
    table: TextTable, columns: Sequence[ColumnQuantity], index: int, quantity: str | None, given: str | None
) -> tuple[str, str | None, float]:
    """What a column is, the SI unit of a signal that is no usual one, and its factor to SI."""
    header = table.header[index]
    written = (header.unit or "").strip() or None
    if given is not None and written is not None and given.strip() != written:
        raise ValueError(f"{table.path}: {header.name!r} is in {written}, and value_unit is {given}; leave it out")
    unit = written or (given or "").strip() or None
    if _over_largest(table, index):
        unit = "1"
    si, factor = ("A m²", MOMENTS[unit]) if unit in MOMENTS else _factor(table, index, unit)
    by_unit = {"Ω": "resistance", "V": "voltage", "A m²": "moment", "1": "along"}
    what = quantity or by_unit.get(si)
    if what is None:
        raise ValueError(
            f"{table.path}: the column {header.name!r} is in {si}, expected a resistance, a voltage, a moment in emu "
            "or A m², or a pure number, M over its largest"
        )
    pure = columns[index].kind is QuantityKind.MAGNETISATION and quantity is None
    if unit is None and not pure and UNITS.get(quantity or "", "Ω") != "1":
        raise ValueError(
            f"{table.path}: the column {header.name!r} has no unit; write it in the header, as in "
            f"{_with_unit(header.name, what if quantity else None)!r}, or give "
            f"{by_door('value_unit=…', '--read value_unit=…')}"
        )
    if what in UNITS and UNITS[what] != si:
        raise ValueError(f"{table.path}: the column {header.name!r} is in {si}, and {what} is in {UNITS[what]}")
    return what, None if what in UNITS else si, factor


def _factor(table: TextTable, index: int, unit: str | None) -> tuple[str, float]:
    """SI unit and factor. Raises ValueError, which names file and column, for a unit that nobody knows."""
    try:
        return unit_factor(unit or "1")
    except ValueError as mistake:
        raise ValueError(
            f"{table.path}: the column {table.header[index].name!r}: {mistake}; or emu, A m² of a moment, norm. of "
            "M over its largest"
        ) from None


def _with_unit(name: str, quantity: str | None) -> str:
    """A header with a unit, as an example."""
    unit = {"moment": "emu", "voltage": "mV"}.get(quantity or "", "emu" if name.lower()[:1] == "m" else "Ohm")
    return f"{name}/Ms" if quantity == "along" else f"{name} ({unit})"


def _given(table: TextTable, index: int, unit: str) -> float:
    """Tesla in a unit that was given, where the file says none."""
    written = table.header[index].unit
    if written is not None and written.strip() != unit.strip():
        name = table.header[index].name
        raise ValueError(f"{table.path}: {name!r} is in {written}, and field_unit is {unit}; leave it out")
    si, factor = unit_factor(unit)
    if si not in ("T", "A/m"):
        raise ValueError(f"field_unit = {unit!r}, expected a unit of a field, such as Oe, mT or kA/m")
    return factor * (1.0 if si == "T" else MU_0)


def _numbers(table: TextTable, index: int) -> np.ndarray:
    values = table.values[:, index]
    if (bad := np.flatnonzero(~np.isfinite(values))).size:
        raise ValueError(table.complaint(int(bad[0]), index))
    return values


def _angles(table: TextTable, columns: Sequence[ColumnQuantity], given: Any) -> tuple[np.ndarray, dict[str, int]]:
    """The axis of each row, or of all, and the columns that it was taken from."""
    found: dict[str, int] = {}
    for index, column in enumerate(columns):
        if column.kind is not QuantityKind.ANGLE:
            continue
        words = table.header[index].name.lower().replace("_", " ").split()
        for name, known in (("polar", POLAR), ("azimuth", AZIMUTH)):
            if any(word.startswith(known) for word in words):
                if name in found:
                    raise ValueError(
                        f"{table.path} has several columns of the {name} angle: {table.listed([found[name], index])}"
                    )
                found[name] = index
    if given is not None:
        if any(table.varies(place) for place in found.values()):
            raise ValueError(f"{table.path} has columns of angles, which vary, and angle= was given too; leave it out")
        return np.asarray(given, float), {}
    if set(found) == {"polar", "azimuth"}:
        pair = [table.in_si(found[name], "rad") for name in ("polar", "azimuth")]
        return np.stack(pair, axis=1), found
    one = f"; the column {table.header[next(iter(found.values()))].name!r} is one angle of two" if found else ""
    raise ValueError(
        f"{table.path} does not say along which axis the field is{one}; give its polar and azimuthal angle, from z and "
        f"from x, {by_door('angle=(np.pi/2, 0) for x', '--read angle=90deg,0deg for x')}, or columns polar (deg) and "
        "azimuth (deg)"
    )
