"""Field sweeps: voltage against field at several microwave frequencies, as spin-diode and FMR set-ups record them."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import equinox as eqx
import numpy as np

from llgrad.core.arguments.kinds import checked_path
from llgrad.core.units import show
from llgrad.datasets.sweeping.columns import FEWEST_POINTS, Column, read_columns
from llgrad.datasets.sweeping.pairing import Paired, paired
from llgrad.datasets.sweeping.recognition import is_table_of_sweeps
from llgrad.datasets.sweeping.units import UnitTaken, field_factor, taken, turned


class Sweep(eqx.Module):
    """One sweep: `voltage` (M,) [V] at `field` (M,) [T], at the microwave `frequency` [Hz]; NumPy float64.

    The voltage may be another signal, as `Sweeps.signal_unit` says: lines need no scale.

    >>> import llgrad as lg
    >>> sweep = lg.data.Sweep(5e9, [0.1, 0.2, 0.3], [0.0, 1e-6, 0.0])
    >>> lg.data.Sweeps([sweep]).frequencies.tolist()
    [5000000000.0]
    """

    frequency: float
    field: np.ndarray
    voltage: np.ndarray

    def __init__(self, frequency: float, field: Any, voltage: Any):
        self.frequency = float(frequency)
        self.field = np.array(field, dtype=np.float64)
        self.voltage = np.array(voltage, dtype=np.float64)

    def __check_init__(self) -> None:
        name = f"the sweep at {show(self.frequency, 'Hz')}"
        if not (math.isfinite(self.frequency) and self.frequency > 0):
            raise ValueError(f"frequency = {self.frequency} Hz, expected a positive number")
        if self.field.ndim != 1 or self.field.shape != self.voltage.shape or self.field.size < FEWEST_POINTS:
            raise ValueError(
                f"{name} has fields of shape {self.field.shape} and voltages of shape {self.voltage.shape}, "
                f"expected two columns of the same length, at least {FEWEST_POINTS}"
            )
        for column, values in (("field", self.field), ("voltage", self.voltage)):
            if (bad := np.flatnonzero(~np.isfinite(values))).size:
                raise ValueError(f"{name}: {column} {bad[0]} is {values[bad[0]]}; remove the point or fill it in")
        if np.ptp(self.field) == 0:
            raise ValueError(f"{name} has one field only, {show(float(self.field[0]), 'T')}: nothing is swept")


class Sweeps(eqx.Module):
    """Several sweeps, by increasing frequency; `understood` says in sentences how a file was read (`lg.data.describe`).

    Raises ValueError where there is none, or where two have the same frequency.

    >>> Sweeps([Sweep(5e9, [0.1, 0.2, 0.3], [0.0, 1e-6, 0.0])])
    Sweeps: 1 sweep at 5 GHz; 3 points, 100 mT to 300 mT
    """

    sweeps: tuple[Sweep, ...]
    notes: tuple[str, ...] = eqx.field(static=True)
    """How the file was understood that these were read from, and its comments."""
    field_unit: str = eqx.field(static=True)
    """The unit in which the fields were written, for reports and pictures."""
    signal_unit: str = eqx.field(static=True)
    """The unit of `voltage`: V, or that in which another signal was written."""
    understood: tuple[str, ...] = eqx.field(static=True)
    """How the file was understood."""

    def __init__(
        self,
        sweeps: Sequence[Sweep],
        notes: Sequence[str] = (),
        field_unit: str = "T",
        signal_unit: str = "V",
        understood: Sequence[str] = (),
    ):
        self.sweeps = tuple(sorted(sweeps, key=lambda sweep: sweep.frequency))
        self.notes = tuple(notes)
        self.field_unit = field_unit
        self.signal_unit = signal_unit
        self.understood = tuple(understood)

    def __check_init__(self) -> None:
        if not self.sweeps:
            raise ValueError("there is no sweep; expected at least one")
        twice = [f for f, g in zip(self.frequencies, self.frequencies[1:], strict=False) if f == g]
        if twice:
            raise ValueError(
                f"two sweeps have the frequency {show(float(twice[0]), 'Hz')}; join them, or leave one out"
            )

    @property
    def frequencies(self) -> np.ndarray:
        """Frequencies [Hz], increasing."""
        return np.array([sweep.frequency for sweep in self.sweeps])

    @property
    def tesla_per_unit(self) -> float:
        """How many tesla are one `field_unit`."""
        return field_factor(self.field_unit)

    def show_field(self, field: float, error: float | None = None) -> str:
        """A field [T], with its standard error, in the unit of the file: "2579.4 ± 3.5 Oe"."""
        value = field / self.tesla_per_unit
        if error is None or not (np.isfinite(error) and error > 0):
            return f"{value:.0f} {self.field_unit}" if abs(value) >= 100 else f"{value:.3g} {self.field_unit}"
        spread = error / self.tesla_per_unit
        digits = max(0, 1 - math.floor(math.log10(spread)))
        return f"{value:.{digits}f} ± {spread:.{digits}f} {self.field_unit}"

    def __len__(self) -> int:
        return len(self.sweeps)

    def __repr__(self) -> str:
        ends = [show(float(f), "Hz") for f in (self.frequencies[0], self.frequencies[-1])]
        points = sorted({sweep.field.size for sweep in self.sweeps})
        fields = [show(float(edge), "T") for edge in self.range()]
        many = f"{len(self)} sweeps from {ends[0]} to {ends[1]}" if len(self) > 1 else f"1 sweep at {ends[0]}"
        count = f"{points[0]} to {points[-1]}" if len(points) > 1 else f"{points[0]}"
        return f"Sweeps: {many}; {count} points, {fields[0]} to {fields[1]}"

    def __str__(self) -> str:
        return "\n".join([repr(self), *self.understood])

    def range(self) -> tuple[float, float]:
        """The smallest and the largest field [T] of all."""
        return min(s.field.min() for s in self.sweeps), max(s.field.max() for s in self.sweeps)


def read_sweeps(
    path: str | os.PathLike[str],
    *,
    field_unit: str | None = None,
    voltage_unit: str | None = None,
    frequencies: Sequence[float] | None = None,
    columns: Sequence[str] | None = None,
) -> Sweeps:
    """The sweeps of the field in a table: a field and a voltage, or another signal, for each microwave frequency.

    The table is wide, with a pair of columns for each frequency or one column of fields for all, or long, with one row
    for each frequency and field and a column of frequencies. Columns are told apart by their names and units. In a wide
    table the frequency stands in the header, however it is written: `run_1.0_GHz`, `V (uV) 5,1 GHz`, `X_5p1GHz`,
    `f = 5.1e9 Hz`; that of a single sweep may stand in the name of the file, or in its comments. Units stand in the
    header in brackets, or in a second header line, or are given. The separator is a tab, a semicolon or a comma;
    shorter sweeps end in blank cells; '#' begins a note. `describe` tells how the file was understood.

    Args:
        path: the file.
        field_unit: "Oe", "mT", "kA/m", …, where the file says none; one that contradicts the file is refused.
        voltage_unit: "V", "uV", "a.u.", ….
        frequencies: frequency of each sweep [Hz], in the file's order, where the header says none.
        columns: names of the columns to use, where there are several signals or fields, or places such as "#3".

    Raises ValueError, in one sentence that names the file, for what it cannot understand, and for what can be read in
    two ways: a frequency such as 5_1GHz, two signals of one frequency, fields that nothing tells from voltages.

    >>> from pathlib import Path
    >>> _ = Path("sweep.csv").write_text("H (Oe) 5 GHz;V (uV) 5 GHz\\n100;1\\n200;2\\n300;1\\n")
    >>> sweeps = read_sweeps("sweep.csv")
    >>> sweeps
    Sweeps: 1 sweep at 5 GHz; 3 points, 10 mT to 30 mT
    >>> print(*sweeps.notes, sep="\\n")
    1 pair of columns, field and voltage: 5 GHz (from the header); 3 points each
    fields in Oe (from the header), voltages in uV (from the header)
    """
    path = checked_path("path", path)
    found = read_columns(path)
    of_file = paired(found, frequencies, columns)
    fields, signals = ([getattr(pair, name) for pair in of_file.pairs] for name in ("field", "signal"))
    in_tesla = taken(path, "field", fields, field_unit)
    in_volt = taken(path, "voltage", signals, voltage_unit)
    pairs = [(pair.field, pair.signal) for pair in of_file.pairs]
    if of_file.by_place and turned(path, pairs, in_tesla, in_volt):
        pairs = [(signal, field) for field, signal in pairs]
    sweeps, gaps = [], 0
    for (field, signal), pair in zip(pairs, of_file.pairs, strict=True):
        kept = _both(path, field, signal, of_file.is_shared)
        inside = np.flatnonzero(kept)
        gaps += int((~kept)[inside[0] : inside[-1]].sum()) if inside.size else 0
        values = field.values[kept] * in_tesla.factor, signal.values[kept] * in_volt.factor
        sweeps.append(_checked(path, pair.frequency, *values))
    understood = (*_understood(of_file, sweeps, in_tesla, in_volt), *_left(of_file, gaps))
    return Sweeps(sweeps, (*understood, *found.notes), in_tesla.unit, in_volt.si, understood)


def looks_like_sweeps(path: str | os.PathLike[str]) -> bool:
    """Whether a text file is a table of field sweeps, by its header: no time, and frequencies in the names, or beside
    fields and a signal."""
    try:
        return is_table_of_sweeps(read_columns(Path(path)))
    except ValueError:
        return False


def _checked(path: Path, frequency: float, field: np.ndarray, voltage: np.ndarray) -> Sweep:
    try:
        return Sweep(frequency, field, voltage)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _understood(of_file: Paired, sweeps: list[Sweep], in_tesla: UnitTaken, in_volt: UnitTaken) -> tuple[str, str]:
    """How the file was read: its layout with the frequencies, and the units."""
    sizes = sorted({sweep.field.size for sweep in sweeps})
    points = f"{sizes[0]} points each" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]} points"
    listed = ", ".join(f"{sweep.frequency / 1e9:g}" for sweep in sweeps)
    label = of_file.pairs[0].signal.label
    what = "voltages" if in_volt.si == "V" else f"signals{f' ({label})' if label else ''}"
    return (
        f"{of_file.layout}: {listed} GHz ({of_file.source}); {points}",
        f"fields in {in_tesla.unit} ({in_tesla.where}), {what} in {in_volt.unit} ({in_volt.where})",
    )


def _left(of_file: Paired, gaps: int) -> list[str]:
    """What was left out."""
    said = []
    if names := of_file.left_out:
        some = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        said.append(f"{len(names)} other column{'' if len(names) == 1 else 's'} left out ({some})")
    if gaps:
        said.append(f"{gaps} point{'' if gaps == 1 else 's'} left out, for blank or NaN cells of field and voltage")
    return said


def _both(path: Path, field: Column, voltage: Column, shared: bool) -> np.ndarray:
    """Which rows hold both numbers. A number without its partner is a mistake, except in a shared column of fields."""
    for column in (field, voltage):
        if column.texts:
            row, text = next(iter(column.texts.items()))
            raise ValueError(f"{path}, line {column.lines[row]}: {text!r} is not a number; mend or remove the row")
    has_field, has_voltage = np.isfinite(field.values), np.isfinite(voltage.values)
    alone = (has_voltage & ~has_field) if shared else (has_voltage != has_field)
    if alone.any():
        row = int(np.flatnonzero(alone)[0])
        raise ValueError(
            f"{path}, line {voltage.lines[row]}: in {voltage.name!r} there is a field or a voltage without its "
            "partner; fill it in or remove both"
        )
    return has_field & has_voltage
