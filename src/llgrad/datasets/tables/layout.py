"""How a text file is laid out: its separator and decimal mark, its preamble, its header with units, its rows.

Instruments write a preamble of keys and values above the table (Tektronix, LeCroy, Keysight, spectrum analysers), or
beside it (older Tektronix), or units in a row of their own; mumax3 and OOMMF write their header as a comment.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from llgrad.core.files import unicode_text
from llgrad.datasets.tables.body import COMMENTS, cells_of
from llgrad.datasets.tables.headers import KEYS, Header, header_of, preamble_of, units_row, with_units
from llgrad.datasets.tables.quantities import QuantityKind, quantity_of
from llgrad.datasets.tables.writers import (
    DATA,
    Counted,
    Frame,
    Row,
    beside,
    by_cmtj,
    counted_by_keysight,
    counted_by_rigol,
    header_of_oommf,
    is_number,
    segments_of,
)

EXAMPLE: Final = "expected a header, as in 't (ns),mx,my,mz'"
HEAD: Final = 2000
"""Lines that are looked at to find the header, unless it stands below them."""

LONGEST: Final = 256
"""No name and no number is longer."""
_LONG: Final = re.compile(rb"[^\s,;]{%d,}" % LONGEST)
_CONTROL: Final = bytes(set(range(32)) - set(b"\t\n\r\f"))
_SPACED_COMMAS: Final = re.compile(r"\s*[-+]?\d+,\d+(?:[eE][-+]?\d+)?(?:\s+[-+]?\d+(?:,\d+)?(?:[eE][-+]?\d+)?)+\s*")


class TextLayout(NamedTuple):
    """A text file taken apart, before its numbers are read."""

    header: list[Header]
    """Of all columns, the counted ones too."""
    lines: Sequence[str]
    """The lines up to the end of the table."""
    first: int
    """Index of the first row of numbers among the lines."""
    separator: str | None
    names: list[str]
    """The names of the cells of a row."""
    least: int
    """How many cells a row must have: comments at its end may be left out."""
    cells: tuple[int, ...]
    """The cells of a row that are columns of the table."""
    counted: tuple[Counted, ...]
    notes: tuple[str, ...]
    """Comments, and the preamble as "key: value"."""
    preamble: dict[str, str]
    """Values by their key in lower case."""
    remarks: tuple[str, ...]
    """How the file was understood."""
    segments: tuple[int, int] | None = None
    """How many pieces stand one below another, each with times of its own, and the rows of each."""


def lines_of(text: str) -> list[str]:
    """The lines of a text: an end of line is that of Unix, Windows or an old Mac, and no other sign."""
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")


def text_of(path: Path) -> str:
    """The text of a file, in UTF-8, in what its byte order mark says, or else Latin-1.

    Raises ValueError where there is none to read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist; check the name and the folder") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}; expected a CSV file") from None
    try:
        text = unicode_text(data)
    except UnicodeDecodeError as error:
        if error.encoding != "utf-8":
            raise ValueError(f"{path} begins as {error.encoding} text and goes on as none; export it anew") from None
        text = data.decode("latin-1")
    data = text.encode()
    if data.translate(None, delete=_CONTROL) != data:
        raise ValueError(
            f"{path} is a binary file (or UTF-16 text without a byte order mark), expected CSV: export it as UTF-8"
        )
    _check_words(path, data)
    return text


def _check_words(path: Path, data: bytes) -> None:
    """Raise ValueError for a word longer than any number or name is: no sentence could quote it."""
    for number, line in enumerate(data.split(b"\n"), start=1):
        if len(line) <= LONGEST or line.lstrip().startswith(tuple(mark.encode() for mark in COMMENTS)):
            continue
        if (word := _LONG.search(line)) is not None:
            raise ValueError(
                f"{path}, line {number}: a cell of {len(word[0])} signs is no number and no name; mend the line"
            )


def separator_of(line: str) -> str:
    """The mark between the cells of a line: a tab, a semicolon, or else a comma."""
    return next((mark for mark in ("\t", ";", ",") if mark in line), ",")


