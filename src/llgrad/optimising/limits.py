"""What may be chosen, and what must hold: intervals in units, of parameters and of measures."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.doors import by_door
from llgrad.core.arguments.kinds import wrong_kind
from llgrad.core.rechecking import rechecked
from llgrad.core.record import Record, as_number, get_leaf, is_table, leaf_units, listed, rows_of, set_leaf
from llgrad.core.units import parse, show
from llgrad.core.vector import Vec3
from llgrad.devices.bounds import Between, Bound
from llgrad.optimising.aims import Measure, Named, Parameter, measure_of
from llgrad.orbits.results.named import QUANTITIES

DRIVE: Final = "drive."
MOST: Final = 48
"""So many numbers of a device are told what a change of them does."""


class AllowedRange(NamedTuple):
    """Where a number may lie [SI]; infinite where it is open, equal ends for an equality."""

    low: float
    high: float


Interval = str | float | tuple[str | float | None, str | float | None]
"""What a number may be: a text ("≤ 0.1", "6GHz ± 1MHz"), one value, or two ends, None without one."""
Conditions = (
    Mapping[str, Interval] | Mapping[Callable[..., Any], Interval] | Mapping[str | Callable[..., Any], Interval]
)
"""What must hold, by number of the orbit, parameter, or function of the device."""


class Limit(NamedTuple):
    """A measure that must lie within an interval."""

    measure: Measure
    interval: AllowedRange

    @property
    def is_equality(self) -> bool:
        """Whether it is one value."""
        return self.interval.low == self.interval.high


class Box(NamedTuple):
    """The free parameters, each between two ends."""

    names: tuple[str, ...]
    units: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray

    @property
    def width(self) -> np.ndarray:
        """(n,) [SI]"""
        return self.high - self.low

    def values(self, x: np.ndarray) -> np.ndarray:
        """Parameters [SI] of places (…, n) between 0 and 1; an end is exact."""
        return np.where(x == 1.0, self.high, self.low + self.width * x)

    def places(self, values: np.ndarray) -> np.ndarray:
        """The inverse of `values`."""
        return (values - self.low) / self.width


# ---- the numbers of a device and its drive


def units_of(device: Any, drive: Any) -> dict[str, str]:
    """The unit of everything that can be free, by its path; a number of an array has its place behind."""
    found: dict[str, str] = {}
    for prefix, record in (("", device), (DRIVE, drive)):
        if record is None:
            continue
        units = leaf_units(record) if not prefix else record.units()
        for path, unit in units.items():
            leaf = get_leaf(record, path)
            if np.ndim(leaf) == 1 and not is_table(record, path):
                found |= {f"{prefix}{path}.{place}": unit for place in range(len(leaf))}
            elif np.ndim(leaf) == 0:
                found[prefix + path] = unit
    return found


def value_at(device: Any, drive: Any, path: str) -> float:
    """The number at a path."""
    record, inner = (drive, path.removeprefix(DRIVE)) if path.startswith(DRIVE) else (device, path)
    parent, _, last = inner.rpartition(".")
    if last.isdigit() and np.ndim(leaf := get_leaf(record, parent)) == 1:
        return float(leaf[int(last)])
    return float(get_leaf(record, inner))


def put(device: Any, drive: Any, path: str, value: Any) -> tuple[Any, Any]:
    """Device and drive with another number at a path."""
    if path.startswith(DRIVE):
        return device, _put(drive, path.removeprefix(DRIVE), value)
    return _put(device, path, value), drive


def _put(record: Record, path: str, value: Any) -> Any:
    parent, _, last = path.rpartition(".")
    if last.isdigit() and not is_table(record, parent) and np.ndim(leaf := get_leaf(record, parent)) == 1:
        return set_leaf(record, parent, jnp.asarray(leaf).at[int(last)].set(value))
    return set_leaf(record, path, value)


def scaled_leaves(device: Any, drive: Any, free: tuple[str, ...], others: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Paths of the free numbers, then of others that are asked for, then of all that are not 0: what a change of 1 % is
    told of. The components of a unit vector cannot change by themselves."""
    units = units_of(device, drive)
    whole = {path for path, value, unit, _ in rows_of(device) if isinstance(value, Vec3) and _is_unit(path, unit)}
    first = (*free, *(path for path in others if path not in free))
    rest = [path for path in units if path not in first and path.rpartition(".")[0] not in whole]
    if len(rest) > MOST:  # a large array: those of each of its oscillators by itself are too many to be told
        rest = [path for path in rest if not path.rpartition(".")[2].isdigit()]
    return (*first, *(path for path in rest if value_at(device, drive, path) != 0.0))


