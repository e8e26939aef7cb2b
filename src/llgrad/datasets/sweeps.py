"""Field sweeps: voltage against field at several microwave frequencies, as spin-diode and FMR set-ups record them."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import equinox as eqx
import numpy as np

from llgrad.core.constants import MU_0
from llgrad.core.units import show, unit_factor
from llgrad.datasets.tables.layout import separator_of, text_of

FEWEST_POINTS: Final = 3
_FREQUENCY: Final = re.compile(r"(\d+(?:\.\d+)?)[\s_]*([kMG]?Hz)\b", re.IGNORECASE)
_UNIT: Final = re.compile(r"[(\[]\s*([^()\[\]]*?)\s*[)\]]")
_HERTZ: Final = {"hz": "Hz", "khz": "kHz", "mhz": "MHz", "ghz": "GHz"}


class Sweep(eqx.Module):
    """One sweep: `voltage` (M,) [V] at `field` (M,) [T], at the microwave `frequency` [Hz]; NumPy float64."""

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
    """Several sweeps, by increasing frequency; `notes` say in sentences how a file was understood.

    Raises ValueError where there is none, or where two have the same frequency.

    >>> Sweeps([Sweep(5e9, [0.1, 0.2, 0.3], [0.0, 1e-6, 0.0])])
    Sweeps: 1 sweep at 5 GHz; 3 points, 100 mT to 300 mT
    """

    sweeps: tuple[Sweep, ...]
    notes: tuple[str, ...] = eqx.field(static=True)
    field_unit: str = eqx.field(static=True)
    """The unit in which the fields were written, for reports and pictures."""

    def __init__(self, sweeps: Sequence[Sweep], notes: Sequence[str] = (), field_unit: str = "T"):
        self.sweeps = tuple(sorted(sweeps, key=lambda sweep: sweep.frequency))
        self.notes = tuple(notes)
        self.field_unit = field_unit

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
        return _factor(self.field_unit, "T")

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

    def range(self) -> tuple[float, float]:
        """The smallest and the largest field [T] of all."""
        return min(s.field.min() for s in self.sweeps), max(s.field.max() for s in self.sweeps)


class _Column(NamedTuple):
    """A column before units: its header, the unit written for it, the frequency [Hz] in its name, its cells."""

    name: str
    unit: str | None
    frequency: float | None
    values: np.ndarray


def read_sweeps(
    path: str | os.PathLike[str],
    *,
    field_unit: str | None = None,
    voltage_unit: str | None = None,
    frequencies: Sequence[float] | None = None,
) -> Sweeps:
    """The sweeps in a wide table: pairs of columns (field, voltage), one pair for each frequency.

    With an odd number of columns the first is the field of all others. The frequency stands in the header, as in
    `run_1.0_GHz` or `V (uV) 5 GHz`; the units stand there in brackets, or in a second header line, or are given. The
    separator is a tab, a semicolon or a comma; shorter sweeps end in blank cells; '#' begins a note.

    Args:
        path: the file.
        field_unit: "Oe", "mT", …, where the file says none; one that contradicts the file is refused.
        voltage_unit: "V", "uV", ….
        frequencies: frequency of each sweep [Hz], in the file's order, where the header says none.

    Raises ValueError, in one sentence that names the file, for what it cannot understand.

    >>> from pathlib import Path
    >>> _ = Path("sweep.csv").write_text("H (Oe) 5 GHz;V (uV) 5 GHz\\n100;1\\n200;2\\n300;1\\n")
    >>> sweeps = read_sweeps("sweep.csv")
    >>> sweeps
    Sweeps: 1 sweep at 5 GHz; 3 points, 10 mT to 30 mT
    >>> print(*sweeps.notes, sep="\\n")
    1 pair of columns, field and voltage: 5 GHz (from the header); 3 points each
    fields in Oe (from the header), voltages in uV (from the header)
    """
    path = Path(path)
    columns, remarks = _columns(path)
    shared = len(columns) % 2 == 1
    pairs = (
        [(columns[0], column) for column in columns[1:]]
        if shared
        else list(zip(columns[::2], columns[1::2], strict=True))
    )
    if not pairs:
        raise ValueError(f"{path} has one column; expected pairs of columns, field and voltage")
    found = _frequencies(path, pairs, frequencies)
    h_unit, h_factor, h_where = _unit(path, "field", [pair[0] for pair in pairs], field_unit, "T", "Oe")
    v_unit, v_factor, v_where = _unit(path, "voltage", [pair[1] for pair in pairs], voltage_unit, "V", "uV")
    sweeps = []
    for frequency, (field, voltage) in zip(found, pairs, strict=True):
        kept = _both(path, field, voltage, shared)
        sweeps.append(Sweep(frequency, field.values[kept] * h_factor, voltage.values[kept] * v_factor))
    layout = (
        f"one column of fields and {len(pairs)} of voltages"
        if shared
        else _count(len(pairs), "pair of columns, field and voltage", "pairs of columns, field and voltage")
    )
    sizes = sorted({sweep.field.size for sweep in sweeps})
    points = f"{sizes[0]} points each" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]} points"
    source = "from the header" if frequencies is None else "as given"
    listed = ", ".join(f"{f / 1e9:g}" for f in found)
    notes = (
        f"{layout}: {listed} GHz ({source}); {points}",
        f"fields in {h_unit} ({h_where}), voltages in {v_unit} ({v_where})",
        *remarks,
    )
    return Sweeps(sweeps, notes, h_unit)


def _factor(unit: str, si: str) -> float:
    """SI per unit; a field strength in A/m counts as the flux density µ0 H. Raises ValueError for another kind."""
    found, factor = unit_factor(unit)
    if (found, si) == ("A/m", "T"):
        return factor * MU_0
    if found != si:
        raise ValueError(f"{unit} is a unit of {found}, expected one of {si}")
    return factor


def looks_like_sweeps(path: str | os.PathLike[str]) -> bool:
    """Whether a text file is a table of field sweeps, by its header: no time, and frequencies in the names."""
    try:
        columns, _ = _columns(Path(path))
    except ValueError:
        return False
    return sum(column.frequency is not None for column in columns) >= len(columns) // 2 > 0


def _columns(path: Path) -> tuple[list[_Column], list[str]]:
    lines = [(number, line) for number, line in enumerate(text_of(path).splitlines(), start=1) if line.strip(" \t,;")]
    remarks = [line.lstrip("# ").strip() for _, line in lines if line.lstrip().startswith("#")]
    lines = [(number, line) for number, line in lines if not line.lstrip().startswith("#")]
    if len(lines) < FEWEST_POINTS + 1:
        raise ValueError(
            f"{path} has {_count(len(lines), 'line', 'lines')}; "
            f"expected a header and at least {FEWEST_POINTS} rows of numbers"
        )
    separator = separator_of(lines[0][1])
    header = _cells(lines[0][1], separator)
    units: list[str | None] = [match[1] if (match := _UNIT.search(name)) else None for name in header]
    rows = lines[1:]
    if (second := _unit_row(_cells(rows[0][1], separator))) is not None:
        units = [unit or below for unit, below in zip(units, second + [None] * len(header), strict=False)]
        rows = rows[1:]
    values = np.array([_numbers(path, number, line, separator, header) for number, line in rows])
    return [
        _Column(name, unit, _frequency(name), values[:, index])
        for index, (name, unit) in enumerate(zip(header, units, strict=True))
    ], remarks


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip().strip('"').strip() for cell in line.rstrip("\r\n").split(separator)]


def _unit_row(cells: list[str]) -> list[str | None] | None:
    """The units in a second header line, as in `Oe;V;Oe;V`; None where it is none."""
    units = [cell.strip("()[] ") for cell in cells]
    try:
        kinds = [unit_factor(unit)[0] for unit in units if unit]
    except ValueError:
        return None
    return [unit or None for unit in units] if kinds and "1" not in kinds else None


def _numbers(path: Path, number: int, line: str, separator: str, header: list[str]) -> list[float]:
    """A row of numbers, NaN for a blank cell."""
    cells = _cells(line, separator)
    if len(cells) > len(header):
        raise ValueError(f"{path}, line {number}: expected {len(header)} cells as in the header, got {len(cells)}")
    values = []
    for cell in [*cells, *[""] * (len(header) - len(cells))]:
        try:
            values.append(float(cell.replace(",", ".")) if cell else math.nan)
        except ValueError:
            raise ValueError(f"{path}, line {number}: {cell!r} is not a number; mend or remove the row") from None
    return values


def _frequency(name: str) -> float | None:
    match = _FREQUENCY.search(name)
    return None if match is None else float(match[1]) * unit_factor(_HERTZ[match[2].lower()])[1]


def _frequencies(path: Path, pairs: list[tuple[_Column, _Column]], given: Sequence[float] | None) -> list[float]:
    if given is not None:
        if len(given) != len(pairs):
            raise ValueError(
                f"{path} has {_count(len(pairs), 'sweep', 'sweeps')}, "
                f"got {_count(len(given), 'frequency', 'frequencies')}; give one for each"
            )
        return [float(frequency) for frequency in given]
    found = []
    for field, voltage in pairs:
        named = {f for f in (field.frequency, voltage.frequency) if f is not None}
        if len(named) != 1:
            what = "different frequencies" if named else "no frequency"
            raise ValueError(
                f"{path}: the columns {field.name!r} and {voltage.name!r} name {what}; "
                "write it in the header, as in 'V (uV) 5 GHz', or give the frequencies"
            )
        found.append(named.pop())
    return found


def _unit(
    path: Path, kind: str, columns: list[_Column], given: str | None, si: str, example: str
) -> tuple[str, float, str]:
    """(unit as written, factor to SI, where it was found) of the fields or of the voltages."""
    written = {column.unit for column in columns}
    if len(written) > 1:
        raise ValueError(
            f"{path}: the {kind} columns have different units ({', '.join(sorted(map(str, written)))}); expected one"
        )
    unit = written.pop()
    if unit is None and given is None:
        raise ValueError(
            f"{path} says no unit for its {kind}s; write it in the header, as in '{kind} ({example})', "
            f"or give {kind}_unit={example!r} (--{kind}-unit {example} on the command line)"
        )
    if unit is not None and given is not None and unit_factor(unit) != unit_factor(given):
        raise ValueError(f"{path} has its {kind}s in {unit}, and {kind}_unit says {given}; leave one out")
    chosen = unit if unit is not None else str(given)
    try:
        return chosen, _factor(chosen, si), "as given" if unit is None else "from the header"
    except ValueError as error:
        raise ValueError(f"{path}: the {kind}s: {error}, such as {example}") from None


def _both(path: Path, field: _Column, voltage: _Column, shared: bool) -> np.ndarray:
    """Which rows hold both numbers. A number without its partner is a mistake, except in a shared column of fields."""
    has_field, has_voltage = np.isfinite(field.values), np.isfinite(voltage.values)
    alone = (has_voltage & ~has_field) if shared else (has_voltage != has_field)
    if alone.any():
        row = int(np.flatnonzero(alone)[0]) + 1
        raise ValueError(f"{path}: in row {row} of {voltage.name!r} there is a field or a voltage without its partner")
    return has_field & has_voltage


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
