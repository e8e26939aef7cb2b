"""Tables of numbers in text files, as instruments, spreadsheets and mumax3 write them: one header, one row a line.

Every mistake in a file is one sentence that names the file, the line and what to do.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from llgrad.core.constants import MU_0
from llgrad.core.units import unit_factor
from llgrad.datasets.tables.headers import Header
from llgrad.datasets.tables.layout import Row, layout_of, text_of
from llgrad.datasets.tables.quantities import Kind, Quantity, quantity_of
from llgrad.datasets.tables.symbols import symbol_of

TIME_NAMES: Final = ("t", "time", "Time", "TIME")
"""What a time column is called; T is a temperature."""
_EXAMPLES: Final = {"s": "ns", "V": "mV", "A": "mA", "T": "Oe", "Hz": "GHz"}


class Table(NamedTuple):
    """The content of a file, before units: `header`, `values` (rows, columns), the `lines` of the rows, comments."""

    path: Path
    header: list[Header]
    values: np.ndarray
    lines: list[int]
    notes: tuple[str, ...]
    preamble: dict[str, str]
    """What stood above the header, by its key in lower case."""
    remarks: tuple[str, ...]
    """How the file was understood."""

    def times(self) -> tuple[int, np.ndarray]:
        """Index of the time column, and its values in seconds; they must increase."""
        found = [index for index, column in enumerate(self.header) if column.name in TIME_NAMES] or self.of_kind("s")
        if not found:
            raise ValueError(
                f"{self.path} has no time column: its header is {self.names()}; name the first column t or time, "
                "with its unit, as in 't (ns)'"
            )
        t = self.in_si(found[0], "s")
        if (late := np.flatnonzero(np.diff(t) <= 0)).size:
            raise ValueError(
                f"{self.path}, line {self.lines[late[0] + 1]}: the time does not increase; "
                "sort the rows by time and remove repeated ones"
            )
        return found[0], t

    def of_kind(self, *units: str) -> list[int]:
        """The columns whose unit is one of these SI units, or a multiple of it."""
        return [i for i, column in enumerate(self.header) if kind_of(column.unit) in units]

    def quantity(self, index: int) -> Quantity:
        """What a column is, by its name and unit."""
        return quantity_of(self.header[index].name, self.header[index].unit)

    def of(self, *kinds: Kind) -> list[int]:
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

        A magnetic field in A/m is taken as µ0 H where tesla is expected.
        """
        column = self.header[index]
        if column.unit is None and unit != "1":
            raise ValueError(
                f"{self.path}: the column {column.name!r} has no unit; "
                f"write it in the header, as in '{column.name} ({_EXAMPLES.get(unit, unit)})'"
            )
        found, factor = self.unit(index)
        if (found, unit) == ("A/m", "T"):
            return self.values[:, index] * (factor * MU_0)
        if found != unit:
            raise ValueError(f"{self.path}: the column {column.name!r} is in {found}, expected a unit of {unit}")
        return self.values[:, index] * factor

    def unit(self, index: int) -> tuple[str, float]:
        """SI unit and factor of a column."""
        try:
            return unit_factor(self.header[index].unit or "1")
        except ValueError as error:
            raise ValueError(f"{self.path}: the column {self.header[index].name!r}: {error}") from None

    def names(self) -> str:
        """The names of the columns, for a sentence."""
        return ", ".join(column.name for column in self.header)

    def taken(self, names: dict[int, str]) -> str:
        """Which columns were taken as what, for a sentence: "t from 'Time' in ns, voltage from 'CH1' in mV"."""
        parts = []
        for index, name in names.items():
            column = self.header[index]
            source = "" if column.name.lower() in (name, "") else f" from {column.name!r}"
            parts.append(f"{name}{source}" + (f" in {column.unit}" if column.unit else ""))
        left = len(self.header) - len(names)
        return ", ".join(parts) + (f"; {left} other column{'s' if left > 1 else ''} left out" if left else "")


def kind_of(unit: str | None) -> str | None:
    """The SI unit of a written one, or None where it is none."""
    return None if unit is None or symbol_of(unit) is None else unit_factor(unit)[0]


def read_table(path: str | os.PathLike[str], lines: int | None = None) -> Table:
    """The table in a text file separated by commas, semicolons, tabs or blanks; '#' begins a comment.

    The header is the line above the numbers, perhaps with a line of units below it, or the last comment before them (as
    mumax3 writes it). What stands above is the preamble. A decimal comma is understood where commas do not separate.
    `lines` reads the beginning only.
    """
    path = Path(path)
    text = text_of(path)
    layout = layout_of(path, text if lines is None else "\n".join(text.splitlines()[:lines]))
    if len(layout.rows) < 2:
        raise ValueError(f"{path} has {len(layout.rows)} rows of numbers below its header; expected at least two")
    values = np.array([_numbers(path, row, layout.header) for row in layout.rows])
    _check_marks(path, layout.rows)
    numbers = [number for number, _ in layout.rows]
    return Table(path, layout.header, values, numbers, layout.notes, layout.preamble, layout.remarks)


def _check_marks(path: Path, rows: list[Row]) -> None:
    """Raise ValueError where some numbers have decimal commas and others points: 1,234 could be either."""
    commas = next((number for number, row in rows if any("," in cell for cell in row)), None)
    if commas is None:
        return
    points = next((number for number, row in rows if any("." in cell for cell in row)), None)
    if points is not None:
        raise ValueError(
            f"{path} has a decimal comma in line {commas} and a decimal point in line {points}; "
            "export it with one of them, and without marks between thousands"
        )


def _numbers(path: Path, row: Row, header: list[Header]) -> list[float]:
    number, cells = row
    where = f"{path}, line {number}:"
    if len(cells) > len(header) and not any(cells[len(header) :]):
        cells = cells[: len(header)]
    if len(cells) != len(header):
        advice = "; are these decimal commas? separate the cells by semicolons" if len(cells) == 2 * len(header) else ""
        names = ", ".join(c.name for c in header)
        raise ValueError(f"{where} expected {len(header)} cells ({names}), got {len(cells)}{advice}")
    values = []
    for cell, column in zip(cells, header, strict=True):
        if not cell:
            raise ValueError(f"{where} the cell of {column.name!r} is blank; remove the row or fill it in")
        try:
            value = float(cell.replace(",", "."))
        except ValueError:
            raise ValueError(
                f"{where} {cell!r} in the column {column.name!r} is not a number; mend or remove the row"
            ) from None
        if not math.isfinite(value):
            raise ValueError(f"{where} the cell of {column.name!r} is {cell}; remove the row or fill it in")
        values.append(value)
    return values
