"""The data that `llgrad fit` is given: a trace, or a table of frequencies; and the line that says how it was read."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

from llgrad.cli.output import say
from llgrad.cli.progress import Report
from llgrad.datasets.frequencies import FrequencyTable, looks_like_frequencies, read_frequencies
from llgrad.datasets.reader import describe, read_trace
from llgrad.datasets.trace import Trace


def read_data(path: pathlib.Path, columns: str | None) -> Trace | FrequencyTable:
    """The table of frequencies, where the file is one, and else the trace, with the columns asked for ("mx,mz")."""
    if not looks_like_frequencies(path):
        return read_trace(path, None if columns is None else [name.strip() for name in columns.split(",")])
    if columns is not None:
        raise ValueError(
            f"--columns chooses among those of a trace, and {path} is a table of frequencies; leave it out"
        )
    return read_frequencies(path)


def pictures_of(path: pathlib.Path) -> tuple[str, ...]:
    """The pictures of a fit: that of the recorded trace is for a trace only."""
    return ("history",) if looks_like_frequencies(path) else ("fit", "history")


def after_saying(path: pathlib.Path, data: Trace | FrequencyTable, quiet: bool) -> Callable[[Report], Report]:
    """Reports of progress that first say, once, how the file was read (not where `quiet`).

    The first report comes when all checks are passed, so that a refused command says one sentence only.
    """
    waiting = [] if quiet else [f"read {path.name}: {describe(data)}"]

    def saying(tell: Report) -> Report:
        def report(entry: dict[str, Any]) -> None:
            if waiting:
                say(waiting.pop())
            tell(entry)

        return report

    return saying


def data_unit(data: Trace | FrequencyTable) -> str:
    """The unit of a recorded value: that of the columns, or hertz."""
    if isinstance(data, FrequencyTable):
        return "Hz"
    return "V" if "voltage" in data.columns else "1"
