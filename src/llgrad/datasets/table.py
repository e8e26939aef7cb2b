"""Tables of numbers in text files, as instruments, spreadsheets and mumax3 write them: one header, one row a line.

Every mistake in a file is one sentence that names the file, the line and what to do.
"""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from llgrad.core.units import unit_factor

TIME_NAMES: Final = ("t", "time", "Time", "TIME")
"""What a time column is called; T is a temperature."""
_CONTROL: Final = bytes(set(range(32)) - set(b"\t\n\r\f"))
_HEADER: Final = re.compile(r"^\s*(?P<name>.*?)\s*(?:\((?P<round>[^()]*)\)|\[(?P<square>[^\[\]]*)\])?\s*$")


class Header(NamedTuple):
    """The header of one column."""

    name: str
    unit: str | None
    """As written; None where there is none."""


class Table(NamedTuple):
    """The content of a file, before units: `header`, `values` (rows, columns), the `lines` of the rows, comments."""

    path: Path
    header: list[Header]
    values: np.ndarray
    lines: list[int]
    notes: tuple[str, ...]

    def times(self) -> tuple[int, np.ndarray]:
        """Index of the time column, and its values in seconds; they must increase."""
        found = [index for index, column in enumerate(self.header) if column.name in TIME_NAMES]
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

    def in_si(self, index: int, unit: str) -> np.ndarray:
        """A column in the SI unit `unit`; its header must name a unit of that kind (a pure number needs none)."""
        column = self.header[index]
        if column.unit is None and unit != "1":
            example = {"s": "ns", "V": "mV", "A": "mA", "T": "Oe"}.get(unit, unit)
            raise ValueError(
                f"{self.path}: the column {column.name!r} has no unit; "
                f"write it in the header, as in '{column.name} ({example})'"
            )
        found, factor = self.unit(index)
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


def read_table(path: str | os.PathLike[str]) -> Table:
    """The table in a text file separated by commas, semicolons or tabs; lines that begin with '#' are its notes.

    The header is the first line, or the last '#' line before the numbers (as mumax3 writes it). In files separated by
    semicolons or tabs a decimal comma is understood.
    """
    path = Path(path)
    rows, notes = [], []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if line.lstrip().startswith("#"):
            notes.append((number, line.lstrip().lstrip("#").strip()))
        elif line.strip(" \t,;"):
            rows.append((number, line))
    if not rows and not notes:
        raise ValueError(f"{path} is empty; expected a header, as in 't (ns),mx,my,mz', and rows of numbers")
    if not rows:
        raise ValueError(f"{path} has only comments; expected a header, as in 't (ns),mx,my,mz', and rows of numbers")
    first_number, first = rows[0]
    if _is_numeric(first):
        before = [note for number, note in notes if number < first_number and _looks_like_header(note)]
        if not before:
            raise ValueError(
                f"{path}, line {first_number}: expected a header, as in 't (ns),mx,my,mz', got {first.strip()!r}"
            )
        first = before[-1]
        notes = [(number, note) for number, note in notes if note != first]
    else:
        rows = rows[1:]
    separator = _separator(first)
    header = [_column(cell) for cell in first.split(separator)]
    if len(rows) < 2:
        raise ValueError(f"{path} has {len(rows)} rows of numbers below its header; expected at least two")
    values = np.array([_numbers(path, number, line, separator, header) for number, line in rows])
    return Table(path, header, values, [number for number, _ in rows], tuple(note for _, note in notes))


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist; check the name and the folder") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}; expected a CSV file") from None
    if data.translate(None, delete=_CONTROL) != data:
        raise ValueError(f"{path} is a binary file (or not UTF-8 text); expected CSV: export it as text first")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _separator(line: str) -> str:
    return next((mark for mark in ("\t", ";", ",") if mark in line), ",")


def _is_numeric(line: str) -> bool:
    cell = line.split(_separator(line))[0].strip().strip('"').replace(",", ".")
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _looks_like_header(note: str) -> bool:
    return any(_column(cell).name in TIME_NAMES for cell in note.split(_separator(note)))


def _column(cell: str) -> Header:
    match = _HEADER.match(cell.strip().strip('"'))
    if match is None:
        return Header(cell.strip(), None)
    unit = match["round"] if match["round"] is not None else match["square"]
    return Header(match["name"], None if unit is None else unit.strip())


def _numbers(path: Path, number: int, line: str, separator: str, header: list[Header]) -> list[float]:
    cells = [cell.strip().strip('"') for cell in line.split(separator)]
    where = f"{path}, line {number}:"
    if len(cells) != len(header):
        raise ValueError(
            f"{where} expected {len(header)} cells ({', '.join(c.name for c in header)}), got {len(cells)}"
        )
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
