"""Traces and waveforms from and to CSV files of a lab."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

import numpy as np

from llgrad.core.files import writing
from llgrad.datasets.table import Table, read_table
from llgrad.datasets.trace import COLUMNS, Trace
from llgrad.drives.sampled import Sampled

ALIASES: Final = {"m_x": "mx", "m_y": "my", "m_z": "mz", "v": "voltage", "u": "voltage"}


def read_trace(path: str | os.PathLike[str], columns: Sequence[str] | None = None) -> Trace:
    """The trace in a CSV file, in SI units.

    The header names the columns and their units, as in `t (ns),mx,my,mz` or `time [s]; voltage [mV]`; the separator is
    a comma, a semicolon or a tab, lines that begin with '#' become notes, and mumax3's table.txt is read as it is.
    Times may be unevenly spaced. `columns` chooses among mx, my, mz and voltage; by default all that are there. Other
    columns are left out.

    Raises ValueError, in one sentence that names the file and the line, for a file that is missing, empty or binary, a
    header without time or unit, a missing column, a cell that is blank or not a finite number, a time that does not
    increase.

    >>> from pathlib import Path
    >>> _ = Path("lab.csv").write_text("# made up\\ntime [ns]; voltage [mV]\\n0; 1\\n0.1; 2\\n0.3; 3\\n")
    >>> trace = read_trace("lab.csv")
    >>> trace
    Trace: voltage; 3 samples from 0 s to 300 ps, unevenly spaced, 150 ps on average
    >>> trace.columns["voltage"].tolist(), trace.notes
    ([0.001, 0.002, 0.003], ('made up',))
    """
    table = read_table(path)
    _, t = table.times()
    found = {name: index for index, column in enumerate(table.header) if (name := _name(column.name)) in COLUMNS}
    for name in columns or ():
        if name not in COLUMNS:
            raise ValueError(f"a trace has no column {name!r}; it can hold {', '.join(COLUMNS)}")
        if name not in found:
            raise ValueError(f"{table.path} has no column {name!r}; it has {table.names()}")
    if not found:
        raise ValueError(f"{table.path} has none of the columns {', '.join(COLUMNS)}; it has {table.names()}")
    wanted = found if columns is None else {name: found[name] for name in columns}
    return Trace(t, {name: table.in_si(index, COLUMNS[name]) for name, index in wanted.items()}, table.notes)


def write_trace(path: str | os.PathLike[str], trace: Trace, note: str = "", *, overwrite: bool = False) -> None:
    """Write a trace as CSV with every digit; `read_trace` gives it back exactly.

    `note` is written above the trace's own notes. The file appears whole or not at all.

    Raises FileExistsError where the file exists and `overwrite` is not set, and what else `core.files.writing` raises.

    >>> from pathlib import Path
    >>> write_trace("written.csv", Trace([0.0, 1e-11], {"voltage": [0.0, 1e-3]}), note="made up")
    >>> print(Path("written.csv").read_text())
    # made up
    t (s),voltage (V)
    0.0,0.0
    1e-11,0.001
    <BLANKLINE>
    """
    notes = [line for text in (note, *trace.notes) for line in text.splitlines()]
    names = [name if unit == "1" else f"{name} ({unit})" for name, unit in trace.units.items()]
    columns = [column.tolist() for column in (trace.t, *trace.columns.values())]
    rows = [",".join(map(repr, row)) for row in zip(*columns, strict=True)]
    lines = [*(f"# {line}" for line in notes), ",".join(["t (s)", *names]), *rows, ""]
    with writing(path, overwrite) as file:
        file.write_text("\n".join(lines), encoding="utf-8")


def read_waveform(path: str | os.PathLike[str], unit: str | None = None) -> Sampled:
    """The waveform in a CSV file of two columns, time and a current or a field, as `t (ns), current (mA)`; in SI units.

    `unit`, "A" or "T", is what the waveform is for: a file of the other kind is then refused. More columns than one
    beside the time give a waveform for each oscillator, (T, N).

    Raises ValueError as `read_trace` does, and for a column that is neither a current nor a field.

    >>> from pathlib import Path
    >>> _ = Path("pulse.csv").write_text("t (ns), field (Oe)\\n0, 0\\n0.1, 100\\n")
    >>> read_waveform("pulse.csv").values.tolist()
    [0.0, 0.01]
    """
    table = read_table(path)
    time, t = table.times()
    others = [index for index in range(len(table.header)) if index != time]
    if not others:
        raise ValueError(f"{table.path} has only the column {table.names()}; expected a second, as in 'current (mA)'")
    kind = _driven_unit(table, others[0]) if unit is None else unit
    values = [table.in_si(index, kind) for index in others]
    return Sampled(t, values[0] if len(values) == 1 else np.stack(values, axis=-1))


def _driven_unit(table: Table, index: int) -> str:
    unit, _ = table.unit(index)
    if unit not in ("A", "T"):
        column = table.header[index]
        raise ValueError(
            f"{table.path}: the column {column.name!r} is neither a current nor a field; "
            f"write its unit in the header, as in '{column.name} (mA)' or '{column.name} (Oe)'"
        )
    return unit


def _name(written: str) -> str:
    return ALIASES.get(written.lower(), written.lower())
