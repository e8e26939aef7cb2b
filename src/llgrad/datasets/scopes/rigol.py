"""Waveforms of Rigol (.wfm, .bin), and what else RigolWFM reads (Siglent, Yokogawa, Rohde & Schwarz).

The makers publish no format: RigolWFM knows them. The samples are its; the times are counted here, because RigolWFM
1.6.0 spreads those of several Rigols over one interval more than there are (np.linspace over N intervals for N
samples).
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import math
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from llgrad.datasets.recordings.extras import needed
from llgrad.datasets.recordings.recording import Channel, InstrumentRecording, Segment, Unreadable, checked_step

KIND: Final = "a waveform that RigolWFM reads"
_UNITS: Final = {"v": "V", "a": "A", "w": "W"}
REMARKS: Final = {
    "wfm1000z": "RigolWFM's voltages of a DS1000Z can be off by half a division: where it matters, save CSV as well",
}
"""What is told of files by the parser of RigolWFM. In the repository of RigolWFM 1.6.0, the voltages of DS1054Z-B.wfm
and DS1054Z-ch1Square….wfm lie 0.02 to 0.42 divisions beside the oscilloscope's own .csv of the same name."""


def read_rigol(path: Path) -> InstrumentRecording:
    """The recording in a file of Rigol. Raises Unreadable, in a sentence, where it is damaged."""
    needed("RigolWFM", "scopes", path)
    library: Any = importlib.import_module("RigolWFM.wfm")
    with _closed_after():
        return _read(path, library)


@contextlib.contextmanager
def _closed_after() -> Iterator[None]:
    """The library leaves the file open, to be closed with its objects, which hold each other. Only what was made in
    this block is collected: to look at every object of a process takes a fifth of a second."""
    gc.freeze()
    try:
        yield
    except Exception as error:
        traceback.clear_frames(error.__traceback__)  # they hold the file as long as somebody holds the error
        raise
    finally:
        gc.collect()
        gc.unfreeze()


def _read(path: Path, library: Any) -> InstrumentRecording:
    wave = library.Wfm.from_file(str(path))
    found = []
    for number, channel in enumerate(wave.channels, start=1):
        if channel.volts is None or channel.times is None or not channel.enabled_and_selected:
            continue
        values, times = np.asarray(channel.volts, dtype=np.float64), np.asarray(channel.times, dtype=np.float64)
        step = float(channel.seconds_per_point)
        if values.shape != times.shape or values.ndim != 1 or values.size < 2:
            raise Unreadable(f"{path} has {values.size} samples and {times.size} times; it is damaged")
        name = str(channel.name).replace(" ", "") or f"CH{number}"
        found.append(_channel(path, name, _UNITS.get(channel.unit.name), values, times, step))
    parser, model = str(wave.parser_name), wave.header_name
    remarks = (REMARKS[parser],) if parser in REMARKS else ()
    return InstrumentRecording(path, f"{KIND} ({parser})", tuple(found), (f"instrument: {model}",), remarks)


def _channel(path: Path, name: str, unit: str | None, values: np.ndarray, times: np.ndarray, step: float) -> Channel:
    apart = float(times[-1] - times[0]) / (times.size - 1)
    stretched = math.isclose(apart, step * times.size / (times.size - 1), rel_tol=1e-9)
    if not stretched and not math.isclose(apart, step, rel_tol=1e-6):
        raise Unreadable(f"{path} says an interval of {step:g} s, and its times are {apart:g} s apart; it is damaged")
    clock = checked_step(path, float(times[0]), step, values.size)
    return Channel(name, unit, (Segment(values.size, clock, lambda part: values[part].copy()),))