def _is_unit(path: str, unit: str) -> bool:
    return unit == "1" and path.rpartition(".")[2] in ("polariser", "axis")


# ---- what a user gives


def box_of(device: Any, drive: Any, free: Any) -> Box:
    """The free parameters. Raises ValueError for an unknown name, reversed or open ends, a wrong unit, and an end that
    the device cannot have."""
    how = by_door('free={"current": (0, "3mA")}', "--free current=0:3mA")
    if not isinstance(free, Mapping):
        raise ValueError(wrong_kind("free", free, "a mapping of what may be chosen to its two ends", f"as {how}"))
    if not free:
        raise ValueError(f"no free parameter; say what may be chosen, between which ends, as {how}")
    units, ends = units_of(device, drive), {}
    for name, given in free.items():
        for path in _paths(name, units):
            ends[path] = _ends(name, given, units[path])
            for value in ends[path]:
                _check(device, drive, path, value)
    low, high = np.array(list(ends.values())).T
    return Box(tuple(ends), tuple(units[path] for path in ends), low, high)


def _paths(name: str, units: Mapping[str, str]) -> list[str]:
    """The number of a name, or all those of an array."""
    found = [name] if name in units else [path for path in units if path.rpartition(".")[0] == name]
    if not found or not all(path == name or path.rpartition(".")[2].isdigit() for path in found):
        nearest = [path for path in units if path.replace(".", "_") == name.replace(".", "_")]
        parts = ", ".join(path for path in units if path.rpartition(".")[0] == name)
        guess = f" (did you mean {nearest[0]!r}?)" if nearest else f" (did you mean one of {parts}?)" if parts else ""
        raise ValueError(f"unknown parameter {name!r}{guess}; it can be {listed(units)}")
    return found


def _ends(name: str, given: Any, unit: str) -> tuple[float, float]:
    if isinstance(given, Bound):
        given = (given.low, given.high) if isinstance(given, Between) else (-math.inf, math.inf)
    low, high = interval_of(name, given, unit)
    if not math.isfinite(high - low):
        how = by_door(f'{{{name!r}: ("{show(0.0, unit)}", …)}}', f"--free {name}=LOW:HIGH")
        raise ValueError(f"{name} is free without two ends; starts are drawn between them: give both, as {how}")
    if low == high:
        raise ValueError(f"{name} may only be {show(low, unit)}: set it, and leave it out of what is free")
    return low, high


def _check(device: Any, drive: Any, path: str, value: float) -> None:
    """Raise ValueError where a device cannot have a number that it may be given."""
    changed = put(device, drive, path, value)
    rechecked(changed[path.startswith(DRIVE)])


_RANGE: Final = re.compile(r"^(.*?[^\s:])?\s*:\s*(\S.*)?$")
_SIGNS: Final = {"<=": -1, "≤": -1, "<": -1, ">=": 1, "≥": 1, ">": 1}


def interval_of(name: str, given: Any, unit: str) -> AllowedRange:
    """The interval of (low, high), where None is open, of a value, or of a text: "5kOe:6kOe", ":3mA", "≤ 3mA",
    "6GHz ± 1MHz", "6GHz". Numbers are SI; a bare 0 needs no unit. Raises ValueError for what is none, and for ends that
    are reversed."""
    given = as_number(given)
    if isinstance(given, (tuple, list)) and len(given) == 2:
        low, high = (
            _edge(name, part, unit, default) for part, default in zip(given, (-math.inf, math.inf), strict=True)
        )
    elif isinstance(given, str):
        low, high = _read(name, given.strip(), unit)
    elif isinstance(given, (int, float)) and not isinstance(given, bool):
        low = high = _edge(name, given, unit, math.nan)
    else:
        raise ValueError(
            f"{name}: {given!r} is no interval; expected (low, high), a value, or text such as '{_sample(unit)}'"
        )
    if low > high:
        raise ValueError(
            f"{name} from {show(low, unit)} to {show(high, unit)}: nothing lies between; give low, then high"
        )
    return AllowedRange(low, high)


