"""LabVIEW measurement files (.lvm): a header of tags, then segments of channels, each with tags and rows of its own.

As NI's "Specification for the LabVIEW Measurement File (.lvm)" has it: tags name the separator and the decimal sign,
X_Columns says whether each channel has a column of X values (Multi), all share one (One) or there is none (No: the
first cell of a row is blank), X0 and Delta_X say them besides, and a Comment column may be left out of a row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from llgrad.datasets.tables.body import cells_of, number_in
from llgrad.datasets.tables.headers import Header, header_of
from llgrad.datasets.tables.layout import TextLayout
from llgrad.datasets.tables.quantities import QuantityKind, quantity_of
from llgrad.datasets.tables.symbols import symbol_of
from llgrad.datasets.tables.writers import Counted, is_number

_BEGINNING: Final = "LabVIEW Measurement"
_END: Final = "***End_of_Header***"
_SEPARATORS: Final = {"tab": "\t", "comma": ",", "semicolon": ";"}
_X: Final = ("no", "one", "multi")

Tags = dict[str, list[str]]
"""The cells of a line by its first, in lower case: cell k stands above column k."""


def is_labview(lines: Sequence[str]) -> bool:
    """Whether lines are those of a LabVIEW measurement file."""
    return bool(lines) and lines[0].strip().startswith(_BEGINNING)


def labview_layout(path: Path, lines: Sequence[str]) -> TextLayout:
    """The layout of the first segment. Raises ValueError, in one sentence, where the tags do not say what is needed."""
    ends = [index for index, line in enumerate(lines) if line.startswith(_END)]
    if len(ends) < 2 or ends[1] + 2 >= len(lines):
        raise ValueError(f"{path} is a LabVIEW measurement file without rows below its second {_END}")
    separator = _separator(path, lines[: ends[0]])
    of_file, tags = _tags(lines[: ends[0]], separator), _tags(lines[ends[0] + 1 : ends[1]], separator)
    names, first = cells_of(lines[ends[1] + 1].rstrip(), separator), ends[1] + 2
    x_columns = _of(of_file, "x_columns", 1).lower() or "one"
    if x_columns not in _X:
        raise ValueError(f"{path}: the tag X_Columns is {x_columns!r}, expected No, One or Multi")
    header, cells, counted = _columns(path, names, tags, x_columns)
    preamble = {key: " ".join(filter(None, cells[1:])) for key, cells in (of_file | tags).items()}
    remarks = [f"a LabVIEW measurement file, its times {'from X0 and Delta_X' if x_columns == 'no' else 'as written'}"]
    if len(ends) > 2:
        remarks.append(f"the first of {len(ends) - 1} segments, the others left out")
    return TextLayout(
        header=header,
        lines=lines[: _end_of_rows(lines, first, ends[2])] if len(ends) > 2 else lines,
        first=first,
        separator=separator,
        names=names,
        least=len(names) - (quantity_of(names[-1]).kind is QuantityKind.COMMENT),
        cells=cells,
        counted=counted,
        notes=tuple(f"{key}: {value}" for key, value in preamble.items() if value),
        preamble=preamble,
        remarks=tuple(remarks),
    )


def _separator(path: Path, lines: Sequence[str]) -> str:
    written = next((line[len("Separator") :].strip() for line in lines if line.startswith("Separator")), "Tab")
    if written.lower() not in _SEPARATORS:
        raise ValueError(f"{path}: the tag Separator is {written!r}, expected Tab or Comma")
    return _SEPARATORS[written.lower()]


def _tags(lines: Sequence[str], separator: str) -> Tags:
    found = (cells_of(line, separator) for line in lines)
    return {cells[0].lower(): cells for cells in found if len(cells) > 1 and cells[0]}


def _of(tags: Tags, key: str, column: int) -> str:
    cells = tags.get(key, [])
    return cells[column] if column < len(cells) else ""


def _columns(
    path: Path, names: list[str], tags: Tags, x_columns: str
) -> tuple[list[Header], tuple[int, ...], tuple[Counted, ...]]:
    """The columns of the table, the cells that they are in, and the times that are counted.

    The one column of X values is that of the first channel: another whose X0 or Delta_X differ has times of its own.
    """
    header: list[Header] = []
    cells: list[int] = []
    counted: list[Counted] = []
    latest: tuple[float, float] | None = None
    for index, name in enumerate(names):
        if index == 0 or (x_columns == "multi" and name == names[0]):
            if x_columns != "no":
                header.append(Header(name, _time_unit(tags, index + 1)))
                cells.append(index)
            continue
        if quantity_of(name).kind is not QuantityKind.COMMENT and x_columns != "multi":
            pair = (number_in(_of(tags, "x0", index)), number_in(_of(tags, "delta_x", index)))
            known = all(map(math.isfinite, pair))
            if x_columns == "no" and not known:
                raise ValueError(
                    f"{path} has no column of X values, and neither X0 and Delta_X of the channel {name!r}"
                )
            if pair != latest and known and (x_columns == "no" or latest is not None):
                counted.append(Counted(len(header), *pair))
                header.append(Header(names[0], _time_unit(tags, index)))
            latest = pair if known else latest
        written = header_of(name)
        label = _of(tags, "y_unit_label", index)
        header.append(Header(written.name, written.unit or symbol_of(label) or label or None))
        cells.append(index)
    return header, tuple(cells), tuple(counted)


def _time_unit(tags: Tags, index: int) -> str | None:
    return "s" if _of(tags, "x_dimension", index).lower() in ("time", "") else None


def _end_of_rows(lines: Sequence[str], first: int, end: int) -> int:
    """The index behind the last row before the header that ends at `end`: a tag begins with a word."""
    while end > first and not (lines[end - 1].strip() and is_number(lines[end - 1].split()[0])):
        end -= 1
    return end
