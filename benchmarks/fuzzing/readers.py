"""Every reader and loader of llgrad, by the endings that it is for."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import llgrad as lg
from benchmarks.fuzzing.recordings import recordings
from benchmarks.fuzzing.samples import Sample
from llgrad.core.files import read_json
from llgrad.datasets.frequencies import looks_like_frequencies
from llgrad.datasets.images.idx import read_idx
from llgrad.datasets.recordings.opening import open_recording
from llgrad.datasets.spectra import looks_like_spectrum
from llgrad.datasets.sweeps import looks_like_sweeps
from llgrad.training.files.checkpoint import read_checkpoint
from llgrad.training.files.history import read_metrics

TEXTS = (".csv", ".txt", ".lvm", ".odt", ".dat")


class Reader(NamedTuple):
    """A reader, and the endings of the files that it is for."""

    name: str
    endings: tuple[str, ...]
    read: Callable[[pathlib.Path], Any]


READERS = (
    Reader("read_trace", (*TEXTS, ".npz", ".mat"), lg.read_trace),
    Reader("read_trace (channel)", TEXTS, lambda path: lg.read_trace(path, ["2"])),
    Reader("read_trace (mx)", (*TEXTS, ".npz", ".mat"), lambda path: lg.read_trace(path, ["mx"])),
    Reader("read_waveform", TEXTS, lg.data.read_waveform),
    Reader("read_spectrum", TEXTS, lg.data.read_spectrum),
    Reader("read_sweeps", TEXTS, lg.read_sweeps),
    Reader("read_frequencies", TEXTS, lg.data.read_frequencies),
    Reader(
        "looks_like",
        TEXTS,
        lambda p: [look(p) for look in (looks_like_sweeps, looks_like_spectrum, looks_like_frequencies)],
    ),
    Reader("read_touchstone", (".s1p", ".s2p", ".s3p", ".ts"), lg.data.read_touchstone),
    Reader("load_device", (".json", ".toml"), lg.load_device),
    Reader("load_network", (".json",), lg.networks.load_network),
    Reader("load_design", (".json",), lg.networks.load_design),
    Reader("read_json", (".json",), lambda p: read_json(p, "fit") and None),
    Reader("load_images", (".npz",), lg.load_images),
    Reader("read_checkpoint", (".npz",), read_checkpoint),
    Reader("read_idx", (".idx", ".gz"), read_idx),
    Reader("read_metrics", (".jsonl",), read_metrics),
)


def _every_channel(path: pathlib.Path) -> list[Any]:
    """What a file of channels holds, and a window of each of the first of them."""
    found = open_recording(path)
    wanted = [f"#{number}" for number in range(1, min(len(found.channels), 4) + 1)]
    segments = [len(one.segments) if len(one.segments) > 1 else None for one in found.channels]
    return [lg.read_trace(path, channel=one, segment=many) for one, many in zip(wanted, segments, strict=False)]


INSTRUMENTS = (
    Reader("every channel", (".h5", ".mat", ".nc", ".tdms", ".trc", ".wfm", ".isf", ".bin"), _every_channel),
)
"""Of the files of `recordings`, which are damaged apart from the others."""


def readers_of(sample: Sample) -> list[Reader]:
    """The readers of a sample's ending; of a file of channels that which reads every one."""
    if sample.name in recordings():
        return list(INSTRUMENTS)
    return [reader for reader in READERS if pathlib.Path(sample.name).suffix in reader.endings]
