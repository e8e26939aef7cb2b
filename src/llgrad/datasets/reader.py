"""Traces and waveforms from files of a lab, and traces to CSV."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from llgrad.core.arguments.kinds import check_kind, check_parts, checked_path
from llgrad.core.files import writing
from llgrad.core.units import show
from llgrad.datasets.formats import ALIASES, ARRAY_FILES, read_arrays, spacing_of, trace_of_arrays
from llgrad.datasets.frequencies import FrequencyTable
from llgrad.datasets.recordings.choosing import Asked, trace_of_recording, waveform_of_recording
from llgrad.datasets.recordings.labelled import Labelled, is_labelled
from llgrad.datasets.recordings.opening import ENDINGS, is_recording, open_recording
from llgrad.datasets.recordings.writing import WRITERS
from llgrad.datasets.sweeps import Sweeps
from llgrad.datasets.tables.quantities import QuantityKind
from llgrad.datasets.tables.table import TextTable, kind_of, read_table
from llgrad.datasets.tables.times import time_column, times_of
from llgrad.datasets.touchstone.scattering import Scattering
from llgrad.datasets.trace import COLUMNS, Trace
from llgrad.drives.sampled import Sampled
from llgrad.observables.spectrum import Spectrum


def read_trace(
    path: str | os.PathLike[str] | Labelled,
    columns: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
    *,
    channel: str | None = None,
    window: tuple[float, float] | None = None,
    segment: int | None = None,
    unit: str | None = None,
    interval: float | None = None,
) -> Trace:
    """The trace in a file, in SI units: a text file, an `.npz`, a `.mat` of MATLAB, HDF5, NetCDF, TDMS, or what an
    oscilloscope writes; or in a DataFrame of pandas or an object of xarray.

    In a text file the header names the columns and their units, as in `t (ns),mx,my,mz` or `time [s]; voltage [mV]`.
    What oscilloscopes write is understood (Tektronix, Keysight, LeCroy, Rohde & Schwarz: a preamble, units in a row of
    their own), and so are semicolons with decimal commas, tabs, blanks, LabVIEW's .lvm, and the tables of mumax3, OOMMF
    and cmtj. Lines that begin with '#' become notes. Times may be unevenly spaced; where the instrument rounded them
    they are counted from the first. Of several columns of times each is that of the columns behind it. Rows at both
    ends in which a chosen column is blank are left out. For arrays see `formats.trace_of_arrays`.

    `columns` chooses among mx, my, mz and voltage, or names a column of the file, such as CH2 or free_mx, that becomes
    the voltage or the component of m, or tells its place, as "#2"; by default all that are there. `units` names the
    columns of a `System` by their names in the file, with the SI unit of each, as {"x": "m"}; without `columns` these
    are read and no others. Others are left out, whatever is in them. `describe` tells how the file was understood.

    Files of channels of samples are HDF5 (MATLAB 7.3 and NetCDF 4 too; by h5py, `pip install 'llgrad[hdf5]'`), NetCDF
    3, TDMS (npTDMS, `llgrad[tdms]`), .trc of LeCroy, .wfm and .isf of Tektronix, .bin of Keysight, and what RigolWFM
    reads (`llgrad[scopes]`). A file is known by its first bytes. Only the samples asked for are read. `llgrad show`
    tells what a file holds.

    Args:
        path: the file, or an object that holds the trace.
        columns: see above.
        units: see above.
        channel: the one channel or column that is the voltage, by its name or place, for `columns=[channel]`.
        window: first and last time [s] of what is read, both included, in the times of the file.
        segment: which one, from 1, of a file that holds several (a sequence, FastFrame).
        unit: the unit of a channel of voltage whose file says none, such as "mV".
        interval: the time between two samples [s], where the file says no times.

    Raises ValueError, in one sentence that names the file and the line, for a file that is missing, empty or binary, a
    header without time or unit, a missing column, several channels, a name that comes twice, a cell in the midst of a
    chosen column that is blank or not a finite number, a time that does not increase.

    >>> from pathlib import Path
    >>> _ = Path("lab.csv").write_text("# made up\\ntime [ns]; voltage [mV]\\n0; 1\\n0.1; 2\\n0.3; 3\\n")
    >>> trace = read_trace("lab.csv")
    >>> trace
    Trace: voltage; 3 samples from 0 s to 300 ps, unevenly spaced, 150 ps on average
    >>> trace.columns["voltage"].tolist(), trace.notes
    ([0.001, 0.002, 0.003], ('made up',))
    >>> print(describe(trace))
    cells separated by semicolons; t from 'time' in ns, voltage in mV; 3 samples from 0 s to 300 ps, unevenly spaced
    >>> _ = Path("vortex.csv").write_text("t (ns),x (nm),y (nm)\\n0,30,0\\n0.1,29,8\\n")
    >>> read_trace("vortex.csv", units={"x": "m", "y": "m"}).columns["x"].round(12).tolist()
    [3e-08, 2.9e-08]
    """
    own, told = _own(units), Asked(_columns(columns, channel), _own(units), _window(window), segment, unit, interval)
    if is_labelled(path):
        return trace_of_recording(open_recording(path), told)
    file = checked_path("path", path)
    if is_recording(file):
        return trace_of_recording(open_recording(file), told)
    _refuse_told(file, told)
    return _within(file, _of_table_or_arrays(file, told.columns, own), told.window)


def _of_table_or_arrays(path: Path, columns: Sequence[str] | None, own: dict[str, str]) -> Trace:
    """The trace in a text file, or in arrays of NumPy or MATLAB."""
    if path.suffix.lower() in ARRAY_FILES:
        return trace_of_arrays(read_arrays(path), columns, own)
    table = read_table(path)
    time, found = _chosen(table, columns, own)
    table = table.recorded([time, *found.values()], time)
    expected = COLUMNS | own
    values = {name: table.in_si(index, expected[name]) for name, index in found.items()}
    t, rounded = times_of(table, time)
    taken = table.taken({time: "t"} | {index: name for name, index in found.items()})
    read = (*table.remarks, taken, *rounded, spacing_of(t))
    return Trace(t, values, table.notes, read, {name: own[name] for name in values if name in own})


def describe(data: Trace | FrequencyTable | Spectrum | Sweeps | Scattering) -> str:
    """How the file was understood that data were read from, in one line; what the data are, where they are not from
    one.

    >>> import llgrad as lg
    >>> from pathlib import Path
    >>> _ = Path("scope.csv").write_text("t (ns),CH1 (mV)\\n0,1\\n1,2\\n2,3\\n")
    >>> print(lg.data.describe(lg.read_trace("scope.csv")))
    cells separated by commas; t in ns, voltage from 'CH1' in mV; 3 samples from 0 s to 2 ns, every 1 ns
    """
    check_parts("data", data, ("understood",), "a Trace, FrequencyTable, Spectrum, Sweeps or Scattering")
    return "; ".join(data.understood) or repr(data)


def write_trace(path: str | os.PathLike[str], trace: Trace, note: str = "", *, overwrite: bool = False) -> None:
    """Write a trace with every digit, as CSV, or as HDF5 or NetCDF by the ending (.h5, .hdf5, .hdf; .nc, .nc4);
    `read_trace` gives it back exactly, with the trace's `units` where it has columns of a system.

    `note` is written above the trace's own notes. The file appears whole or not at all. HDF5 needs h5py, NetCDF
    h5netcdf: `pip install 'llgrad[hdf5]'`.

    Raises ValueError for the ending of a format that is read and not written (.npz, .tdms, …), FileExistsError where
    the file exists and `overwrite` is not set, and what else `core.files.writing` raises.

    >>> from pathlib import Path
    >>> write_trace("written.csv", Trace([0.0, 1e-11], {"voltage": [0.0, 1e-3]}), note="made up")
    >>> print(Path("written.csv").read_text())
    # made up
    t (s),voltage (V)
    0.0,0.0
    1e-11,0.001
    <BLANKLINE>
    """
    check_kind("trace", trace, Trace, "give (path, trace), of a run lg.trace_of(run)")
    notes = [line for text in (note, *trace.notes) for line in text.splitlines()]
    ending = checked_path("path", path).suffix.lower()
    if ending not in WRITERS and ending in (*ENDINGS, *ARRAY_FILES):
        raise ValueError(
            f"{path}: no trace is written as {ending}; give a name that ends in .csv, or in {', '.join(WRITERS)}"
        )
    write = WRITERS.get(ending, _write_csv)
    with writing(path, overwrite) as file:
        write(file, trace, notes)


def _write_csv(file: Path, trace: Trace, notes: Sequence[str]) -> None:
    names = [name if unit == "1" else f"{name} ({unit})" for name, unit in trace.units.items()]
    columns = [column.tolist() for column in (trace.t, *trace.columns.values())]
    rows = [",".join(map(repr, row)) for row in zip(*columns, strict=True)]
    lines = [*(f"# {line}" for line in notes), ",".join(["t (s)", *names]), *rows, ""]
    file.write_text("\n".join(lines), encoding="utf-8")


def read_waveform(
    path: str | os.PathLike[str] | Labelled,
    unit: str | None = None,
    *,
    channel: str | None = None,
    window: tuple[float, float] | None = None,
    segment: int | None = None,
) -> Sampled:
    """The waveform in a CSV file of two columns, time and a current or a field, as `t (ns), current (mA)`; in SI units.

    Files of channels of samples, and objects of pandas and xarray, are read as by `read_trace`, with `channel`,
    `window` and `segment` as there.

    `unit`, "A" or "T", is what the waveform is for: a file of the other kind is then refused. More columns than one
    beside the time give a waveform for each oscillator, (T, N).

    Raises ValueError as `read_trace` does, and for a column that is neither a current nor a field.

    >>> from pathlib import Path
    >>> _ = Path("pulse.csv").write_text("t (ns), field (Oe)\\n0, 0\\n0.1, 100\\n")
    >>> read_waveform("pulse.csv").values.tolist()
    [0.0, 0.01]
    """
    told = Asked(_columns(None, channel), {}, _window(window), segment)
    labelled = is_labelled(path)
    file = Path() if labelled else checked_path("path", path)
    if labelled or is_recording(file):
        path = path if labelled else file
        t, driven = waveform_of_recording(open_recording(path), unit, told)
        return Sampled(t, driven[0] if len(driven) == 1 else np.stack(driven, axis=-1))
    _refuse_told(file, told)
    table = read_table(file)
    times = table.of(QuantityKind.TIME) or [time_column(table, [])]
    others = [
        i for i in range(len(table.header)) if i not in times and table.quantity(i).kind is not QuantityKind.COMMENT
    ]
    others = others if channel is None else [table.place(channel)]
    if not others:
        raise ValueError(f"{table.path} has only the column {table.names()}; expected a second, as in 'current (mA)'")
    time = time_column(table, others)
    kind = _driven_unit(table, others[0]) if unit is None else unit
    table = table.recorded([time, *others], time)
    values = [table.in_si(index, kind) for index in others]
    t, _ = times_of(table, time)
    if told.window is not None:
        inside = (t >= told.window[0]) & (t <= told.window[1])
        t, values = t[inside], [one[inside] for one in values]
    return Sampled(t, values[0] if len(values) == 1 else np.stack(values, axis=-1))


def _columns(columns: Sequence[str] | None, channel: str | None) -> Sequence[str] | None:
    """The columns asked for, by either argument."""
    if channel is None:
        return columns
    if columns is not None or not isinstance(channel, str):
        raise ValueError(
            f"channel = {channel!r} chooses one channel, by its name, and columns several; give one of them"
        )
    return [channel]


def _window(window: Any) -> tuple[float, float] | None:
    """First and last time [s]. Raises ValueError for anything else."""
    if window is None:
        return None
    pair = np.asarray(window, dtype=np.float64) if isinstance(window, (tuple, list, np.ndarray)) else np.zeros(0)
    if pair.shape != (2,) or not np.isfinite(pair).all() or pair[0] >= pair[1]:
        raise ValueError(f"window = {window!r}, expected the first and the last time in seconds, as in (2e-9, 5e-9)")
    return float(pair[0]), float(pair[1])


def _refuse_told(path: Path, told: Asked) -> None:
    """Raise ValueError for what only a file of channels may need to be told."""
    for name in ("segment", "unit", "interval"):
        if getattr(told, name) is not None:
            raise ValueError(
                f"{name} is for files of an instrument that do not say it, and {path} says its times and units itself, "
                "in its header or names; leave it out"
            )


def _within(path: Path, trace: Trace, window: tuple[float, float] | None) -> Trace:
    """The trace within a window, both ends included."""
    if window is None:
        return trace
    first, last = np.searchsorted(trace.t, window[0], "left"), np.searchsorted(trace.t, window[1], "right")
    if last - first < 2:
        raise ValueError(
            f"{path} has no two samples from {show(window[0], 's')} to {show(window[1], 's')}; its samples go from "
            f"{show(float(trace.t[0]), 's')} to {show(float(trace.t[-1]), 's')}"
        )
    cut = {name: values[first:last] for name, values in trace.columns.items()}
    read = (*trace.understood, f"{last - first} samples of it, from {show(window[0], 's')} to {show(window[1], 's')}")
    return Trace(trace.t[first:last], cut, trace.notes, read, dict(trace.own))


def _driven_unit(table: TextTable, index: int) -> str:
    unit, _ = table.unit(index)
    if unit not in ("A", "T"):
        column = table.header[index]
        raise ValueError(
            f"{table.path}: the column {column.name!r} is neither a current nor a field; "
            f"write its unit in the header, as in '{column.name} (mA)' or '{column.name} (Oe)'"
        )
    return unit


def _own(units: Mapping[str, str] | None) -> dict[str, str]:
    given = {} if units is None else units
    if not isinstance(given, Mapping) or not all(isinstance(part, str) for pair in given.items() for part in pair):
        raise ValueError(f'units = {units!r}, expected the SI unit of each column by its name, as in {{"x": "m"}}')
    return dict(given)


def _chosen(table: TextTable, wanted: Sequence[str] | None, own: Mapping[str, str]) -> tuple[int, dict[str, int]]:
    """Index of the times, and the columns of a trace by their index in the table; `own` are those of a system."""
    found = {name: table.place(name) for name in own if wanted is None or name in wanted}
    asked = None
    if wanted is None and not own:
        found = {what: _the_one(table, what) for what in COLUMNS if _candidates(table, what)}
        found = found or {"voltage": _only_channel(table)}
    for name in wanted or ():
        if name in found and name in own:
            continue
        index = _wanted(table, name)
        if table.quantity(index).kind is QuantityKind.TIME:
            asked = index
            continue
        what = _what(table, index)
        if what is None:
            raise ValueError(_no_column(table, name))
        if found.setdefault(what, index) != index or list(wanted or ()).count(name) > 1:
            raise ValueError(f"{table.path}: {table.listed({found[what], index})} would both be {what}; choose one")
    if not found:
        raise ValueError(
            f"columns = {list(wanted or ())} chooses no column beside the time; {table.path} has {table.listed()}"
        )
    return time_column(table, list(found.values()), asked), found


def _what(table: TextTable, index: int) -> str | None:
    """What a column is in a trace; None where it can be nothing there."""
    named, quantity = _name(table.header[index].name), table.quantity(index)
    if named in COLUMNS:
        return named
    if quantity.kind is QuantityKind.MAGNETISATION and quantity.axis:
        return f"m{quantity.axis}"
    return "voltage" if index in table.of_kind("V") else None


def _candidates(table: TextTable, what: str) -> list[int]:
    """The columns that are named as a column of a trace is; else those that hold this component of m."""
    named = [index for index, column in enumerate(table.header) if _name(column.name) == what]
    unit = {index: table.header[index].unit for index in named}
    named = [i for i in named if unit[i] is None or kind_of(unit[i]) == COLUMNS[what]] or named  # v (m/s) is no voltage
    return named or [i for i in table.of(QuantityKind.MAGNETISATION) if _what(table, i) == what]


def _the_one(table: TextTable, what: str) -> int:
    found = _candidates(table, what)
    if len(found) > 1:
        raise ValueError(
            f"{table.path} has {len(found)} columns of {what}: {table.listed(found)}; {_advice(table, found[0])}"
        )
    return found[0]


def _wanted(table: TextTable, name: str) -> int:
    """The column that a user asks for: by what it is in a trace, by its name in the file, or by its place."""
    if name in COLUMNS:
        channels = table.of(QuantityKind.VOLTAGE) if name == "voltage" else []
        if _candidates(table, name):
            return _the_one(table, name)
        if not channels:
            raise ValueError(f"{table.path} has no column {name!r}; it has {table.names()}")
        return _only_channel(table)
    known = name.startswith("#") or name.casefold() in (column.name.casefold() for column in table.header)
    if not known:
        raise ValueError(_no_column(table, name))
    return table.place(name)


def _no_column(table: TextTable, name: str) -> str:
    return (
        f"a trace has no column {name!r}; it can hold {', '.join(COLUMNS)}, or a voltage by its name or place in "
        f"{table.path}: {table.listed()}"
    )


def _only_channel(table: TextTable) -> int:
    """The voltage of a file whose names are its own, such as CH1."""
    channels = table.of(QuantityKind.VOLTAGE)
    if len(channels) > 1:
        names = ", ".join(table.header[index].name for index in channels)
        raise ValueError(f"{table.path} has several voltages ({names}); {_advice(table, channels[0])}")
    if not channels:
        times = table.of(QuantityKind.TIME)
        others = [column for index, column in enumerate(table.header) if index not in times]
        bare = others[0].name if len(others) == 1 and others[0].unit is None else ""
        advice = f"; if {bare} is a voltage, write its unit in the header, as in '{bare} (mV)'" if bare else ""
        raise ValueError(f"{table.path} has none of the columns {', '.join(COLUMNS)}; it has {table.names()}{advice}")
    return channels[0]


def _advice(table: TextTable, index: int) -> str:
    """How to choose a column: by its name, or by its place where the name is not its own."""
    name = table.header[index].name
    if [column.name for column in table.header].count(name) > 1 or "," in name or not name:
        return f"choose one by its place, as in columns=['#{index + 1}'] (--columns '#{index + 1}' on the command line)"
    return f"choose one, as in columns=[{name!r}] (--columns {shlex.quote(name)} on the command line)"


def _name(written: str) -> str:
    return ALIASES.get(written.lower(), written.lower())
