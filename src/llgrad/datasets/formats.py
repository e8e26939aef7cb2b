"""Traces in files of arrays: NumPy's `.npz`, among them the runs that llgrad writes, and MATLAB's `.mat`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from llgrad.core.files import load_arrays, strict_json
from llgrad.core.run_record import open_record
from llgrad.core.units import show, unit_factor
from llgrad.datasets.matlab import load_mat
from llgrad.datasets.tables.headers import Header, header_of
from llgrad.datasets.tables.symbols import symbol_of
from llgrad.datasets.trace import COLUMNS, Trace
from llgrad.drives.sampled import is_even

ALIASES: Final = {
    **{"m_x": "mx", "m_y": "my", "m_z": "mz", "magnetisation": "m", "magnetization": "m"},
    **dict.fromkeys(("v", "u", "volt"), "voltage"),
    "time": "t",
}
ARRAY_FILES: Final = (".npz", ".mat")
LONGEST: Final = 1e-3
"""A trace that is longer than these seconds, without a unit, is not in seconds."""


class Arrays(NamedTuple):
    """The arrays of a file by the names they have there."""

    path: Path
    arrays: dict[str, np.ndarray]
    record: dict[str, Any] | None
    """The run record, where llgrad wrote the file."""
    remark: str


def read_arrays(path: Path) -> Arrays:
    """The arrays of an `.npz` or a `.mat` file. Raises ValueError in one sentence where it cannot be read."""
    if not path.exists():
        raise ValueError(f"{path} does not exist; check the name and the folder")
    if not path.is_file():
        raise ValueError(f"{path} cannot be read: it is no file; expected an array file or CSV")
    return _npz(path) if path.suffix.lower() == ".npz" else _mat(path)


def trace_of_arrays(found: Arrays, columns: Sequence[str] | None = None) -> Trace:
    """The trace in arrays named t or time, and mx, my, mz, or m (T, 3), or voltage.

    Numbers are in SI units, unless the name says another: `t_ns`, `voltage_mV`. A run that `llgrad simulate` wrote is
    read as it is.

    Raises ValueError for arrays that are missing, of different lengths, or with times that cannot be seconds.

    >>> np.savez("run.npz", t_ns=[0.0, 0.1, 0.2], voltage=[1e-3, 2e-3, 3e-3])
    >>> trace_of_arrays(read_arrays(Path("run.npz")))
    Trace: voltage; 3 samples from 0 s to 200 ps, every 100 ps
    """
    path = found.path
    known, sources = _known(path, found.arrays)
    names = ", ".join(found.arrays) or "nothing"
    if "t" not in known:
        raise ValueError(f"{path} has no array of times; it has {names}; name it t or time, in seconds, or t_ns")
    t = known.pop("t")
    if found.record is not None and found.arrays["t"].dtype != np.float64 and is_even(t):
        stats = found.record.get("stats") or {}
        step = float(stats["dt"]) * int(stats["save_every"]) if "dt" in stats else (t[-1] - t[0]) / (t.size - 1)
        t = t[0] + step * np.arange(t.size)  # without the rounding of float32
    if sources["t"].unit is None and t[-1] - t[0] > LONGEST:
        raise ValueError(
            f"{path}: the times go up to {t[-1]:g}, which cannot be seconds; give seconds (20 ns is 2e-8), "
            "or name the array with its unit, as in t_ns"
        )
    for name in columns or ():
        if name not in COLUMNS:
            raise ValueError(f"a trace has no column {name!r}; it can hold {', '.join(COLUMNS)}")
        if name not in known:
            raise ValueError(f"{path} has no array {name!r}; it has {names}")
    if not known:
        raise ValueError(f"{path} has none of the arrays {', '.join(COLUMNS)}, m; it has {names}")
    chosen = known if columns is None else {name: known[name] for name in columns}
    if short := [name for name, values in chosen.items() if values.shape != t.shape]:
        raise ValueError(f"{path}: {short[0]} has {chosen[short[0]].size} values, and there are {t.size} times")
    taken = ", ".join(_said(name, sources[name]) for name in ("t", *chosen))
    try:
        return Trace(t, chosen, (), (found.remark, taken, spacing_of(t)))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def spacing_of(t: np.ndarray) -> str:
    """How times are spaced, for a sentence."""
    ends = f"{t.size} samples from {show(float(t[0]), 's')} to {show(float(t[-1]), 's')}"
    steps = np.diff(t)
    if is_even(t):
        return f"{ends}, every {show(float(steps.mean()), 's')}"
    usual = float(np.median(steps))
    gaps = int((steps > 1.5 * usual).sum())
    if gaps and np.allclose(steps[steps <= 1.5 * usual], usual, rtol=1e-2, atol=0):
        return f"{ends}, every {show(usual, 's')} with {gaps} gap{'s' if gaps > 1 else ''}"
    return f"{ends}, unevenly spaced"


def _npz(path: Path) -> Arrays:
    arrays = load_arrays(path)
    if "record" not in arrays or arrays["record"].dtype.kind != "U":
        return Arrays(path, arrays, None, "arrays of NumPy")
    try:
        record = open_record(strict_json(str(arrays.pop("record"))), "trajectory")
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return Arrays(path, arrays, record, "a run that llgrad wrote")


def _mat(path: Path) -> Arrays:
    return Arrays(path, dict(_flat(load_mat(path))), None, "arrays of MATLAB")


def _flat(loaded: Mapping[str, Any]) -> list[tuple[str, np.ndarray]]:
    """Arrays of numbers, those in a structure too, by their own names."""
    found = []
    for name, value in loaded.items():
        array = np.asarray(value)
        if name.startswith("__"):
            continue
        if array.dtype.names and array.size == 1:
            inside = array.reshape(-1)[0]
            found += _flat({field: inside[field] for field in array.dtype.names})
        elif array.dtype.kind in "fiu" and array.ndim:
            found.append((name, array))
    return found


def _known(path: Path, arrays: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, Header]]:
    """The arrays of a trace in SI units by their names here, and the headers that they came under."""
    known, sources = {}, {}
    for written, array in arrays.items():
        header = _named(written)
        name = ALIASES.get(header.name.lower(), header.name.lower())
        if name == "m":
            for axis, component in zip("xyz", _components(path, array), strict=True):
                known[f"m{axis}"], sources[f"m{axis}"] = component, Header(written, None)
        elif name == "t" or name in COLUMNS:
            if array.dtype.kind not in "fiu":
                raise ValueError(f"{path}: {written} holds no real numbers (its type is {array.dtype})")
            factor = _factor(path, header, COLUMNS.get(name, "s"))
            known[name], sources[name] = np.ravel(np.asarray(array, dtype=np.float64)) * factor, header
    return known, sources


def _named(written: str) -> Header:
    """Name and unit of an array: "t_ns", "voltage_mV", "t (ns)"."""
    name, line, unit = written.rpartition("_")
    if line and symbol_of(unit) and unit_factor(unit)[0] in ("s", "V"):
        return Header(name, unit)
    return header_of(written)


def _factor(path: Path, header: Header, unit: str) -> float:
    if header.unit is None:
        return 1.0
    found, factor = unit_factor(header.unit) if symbol_of(header.unit) else (header.unit, 1.0)
    if found != unit:
        raise ValueError(f"{path}: {header.name} is in {found}, expected a unit of {unit}")
    return factor


def _components(path: Path, m: np.ndarray) -> np.ndarray:
    """The components (3, T) of an array m, (T, 3) or (3, T)."""
    if m.dtype.kind not in "fiu":
        raise ValueError(f"{path}: m holds no real numbers (its type is {m.dtype})")
    if m.ndim == 3:
        raise ValueError(f"{path} holds {m.shape[1]} oscillators; a trace is that of one: save one of them")
    if m.ndim != 2 or 3 not in m.shape:
        raise ValueError(f"{path}: m has the shape {m.shape}, expected (T, 3)")
    return np.asarray(m.T if m.shape[1] == 3 else m, dtype=np.float64)


def _said(name: str, source: Header) -> str:
    origin = "" if source.name.lower() == name else f" from {source.name!r}"
    unit = "s" if name == "t" else COLUMNS[name]
    if source.unit is not None:
        return f"{name}{origin} in {source.unit}"
    return f"{name}{origin}" + ("" if unit == "1" else f" in {unit}")