def layout_of(path: Path, lines: Sequence[str]) -> TextLayout:
    """Take a text apart. Raises ValueError, in one sentence that names the file, where it holds no table."""
    head, comments = _kept(lines, HEAD)
    if not head:
        what = "has only comments" if comments else "is empty"
        raise ValueError(f"{path} {what}; {EXAMPLE}, and rows of numbers")
    separator = _separator(_last(lines))
    cells = [(number, cells_of(line, separator)) for number, line in head]
    if len(head) == HEAD and not _above(cells).rows:  # a preamble of thousands of lines
        head, comments = _kept(lines, len(lines))
        cells = [(number, cells_of(line, separator)) for number, line in head]
    frame = counted_by_rigol(path, cells) or beside(cells) or _above(cells)
    if not frame.rows:
        raise ValueError(f"{path} has 0 rows of numbers below its header; expected at least two")
    first, (row, sample) = frame.rows[0][0], frame.rows[0]
    before = [note for number, note in comments if number < row]
    taken, above = "", frame.above
    if above:
        header, above = _header(above, sample if frame.cells is None else list(frame.cells))
    else:
        header, taken = _header_in_comments(path, frame.rows, before)
    if (most := max(len(column.name) + len(column.unit or "") for column in header)) > LONGEST:
        raise ValueError(f"{path}: a column's name of {most} signs is none; mend the header")
    preamble = preamble_of(above)
    said = preamble_of(cells_of(note, separator_of(note)) for note in before)
    known = {key: value for key, value in said.items() if key in KEYS} | preamble
    header, program = by_cmtj(header, sample, separator)
    names, count = [column.name for column in header], len(header)
    counted = frame.counted or counted_by_keysight(path, frame.rows, known)
    if counted is not None and counted.by is None:
        header.insert(counted.place, Header("", None))
        program.append("times from XOrg and XInc")
    header, filled = with_units(header, known)
    return TextLayout(
        header=header,
        lines=lines,
        first=first - 1,
        separator=separator,
        names=names if frame.cells is None else [""] * max(len(row) for _, row in frame.rows[:3]),
        least=_least(names) if frame.cells is None else 1 + max(frame.cells),
        cells=tuple(range(count)) if frame.cells is None else frame.cells,
        counted=() if counted is None else (counted,),
        notes=(*(note for note in before if note != taken), *(f"{key}: {value}" for key, value in preamble.items())),
        preamble=known,
        remarks=(*_model(preamble), *program, *filled),
        segments=segments_of(known),
    )


def _least(names: list[str]) -> int:
    """How many cells a row must have: comments behind the numbers may be left out."""
    count = len(names)
    while count > 1 and quantity_of(names[count - 1]).kind is QuantityKind.COMMENT:
        count -= 1
    return count


def _kept(lines: Sequence[str], most: int) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """The first lines that are neither blank nor comments, at most so many, and the comments among them."""
    kept, comments = [], []
    for number, line in enumerate(lines, start=1):
        if (stripped := line.lstrip()).startswith(tuple(COMMENTS)):
            comments.append((number, stripped.lstrip(COMMENTS).strip()))
        elif line.strip(" \t,;"):
            kept.append((number, line))
            if len(kept) == most:
                break
    return kept, comments


def _last(lines: Sequence[str]) -> str:
    """The last line that is neither blank nor a comment."""
    return next(
        line for line in reversed(lines) if line.strip(" \t,;") and not line.lstrip().startswith(tuple(COMMENTS))
    )


def _separator(line: str) -> str | None:
    """The mark between the cells of a row of numbers; None where blanks are."""
    if "\t" in line or ";" in line:
        return separator_of(line)
    if _SPACED_COMMAS.fullmatch(line.replace('"', "")) or ("," not in line and len(cells_of(line, None)) > 1):
        return None
    return ","


def _above(cells: list[Row]) -> Frame:
    """The lines above the table, and the table: it begins with a number, or with one somewhere below a header."""
    first = next((index for index, (_, row) in enumerate(cells) if is_number(row[0])), len(cells))
    if not (first > 0 and cells[first - 1][1][0].rstrip(":").lower() in DATA):
        width, top = len(cells[-1][1]), first - 1
        while top > 0 and len(cells[top][1]) == width and any(map(is_number, cells[top][1])):
            top -= 1
        if top >= 0 and len(cells[top][1]) == width and not any(map(is_number, cells[top][1])):
            first = top + 1  # a row whose first cell is a mistake is a row still
    return Frame([row for _, row in cells[:first]], cells[first:])


def _header(above: list[list[str]], row: Sequence[object]) -> tuple[list[Header], list[list[str]]]:
    """The header of the columns, nameless where none is written, and the lines above it."""
    last = _trimmed(above[-1], 1)
    if last[0].rstrip(":").lower() in DATA:
        count = len(row)
        while count > 1 and row[count - 1] == "":
            count -= 1
        return [Header("", None)] * count, above if len(last) > 1 else above[:-1]
    units = units_row(last) if len(above) > 1 else None
    if units is None:
        return [header_of(cell) for cell in last], above[:-1]
    names = [header_of(cell) for cell in above[-2]]
    return [Header(name.name, unit or name.unit) for name, unit in zip(names, units, strict=False)], above[:-2]


def _header_in_comments(path: Path, rows: list[Row], notes: list[str]) -> tuple[list[Header], str]:
    """The header in the last fitting comment above the rows, as mumax3 writes it."""
    number, first = rows[0]
    if (named := header_of_oommf(notes)) is not None:
        return named
    for note in reversed(notes):
        cells = cells_of(note, separator_of(note) if separator_of(note) in note else None)
        fits = len(cells) == len(_trimmed(first, len(cells))) and max(map(len, cells)) <= LONGEST
        if fits and not any(map(is_number, cells)):
            return [header_of(cell) for cell in cells], note
    raise ValueError(f"{path}, line {number}: {EXAMPLE}, got {', '.join(first)!r}")


def _trimmed(cells: list[str], least: int) -> list[str]:
    """The cells without the blank ones at the end, but at least so many."""
    count = len(cells)
    while count > least and not cells[count - 1]:
        count -= 1
    return cells[:count]


def _model(preamble: dict[str, str]) -> list[str]:
    if not preamble:
        return []
    model = next((preamble[key] for key in ("model", "model number", "frame") if preamble.get(key)), "")
    return [f"a preamble of {len(preamble)} entries" + (f" ({model})" if model else "")]
