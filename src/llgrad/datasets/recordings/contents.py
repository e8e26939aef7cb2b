"""What a file holds, before anything is made of it: channels or columns, units, times, what a reader must be told."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from llgrad.core.arguments.kinds import checked_path
from llgrad.core.units import show
from llgrad.datasets.formats import ARRAY_FILES, read_arrays, spacing_of
from llgrad.datasets.frequencies import looks_like_frequencies
from llgrad.datasets.reader import describe, read_trace
from llgrad.datasets.recordings.choosing import asked_for, taken_for
from llgrad.datasets.recordings.labelled import Labelled, is_labelled
from llgrad.datasets.recordings.opening import is_recording, open_recording
from llgrad.datasets.recordings.recording import Channel, InstrumentRecording, reading
from llgrad.datasets.spectra import looks_like_spectrum
from llgrad.datasets.sweeps import looks_like_sweeps
from llgrad.datasets.tables.quantities import QuantityKind
from llgrad.datasets.tables.table import TextTable, read_table
from llgrad.datasets.touchstone.reader import is_touchstone, read_touchstone

DRAWN: Final = 100_000
"""Samples of a channel that a picture looks at."""
MOST: Final = 50
"""Channels that a table lists."""


class Row(NamedTuple):
    """A channel, a column or an array of a file."""

    name: str
    unit: str | None
    """As the file says it; None where it says none."""
    kind: str
    """What it is taken for."""
    size: int
    """Samples, of each segment."""
    segments: int
    times: str
    """When the samples were taken, for a sentence; "" where the file does not say it."""
    preview: Callable[[], tuple[np.ndarray, np.ndarray, str, str]]
    """What a picture shows: abscissa and values with their units; the first samples of a long record."""

    def to_json(self) -> dict[str, Any]:
        """Everything but the preview, for JSON."""
        return {key: value for key, value in self._asdict().items() if key != "preview"}


class Contents(NamedTuple):
    """What a file holds. `print` it for a sentence and a table; `lg.plot.contents` draws it.

    >>> import llgrad as lg
    >>> from pathlib import Path
    >>> _ = Path("scope.csv").write_text("t (ns),CH1 (mV)\\n0,1\\n1,2\\n2,3\\n")
    >>> found = lg.data.contents("scope.csv")
    >>> found.kind, [(row.name, row.unit, row.size) for row in found.rows]
    ('a table of text', [('t', 'ns', 3), ('CH1', 'mV', 3)])
    """

    path: str
    kind: str
    rows: tuple[Row, ...]
    needs: str
    """What a reader would have to be told, in its own sentence; "" where it needs nothing."""
    understood: str
    notes: tuple[str, ...]
    left_out: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """For JSON."""
        return {"format": "llgrad.contents"} | self._asdict() | {"rows": [row.to_json() for row in self.rows]}

    def __str__(self) -> str:
        some = f"{len(self.rows)} channel{'s' if len(self.rows) != 1 else ''}"
        lines = [f"{self.path}: {self.kind}, {some}"]
        cells = [("name", "unit", "taken for", "samples", "times")]
        for row in self.rows[:MOST]:
            size = f"{row.size}" + (f" × {row.segments} segments" if row.segments > 1 else "")
            cells.append((row.name, row.unit or "not said", row.kind, size, row.times or "not said"))
        widths = [max(len(line[column]) for line in cells) for column in range(4)]
        lines += [
            "  ".join(f"{cell:<{width}}" for cell, width in zip(line, [*widths, 0], strict=True)) for line in cells
        ]
        if len(self.rows) > MOST:
            lines.append(f"and {len(self.rows) - MOST} more")
        lines += [f"left out: {line}" for line in self.left_out[:8]]
        lines.append(f"to be told: {self.needs}" if self.needs else f"read as it is: {self.understood}")
        return "\n".join(line.rstrip() for line in lines)


def contents(path: str | os.PathLike[str] | Labelled) -> Contents:
    """What a file of data holds: its channels, columns or arrays, their units, lengths and times, and what a reader
    would need to be told. Of a file of an instrument no sample is read.

    Args:
        path: the file, or an object of pandas or xarray.

    Raises ValueError, in one sentence, for a file that is damaged or none of data.

    >>> from pathlib import Path
    >>> _ = Path("scope.csv").write_text("t (ns),CH1 (mV)\\n0,1\\n1,2\\n2,3\\n")
    >>> print(contents("scope.csv"))
    scope.csv: a table of text, 2 channels
    name  unit  taken for  samples  times
    t     ns    time       3        from 0 s to 2 ns, every 1 ns
    CH1   mV    voltage    3        from 0 s to 2 ns, every 1 ns
    read as it is: cells separated by commas; t in ns, voltage from 'CH1' in mV; 3 samples from 0 s to 2 ns, every 1 ns
    """
    if is_labelled(path):
        return _of_recording(open_recording(path))
    file = checked_path("path", path)
    if not file.is_file():
        raise ValueError(f"{file} is no file; check the name and the folder")
    if is_recording(file):
        return _of_recording(open_recording(file))
    if is_touchstone(file):
        return _of_touchstone(file)
    if file.suffix.lower() in (".json", ".toml"):
        raise ValueError(f"{file} is no data: such files are devices and results of llgrad; see llgrad devices {file}")
    return _of_arrays(file) if file.suffix.lower() in ARRAY_FILES else _of_table(file)


def _of_recording(recording: InstrumentRecording) -> Contents:
    rows = tuple(_of_channel(recording, channel) for channel in recording.channels)
    needs = asked_for(recording) or ""
    understood = "; ".join((recording.kind, *recording.remarks))
    return Contents(str(recording.path), recording.kind, rows, needs, understood, recording.notes, recording.left_out)


def _of_channel(recording: InstrumentRecording, channel: Channel) -> Row:
    first = channel.segments[0]
    with reading(recording.path, recording.kind):
        times = "" if first.times is None else str(first.times)

    def preview() -> tuple[np.ndarray, np.ndarray, str, str]:
        part = slice(0, min(first.size, DRAWN))
        with reading(recording.path, recording.kind):
            t = np.arange(part.stop, dtype=np.float64) if first.times is None else first.times.times(part)
            return t, first.take(part), "s" if first.times is not None else "", channel.unit or ""

    return Row(channel.name, channel.unit, taken_for(channel), first.size, len(channel.segments), times, preview)


def _of_table(path: Path) -> Contents:
    table = read_table(path)
    times = table.of(QuantityKind.TIME)
    across = times[0] if times else 0

    def preview(index: int) -> tuple[np.ndarray, np.ndarray, str, str]:
        part = table.values[:DRAWN]
        return part[:, across], part[:, index], table.header[across].unit or "", table.header[index].unit or ""

    rows = []
    for index, column in enumerate(table.header):
        said = _spacing(table, times[0]) if len(times) == 1 else ""
        rows.append(
            Row(
                column.name or f"#{index + 1}",
                column.unit,
                table.quantity(index).kind.value,
                int(np.isfinite(table.values[:, index]).sum()),
                1,
                said,
                lambda index=index: preview(index),
            )
        )
    kind = _kind_of_table(path)
    needs, understood = ("", "; ".join(table.remarks)) if kind else _told(path)
    return Contents(str(path), kind or "a table of text", tuple(rows), needs, understood, table.notes, ())


def _kind_of_table(path: Path) -> str:
    """What a text file is read as, where it is no trace."""
    if looks_like_sweeps(path):
        return "sweeps of a spin diode (read_sweeps)"
    if looks_like_frequencies(path):
        return "a table of frequencies (read_frequencies)"
    return "a spectrum (read_spectrum)" if looks_like_spectrum(path) else ""


def _spacing(table: TextTable, index: int) -> str:
    t = table.values[:, index]
    if table.header[index].unit is None or not np.isfinite(t).all() or t.size < 2:
        return ""
    return spacing_of(table.in_si(index, "s")).partition(" samples ")[2]


def _told(path: Path) -> tuple[str, str]:
    """What read_trace asks for, or how it understands the file."""
    try:
        return "", describe(read_trace(path))
    except ValueError as error:
        return str(error), ""


def _of_arrays(path: Path) -> Contents:
    found = read_arrays(path)
    rows = []
    for name, array in found.arrays.items():
        flat = np.ravel(array)

        def preview(flat: np.ndarray = flat) -> tuple[np.ndarray, np.ndarray, str, str]:
            part = flat[:DRAWN].astype(np.float64) if flat.dtype.kind in "fiub" else np.zeros(0)
            return np.arange(part.size, dtype=np.float64), part, "", ""

        shape = " × ".join(map(str, array.shape))
        rows.append(Row(name, None, f"array of {shape or 'one number'} ({array.dtype})", array.size, 1, "", preview))
    needs, understood = _told(path)
    return Contents(str(path), found.remark, tuple(rows), needs, understood, (), ())


def _of_touchstone(path: Path) -> Contents:
    data = read_touchstone(path)
    ends = " to ".join(show(float(end), "Hz") for end in (data.frequency[0], data.frequency[-1]))
    rows = []
    ports = data.s.shape[1]
    for row, column in np.ndindex(ports, ports):
        size = np.abs(data.s[:, row, column])

        def preview(size: np.ndarray = size) -> tuple[np.ndarray, np.ndarray, str, str]:
            return data.frequency, size, "Hz", ""

        name = f"S{row + 1}{column + 1}" if ports < 10 else f"S{row + 1},{column + 1}"
        rows.append(Row(name, "1", "S parameter", data.frequency.size, 1, f"at {ends}", preview))
    return Contents(str(path), "S parameters (read_touchstone)", tuple(rows), "", describe(data), data.notes, ())
