"""What is varied: numbers of a device by their names, and the device at a point."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from llgrad.core.rechecking import rechecked
from llgrad.core.record import get_leaf, leaf_units, rows_of
from llgrad.core.speed.namespace import namespace
from llgrad.core.units import read_quantity, show
from llgrad.core.vector import Vec3
from llgrad.devices.array import OscillatorArray
from llgrad.orbits.branches.family import set_value

ANGLES: Final = {"polar": "rad", "azimuthal": "rad"}
MOST: Final = 2
MOST_VALUES: Final = 1_000_000
LOG: Final = "log"
_NUMBER: Final = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*)$")


class Axis(NamedTuple):
    """One parameter and its values."""

    name: str
    unit: str
    values: np.ndarray
    """(P,), in SI, ascending or descending."""

    @property
    def logarithmic(self) -> bool:
        """Whether the values are spaced evenly in their logarithm, and not in themselves."""
        size = np.abs(self.values)
        if len(size) < 3 or not (size > 0).all():
            return False
        steps = np.diff(np.log(size))
        return bool(np.ptp(steps) < 1e-6 * np.abs(steps).max())

    def __repr__(self) -> str:
        first, last = (show(float(f"{value:.6g}"), self.unit) for value in self.values[[0, -1]])
        return f"{self.name} from {first} to {last} in {len(self.values)} steps"


def axes_of(device: Any, parameters: Any) -> tuple[Axis, ...]:
    """The axes of {name: values}. Raises ValueError for a name that the device has not, for values that are none, and
    for more than two."""
    if not isinstance(parameters, Mapping) or not parameters:
        raise ValueError(
            f"parameters = {parameters!r}, expected one or two with their values, as in "
            "{'current': np.linspace(1e-3, 5e-3, 101)}"
        )
    if len(parameters) > MOST:
        raise ValueError(
            f"{len(parameters)} parameters are varied ({', '.join(map(str, parameters))}), expected one or two; give "
            "the others fixed values"
        )
    known = names_of(device)
    axes = tuple(axis_of(known, name, values) for name, values in parameters.items())
    _check_together(axes)
    for axis in axes:
        _check_alike(device, axis.name)
        for value in axis.values[[0, -1]]:
            rechecked(at(device, [axis.name], [float(value)]))
    return axes


def names_of(device: Any) -> dict[str, str]:
    """The unit of everything that can be varied, by its name: every number, and of every vector its length ("field")
    and its angles ("field.polar", "field.azimuthal"). Of an array those of each oscillator."""
    record = _record(device)
    found = leaf_units(record)
    for path, value, unit, _ in rows_of(record):
        if isinstance(value, Vec3):
            found |= {} if unit == "1" else {path: unit}
            found |= {f"{path}.{angle}": "rad" for angle in ANGLES}
    return found


def at(device: Any, names: Sequence[str], values: Sequence[Any]) -> Any:
    """The device with parameters changed; differentiable, and for traced values."""
    turned: dict[str, dict[str, Any]] = {}
    for name, value in zip(names, values, strict=True):
        vector, part = _split(device, name)
        if vector is None:
            device = _with(device, name, value)
        else:
            turned.setdefault(vector, {})[part] = value
    for vector, parts in turned.items():
        size, polar, azimuthal = (parts.get(part, own) for part, own in _spherical(device, vector).items())
        xp = namespace(size, polar, azimuthal)
        across = size * xp.sin(polar)
        components = across * xp.cos(azimuthal), across * xp.sin(azimuthal), size * xp.cos(polar)
        for axis, component in zip("xyz", components, strict=True):
            device = _with(device, f"{vector}.{axis}", float(component) if xp is np else component)
    return device


def read_range(text: str, unit: str, name: str) -> np.ndarray:
    """The values of "0:5mA:101", or in even steps of the logarithm of "0.1mA:5mA:51:log".

    The first value may leave its unit to the second one.
    """
    parts = [part.strip() for part in text.split(":")]
    if len(parts) not in (3, 4) or (len(parts) == 4 and parts[3] != LOG):
        raise ValueError(f"{name} {text!r}: expected FIRST:LAST:NUMBER, such as 0:5mA:101, or with :log behind it")
    if not parts[2].isdigit():
        raise ValueError(f"{name} {text!r}: {parts[2]!r} is no number of values; expected FIRST:LAST:NUMBER")
    if int(parts[2]) < 2:
        raise ValueError(f"{name} {text!r}: a range of {parts[2]} values has no two ends; give it 2 or more")
    if int(parts[2]) > MOST_VALUES:
        raise ValueError(f"{name} {text!r}: a range has {MOST_VALUES} values at most; give fewer")
    first, last = _NUMBER.match(parts[0]), _NUMBER.match(parts[1])
    if first is None or last is None:
        raise ValueError(f"{name} {text!r}: expected two ends with units, as in 0:5mA:101")
    try:
        low = float(read_quantity(f"{first[1]}{first[2] or last[2]}", unit))
        high = float(read_quantity(parts[1], unit))
    except ValueError as error:
        raise ValueError(f"{name} {text!r}: {error}") from None
    if len(parts) == 3:
        return np.linspace(low, high, int(parts[2]))
    if not low * high > 0:
        raise ValueError(f"{name} {text!r}: a logarithmic range has two ends of one sign, neither of them 0")
    return np.geomspace(low, high, int(parts[2]))


def axis_of(known: Mapping[str, str], name: Any, values: Any) -> Axis:
    """The axis of a name, whose units are `known`. Raises ValueError for another name, and for values that are none."""
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=1)
        guess = f" (did you mean {near[0]!r}?)" if near else ""
        raise ValueError(f"unknown parameter {name!r}{guess}; it can be {', '.join(known)}")
    unit = known[name]
    if isinstance(values, str):
        return Axis(name, unit, _checked(name, read_range(values, unit, name)))
    if isinstance(values, (list, tuple)) and any(isinstance(value, str) for value in values):
        try:
            values = [read_quantity(value, unit) for value in values]
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return Axis(name, unit, _checked(name, values))


def _checked(name: str, values: Any) -> np.ndarray:
    try:
        found = np.array(values, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} = {values!r}, expected numbers in SI units, or text such as '0:5mA:101'") from None
    if found.ndim != 1 or len(found) < 2:
        raise ValueError(
            f"{name} has values of the shape {found.shape}, expected a list of two or more; a fixed value belongs to "
            "the device"
        )
    steps = np.diff(found)
    if not np.isfinite(found).all() or not ((steps > 0).all() or (steps < 0).all()):
        raise ValueError(f"the values of {name} must be finite, and ascend or descend; sort them, each once")
    return found


def _check_together(axes: Sequence[Axis]) -> None:
    """Raises ValueError where two axes say the same."""
    parts = [axis.name.rpartition(".") for axis in axes]
    if len(axes) == 2:
        (one, _, last), (other, _, end) = parts
        names = {axis.name for axis in axes}
        length = one in names or other in names or last in ANGLES or end in ANGLES
        same = (one or last) == (other or end)
        if same and length and ((last in "xyz" and one) or (end in "xyz" and other)):
            raise ValueError(
                f"{axes[0].name} and {axes[1].name} say the same vector twice; vary two components, or length and angle"
            )


def _record(device: Any) -> Any:
    return device.oscillator if isinstance(device, OscillatorArray) else device


def _split(device: Any, name: str) -> tuple[str | None, str]:
    """The vector and the part of it that a name is; None of any other number."""
    head, _, last = name.rpartition(".")
    record = _record(device)
    if last in ANGLES:
        return head, last
    return (name, "length") if isinstance(get_leaf(record, name), Vec3) else (None, name)


def _with(device: Any, path: str, value: Any) -> Any:
    return set_value(device, f"oscillator.{path}" if isinstance(device, OscillatorArray) else path, value)


def _spherical(device: Any, path: str) -> dict[str, Any]:
    """Length and angles [rad] of a vector; of one that is zero those of z."""
    vector = get_leaf(_record(device), path)
    xp = namespace(vector)
    x, y, z = (xp.ravel(xp.asarray(part))[0] for part in (vector.x, vector.y, vector.z))
    size = xp.sqrt(x * x + y * y + z * z)
    return {"length": size, "polar": xp.arctan2(xp.hypot(x, y), z), "azimuthal": xp.arctan2(y, x)}


def _check_alike(device: Any, name: str) -> None:
    """Raises ValueError for the length or an angle of a vector that is not the same of all oscillators."""
    path, _ = _split(device, name)
    if path is not None:
        vector = get_leaf(_record(device), path)
        if any(np.ptp(np.asarray(part, float)) > 0 for part in (vector.x, vector.y, vector.z)):
            raise ValueError(f"{path} is not the same of all oscillators; vary its components")
