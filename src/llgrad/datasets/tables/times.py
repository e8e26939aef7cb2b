"""The times of a table: which column they are, for which other columns, and what to do where they were rounded."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from llgrad.core.units import show, unit_factor
from llgrad.datasets.tables.body import number_in
from llgrad.datasets.tables.quantities import Kind
from llgrad.datasets.tables.symbols import symbol_of
from llgrad.datasets.tables.table import TIME_NAMES, Table
from llgrad.drives.sampled import is_even

_INTERVALS: Final = (
    "sample interval",
    "sampling interval",
    "sampling period",
    "xinc",
    "x increment",
    "delta_x",
    "hresolution",
)
_RATES: Final = ("sampling frequency", "sampling rate", "sample rate")
FEWEST_REPEATED: Final = 3
"""Equal times that are told from a row that was written twice."""
FEWEST_ROUNDED: Final = 10
"""Samples whose jitter is told from times that are meant to be uneven."""
SMALL: Final = 0.2
"""The rounding, in steps, up to which the jitter of uneven times is taken for it."""


def time_column(table: Table, columns: Sequence[int], asked: int | None = None) -> int:
    """The column of times for other columns: the nearest before them, where there are several.

    Raises ValueError where there is none, where it cannot be told which, and where the columns have different ones.
    """
    if asked is not None:
        return asked
    found = table.of(Kind.TIME)
    if not found:
        in_seconds = [i for i in table.of_kind("s") if table.quantity(i).kind is not Kind.ERROR and i not in columns]
        named = [index for index, column in enumerate(table.header) if column.name in TIME_NAMES]
        found = in_seconds if len(in_seconds) == 1 else named
    if len(found) == 1:
        return found[0]
    if not found:
        raise ValueError(
            f"{table.path} has no time column: its header is {table.names()}; name the first column t or time, "
            "with its unit, as in 't (ns)'"
        )
    last = len(table.header)
    groups = {time: range(time + 1, end) for time, end in zip(found, [*found[1:], last], strict=True)}
    if any(not group for group in groups.values()) or any(index < found[0] for index in columns):
        raise ValueError(
            f"{table.path} has several columns of times, and it cannot be told which is meant: {table.listed(found)}; "
            f"choose one among the columns, as in columns=['#{found[0] + 1}', …]"
        )
    times = {next(time for time, group in groups.items() if index in group) for index in columns}
    if len(times) > 1:
        raise ValueError(
            f"{table.path}: {table.listed(columns)} have times of their own, {table.listed(sorted(times))}; "
            "choose columns of the same times"
        )
    return times.pop()


def times_of(table: Table, index: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """The times in a column [s], and remarks. Where the instrument rounded them, they are counted from the first.

    Raises ValueError where they do not increase, and are not what rounding makes of evenly spaced times.
    """
    t = table.in_si(index, "s")
    if t[-1] > t[0] and is_even(t):
        return t, ()
    late = np.flatnonzero(np.diff(t) <= 0)
    if (np.diff(t) < 0).any():
        line = table.lines[np.flatnonzero(np.diff(t) < 0)[0] + 1]
        raise ValueError(f"{table.path}, line {line}: the time does not increase; sort the rows by time")
    if (counted := _counted(table, index, late)) is not None:
        return counted
    if not late.size:
        return t, ()
    raise ValueError(
        f"{table.path}, line {table.lines[late[0] + 1]}: the time does not increase; where a row was written twice, "
        "remove one of the two; where the instrument rounded its times, export more digits or count them from the first"
    )


def rounding_of(values: np.ndarray) -> float | None:
    """The power of ten of which all numbers are multiples: that of the last digit written. None where there is none.

    >>> rounding_of(np.array([0.0, 0.25, 0.5])), rounding_of(np.array([-5.00e-08, -4.99e-08]))
    (0.01, 1e-10)
    """
    steps = np.diff(values)
    smallest = steps[steps > 0].min(initial=math.inf)
    largest = float(np.abs(values).max())
    if not math.isfinite(smallest) or smallest <= 0:
        return None
    for exponent in range(math.floor(math.log10(smallest)) + 1, math.floor(math.log10(largest)) - 15, -1):
        quantum = 10.0**exponent
        if np.abs(values / quantum - np.rint(values / quantum)).max() < 1e-5 + 4e-16 * largest / quantum:
            return quantum
    return None


def interval_of(preamble: dict[str, str]) -> float | None:
    """The time between two samples [s] that a preamble says; None where it says none, or is not understood."""
    for key, value in preamble.items():
        plain = key.split("(")[0].strip(" =:")
        period, rate = plain in _INTERVALS, plain in _RATES
        first = value.split()[0] if value.split() else ""
        if (period or rate) and (number := number_in(first)) > 0 and math.isfinite(number):
            unit = " ".join(value.split()[1:]).strip("/")
            scale = _scale(unit, "s" if period else "Hz") if not (period and key.startswith("delta_x")) else 1.0
            if scale is not None:
                return number * scale if period else 1 / (number * scale)
    return None


def _scale(unit: str, si: str) -> float | None:
    """The factor of a unit of time or of a rate, such as "GS/s", to its SI unit; None where it is none."""
    plain = re.sub("(S|Sa)/s$", "Hz", unit) if si == "Hz" else unit
    symbol = symbol_of(plain)
    if symbol is None or (plain and unit_factor(symbol)[0] != si):
        return None
    return unit_factor(symbol)[1]


def _counted(table: Table, index: int, late: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]] | None:
    """Times counted from the first, where rounding explains those that were written; else None."""
    values = table.values[:, index]
    quantum = rounding_of(values)
    count = np.arange(values.size)
    slope, start = np.polyfit(count, values, 1)
    if quantum is None or np.abs(values - start - slope * count).max() > 0.6 * quantum:
        return None
    _, factor = table.unit(index)
    rounded = (
        f"the instrument rounded its times to {show(quantum * factor, 's')}: they are counted from the first, every"
    )
    step, said = (values[-1] - values[0]) / (values.size - 1), interval_of(table.preamble)
    if said is not None and abs(said / factor - step) * (values.size - 1) <= 1.01 * quantum:
        return values[0] * factor + said * count, (f"{rounded} {show(said, 's')}, as the preamble says",)
    if late.size:
        enough = late.size >= FEWEST_REPEATED and not _written_twice(table, index, late)
    else:
        enough = values.size >= FEWEST_ROUNDED and quantum <= SMALL * step
    if not enough:
        return None
    sure = quantum / (values.size - 1)
    every = f"{show(step * factor, 's')} ± {show(float(f'{sure * factor:.1g}'), 's')}"
    return np.linspace(values[0], values[-1], values.size) * factor, (f"{rounded} {every}",)


def _written_twice(table: Table, index: int, late: np.ndarray) -> bool:
    """Whether rows of the same time are the same in all columns, as rows are that were written twice."""
    others = np.delete(table.values, index, axis=1)
    return bool(np.array_equal(others[late], others[late + 1], equal_nan=True))
