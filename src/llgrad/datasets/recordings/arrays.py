"""The recording in arrays with attributes: HDF5, MATLAB 7.3, NetCDF, xarray and pandas say in different words which
array is the time of which, and in what units.

The times of an array are, in this order: the scale of its dimension; an array of times of its length, beside it or in a
group around it; an interval or a rate among the attributes of itself or a group around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from llgrad.core.units import unit_factor
from llgrad.datasets.formats import LONGEST, array_header
from llgrad.datasets.recordings.clock import even_times
from llgrad.datasets.recordings.recording import Channel, Even, InstrumentRecording, Listed, Segment, Unreadable, scaled
from llgrad.datasets.tables.quantities import QuantityKind, quantity_of
from llgrad.datasets.tables.symbols import si_of, symbol_of

_UNITS: Final = ("units", "unit", "unit_string", "ni_unitdescription")
_SINCE: Final = re.compile(r"^(?P<unit>\S+)\s+since\b", re.IGNORECASE)
_OWN_SCALING: Final = ("gain", "scale", "scaling", "ymult", "yincrement", "y_increment", "vertical_gain")
"""Attributes that say how codes become volts, each program in its own way."""
MOST: Final = 256
"""Rows of a table of traces that are channels of their own."""


class Array(NamedTuple):
    """An array of a file, before it is read."""

    name: str
    """With its groups: "scope/CH1"."""
    shape: tuple[int, ...]
    dtype: np.dtype
    attributes: Mapping[str, Any]
    scales: tuple[str | None, ...]
    """The name of the array that is the scale of each dimension."""
    read: Callable[[int, int, slice], np.ndarray]
    """(axis, index along the other one, part) to raw numbers."""


def recording_of_arrays(
    path: Path | str,
    kind: str,
    arrays: Sequence[Array],
    groups: Mapping[str, Mapping[str, Any]],
    named: bool,
    remarks: Sequence[str] = (),
) -> InstrumentRecording:
    """The recording in arrays; `groups` are the attributes of each group by its name, "" of all. Where `named`, times
    and voltages without a unit are in SI units. Raises Unreadable where attributes speak against each other."""
    known = {array.name: array for array in arrays}
    channels: list[Channel] = []
    left = []
    for array in arrays:
        if (why := _useless(array)) is not None:
            left.append(f"{array.name}: {why}")
        elif not _is_time(array):
            found, why = _channels(path, array, known, groups, named)
            channels += found
            left += [f"{array.name}: {why}"] if why else []
    own = groups.get("", {}).get("notes")
    notes = tuple(str(own).splitlines()) if isinstance(own, str) else ()
    notes += tuple(
        f"{key}: {value}"
        for key, value in groups.get("", {}).items()
        if isinstance(value, (str, float, int)) and key[:1] != "_" and key != "notes"
    )
    return InstrumentRecording(path, kind, tuple(channels), notes[:50], tuple(remarks), named, tuple(left))


def unit_of(array: Array) -> str | None:
    """The unit of an array, by its attributes or at the end of its name."""
    for key, value in array.attributes.items():
        if key.lower() in _UNITS and isinstance(value, str) and value.strip():
            return symbol_of(value) or value.strip()
    return array_header(_short(array)).unit


def _short(array: Array) -> str:
    return array.name.rpartition("/")[2]


def _useless(array: Array) -> str | None:
    """Why an array is no channel of samples."""
    if array.dtype.kind not in "fiumM":
        return "no real numbers"
    if array.attributes.get("MATLAB_class") in ("char", "cell", "logical") or "MATLAB_empty" in array.attributes:
        return "no numbers in MATLAB"
    lengths = [length for length in array.shape if length != 1]
    if not lengths or max(lengths) < 2:
        return "a single number"
    if len(lengths) > 2:
        return f"of {len(lengths)} dimensions"
    return None


def _is_time(array: Array) -> bool:
    unit = unit_of(array)
    if array.dtype.kind in "mM" or (unit and _SINCE.match(unit)):
        return True
    if si_of(unit) not in (None, "s"):
        return False
    name = array_header(_short(array)).name
    return (name in ("t", "T") and si_of(unit) == "s") or quantity_of(name, unit).kind is QuantityKind.TIME


def _channels(
    path: Path | str, array: Array, known: Mapping[str, Array], groups: Mapping[str, Mapping[str, Any]], named: bool
) -> tuple[list[Channel], str]:
    """The channels in an array, one for each row where it has rows; or why there are none."""
    axes = [axis for axis, length in enumerate(array.shape) if length != 1]
    clocks = {axis: _clock(path, array, axis, known, groups, named) for axis in axes}
    timed = [axis for axis in axes if clocks[axis] is not None]
    axis = timed[0] if len(timed) == 1 else max(axes, key=lambda one: (array.shape[one], -one))
    if any(array.scales[one] for one in axes) and clocks[axis] is None:
        scale = array.scales[axis] or ""
        if scale in known and scale != array.name and not _is_time(known[scale]):
            return [], f"against {scale}, which is no time"
    if array.dtype.kind in "iu" and (own := [key for key in array.attributes if key.lower() in _OWN_SCALING]):
        return (
            [],
            f"codes, and its attribute {own[0]!r} says how they become {unit_of(array) or 'values'}: scale them first",
        )
    rows = int(np.prod(array.shape)) // array.shape[axis]
    if rows > MOST:
        return [], f"a table of {rows} rows"
    clock = clocks[axis]
    channels = []
    for row in range(rows):
        segment = Segment(array.shape[axis], clock, _values(array, axis, row))
        channels.append(Channel(_row_name(array, row, rows), _value_unit(array), (segment,), str(array.dtype)))
    return channels, ""


def _row_name(array: Array, row: int, rows: int) -> str:
    if rows == 1:
        return array.name
    if rows == 3 and _short(array).lower() in ("m", "magnetisation", "magnetization"):
        group = array.name.rpartition("/")
        return f"{group[0]}{group[1]}m{'xyz'[row]}"
    return f"{array.name}[{row}]"


def _value_unit(array: Array) -> str | None:
    unit = unit_of(array)
    return unit if unit not in ("", "1", "dimensionless") or unit == "1" else None


def _values(array: Array, axis: int, row: int) -> Callable[[slice], np.ndarray]:
    """Values of a row, as the attributes of the CF conventions scale and mask them."""
    scale, offset = (_number(array, key, usual) for key, usual in (("scale_factor", 1.0), ("add_offset", 0.0)))
    missing = [array.attributes[key] for key in ("_FillValue", "missing_value") if key in array.attributes]

    def take(part: slice) -> np.ndarray:
        raw = array.read(axis, row, part)  # nobody else holds them
        absent = np.isin(raw, np.concatenate([np.ravel(one) for one in missing])) if missing else None
        values = raw.astype(np.float64, copy=False)
        if absent is not None:
            values[absent] = np.nan
        return scaled(values, scale, offset)

    return take


def _number(array: Array, key: str, usual: float) -> float:
    value = np.asarray(array.attributes.get(key, usual))
    if value.size != 1 or value.dtype.kind not in "fiu" or not np.isfinite(value).all():
        raise Unreadable(f"{array.name}: the attribute {key} is {value!r}, expected one number")
    return float(value.reshape(-1)[0])


def _clock(
    path: Path | str,
    array: Array,
    axis: int,
    known: Mapping[str, Array],
    groups: Mapping[str, Mapping[str, Any]],
    named: bool,
) -> Even | Listed | None:
    """The times along an axis."""
    count = array.shape[axis]
    scale = known.get(array.scales[axis] or "")
    if scale is not None and _is_time(scale) and _length(scale) == count:
        return listed(path, scale, named)
    for group in _around(array.name):
        beside = [
            one
            for one in known.values()
            if one.name.rpartition("/")[0] == group and _is_time(one) and _useless(one) is None
        ]
        fitting = [one for one in beside if _length(one) == count]
        if len(fitting) > 1:
            named_so = [one for one in fitting if array_header(_short(one)).name.lower() in ("t", "time")]
            fitting = named_so if len(named_so) == 1 else fitting
        if len(fitting) > 1:
            said = ", ".join(one.name for one in fitting[:4])
            raise Unreadable(f"{path} has several arrays of times for {array.name!r}: {said}; save one of them")
        if fitting:
            return listed(path, fitting[0], named)
    around = [array.attributes, *(groups.get(group, {}) for group in _around(array.name))]
    return next((found for one in around if (found := even_times(path, one, count)) is not None), None)


def _around(name: str) -> Iterator[str]:
    """The groups around an array, from within."""
    while name:
        name = name.rpartition("/")[0]
        yield name


def _length(array: Array) -> int:
    return int(np.prod(array.shape)) if sum(length != 1 for length in array.shape) == 1 else 0


def listed(path: Path | str, array: Array, named: bool) -> Listed:
    """The times in an array. Dates are counted from the first, before they become seconds: from 1970 a double cannot
    tell a nanosecond."""
    axis = next(axis for axis, length in enumerate(array.shape) if length != 1)
    count, unit = array.shape[axis], unit_of(array)
    since = _SINCE.match(unit) if unit else None
    written = since["unit"] if since else unit
    if array.dtype.kind in "mM":
        factor = float(np.timedelta64(1, np.datetime_data(array.dtype)[0]) / np.timedelta64(1, "s"))
        factor *= np.datetime_data(array.dtype)[1]
    elif written is None and not named:
        raise Unreadable(f"{path}: the times {array.name!r} have no unit; write it in their name, as in 't (ns)'")
    else:
        factor = 1.0 if written is None else _seconds(path, array, written)
    dates = since is not None or array.dtype.kind == "M"
    first = array.read(axis, 0, slice(0, 1)) if dates else None

    def take(part: slice) -> np.ndarray:
        raw = array.read(axis, 0, part)
        if first is not None:
            raw = raw - first
        return (raw.astype(np.int64) if raw.dtype.kind in "mM" else raw).astype(np.float64) * factor

    single = array.dtype.kind == "f" and array.dtype.itemsize < 8
    found = Listed(array.name, count, take, single)
    if written is None and array.dtype.kind not in "mM" and abs(found.ends[1] - found.ends[0]) > LONGEST:
        raise Unreadable(
            f"{path}: the times {array.name!r} go up to {found.ends[1]:g} and have no unit, which cannot be seconds; "
            "write the unit in an attribute 'units', or in the name, as in t_ns"
        )
    return found


def _seconds(path: Path | str, array: Array, written: str) -> float:
    symbol = symbol_of(written.rstrip("s")) if written.endswith("onds") else symbol_of(written)
    symbol = symbol_of(written) if symbol is None else symbol
    found, factor = ("", 1.0) if symbol is None else unit_factor(symbol)
    if found != "s":
        raise Unreadable(f"{path}: the times {array.name!r} are in {written!r}, expected seconds or a part of them")
    return factor
