"""The data that `llgrad fit` is given: a trace, a table of frequencies, or a spectrum; and how it was read."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

from llgrad.cli.output import say
from llgrad.cli.progress import Report
from llgrad.datasets.frequencies import FrequencyTable, looks_like_frequencies, read_frequencies
from llgrad.datasets.reader import describe, read_trace
from llgrad.datasets.spectra import looks_like_spectrum, read_spectrum
from llgrad.datasets.trace import Trace
from llgrad.observables.spectrum import Spectrum

Data = Trace | FrequencyTable | Spectrum


def read_data(path: pathlib.Path, columns: str | None) -> Data:
    """The table of frequencies or the spectrum, where the file is one, and else the trace, with the columns asked for
    ("mx,mz")."""
    table, spectrum = looks_like_frequencies(path), looks_like_spectrum(path)
    if columns is not None and (table or spectrum):
        kind = "a table of frequencies" if table else "a spectrum"
        raise ValueError(f"--columns chooses among those of a trace, and {path} is {kind}; leave it out")
    if table or spectrum:
        return read_frequencies(path) if table else read_spectrum(path)
    return read_trace(path, None if columns is None else [name.strip() for name in columns.split(",")])


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
