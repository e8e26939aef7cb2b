"""What may be tuned: numbers of the wiring and of the model, each between two values, from unbounded numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.numbers import checked_number
from llgrad.core.record import get_leaf, leaf_units, set_leaf
from llgrad.core.units import read_quantity
from llgrad.core.vector import Vec3
from llgrad.devices.array import OscillatorArray
from llgrad.devices.arrays.system_array import SystemArray
from llgrad.devices.system import System
from llgrad.drives.drive import CHANNEL_UNITS
from llgrad.reservoir.estimator import Reservoir
from llgrad.reservoir.running import count_of

WIRED: Final = ("gain", "bias", "feedback", "mask")
EDGE: Final = 0.02
"""A value outside its range, or nearer to an edge than this part of it, begins there."""


class Tunable(NamedTuple):
    """One quantity that is tuned."""

    name: str
    low: float
    high: float
    start: np.ndarray
    """() or of many numbers: those of a mask, of each oscillator of an array, of a coupling."""

    def physical(self, u: Any) -> Any:
        """low + (high − low)/(1 + e^{−u})."""
        return self.low + (self.high - self.low) * jax.nn.sigmoid(u)

    def unbounded(self, value: Any) -> np.ndarray:
        """The inverse, of a value that is moved inside."""
        fraction = np.clip((np.asarray(value, dtype=float) - self.low) / (self.high - self.low), EDGE, 1 - EDGE)
        return np.log(fraction / (1 - fraction))


def free_of(reservoir: Reservoir, free: Mapping[str, Any], features: int) -> tuple[Tunable, ...]:
    """What is tuned, by name: {"gain": (low, high), "field.z": ("0 T", "1 T"), "coupling": (−1e-3, 1e-3)}.

    Raises ValueError for a name that there is not, or for what is no range.
    """
    if not isinstance(free, Mapping) or not free:
        raise ValueError(
            f"free = {free!r}, expected ranges by name, as {{'gain': (0, 1e-2), 'current': ('0 mA', '2 mA')}}"
        )
    found = []
    for name, ends in free.items():
        low, high = _ends(name, ends, _unit(reservoir, name))
        found.append(Tunable(name, low, high, np.asarray(_value(reservoir, name, features), dtype=float)))
    return tuple(found)


def _unit(reservoir: Reservoir, name: str) -> str:
    """Of a number that is tuned, for ranges that are written with theirs."""
    member = getattr(reservoir.model, "oscillator", getattr(reservoir.model, "system", reservoir.model))
    if name in ("gain", "bias", "feedback"):
        return (member.inputs if isinstance(member, System) else CHANNEL_UNITS)[reservoir.input]
    if name == "coupling" and isinstance(reservoir.model, OscillatorArray):
        return "T"
    return leaf_units(member).get(name, "1")


def _ends(name: str, ends: Any, unit: str) -> tuple[float, float]:
    if not isinstance(ends, (tuple, list)) or len(ends) != 2:
        raise ValueError(f"free[{name!r}] = {ends!r}, expected two values (low, high)")
    low, high = (
        float(read_quantity(one, unit)) if isinstance(one, str) else checked_number(f"free[{name!r}]", one)
        for one in ends
    )
    if not (np.isfinite([low, high]).all() and low < high):
        raise ValueError(f"free[{name!r}] = ({ends[0]}, {ends[1]}), expected two finite values, the lower one first")
    return low, high


def _value(reservoir: Reservoir, name: str, features: int) -> Any:
    """The value of a name now."""
    wiring = reservoir.wiring(features)
    if name == "bias":
        count = count_of(reservoir.model)
        return np.broadcast_to(wiring.bias, (count,)) if count > 1 else wiring.bias
    if name in WIRED:
        return getattr(wiring, name)
    model = reservoir.model
    try:
        return _get(model, name)
    except (AttributeError, KeyError, ValueError, IndexError):
        raise ValueError(
            f"free has {name!r}, which is no number of {type(model).__name__}; tuned are {', '.join(WIRED)}, numbers "
            "of the model by their path, such as 'current' or 'field.z', and 'coupling' of an array"
        ) from None


def _get(model: Any, name: str) -> Any:
    if isinstance(model, (OscillatorArray, SystemArray)):
        if name == "coupling":
            return _weights(model)
        value = get_leaf(model.oscillator if isinstance(model, OscillatorArray) else model.system, name)
    else:
        value = get_leaf(model, name)
    if isinstance(value, Vec3) or not np.issubdtype(np.asarray(value).dtype, np.floating):
        raise ValueError(name)
    return value


def _weights(model: Any) -> Any:
    part: Any = model.coupling if isinstance(model, OscillatorArray) else model.mixes[0]
    return part.weights


def with_values(model: Any, wiring: Any, values: Mapping[str, Any]) -> tuple[Any, Any]:
    """Model and wiring with other numbers, which may be traced."""
    for name, value in values.items():
        if name in WIRED:
            wiring = eqx.tree_at(lambda w, name=name: getattr(w, name), wiring, value)
        elif name == "coupling" and isinstance(model, (OscillatorArray, SystemArray)):
            model = eqx.tree_at(_weights, model, value)
        elif isinstance(model, OscillatorArray):
            model = eqx.tree_at(lambda m: m.oscillator, model, set_leaf(model.oscillator, name, value))
        elif isinstance(model, SystemArray):
            model = eqx.tree_at(lambda m: m.system, model, set_leaf(model.system, name, value))
        else:
            model = set_leaf(model, name, value)
    return model, wiring


def tuned(reservoir: Reservoir, values: Mapping[str, Any]) -> Reservoir:
    """A reservoir with these numbers."""
    known = {name: np.asarray(value, dtype=float) for name, value in values.items()}
    inside = {name: float(value) if value.ndim == 0 else value for name, value in known.items()}
    if (count := count_of(reservoir.model)) > 1:  # one value for all of an array
        inside |= {name: np.full(count, v) for name, v in inside.items() if name not in WIRED and np.ndim(v) == 0}
    model, _ = with_values(reservoir.model, None, {k: v for k, v in inside.items() if k not in WIRED})
    changed = {name: inside[name] for name in WIRED if name in inside}
    return type(reservoir)(**{**reservoir.get_params(), "model": model, **changed})


def zeros_off_diagonal(name: str, value: Any) -> Any:
    """A coupling without what acts on itself."""
    if name != "coupling" or jnp.ndim(value) != 2:
        return value
    return value * (1 - jnp.eye(value.shape[0], dtype=value.dtype))
