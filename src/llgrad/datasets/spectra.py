"""Power spectra from files of spectrum analysers: their frequencies, one of their levels, and what the analyser did."""

from __future__ import annotations

import os
from typing import Final

import numpy as np

from llgrad.core.units import show
from llgrad.datasets.analyser.levels import EXAMPLES, LevelUnit, level_of
from llgrad.datasets.analyser.preamble import Said, receiver_of, said_by
from llgrad.datasets.settings import varies
from llgrad.datasets.tables.quantities import QuantityKind, quantity_of
from llgrad.datasets.tables.table import TextTable, read_table
from llgrad.observables.receiver import Receiver
from llgrad.observables.spectrum import Spectrum

BEGINNING: Final = 500
"""Lines of a file that are looked at to tell what it holds."""
LOWEST: Final = 1e-3
"""A frequency [Hz] below this, but for zero, is not meant."""
HIGHEST: Final = 1e14


def read_spectrum(
    path: str | os.PathLike[str],
    *,
    level: str | None = None,
    unit: str | None = None,
    rbw: float | None = None,
    filter: str | float | None = None,
    detector: str | None = None,
    averaging: str | None = None,
    load: float = 50.0,
    current: float | None = None,
) -> Spectrum:
    """The power spectrum in a text file, in V²/Hz: a column of frequencies and one of levels, with their units.

    Levels are densities (V²/Hz, nV/√Hz, W/Hz, dBm/Hz, nV²/Hz/mA²) or what passes the analyser's resolution filter (dBm,
    dBµV, mW). The noise bandwidth of the filter is not its RBW: a density is the power over 1.065·RBW for a
    Gaussian filter of 3 dB, which is assumed where neither file nor `filter` says another. Averages of the logarithm
    read noise 2.51 dB low, of the voltage 1.05 dB: put right where file or `averaging` says so. `describe` tells what
    was taken, left out and assumed. Text, with its preamble, is read as by `read_trace`.

    Args:
        path: the file.
        level: name of the column of levels, where there are several. Of R&S's detector AUTOPEAK, the larger is taken.
        unit: of the levels, where the file says none.
        rbw: resolution bandwidth [Hz], where the file says none.
        filter: one of `observables.receiver.FILTERS` ("gaussian", "flat", "5 poles" …), or noise bandwidth over RBW.
        detector: "sample", "rms", "average", "peak", "minimum peak", "auto peak" or "quasi peak".
        averaging: "power", "voltage" or "log" (also called video).
        load: what the power goes into [Ω].
        current: direct current [A], for levels per mA².

    Raises ValueError, in one sentence that names the file: for a table of peaks, a missing column or unit, several
    columns of levels, a frequency that does not increase, a number of points that is not there, an argument that
    contradicts the file or that its unit has no use for.

    >>> from pathlib import Path
    >>> _ = Path("s.csv").write_text("RBW,1 MHz\\nf (GHz),P (dBm)\\n1.0,-80\\n1.1,-70\\n1.2,-80\\n")
    >>> found = read_spectrum("s.csv")
    >>> found.density
    array([4.69...e-16, 4.69...e-15, 4.69...e-16])
    >>> found.receiver
    Receiver(rbw=1000000.0, filter='gaussian', detector=None, averaging=None)
    """
    table = read_table(path)
    if (why := _peaks(table)) is not None:
        raise ValueError(f"{table.path} is no spectrum but a table of peaks, as it has {why}; use read_frequencies")
    said = said_by(table.path, table.preamble)
    f, frequency = _frequencies(table, said)
    values, index, how = _levels(table, frequency, level, unit, said)
    written = table.header[index].unit or unit or ""
    known = level_of(written)
    if known is None:
        raise ValueError(
            f"{table.path}: the column {table.header[index].name!r} is in {written!r}, which is no unit of a spectrum; "
            f"expected {EXAMPLES}"
        )
    if unit is not None and level_of(unit) != known:
        raise ValueError(f"{table.path} has its levels in {written}, and unit says {unit}; leave one out")
    receiver, assumed = _receiver(table, known, written, said, rbw, filter, detector, averaging)
    density = _density(table, values, known, receiver, load, current, written)
    taken = "" if frequency is None else table.taken({frequency: "frequency", index: "level"})
    ends = f"{f.size} frequencies from {show(float(f[0]), 'Hz')} to {show(float(f[-1]), 'Hz')}"
    into = f"into {load:g} Ω" if known.base == "W" else ""
    understood = [*table.remarks, taken, how, ends, f"levels in {written}", into, assumed]
    return Spectrum(f, density, "V²/Hz", receiver, tuple(part for part in understood if part))


