"""Thermal equilibrium: P(u) ∝ exp[(MsV/k_BT)(a u + ½ b u²)], u = m_z, within three standard errors.

Runs with independent keys give the standard errors: each run's time average is one sample.
"""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
from tests.physics.reference import with_leaves

import llgrad as lg
from llgrad.core.constants import BOLTZMANN, MU_0
from llgrad.solve.saving import Every
from llgrad.solve.simulate import simulate

RUNS = 256
TEMPERATURE = 300.0
MS = 1e6
VOLUME = 1.2e-25
BINS = np.linspace(-1, 1, 9)
SETTLE = 10e-9
# applied field along z, and H_k − µ0 Ms [T]
CASES = {"field only": (0.1, 0.0), "field and anisotropy": (0.02, 0.15)}


def density(case: str):
    """The normalised equilibrium density of u."""
    a, b = CASES[case]
    scale = MS * VOLUME / (BOLTZMANN * TEMPERATURE)
    weight = lambda u: math.exp(scale * (a * u + b * u * u / 2))  # noqa: E731
    total = scipy.integrate.quad(weight, -1, 1)[0]
    return lambda u: weight(u) / total


@pytest.fixture(scope="module")
def samples():
    """m_z of every run after it has settled, {case: (runs, times)}."""
    device = lg.Oscillator(Ms=MS, volume=VOLUME, alpha=0.1, H_k=MU_0 * MS, temperature=TEMPERATURE)
    run = lambda a, b, key: simulate(  # noqa: E731
        with_leaves(device, field_z=a, H_k=MU_0 * MS + b),
        duration=60e-9,
        dt=2e-12,
        key=key,
        save=Every(50),
        m0=lg.direction(1.0, 0.0),
    )
    keys = jax.random.split(jax.random.key(7), RUNS * len(CASES))
    a, b = (jnp.repeat(jnp.array(column), RUNS) for column in zip(*CASES.values(), strict=True))
    runs = jax.jit(jax.vmap(run))(a, b, keys)
    assert bool(runs.status.ok)
    mz = np.asarray(runs.m[..., 2])[:, int(SETTLE / runs.dt) :]
    return dict(zip(CASES, mz.reshape(len(CASES), RUNS, -1), strict=True))


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """Mean and its standard error from the averages of independent runs, values (runs, times)."""
    averages = values.mean(axis=1)
    return averages.mean(), averages.std(ddof=1) / math.sqrt(len(averages))


def test_langevin(samples):
    """⟨u⟩ = coth ξ − 1/ξ, ξ = MsVa/(k_BT)."""
    xi = MS * VOLUME * CASES["field only"][0] / (BOLTZMANN * TEMPERATURE)
    mean, error = mean_and_error(samples["field only"])
    assert error < 0.003
    assert abs(mean - (1 / math.tanh(xi) - 1 / xi)) < 3 * error


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("case", CASES)
def test_moments(samples, case, power):
    p = density(case)
    expected = scipy.integrate.quad(lambda u: u**power * p(u), -1, 1)[0]
    mean, error = mean_and_error(samples[case] ** power)
    assert error < 0.015
    assert abs(mean - expected) < 3 * error


@pytest.mark.parametrize("case", CASES)
def test_the_distribution_of_mz(samples, case):
    p = density(case)
    for low, high in itertools.pairwise(BINS):
        expected = scipy.integrate.quad(p, low, high)[0]
        mean, error = mean_and_error((samples[case] >= low) & (samples[case] < high))
        assert abs(mean - expected) < 3 * error, (
            f"{low:g} ≤ m_z < {high:g}: {mean:.4f} ± {error:.4f}, not {expected:.4f}"
        )


def test_the_test_tells_temperatures_apart(samples):
    """A tenth more or less of temperature would be seen."""
    xi = MS * VOLUME * CASES["field only"][0] / (BOLTZMANN * TEMPERATURE * 1.1)
    mean, error = mean_and_error(samples["field only"])
    assert abs(mean - (1 / math.tanh(xi) - 1 / xi)) > 5 * error


def test_the_stability_of_the_reference_device():
    """The barrier MsVb/2 over k_BT at 300 K."""
    sto = lg.presets.kubota2013()
    b = sto.H_k - MU_0 * sto.Ms
    barrier = sto.Ms * sto.volume * b / 2 / (BOLTZMANN * 300)
    assert barrier == pytest.approx(164.6, abs=0.05)


def test_the_same_key_gives_the_same_run(key):
    sto = lg.presets.kubota2013().replace(temperature=300.0)
    first, again, other = (
        np.asarray(simulate(sto, duration=0.1e-9, dt=1e-12, key=k).m) for k in (key, key, jax.random.key(1))
    )
    assert np.array_equal(first, again)
    assert np.abs(first - other).max() > 1e-4
