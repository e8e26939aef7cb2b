"""The orbit of the reference device at 2 kOe, where the theory of steady precession holds well."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.physics import reference

import llgrad as lg
from llgrad.solve.saving import Every
from llgrad.solve.simulate import simulate

A = 0.2
# current [mA]: simulated and theoretical frequency [GHz]
ORBITS = {2.0: (6.4424, 6.4530), 2.5: (6.2400, 6.2559), 4.0: (5.9554, 5.9938)}
KICK = 0.05


def flow(theta):
    """The averaged flow F(θ) [1/s] at 2.5 mA."""
    sto = reference.STO
    torque = sto.gamma * reference.TORQUE * 2.5e-3
    feed = jnp.cos(theta) / (sto.lambda_ * jnp.sin(theta)) * ((1 - sto.lambda_**2 * jnp.sin(theta) ** 2) ** -0.5 - 1)
    return torque * feed - sto.alpha * sto.gamma * (A + reference.B * jnp.cos(theta)) * jnp.sin(theta)


@pytest.fixture(scope="module")
def runs():
    """60 ns from the predicted orbit of each current, and at 2.5 mA from two states off it; sampled every 10 ps."""
    currents = np.array([2.0, 2.5, 4.0, 2.5]) * 1e-3
    angles = np.array([math.acos(reference.orbit(i, A)[1]) for i in currents]) + np.array([0, 0, 0, KICK])
    states = jnp.stack([jnp.sin(angles), 0 * angles, jnp.cos(angles)], axis=1)
    device = reference.STO.replace(field=(0.0, 0.0, A))
    one = lambda i, m0: simulate(device.replace(current=i), duration=60e-9, dt=1e-12, save=Every(10), m0=m0)  # noqa: E731
    found = jax.jit(jax.vmap(one))(jnp.asarray(currents), states)
    return np.asarray(found.m), found.dt


@pytest.mark.parametrize("current", ORBITS)
def test_frequency(runs, current):
    m, dt = runs
    x = m[list(ORBITS).index(current), :, 0]
    assert reference.frequency(x[len(x) // 2 :], dt) == pytest.approx(ORBITS[current][0] * 1e9, rel=1e-4)


@pytest.mark.parametrize("current", ORBITS)
def test_the_theory(current):
    f, _ = reference.orbit(current * 1e-3, A)
    assert f == pytest.approx(ORBITS[current][1] * 1e9, rel=1e-5)


def test_the_averaged_flow():
    theta = math.acos(reference.orbit(2.5e-3, A)[1])
    assert theta == pytest.approx(0.9901, abs=1e-4)
    assert float(flow(theta)) == pytest.approx(0, abs=1e-4 * reference.STO.alpha * reference.STO.gamma * A)
    assert -float(jax.grad(flow)(theta)) == pytest.approx(0.2149e9, rel=1e-3)


def test_a_kicked_orbit_returns_at_the_rate_of_the_averaged_flow(runs):
    """The difference of two orbits' mean tilt decays as e^{−Γt}, within the few per cent of the theory's own error."""
    m, dt = runs
    period = round(1 / (ORBITS[2.5][0] * 1e9 * dt))
    smooth = lambda z: np.convolve(z, np.ones(period) / period, "valid")  # noqa: E731
    apart = smooth(m[1, :, 2]) - smooth(m[3, :, 2])
    kept = slice(int(1e-9 / dt), int(10e-9 / dt))
    rate = -np.polyfit(np.arange(len(apart))[kept] * dt, np.log(np.abs(apart[kept])), 1)[0]
    assert rate == pytest.approx(0.2149e9, rel=0.05)


def test_below_the_critical_field_the_onset_is_subcritical():
    """H_c = 3λ²b/(2 − 3λ²): the balance current falls away from the pole below it, and rises above it."""
    critical = 3 * reference.STO.lambda_**2 * reference.B / (2 - 3 * reference.STO.lambda_**2)
    assert critical == pytest.approx(59.1e-4, abs=5e-6)
    for a, sign in ((0.95 * critical, -1), (1.05 * critical, 1)):
        slope = reference.balance_current(0.998, a) - reference.balance_current(0.999, a)
        assert np.sign(slope) == sign


def test_the_default_start_is_one_degree_off_the_pole():
    run = simulate(lg.presets.kubota2013(), duration=0.0, dt=1e-12)
    assert math.degrees(math.acos(float(run.mz[0]))) == pytest.approx(1.0)
