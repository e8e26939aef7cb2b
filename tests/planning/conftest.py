"""A short trace of the reference device with noise, from a known start, and its fit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llgrad import presets
from llgrad.datasets.trace import Trace, trace_of
from llgrad.fitting.fit import fit
from llgrad.fitting.methods.guesses import Guess
from llgrad.fitting.methods.least_squares import LevenbergMarquardt
from llgrad.solve.saving import Every
from llgrad.solve.simulate import simulate

NOISE = 0.01
QUICK = {"method": LevenbergMarquardt(grow=False), "guess": Guess(slopes=False, screen=0)}


def noisy(model, seed, duration=2e-9, **options) -> Trace:
    """A simulated trace, a sample every 10 ps, with Gaussian noise on each component."""
    with jax.enable_x64(True):
        clean = trace_of(simulate(model, duration=duration, dt=2e-12, save=Every(5), **options))
    rng = np.random.default_rng(seed)
    return Trace(clean.t, {name: m + NOISE * rng.normal(size=m.size) for name, m in clean.columns.items()})


@pytest.fixture(scope="session")
def device():
    return presets.kubota2013()


@pytest.fixture(scope="session")
def m0():
    return np.array([0.6, 0.0, 0.8])


@pytest.fixture(scope="session")
def fitted(device, m0):
    """Field, current and damping from 2 ns; the start is known."""
    trace = noisy(device, 0, m0=jnp.asarray(m0))
    return fit(device, trace, free=["current", "alpha", "field.z"], m0=m0, **QUICK)
