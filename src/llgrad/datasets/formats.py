"""Traces in files of arrays: NumPy's `.npz`, among them the runs that llgrad writes, and MATLAB's `.mat`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from llgrad.core.arguments.doors import by_door
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
LONGEST: Final = 0.1
"""A trace that is longer than these seconds, without a unit, is in another one: 20 is 20 ns, not 20 s."""


class _Array(NamedTuple):
    """An array of a trace: what it is there, its name in the file and the unit in it, its numbers in its SI unit."""

    what: str
    written: str
    unit: str | None
    si: str
    values: np.ndarray


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


def trace_of_arrays(found: Arrays, columns: Sequence[str] | None = None, own: Mapping[str, str] | None = None) -> Trace:
    """The trace in arrays named t or time, and mx, my, mz, or m (T, 3), or voltage, or the `own` ones of a system.

    Numbers are in SI units, unless the name says another: `t_ns`, `voltage_mV`. A run that `llgrad simulate` wrote is
    read as it is. Evenly spaced times in single precision are counted from the first, without their rounding.

    Raises ValueError for arrays that are missing, of different lengths, there twice, or with times that cannot be
    seconds.

    >>> np.savez("run.npz", t_ns=[0.0, 0.1, 0.2], voltage=[1e-3, 2e-3, 3e-3])
    >>> trace_of_arrays(read_arrays(Path("run.npz")))
    Trace: voltage; 3 samples from 0 s to 200 ps, every 100 ps
    """
    path = found.path
    own = own or {}
    known = _known(path, found.arrays, own)
    names = ", ".join(found.arrays) or "nothing"
    if "t" not in known:
        raise ValueError(f"{path} has no array of times; it has {names}; name it t or time, in seconds, or t_ns")
    if columns is None:
        chosen = [_one(path, known[name]) for name in COLUMNS if name in known and not own]
        chosen += [_chosen(path, known, name, names, own) for name in own]
    else:
        chosen = [_chosen(path, known, name, names, own) for name in columns]
    taken = {array.what: array for array in chosen}
    if len(taken) < len(chosen):
        raise ValueError(f"columns = {list(columns or ())}: two of them are the same column of a trace; choose one")
    if not taken:
        raise ValueError(f"{path} has none of the arrays {', '.join(COLUMNS)}, m; it has {names}")
    times = _one(path, known["t"])
    t, counted = _times(found, times)
    if short := [array for array in taken.values() if array.values.shape != t.shape]:
        raise ValueError(f"{path}: {short[0].what} has {short[0].values.size} values, and there are {t.size} times")
    said = ", ".join(_said(array) for array in (times, *taken.values()))
    used = {array.written for array in (times, *taken.values())}
    left = [name for name in found.arrays if name not in used]
    said += f"; left out: {', '.join(left)}" if left else ""
    try:
        values = {name: array.values for name, array in taken.items()}
        units = {name: own[name] for name in values if name in own}
        return Trace(t, values, (), (found.remark, said, *counted, spacing_of(t)), units)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _times(found: Arrays, times: _Array) -> tuple[np.ndarray, tuple[str, ...]]:
    """The times [s], without the rounding of single precision where they are evenly spaced, and a remark on it."""
    t, raw = times.values, found.arrays[times.written]
    if times.unit is None and t.size and np.ptp(t) > LONGEST:
        name = times.written
        raise ValueError(
            f"{found.path}: the times go up to {t.max():g}, which cannot be seconds; give seconds (20 ns is 2e-8), "
            f"or name the array with its unit, as in {name}_ns ({name}_s where they are seconds)"
        )
    if raw.dtype == np.float64 or raw.dtype.kind != "f" or not is_even(np.ravel(raw)):
        return t, ()
    stats = (found.record or {}).get("stats")
    if isinstance(stats, dict) and isinstance(stats.get("dt"), float) and isinstance(stats.get("save_every"), int):
        return t[0] + stats["dt"] * stats["save_every"] / stats.get("samples", 1) * np.arange(t.size), ()
    return np.linspace(t[0], t[-1], t.size), (f"times in {raw.dtype}, counted from the first without its rounding",)


def spacing_of(t: np.ndarray) -> str:
    """How times are spaced, for a sentence."""
    ends = f"{t.size} samples from {show(float(t[0]), 's')} to {show(float(t[-1]), 's')}"
    steps = np.diff(t)
    if is_even(t):
        return f"{ends}, every {show(float(steps.mean()), 's')}"
    if (same := int((steps == 0).sum())) and (steps >= 0).all():
        return f"{ends}, {same} of them at the time of the one before, as where times were rounded"
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
    return Arrays(path, _flat(load_mat(path)), None, "arrays of MATLAB")


def _flat(loaded: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Arrays of numbers, those in a structure too, by their own names, or "structure.name" where that comes twice."""
    found: dict[str, np.ndarray] = {}
    inside: list[tuple[str, str, np.ndarray]] = []
    for name, value in loaded.items():
        array = np.asarray(value)
        if name.startswith("__"):
            continue
        if array.dtype.names and array.size == 1:
            fields = array.reshape(-1)[0]
            within = _flat({field: fields[field] for field in array.dtype.names})
            inside += [(name, field, held) for field, held in within.items()]
        elif array.dtype.kind in "fiu" and array.ndim:
            found[name] = array
    names = [*found, *(field for _, field, _ in inside)]
    return found | {field if names.count(field) == 1 else f"{outer}.{field}": held for outer, field, held in inside}


