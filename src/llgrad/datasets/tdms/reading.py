"""TDMS files of LabVIEW, by npTDMS.

The times of a channel are wf_start_offset + i · wf_increment, as LabVIEW writes them for a waveform. npTDMS (1.13) also
gives absolute times, as numpy.datetime64 (in nanoseconds, unless told otherwise), in which samples closer than that
are all at one time: these are never used.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from llgrad.core.units import unit_factor
from llgrad.datasets.recordings.extras import needed
from llgrad.datasets.recordings.recording import (
    Channel,
    Even,
    InstrumentRecording,
    Listed,
    Segment,
    Unreadable,
    checked_step,
)
from llgrad.datasets.tables.headers import header_of
from llgrad.datasets.tables.quantities import QuantityKind, quantity_of
from llgrad.datasets.tables.symbols import symbol_of
from llgrad.datasets.tdms.windows import raw_part

KIND: Final = "TDMS of LabVIEW"
MARK: Final = b"TDSm"
_UNITS: Final = ("unit_string", "NI_UnitDescription", "Unit", "unit", "units")
_FRACTION: Final = 2.0**-64


def read_tdms(path: Path) -> InstrumentRecording:
    """The recording in a TDMS file. Raises Unreadable, in a sentence, where it is damaged or npTDMS is not there."""
    needed("nptdms", "tdms", path)
    library: Any = importlib.import_module("nptdms")
    size = path.stat().st_size
    logging.getLogger("nptdms").setLevel(logging.CRITICAL)  # what it would say of a file cut off is a remark here
    remarks = ()
    with _opened(path, library) as file:
        if file.file_status.incomplete_final_segment:
            remarks = ("cut off within its last segment, of which the samples that are there are read",)
        groups = [(group.name, list(group.channels())) for group in file.groups()]
        notes = tuple(
            f"{key}: {value}" for key, value in file.properties.items() if isinstance(value, (str, float, int))
        )
        found: list[Channel] = []
        left: list[str] = []
        for name, members in groups:
            if sum(len(one) for one in members) > 64 * size:  # no more than a bit for each
                raise Unreadable(
                    f"{path} says {sum(len(one) for one in members)} samples in {size} bytes; it is damaged"
                )
            timed = [one for one in members if _is_time(one)]
            for one in members:
                why = _useless(one)
                if why:
                    left.append(f"{name}/{one.name}: {why}")
                elif one not in timed:
                    times = _times(path, library, name, one, timed)
                    segment = Segment(len(one), times, _values(path, library, name, one.name))
                    label = one.name if len(groups) == 1 else f"{name}/{one.name}"
                    found.append(Channel(label, _unit(one), (segment,), str(one.dtype)))
    return InstrumentRecording(path, KIND, tuple(found), notes[:50], remarks, left_out=tuple(left))


@contextlib.contextmanager
def _opened(path: Path, library: Any) -> Iterator[Any]:
    """The file for npTDMS, which leaves one open that it opened itself, where it is damaged."""
    with path.open("rb") as data, library.TdmsFile.open(data, raw_timestamps=True) as file:
        yield file


def _unit(channel: Any) -> str | None:
    said = next((str(channel.properties[key]) for key in _UNITS if channel.properties.get(key)), None)
    return (symbol_of(said) or said) if said else header_of(channel.name).unit


def _useless(channel: Any) -> str | None:
    """Why a channel is none of samples against time."""
    across = channel.properties.get("wf_xunit_string")
    if across and symbol_of(str(across)) != "s":
        return f"against {across}"
    if channel.dtype.kind not in "fiu" and not _is_time(channel):
        return "no real numbers"
    return "no samples" if len(channel) < 2 else None


def _is_time(channel: Any) -> bool:
    if channel.dtype.kind == "M" or channel.data_type.__name__ == "TimeStamp":
        return True
    unit = _unit(channel)
    return (
        quantity_of(header_of(channel.name).name, unit).kind is QuantityKind.TIME
        and "wf_increment" not in channel.properties
    )


def _times(path: Path, library: Any, group: str, channel: Any, timed: Sequence[Any]) -> Even | Listed | None:
    """The times of a channel: of its waveform, or of a channel of times of its group; None where there are none."""
    said: Mapping[str, Any] = channel.properties
    if "wf_increment" in said:
        step, start = float(said["wf_increment"]), float(said.get("wf_start_offset", 0.0))
        return checked_step(path, start, step, len(channel))
    fitting = [one for one in timed if len(one) == len(channel)]
    if len(fitting) > 1:
        names = ", ".join(one.name for one in fitting)
        raise Unreadable(f"{path} has several channels of times for {channel.name!r}: {names}; save one of them")
    return _listed(path, library, group, fitting[0]) if fitting else None


def _listed(path: Path, library: Any, group: str, channel: Any) -> Listed:
    read = _reader(path, library, group, channel.name)
    if channel.dtype.kind == "M" or channel.data_type.__name__ == "TimeStamp":
        first = read(slice(0, 1))

        def dates(part: slice) -> np.ndarray:
            """Seconds from the first, of whole ones and of 2⁻⁶⁴ of one: a double of 1904 cannot tell a nanosecond."""
            found = read(part)
            whole = found.seconds.astype(np.int64) - first.seconds.astype(np.int64)
            parts = found.second_fractions.astype(np.float64) - first.second_fractions.astype(np.float64)
            return whole + parts * _FRACTION

        return Listed(channel.name, len(channel), dates)
    unit = _unit(channel)
    if unit is None or unit_factor(symbol_of(unit) or "1")[0] != "s":
        raise Unreadable(f"{path}: the times {channel.name!r} are in {unit or 'no unit'}, expected a unit of seconds")
    factor = unit_factor(symbol_of(unit) or "1")[1]
    single = channel.dtype.kind == "f" and channel.dtype.itemsize < 8
    return Listed(channel.name, len(channel), lambda part: read(part).astype(np.float64) * factor, single)


def _values(path: Path, library: Any, group: str, name: str) -> Any:
    read = _reader(path, library, group, name)
    return lambda part: np.asarray(read(part)).astype(np.float64, copy=False)


def _reader(path: Path, library: Any, group: str, name: str) -> Any:
    """A function that reads samples of a channel, and keeps no file open."""

    def read(part: slice) -> Any:
        with _opened(path, library) as file:
            channel = file[group][name]
            scaled = "NI_Number_Of_Scales" in {*channel.properties, *file[group].properties, *file.properties}
            found = None if scaled else raw_part(path, file, channel, part)
            if found is None:
                found = channel.read_data(offset=part.start, length=part.stop - part.start)
        if len(found) != part.stop - part.start:
            raise Unreadable(f"{path} is cut off: {len(found)} of {part.stop - part.start} samples of {name}")
        return found

    return read
