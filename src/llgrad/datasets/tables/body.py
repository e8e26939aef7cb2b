"""The rows of numbers of a text file: by NumPy's reader where a row holds numbers only, else cell by cell.

A cell that is blank or no number becomes NaN: whether that matters, the reader of the column says, who knows whether it
is needed.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

COMMENTS: Final = "#%!"
"""What a line of comment begins with."""
CHUNK: Final = 20_000
"""Lines that are read at once; where one of them is odd, these are taken apart in Python."""
_BLANKS: Final = re.compile(r"\s+(?![(\[])")
_NUMBER: Final = re.compile(r"[-+]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][-+]?\d+)?")

_QUOTED_COMMA: Final = re.compile(r'"\s*[-+]?\d*,\d')


class Body(NamedTuple):
    """The rows of a table, before units."""

    values: np.ndarray
    """(rows, columns), NaN where a cell is no number."""
    numbers: np.ndarray
    """The line of each row, from 1."""
    comments: tuple[str, ...]
    """Comments between the rows and behind them."""
    decimal_commas: bool


class SourceLines(NamedTuple):
    """The lines that rows came from, to quote a cell of them."""

    lines: Sequence[str]
    separator: str | None
    columns: tuple[int | None, ...]
    """The cell of a line that a column is; None for one that was counted."""

    def cell(self, number: int, column: int) -> str:
        """What is written in a line, from 1, for a column; blank where the line ends before."""
        place = self.columns[column]
        found = cells_of(self.lines[number - 1], self.separator)
        return found[place] if place is not None and place < len(found) else ""


def cells_of(line: str, separator: str | None) -> list[str]:
    """The cells of a line, without the blanks and quotes around them."""
    if separator is None:
        return [cell.strip(' ,"') for cell in _BLANKS.split(line.strip())]
    quoted = '"' in line
    parts = next(csv.reader([line], delimiter=separator, skipinitialspace=True)) if quoted else line.split(separator)
    return [part.strip() for part in parts]


def number_in(cell: str) -> float:
    """The number in a cell, with a decimal point or comma; NaN where there is none.

    >>> number_in("1,5"), number_in("1_000"), number_in("-inf")
    (1.5, nan, -inf)
    """
    if _NUMBER.fullmatch(cell) is None and cell.lower().lstrip("+-") not in ("inf", "infinity"):
        return math.nan
    return float(cell.replace(",", "."))


def read_body(
    path: Path, lines: Sequence[str], first: int, separator: str | None, names: Sequence[str], least: int
) -> Body:
    """The rows from the line of index `first` on, of as many cells as there are names, of which those behind `least`
    may be left out.

    Raises ValueError, in one sentence, for a row of another length, and for decimal commas beside decimal points.
    """
    parts, numbers, comments = [], [], []
    for start in range(first, len(lines), CHUNK):
        chunk = lines[start : start + CHUNK]
        values = _fast(chunk, separator, len(names), least)
        if values is None:
            values, where, said = _slowly(path, chunk, start, separator, names, least)
            comments += said
        else:
            where = np.arange(start + 1, start + 1 + len(chunk))
        parts.append(values)
        numbers.append(where)
    commas = _has_decimal_commas(path, lines, first, separator)
    return Body(np.concatenate(parts), np.concatenate(numbers), tuple(comments), commas)


def _fast(chunk: Sequence[str], separator: str | None, width: int, least: int) -> np.ndarray | None:
    """The numbers of lines, by NumPy's reader; None where a line is anything but numbers and blank cells."""
    if not any(chunk):
        return None
    if separator != "," and any("," in line for line in chunk):
        chunk = [line.replace(",", ".") for line in chunk]
    values = _loaded(chunk, separator)
    if values is None and separator is not None:
        mark, blank = re.escape(separator), " *" if separator == "\t" else "[ \t]*"
        text = re.sub(rf"(?:^|(?<={mark})){blank}(?={mark})|(?<={mark}){blank}$", "nan", "\n".join(chunk), flags=re.M)
        values = _loaded(text.split("\n"), separator)
    if values is None or len(values) != len(chunk) or np.isnan(values).all(axis=1).any():
        return None  # a line that is no row, or blank: NumPy leaves some blank ones out
    if values.shape[1] > width and np.isnan(values[:, width:]).all():
        values = values[:, :width]
    if least <= values.shape[1] < width:
        values = np.pad(values, ((0, 0), (0, width - values.shape[1])), constant_values=math.nan)
    return values if values.shape[1] == width else None


def _loaded(lines: Sequence[str], separator: str | None) -> np.ndarray | None:
    try:
        return np.loadtxt(
            lines, delimiter=separator, comments=None, ndmin=2, quotechar='"' if '"' in lines[0] else None
        )
    except ValueError:
        return None


def _slowly(
    path: Path, chunk: Sequence[str], start: int, separator: str | None, names: Sequence[str], least: int
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """The numbers of lines, cell by cell; the lines that are rows, from 1; and the comments among them."""
    rows, numbers, comments = [], [], []
    for number, line in enumerate(chunk, start=start + 1):
        if (stripped := line.lstrip()).startswith(tuple(COMMENTS)):
            comments.append(stripped.lstrip(COMMENTS).strip())
            continue
        if not line.strip(" \t,;"):
            continue
        cells = cells_of(line, separator)
        if len(cells) > len(names) and not any(cells[len(names) :]):
            cells = cells[: len(names)]
        if not least <= len(cells) <= len(names):
            advice = (
                "; are these decimal commas? separate the cells by semicolons" if len(cells) == 2 * len(names) else ""
            )
            raise ValueError(
                f"{path}, line {number}: expected {len(names)} cells ({', '.join(names)}), got {len(cells)}{advice}"
            )
        rows.append([number_in(cell) for cell in cells] + [math.nan] * (len(names) - len(cells)))
        numbers.append(number)
    return np.array(rows, dtype=np.float64).reshape(-1, len(names)), np.array(numbers, dtype=np.intp), comments


def _has_decimal_commas(path: Path, lines: Sequence[str], first: int, separator: str | None) -> bool:
    """Whether numbers have decimal commas. Raises ValueError where others have points: 1,234 could be either."""
    mark = '"' if separator == "," else ","
    if separator == "," and not any(mark in line and _QUOTED_COMMA.search(line) for line in lines[first:]):
        return False
    if separator != "," and not any("," in line for line in lines[first:]):
        return False
    found: dict[str, int] = {}
    for number in range(first + 1, len(lines) + 1):
        line = lines[number - 1]
        if (mark in line and "," not in found) or ("." in line and "." not in found):
            for cell in cells_of(line, separator):
                if _NUMBER.fullmatch(cell):
                    found |= {sign: number for sign in ",." if sign in cell and sign not in found}
        if len(found) == 2:
            raise ValueError(
                f"{path} has a decimal comma in line {found[',']} and a decimal point in line {found['.']}; "
                "export it with one of them, and without marks between thousands"
            )
    return "," in found
