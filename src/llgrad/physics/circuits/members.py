"""What a circuit asks of the devices in it: an `Oscillator` with a junction, and the systems that have a resistance: a
`Stack` with barriers, a `Heated` device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from llgrad.core.field_term import Inputs
from llgrad.core.vector import Vec3
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.states.default import default_start
from llgrad.devices.system import Spin, System
from llgrad.physics.electric.biased import FollowingJunction
from llgrad.physics.equation import equation_of_motion
from llgrad.physics.llg import llg
from llgrad.physics.stacks.stack import TERMINALS, Stack, spread_directions
from llgrad.physics.thermal import thermal_deviation

Device = Any
"""An `Oscillator`, a `Stack` or a `Heated` one."""


def laws_of(device: Device) -> list[Any]:
    """The laws of its resistances."""
    if isinstance(device, System) and not isinstance(device, Stack):
        return laws_of(device.device)  # type: ignore[attr-defined]
    return [part.junction for part in device.barriers] if isinstance(device, Stack) else [device.junction]


def start_of(device: Device) -> Any:
    """The state in which it starts."""
    if isinstance(device, System):
        return device.start()
    m = default_start(device)
    return Spin(m.x, m.y, m.z)


def some_state_of(device: Device) -> Any:
    """A state of the form of its start."""
    up = Spin(0.0, 0.0, 1.0)
    if isinstance(device, Stack):
        return {layer.name: up for layer in device.free}
    return device.some_state() if isinstance(device, System) else up  # type: ignore[attr-defined]


def spread_states_of(device: Device, place: int) -> tuple[Any, int]:
    """Many states in all directions, in an order that is another at each place, and how many unit vectors they have."""
    if isinstance(device, Stack):
        return {layer.name: spread_directions(place + i) for i, layer in enumerate(device.free)}, len(device.free)
    if isinstance(device, System):
        return device.spread_states(place)  # type: ignore[attr-defined]
    return spread_directions(place), 1


def emitted_of(device: Device, state: Any) -> Iterable[tuple[str, Any]]:
    """What others may feel of it, by name; the direction of an oscillator has none."""
    if isinstance(device, System):
        return device.emit(state).items()
    return [("", Vec3(state.x, state.y, state.z))]


def noises_of(device: Device) -> int:
    """How many white noises it has."""
    if isinstance(device, System):
        return device.noises
    return 0 if device.temperature is None else 3


def terminals_of(device: Device) -> dict[str, str]:
    """Units of what acts on it beside current, voltage and field, by name."""
    if isinstance(device, System):
        return {name: unit for name, unit in device.inputs.items() if name not in (*TERMINALS, "voltage")}
    return {}


def resistance_of(device: Device, state: Any) -> Any:
    """Its resistance [Ω] in a state."""
    if isinstance(device, System):
        return device.resistance(state)  # type: ignore[attr-defined]
    return device.junction.resistance(Vec3(state.x, state.y, state.z).dot(device.polariser))  # type: ignore[union-attr]


def current_at(device: Device, state: Any, voltage: Any) -> Any:
    """The current [A] in a state with a voltage [V] across it."""
    if isinstance(device, System):
        return device.current_at(state, voltage)  # type: ignore[attr-defined]
    cosine = Vec3(state.x, state.y, state.z).dot(device.polariser)
    return device.junction.current(cosine, voltage)  # type: ignore[union-attr]


def lowest_resistance(device: Device) -> Any:
    """The lowest resistance [Ω] of its junctions or barriers that a direction gives."""
    return min(float(jnp.min(law.resistance(jnp.linspace(-1.0, 1.0, 21)))) for law in laws_of(device))


def falling_current(device: Device) -> float | None:
    """A voltage [V] from which on the current of a law of its junctions falls, up to 2 V; None where there is none."""
    volts, cosine = np.linspace(0.0, 2.0, 201), np.linspace(-1.0, 1.0, 21)[:, None]
    for law in laws_of(device):
        if not law.follows_voltage or isinstance(law, FollowingJunction):
            continue  # these have been checked when they were made
        for sign in (1.0, -1.0):
            current = volts / np.asarray(law.at_voltage(cosine, sign * volts))
            if len(places := np.flatnonzero((np.diff(current) <= 0).any(axis=0))):
                return float(sign * volts[places[0]])
    return None


def rate_of(device: Device, state: Any, given: Inputs) -> Any:
    """d/dt [1/s] of its state, with the current through it, the applied field and its terminals in `given`."""
    if isinstance(device, System):
        return device.rate(state, given)
    m, total = Vec3(state.x, state.y, state.z), _field(device, state, given)
    if noises_of(device):
        total = total + Vec3(*given.noise) * thermal_deviation(device, device.temperature, 1.0)
    return llg(m, total, device.gamma, device.alpha)


def pace_of(device: Device, state: Any, given: Inputs) -> Any:
    """How fast it may turn in a state [rad/s]."""
    if isinstance(device, System):
        return device.pace(state, given)  # type: ignore[attr-defined]
    return device.gamma * jnp.sqrt(jnp.asarray(_field(device, state, given).norm2()))


def observed_of(device: Device, state: Any, given: Inputs) -> Mapping[str, Any]:
    """What it tells of a state beside its voltage and current: its resistance, and what a stack records."""
    if isinstance(device, System):
        return {name: value for name, value in device.observe(state, given).items() if name != "voltage"}
    cosine = Vec3(state.x, state.y, state.z).dot(device.polariser)
    return {"resistance": device.junction.at_current(cosine, given.current)}  # type: ignore[union-attr]


def outputs_of(device: Device) -> dict[str, str]:
    """The units of `observed_of`."""
    if isinstance(device, System):
        return {name: unit for name, unit in device.outputs.items() if name != "voltage"}
    return {"resistance": "Ω"}


def _field(device: Oscillator, m: Any, given: Inputs) -> Vec3:
    """The effective field [T] of an oscillator, without noise."""
    applied = Vec3(given.field_x, given.field_y, given.field_z)
    equation = equation_of_motion(device)
    return equation.effective_field(Vec3(m.x, m.y, m.z), applied, given.current, given.t * 1e9)
