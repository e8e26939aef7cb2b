"""Many independent runs of one device, side by side, with states as arrays (N, n) of numbers."""

from __future__ import annotations

from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.devices.array import OscillatorArray
from llgrad.devices.arrays.system_array import SystemArray
from llgrad.devices.oscillator import Oscillator
from llgrad.drives.drive import Drive
from llgrad.kernels.steppers import RK4, Heun
from llgrad.physics.stacks.stack import Stack
from llgrad.solve.saving import End, Every
from llgrad.solve.simulate import simulate
from llgrad.solve.step_size import suggest_dt
from llgrad.solve.systems import step_of_system

Model = Oscillator | Stack
COARSER: Final = 2.5
"""So many times longer than that of `suggest_dt` is the step of a noisy run, 0.05 rad: what it leaves of an error is
far below the scatter of the runs."""


def check_model(device: Any) -> None:
    """Raise ValueError for anything but an Oscillator or a Stack."""
    check_kind("device", device, (Oscillator, Stack), "see llgrad.presets")


def at_temperature(device: Any, temperature: Any, what: str) -> Any:
    """The device at a temperature [K], by default its own. Raises ValueError where there is none."""
    own = device.temperature if temperature is None else temperature
    warm = isinstance(own, (int, float, np.number)) and not isinstance(own, bool) and 0 < float(own) < 1e4
    if not warm:
        raise ValueError(
            f"temperature = {own!r}: {what} is that of thermal agitation, expected a temperature in kelvin; give "
            "temperature=300.0"
        )
    return device.replace(temperature=float(own))


def cold(device: Any) -> Any:
    """The device without noise."""
    return device.replace(temperature=None if isinstance(device, Stack) else 0.0)


def noisy_step(device: Any, drive: Any) -> float:
    """The time step [s] of a noisy run."""
    if isinstance(device, Oscillator):
        resting = COARSER * suggest_dt(device, None, Heun())
        driven = COARSER * suggest_dt(device, drive, Heun())
    else:
        resting = COARSER * step_of_system(device, {}, Heun(), None)
        driven = resting
    waveforms = () if drive is None else _waveforms(drive).values()
    shortest = min((float(waveform.shortest_time()) / 20 for waveform in waveforms), default=np.inf)
    return min(resting, driven, shortest)


def quiet_step(device: Any) -> float:
    """The time step [s] of a run without noise."""
    return suggest_dt(device) if isinstance(device, Oscillator) else step_of_system(device, {}, RK4(), None)


def _waveforms(drive: Any) -> dict[str, Any]:
    return drive.channels() if isinstance(drive, Drive) else dict(drive)


def run_many(
    device: Any, states: np.ndarray, duration: float, dt: float, drive: Any = None, key: Any = None, every: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Times (T,) [s] and states (T, N, n), the initial ones first, after every so-many steps of N runs from `states`
    (N, n); with every = 0 the last one only. With a key the device's thermal noise acts on each run for itself.
    """
    device = device if key is not None else cold(device)
    settings: dict[str, Any] = {"duration": duration, "dt": dt, "drive": drive, "key": key}
    settings["save"] = End() if every == 0 else Every(every)
    if isinstance(device, Oscillator):
        run = simulate(OscillatorArray(device, len(states)), m0=jnp.asarray(states, jnp.result_type(float)), **settings)
        return np.asarray(run.t, float), np.asarray(run.m)
    started = simulate(SystemArray(device, len(states)), m0=state_of(device, states.T), **settings)
    return np.asarray(started.t, float), np.stack([np.asarray(leaf) for leaf in jax.tree.leaves(started.state)], -1)


def state_of(stack: Stack, columns: Any) -> Any:
    """The state of a stack from its numbers, the last axis that of many states."""
    dtype = jnp.result_type(float)
    return jax.tree.unflatten(jax.tree.structure(stack.start()), [jnp.asarray(column, dtype) for column in columns])
