"""A sweep as a table."""

from __future__ import annotations

from typing import Final

import numpy as np

from llgrad.experiments.sweeps.record import Map
from llgrad.experiments.sweeps.regions import NAMES, Region
from llgrad.orbits.results.named import QUANTITIES
from llgrad.plot.style import scaled

DIGITS: Final = 6


def table_of(found: Map) -> str:
    """The table of a sweep: its axis, its quantities, each with its unit, and what the device does."""
    (axis,) = found.axes
    columns = [_column(axis.name, axis.values, axis.unit)]
    columns += [_column(name, values, QUANTITIES[name].unit) for name, values in found.quantities.items()]
    columns.append(["", *(NAMES[Region(number)] for number in found.regions.tolist())])
    widths = [max(map(len, column)) for column in columns]
    rows = zip(*columns, strict=True)
    lines = [
        "  ".join(
            cell.ljust(width) if i == len(widths) - 1 else cell.rjust(width) for i, (cell, width) in pairs
        ).rstrip()
        for pairs in (list(enumerate(zip(row, widths, strict=True))) for row in rows)
    ]
    said = [_onset(found, i) for i in range(len(found.onsets.values))]
    return "\n".join([*lines, *said, *found.notes])


def _column(name: str, values: np.ndarray, unit: str) -> list[str]:
    told, prefixed = scaled(np.degrees(values) if unit == "rad" else values, "" if unit == "rad" else unit)
    prefixed = "°" if unit == "rad" else prefixed
    cells = ["–" if np.isnan(value) else f"{value:.{DIGITS}g}" for value in told]
    return [f"{name} ({prefixed})" if prefixed else name, *cells]


def _onset(found: Map, i: int) -> str:
    (axis,) = found.axes
    value, unit = scaled([found.onsets.values[i, 0]], axis.unit)
    rate, prefixed = scaled([found.onsets.frequencies[i]], "Hz")
    how = "" if found.onsets.supercritical[i] else ", with hysteresis (subcritical)"
    return f"Hopf point at {axis.name} = {value[0]:.9g} {unit}, {rate[0]:.6g} {prefixed}{how}"
