"""A device with what is swept left open: the strength of a field along an axis, its angle, or any number of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from llgrad.core.rechecking import rechecked
from llgrad.core.record import as_number, get_leaf, leaf_units, set_leaf
from llgrad.core.units import read_quantity
from llgrad.core.vector import Vec3
from llgrad.devices.oscillator import Oscillator
from llgrad.orbits.branches.family import Family
from llgrad.orbits.flow import Flow, flow_of
from llgrad.physics.stacks.stack import Stack

MOST_STEPS: Final = 1_000_000
OF_THE_FIELD: Final = {"field": "T", "polar": "rad", "azimuth": "rad"}
"""What can be swept of the applied field, with its unit."""
Device = Oscillator | Stack
Angle = Sequence[float | str] | Float[np.ndarray, "2"] | Float[jax.Array, "2"]
"""Polar and azimuthal angle [rad], or texts such as "90deg"."""


def angles_of(angle: Any) -> np.ndarray:
    """(θ, φ) [rad] (2,), or several (K, 2). Raises ValueError for anything else, and for angles beyond a full turn."""
    given = np.array(angle, dtype=object) if isinstance(angle, (list, tuple)) else np.asarray(angle)
    if given.ndim not in (1, 2) or given.shape[-1] != 2:
        raise ValueError(
            f"angle = {angle!r}, expected a polar and an azimuthal angle in radians, (θ, φ), or a list of such pairs"
        )
    parts = [
        math.fmod(read_quantity(part, "rad"), math.tau) if isinstance(part, str) else as_number(part)
        for part in given.ravel().tolist()
    ]
    if wrong := [part for part in parts if isinstance(part, bool) or not isinstance(part, (int, float))]:
        raise ValueError(f'angle = {angle!r} holds {wrong[0]!r}, expected radians, or texts such as "90deg"')
    if far := [part for part in parts if not abs(part) <= math.tau * (1 + 1e-6)]:
        raise ValueError(
            f"angle = {angle!r}: {far[0]:g} rad is no angle within a full turn; angles are in radians, and "
            f'"{far[0]:g}deg" is in degrees'
        )
    return np.asarray(parts, float).reshape(given.shape)


class Swept(Family):
    """The flows of a device over what is swept. `path` is "field", "polar", "azimuth", or the path of a number."""

    polar: Any
    azimuth: Any
    strength: Any
    """Of the field, where an angle is swept."""

    def placed(self, value: Any) -> Any:
        """The device at a value of what is swept."""
        if self.path == "field":
            axis, own = along(self.polar, self.azimuth), self.device.field
            field = own + axis * (value - own.dot(axis))
        elif self.path == "polar":
            field = along(value, self.azimuth) * self.strength
        elif self.path == "azimuth":
            field = along(self.polar, value) * self.strength
        else:
            return set_leaf(self.device, self.path, value)
        return eqx.tree_at(lambda device: device.field, self.device, field)

    def flow(self, value: Any) -> Flow:
        return flow_of(self.placed(value), None, self.scale)

    def axis(self, value: float) -> np.ndarray:
        """The direction (3,) along which M is told: that of the field."""
        polar = value if self.path == "polar" else self.polar
        azimuth = value if self.path == "azimuth" else self.azimuth
        return np.asarray(along(polar, azimuth).stack(), float)


def along(polar: Any, azimuth: Any) -> Vec3:
    """The unit vector of angles [rad], from z and from x."""
    return Vec3(jnp.sin(polar) * jnp.cos(azimuth), jnp.sin(polar) * jnp.sin(azimuth), jnp.cos(polar))


class SweptRange(NamedTuple):
    """What is swept, from where to where, in how many steps."""

    parameter: str
    start: float
    stop: float
    unit: str
    steps: int

    @property
    def values(self) -> np.ndarray:
        """Of a sweep (P,)."""
        return np.linspace(self.start, self.stop, self.steps + 1)

    @property
    def spacing(self) -> float:
        """Between two values."""
        return abs(self.stop - self.start) / self.steps


def swept(device: Device, span: SweptRange, angle: tuple[float, float]) -> Swept:
    """The family of a device. Raises ValueError for an angle of a field that is zero, or along z whatever it is."""
    strength = float(jnp.sqrt(device.field.norm2()))
    if span.parameter in ("polar", "azimuth") and strength == 0.0:
        raise ValueError(
            f"{span.parameter} is the angle of a field, and this device is in none; give it one, "
            "as in device.replace(field=(0, 0, 0.05))"
        )
    flow = flow_of(device)
    size = abs(span.stop - span.start)
    polar, azimuth = float(angle[0]), float(angle[1])
    if span.parameter == "azimuth" and abs(np.sin(polar)) < 1e-9:
        raise ValueError(
            f"azimuth is swept at a polar angle of {polar:g} rad, where the field is along z at every azimuth; give "
            "the polar angle too, as in angle=(1.5708, 0)"
        )
    return Swept(device, flow.scale, size, None, span.parameter, flow.shape, polar, azimuth, strength)


def range_of(device: Device, parameter: Any, start: Any, stop: Any, steps: Any) -> SweptRange:
    """What is swept. Raises ValueError for what the device has not, ends that are none, and a number of steps that is
    none."""
    units = leaf_units(device) | OF_THE_FIELD
    if parameter not in units:
        numbers = ", ".join(name for name in units if name not in OF_THE_FIELD)
        raise ValueError(
            f"the device has no number {parameter!r} to sweep; it can be field (along angle), polar or azimuth (of the "
            f"field), or one of {numbers}"
        )
    if parameter not in OF_THE_FIELD and get_leaf(device, parameter) is None:
        raise ValueError(f"{parameter} of this device is not set, so that it cannot be swept; give it a value first")
    ends = [float(end) for end in (start, stop)]
    if not np.isfinite(ends).all() or ends[0] == ends[1]:
        raise ValueError(f"{parameter} from {start} to {stop}: expected two different values in {units[parameter]}")
    for end in ends:
        if parameter == "field":
            rechecked(device.replace(field=(0.0, 0.0, end)))
        elif parameter not in OF_THE_FIELD:
            rechecked(set_leaf(device, parameter, end))
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 2:
        raise ValueError(f"steps = {steps!r}, expected the number of steps of a sweep, a whole number from 2")
    if steps > MOST_STEPS:
        raise ValueError(f"steps = {steps}, expected {MOST_STEPS} at most; jumps are exact, whatever the steps")
    return SweptRange(parameter, ends[0], ends[1], units[parameter], int(steps))