def _read(name: str, text: str, unit: str) -> tuple[float, float]:
    for sign, side in _SIGNS.items():
        if text.startswith(sign):
            edge = _edge(name, text[len(sign) :], unit, math.nan)
            return (-math.inf, edge) if side < 0 else (edge, math.inf)
    for sign in ("±", "+-", "+/-"):
        if sign in text:
            middle, half = (_edge(name, part, unit, math.nan) for part in text.split(sign, 1))
            return middle - half, middle + half
    if found := _RANGE.match(text):
        if found[1] is None and found[2] is None:
            raise ValueError(f"{name}: {text!r} has no end; expected LOW:HIGH, such as {_sample(unit)}")
        return _edge(name, found[1], unit, -math.inf), _edge(name, found[2], unit, math.inf)
    edge = _edge(name, text, unit, math.nan)
    return edge, edge


def _edge(name: str, given: Any, unit: str, default: float) -> float:
    given = as_number(given)
    if given is None:
        return default
    if isinstance(given, str):
        text = given.strip()
        if re.fullmatch(r"[-+]?0*\.?0*", text) and "0" in text:
            return 0.0
        try:
            return float(parse(text, unit))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    if isinstance(given, bool) or not isinstance(given, (int, float)) or math.isnan(given):
        raise ValueError(
            f"{name}: {given!r} is no end of an interval; expected a number in {unit}, or text with a unit"
        )
    return float(given)


def _sample(unit: str) -> str:
    samples = {"Hz": "6GHz±1MHz", "A": "0:3mA", "T": "0:5kOe", "1": "0:0.1", "dBm": "-30dBm:", "W": "1nW:"}
    return samples.get(unit, f"1{unit}:2{unit}")


def known(measure: Measure | Named, device: Any, drive: Any) -> Measure:
    """The measure of a word. Raises ValueError for one that there is not, and for one with two meanings."""
    from_orbit = not isinstance(measure, Named) and measure.of_orbit
    units = units_of(device, drive)
    if from_orbit and measure.name in units and not getattr(measure, "options", ()):
        raise ValueError(
            f"{measure.name!r} is a parameter of {type(device).__name__} and a number of its orbit; write a function "
            f"of the device for the one, or rename the parameter"
        )
    if not isinstance(measure, Named):
        return measure
    if measure.name not in units:
        raise ValueError(
            f"{measure.name!r} is neither a number of the orbit nor a parameter; it can be {', '.join(QUANTITIES)}, "
            f"or {listed(units)}"
        )
    return Parameter(measure.name, units[measure.name])


def limits_of(device: Any, drive: Any, limits: Mapping[Any, Any] | None, box: Box) -> tuple[tuple[Limit, ...], Box]:
    """What must hold, and the box within the limits of the free parameters themselves. Raises ValueError for what there
    is not, and for limits that contradict each other."""
    if limits is None:
        return (), box
    if not isinstance(limits, Mapping):
        raise ValueError(wrong_kind("limits", limits, "a mapping", "as {'frequency': '6GHz±1MHz'}"))
    found, low, high = [], box.low.copy(), box.high.copy()
    for what, given in limits.items():
        measure = known(_limited(what), device, drive)
        interval = interval_of(measure.name, given, measure.unit)
        if interval == (-math.inf, math.inf):
            raise ValueError(f"the limit of {measure.name} is open on both sides; give an end, or leave it out")
        if not isinstance(measure, Parameter):
            found.append(Limit(measure, interval))
            continue
        if measure.name not in box.names:
            raise ValueError(
                f"{measure.name} is limited, and it is not free: it is "
                f"{show(value_at(device, drive, measure.name), measure.unit)}; set it, or give it as free"
            )
        k = box.names.index(measure.name)
        low[k], high[k] = max(low[k], interval.low), min(high[k], interval.high)
        if not low[k] < high[k]:
            raise ValueError(
                f"the limits of {measure.name} contradict each other: between {show(box.low[k], measure.unit)} and "
                f"{show(box.high[k], measure.unit)}, and {told(interval, measure.unit)}"
            )
    return tuple(found), box._replace(low=low, high=high)


def _limited(what: str | Callable[..., Any]) -> Measure | Named:
    return measure_of("a limit", what)


def told(interval: AllowedRange, unit: str) -> str:
    """An interval for a reader."""
    low, high = interval
    if low == high:
        return show(low, unit)
    if not math.isfinite(low):
        return f"≤ {show(high, unit)}"
    if not math.isfinite(high):
        return f"≥ {show(low, unit)}"
    return f"{show(low, unit)} to {show(high, unit)}"
