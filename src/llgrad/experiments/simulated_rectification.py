"""The direct voltage that a device makes of a microwave, by simulation: of oscillating devices, by strong ones."""

from __future__ import annotations

import math
from typing import Any, Final

import jax.numpy as jnp

from llgrad.devices.oscillator import Oscillator
from llgrad.drives.drive import Drive
from llgrad.drives.sine import Sine
from llgrad.experiments.rectification import Microwave, junction_of
from llgrad.observables.resistance import voltage
from llgrad.orbits.equilibria.relaxed import relaxed
from llgrad.solve.simulate import simulate
from llgrad.solve.step_size import suggest_dt

DECAYS: Final = 12.0
"""Decay times of the static state to wait before the average, where nobody says how long."""
LONGEST_WAIT: Final = 1e-6
"""The longest such wait [s]."""


def rectified_by_simulation(
    device: Oscillator,
    microwave: Microwave,
    frequency: float,
    *,
    settle: float | None = None,
    periods: int = 100,
    m0: Any = None,
    dt: float | None = None,
) -> Any:
    """The rectified voltage [V] from two runs, with and without the microwave: ⟨I R⟩ − ⟨I R⟩₀.

    That is what a lock-in amplifier sees of a microwave switched on and off. The mean is taken over `periods` periods
    (under the weights sin², which a whole number of periods does not feel), after `settle` seconds: by default 12
    decay times of the static state, at most 1 µs. The runs start in the static state of `m0` (by default 1° off the
    axis of lowest energy), or, where that is unstable, 1° off it.

    Raises ValueError for a device without a junction. SimulationError: for a run that went wrong.
    """
    junction_of(device)
    rest = relaxed(device, m0)
    growth = float(rest.growth)
    wait = min(DECAYS / max(abs(growth), 1e-30), LONGEST_WAIT) if settle is None else settle
    drive = _drive(microwave, frequency)
    largest = suggest_dt(device, drive) if dt is None else dt
    steps = max(16, math.ceil(1 / (frequency * largest)))
    tilt = math.radians(1.0) if growth > 0 else 0.0
    rested = rest.m.stack()
    start = rested + jnp.asarray([0.0, tilt, tilt], rested.dtype)
    start = start / jnp.sqrt(jnp.sum(start**2))
    duration = (math.ceil(wait * frequency) + periods) / frequency
    step = (1 + 1e-9) / (frequency * steps)
    with_it, without = (
        _mean(voltage(simulate(device, duration=duration, dt=step, drive=applied, m0=start))[-periods * steps :])
        for applied in (drive, None)
    )
    return with_it - without


def _drive(microwave: Microwave, frequency: float) -> Drive:
    """The microwave as waveforms; the current is a cosine."""
    quarter = math.pi / 2
    phase = quarter + microwave.phase
    phase = phase - math.tau * (phase > math.pi)  # a phase near a full turn stays within one

    def field(amplitude: Any) -> Sine:
        return Sine(amplitude, frequency, phase)

    return Drive(
        current=Sine(microwave.current, frequency, quarter),
        field_x=field(microwave.field.x),
        field_y=field(microwave.field.y),
        field_z=field(microwave.field.z),
    )


def _mean(values: Any) -> Any:
    """Mean of (T,) under the weights sin²(πn/T): waves that do not fit in fade out."""
    weights = jnp.sin(math.pi * jnp.arange(values.shape[0], dtype=values.dtype) / values.shape[0]) ** 2
    return jnp.sum(weights * values) / jnp.sum(weights)