def _known(path: Path, arrays: Mapping[str, np.ndarray], own: Mapping[str, str]) -> dict[str, list[_Array]]:
    """The arrays of a trace in SI units, by what they are in one."""
    known: dict[str, list[_Array]] = {}
    units = COLUMNS | dict(own)
    for written, array in arrays.items():
        header = array_header(written.rpartition(".")[2])
        name = header.name if header.name in own else ALIASES.get(header.name.lower(), header.name.lower())
        if name == "m":
            for axis, part in zip("xyz", _components(path, array), strict=True):
                known.setdefault(f"m{axis}", []).append(_Array(f"m{axis}", written, None, "1", part))
        elif name == "t" or name in units:
            if array.dtype.kind not in "fiu":
                raise ValueError(f"{path}: {written} holds no real numbers (its type is {array.dtype})")
            values = np.ravel(np.asarray(array, dtype=np.float64)) * _factor(path, header, units.get(name, "s"))
            known.setdefault(name, []).append(_Array(name, written, header.unit, units.get(name, "s"), values))
    return known


def array_header(written: str) -> Header:
    """Name and unit of an array: "t_ns", "voltage_mV", "t (ns)"; a wrong unit is one still."""
    name, line, unit = written.rpartition("_")
    if line and symbol_of(unit) and unit_factor(unit)[0] in ("s", "V"):
        return Header(name, unit)
    return header_of(written)


def _chosen(path: Path, known: Mapping[str, list[_Array]], name: str, names: str, own: Mapping[str, str]) -> _Array:
    """The array for a column of a trace, or the one that has this name in the file."""
    same = [array for arrays in known.values() for array in arrays if array.written == name and array.what != "t"]
    if len(same) == 1:
        return same[0]
    if name not in COLUMNS and name not in own:
        raise ValueError(f"a trace has no column {name!r}; it can hold {', '.join(COLUMNS)}")
    if name not in known:
        raise ValueError(f"{path} has no array {name!r}; it has {names}")
    return _one(path, known[name])


def _one(path: Path, arrays: list[_Array]) -> _Array:
    """The array, where there is one. Raises ValueError where there are several."""
    if len(arrays) > 1:
        written = [array.written for array in arrays]
        chosen = by_door(f"columns=[{written[0]!r}]", f"--columns {shlex.quote(written[0])}")
        raise ValueError(
            f"{path} has {len(arrays)} arrays for {arrays[0].what}, {', '.join(written)}; "
            + ("save one of them" if arrays[0].what == "t" else f"choose one, as in {chosen}")
        )
    return arrays[0]


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


def _said(array: _Array) -> str:
    origin = "" if array_header(array.written).name.lower() == array.what else f" from {array.written!r}"
    if array.unit is not None:
        return f"{array.what}{origin} in {array.unit}"
    return f"{array.what}{origin}" + ("" if array.si == "1" else f" in {array.si}")
