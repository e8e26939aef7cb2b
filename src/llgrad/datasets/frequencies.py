"""A table of frequencies: what a spectrum analyser gives while a current or a field is swept."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any, Final

import equinox as eqx
import numpy as np

from llgrad.core.units import show
from llgrad.datasets.peaks import Window, peak_of
from llgrad.datasets.tables.table import TIME_NAMES, Table, read_table
from llgrad.observables.spectrum import Spectrum

FREQUENCY_NAMES: Final = ("f", "freq", "frequency", "f0", "f_0", "frequenz", "peak")
BEGINNING: Final = 500
"""Lines of a file that are looked at to tell what it holds."""
_ERROR: Final = re.compile(r"err|sigma|σ|std|uncert|±|^s_?f$|^d_?f$|^δ_?f$", re.IGNORECASE)
_AXIS: Final = re.compile(r"[._ ]?([xyz])$", re.IGNORECASE)


class FrequencyTable(eqx.Module):
    """The frequency [Hz] of an oscillator at K values [SI] of one setting, such as "current" or "field.z".

    `errors` (K,) are the standard deviations [Hz] of the frequencies, where they are known.

    >>> table = FrequencyTable("current", [1e-3, 2e-3], [6.1e8, 4.9e8])
    >>> table
    FrequencyTable: 2 frequencies against current
    """

    setting: str = eqx.field(static=True)
    values: np.ndarray
    frequencies: np.ndarray
    errors: np.ndarray | None
    notes: tuple[str, ...] = eqx.field(static=True)
    understood: tuple[str, ...] = eqx.field(static=True)
    """How the file was understood that this was read from."""

    def __init__(
        self,
        setting: str,
        values: Any,
        frequencies: Any,
        errors: Any = None,
        notes: Sequence[str] = (),
        understood: Sequence[str] = (),
    ):
        self.setting = setting
        self.values = np.array(values, dtype=np.float64)
        self.frequencies = np.array(frequencies, dtype=np.float64)
        self.errors = None if errors is None else np.array(errors, dtype=np.float64)
        self.notes = tuple(notes)
        self.understood = tuple(understood)

    def __check_init__(self) -> None:
        if self.values.ndim != 1 or self.values.shape != self.frequencies.shape or not self.values.size:
            raise ValueError(
                f"a frequency table needs as many values as frequencies, got {self.values.shape} of {self.setting} and "
                f"{self.frequencies.shape}"
            )
        if not (np.isfinite(self.values).all() and np.isfinite(self.frequencies).all()):
            raise ValueError("a frequency table has a number that is not finite; remove its row")
        if not ((self.frequencies > 1e6) & (self.frequencies < 1e12)).all():
            raise ValueError(
                f"frequencies from {self.frequencies.min():g} to {self.frequencies.max():g} Hz cannot be meant; "
                "they are in hertz: 1 GHz is 1e9"
            )
        if self.errors is None:
            return
        if self.errors.shape != self.frequencies.shape:
            raise ValueError(f"there are {self.errors.size} errors for {self.frequencies.size} frequencies")
        if not (np.isfinite(self.errors) & (self.errors > 0)).all():
            worst = int(np.argmin(np.where(np.isfinite(self.errors), self.errors, -np.inf)))
            raise ValueError(
                f"the error of frequency {worst} is {self.errors[worst]:g} Hz, expected a positive standard deviation; "
                "leave the errors out where they are not known"
            )

    def __repr__(self) -> str:
        return f"FrequencyTable: {self.values.size} frequencies against {self.setting}"


def read_frequencies(path: str | os.PathLike[str], setting: str | None = None) -> FrequencyTable:
    """The table of frequencies in a text file: a column of the setting, one of frequencies, perhaps one of errors.

    The header names them with their units, as in `current (mA), f (GHz)` or `field.z [Oe]; frequency [GHz]; error
    [MHz]`. A column in ampere is the current; one in tesla, oersted or A/m is the field, along z where its name has no
    other axis. `setting` names the leaf of the device where the header does not, such as "H_k" or "field.x". Text is
    read as by `read_trace`.

    Raises ValueError, in one sentence, for a file without such columns or units, and for a frequency that cannot be.

    >>> from pathlib import Path
    >>> _ = Path("f.csv").write_text("current (mA), f (GHz), error (MHz)\\n1.5, 1.52, 2\\n2, 1.61, 2\\n")
    >>> table = read_frequencies("f.csv")
    >>> table.setting, table.values.tolist(), table.errors.tolist()
    ('current', [0.0015, 0.002], [2000000.0, 2000000.0])
    """
    table = read_table(path)
    frequency = _frequency_column(table)
    if frequency is None:
        raise ValueError(
            f"{table.path} has no column of frequencies; it has {table.names()}; write 'f (GHz)' in the header"
        )
    swept, name = _setting_column(table, frequency, setting)
    errors = next((i for i in table.of_kind("Hz") if i != frequency and _ERROR.search(table.header[i].name)), None)
    taken = {swept: name, frequency: "frequency"} | ({} if errors is None else {errors: "error"})
    unit = "1" if table.header[swept].unit is None else table.unit(swept)[0]
    unit = "T" if unit == "A/m" and name.startswith("field") else unit
    values = table.in_si(swept, unit)
    spread = f"{len(values)} frequencies, {name} from {show(values.min(), unit)} to {show(values.max(), unit)}"
    try:
        return FrequencyTable(
            name,
            values,
            table.in_si(frequency, "Hz"),
            None if errors is None else table.in_si(errors, "Hz"),
            table.notes,
            (*table.remarks, table.taken(taken), spread),
        )
    except ValueError as error:
        raise ValueError(f"{table.path}: {error}") from None


def frequencies_of(
    spectra: Sequence[Spectrum], setting: str, values: Any, *, window: Window | None = None
) -> FrequencyTable:
    """The frequencies of the strongest lines of several spectra, each at its value of a setting, with their errors.

    `window` (low, high) [Hz] is where the lines lie; None looks everywhere. Raises ValueError as `peak_of` does, with
    the number of the spectrum.
    """
    peaks = []
    for number, one in enumerate(spectra):
        try:
            peaks.append(peak_of(one, window))
        except ValueError as error:
            raise ValueError(f"spectrum {number}: {error}") from None
    return FrequencyTable(setting, values, [p.frequency for p in peaks], [p.frequency_error for p in peaks])


def looks_like_frequencies(path: str | os.PathLike[str]) -> bool:
    """Whether a text file is a table of frequencies: no time, a column of frequencies, and one of currents or
    fields."""
    try:
        table = read_table(path, lines=BEGINNING)
        frequency = _frequency_column(table)
        if frequency is None or any(column.name in TIME_NAMES for column in table.header) or table.of_kind("s"):
            return False
        _setting_column(table, frequency, None)
    except ValueError:
        return False
    return True


def _frequency_column(table: Table) -> int | None:
    in_hertz = table.of_kind("Hz")
    named = [i for i in in_hertz if table.header[i].name.lower() in FREQUENCY_NAMES]
    return next(iter(named + [i for i in in_hertz if not _ERROR.search(table.header[i].name)]), None)


def _setting_column(table: Table, frequency: int, setting: str | None) -> tuple[int, str]:
    """Index of the column that was swept, and the leaf that it is."""
    others = [i for i in range(len(table.header)) if i != frequency]
    if setting is not None:
        same = [i for i in others if table.header[i].name == setting]
        found = same or table.of_kind("A", "T", "A/m") or others[:1]
        if not found:
            raise ValueError(f"{table.path} has no column of {setting}; it has {table.names()}")
        return found[0], setting
    swept = table.of_kind("A", "T", "A/m")
    if len(swept) != 1:
        word = "several columns" if swept else "no column"
        raise ValueError(
            f"{table.path} has {word} of currents or fields; it has {table.names()}; write 'current (mA)' or "
            "'field.z (Oe)' above the one that was swept"
        )
    column = table.header[swept[0]]
    if table.unit(swept[0])[0] == "A":
        return swept[0], "current"
    axis = _AXIS.search(column.name)
    return swept[0], f"field.{axis[1].lower() if axis else 'z'}"
