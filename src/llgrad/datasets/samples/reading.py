"""Signals with targets from a file: what is wanted stands in it, or is what the signal will be later."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from llgrad.core.arguments.kinds import checked_path
from llgrad.core.arguments.numbers import checked_count
from llgrad.core.files import load_arrays
from llgrad.datasets.samples.targets import TargetSignals
from llgrad.datasets.signals.columns import TIMES
from llgrad.datasets.tables.body import COMMENTS, cells_of, number_in
from llgrad.datasets.tables.layout import lines_of, separator_of, text_of

KNOWN: Final = ("signals", "targets", "names")
TABLES: Final = (".csv", ".tsv", ".txt")
TARGET: Final = "target"


def has_targets(path: str | os.PathLike[str]) -> bool:
    """Whether a file says what is wanted of its signals: an array `targets`, or a column whose name begins so."""
    file = Path(path)
    if not file.is_file():
        return False
    if file.suffix.lower() == ".npz":
        if not zipfile.is_zipfile(file):  # damaged: whoever reads it says so
            return False
        with zipfile.ZipFile(file) as archive:
            return "targets.npy" in archive.namelist()
    if file.suffix.lower() not in TABLES:
        return False
    with file.open("rb") as stream:
        head = stream.read(4096).decode("utf-8", errors="replace")
    rows = [line for line in head.splitlines() if line.strip() and not line.lstrip().startswith(tuple(COMMENTS))]
    return bool(rows) and any(_is_target(name) for name in cells_of(rows[0], separator_of(rows[0])))


def read_targets(path: str | os.PathLike[str], ahead: int | None = None) -> TargetSignals:
    """Signals with what is wanted of them at each frame.

    - **`.npz`**: `signals` (n, T, F) or (n, T); a single one may be (T,). `targets` (n, T, O) or (n, T), likewise, and
      where known `names` (O,) of the targets.
    - **CSV**: each row is a frame. Columns whose names begin with "target" are wanted, `sample` (equal for the rows of
      one signal, which stand together) tells several signals apart, and every other column is a feature.

    Args:
        path: the file.
        ahead: take as targets what the signal itself will be so many frames later; the file has none then.

    Raises:
        ValueError: in one sentence that names the file, for a file that is missing, damaged or of no known kind,
            signals of different lengths, a value that is not finite, targets that are missing, or that are there
            although `ahead` is given.

    >>> import pathlib
    >>> _ = pathlib.Path("wave.csv").write_text("u,target y\\n0,1\\n1,2\\n2,3\\n")
    >>> read_targets("wave.csv")
    TargetSignals: 1 of 3 frames of 1 feature, 1 wanted number at each
    >>> _ = pathlib.Path("alone.csv").write_text("u\\n0\\n1\\n2\\n")
    >>> read_targets("alone.csv", ahead=1).labels[0, :, 0].tolist()
    [1.0, 2.0]
    """
    file = checked_path("path", path)
    if ahead is not None:
        ahead = checked_count("ahead", ahead, 1)
    if not file.exists():
        raise ValueError(f"{file} does not exist; check the name and the folder")
    suffix = file.suffix.lower()
    if suffix != ".npz" and suffix not in TABLES:
        raise ValueError(f"{file} holds no signals with targets; expected an .npz of arrays, or a .csv")
    arrays = _arrays(file) if suffix == ".npz" else _columns(file)
    there = "targets" in arrays
    if there and ahead is not None:
        raise ValueError(
            f"{file} has targets, and the signal {ahead} frames ahead was asked for; leave one of them out"
        )
    if not there and ahead is None:
        raise ValueError(f"{file} has no targets; name them, or ask for what comes next, by ahead=1 (--ahead 1)")
    try:
        if ahead is not None:
            return TargetSignals.next_steps(arrays["signals"], ahead)
        return TargetSignals(arrays["signals"], arrays["targets"], arrays.get("names"))
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None


def _arrays(file: Path) -> Mapping[str, Any]:
    arrays: dict[str, Any] = dict(load_arrays(file))
    if "signals" not in arrays:
        raise ValueError(f"{file} has no array 'signals'; it has {', '.join(arrays) or 'nothing'}")
    if strange := [name for name in arrays if name not in KNOWN]:
        raise ValueError(f"{file} has an array {strange[0]!r}, which has no meaning here; expected {', '.join(KNOWN)}")
    for name in KNOWN[:2]:
        if name in arrays and arrays[name].ndim < 3:
            arrays[name] = np.atleast_2d(arrays[name])[..., None]
    if "names" in arrays:
        arrays["names"] = [str(name) for name in np.atleast_1d(arrays["names"]).tolist()]
    return arrays


def _columns(file: Path) -> Mapping[str, Any]:
    lines = [(number, line) for number, line in enumerate(lines_of(text_of(file)), start=1) if line.strip()]
    lines = [(number, line) for number, line in lines if not line.lstrip().startswith(tuple(COMMENTS))]
    if len(lines) < 2:
        raise ValueError(f"{file} has no rows; expected a header, and a row of numbers for each frame")
    separator = separator_of(lines[0][1])
    names = cells_of(lines[0][1], separator)
    if times := [name for name in names if name.split("(")[0].strip().lower() in TIMES]:
        raise ValueError(f"{file} has a column of times, {times[0]!r}, and frames are evenly spaced: leave it out")
    sample = [place for place, name in enumerate(names) if name.lower() == "sample"]
    if len(sample) > 1:
        raise ValueError(f"{file} has two columns for sample; keep one of them")
    rows = [(number, cells_of(line, separator)) for number, line in lines[1:]]
    if wrong := [(number, row) for number, row in rows if len(row) != len(names)]:
        raise ValueError(
            f"{file}, line {wrong[0][0]}: {len(wrong[0][1])} cells, expected the {len(names)} of the header"
        )
    wanted = [place for place, name in enumerate(names) if _is_target(name)]
    features = [place for place in range(len(names)) if place not in (*wanted, *sample)]
    if not features:
        raise ValueError(f"{file} has no column of values besides {', '.join(names)}; add the features")
    parts = _signals(file, rows, sample[0] if sample else None)
    found = {"signals": _values(file, parts, features, names)}
    if wanted:
        found |= {"targets": _values(file, parts, wanted, names), "names": [_name(names[place]) for place in wanted]}
    return found


def _signals(file: Path, rows: list[tuple[int, list[str]]], sample: int | None) -> list[list[tuple[int, list[str]]]]:
    """The rows of each signal. Raises ValueError where they do not stand together, or differ in number."""
    if sample is None:
        return [rows]
    parts: dict[str, list[tuple[int, list[str]]]] = {}
    last = None
    for number, row in rows:
        name = row[sample]
        if name in parts and name != last:
            raise ValueError(f"{file}, line {number}: sample {name} comes again below another; keep its rows together")
        parts.setdefault(name, []).append((number, row))
        last = name
    lengths = {name: len(part) for name, part in parts.items()}
    if len(set(lengths.values())) > 1:
        (one, few), (other, many) = (pick(lengths.items(), key=lambda item: item[1]) for pick in (min, max))
        raise ValueError(
            f"{file}: sample {one} has {few} frames and sample {other} {many}; expected signals of one length: cut them"
        )
    return list(parts.values())


def _values(file: Path, parts: list[list[tuple[int, list[str]]]], places: list[int], names: list[str]) -> np.ndarray:
    found = np.array([[[number_in(row[place]) for place in places] for _, row in part] for part in parts])
    if not np.isfinite(found).all():
        signal, frame, column = np.argwhere(~np.isfinite(found))[0]
        (number, row), place = parts[signal][frame], places[column]
        raise ValueError(
            f"{file}, line {number}: {row[place][:40]!r} in column {names[place]!r} is no finite number; mend it"
        )
    return found


def _is_target(name: str) -> bool:
    return name.lower().startswith(TARGET)


def _name(name: str) -> str:
    """What a target is called: "y" of "target y" or "target_y"."""
    return name[len(TARGET) :].strip(" _:") or name
