"""Which channel, segment and window of a recording become a trace: nothing is guessed where there are two readings."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from llgrad.core.arguments.doors import by_door
from llgrad.core.units import show, unit_factor
from llgrad.datasets.formats import ALIASES, array_header, spacing_of
from llgrad.datasets.recordings.recording import Channel, Even, InstrumentRecording, Listed, Segment, reading, scaled
from llgrad.datasets.tables.quantities import QuantityKind, quantity_of
from llgrad.datasets.tables.symbols import si_of, symbol_of
from llgrad.datasets.trace import COLUMNS, Trace

_DRIVEN: Final = ("A", "T")
COARSEST: Final = 1e3
"""Times in single precision must go over so many of their roundings for their interval to be told from them."""


class Asked(NamedTuple):
    """What a user tells of a file."""

    columns: Sequence[str] | None = None
    own: Mapping[str, str] = {}
    """Columns of a system, with their units."""
    window: tuple[float, float] | None = None
    segment: int | None = None
    unit: str | None = None
    interval: float | None = None


class _Taken(NamedTuple):
    """A channel of a trace, what it is there, and the factor to SI units."""

    what: str
    channel: Channel
    factor: float
    said: str


def trace_of_recording(recording: InstrumentRecording, asked: Asked) -> Trace:
    """The trace in a recording. Raises ValueError, in one sentence, where something must be told or cannot be."""
    taken = _chosen(recording, asked)
    t, values, remarks = _samples(recording, taken, asked)
    units = {one.what: asked.own[one.what] for one in taken if one.what in asked.own}
    others = len(recording.channels) - len(taken)
    left = f"; {others} other channel{'s' if others > 1 else ''} left out" if others else ""
    said = ", ".join(f"{one.what} from {one.channel.name!r}{one.said}" for one in taken) + left
    try:
        read = (recording.kind, *recording.remarks, said, *remarks)
        return Trace(t, dict(zip((one.what for one in taken), values, strict=True)), recording.notes, read, units)
    except ValueError as error:
        raise ValueError(f"{recording.path}: {error}") from None


def asked_for(recording: InstrumentRecording) -> str | None:
    """The sentence by which `read_trace` would ask for something, without a look at the samples; None where it asks for
    nothing."""
    asked = Asked()
    try:
        taken = _chosen(recording, asked)
        _times(recording, taken[0].channel, _segments(recording, taken, None)[1], None)
    except ValueError as error:
        return str(error)
    return None


def waveform_of_recording(
    recording: InstrumentRecording, unit: str | None, asked: Asked
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Times [s] and the currents [A] or fields [T] of a recording; `unit` is what they are for."""
    wanted = (unit,) if unit else _DRIVEN
    if asked.columns is None:
        found = [one for one in recording.channels if si_of(one.unit) in wanted]
    else:
        found = [_named(recording, name) for name in asked.columns]
    if not found:
        raise ValueError(
            f"{recording.path} has no channel in {' or '.join(wanted)}; it has {recording.listed() or 'none'}"
        )
    kind = unit or si_of(found[0].unit) or ""
    taken = [_Taken(one.name, one, *_factor(recording, one, kind, asked.unit)) for one in found]
    t, values, _ = _samples(recording, taken, asked)
    return t, values


def _samples(
    recording: InstrumentRecording, taken: Sequence[_Taken], asked: Asked
) -> tuple[np.ndarray, list[np.ndarray], list[str]]:
    """Times [s] and values [SI] of channels in a window, and how they were understood."""
    number, segments, remarks = _segments(recording, taken, asked.segment)
    times = _times(recording, taken[0].channel, segments, asked.interval)
    with reading(recording.path, recording.kind):
        part = _part(recording, times, asked.window)
        t, counted = _read_times(times, part)
        values = [scaled(segment.take(part), one.factor) for one, segment in zip(taken, segments, strict=True)]
    t, values, gone = _recorded(recording, [one.channel.name for one in taken], t, values)
    for array in (t, *values):
        array.flags.writeable = False  # nobody else holds them: a trace need not copy
    if number is not None:
        remarks.append(f"segment {number} of {len(taken[0].channel.segments)}")
    even = isinstance(times, Even) and not gone
    spaced = str(Even(float(t[0]), times.step, t.size)) if even else ""  # type: ignore[union-attr]
    remarks += [*counted, *gone, f"{t.size} samples {spaced}" if even else spacing_of(t)]
    if asked.window is not None:
        remarks[-1] += f", of {times.size} in the file"
    return t, values, remarks


def _segments(
    recording: InstrumentRecording, taken: Sequence[_Taken], asked: int | None
) -> tuple[int | None, list[Segment], list[str]]:
    """The segment of each channel."""
    counts = {len(one.channel.segments) for one in taken}
    most = max(counts)
    if asked is None and most > 1:
        raise ValueError(
            f"{recording.path} has {most} segments, each with times of its own; choose one, as in "
            + by_door("segment=1", "--read segment=1")
        )
    if asked is not None and not (isinstance(asked, int) and 1 <= asked <= min(counts)):
        raise ValueError(f"segment = {asked!r}, expected one of 1 to {min(counts)} in {recording.path}")
    return (asked if most > 1 else None), [one.channel.segments[(asked or 1) - 1] for one in taken], []


