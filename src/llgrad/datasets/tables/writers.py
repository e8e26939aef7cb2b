"""What some instruments and programs write in a way of their own: where rows are, and times that stand in no cell."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Final, NamedTuple

from llgrad.datasets.tables.body import number_in
from llgrad.datasets.tables.headers import Header

Row = tuple[int, list[str]]
"""The number of a line, from 1, and its cells."""
DATA: Final = ("data", "waveform data", "values", "trace data")
"""Keys after which numbers follow without a header."""
_BRACED: Final = re.compile(r"\{([^}]*)\}|(\S+)")


class Counted(NamedTuple):
    """Times that stand in no cell: `start` + `step` times the number of the row, from 0 [s]."""

    place: int
    """Where the column is put among the others."""
    start: float
    step: float
    by: int | None = None
    """The column of numbers of samples that is counted by, and whose place it takes."""


class Frame(NamedTuple):
    """Where the parts of a file are."""

    above: list[list[str]]
    """The lines above the rows: preamble and header."""
    rows: list[Row]
    """The rows that were looked at, or their beginning."""
    cells: tuple[int, ...] | None = None
    """The cells of a row that are columns of the table; None for all."""
    counted: Counted | None = None


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, or says that it is none."""
    return not math.isnan(number_in(cell)) or cell.lower() == "nan"


def beside(cells: list[Row]) -> Frame | None:
    """Older Tektronix: keys and values in the first three columns, times and voltages in the next two."""
    numeric = all(len(row) >= 5 and is_number(row[3]) and is_number(row[4]) for _, row in cells[:3])
    if len(cells) < 3 or not numeric or is_number(cells[0][1][0]) or not cells[0][1][0]:
        return None
    keys = [row[:2] for _, row in cells if row[0]]
    return Frame([*keys, ["data"]], cells, (3, 4))


def counted_by_rigol(path: Path, cells: list[Row]) -> Frame | None:
    """Rigol: numbers of samples instead of times, which begin at a start with an increment said in the header."""
    names = [cell.lower() for cell in cells[0][1]]
    if len(cells) < 3 or names[0] != "x" or "increment" not in names or "start" not in names:
        return None
    first, units = names.index("start"), cells[1][1]
    said = dict(zip(names, units, strict=False))
    start, step = (_said(path, name, said.get(name, "")) for name in ("start", "increment"))
    above = [["time", *cells[0][1][1:first]], ["s", *units[1:first]]]
    return Frame(above, cells[2:], tuple(range(first)), Counted(0, start, step, 0))


def counted_by_keysight(path: Path, rows: list[Row], preamble: dict[str, str]) -> Counted | None:
    """Keysight, where the file gives the interval of its samples only."""
    if not preamble.get("xinc") or any(any(row[1:]) for _, row in rows[:3]):
        return None
    return Counted(0, _said(path, "XOrg", preamble.get("xorg") or "0"), _said(path, "XInc", preamble["xinc"]))


def header_of_oommf(notes: list[str]) -> tuple[list[Header], str] | None:
    """The header of an OOMMF data table (.odt), in its comments "Columns: {…}" and "Units: {…}"."""
    said = {note.split(":", 1)[0].lower(): note for note in notes if ":" in note}
    if "columns" not in said or "units" not in said:
        return None
    names, units = ([a or b for a, b in _BRACED.findall(said[key].split(":", 1)[1])] for key in ("columns", "units"))
    short = [name.rsplit(":", 1)[-1].strip() for name in names]
    short = ["t" if name.lower() == "simulation time" else name for name in short]
    return [Header(name, unit or None) for name, unit in zip(short, units, strict=False)], said["columns"]


def by_cmtj(header: list[Header], cells: list[str], separator: str | None) -> tuple[list[Header], list[str]]:
    """The header of what cmtj's `saveLog` writes, with seconds for its times, and what is to be known of it.

    cmtj 1.15 (core/junction.hpp, `runSimulation`) takes a step and then logs the state with the time from before the
    step, so that each row is later than its time by one step of integration, whatever the sampling.
    """
    names = {column.name for column in header}
    layers = [name[:-3] for name in names if name.endswith("_mx")]
    ours = separator == ";" and "time" in names and not cells[-1] and len(cells) == len(header) + 1
    if not ours or not any({f"{layer}_my", f"{layer}_mz"} <= names for layer in layers) or any(c.unit for c in header):
        return header, []
    named = [Header(name, "s") if name == "time" else Header(name, unit) for name, unit in header]
    return named, ["a log of cmtj, its times in s; each row is the state one step of integration after its time"]


def segments_of(preamble: dict[str, str]) -> tuple[int, int] | None:
    """How many segments LeCroy wrote one below another, and how many rows each has."""
    said = re.match(r"(\d+)\s+SegmentSize\s+(\d+)", preamble.get("segments", ""), re.IGNORECASE)
    return (int(said[1]), int(said[2])) if said and int(said[1]) > 1 else None


def _said(path: Path, key: str, written: str) -> float:
    number = number_in(written)
    if not math.isfinite(number):
        raise ValueError(f"{path}: {key} is {written!r}, expected a number; without it the times are not known")
    return number
