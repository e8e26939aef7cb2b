"""The data that `llgrad fit` is given: a trace, a table of frequencies, or a spectrum; and how it was read."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from llgrad.cli.device_options import quantity
from llgrad.cli.output import say
from llgrad.cli.progress import Report
from llgrad.datasets.frequencies import FrequencyTable, looks_like_frequencies, read_frequencies
from llgrad.datasets.reader import read_trace
from llgrad.datasets.recordings.opening import is_recording
from llgrad.datasets.spectra import looks_like_spectrum, read_spectrum
from llgrad.datasets.trace import Trace
from llgrad.fitting.orbits.tables.reading import read_orbit_table
from llgrad.fitting.orbits.tables.table import OrbitTable
from llgrad.observables.receiver import FILTERS
from llgrad.observables.spectrum import Spectrum
from llgrad.orbits.results.named import QUANTITIES

FOR_TABLES = {"setting": "", "peak": "", "error": "", "area": "m²"}
FOR_ORBITS = {"quantities": "", "settings": "", "drive": "", "ratio": "1", "load": "Ω"}
"""And of a table of orbits: any of these, and not only the frequencies of one setting are read."""
FOR_SPECTRA = {
    **{"level": "", "unit": "", "detector": "", "averaging": ""},
    **{"rbw": "Hz", "filter": "1", "load": "Ω", "current": "A"},
}
"""The arguments of a reader that `--read` gives, with their units; "" where they are words."""
FOR_TRACES = {"channel": "", "segment": "", "unit": "", "interval": "s", "window": ""}
"""And of a trace; a window is two times, as in window=2ns,5ns."""
Data = Trace | FrequencyTable | OrbitTable | Spectrum


def read_data(path: pathlib.Path, columns: str | None, given: Mapping[str, str] | None = None) -> Data:
    """The table of frequencies or the spectrum, where the file is one, and else the trace, with the columns asked for
    ("mx,mz"); `given` are arguments of the reader, as text: {"peak": "G1"}."""
    given = given or {}
    text = not is_recording(path)
    table, spectrum = text and looks_like_frequencies(path), text and looks_like_spectrum(path)
    if columns is not None and (table or spectrum):
        kind = "a table of frequencies" if table else "a spectrum"
        raise ValueError(f"--columns chooses among those of a trace, and {path} is {kind}; leave it out")
    if table and any(name in FOR_ORBITS for name in given):
        orbits = {name: _setting(name, text, FOR_ORBITS, "a table of orbits") for name, text in given.items()}
        if "drive" in orbits:
            orbits["drive"] = _drive(orbits["drive"])
        return read_orbit_table(path, **orbits)
    if table or spectrum:
        known, kind = (FOR_TABLES, "a table") if table else (FOR_SPECTRA, "a spectrum")
        settings = {name: _setting(name, text, known, kind) for name, text in given.items()}
        return read_frequencies(path, **settings) if table else read_spectrum(path, **settings)
    told = {name: _setting(name, text, FOR_TRACES, "a trace") for name, text in given.items()}
    if "window" in told:
        ends = told["window"].split(",")
        if len(ends) != 2:
            raise ValueError(f"--read window={told['window']}: expected two times, as in window=2ns,5ns")
        told["window"] = tuple(quantity("--read window", end, "s") for end in ends)
    if "segment" in told:
        if not told["segment"].isdigit():
            raise ValueError(f"--read segment={told['segment']}: expected its number, from 1")
        told["segment"] = int(told["segment"])
    return read_trace(path, None if columns is None else [name.strip() for name in columns.split(",")], **told)


def _setting(name: str, text: str, known: Mapping[str, str], kind: str) -> Any:
    """An argument of a reader: text, or a number in its unit."""
    if name not in known:
        raise ValueError(f"--read {name}={text}: {kind} is read by {', '.join(known)}")
    if name == "filter" and not text[:1].isdigit():
        return text
    if name == "filter" and text in FILTERS:
        return text
    return quantity(f"--read {name}", text, known[name]) if known[name] else text


def _drive(text: str) -> dict[str, float]:
    """Amplitudes by input, from "field_x=1mT,current=10uA"."""
    found = {}
    for part in text.split(","):
        name, sign, value = part.strip().partition("=")
        if not sign:
            raise ValueError(f"--read drive={text}: expected amplitudes by input, as in drive=field_x=1mT")
        found[name] = quantity(f"--read drive={name}", value, "A" if name == "current" else "T")
    return found


def after_saying(path: pathlib.Path, data: Data, quiet: bool) -> Callable[[Report], Report]:
    """Reports of progress that first say, once, how the file was read (not where `quiet`).

    The first report comes when all checks are passed, so that a refused command says one sentence only.
    """
    how = repr(data) if isinstance(data, Spectrum) else "; ".join(data.understood) or repr(data)
    waiting = [] if quiet else [f"read {path.name}: {how}"]

    def saying(tell: Report) -> Report:
        def report(entry: dict[str, Any]) -> None:
            if waiting:
                say(waiting.pop())
            tell(entry)

        return report

    return saying


def data_unit(data: Data) -> str:
    """The unit of a recorded value: that of the columns, or hertz; 1 for a spectrum, whose noise is relative, and for
    several quantities."""
    if isinstance(data, OrbitTable):
        return (QUANTITIES[next(iter(data.measured))].unit or "1") if len(data.measured) == 1 else "1"
    if isinstance(data, FrequencyTable):
        return "Hz"
    if isinstance(data, Spectrum):
        return "1"
    return "V" if "voltage" in data.columns else "1"
