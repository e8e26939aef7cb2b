"""Runs with a known orbit: steady precession about z, whose every observable has a closed form."""

import jax.numpy as jnp
import numpy as np
import pytest

from llgrad import presets
from llgrad.core.status import Outcome, Status
from llgrad.core.trajectory import Stats, Trajectory
from llgrad.devices.array import OscillatorArray

DT = 5e-12


def run_of(m, dt=DT, model=None, drive=None, start=0.0):
    model = presets.kubota2013() if model is None else model
    t = start + dt * np.arange(np.shape(m)[0])
    stats = Stats("by hand", "", "none", len(t) - 1, dt, 1)
    return Trajectory(
        jnp.asarray(t),
        jnp.asarray(m),
        Status(jnp.asarray(int(Outcome.FINISHED)), jnp.asarray(0.0)),
        model,
        drive,
        stats,
    )


def precession(frequency=1.37e9, phase=0.4, tilt=0.8, samples=2000, dt=DT, start=0.0):
    angle = 2 * np.pi * frequency * (start + dt * np.arange(samples)) + phase
    return np.stack(
        [np.sin(tilt) * np.cos(angle), np.sin(tilt) * np.sin(angle), np.full(samples, np.cos(tilt))], axis=-1
    )


@pytest.fixture(scope="session")
def make_run():
    return run_of


@pytest.fixture(scope="session")
def orbit():
    return precession


@pytest.fixture
def run():
    """One oscillator with its polariser along x: m·p = sin(0.8) cos(2π 1.37 GHz t + 0.4)."""
    return run_of(precession())


@pytest.fixture
def array_run():
    """Three oscillators at 1, 1.5 and 2.2 GHz."""
    m = np.stack([precession(frequency=f) for f in (1e9, 1.5e9, 2.2e9)], axis=1)
    return run_of(m, model=OscillatorArray(presets.kubota2013(), count=3))
