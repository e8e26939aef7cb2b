"""Power spectra from files: of spectrum analysers (dBm, V²/Hz, nV²/Hz per mA²)."""

from __future__ import annotations

import os
import re
from typing import Final, NamedTuple

import numpy as np

from llgrad.core.units import PREFIXES, parse
from llgrad.datasets.tables.headers import RESOLUTION
from llgrad.datasets.tables.table import Table, read_table
from llgrad.observables.spectrum import Spectrum

BEGINNING: Final = 500
"""Lines of a file that are looked at to tell what it holds."""
FREQUENCY_NAMES: Final = ("f", "freq", "frequency", "frequenz", "x")
_PREFIX: Final = "[" + "".join(p for p in PREFIXES if p) + "]?"
_DENSITY: Final = re.compile(
    rf"(?P<p>{_PREFIX})(?P<base>V²|W|V)/(?P<root>√?)(?P<q>{_PREFIX})Hz(?P<per>/(?P<c>{_PREFIX})A²)?"
)


class Reading(NamedTuple):
    """What a written unit of a spectrum means: the density [V²/Hz] is `factor` times the number, squared or not."""

    factor: float
    kind: str
    """"V²/Hz", "V/√Hz", "W/Hz", "dBm/Hz" or "dBm"."""
    per_current: float | None
    """Ampere of the unit of current whose square the number is per, or None."""


def read_spectrum(
    path: str | os.PathLike[str],
    *,
    unit: str | None = None,
    bandwidth: float | None = None,
    load: float = 50.0,
    current: float | None = None,
) -> Spectrum:
    """The power spectrum in a text file, in V²/Hz: a column of frequencies and one of levels, with their units.

    Levels may be in V²/Hz, nV²/Hz, V/√Hz, W/Hz, dBm/Hz, dBm (power in the analyser's resolution bandwidth), or any of
    them per A², such as nV²/Hz/mA². Text is read as by `read_trace`, a preamble with RBW included.

    Args:
        path: the file.
        unit: of the levels, where the header says none.
        bandwidth: resolution bandwidth [Hz] of levels in dBm, where the file says none.
        load: what the power goes into [Ω].
        current: direct current [A], for levels per mA².

    Raises ValueError, in one sentence that names the file, for a missing column or unit, or what a unit needs besides.

    >>> from pathlib import Path
    >>> _ = Path("s.csv").write_text("f (GHz); S (nV²/Hz)\\n1,0; 2\\n1,1; 5\\n1,2; 1\\n")
    >>> read_spectrum("s.csv").density.tolist()
    [2e-18, 5e-18, 1e-18]
    """
    table = read_table(path)
    frequency = _frequency_column(table)
    level, written = _level_column(table, frequency, unit)
    f = table.in_si(frequency, "Hz")
    if (late := np.flatnonzero(np.diff(f) <= 0)).size:
        raise ValueError(f"{table.path}, line {table.lines[late[0] + 1]}: the frequency does not increase")
    reading = reading_of(written)
    if reading is None:
        raise ValueError(
            f"{table.path}: the column {table.header[level].name!r} is in {written!r}, which is no unit of a spectrum; "
            "expected dBm, dBm/Hz, V²/Hz, nV²/Hz, V/√Hz, W/Hz, or nV²/Hz/mA²"
        )
    if reading.per_current is not None and not current:
        raise ValueError(f"{table.path} is in {written}: give the direct current of the measurement, current=… [A]")
    values = table.values[:, level]
    if reading.kind == "dBm":
        bandwidth = bandwidth or _resolution(table)
        if bandwidth is None:
            raise ValueError(
                f"{table.path} is in dBm, a power in the resolution bandwidth, which it does not say; "
                "give bandwidth=… [Hz]"
            )
    return Spectrum(f, _density(values, reading, bandwidth or 1.0, load, current or 0.0), "V²/Hz")


def looks_like_spectrum(path: str | os.PathLike[str]) -> bool:
    """Whether a text file is a spectrum: a column of frequencies, and one of levels in a unit of a spectrum."""
    try:
        table = read_table(path, lines=BEGINNING)
        frequency = _frequency_column(table)
    except ValueError:
        return False
    units = [column.unit for index, column in enumerate(table.header) if index != frequency]
    return bool(table.of_kind("Hz")) and any(unit is not None and reading_of(unit) is not None for unit in units)


def reading_of(unit: str) -> Reading | None:
    """What a written unit of levels means; None where it is none.

    >>> reading_of("nV^2/Hz/mA^2"), reading_of("dBm")
    (Reading(factor=1e-18, kind='V²/Hz', per_current=0.001), Reading(factor=1.0, kind='dBm', per_current=None))
    """
    text = unit.replace("**2", "²").replace("^2", "²").replace("V2", "V²").replace("A2", "A²")
    text = text.replace(" per ", "/").replace("(Hz mA²)", "Hz/mA²").replace("sqrt(Hz)", "√Hz").replace("rtHz", "√Hz")
    text = re.sub(r"\s+", "", text).replace("√(Hz)", "√Hz")
    if text.lower() in ("dbm", "dbm/hz"):
        return Reading(1.0, "dBm/Hz" if text.lower().endswith("/hz") else "dBm", None)
    match = _DENSITY.fullmatch(text)
    if match is None or (match["base"] == "V") != bool(match["root"]):
        return None
    squared = 1 if match["base"] == "W" else 2
    # nV² is (nV)², and so is mA²
    factor = PREFIXES[match["p"]] ** squared / PREFIXES[match["q"]]
    kind = {"V²": "V²/Hz", "W": "W/Hz", "V": "V/√Hz"}[match["base"]]
    return Reading(factor, kind, PREFIXES[match["c"]] if match["per"] else None)


def _density(values: np.ndarray, reading: Reading, bandwidth: float, load: float, current: float) -> np.ndarray:
    if reading.kind.startswith("dBm"):
        return 1e-3 * 10 ** (values / 10) * load / bandwidth
    density = reading.factor * (np.square(values) if reading.kind == "V/√Hz" else values)
    if reading.kind == "W/Hz":
        density = density * load
    return density if reading.per_current is None else density * (current / reading.per_current) ** 2


def _frequency_column(table: Table) -> int:
    found = table.of_kind("Hz") or [i for i, c in enumerate(table.header) if c.name.lower() in FREQUENCY_NAMES]
    if not found:
        raise ValueError(
            f"{table.path} has no column of frequencies; it has {table.names()}; write 'f (GHz)' in the header"
        )
    return found[0]


def _level_column(table: Table, frequency: int, unit: str | None) -> tuple[int, str]:
    """Index of the column of levels, and its unit."""
    others = [i for i in range(len(table.header)) if i != frequency]
    if not others:
        raise ValueError(f"{table.path} has only the column {table.names()}; expected a second with the levels")
    known = [i for i in others if (written := table.header[i].unit) and reading_of(written)]
    index = (known or others)[0]
    written = table.header[index].unit
    if written is None and unit is None:
        name = table.header[index].name
        raise ValueError(
            f"{table.path}: the column {name!r} has no unit; write it in the header, as in '{name} (dBm)', or give unit"
        )
    return index, str(unit if written is None else written)


def _resolution(table: Table) -> float | None:
    """The resolution bandwidth [Hz] that the preamble says."""
    said = next((table.preamble[key] for key in RESOLUTION if table.preamble.get(key)), None)
    if said is None:
        return None
    try:
        return float(said) if re.fullmatch(r"[\d.eE+-]+", said) else parse(said, "Hz")
    except ValueError as error:
        raise ValueError(f"{table.path}: RBW: {error}") from None