def _times(
    recording: InstrumentRecording, channel: Channel, segments: Sequence[Segment], interval: float | None
) -> Even | Listed:
    """The times that all segments share."""
    first = segments[0].times
    if any(one.size != segments[0].size or not _same(one.times, first) for one in segments[1:]):
        raise ValueError(
            f"{recording.path}: the channels chosen have times of their own; choose channels of the same times"
        )
    if first is not None:
        if interval is not None:
            raise ValueError(f"{recording.path} says its times itself ({first}); leave interval out")
        return first
    if interval is None:
        raise ValueError(
            f"{recording.path} does not say when the samples of {channel.name!r} were taken; give the "
            "time between two, " + by_door("as in interval=1e-9 [s]", "as in --read interval=1ns")
        )
    if not (isinstance(interval, (int, float)) and math.isfinite(interval) and interval > 0):
        raise ValueError(f"interval = {interval!r}, expected the time between two samples in seconds, as in 1e-9")
    return Even(0.0, float(interval), segments[0].size)


def _same(one: Even | Listed | None, other: Even | Listed | None) -> bool:
    if isinstance(one, Listed) and isinstance(other, Listed):
        return one.name == other.name
    return one == other


def _part(recording: InstrumentRecording, times: Even | Listed, window: tuple[float, float] | None) -> slice:
    if times.size < 2:
        raise ValueError(f"{recording.path} has {times.size} samples, expected at least two")
    part = times.part(window)
    if part.stop - part.start < 2:
        first, last = (show(time, "s") for time in window or (0.0, 0.0))
        raise ValueError(f"{recording.path} has no two samples from {first} to {last}; its samples go {times}")
    return part


def _read_times(times: Even | Listed, part: slice) -> tuple[np.ndarray, list[str]]:
    """The times [s], without the rounding of single precision where they are evenly spaced."""
    t = times.times(part)
    if not (isinstance(times, Listed) and times.single):
        return t, []
    quantum, count = float(np.spacing(np.float32(np.abs(t).max()))), np.arange(t.size)
    if not t[-1] - t[0] > COARSEST * quantum:
        return t, []
    line = np.polynomial.Polynomial.fit(count, t, 1)(count)
    if np.abs(line - t).max() > quantum:
        return t, []
    return line, [f"times in single precision, rounded to {show(quantum, 's')}, counted from the first"]


def _recorded(
    recording: InstrumentRecording, names: Sequence[str], t: np.ndarray, values: Sequence[np.ndarray]
) -> tuple[np.ndarray, list[np.ndarray], list[str]]:
    """The samples without those at both ends where a value is missing. Raises ValueError for a gap."""
    bad = ~np.isfinite(t)
    for one in values:
        bad |= ~np.isfinite(one)
    if not bad.any():
        return t, list(values), []
    good = np.flatnonzero(~bad)
    if good.size < 2:
        raise ValueError(f"{recording.path} holds no two samples of {', '.join(names)}: all others are missing (NaN)")
    first, last = int(good[0]), int(good[-1]) + 1
    if (gap := np.flatnonzero(bad[first:last])).size:
        raise ValueError(
            f"{recording.path}: sample {first + int(gap[0])} of {', '.join(names)}, at "
            f"{show(float(t[first + gap[0]]), 's')}, is missing or not finite, and {gap.size - 1} more; choose "
            "a window without it, or fill it in"
        )
    said = f"{bad.size - (last - first)} missing samples at the ends left out"
    return t[first:last].copy(), [one[first:last].copy() for one in values], [said]


def _chosen(recording: InstrumentRecording, asked: Asked) -> list[_Taken]:
    """The channels of a trace."""
    own = dict(asked.own)
    if not recording.channels:
        left = f" ({'; '.join(recording.left_out[:4])})" if recording.left_out else ""
        raise ValueError(f"{recording.path} holds no channel of samples{left}")
    if asked.columns is not None:
        found = [_as(recording, name, _named(recording, name), asked) for name in asked.columns]
    elif own:
        found = [_as(recording, name, _named(recording, name), asked) for name in own]
    else:
        found = _all(recording, asked)
    whats = [one.what for one in found]
    if not found:
        raise ValueError(f"columns = [] chooses nothing of {recording.path}; it has {recording.listed()}")
    if twice := [what for what in whats if whats.count(what) > 1]:
        same = ", ".join(repr(one.channel.name) for one in found if one.what == twice[0])
        raise ValueError(
            f"{recording.path}: the channels {same} would all be {twice[0]}; {_advice(recording.channels)}"
        )
    return found


