"""Which columns of a table of peaks are meant: the frequencies, what was swept, and the errors.

A column is taken for what it is, and because it varies, never for its place; where several could be meant, they are
named in one sentence.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Final

import numpy as np

from llgrad.core.arguments.doors import by_door
from llgrad.core.units import show
from llgrad.datasets.tables.quantities import ColumnQuantity, QuantityKind, quantity_of
from llgrad.datasets.tables.table import TextTable

_LEAVES: Final = {"current": (QuantityKind.CURRENT, QuantityKind.CURRENT_DENSITY), "field": (QuantityKind.FIELD,)}
_IN_PLANE: Final = re.compile(r"in[\W_]*plane|(?:^|[\W_])IP(?:$|[\W_])|in der ebene|dans le plan|面内", re.IGNORECASE)
_SWEPT: Final = (QuantityKind.CURRENT, QuantityKind.CURRENT_DENSITY, QuantityKind.FIELD)


def columns_of(table: TextTable) -> list[ColumnQuantity]:
    """What each column is."""
    return [quantity_of(column.name, column.unit) for column in table.header]


def swept_columns(columns: Sequence[ColumnQuantity]) -> list[int]:
    """The columns of currents and fields."""
    return [i for i, column in enumerate(columns) if column.kind in _SWEPT]


def varying(table: TextTable, columns: Sequence[ColumnQuantity]) -> list[int]:
    """The columns of currents and fields whose rows differ."""
    return [i for i in swept_columns(columns) if varies(table.values[:, i])]


def varies(values: np.ndarray) -> bool:
    """Whether numbers differ, leaving out those that are none."""
    known = values[np.isfinite(values)]
    return bool(known.size and np.ptp(known) > 0)


def frequency_column(table: TextTable, columns: Sequence[ColumnQuantity], peak: str | None) -> int:
    """The column of frequencies; that of a `peak` where there are several."""
    found = [i for i, column in enumerate(columns) if column.kind is QuantityKind.FREQUENCY]
    if not found:
        raise ValueError(
            f"{table.path} has no column of frequencies; it has {table.names()}; write 'f (GHz)' in the header"
        )
    if peak is not None:
        named = _named(table, found, peak)
        if len(named) != 1:
            word = "several columns" if named else "no column"
            raise ValueError(f"{table.path} has {word} of frequencies named {peak!r}; it has {_names(table, found)}")
        return named[0]
    if len(found) > 1:
        word = _words_apart(table, found)
        raise ValueError(
            f"{table.path} has several columns of frequencies ({_names(table, found)}); choose one, as in "
            f"peak={word!r} (--read peak={word} on the command line)"
        )
    return found[0]


def setting_column(
    table: TextTable, columns: Sequence[ColumnQuantity], frequency: int, setting: str | None
) -> tuple[int, str]:
    """Index of the column that was swept, and the leaf of a device that it is."""
    swept, changing = swept_columns(columns), varying(table, columns)
    if setting is not None:
        return _chosen(table, columns, frequency, setting)
    found = changing or swept
    if not found:
        raise ValueError(
            f"{table.path} has no column of currents or fields; it has {table.names()}; write 'current (mA)' or "
            "'field.z (Oe)' above the one that was swept"
        )
    if len(found) > 1:
        same = "that vary" if changing else "and none varies"
        choices = " or ".join(f"setting={_leaf(columns[i])!r}" for i in found[:2])
        if _leaf(columns[found[0]]) == _leaf(columns[found[1]]):
            choices = f"setting={table.header[found[0]].name!r}"
        raise ValueError(
            f"{table.path} has several columns of currents or fields {same} ({_names(table, found)}); "
            f"choose one, as in {choices} (--read setting=… on the command line), or fit against all of them, read by "
            "read_orbit_table (--read quantities=frequency)"
        )
    _refuse_unknown_axis(table, columns, found[0])
    if not changing and (turned := [i for i in _directions(table, columns) if varies(table.values[:, i])]):
        raise ValueError(
            f"{table.path}: only the angle {table.header[turned[0]].name!r} varies, and frequencies are fitted against "
            "a current or a field of one direction; give a table for each angle"
        )
    return found[0], _leaf(columns[found[0]])


def _chosen(table: TextTable, columns: Sequence[ColumnQuantity], frequency: int, setting: str) -> tuple[int, str]:
    """The column that a user names, by its name or by the leaf that it is."""
    others = [i for i in range(len(columns)) if i != frequency]
    base, _, axis = setting.lower().partition(".")
    named = [i for i in others if setting.lower() in (table.header[i].name.lower(), f"#{i + 1}")]
    if not named and base in _LEAVES:
        named = [i for i in others if columns[i].kind in _LEAVES[base]]
        named = [i for i in named if not axis or columns[i].axis in (None, axis)]
    elif not named:
        named = swept_columns(columns)
    if len(named) > 1:
        named = [i for i in named if varies(table.values[:, i])] or named
    if len(named) != 1:
        word = "several columns" if named else "no column"
        raise ValueError(f"{table.path} has {word} of {setting}; it has {table.names()}; name one of them as setting")
    is_its_name = (
        setting.lower() in (table.header[named[0]].name.lower(), f"#{named[0] + 1}")
        and columns[named[0]].kind in _SWEPT
    )
    if setting.lower() == "field" or (is_its_name and base not in _LEAVES):
        _refuse_unknown_axis(table, columns, named[0])
        return named[0], _leaf(columns[named[0]])
    if base == "field":
        _refuse_turning(table, columns)
    return named[0], setting.lower() if base in _LEAVES else setting


def error_column(table: TextTable, columns: Sequence[ColumnQuantity], frequency: int, error: str | None) -> int | None:
    """The column of the standard deviations of the frequencies, or None where there is none."""
    others = [i for i in range(len(columns)) if i != frequency]
    if error is not None:
        if (found := table.place(error)) == frequency:
            raise ValueError(
                f"{table.path}: the column {error!r} is that of the frequencies; name that of their errors"
            )
        return found
    found = [
        i for i in others if columns[i].kind is QuantityKind.ERROR and columns[i].of in (None, QuantityKind.FREQUENCY)
    ]
    found = [i for i in found if table.header[i].unit is None or i in table.of_kind("Hz")]
    mine = _words(table.header[frequency].name)
    peaks = [
        _words(table.header[i].name)
        for i, c in enumerate(columns)
        if c.kind is QuantityKind.FREQUENCY and i != frequency
    ]
    strange = set().union(*peaks) - mine if peaks else set()
    found = [i for i in found if not _words(table.header[i].name) & strange]
    own = mine - set().union(*peaks) if peaks else set()
    found = [i for i in found if _words(table.header[i].name) & own] or found
    if not found:
        _refuse_open_ones(table, columns)
    if len(found) > 1:
        raise ValueError(
            f"{table.path} has several columns of errors ({_names(table, found)}); choose one, as in "
            f"{_error_given(table.header[found[0]].name)}"
        )
    return found[0] if found else None


def _refuse_open_ones(table: TextTable, columns: Sequence[ColumnQuantity]) -> None:
    """Raise ValueError for a column that may be the error of the frequency and may be a width."""
    for index, column in enumerate(columns):
        if (
            column.kind is QuantityKind.AMBIGUOUS
            and QuantityKind.ERROR in column.choices
            and index in table.of_kind("Hz")
        ):
            name = table.header[index].name
            choices = " or ".join(choice.value for choice in column.choices)
            raise ValueError(
                f"{table.path}: the column {name!r} may be a {choices}; write 'line width' or 'error' above it, "
                f"or give {_error_given(name)}"
            )


def _error_given(name: str) -> str:
    return by_door(f"error={name!r}", f"--read error={shlex.quote(name)}")


def other_settings(table: TextTable, columns: Sequence[ColumnQuantity], swept: int) -> list[str]:
    """What is to be said of the currents and fields that are no part of the table."""
    said = []
    for index in swept_columns(columns):
        if index == swept or table.header[index].unit is None:
            continue
        unit, factor = table.unit(index)
        values = table.values[:, index] * factor
        if not np.isfinite(values).all():
            continue
        name = table.header[index].name
        low, high = show(float(values.min()), unit), show(float(values.max()), unit)
        said.append(f"{name} is {low} in all rows" if low == high else f"{name} varies too, from {low} to {high}")
    for index in _directions(table, columns):
        name, unit = table.header[index].name, table.header[index].unit or ""
        low, high = (f"{end(table.values[:, index]):g} {unit}".strip() for end in (np.nanmin, np.nanmax))
        said.append(f"{name} is {low} in all rows" if low == high else f"{name} varies too, from {low} to {high}")
    return said


def _directions(table: TextTable, columns: Sequence[ColumnQuantity]) -> list[int]:
    """The columns of angles that a field has, not of the phase of a signal."""
    angles = [i for i, column in enumerate(columns) if column.kind is QuantityKind.ANGLE]
    return [i for i in angles if not _words(table.header[i].name) & {"phase", "位相"}]


def _refuse_turning(table: TextTable, columns: Sequence[ColumnQuantity]) -> None:
    """Raise ValueError for a field whose direction changes from row to row."""
    for index in _directions(table, columns):
        if varies(table.values[:, index]):
            raise ValueError(
                f"{table.path}: the angle {table.header[index].name!r} varies, so the field is not along one axis; "
                "give a table for each angle"
            )


def _refuse_unknown_axis(table: TextTable, columns: Sequence[ColumnQuantity], index: int) -> None:
    """Raise ValueError for a field that may not be along z, and does not say which axis it is along: its name says
    that it is in the plane, or beside it is a column of its angle."""
    name = table.header[index].name
    if columns[index].kind is not QuantityKind.FIELD:
        return
    _refuse_turning(table, columns)
    angles = _directions(table, columns)
    if columns[index].axis is None and angles:
        angle = table.header[angles[0]]
        value = f"{np.nanmin(table.values[:, angles[0]]):g} {angle.unit or ''}".strip()
        raise ValueError(
            f"{table.path}: the field {name!r} has the angle {angle.name!r} ({value}), and nothing says from "
            "where it is counted; where the field is along an axis, give setting='field.x', 'field.y' or 'field.z' "
            "(--read setting=field.x on the command line)"
        )
    if columns[index].axis is None and _IN_PLANE.search(name):
        raise ValueError(
            f"{table.path}: the column {name!r} is a field in the plane, and does not say along which axis; give "
            "setting='field.x' or setting='field.y' (--read setting=field.x on the command line)"
        )


def _leaf(column: ColumnQuantity) -> str:
    return f"field.{column.axis or 'z'}" if column.kind is QuantityKind.FIELD else "current"


def _named(table: TextTable, found: Sequence[int], word: str) -> list[int]:
    """The columns with this name, or else with this word in their name."""
    same = [i for i in found if word.lower() in (table.header[i].name.lower(), f"#{i + 1}")]
    return same or [i for i in found if _words(word) <= _words(table.header[i].name)]


def _words(name: str) -> set[str]:
    return {word.lower() for word in re.split(r"[\W_]+", name) if word}


def _words_apart(table: TextTable, found: Sequence[int]) -> str:
    """A word that only the first of several columns has, or else its name."""
    first, *rest = (_words(table.header[i].name) for i in found)
    apart = sorted(first - set().union(*rest))
    written = re.split(r"[\W_]+", table.header[found[0]].name)
    return next((word for word in written if word.lower() in apart), table.header[found[0]].name)


def _names(table: TextTable, found: Sequence[int]) -> str:
    return ", ".join(table.header[i].name for i in found)
