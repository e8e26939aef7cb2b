"""A study of fits: files × devices × settings, one answer each."""

from __future__ import annotations

import copy
import glob
import hashlib
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from llgrad.core.record import listed
from llgrad.datasets.frequencies import looks_like_frequencies, read_frequencies
from llgrad.datasets.reader import read_trace
from llgrad.datasets.recordings.opening import is_recording
from llgrad.datasets.spectra import looks_like_spectrum, read_spectrum
from llgrad.devices.bounds import Bound
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.fitting.assembly import units_of
from llgrad.fitting.many.fit_each import fit_each
from llgrad.fitting.many.summary import FitSummary
from llgrad.fitting.targets.recording import LINE
from llgrad.studies.populations.correlations import correlation_column
from llgrad.studies.work import Device, Item, Work, checked_devices, checked_settings, digest, each_setting, labels_of
from llgrad.studies.work import with_settings as device_with

ENDINGS: Final = (
    ".csv",
    ".txt",
    ".dat",
    ".tsv",
    ".npz",
    ".mat",
    ".h5",
    ".hdf5",
    ".nc",
    ".tdms",
    ".trc",
    ".wfm",
    ".isf",
)
"""Files of a folder that are taken for recordings."""

ANSWERS: Final[Mapping[str, Callable[[FitSummary], Any]]] = {
    "explained": lambda answer: answer.explained,
    "in_part": lambda answer: answer.in_part,
    "converged": lambda answer: answer.converged,
    "at_bound": lambda answer: any(answer.at_bound.values()),
    "r_squared": lambda answer: answer.r_squared,
    "residual_rms": lambda answer: answer.residual_rms,
    "noise": lambda answer: answer.noise,
    "status": lambda answer: answer.status,
    "explanation": lambda answer: answer.explanation,
    "verdict": lambda answer: "; ".join(answer.verdict),
}
"""The columns of a fit beside its values and their errors."""


@dataclass(frozen=True)
class Fits(Work):
    """Fit every recording, with every device and every combination of settings, as `lg.fit` does.

    Args:
        devices: the device with its known values and the start of the free ones; or several, by name.
        data: a folder, a pattern ("wafer/*.csv"), a list of files; or recordings by name: {"A1": trace}.
        free: what to find, as in `lg.fit`.
        settings: values of the device that are gone through, by path: {"current": ["0.5mA", "0.6mA"]}.
        labels: columns beside the answers, by the name of a recording (its file without the ending):
            {"A1": {"x": 0.0, "y": 1e-3}}; x and y [m] are its place on a wafer.
        columns: which columns of a file are read, as in `lg.read_trace`.
        read: other arguments of the reader of the files.
        options: other arguments of `lg.fit`, such as {"noise": 0.01}.

    Raises ValueError for no data, an unknown parameter or setting, two recordings of one name, and labels of none.

    >>> import llgrad as lg
    >>> trace = lg.trace_of(lg.simulate(lg.presets.kubota2013(), duration=1e-9, dt=2e-12))
    >>> work = lg.studies.Fits(lg.presets.kubota2013(), {"A1": trace}, free=["alpha"], settings={"current": ["2.5mA"]})
    >>> [item.labels for item in work.items()]
    [{'name': 'A1', 'current': 0.0025}]
    """

    devices: Device | Mapping[str, Device]
    data: str | Path | Sequence[str | Path] | Mapping[str, object]
    free: str | Iterable[str] | Mapping[str, Bound | None]
    settings: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    columns: Sequence[str] | None = None
    read: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    kind = "fits"

    def __post_init__(self) -> None:
        devices = checked_devices(self.devices, (Oscillator, System))
        free = self.free
        free = dict(free) if isinstance(free, Mapping) else dict.fromkeys([free] if isinstance(free, str) else free)
        if not free:
            raise ValueError("no free parameter: name at least one, such as free=['alpha', 'current', 'field.z']")
        for device in devices.values():
            known = units_of(device, self.options.get("drive"))
            if unknown := [name for name in free if name not in known]:
                raise ValueError(f"unknown parameter {unknown[0]!r}; the free parameters can be {listed(known)}")
        settings = checked_settings(devices, self.settings)
        if both := [name for name in settings if name in free]:
            raise ValueError(f"{both[0]} is free and a setting; leave it out of one of the two")
        recordings = recordings_of(self.data)
        if absent := [name for name in self.labels if name not in recordings]:
            raise ValueError(f"labels names {absent[0]!r}, which is no recording; there are {listed(recordings)}")
        apart = itertools.starmap(correlation_column, itertools.combinations(free, 2))
        told = {"name", "device", *settings, *free, *(f"{name}.error" for name in free), *apart, *ANSWERS}
        if taken := [name for labels in self.labels.values() for name in labels if name in told]:
            raise ValueError(f"labels has a column {taken[0]!r}, which the study has of itself; give it another name")
        for name, value in {"devices": devices, "free": free, "settings": settings, "data": recordings}.items():
            object.__setattr__(self, name, value)

    @property
    def _named(self) -> dict[str, Device]:
        return cast(dict[str, Device], self.devices)  # so since they were checked

    def identity(self) -> str:
        return digest(self.kind, self._asked())

    def _asked(self) -> tuple[Any, ...]:
        free = cast(Mapping[str, Bound | None], self.free)
        return list(free), list(free.values()), self.columns, dict(self.read), dict(self.options)

    def items(self) -> list[Item]:
        recordings = cast(Mapping[str, Any], self.data)
        contents = {name: _content(one) for name, one in recordings.items()}
        asked, found = digest(self._asked()), []
        for device_name, device in self._named.items():
            for settings in each_setting(self.settings):
                group = digest(asked, device_with(device, settings))
                for name, content in contents.items():
                    labels = labels_of(name, device_name, settings) | dict(self.labels.get(name, {}))
                    payload = (_wherever(recordings[name]), device_name, settings)
                    found.append(Item(digest(group, content), labels, group, payload))
        return found

    def for_workers(self) -> Fits:
        light = copy.copy(self)
        for name in ("data", "labels"):
            object.__setattr__(light, name, {})
        return light

    def run(self, items: list[Item]) -> list[dict[str, Any]]:
        _, device_name, settings = items[0].payload
        device = device_with(self._named[device_name], settings)
        read = [self._read(item.payload[0]) for item in items]
        good = [number for number, one in enumerate(read) if not isinstance(one, str)]
        answers = iter(fit_each(device, [read[number] for number in good], free=self.free, **self.options))
        return [_row(one if isinstance(one, str) else next(answers)) for one in read]

    def _read(self, source: Any) -> Any:
        """The recording in a file, or the sentence that says why there is none."""
        if not isinstance(source, Path):
            return source
        try:
            text = not is_recording(source)
            if text and looks_like_frequencies(source):
                return read_frequencies(source, **self.read)
            if text and looks_like_spectrum(source):
                return read_spectrum(source, **self.read)
            return read_trace(source, self.columns, **self.read)
        except (ValueError, OSError) as error:
            return str(error)

    def units(self) -> dict[str, str]:
        device = next(iter(self._named.values()))
        known = units_of(device, self.options.get("drive"))
        return {name: known[name] for name in self.free if name not in LINE}


