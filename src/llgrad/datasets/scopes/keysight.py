"""Waveforms of Agilent and Keysight in binary (.bin: AG01, AG03, AG10), several channels, segments and buffers.

Source: User's Guide of the InfiniiVision 3000T and 6000 X, "Binary Data (.bin) Format": a file header, then for each
waveform (of each segment) a header with x = XOrigin + i · XIncrement and the units, and for each of its buffers a
header and 32-bit numbers in these units. A sample that was not taken is NaN.

Read here and not by RigolWFM 1.6.0, which makes 0 V of samples that were not taken, and refuses segments.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from llgrad.datasets.recordings.recording import Channel, InstrumentRecording, Segment, Unreadable, checked_step
from llgrad.datasets.scopes.mapped import Bytes

KIND: Final = "a recording of Agilent or Keysight (.bin)"
_UNITS: Final = {1: "V", 2: "s", 4: "A", 5: "dB", 6: "Hz"}
_SECONDS: Final = 2
_BUFFERS: Final = {1: "", 2: " (maximum)", 3: " (minimum)"}
"""Buffers of 32-bit numbers; others are counts and logic."""
_LEAST: Final = 140
MOST: Final = 100_000
"""Waveforms of a file: more are damage."""


class _Buffer(NamedTuple):
    name: str
    unit: str | None
    segment: Segment


def read_keysight(path: Path) -> InstrumentRecording:
    """The recording in a .bin file of Keysight. Raises Unreadable, in a sentence, where it is damaged."""
    file = Bytes(path)
    head = file.part(0, 4)
    if head[:2] != b"AG" or head[2:] not in (b"01", b"03", b"10"):
        raise Unreadable(f"{path} does not begin with AG01, AG03 or AG10, as files of Keysight do; it is damaged")
    long = head[2:] == b"03"
    waveforms, at = (file.whole("I", 12), 16) if long else (file.whole("I", 8), 12)
    if not 0 < waveforms <= MOST:
        raise Unreadable(f"{path} says {waveforms} waveforms; it is damaged")
    buffers: list[_Buffer] = []
    left: list[str] = []
    frame = ""
    for _ in range(waveforms):
        size, _kind, count, points = (int(number) for number in file.numbers("IIII", at))
        step, start = file.numbers("dd", at + 32)
        across, along = (int(number) for number in file.numbers("II", at + 48))
        frame, label = file.text(at + 88, 24), file.text(at + 112, 16)
        if size < _LEAST or count > 16:
            raise Unreadable(f"{path} says a header of {size} bytes and {count} buffers; it is damaged")
        at += size
        for _ in range(count):
            begin = file.whole("I", at)
            buffer, width = (int(number) for number in file.numbers("HH", at + 4))
            length = file.whole("Q" if long else "I", at + 8)
            if begin < 12:
                raise Unreadable(f"{path} says a header of {begin} bytes; it is damaged")
            at += begin
            name = (label or "trace") + _BUFFERS.get(buffer, "")
            if buffer not in _BUFFERS or width != 4 or across != _SECONDS:
                left.append(f"{name}: {'logic or counts' if across == _SECONDS else 'not against time'}")
            elif length != 4 * points:
                raise Unreadable(f"{path} says {points} samples in {length} bytes; it is cut off or damaged")
            else:
                times = checked_step(path, start, step, points)
                buffers.append(_Buffer(name, _UNITS.get(along), Segment(points, times, file.samples(at, points, "f4"))))
            at += length
    return InstrumentRecording(
        path, KIND, _channels(buffers), (f"instrument: {frame}",) if frame else (), left_out=tuple(left)
    )


def _channels(buffers: list[_Buffer]) -> tuple[Channel, ...]:
    """The channels: waveforms of one name are segments of one."""
    found: dict[tuple[str, str | None], list[Segment]] = {}
    for name, unit, segment in buffers:
        found.setdefault((name, unit), []).append(segment)
    return tuple(Channel(name, unit, tuple(segments), "32 bit") for (name, unit), segments in found.items())
