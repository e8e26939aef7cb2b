"""Tables of numbers in text files, as instruments, spreadsheets and mumax3 write them: one header, one row a line.

Every mistake in a file is one sentence that names the file, the line and what to do.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from llgrad.core.arguments.kinds import checked_path
from llgrad.core.constants import MU_0
from llgrad.core.units import unit_factor
from llgrad.datasets.tables.body import SourceLines, read_body
from llgrad.datasets.tables.headers import Header
from llgrad.datasets.tables.labview import is_labview, labview_layout
from llgrad.datasets.tables.layout import layout_of, lines_of, text_of
from llgrad.datasets.tables.quantities import ColumnQuantity, QuantityKind, quantity_of
from llgrad.datasets.tables.symbols import symbol_of

_MARKS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", None: "blanks"}
MOST_NAMED: Final = 8
"""Columns that are named among those left out."""
TIME_NAMES: Final = ("t", "time", "Time", "TIME")
"""What a time column is called; T is a temperature."""
_EXAMPLES: Final = {"s": "ns", "V": "mV", "A": "mA", "T": "Oe", "Hz": "GHz"}


class TextTable(NamedTuple):
    """The content of a file, before units: `header`, `values` (rows, columns), the `lines` of the rows, comments."""

    path: Path
    header: list[Header]
    values: np.ndarray
    lines: np.ndarray
    notes: tuple[str, ...]
    preamble: dict[str, str]
    """What stood above the header, by its key in lower case."""
    remarks: tuple[str, ...]
    """How the file was understood."""
    source: SourceLines

    def of_kind(self, *units: str) -> list[int]:
        """The columns whose unit is one of these SI units, or a multiple of it."""
        return [i for i, column in enumerate(self.header) if kind_of(column.unit) in units]

    def quantity(self, index: int) -> ColumnQuantity:
        """What a column is, by its name and unit."""
        return quantity_of(self.header[index].name, self.header[index].unit)

    def of(self, *kinds: QuantityKind) -> list[int]:
        """The columns of these kinds, in their order."""
        return [index for index in range(len(self.header)) if self.quantity(index).kind in kinds]

    def place(self, name: str) -> int:
        """The column that a user names: by its name, or by its place from 1, as "#2".

        Raises ValueError where there is none, and where several have the name.
        """
        if (match := re.fullmatch(r"#(\d+)", name)) is not None:
            if not 1 <= int(match[1]) <= len(self.header):
                raise ValueError(f"{self.path} has no column {name}; it has {len(self.header)}: {self.listed()}")
            return int(match[1]) - 1
        same = [index for index, column in enumerate(self.header) if column.name == name]
        same = same or [i for i, column in enumerate(self.header) if column.name.casefold() == name.casefold()]
        if len(same) == 1:
            return same[0]
        if not same:
            raise ValueError(f"{self.path} has no column {name!r}; it has {self.names()}")
        raise ValueError(
            f"{self.path} has {len(same)} columns of the name {name!r}; choose one by its place: {self.listed(same)}"
        )

    def listed(self, indices: Iterable[int] | None = None) -> str:
        """Columns by place, name and unit, for a sentence: "#1 'Time' (s), #3 'CH2' (V)"."""
        chosen = range(len(self.header)) if indices is None else indices
        parts = [f"#{index + 1} {self.header[index].name!r}" for index in chosen]
        units = [self.header[index].unit for index in chosen]
        return ", ".join(part + (f" ({unit})" if unit else "") for part, unit in zip(parts, units, strict=True))

    def varies(self, index: int) -> bool:
        """Whether a column has more values than one."""
        return bool(np.ptp(self.values[:, index]) > 0)

    def in_si(self, index: int, unit: str) -> np.ndarray:
        """A column in the SI unit `unit`; its header must name a unit of that kind (a pure number needs none).

        A magnetic field in A/m is taken as µ0 H where tesla is expected. Raises ValueError for a cell that holds no
        finite number, too.
        """
        column = self.header[index]
        if column.unit is None and unit != "1":
            raise ValueError(
                f"{self.path}: the column {column.name!r} has no unit; "
                f"write it in the header, as in '{column.name} ({_EXAMPLES.get(unit, unit)})'"
            )
        found, factor = (unit, 1.0) if column.unit == unit else self.unit(index)
        if found != unit and (found, unit) != ("A/m", "T"):
            raise ValueError(f"{self.path}: the column {column.name!r} is in {found}, expected a unit of {unit}")
        if (bad := np.flatnonzero(~np.isfinite(self.values[:, index]))).size:
            raise ValueError(self.complaint(int(bad[0]), index))
        with np.errstate(over="ignore"):  # what is too large is refused here
            values = self.values[:, index] * (factor * MU_0 if found != unit else factor)
        if (bad := np.flatnonzero(~np.isfinite(values))).size:
            raise ValueError(
                f"{self.path}, line {self.lines[bad[0]]}: the cell of {column.name!r} is too large to be meant"
            )
        return values

    def complaint(self, row: int, index: int) -> str:
        """What is wrong with a cell that holds no finite number."""
        where, name = f"{self.path}, line {self.lines[row]}:", repr(self.header[index].name)
        cell = self.source.cell(int(self.lines[row]), index)
        if not cell:
            return f"{where} the cell of {name} is blank; remove the row or fill it in"
        if cell.lower().lstrip("+-") in ("nan", "inf", "infinity"):
            return f"{where} the cell of {name} is {cell}; remove the row or fill it in"
        return f"{where} {cell!r} in the column {name} is not a number; mend or remove the row"

    def recorded(self, indices: Sequence[int], leader: int) -> TextTable:
        """The rows in which columns hold numbers, without those at both ends where some of the cells are blank or NaN.

        Raises ValueError for a gap among the rows that are left, for text, and where the `leader`, the times, lacks.
        """
        missing = ~np.isfinite(self.values[:, list(indices)])
        bad = np.asarray(missing.any(axis=1))
        complete = np.flatnonzero(~bad)
        first, last = (int(complete[0]), int(complete[-1]) + 1) if complete.size > 1 else (0, len(bad))
        for row in np.flatnonzero(bad):
            lacking = [index for index in indices if not math.isfinite(self.values[row, index])]
            cells = {index: self.source.cell(int(self.lines[row]), index).lower() for index in lacking}
            wrong = [index for index in lacking if cells[index] not in ("", "nan")]
            alone = leader in lacking and len(lacking) < len(indices)
            if wrong or alone or first <= row < last:
                raise ValueError(self.complaint(int(row), wrong[0] if wrong else leader if alone else lacking[0]))
        if not bad.any():
            return self
        ends = [f"the {where} {count}" for where, count in (("first", first), ("last", len(bad) - last)) if count]
        names = sorted({self.header[i].name for i, gaps in zip(indices, missing.T, strict=True) if gaps.any()})
        rows = "row" if bad.sum() == 1 else "rows"
        remark = f"{' and '.join(ends)} {rows} left out, for blank cells of {', '.join(names)}"
        return self._replace(
            values=self.values[first:last], lines=self.lines[first:last], remarks=(*self.remarks, remark)
        )

    def unit(self, index: int) -> tuple[str, float]:
        """SI unit and factor of a column."""
        try:
            return unit_factor(self.header[index].unit or "1")
        except ValueError as error:
            raise ValueError(f"{self.path}: the column {self.header[index].name!r}: {error}") from None

    def names(self) -> str:
        """The names of the columns, for a sentence."""
        return ", ".join(column.name or f"#{index + 1}" for index, column in enumerate(self.header))

    def taken(self, names: dict[int, str]) -> str:
        """Which columns were taken as what, for a sentence: "t from 'Time' in ns, voltage from 'CH1' in mV"."""
        parts = []
        for index, name in names.items():
            column = self.header[index]
            source = "" if column.name.lower() in (name, "") else f" from {column.name!r}"
            if [other.name for other in self.header].count(column.name) > 1:
                source = f" from #{index + 1} {column.name!r}"
            parts.append(f"{name}{source}" + (f" in {column.unit}" if column.unit else ""))
        left = [column.name for index, column in enumerate(self.header) if index not in names]
        named = [name or "without a name" for name in left[:MOST_NAMED]] + ["…"] * (len(left) > MOST_NAMED)
        others = f"; {len(left)} other column{'s' if len(left) > 1 else ''} left out ({', '.join(named)})"
        return ", ".join(parts) + (others if left else "")


def kind_of(unit: str | None) -> str | None:
    """The SI unit of a written one, or None where it is none."""
    return None if unit is None or symbol_of(unit) is None else unit_factor(unit)[0]


def read_table(path: str | os.PathLike[str], lines: int | None = None) -> TextTable:
    """The table in a text file separated by commas, semicolons, tabs or blanks; '#' begins a comment.

    The header is the line above the numbers, perhaps with a line of units below it, or the last comment before them (as
    mumax3 writes it). What stands above is the preamble. A decimal comma is understood where commas do not separate.
    A cell that is no number matters only to who asks for its column. `lines` reads the beginning only.
    """
    path = checked_path("path", path)
    written = lines_of(text_of(path))[:lines]
    layout = labview_layout(path, written) if is_labview(written) else layout_of(path, written)
    body = read_body(path, layout.lines, layout.first, layout.separator, layout.names, layout.least)
    found, named = body.values.shape[1], max(layout.cells) + 1
    if found < named:
        raise ValueError(f"{path} has {found} columns of numbers, expected the {named} that its header names")
    values, numbers = body.values[:, layout.cells], body.numbers
    remarks = [f"cells separated by {_MARKS[layout.separator]}" + (", decimal commas" if body.decimal_commas else "")]
    remarks += layout.remarks
    if layout.segments is not None and len(values) == math.prod(layout.segments):
        values, numbers = values[: layout.segments[1]], numbers[: layout.segments[1]]
        remarks.append(f"the first of {layout.segments[0]} segments, the others left out")
    if len(values) < 2:
        raise ValueError(f"{path} has {len(values)} rows of numbers below its header; expected at least two")
    places: list[int | None] = list(layout.cells)
    for place, start, step, by in layout.counted:
        with np.errstate(over="ignore", invalid="ignore"):  # times that are not finite are refused by who reads them
            times = start + step * (np.arange(len(values)) if by is None else values[:, by])
        if by is None:
            values = np.insert(values, place, times, axis=1)
            places.insert(place, None)
        else:
            values[:, place] = times
    source = SourceLines(layout.lines, layout.separator, tuple(places))
    notes = (*layout.notes, *body.comments)
    return TextTable(path, layout.header, values, numbers, notes, layout.preamble, tuple(remarks), source)