def looks_like_spectrum(path: str | os.PathLike[str]) -> bool:
    """Whether a text file is a spectrum: frequencies, levels in a unit of a spectrum, no time, and nothing that a table
    of peaks has besides."""
    try:
        table = read_table(path, lines=BEGINNING)
        said = said_by(table.path, table.preamble)
        levels = _known_levels(table)
        several = len(_frequency_columns(table)) > 1
    except ValueError:
        return False
    frequencies = _frequency_columns(table) or (said.start is not None and said.stop is not None)
    return bool(levels and frequencies) and not several and _peaks(table) is None and not table.of_kind("s")


def _kind(table: TextTable, index: int) -> QuantityKind:
    column = table.header[index]
    return quantity_of(column.name, column.unit).kind


def _peaks(table: TextTable) -> str | None:
    """What a table of peaks has and a spectrum has not; None where there is nothing of it."""
    for index, column in enumerate(table.header):
        kind = _kind(table, index)
        if kind is QuantityKind.LINE_WIDTH or (kind is QuantityKind.FREQUENCY and "peak" in column.name.lower()):
            return f"the column {column.name!r}"
        swept = kind in (QuantityKind.FIELD, QuantityKind.CURRENT, QuantityKind.CURRENT_DENSITY)
        if swept and varies(table.values[:, index]):
            return f"the column {column.name!r}, which varies"
    return None


def _frequency_columns(table: TextTable) -> list[int]:
    found = [i for i in range(len(table.header)) if _kind(table, i) is QuantityKind.FREQUENCY]
    return found or [i for i, column in enumerate(table.header) if column.name.lower() == "x"]


def _known_levels(table: TextTable) -> list[int]:
    """Columns in a unit of a spectrum."""
    units = [column.unit for column in table.header]
    return [i for i, unit in enumerate(units) if unit and level_of(unit) and _kind(table, i) is not QuantityKind.ERROR]


def _frequencies(table: TextTable, said: Said) -> tuple[np.ndarray, int | None]:
    """The frequencies [Hz], and the index of their column, or None where the preamble gives their ends alone."""
    found, rows = _frequency_columns(table), len(table.values)
    if said.points is not None and said.points != rows:
        raise ValueError(
            f"{table.path} says {said.points} points, and has {rows} rows; it is cut off, or holds several traces: "
            "export one, whole"
        )
    if len(found) > 1:
        names = ", ".join(table.header[i].name for i in found)
        raise ValueError(f"{table.path} has several columns of frequencies ({names}); keep the one of the spectrum")
    if not found and len(table.header) == 1 and said.start is not None and said.stop is not None:
        f, column = np.linspace(said.start, said.stop, rows), None
    elif not found:
        raise ValueError(
            f"{table.path} has no column of frequencies; it has {table.names()}; write 'f (GHz)' in the header"
        )
    else:
        f, column = table.in_si(found[0], "Hz"), found[0]
    if (late := np.flatnonzero(np.diff(f) <= 0)).size:
        raise ValueError(f"{table.path}, line {table.lines[late[0] + 1]}: the frequency does not increase")
    if f[0] < 0 or f[-1] > HIGHEST or f[-1] < LOWEST:
        raise ValueError(f"{table.path}: frequencies from {f[0]:g} to {f[-1]:g} Hz cannot be meant; look at their unit")
    if said.start is not None and said.stop is not None and not (f[0] <= said.stop and said.start <= f[-1]):
        ends = [show(float(edge), "Hz") for edge in (said.start, said.stop, f[0], f[-1])]
        raise ValueError(
            f"{table.path}: the preamble says {ends[0]} to {ends[1]}, and the rows go from {ends[2]} to {ends[3]}; "
            "mend the unit of one of them"
        )
    return f, column


