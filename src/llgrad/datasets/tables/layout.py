"""How a text file is laid out: its separator and decimal mark, its preamble, its header with units, its rows.

Instruments write a preamble of keys and values above the table (Tektronix, LeCroy, Keysight, spectrum analysers), or
beside it (older Tektronix), or units in a row of their own; mumax3 and OOMMF write their header as a comment.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Final, NamedTuple

from llgrad.datasets.tables.headers import KEYS, Header, header_of, preamble_of, units_row, with_units

COMMENTS: Final = "#%!"
"""What a line of comment begins with."""
EXAMPLE: Final = "expected a header, as in 't (ns),mx,my,mz'"

_CONTROL: Final = bytes(set(range(32)) - set(b"\t\n\r\f"))
_BLANKS: Final = re.compile(r"\s+(?![(\[])")
_SPACED_COMMAS: Final = re.compile(r"\s*[-+]?\d+,\d+(?:[eE][-+]?\d+)?(?:\s+[-+]?\d+(?:,\d+)?(?:[eE][-+]?\d+)?)+\s*")
_BRACED: Final = re.compile(r"\{([^}]*)\}|(\S+)")
_DATA: Final = ("data", "waveform data", "values", "trace data")
"""Keys after which numbers follow without a header."""
_MARKS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", None: "blanks"}

Row = tuple[int, list[str]]
"""The number of a line, from 1, and its cells."""


class Layout(NamedTuple):
    """A text file taken apart, before its numbers are read."""

    header: list[Header]
    rows: list[Row]
    notes: tuple[str, ...]
    """Comments, and the preamble as "key: value"."""
    preamble: dict[str, str]
    """Values by their key in lower case."""
    remarks: tuple[str, ...]
    """How the file was understood."""


def text_of(path: Path) -> str:
    """The text of a file, in UTF-8 or else Latin-1. Raises ValueError where there is none to read."""
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


def separator_of(line: str) -> str:
    """The mark between the cells of a line: a tab, a semicolon, or else a comma."""
    return next((mark for mark in ("\t", ";", ",") if mark in line), ",")


def layout_of(path: Path, text: str) -> Layout:
    """Take a text apart. Raises ValueError, in one sentence that names the file, where it holds no table."""
    lines, comments = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if (stripped := line.lstrip()).startswith(tuple(COMMENTS)):
            comments.append((number, stripped.lstrip(COMMENTS).strip()))
        elif line.strip(" \t,;"):
            lines.append((number, line))
    if not lines:
        what = "has only comments" if comments else "is empty"
        raise ValueError(f"{path} {what}; {EXAMPLE}, and rows of numbers")
    separator = _separator(lines[-1][1])
    cells = [(number, _cells(line, separator)) for number, line in lines]
    above, rows = _counted_by_rigol(cells) or _beside(cells) or _above(cells)
    before = [note for number, note in comments if not rows or number < rows[0][0]]
    taken = ""
    if above:
        header, above = _header(above, rows)
    else:
        header, taken = _header_in_comments(path, rows, before)
    preamble = preamble_of(above)
    said = preamble_of(_cells(note, separator_of(note)) for note in before)
    known = {key: value for key, value in said.items() if key in KEYS} | preamble
    header, filled = with_units(header, known)
    rows, counted = _counted(rows, known)
    rows, chosen = _first_segment(rows, known)
    notes = [note for _, note in comments if note != taken] + [f"{key}: {value}" for key, value in preamble.items()]
    return Layout(header, rows, tuple(notes), known, (*_remarks(separator, rows, preamble), *filled, *counted, *chosen))


def _separator(line: str) -> str | None:
    """The mark between the cells of a row of numbers; None where blanks are."""
    if "\t" in line or ";" in line:
        return separator_of(line)
    if _SPACED_COMMAS.fullmatch(line) or ("," not in line and len(_BLANKS.split(line.strip())) > 1):
        return None
    return ","


def _cells(line: str, separator: str | None) -> list[str]:
    if separator is None:
        return [cell.strip(" ,") for cell in _BLANKS.split(line.strip())]
    quoted = '"' in line
    parts = next(csv.reader([line], delimiter=separator, skipinitialspace=True)) if quoted else line.split(separator)
    return [part.strip() for part in parts]


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _above(cells: list[Row]) -> tuple[list[list[str]], list[Row]]:
    """The lines above the table, and the table: it begins with a number, or with one somewhere below a header."""
    first = next((index for index, (_, row) in enumerate(cells) if _is_number(row[0])), len(cells))
    if not (first > 0 and cells[first - 1][1][0].rstrip(":").lower() in _DATA):
        width, top = len(cells[-1][1]), first - 1
        while top > 0 and len(cells[top][1]) == width and any(map(_is_number, cells[top][1])):
            top -= 1
        if top >= 0 and len(cells[top][1]) == width and not any(map(_is_number, cells[top][1])):
            first = top + 1  # a row whose first cell is a mistake is a row still
    return [row for _, row in cells[:first]], cells[first:]


def _beside(cells: list[Row]) -> tuple[list[list[str]], list[Row]] | None:
    """Older Tektronix: keys and values in the first three columns, times and voltages in the next two."""
    numeric = all(len(row) >= 5 and _is_number(row[3]) and _is_number(row[4]) for _, row in cells[:3])
    if len(cells) < 3 or not numeric or _is_number(cells[0][1][0]) or not cells[0][1][0]:
        return None
    keys = [row[:2] for _, row in cells if row[0]]
    return [*keys, ["data"]], [(number, row[3:5]) for number, row in cells]


def _counted_by_rigol(cells: list[Row]) -> tuple[list[list[str]], list[Row]] | None:
    """Rigol: numbers of samples instead of times, which begin at a start with an increment said in the header."""
    names = [cell.lower() for cell in cells[0][1]]
    if len(cells) < 3 or names[0] != "x" or "increment" not in names or "start" not in names:
        return None
    first, units = names.index("start"), cells[1][1]
    start, step = (float(units[names.index(name)]) for name in ("start", "increment"))
    rows = [(n, [repr(start + step * float(row[0])), *row[1:first]]) for n, row in cells[2:]]
    return [["time", *cells[0][1][1:first]], ["s", *units[1:first]]], rows


def _header_of_oommf(notes: list[str]) -> tuple[list[Header], str] | None:
    """The header of an OOMMF data table (.odt), in its comments "Columns: {…}" and "Units: {…}"."""
    said = {note.split(":", 1)[0].lower(): note for note in notes if ":" in note}
    if "columns" not in said or "units" not in said:
        return None
    names, units = ([a or b for a, b in _BRACED.findall(said[key].split(":", 1)[1])] for key in ("columns", "units"))
    short = [name.rsplit(":", 1)[-1].strip() for name in names]
    short = ["t" if name.lower() == "simulation time" else name for name in short]
    return [Header(name, unit or None) for name, unit in zip(short, units, strict=False)], said["columns"]


def _first_segment(rows: list[Row], preamble: dict[str, str]) -> tuple[list[Row], list[str]]:
    """The first of the segments that LeCroy writes one below another, each with times of its own."""
    said = re.match(r"(\d+)\s+SegmentSize\s+(\d+)", preamble.get("segments", ""), re.IGNORECASE)
    count, size = (int(said[1]), int(said[2])) if said else (1, len(rows))
    if count < 2 or len(rows) != count * size:
        return rows, []
    return rows[:size], [f"the first of {count} segments, the others left out"]


def _header(above: list[list[str]], rows: list[Row]) -> tuple[list[Header], list[list[str]]]:
    """The header of the columns, and the lines above it."""
    last = _trimmed(above[-1], 1)
    if last[0].rstrip(":").lower() in _DATA:
        width = len(_trimmed(rows[0][1], 1)) if rows else 2
        if width == 1 and any(row[0].rstrip(":").lower() == "xinc" for row in above):
            width = 2  # the times of the rows are told there
        return [Header("", None)] * width, above if len(last) > 1 else above[:-1]
    units = units_row(last) if len(above) > 1 else None
    if units is None:
        return [header_of(cell) for cell in last], above[:-1]
    names = [header_of(cell) for cell in above[-2]]
    return [Header(name.name, unit or name.unit) for name, unit in zip(names, units, strict=False)], above[:-2]


def _header_in_comments(path: Path, rows: list[Row], notes: list[str]) -> tuple[list[Header], str]:
    """The header in the last fitting comment above the rows, as mumax3 writes it."""
    number, first = rows[0]
    if (named := _header_of_oommf(notes)) is not None:
        return named
    for note in reversed(notes):
        cells = _cells(note, separator_of(note) if separator_of(note) in note else None)
        if len(cells) == len(_trimmed(first, len(cells))) and not any(map(_is_number, cells)):
            return [header_of(cell) for cell in cells], note
    raise ValueError(f"{path}, line {number}: {EXAMPLE}, got {', '.join(first)!r}")


def _trimmed(cells: list[str], least: int) -> list[str]:
    """The cells without the blank ones at the end, but at least so many."""
    count = len(cells)
    while count > least and not cells[count - 1]:
        count -= 1
    return cells[:count]


def _counted(rows: list[Row], preamble: dict[str, str]) -> tuple[list[Row], list[str]]:
    """Rows with their times, where Keysight's file gives their interval only."""
    if not preamble.get("xinc") or any(len(_trimmed(row, 1)) > 1 for _, row in rows[:3]):
        return rows, []
    step, origin = float(preamble["xinc"]), float(preamble.get("xorg") or 0.0)
    timed = [(number, [repr(origin + index * step), *row]) for index, (number, row) in enumerate(rows)]
    return timed, ["times from XOrg and XInc"]


def _remarks(separator: str | None, rows: list[Row], preamble: dict[str, str]) -> list[str]:
    comma = any("," in cell for _, row in rows[:1000] for cell in row)
    found = [f"cells separated by {_MARKS[separator]}" + (", decimal commas" if comma else "")]
    if preamble:
        model = next((preamble[key] for key in ("model", "model number", "frame") if preamble.get(key)), "")
        found.append(f"a preamble of {len(preamble)} entries" + (f" ({model})" if model else ""))
    return found
