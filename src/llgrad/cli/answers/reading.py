"""The data that `llgrad fit` is given: a trace, a table of frequencies, or a spectrum; and how it was read."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from llgrad.cli.device_options import quantity
from llgrad.cli.output import say
from llgrad.cli.progress import Report
from llgrad.datasets.frequencies import FrequencyTable, looks_like_frequencies, read_frequencies
from llgrad.datasets.reader import describe, read_trace
from llgrad.datasets.spectra import looks_like_spectrum, read_spectrum
from llgrad.datasets.trace import Trace
from llgrad.observables.receiver import FILTERS
from llgrad.observables.spectrum import Spectrum

FOR_TABLES = {"setting": "", "peak": "", "error": "", "area": "m²"}
FOR_SPECTRA = {
    **{"level": "", "unit": "", "detector": "", "averaging": ""},
    **{"rbw": "Hz", "filter": "1", "load": "Ω", "current": "A"},
}
"""The arguments of a reader that `--read` gives, with their units; "" where they are words."""
Data = Trace | FrequencyTable | Spectrum


def read_data(path: pathlib.Path, columns: str | None, given: Mapping[str, str] | None = None) -> Data:
    """The table of frequencies or the spectrum, where the file is one, and else the trace, with the columns asked for
    ("mx,mz"); `given` are arguments of the reader, as text: {"peak": "G1"}."""
    given = given or {}
    table, spectrum = looks_like_frequencies(path), looks_like_spectrum(path)
    if columns is not None and (table or spectrum):
        kind = "a table of frequencies" if table else "a spectrum"
        raise ValueError(f"--columns chooses among those of a trace, and {path} is {kind}; leave it out")
    if table or spectrum:
        known, kind = (FOR_TABLES, "a table") if table else (FOR_SPECTRA, "a spectrum")
        settings = {name: _setting(name, text, known, kind) for name, text in given.items()}
        return read_frequencies(path, **settings) if table else read_spectrum(path, **settings)
    if given:
        raise ValueError(f"--read tells how a table or a spectrum is read, and {path} is a trace; leave it out")
    return read_trace(path, None if columns is None else [name.strip() for name in columns.split(",")])


def _setting(name: str, text: str, known: Mapping[str, str], kind: str) -> Any:
    """An argument of a reader: text, or a number in its unit."""
    if name not in known:
        raise ValueError(f"--read {name}={text}: {kind} is read by {', '.join(known)}")
    if name == "filter" and not text[:1].isdigit():
        return text
    if name == "filter" and text in FILTERS:
        return text
    return quantity(f"--read {name}", text, known[name]) if known[name] else text


def after_saying(path: pathlib.Path, data: Data, quiet: bool) -> Callable[[Report], Report]:
    """Reports of progress that first say, once, how the file was read (not where `quiet`).

    The first report comes when all checks are passed, so that a refused command says one sentence only.
    """
    how = repr(data) if isinstance(data, Spectrum) else describe(data)
    waiting = [] if quiet else [f"read {path.name}: {how}"]

    def saying(tell: Report) -> Report:
        def report(entry: dict[str, Any]) -> None:
            if waiting:
                say(waiting.pop())
            tell(entry)

        return report

    return saying


def data_unit(data: Data) -> str:
    """The unit of a recorded value: that of the columns, or hertz; 1 for a spectrum, whose noise is relative."""
    if isinstance(data, FrequencyTable):
        return "Hz"
    if isinstance(data, Spectrum):
        return "1"
    return "V" if "voltage" in data.columns else "1"
