"""Numbers of a device as parameters of a module: unbounded for PyTorch's optimisers, within bounds for the physics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from llgrad.core.record import get_leaf, is_concrete, leaf_units, listed
from llgrad.core.units import parse
from llgrad.devices.bounds import Between, Bound, Positive, Unbounded, default_bound
from llgrad.devices.system import System
from llgrad.fitting.systems.parameters import declared_bound
from llgrad.torch.library import torch

KINDS = (Between, Positive, Unbounded)
"""Bounds that a state_dict can tell, by their place here."""


class FreeNumber(NamedTuple):
    """A number of a device that is trained, or an array of them: one for each member of an array of devices."""

    path: str
    name: str
    """The path as a name of Python's: "field_z" of "field.z"."""
    unit: str
    bound: Bound
    start: np.ndarray
    """Unbounded u where training begins."""


def named(path: str) -> str:
    """A path as a name of Python's."""
    return path.replace(".", "_")


def free_numbers(model: Any, free: Any) -> tuple[FreeNumber, ...]:
    """What is trained. Raises ValueError, in one sentence, for a name that there is not, or a bound that excludes its
    start."""
    wanted = dict(free) if isinstance(free, Mapping) else dict.fromkeys([free] if isinstance(free, str) else free)
    units = leaf_units(model)
    check_names("free", wanted, units)
    return tuple(_free_number(model, path, units[path], bound) for path, bound in wanted.items())


def check_names(argument: str, paths: Iterable[str], known: Mapping[str, str]) -> None:
    """Raise ValueError for a path that is not known, or two that would have one name."""
    seen: dict[str, str] = {}
    for path in paths:
        if path not in known:
            raise ValueError(f"{argument} has {path!r}, expected one of {listed(known)}")
        if (other := seen.setdefault(named(path), path)) != path:
            raise ValueError(f"{argument} has {other!r} and {path!r}, which would both be named {named(path)!r}")


def _free_number(model: Any, path: str, unit: str, bound: Any) -> FreeNumber:
    value = get_leaf(model, path)
    if not is_concrete(value):
        raise ValueError(f"{path} = {value!r} is no number, so it cannot be trained; give the device one")
    start = np.asarray(value, float)
    bound = _bound(model, path, unit, start, bound)
    inside = [bound.inside(value) for value in start.ravel().tolist()]
    if not all(map(bound.contains, inside)):
        raise ValueError(
            f"the start {path} = {start.flat[0]:g} {unit} is outside its bound ({bound.describe(unit)}); move the "
            "start or widen the bound"
        )
    return FreeNumber(path, named(path), unit, bound, np.reshape([bound.free(value) for value in inside], start.shape))


def _bound(model: Any, path: str, unit: str, start: np.ndarray, given: Any) -> Bound:
    """The bound that is given: one of `lg.systems`, or a pair (low, high); None is the usual one of a fit."""
    if isinstance(given, Bound):
        return given
    if isinstance(given, (tuple, list)) and len(given) == 2:
        low, high = (parse(edge, unit) for edge in given)
        if not low < high:
            raise ValueError(f"free[{path!r}] = {given!r}, expected a lower value before a higher one")
        return Between(low, high)
    if given is not None:
        raise ValueError(
            f"free[{path!r}] = {given!r}, expected a pair (low, high), a bound such as lg.systems.positive(), or None"
        )
    typical = float(np.max(np.abs(start)))
    return (
        declared_bound(model, path, unit, typical) if isinstance(model, System) else default_bound(path, unit, typical)
    )


def table_of_bounds(numbers: Iterable[FreeNumber]) -> Any:
    """(kind, low or scale, high) of each bound, which a state_dict holds so that it is not read by another one."""
    rows = []
    for number in numbers:
        bound = number.bound
        kind = KINDS.index(type(bound)) if type(bound) in KINDS else -1
        edges = (bound.low, bound.high) if isinstance(bound, Between) else (getattr(bound, "scale", 0.0), 0.0)
        rows.append((float(kind), *map(float, edges)))
    return torch.tensor(rows, dtype=torch.float64).reshape(-1, 3)


def physical(numbers: tuple[FreeNumber, ...], unbounded: Iterable[Any]) -> dict[str, Any]:
    """Physical values [SI] by path, of unbounded arrays."""
    return {number.path: number.bound.physical(jnp.asarray(u)) for number, u in zip(numbers, unbounded, strict=True)}