def _all(recording: InstrumentRecording, asked: Asked) -> list[_Taken]:
    """The components of m and the voltage, where it is clear which they are."""
    kinds = [(_what(recording, one, asked), one) for one in recording.channels]
    found = [(what, one) for what, one in kinds if what in COLUMNS]
    voltages = [one for what, one in found if what == "voltage"]
    named = [one for one in voltages if _plain(one.name) == "voltage"]
    if len(voltages) > 1 and len(named) != 1:
        raise ValueError(
            f"{recording.path} has several voltages ({', '.join(one.name for one in voltages[:8])}); "
            + _advice(voltages)
        )
    if not found:
        raise ValueError(
            f"{recording.path} has no voltage and no component of m that is known as one; it has "
            f"{recording.listed()}; {_advice(recording.channels)}"
        )
    keep = [(what, one) for what, one in found if what != "voltage" or one is (named or voltages)[0]]
    return [_Taken(what, one, *_factor(recording, one, COLUMNS[what], asked.unit)) for what, one in keep]


def _as(recording: InstrumentRecording, name: str, channel: Channel, asked: Asked) -> _Taken:
    """A channel that a user names, as what it is in a trace."""
    if name in asked.own:
        return _Taken(name, channel, *_factor(recording, channel, asked.own[name], None))
    what = _what(recording, channel, asked)
    if what is None:
        told = f" is in {channel.unit}" if channel.unit else " has no unit in the file"
        raise ValueError(
            f"{recording.path}: the channel {channel.name!r}{told}, and a trace holds {', '.join(COLUMNS)}"
            + ("" if channel.unit else "; where it is a voltage, give " + by_door("unit='V'", "--read unit=V"))
        )
    return _Taken(what, channel, *_factor(recording, channel, COLUMNS[what], asked.unit))


def _what(recording: InstrumentRecording, channel: Channel, asked: Asked) -> str | None:
    """What a channel is in a trace; None where it can be nothing there."""
    name, unit = _plain(channel.name), channel.unit
    if name in COLUMNS and COLUMNS[name] == "1" and (unit is None or si_of(unit) == "1"):
        return name
    quantity = quantity_of(_short(channel.name), unit)
    if quantity.kind is QuantityKind.MAGNETISATION and quantity.axis and si_of(unit) in (None, "1"):
        return f"m{quantity.axis}"
    if unit is None:
        told = asked.unit if asked.unit is not None else "V" if recording.named and name == "voltage" else None
        return "voltage" if si_of(told) == "V" else None
    return "voltage" if si_of(unit) == "V" else None


def _factor(recording: InstrumentRecording, channel: Channel, si: str, told: str | None) -> tuple[float, str]:
    """The factor of a channel to an SI unit, and what is to be said of it."""
    unit = channel.unit
    if unit is not None and told is not None and symbol_of(unit) != symbol_of(told):
        raise ValueError(
            f"{recording.path} says that {channel.name!r} is in {unit}, and unit = {told!r} would be another; "
            "leave unit out"
        )
    if unit is None and told is None:
        return 1.0, f" in {si}" if si != "1" else ""
    written = unit if unit is not None else told or ""
    symbol = symbol_of(written)
    found, factor = ("", 1.0) if symbol is None else unit_factor(symbol)
    if found != si:
        raise ValueError(f"{recording.path}: {channel.name!r} is in {written}, expected a unit of {si}")
    return factor, f" in {written}" + (", as told" if unit is None else "")


def _named(recording: InstrumentRecording, name: str) -> Channel:
    """The channel that a user names: by its name, the last part of it, its place as "#2", or what it is."""
    channels = recording.channels
    if (match := re.fullmatch(r"#(\d+)", name)) is not None:
        if not 1 <= int(match[1]) <= len(channels):
            raise ValueError(f"{recording.path} has no channel {name}; it has {recording.listed()}")
        return channels[int(match[1]) - 1]
    for same in (
        [one for one in channels if one.name == name],
        [one for one in channels if one.name.casefold() == name.casefold()],
        [one for one in channels if _short(one.name).casefold() == name.casefold()],
        [one for one in channels if _plain(one.name) == name.casefold()],
    ):
        if len(same) == 1:
            return same[0]
        if same:
            break
    else:
        raise ValueError(f"{recording.path} has no channel {name!r}; it has {recording.listed()}")
    raise ValueError(
        f"{recording.path} has {len(same)} channels of the name {name!r}: {recording.listed()}; use a place"
    )


def _advice(channels: Sequence[Channel]) -> str:
    name = channels[0].name
    return "choose one, as in " + by_door(f"channel={name!r}", f"--read channel={shlex.quote(name)}")


def taken_for(channel: Channel) -> str:
    """What a channel is by its name and unit, for a table."""
    name, si = _plain(channel.name), si_of(channel.unit)
    if name in COLUMNS and si in (None, COLUMNS[name]):
        return name
    return quantity_of(_short(channel.name), channel.unit).kind.value


def _short(name: str) -> str:
    """The name of a channel without the groups that it is in, and without a unit."""
    return array_header(name.rpartition("/")[2]).name


def _plain(name: str) -> str:
    short = _short(name).casefold()
    return ALIASES.get(short, short)
