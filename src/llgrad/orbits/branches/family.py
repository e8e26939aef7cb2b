"""A device with one of its numbers left open: fixed points as curves in state and number."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.rechecking import rechecked
from llgrad.core.record import get_leaf, is_table, leaf_units, set_leaf
from llgrad.core.speed.quick import quick_jit
from llgrad.devices.array import OscillatorArray
from llgrad.devices.arrays.system_array import SystemArray
from llgrad.devices.system import System
from llgrad.orbits.chart import Chart, chart_at
from llgrad.orbits.flow import Flow, StateShape, flow_of


class Family(eqx.Module):
    """The flows of a device over one number."""

    device: Any
    scale: Any
    """Units of the components that are no unit vectors."""
    size: Any
    """Unit of the number: a typical change."""
    time: float | None = eqx.field(static=True)
    path: str = eqx.field(static=True)
    shape: StateShape = eqx.field(static=True)

    def flow(self, value: Any) -> Flow:
        """The flow at a value of the number."""
        return flow_of(set_value(self.device, self.path, value), self.time, self.scale)


class FollowedRange(NamedTuple):
    """The number, by its path, and between which values it is followed."""

    path: str
    start: float
    stop: float
    unit: str
    box: tuple[np.ndarray, np.ndarray] | None = None
    """Least and largest value (n,) of each number of a state that is looked at: of unit vectors without bounds."""


class FollowedNumber(NamedTuple):
    """A number of a device that can be followed: where the record is that has it, the record, and the number's unit."""

    place: str
    record: Any
    unit: str


def number_of(device: Any, parameter: Any) -> FollowedNumber:
    """The number that is followed. Raises ValueError for one that the device has not, or that the members of an array
    have each of its own."""
    place = _place_of_members(device)
    record = getattr(device, place) if place else device
    units = {path: unit for path, unit in leaf_units(record).items() if not (place and _is_in_table(record, path))}
    if parameter not in units:
        raise ValueError(f"the device has no number {parameter!r} to follow; it has {', '.join(units)}")
    if place and np.ptp(own := np.asarray(get_leaf(record, parameter), float)) > 0:
        raise ValueError(
            f"the members have each a {parameter} of its own, from {own.min():g} to {own.max():g} {units[parameter]}, "
            "and all would be given the same; give them one value, or follow another number"
        )
    return FollowedNumber(place, record, units[parameter])


def range_of(device: Any, parameter: Any, start: Any, stop: Any) -> FollowedRange:
    """The number that is followed, and between which values. Raises ValueError as `number_of`, or for ends that are
    none, or are no values of the device."""
    place, record, unit = number_of(device, parameter)
    ends = [float(end) for end in (start, stop)]
    if not np.isfinite(ends).all() or ends[0] == ends[1]:
        raise ValueError(f"{parameter} from {start} to {stop}: expected two different values in {unit}")
    for end in ends:
        rechecked(set_leaf(record, parameter, end))
    return FollowedRange(f"{place}.{parameter}" if place else parameter, min(ends), max(ends), unit)


def _place_of_members(device: Any) -> str:
    """Where an array has its members; empty of one device."""
    return {OscillatorArray: "oscillator", SystemArray: "system"}.get(type(device), "")


def _is_in_table(record: Any, path: str) -> bool:
    parent, _, last = path.rpartition(".")
    return last.isdigit() and is_table(record, parent)


def family_of(device: Any, span: FollowedRange, time: float | None) -> Family:
    """The family of a device over a range."""
    flow = flow_of(set_value(device, span.path, (span.start + span.stop) / 2), time)
    if isinstance(device, (System, SystemArray)) and time is None:
        time = 0.0  # that the rate does not depend on it has been looked at
    return Family(device, flow.scale, span.stop - span.start, time, span.path, flow.shape)


def set_value(device: Any, path: str, value: Any) -> Any:
    """The device with one number changed; of an array, for every member."""
    if isinstance(device, (OscillatorArray, SystemArray)):
        value = jnp.full(device.count, value) if isinstance(value, jax.Array) else np.full(device.count, value)
    return set_leaf(device, path, value)


class BranchPoint(NamedTuple):
    """A point of a branch."""

    y: Any
    value: Any
    slope: Any
    """∂(dq/dt)/∂(q, number in its unit) (n, n + 1) [1/ns]."""
    frames: Any
    left: Any
    """What is left of dq/dt."""


@partial(quick_jit, compiled=jax.jit)
def local_at(family: Family, y: Any, value: Any) -> BranchPoint:
    """The equation near a state (d,) and a value."""
    chart = chart_at(family.flow(value), y)
    zero = jnp.zeros(family.flow(value).shape.freedom + 1, y.dtype)
    slope = jax.jacfwd(lambda u: velocity(family, chart, value, u))(zero)
    left = velocity(family, chart, value, zero)
    return BranchPoint(y, value, slope, chart.frames, jnp.sqrt(jnp.sum(left * left)))


def velocity(family: Family, chart: Chart, value: Any, u: Any) -> Any:
    """dq/dt (n,) [1/ns] at u = (q, change of the number in its unit)."""
    flow = family.flow(value + u[-1] * family.size)
    return chart.velocity(flow, u[:-1])


@partial(quick_jit, compiled=jax.jit)
def corrected(family: Family, y: Any, value: Any, direction: Any, length: Any) -> BranchPoint:
    """The point of the branch in the plane across a direction (n + 1,), a length away: Newton's method."""
    chart = chart_at(family.flow(value), y)

    def residual(u: Any) -> Any:
        return jnp.append(velocity(family, chart, value, u), jnp.dot(direction, u) - length)

    def newton(_: Any, u: Any) -> Any:
        return u - jnp.linalg.solve(jax.jacfwd(residual)(u), residual(u))

    u = jax.lax.fori_loop(0, 6, newton, direction * length)
    flow = family.flow(value + u[-1] * family.size)
    return local_at(family, chart.state(flow, u[:-1]), value + u[-1] * family.size)
