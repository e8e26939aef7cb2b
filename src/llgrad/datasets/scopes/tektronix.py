"""Waveforms of Tektronix (.wfm), of the versions WFM#001 to WFM#003, with FastFrame.

Source: "Reference Waveform File Format", Tektronix 077-0220: value = scale · code + offset of the explicit dimension,
time = offset + (i + TT offset) · scale of the implicit one, counted from the first valid sample; what stands before and
behind it in the curve is for interpolation. The TT offset of each frame is the part of a sample that lies between its
trigger and the sample behind it; with it the times are those that an MSO64 writes into a CSV file of the same record.
Values are checked against Tektronix's tm_data_types 0.5 (which needs NumPy 1 before Python 3.13, and leaves the TT
offset out, so that its times are up to a sample too early).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from llgrad.datasets.recordings.recording import Channel, InstrumentRecording, Segment, Unreadable, checked_step
from llgrad.datasets.scopes.mapped import Bytes

KIND: Final = "a waveform of Tektronix"
_FORMATS: Final = {0: "i2", 1: "i4", 2: "u4", 3: "u8", 4: "f4", 5: "f8", 6: "u1", 7: "i1"}
_NEWER: Final = 6
"""Formats from this one on came with version 3."""
_VIEWS: Final = {b"WFM#001": (166, 156, 132), b"WFM#002": (168, 156, 132), b"WFM#003": (168, 160, 136)}
"""Where the dimensions begin, and how long an explicit and an implicit one is."""
_TIMEBASES, _UPDATE, _CURVE = 24, 24, 30
_VECTOR: Final = 2
"""The type of data of a waveform of samples (WFMDATA_VECTOR)."""
_SAMPLE: Final = 0
"""The way of storing one value for each sample."""


def read_tektronix(path: Path) -> InstrumentRecording:
    """The recording in a waveform of Tektronix. Raises Unreadable, in a sentence, where it is damaged."""
    file = Bytes(path)
    head = file.part(0, 10)
    version, mark = head[3:10], head[:2]
    if version not in _VIEWS or mark not in (b"\x0f\x0f", b"\xf0\xf0"):
        raise Unreadable(f"{path} does not begin as a waveform of Tektronix (WFM#001 to WFM#003); it is damaged")
    file.order = "<" if mark == b"\x0f\x0f" else ">"
    dimensions, explicit, implicit = _VIEWS[version]
    frames = file.whole("I", 72) + 1
    across = dimensions + 2 * explicit
    update = across + 2 * implicit + _TIMEBASES
    further = _further_frames(file, update + _UPDATE + _CURVE, frames)
    updates, curves = zip((update, update + _UPDATE), *further, strict=True)
    kind, stored = file.whole("i", dimensions + 72), file.whole("i", dimensions + 76)
    if kind not in _FORMATS or (kind >= _NEWER and version != b"WFM#003"):
        raise Unreadable(f"{path} says the format {kind} of its samples, which is none of {version.decode()}")
    if file.whole("i", 122) != _VECTOR or stored != _SAMPLE:
        raise Unreadable(
            f"{path} holds no samples of a voltage (type of data {file.whole('i', 122)}, storage {stored}): digital, "
            "IQ, averaged pixels or an envelope; export it as text"
        )
    if b"IQ_" in file.part(max(file.size - 4000, 0), min(file.size, 4000)):
        raise Unreadable(f"{path} holds I and Q in turn, which are not read; export them as text")
    scale, offset = file.numbers("dd", dimensions)
    step, start = file.numbers("dd", across)
    unit, time = file.text(dimensions + 20, 20), file.text(across + 20, 20)
    if time.lower() != "s":
        raise Unreadable(f"{path} is against {time or 'nothing that is named'!r}, expected seconds (s)")
    starts = [start + step * _part_of_a_sample(file, place) for place in updates]
    segments = _segments(file, curves, _FORMATS[kind], (scale, offset), starts, step)
    said = f"{_FORMATS[kind]}, scale {scale:g}"
    label = file.text(40, 32)
    return InstrumentRecording(path, KIND, (Channel(label or "CH", unit or None, segments, said),), ())


def _further_frames(file: Bytes, at: int, frames: int) -> list[tuple[int, int]]:
    """Where the further frames tell of their triggers and their curves: all of the first, then all of the second."""
    if frames > 1 and at + (frames - 1) * (_UPDATE + _CURVE) > file.size:
        raise Unreadable(f"{file.path} says {frames} frames, for which it is too short; it is damaged")
    begin = at + (frames - 1) * _UPDATE
    return [(at + k * _UPDATE, begin + k * _CURVE) for k in range(frames - 1)]


def _part_of_a_sample(file: Bytes, update: int) -> float:
    """The TT offset of a frame."""
    part = file.number("d", update + 4)
    if not -1 <= part <= 1:
        raise Unreadable(f"{file.path} says a trigger {part:g} samples from the next one, expected a part of one; "
                         "it is damaged")  # fmt: skip
    return part


def _segments(
    file: Bytes, curves: Sequence[int], kind: str, scaling: tuple[float, float], starts: list[float], step: float
) -> tuple[Segment, ...]:
    """The valid samples of each frame: the frames of a curve stand one behind another, each of one length."""
    begin, size = file.whole("i", 16), int(kind[1])
    stride = file.whole("I", curves[0] + 26)
    found = []
    for k, (curve, start) in enumerate(zip(curves, starts, strict=True)):
        first, last = (int(place) for place in file.numbers("II", curve + 14))
        if not first <= last <= stride:
            raise Unreadable(f"{file.path} says samples from byte {first} to {last} of {stride}; it is damaged")
        count = (last - first) // size
        take = file.samples(begin + k * stride + first, count, kind, *scaling)
        found.append(Segment(count, checked_step(file.path, start, step, count), take))
    return tuple(found)
