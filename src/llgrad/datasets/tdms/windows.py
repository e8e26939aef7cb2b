"""A window of a TDMS channel from its bytes, where npTDMS (1.13) would read the whole chunk that it is in.

LabVIEW and others write a long record in one chunk: a window of it then takes as much memory as the record. Where
chunks are, npTDMS knows, though not by its public interface: where one of these names is not there, or the data are of
another kind (DAQmx, text, times), npTDMS reads the window.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

_INTERLEAVED: Final = 1 << 5
_BIG_ENDIAN: Final = 1 << 6
_DAQMX: Final = 1 << 7


class _Run(NamedTuple):
    """Samples of a channel in the file, one behind another: where the first is, how many, and bytes from one to the
    next."""

    at: int
    size: int
    stride: int
    kind: np.dtype


def raw_part(path: Path, file: Any, channel: Any, part: slice) -> np.ndarray | None:
    """Samples of a channel, before they are scaled; None where npTDMS is to read them."""
    found, at = [], 0
    runs = _runs(file, channel, part)
    if runs is None:
        return None
    size = path.stat().st_size
    mapped = np.memmap(path, np.uint8, mode="r")
    for run in runs:
        first, last = max(part.start - at, 0), min(part.stop - at, run.size)
        at += run.size
        if first >= last:
            continue
        begin = run.at + first * run.stride
        if begin + (last - first - 1) * run.stride + run.kind.itemsize > size:
            return None
        found.append(np.ndarray((last - first,), run.kind, mapped, begin, (run.stride,)))
    if not found:
        return None
    values = np.empty(sum(map(len, found)), found[0].dtype.newbyteorder("="))
    np.concatenate(found, out=values)
    return values


def _runs(file: Any, channel: Any, part: slice) -> list[_Run] | None:
    """The runs of a channel up to the end of a part; None where they are of another kind."""
    try:
        runs: list[_Run] = []
        total = 0
        for segment in file._reader._segments:
            one = segment.get_segment_object(channel.path)
            if one is None or not one.has_data or not one.number_values:
                continue
            if segment.toc_mask & _DAQMX or one.data_type.nptype is None:
                return None
            for found in _of_segment(segment, one):
                runs.append(found)
                total += found.size
                if total >= part.stop:
                    return runs
        return runs
    except AttributeError:  # another version, with other names
        return None


def _of_segment(segment: Any, one: Any) -> Iterator[_Run]:
    objects = [other for other in segment.ordered_objects if other.has_data]
    before = objects[: objects.index(one)]
    kind = np.dtype(one.data_type.nptype).newbyteorder(">" if segment.toc_mask & _BIG_ENDIAN else "<")
    size = sum(other.data_size for other in objects)
    shorter: Any = segment.final_chunk_lengths_override
    woven = bool(segment.toc_mask & _INTERLEAVED)
    stride = sum(other.data_type.size for other in objects) if woven else kind.itemsize
    for chunk in range(segment.num_chunks):
        last = shorter is not None and chunk == segment.num_chunks - 1
        counts = {other.path: (shorter or {}).get(other.path, 0) if last else other.number_values for other in objects}
        skipped = sum(other.data_type.size * (1 if woven else counts[other.path]) for other in before)
        yield _Run(segment.data_position + chunk * size + skipped, counts[one.path], stride, kind)
