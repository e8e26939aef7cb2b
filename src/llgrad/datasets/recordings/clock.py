"""Times that attributes say: an interval or a rate, and a start, as programs and instruments name them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from llgrad.core.units import unit_factor
from llgrad.datasets.recordings.recording import Even, Unreadable, checked_step
from llgrad.datasets.tables.headers import header_of
from llgrad.datasets.tables.symbols import symbol_of

_INTERVALS: Final = (
    *("dt", "deltat", "tstep", "timestep", "sampleinterval", "samplinginterval", "sampleperiod", "samplingperiod"),
    *("xincrement", "xincr", "xinc", "wfincrement", "timeincrement", "timeperpoint"),
)
_RATES: Final = ("fs", "samplerate", "samplingrate", "samplefrequency", "samplingfrequency", "srate")
_STARTS: Final = ("t0", "tstart", "xorigin", "xzero", "xstart", "wfstartoffset")
_TEXT: Final = re.compile(r"\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*(\S*)\s*")


def even_times(path: Path | str, attributes: Mapping[str, Any], count: int) -> Even | None:
    """The evenly spaced times that attributes say; None where they say none. Raises Unreadable where two
    of them differ.

    >>> even_times("x", {"sample_rate_MHz": 500.0, "t0": -1e-9}, 3)
    Even(start=-1e-09, step=2e-09, size=3)
    """
    steps = {}
    start = 0.0
    for key, value in attributes.items():
        name, unit = _name(key)
        if name in _INTERVALS:
            steps[key] = _value(path, key, value, unit, "s")
        elif name in _RATES:
            rate = _value(path, key, value, unit, "Hz")
            steps[key] = 1 / rate if rate else math.inf
        elif name in _STARTS:
            start = _value(path, key, value, unit, "s")
    if not steps:
        return None
    step = next(iter(steps.values()))
    if any(not math.isclose(one, step, rel_tol=1e-6) for one in steps.values()):
        said = ", ".join(f"{key} {one:g} s" for key, one in steps.items())
        raise Unreadable(f"{path} says different intervals between samples: {said}")
    return checked_step(path, start, step, count)


def _name(key: str) -> tuple[str, str | None]:
    """A key without blanks and lines, and the unit at its end."""
    header = header_of(key)
    name, line, unit = key.rpartition("_")
    if header.unit is None and line and symbol_of(unit) and unit_factor(unit)[0] in ("s", "Hz"):
        return re.sub(r"[\W_]", "", name).casefold(), unit
    return re.sub(r"[\W_]", "", header.name).casefold(), header.unit


def _value(path: Path | str, key: str, value: Any, unit: str | None, si: str) -> float:
    """A number of an attribute in its SI unit; a text may have its own unit, as "1 ns"."""
    if isinstance(value, str):
        match = _TEXT.fullmatch(value)
        number, unit = (float(match[1]), match[2] or unit) if match else (math.nan, unit)
    else:
        array = np.asarray(value)
        number = float(array.reshape(-1)[0]) if array.size == 1 and array.dtype.kind in "fiu" else math.nan
    plain = re.sub("(S|Sa)/s$", "Hz", unit) if unit and si == "Hz" else unit
    found, factor = (si, 1.0) if plain is None else unit_factor(symbol_of(plain) or "1")
    if not math.isfinite(number) or found != si:
        raise Unreadable(f"{path}: the attribute {key} is {str(value)[:60]!r}, expected a number of {si}")
    return number * factor
