"""The times of a table: which column they are, for which other columns, and what to do where they were rounded."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from llgrad.core.arguments.doors import by_door
from llgrad.core.units import show, unit_factor
from llgrad.datasets.tables.body import number_in
from llgrad.datasets.tables.quantities import QuantityKind
from llgrad.datasets.tables.symbols import symbol_of
from llgrad.datasets.tables.table import TIME_NAMES, TextTable
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
UNLIKELY: Final = 1e-6
"""A chance at which uneven times would lie as near to even ones as their rounding."""
NEAR: Final = 0.75
"""How far from a line through them rounded times may lie, in roundings: half of one, and the line is off itself."""
SEARCHED: Final = 12
"""How often the line is searched, each time with more weight for the farthest."""
EVEN: Final = 1e-3
"""The part of a step by which times that count as even are off at most."""
HOPELESS: Final = 20.0
"""Times that are so many roundings off their line were not made uneven by rounding."""
MOST_DIGITS: Final = 15
"""More digits than these are not written by rounding."""


def time_column(table: TextTable, columns: Sequence[int], asked: int | None = None) -> int:
    """The column of times for other columns: the nearest before them, where there are several.

    Raises ValueError where there is none, where it cannot be told which, and where the columns have different ones.
    """
    if asked is not None:
        return asked
    found = table.of(QuantityKind.TIME)
    if not found:
        in_seconds = [
            i for i in table.of_kind("s") if table.quantity(i).kind is not QuantityKind.ERROR and i not in columns
        ]
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
        chosen = by_door(f"columns=['#{found[0] + 1}', …]", f"--columns '#{found[0] + 1},…'")
        raise ValueError(
            f"{table.path} has several columns of times, and it cannot be told which is meant: {table.listed(found)}; "
            f"choose one among the columns, as in {chosen}"
        )
    times = {next(time for time, group in groups.items() if index in group) for index in columns}
    if len(times) > 1:
        raise ValueError(
            f"{table.path}: {table.listed(columns)} have times of their own, {table.listed(sorted(times))}; "
            "choose columns of the same times"
        )
    return times.pop()


def times_of(table: TextTable, index: int) -> tuple[np.ndarray, tuple[str, ...]]:
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


def roundings_of(values: np.ndarray) -> list[np.ndarray]:
    """What the last digit of each number stands for, in two ways: decimals in common, or significant digits in common.

    >>> [np.log10(quanta).round().tolist() for quanta in roundings_of(np.array([-5.1e-8, 0.0, 5.2e-9]))]
    [[-10.0, -10.0, -10.0], [-9.0, -12.0, -10.0]]
    """
    sizes = np.abs(values)
    largest = float(sizes.max())
    if not largest > 0:
        return []
    top = math.floor(math.log10(largest))
    powers = np.floor(np.log10(np.where(sizes > 0, sizes, largest)))
    found = []
    for exponents in (np.full(values.shape, float(top)), powers):
        for digits in range(MOST_DIGITS):
            quanta = 10.0 ** (exponents - digits)
            with np.errstate(
                over="ignore", divide="ignore", invalid="ignore"
            ):  # of numbers near the smallest: no match
                apart = np.abs(values / quanta - np.rint(values / quanta)).max()
            if apart < 1e-5 + 1e-15 * 10**digits:
                found.append(np.maximum(np.where(sizes > 0, quanta, 0.0), 1e-3 * quanta.max()) if found else quanta)
                break
    return found


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


def _counted(table: TextTable, index: int, late: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]] | None:
    """Times counted from the first, where rounding explains those that were written; else None."""
    values = table.values[:, index]
    count = np.arange(values.size)
    step = float(values[-1] - values[0]) / (values.size - 1)
    # a rounding below the tolerance of even times is not what makes them uneven
    coarse = (quanta for quanta in roundings_of(values) if quanta.max() > EVEN * step)
    lines = ((quanta, _line(count, values, quanta)) for quanta in coarse)
    quanta, line = next(((quanta, line) for quanta, line in lines if line is not None), (np.zeros(1), None))
    quantum = float(quanta.max())
    if line is None:
        return None
    _, factor = table.unit(index)
    rounded = (
        f"the instrument rounded its times to {show(quantum * factor, 's')}: they are counted from the first, every"
    )
    said = interval_of(table.preamble)
    if said is not None and abs(said / factor - step) * (values.size - 1) <= 1.01 * quantum:
        return values[0] * factor + said * count, (f"{rounded} {show(said, 's')}, as the preamble says",)
    by_chance = (values.size - 2) * math.log(2 * NEAR * quantum / step) if step > 0 else 0.0
    twice = late.size > 0 and _written_twice(table, index, late)
    if twice or not (late.size >= FEWEST_REPEATED or (late.size == 0 and by_chance < math.log(UNLIKELY))):
        return None
    even = np.ptp(quanta) == 0
    times = np.linspace(values[0], values[-1], values.size) if even else line
    every = f"{show(step * factor, 's')} ± {show(float(f'{quantum / (values.size - 1) * factor:.1g}'), 's')}"
    return times * factor, (f"{rounded} {every}",)


def _line(count: np.ndarray, values: np.ndarray, quanta: np.ndarray) -> np.ndarray | None:
    """The evenly spaced times from which those written differ by their rounding only, or None where there are none.

    Least squares, with more weight for what is far off (Lawson's algorithm), come near the line of the least largest
    distance.
    """
    weights = np.ones(values.size)
    for _ in range(SEARCHED):
        slope, start = np.polyfit(count, values, 1, w=np.sqrt(weights) * (quanta.max() / quanta))
        line = start + slope * count
        far = np.abs(values - line) / quanta
        if far.max() <= NEAR or far.max() > HOPELESS:
            return line if far.max() <= NEAR else None
        weights = weights * (far + 0.01) / np.mean(weights * (far + 0.01))
    return None


def _written_twice(table: TextTable, index: int, late: np.ndarray) -> bool:
    """Whether rows of the same time are the same in all columns, as rows are that were written twice."""
    others = np.delete(table.values, index, axis=1)
    return bool(np.array_equal(others[late], others[late + 1], equal_nan=True))
