"""Traces of LeCroy (.trc), single or in segments.

Source: the template LECROY_2_3 (Remote Control Manual of LeCroy, appendix on waveform templates): a descriptor WAVEDESC
of blocks whose lengths it says, value = VERTICAL_GAIN · code − VERTICAL_OFFSET, time = HORIZ_OFFSET + i ·
HORIZ_INTERVAL, of the samples from FIRST_VALID_PNT to LAST_VALID_PNT. In a sequence each segment has its own offset,
from its own trigger, in the array TRIGTIME.

Read here and not by lecroyparser (1.4.2: it stretches the times over one interval more than there are, and reads a
sequence as one trace) nor by RigolWFM (1.6.0: a sequence is one trace, and every unit is V).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from llgrad.datasets.recordings.recording import Channel, InstrumentRecording, Segment, Unreadable, checked_step
from llgrad.datasets.scopes.mapped import Bytes

KIND: Final = "a trace of LeCroy"
MARK: Final = b"WAVEDESC"
_SAMPLES: Final = (0, 1, 7)
"""Types of records of samples one behind another: single sweep, interleaved, and an old one of a sequence."""
_TYPES: Final = {
    2: "a histogram",
    3: "a graph",
    4: "coefficients of a filter",
    5: "complex numbers",
    6: "an envelope (extrema)",
    8: "samples of many sweeps (RIS), which are not evenly spaced",
    9: "an envelope (peak detect)",
}
_SOURCES: Final = {0: "C1", 1: "C2", 2: "C3", 3: "C4"}


def read_lecroy(path: Path) -> InstrumentRecording:
    """The recording in a trace of LeCroy. Raises Unreadable, in a sentence, where it is damaged."""
    file = Bytes(path)
    base = file.part(0, min(file.size, 64)).find(MARK)
    if base < 0:
        raise Unreadable(f"{path} has no block WAVEDESC at its beginning: it is no trace of LeCroy, or damaged")
    order = file.part(base + 34, 2)
    file.order = "<" if order[0] else ">"
    template = file.text(base + 16, 16)
    if not template.startswith("LECROY_2"):
        raise Unreadable(f"{path} is of the template {template!r}, expected LECROY_2_3; export it as text")
    lengths = [file.whole("i", base + at) for at in (36, 40, 44, 48, 52, 56)]
    if min(lengths) < 0 or lengths[0] < 346:
        raise Unreadable(f"{path} says blocks of {lengths} bytes; it is damaged")
    _check_type(file, base, lengths)
    wide = bool(file.whole("h", base + 32))
    count, pieces = file.whole("i", base + 116), max(file.whole("i", base + 144), 1)
    bytes_of = file.whole("i", base + 60)
    size = 2 if wide else 1
    if count < 1 or count * size > bytes_of or pieces > count:
        raise Unreadable(f"{path} says {count} samples in {pieces} segments and {bytes_of} bytes; it is damaged")
    starts = _starts(file, base, lengths, pieces)
    interval = float(str(np.float32(file.number("f", base + 176))))  # the decimal number that was meant
    gain, offset = (file.number("f", base + at) for at in (156, 160))
    first = base + sum(lengths)
    each = count // pieces
    skipped, last = _valid(file, base, count) if pieces == 1 else (0, each)
    segments = tuple(
        Segment(
            last - skipped,
            checked_step(path, start + skipped * interval, interval, last - skipped),
            file.samples(first + (k * each + skipped) * size, last - skipped, "i2" if wide else "i1", gain, -offset),
        )
        for k, start in enumerate(starts)
    )
    unit, across = file.text(base + 196, 48), file.text(base + 244, 48)
    if across.upper() != "S":
        raise Unreadable(f"{path} is against {across or 'nothing that is named'!r}, expected seconds (S)")
    label = file.text(base + 96, 16) or _SOURCES.get(file.whole("h", base + 344), "trace")
    notes = (f"instrument: {file.text(base + 76, 16)}", *_user_text(file, base, lengths))
    said = f"{16 if wide else 8} bit, gain {gain:g}"
    return InstrumentRecording(path, KIND, (Channel(label, unit or None, segments, said),), notes)


def _check_type(file: Bytes, base: int, lengths: list[int]) -> None:
    """Raise Unreadable for a record of anything else than samples that stand one behind another, evenly spaced."""
    kind = file.whole("h", base + 316)
    if lengths[4] and kind in _SAMPLES:
        kind = 8
    if kind not in _SAMPLES or file.whole("i", base + 64):
        held = _TYPES.get(kind, "two numbers for each sample" if kind in _SAMPLES else f"a record of the type {kind}")
        raise Unreadable(f"{file.path} holds {held}; export it as text")
    begin, sparse = file.whole("i", base + 132), file.whole("i", base + 136)
    if begin > 0 or sparse > 1:
        raise Unreadable(
            f"{file.path} holds a part of a record (from sample {begin} on, one of {max(sparse, 1)}), whose times it "
            "does not say; save all of it"
        )


def _valid(file: Bytes, base: int, count: int) -> tuple[int, int]:
    """The first sample that is one, and the one behind the last: a computed trace may begin and end with none."""
    first, last = file.whole("i", base + 124), file.whole("i", base + 128)
    if last <= 0 and first <= 0:
        return 0, count  # not said
    last = min(last, count - 1)
    if not 0 <= first < last:
        raise Unreadable(f"{file.path} says valid samples from {first} to {last} of {count}; it is damaged")
    return first, last + 1


def _starts(file: Bytes, base: int, lengths: list[int], pieces: int) -> list[float]:
    """The time of the first sample of each segment, from its trigger [s]."""
    if pieces == 1:
        return [file.number("d", base + 180)]
    if lengths[3] < 16 * pieces:
        raise Unreadable(f"{file.path} has {pieces} segments and trigger times of {lengths[3]} bytes; it is damaged")
    pairs = file.part(base + sum(lengths[:3]), 16 * pieces)
    return np.frombuffer(pairs, f"{file.order}f8")[1::2].tolist()


def _user_text(file: Bytes, base: int, lengths: list[int]) -> tuple[str, ...]:
    text = file.text(base + lengths[0], min(lengths[1], 160)) if lengths[1] else ""
    return (text,) if text else ()