def recordings_of(data: Any) -> dict[str, Any]:
    """Recordings, or the paths of their files, by name. Raises ValueError where there are none, or two of one name."""
    if isinstance(data, Mapping):
        found = {str(name): one for name, one in data.items()}
    else:
        files = _files(data)
        stems = [path.stem for path in files]
        named = {path: path.stem if stems.count(path.stem) == 1 else path.name for path in files}
        if twice := [name for name in named.values() if list(named.values()).count(name) > 1]:
            raise ValueError(f"two files have the name {twice[0]}; give them as a dictionary of names and files")
        found = {name: path for path, name in named.items()}
    if not found:
        raise ValueError(f"data = {data!r} has no recordings; give a folder, a pattern such as 'wafer/*.csv', or files")
    return {name: Path(one) if isinstance(one, (str, Path)) else one for name, one in found.items()}


def _files(data: Any) -> list[Path]:
    """The files of a folder, of a pattern, or of a list, in the order of their names."""
    if isinstance(data, (str, Path)):
        if Path(data).is_dir():
            inside = sorted(Path(data).iterdir())
            return [path for path in inside if path.is_file() and path.suffix.lower() in ENDINGS]
        matched = sorted(Path(one) for one in glob.glob(str(data), recursive=True))
        return [path for path in matched if path.is_file()]
    if not isinstance(data, Iterable):
        raise ValueError(f"data = {data!r}, expected a folder, a pattern, files, or a dictionary of recordings")
    files = [Path(one) for one in data]
    if absent := [path for path in files if not path.is_file()]:
        raise ValueError(f"{absent[0]} is no file; give files that exist, or a pattern such as 'wafer/*.csv'")
    return files


def _wherever(source: Any) -> Any:
    """A recording, or the path of its file for a worker that began in another folder."""
    return source.absolute() if isinstance(source, Path) else source


def _content(source: Any) -> str:
    return hashlib.sha256(source.read_bytes()).hexdigest() if isinstance(source, Path) else digest(source)


def _row(answer: FitSummary | str) -> dict[str, Any]:
    if isinstance(answer, str):
        return {"failure": answer}
    row: dict[str, Any] = {}
    for name, value in answer.values.items():
        row |= {name: value, f"{name}.error": answer.errors[name]}
    names = list(answer.values)
    for (i, one), (j, other) in itertools.combinations(enumerate(names), 2):
        row[correlation_column(one, other)] = answer.correlation[i][j]
    return row | {name: told(answer) for name, told in ANSWERS.items()} | {"failure": None}
