"""Traces and waveforms from files of a lab, and traces to CSV."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from llgrad.core.files import writing
from llgrad.datasets.formats import ALIASES, ARRAY_FILES, read_arrays, spacing_of, trace_of_arrays
from llgrad.datasets.frequencies import FrequencyTable
from llgrad.datasets.tables.table import Table, read_table
from llgrad.datasets.trace import COLUMNS, Trace
from llgrad.drives.sampled import Sampled


def read_trace(path: str | os.PathLike[str], columns: Sequence[str] | None = None) -> Trace:
    """The trace in a file, in SI units: a text file, an `.npz`, or a `.mat` of MATLAB.

    In a text file the header names the columns and their units, as in `t (ns),mx,my,mz` or `time [s]; voltage [mV]`.
    What oscilloscopes write is understood (Tektronix, Keysight, LeCroy, Rohde & Schwarz: a preamble, units in a row of
    their own), and so are semicolons with decimal commas, tabs, blanks, and mumax3's table.txt. Lines that begin with
    '#' become notes. Times may be unevenly spaced. For arrays see `formats.trace_of_arrays`.

    `columns` chooses among mx, my, mz and voltage, or names a channel, such as CH2, that becomes the voltage; by
    default all that are there. Other columns are left out. `describe` tells how the file was understood.

    Raises ValueError, in one sentence that names the file and the line, for a file that is missing, empty or binary, a
    header without time or unit, a missing column, several channels, a cell that is blank or not a finite number, a time
    that does not increase.

    >>> from pathlib import Path
    >>> _ = Path("lab.csv").write_text("# made up\\ntime [ns]; voltage [mV]\\n0; 1\\n0.1; 2\\n0.3; 3\\n")
    >>> trace = read_trace("lab.csv")
    >>> trace
    Trace: voltage; 3 samples from 0 s to 300 ps, unevenly spaced, 150 ps on average
    >>> trace.columns["voltage"].tolist(), trace.notes
    ([0.001, 0.002, 0.003], ('made up',))
    >>> print(describe(trace))
    cells separated by semicolons; t from 'time' in ns, voltage in mV; 3 samples from 0 s to 300 ps, unevenly spaced
    """
    path = Path(path)
    if path.suffix.lower() in ARRAY_FILES:
        return trace_of_arrays(read_arrays(path), columns)
    table = read_table(path)
    time, t = table.times()
    found = _columns(table, time, columns)
    values = {name: table.in_si(index, COLUMNS[name]) for name, index in found.items()}
    taken = table.taken({time: "t"} | {index: name for name, index in found.items()})
    return Trace(t, values, table.notes, (*table.remarks, taken, spacing_of(t)))


def describe(data: Trace | FrequencyTable) -> str:
    """How the file was understood that data were read from, in one line; what the data are, where they are not from
    one."""
    return "; ".join(data.understood) or repr(data)


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


def _columns(table: Table, time: int, wanted: Sequence[str] | None) -> dict[str, int]:
    """The columns of a trace, by their index in the table."""
    found = {name: index for index, column in enumerate(table.header) if (name := _name(column.name)) in COLUMNS}
    channels = {table.header[i].name: i for i in table.of_kind("V") if i not in found.values()}
    if wanted is None:
        return found or {"voltage": _only_channel(table, time, channels)}
    chosen = {}
    for name in wanted:
        if name not in found and name not in channels:
            if name not in COLUMNS:
                raise ValueError(f"a trace has no column {name!r}; it can hold {', '.join(COLUMNS)}")
            if name != "voltage" or len(channels) != 1:
                raise ValueError(f"{table.path} has no column {name!r}; it has {table.names()}")
            chosen[name] = next(iter(channels.values()))
        else:
            chosen[name if name in found else "voltage"] = found.get(name, channels.get(name, 0))
    return chosen


def _only_channel(table: Table, time: int, channels: dict[str, int]) -> int:
    """The voltage of a file whose names are its own, such as CH1."""
    if len(channels) > 1:
        first = next(iter(channels))
        raise ValueError(
            f"{table.path} has several voltages ({', '.join(channels)}); "
            f"choose one, as in columns=[{first!r}] (--columns {first} on the command line)"
        )
    if not channels:
        others = [column.name for index, column in enumerate(table.header) if index != time]
        bare = others[0] if len(others) == 1 and table.header[1 - time].unit is None else ""
        advice = f"; if {bare} is a voltage, write its unit in the header, as in '{bare} (mV)'" if bare else ""
        raise ValueError(f"{table.path} has none of the columns {', '.join(COLUMNS)}; it has {table.names()}{advice}")
    return next(iter(channels.values()))


def _name(written: str) -> str:
    return ALIASES.get(written.lower(), written.lower())
