"""The synthetic trace of the demo: a simulated device with known values, and a little noise."""

from __future__ import annotations

from typing import Final

import jax
import numpy as np

from llgrad.datasets.trace import Trace, trace_of
from llgrad.devices.oscillator import Oscillator
from llgrad.physics.presets.perpendicular import kubota2013
from llgrad.solve.saving import Every
from llgrad.solve.simulate import simulate

DURATION: Final = 5e-9
SAMPLING: Final = 10e-12
NOISE: Final = 1e-3
"""Standard deviation of the noise of each sample of each component."""

SEED: Final = 20240

TRUTH: Final[dict[str, float]] = {"field.z": 0.02, "current": 2.5e-3, "alpha": 0.005}
"""The values to be recovered [SI]."""


def teacher_device() -> Oscillator:
    """The device of the trace: the reference device at 200 Oe and 2.5 mA with α = 0.005."""
    return kubota2013().replace(field=(0.0, 0.0, TRUTH["field.z"]), current=TRUTH["current"], alpha=TRUTH["alpha"])


def teacher_trace() -> Trace:
    """mx, my and mz every 10 ps for 5 ns, simulated in float64 with steps of 1 ps, plus Gaussian noise of 1e-3."""
    with jax.enable_x64(True):
        run = simulate(teacher_device(), duration=DURATION, dt=1e-12, save=Every(round(SAMPLING / 1e-12)))
        clean = trace_of(run)
    rng = np.random.default_rng(SEED)
    # Rounded to what the noise leaves of meaning, so that the file is short and the same on every machine.
    noisy = {name: values + NOISE * rng.normal(size=values.size) for name, values in clean.columns.items()}
    t = np.round(np.arange(clean.t.size) * SAMPLING, 15)
    return Trace(t, {name: np.round(values, 7) for name, values in noisy.items()}, notes())


def notes() -> tuple[str, ...]:
    """What the file says about itself."""
    return (
        "SYNTHETIC: simulated by llgrad, with noise added; not a measurement. Made by examples/make_teacher_trace.py.",
        "Device: presets.kubota2013; start 1 degree off the z axis; RK4, dt = 1 ps.",
        f"Noise: Gaussian, standard deviation {NOISE:g} of each sample of each component, NumPy default_rng({SEED}).",
        "True values: " + ", ".join(f"{name} = {value:g}" for name, value in TRUTH.items()) + " (SI units)",
    )
