"""Labels of the recordings of a study, from a CSV file: what each is beside its trace, and where it is."""

from __future__ import annotations

import csv
import io
import pathlib
from typing import Any, Final

from llgrad.core.files import unicode_text
from llgrad.core.units import unit_factor

PLACES: Final = ("x", "y")
"""Columns of labels that say where a device is."""


def labels_in(path: pathlib.Path) -> dict[str, dict[str, Any]]:
    """The labels in a CSV file: a header, the names of recordings in the first column; x and y have units of length,
    as in "name,x (mm),y (mm),split"."""
    try:
        text = unicode_text(path.read_bytes())
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text: {error}") from None
    lines = [line for line in csv.reader(io.StringIO(text)) if any(map(str.strip, line))]
    if len(lines) < 2 or len(lines[0]) < 2:
        raise ValueError(f"{path} has no labels, expected a header such as name,x (mm),y (mm) and a row for each file")
    columns = [_column(path, text) for text in lines[0][1:]]
    names = [name for name, _ in columns]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{path} has two columns {twice[0]!r}; give each a name of its own")
    found: dict[str, dict[str, Any]] = {}
    for number, (name, *cells) in enumerate(lines[1:], 2):
        if len(cells) != len(columns):
            raise ValueError(f"{path}, row {number}: {len(cells) + 1} entries, expected {len(columns) + 1}")
        stem = pathlib.PurePath(name.strip()).stem
        if stem in found:
            raise ValueError(f"{path}, row {number}: {stem} comes twice; give it once")
        pairs = zip(columns, cells, strict=True)
        found[stem] = {column: _label(path, number, text, factor) for (column, factor), text in pairs}
    return found


def _column(path: pathlib.Path, text: str) -> tuple[str, float | None]:
    """Name of a column of labels, and the factor to SI of one with a unit."""
    name, _, unit = text.strip().rstrip(")").partition("(")
    name = name.strip()
    if not unit:
        if name in PLACES:
            raise ValueError(f"{path}: the column {name} has no unit; write it in the header, as in '{name} (mm)'")
        return name, None
    kind, factor = unit_factor(unit.strip())
    if name in PLACES and kind != "m":
        raise ValueError(f"{path}: the column {name} is in {unit}, expected a length, as in '{name} (mm)'")
    return name, factor


def _label(path: pathlib.Path, row: int, text: str, factor: float | None) -> Any:
    """A number in SI where the column has a unit, else the text."""
    if factor is None:
        return text.strip()
    try:
        return float(text) * factor
    except ValueError:
        raise ValueError(f"{path}, row {row}: {text!r} is no number") from None
