"""Signals from a CSV table: a frame in each row, or a signal in each row."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from llgrad.datasets.signals.naming import numbered
from llgrad.datasets.signals.signals import Signals
from llgrad.datasets.tables.body import COMMENTS, cells_of, number_in
from llgrad.datasets.tables.layout import lines_of, separator_of, text_of

ROLES: Final = {"sample": "sample", "label": "label", "group": "group", "speaker": "group", "index": "index"}
TIMES: Final = ("t", "time")


class _Table(NamedTuple):
    """The rows of a table below its header, each with the number of its line, and where what stands."""

    path: Path
    rows: list[tuple[int, list[str]]]
    roles: dict[str, int]
    features: list[int]
    names: list[str]


class _Course(NamedTuple):
    """A signal as it stands in the file: the number of its first line, what it is, and its frames."""

    line: int
    said: dict[str, str]
    frames: list[list[float]]


def read_columns(path: Path, rate: float | None = None) -> Signals:
    """The signals of a table; `read_signals` says how it is laid out. Raises ValueError, naming the file and line."""
    table = _table(path)
    courses = _long(table) if "sample" in table.roles else [_wide(table, line, row) for line, row in table.rows]
    labels, classes = numbered([course.said["label"] for course in courses])
    groups = [course.said["group"] for course in courses] if "group" in table.roles else None
    indices = [_index(path, course) for course in courses] if "index" in table.roles else None
    try:
        return Signals(
            [np.array(course.frames) for course in courses],
            labels,
            classes,
            groups=groups,
            indices=indices,
            rate=rate,
            name=path.stem,
            sha256={path.name: hashlib.sha256(path.read_bytes()).hexdigest()},
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _table(path: Path) -> _Table:
    lines = [(number, line) for number, line in enumerate(lines_of(text_of(path)), start=1) if line.strip()]
    lines = [(number, line) for number, line in lines if not line.lstrip().startswith(tuple(COMMENTS))]
    if len(lines) < 2:
        raise ValueError(f"{path} has no rows; expected a header with 'label', and a row of numbers for each frame")
    separator = separator_of(lines[0][1])
    names = cells_of(lines[0][1], separator)
    known = [ROLES.get(name.lower()) for name in names]
    roles = {role: known.index(role) for role in known if role is not None}
    if twice := [role for role in roles if known.count(role) > 1]:
        raise ValueError(f"{path} has two columns for {twice[0]}; keep one of them")
    if "label" not in roles:
        raise ValueError(f"{path} has no column 'label'; it has {', '.join(names)[:200]}; say which class a signal is")
    features = [place for place, role in enumerate(known) if role is None]
    if times := [names[place] for place in features if names[place].split("(")[0].strip().lower() in TIMES]:
        raise ValueError(
            f"{path} has a column of times, {times[0]!r}, and frames are evenly spaced: leave it out and give rate="
        )
    if not features:
        raise ValueError(f"{path} has no column of values besides {', '.join(names)}; add the features")
    rows = [(number, cells_of(line, separator)) for number, line in lines[1:]]
    if wrong := [(number, row) for number, row in rows if len(row) != len(names)]:
        number, row = wrong[0]
        raise ValueError(f"{path}, line {number}: {len(row)} cells, expected the {len(names)} of the header")
    return _Table(path, rows, roles, features, names)


def _long(table: _Table) -> list[_Course]:
    """A frame in each row."""
    courses: list[_Course] = []
    seen: set[str] = set()
    for line, row in table.rows:
        said = _said(table, line, row)
        frame = [_number(table, line, row, place) for place in table.features]
        if courses and said["sample"] == courses[-1].said["sample"]:
            if said != courses[-1].said:
                raise ValueError(
                    f"{table.path}, line {line}: sample {said['sample']} is {_words(said)} here and "
                    f"{_words(courses[-1].said)} above; give it one"
                )
            courses[-1].frames.append(frame)
            continue
        if said["sample"] in seen:
            raise ValueError(
                f"{table.path}, line {line}: sample {said['sample']} comes again below another; keep its rows together"
            )
        seen.add(said["sample"])
        courses.append(_Course(line, said, [frame]))
    return courses


def _wide(table: _Table, line: int, row: list[str]) -> _Course:
    """A signal of one feature in each row, empty cells at its end left out."""
    places = list(table.features)
    while places and not row[places[-1]]:
        places.pop()
    if not places:
        raise ValueError(f"{table.path}, line {line}: the signal has no value; remove the row")
    return _Course(line, _said(table, line, row), [[_number(table, line, row, place)] for place in places])


def _said(table: _Table, line: int, row: list[str]) -> dict[str, str]:
    said = {role: row[place] for role, place in table.roles.items()}
    if empty := [role for role, value in said.items() if not value]:
        raise ValueError(f"{table.path}, line {line}: the {empty[0]} is missing; fill it in")
    return said


def _words(said: dict[str, str]) -> str:
    return ", ".join(f"{role} {value}" for role, value in said.items() if role != "sample")


def _number(table: _Table, line: int, row: list[str], place: int) -> float:
    value = number_in(row[place])
    if not math.isfinite(value):
        raise ValueError(
            f"{table.path}, line {line}: {row[place][:40]!r} in column {table.names[place]!r} is no finite number; "
            "mend it"
        )
    return value


def _index(path: Path, course: _Course) -> Any:
    written = course.said["index"]
    if not written.isdecimal() or len(written) > 9:
        raise ValueError(f"{path}, line {course.line}: the index {written!r} is no whole number from 0; mend it")
    return int(written)
