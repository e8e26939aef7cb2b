"""A table of frequencies: what a spectrum analyser gives while a current or a field is swept."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Final

import equinox as eqx
import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.arguments.doors import by_door
from llgrad.core.arguments.kinds import check_kind
from llgrad.core.units import show
from llgrad.datasets.peaks import Window, peak_of
from llgrad.datasets.settings import (
    columns_of,
    error_column,
    frequency_column,
    other_settings,
    setting_column,
    swept_columns,
    varying,
)
from llgrad.datasets.tables.quantities import QuantityKind
from llgrad.datasets.tables.table import TextTable, read_table
from llgrad.observables.spectrum import Spectrum

BEGINNING: Final = 500
"""Lines of a file that are looked at to tell what it holds."""


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


def read_frequencies(
    path: str | os.PathLike[str],
    setting: str | None = None,
    *,
    peak: str | None = None,
    error: str | None = None,
    area: float | None = None,
) -> FrequencyTable:
    """The table of frequencies in a text file: a column of the setting, one of frequencies, perhaps one of errors.

    The header names them with their units, in any order, as in `current (mA), f (GHz)` or `field.z [Oe]; frequency
    [GHz]; error [MHz]`. A column is taken for what its name and unit say together: a line width or a power is none of
    them. The setting is the current or the field that varies, the field along z where its name has no axis; what stays
    the same is told by `describe`. Text is read as by `read_trace`.

    Args:
        path: the file.
        setting: the column that was swept, where several vary: "current", "field", or the column's name; or else the
            leaf of the device that it stands for, such as "H_k" or "field.x".
        peak: name of the column of frequencies, or a word of it such as "G2", where there are several.
        error: name of the column of their standard deviations, where the file leaves it open.
        area: cross section [m²], for a current density.

    Raises ValueError, in one sentence, for a file without such columns or units, several that could be meant, and a
    frequency that cannot be.

    >>> from pathlib import Path
    >>> _ = Path("f.csv").write_text("width (MHz), f (GHz), error (MHz), I (mA)\\n9, 1.52, 2, 1.5\\n8, 1.61, 2, 2\\n")
    >>> table = read_frequencies("f.csv")
    >>> table.setting, table.values.tolist(), table.frequencies.tolist(), table.errors.tolist()
    ('current', [0.0015, 0.002], [1520000000.0, 1610000000.0], [2000000.0, 2000000.0])
    """
    table = read_table(path)
    columns = columns_of(table)
    frequency = frequency_column(table, columns, peak)
    swept, name = setting_column(table, columns, frequency, setting)
    errors = error_column(table, columns, frequency, error)
    taken = {swept: name, frequency: "frequency"} | ({} if errors is None else {errors: "error"})
    values, unit = _values(table, swept, name, area)
    spread = f"{len(values)} frequencies, {name} from {show(values.min(), unit)} to {show(values.max(), unit)}"
    along = columns[swept].kind is QuantityKind.FIELD and columns[swept].axis is None and setting != name
    remarks = [*table.remarks, table.taken(taken), spread, *(["along z, as its name has no axis"] if along else [])]
    measured, spreads = table.in_si(frequency, "Hz"), None if errors is None else table.in_si(errors, "Hz")
    try:
        return FrequencyTable(
            name,
            values,
            measured,
            spreads,
            table.notes,
            (*remarks, *other_settings(table, columns, swept)),
        )
    except ValueError as mistake:
        raise ValueError(f"{table.path}: {mistake}") from None


def _values(table: TextTable, swept: int, name: str, area: float | None) -> tuple[np.ndarray, str]:
    """The values [SI] of a setting, and their unit."""
    unit = "1" if table.header[swept].unit is None else table.unit(swept)[0]
    if unit == "A/m²" and name == "current":
        if area is None or not area > 0:
            option = by_door("area=… [m²] of the cross section", "its cross section, as in --read area=4900nm2")
            raise ValueError(
                f"{table.path}: the column {table.header[swept].name!r} is a current density; give {option}, or write "
                "the current"
            )
        return table.in_si(swept, unit) * area, "A"
    if area is not None:
        raise ValueError(f"{table.path} has no current density that an area would be for; leave area out")
    unit = "T" if unit == "A/m" and name.startswith("field") else unit
    return table.in_si(swept, unit), unit


def frequencies_of(
    spectra: Sequence[Spectrum],
    setting: str,
    values: Float[ArrayLike, "n"] | Sequence[float | str],
    *,
    window: Window | None = None,
) -> FrequencyTable:
    """The frequencies of the strongest lines of several spectra, each at its value of a setting, with their errors.

    `window` (low, high) [Hz] is where the lines lie; None looks everywhere. Raises ValueError as `peak_of` does, with
    the number of the spectrum.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> f = np.linspace(1e9, 2e9, 501)
    >>> def line(centre):
    ...     return 5e-17 / (1 + (2 * (f - centre) / 2e7) ** 2) + 1e-19 * np.sin(np.arange(501))
    >>> spectra = [lg.observables.Spectrum(f, line(centre), "V²/Hz") for centre in (1.4e9, 1.6e9)]
    >>> table = lg.data.frequencies_of(spectra, "current", [1e-3, 2e-3])
    >>> (table.frequencies / 1e9).round(3).tolist()  # GHz
    [1.4, 1.6]
    """
    check_kind("spectra", spectra, Sequence, "give a list of what lg.data.read_spectrum or lg.spectrum gives")
    peaks = []
    for number, one in enumerate(spectra):
        try:
            peaks.append(peak_of(one, window))
        except ValueError as error:
            raise ValueError(f"spectrum {number}: {error}") from None
    return FrequencyTable(setting, values, [p.frequency for p in peaks], [p.frequency_error for p in peaks])


def looks_like_frequencies(path: str | os.PathLike[str]) -> bool:
    """Whether a text file is a table of frequencies: no time, frequencies, and a current or field that varies."""
    try:
        table = read_table(path, lines=BEGINNING)
        columns = columns_of(table)
    except ValueError:
        return False
    kinds = [column.kind for column in columns]
    if QuantityKind.TIME in kinds or QuantityKind.FREQUENCY not in kinds:
        return False
    return bool(varying(table, columns)) or (bool(swept_columns(columns)) and QuantityKind.LEVEL not in kinds)
