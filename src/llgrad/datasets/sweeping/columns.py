"""The columns of a table of field sweeps, with their names, units and frequencies, before they are paired."""

from __future__ import annotations

import csv
import dataclasses
import math
import re
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from llgrad.datasets.sweeping.written import frequencies_in, without_frequency
from llgrad.datasets.tables.headers import header_of, units_row
from llgrad.datasets.tables.layout import text_of
from llgrad.datasets.tables.quantities import QuantityKind, quantity_of

FEWEST_POINTS: Final = 3
SIGNALS: Final = (QuantityKind.VOLTAGE, QuantityKind.CURRENT, QuantityKind.RESISTANCE, QuantityKind.LEVEL)
"""What a line may be recorded as, beside what has no usual name (dP/dH, lock-in X, absorption)."""
_BLANK: Final = ("", "nan", "-nan", "+nan", "n/a", "na", "null", "none", "--", "-")
"""How programs write that there is no number."""
_BLANKS: Final = re.compile(r"\s+(?![(\[])")
_BRACKETED: Final = re.compile(r"[(\[]\s*([^()\[\]]*?)\s*[)\]]")
_ARBITRARY: Final = re.compile(r"a\.?\s*u\.?|arb\.?(?:\s*u(?:nits?|\.)?)?|arbitrary(?: units?)?", re.IGNORECASE)
ARBITRARY: Final = "a.u."
"""The unit of a signal whose scale is not known: lines need none."""


@dataclasses.dataclass(frozen=True, eq=False)
class Column:
    """A column as written, and what it is."""

    name: str
    """The header, whole."""
    label: str
    """The header without frequency and unit."""
    unit: str | None
    frequencies: tuple[float, ...]
    """The frequencies [Hz] that its name can be read to name."""
    kind: QuantityKind
    values: np.ndarray
    """NaN for a blank cell and for a text."""
    texts: dict[int, str]
    """Cells that are no numbers, by their row."""
    lines: tuple[int, ...]
    """The line of each row in the file."""
    place: int
    """Its place in the file, from 0."""

    @property
    def is_blank(self) -> bool:
        """Whether it holds no number at all."""
        return not np.isfinite(self.values).any()


class SweepColumns(NamedTuple):
    """What stands in a file."""

    path: Path
    columns: tuple[Column, ...]
    notes: tuple[str, ...]
    """Comments and the lines above the header."""


def read_columns(path: Path) -> SweepColumns:
    """The columns of a text file. Raises ValueError, in a sentence, where it holds no table."""
    lines = [(number, line) for number, line in enumerate(text_of(path).splitlines(), 1) if line.strip(" \t,;")]
    notes = [line.lstrip("# ").strip() for _, line in lines if line.lstrip().startswith("#")]
    lines = [(number, line) for number, line in lines if not line.lstrip().startswith("#")]
    if len(lines) < FEWEST_POINTS + 1:
        count = f"{len(lines)} line{'' if len(lines) == 1 else 's'}"
        raise ValueError(f"{path} has {count}; expected a header and at least {FEWEST_POINTS} rows of numbers")
    separator = next((mark for mark in ("\t", ";", ",") if mark in lines[-1][1]), None)
    cells = [(number, _cells(line, separator)) for number, line in lines]
    first = _first_row(path, cells)
    names, units, above = _header([row for _, row in cells[:first]])
    _check_marks(path, cells[first:], separator)
    numbers = tuple(number for number, _ in cells[first:])
    rows = [_row(path, number, row, names) for number, row in cells[first:]]
    columns = [
        _column(name, unit, [row[place] for row in rows], numbers, place)
        for place, (name, unit) in enumerate(zip(names, units, strict=True))
    ]
    return SweepColumns(path, tuple(columns), (*notes, *(" ".join(filter(None, row)) for row in above)))


def is_arbitrary(unit: str | None) -> bool:
    """Whether a unit is written as "a.u.", "arb. units"."""
    return unit is not None and _ARBITRARY.fullmatch(unit.strip()) is not None


def _cells(line: str, separator: str | None) -> list[str]:
    if separator is None:
        return [cell.strip('"') for cell in _BLANKS.split(line.strip())]
    parts = (
        next(csv.reader([line], delimiter=separator, skipinitialspace=True)) if '"' in line else line.split(separator)
    )
    return [part.strip().strip('"').strip() for part in parts]