def _levels(
    table: TextTable, frequency: int | None, wanted: str | None, unit: str | None, said: Said
) -> tuple[np.ndarray, int, str]:
    """The levels as written, the index of their column, and what else is to be said of them."""
    others = [i for i in range(len(table.header)) if i != frequency]
    if not others:
        raise ValueError(f"{table.path} has only the column {table.names()}; expected a second with the levels")
    known = _known_levels(table)
    bare = [i for i in others if table.header[i].unit is None and _kind(table, i) is not QuantityKind.ERROR]
    found = known or (bare if unit is not None else []) or others[: 1 if len(others) == 1 or not bare else len(others)]
    if wanted is not None:
        found = [table.place(wanted)]
        if found[0] == frequency:
            raise ValueError(f"{table.path}: the column {wanted!r} is that of the frequencies; choose one of levels")
    names = ", ".join(f"{table.header[i].name} in {table.header[i].unit or 'no unit'}" for i in found)
    twice = len({table.header[i].name.lower() for i in found}) < len(found)
    if len(found) == 2 and said.detector == "auto peak" and wanted is None:
        return _whole(table, *found).max(axis=1), found[0], "the larger of the two levels of auto peak"
    if len(found) > 1:
        first = f"#{found[0] + 1}" if twice else table.header[found[0]].name
        raise ValueError(
            f"{table.path} has several levels for one frequency ({names}); choose one, as in level={first!r} "
            f"(--read level={first} on the command line)"
        )
    if table.header[found[0]].unit is None and unit is None:
        name = table.header[found[0]].name
        raise ValueError(
            f"{table.path}: the column {name!r} has no unit; write it in the header, as in '{name} (dBm)', or give unit"
        )
    return _whole(table, found[0])[:, 0], found[0], ""


def _whole(table: TextTable, *indices: int) -> np.ndarray:
    """Columns as written, (rows, columns). Raises ValueError for a cell that holds no finite number."""
    values = table.values[:, list(indices)]
    if (bad := np.argwhere(~np.isfinite(values))).size:
        raise ValueError(table.complaint(int(bad[0][0]), indices[int(bad[0][1])]))
    return values


def _receiver(
    table: TextTable,
    known: LevelUnit,
    written: str,
    said: Said,
    rbw: float | None,
    filter: str | float | None,
    detector: str | None,
    averaging: str | None,
) -> tuple[Receiver | None, str]:
    """The receiver of levels in its resolution bandwidth; None for densities."""
    given = {"rbw": rbw, "filter": filter, "detector": detector, "averaging": averaging}
    if known.per_hertz:
        if used := [name for name, value in given.items() if value is not None]:
            raise ValueError(
                f"{table.path} is in {written}, a density already, and has no use for {', '.join(used)}; leave it out"
            )
        return None, ""
    if rbw is not None and said.rbw and not np.isclose(rbw, said.rbw, rtol=1e-3, atol=0):
        raise ValueError(
            f"{table.path} says RBW = {show(said.rbw, 'Hz')}, and rbw says {show(rbw, 'Hz')}; leave one out"
        )
    width = rbw if rbw is not None else said.rbw
    if not width:
        raise ValueError(
            f"{table.path} is in {written}, a power in the resolution bandwidth, which it does not say; "
            "give rbw=… [Hz] (--read rbw=1MHz on the command line)"
        )
    receiver, how = receiver_of(said, width, filter, detector, averaging)
    return receiver, f"RBW {show(width, 'Hz')} ({'from the file' if rbw is None else 'as given'}); {how}"


def _density(
    table: TextTable,
    values: np.ndarray,
    known: LevelUnit,
    receiver: Receiver | None,
    load: float,
    current: float | None,
    written: str,
) -> np.ndarray:
    if not (np.isfinite(load) and load > 0):
        raise ValueError(f"load = {load:g} Ω, expected a positive resistance")
    if known.per_current is not None and not current:
        raise ValueError(f"{table.path} is in {written}: give the direct current of the measurement, current=… [A]")
    if known.per_current is None and current is not None:
        raise ValueError(f"{table.path} is in {written}, and has no use for current; leave it out")
    if known.form == "root" and (values < 0).any():
        raise ValueError(f"{table.path} has an amplitude below zero, in {written}; look at its unit")
    density = known.values(values, load)
    with np.errstate(over="ignore"):  # what is too large is refused below
        if known.per_current is not None and current is not None:
            density = density * (current / known.per_current) ** 2
        if receiver is not None:
            density = density / receiver.noise_bandwidth / 10 ** (receiver.bias / 10)
    if not np.isfinite(density).all() or np.abs(density).max() > 1e12:
        worst = int(np.argmax(np.abs(values)))
        raise ValueError(
            f"{table.path}, line {table.lines[worst]}: a level of {values[worst]:g} {written} cannot be meant; "
            "mend or remove the row"
        )
    return density