def _number(cell: str) -> float | None:
    """A finite number; None for what is none."""
    try:
        value = float(cell.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _first_row(path: Path, cells: list[tuple[int, list[str]]]) -> int:
    """Index of the first row of numbers: at least half of its cells that are not blank are."""
    index = next((index for index, (_, row) in enumerate(cells) if _is_row(row)), None)
    if index is None:
        raise ValueError(
            f"{path} has no rows of numbers; expected a header and at least {FEWEST_POINTS} rows of numbers"
        )
    if index == 0:
        raise ValueError(f"{path}, line {cells[0][0]}: expected a header, as in 'H (Oe) 5 GHz;V (uV) 5 GHz'")
    if len(cells) - index < FEWEST_POINTS:
        raise ValueError(
            f"{path} has {len(cells) - index} rows of numbers; expected a header and at least {FEWEST_POINTS} rows"
        )
    return index


def _is_row(cells: list[str]) -> bool:
    filled = [cell for cell in cells if cell.lower() not in _BLANK]
    return bool(filled) and 2 * sum(_number(cell) is not None for cell in filled) >= len(filled)


def _header(rows: list[list[str]]) -> tuple[list[str], list[str | None], list[list[str]]]:
    """Names and units of the columns, and the lines above: a header may have a line for names, frequencies, units."""
    width, top = len(rows[-1]), len(rows) - 1
    while top > 0 and len(rows[top - 1]) == width and width > 1:
        top -= 1
    units: list[str | None] = [None] * width
    header = rows[top:]
    if len(header) > 1 and (said := _units(header[-1])) is not None:
        units, header = said, header[:-1]
    names = [" ".join(filter(None, parts)) for parts in zip(*header, strict=True)]
    return names, units, rows[:top]


def _units(cells: list[str]) -> list[str | None] | None:
    """The units in a row of their own, as in `Oe;V;Oe;V`; None where it is none."""
    found = units_row([ARBITRARY_STANDS_FOR if is_arbitrary(cell.strip("()[] ")) else cell for cell in cells])
    if found is None:
        return None
    return [ARBITRARY if is_arbitrary(cell.strip("()[] ")) else unit for cell, unit in zip(cells, found, strict=True)]


ARBITRARY_STANDS_FOR: Final = "V"
"""In a row of units, an arbitrary one is as good as that of a signal."""


def _check_marks(path: Path, cells: list[tuple[int, list[str]]], separator: str | None) -> None:
    """Raise ValueError where some numbers have decimal commas and others points: 1,234 could be either."""
    if separator == ",":
        return
    with_mark = {
        mark: next((n for n, row in cells if any(mark in c and _number(c) is not None for c in row)), None)
        for mark in ",."
    }
    if None not in with_mark.values():
        raise ValueError(
            f"{path} has a decimal comma in line {with_mark[',']} and a decimal point in line {with_mark['.']}; "
            "export it with one of them, and without marks between thousands"
        )


def _row(path: Path, number: int, cells: list[str], names: list[str]) -> list[str]:
    while len(cells) > len(names) and not cells[-1]:
        cells = cells[:-1]
    if len(cells) > len(names):
        raise ValueError(f"{path}, line {number}: expected {len(names)} cells as in the header, got {len(cells)}")
    return [*cells, *[""] * (len(names) - len(cells))]


def _column(name: str, unit: str | None, cells: list[str], lines: tuple[int, ...], place: int) -> Column:
    values = [_number(cell) for cell in cells]
    texts = {
        row: cell
        for row, (cell, value) in enumerate(zip(cells, values, strict=True))
        if value is None and cell.lower() not in _BLANK
    }
    label = header_of(without_frequency(name))
    within = _BRACKETED.search(name)  # "V (uV) of the run"
    written = unit or label.unit or (within[1] if within else None)
    kind = quantity_of(label.name, None if is_arbitrary(written) else written).kind
    if written is None and len(label.name) == 1 and label.name.islower():
        kind = QuantityKind.OTHER  # columns a, b, c and d: a letter alone says nothing
    numbers = np.array([math.nan if value is None else value for value in values])
    return Column(name, label.name, written, tuple(frequencies_in(name)), kind, numbers, texts, lines, place)
