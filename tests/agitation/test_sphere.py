"""The Fokker–Planck equation on the sphere: each well of an unsymmetric device, against one coordinate, Boltzmann's
law, Langer's formula and runs."""

import importlib

import jax
import numpy as np
import pytest

import llgrad as lg
from llgrad.experiments.switching.pulses import pulses_of
from llgrad.experiments.switching.sphere import basis_of, slow_modes, sphere_of

error_rate = importlib.import_module("llgrad.experiments.switching.error_rate")
MU_0, BOLTZMANN = 4e-7 * np.pi, 1.380649e-23
POLES = np.array([[0.0, 0.0, -1.0], [0.0, 0.0, 1.0]])


def device(barrier, axis=(0, 0, 1), field=0.0, **changes):
    """An easy axis, whose wells a field along it makes unequal."""
    volume = barrier * 2 * BOLTZMANN * 300 / (1e6 * 0.15)
    easy = lg.physics.UniaxialAnisotropy(0.15, axis=axis)
    settings = {"alpha": 0.3, "demag": (0.0, 0.0, 0.0), "terms": (easy,), "temperature": 300.0} | changes
    return lg.Oscillator(Ms=1e6, volume=volume, field=tuple(field * np.array(axis)), **settings)


def test_harmonics_are_orthonormal_and_their_slopes_are_those_of_differences():
    basis = basis_of(9)
    for m in range(10):
        gram = (basis.values[m] * basis.weights) @ basis.values[m].T
        np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-13)
    other = basis_of(9)._replace(u=basis.u)
    assert other.at(POLES).shape == (2, 100)
    l, m = 7, 3
    u = np.array([0.3 - 1e-6, 0.3 + 1e-6])
    states = np.stack([np.sqrt(1 - u * u), 0 * u, u], axis=1)
    ends = basis.at(states)[:, l * l + l + m].real * np.sqrt(2 * np.pi)
    line = np.polynomial.Polynomial.fit(basis.u, basis.slopes[m][l - m] * (1 - basis.u**2) ** 0.5, 9)
    assert (ends[1] - ends[0]) / 2e-6 == pytest.approx(float(line(0.3)) / np.sqrt(1 - 0.09), rel=1e-6)


@pytest.mark.parametrize(("field", "current"), [(0.0, 0.0), (0.02, 0.0), (0.02, 5e-7)])
def test_of_an_axial_device_each_well_has_the_rate_of_one_coordinate(field, current):
    one = device(9.0, field=field, current=current, polariser=(0, 0, 1))
    exact = lg.experiments.dwell_times(one)
    assert exact.method.startswith("exact: the smallest eigenvalue")
    modes = slow_modes(sphere_of(one), POLES, 36)
    for way in ((0, 1), (1, 0)):
        assert modes.rates[way] * 1e9 == pytest.approx(exact.rates[way], rel=1e-4)


def test_an_axis_elsewhere_changes_nothing_and_needs_no_saddle():
    """Between the wells of an easy axis along x lies a circle of states; a current along it has no energy."""
    for changes in ({"field": 0.02}, {"field": 0.02, "current": 5e-7}):
        along = lg.experiments.dwell_times(device(6.0, polariser=(0, 0, 1), **changes))
        found = lg.experiments.dwell_times(device(6.0, axis=(1, 0, 0), polariser=(1, 0, 0), **changes))
        order = np.argsort(found.states[:, 0])
        assert found.rates.sum() == pytest.approx(along.rates.sum(), rel=1e-5)
        np.testing.assert_allclose(
            found.times[order], along.times, rtol=np.exp(-along.barriers.min())
        )  # what a well is
        assert "on the sphere" in found.method and np.isnan(found.barriers).all()
        assert "barrier" not in repr(found)


@pytest.mark.parametrize("barrier", [8.0, 14.0])
def test_unequal_wells_over_saddles(barrier):
    """Each rate goes over into Langer's, and their ratio is that of the wells' integrals of Boltzmann's factor."""
    easy, hard, field = 0.06 * MU_0 * 1e6, 0.25 * MU_0 * 1e6, 4e-3
    volume = barrier * 2 * BOLTZMANN * 300 / (1e6 * easy)
    one = lg.Oscillator(
        Ms=1e6, volume=volume, alpha=0.3, demag=(0.0, 0.06, 0.25), temperature=300.0, field=(field, 0, 0)
    )
    found = lg.experiments.dwell_times(one)
    right, left = np.argmax(found.states[:, 0]), np.argmin(found.states[:, 0])
    assert "on the sphere" in found.method and found.barriers[right] > found.barriers[left] + 1
    for way in ((right, left), (left, right)):
        assert 1 - 1.0 / barrier < found.rates[way] / found.asymptotic[way] < 1
    u, weights = np.polynomial.legendre.leggauss(400)  # of m_x; the angle about x from y
    angle = 2 * np.pi * np.arange(400) / 400
    across = 1 - u[:, None] ** 2
    energy = easy / 2 * across * np.cos(angle) ** 2 + hard / 2 * across * np.sin(angle) ** 2 - field * u[:, None]
    each = weights * np.exp(-energy * 1e6 * volume / (BOLTZMANN * 300)).sum(axis=1)
    top = -field / easy
    expected = each[u > top].sum() / each[u < top].sum()
    assert found.rates[left, right] / found.rates[right, left] == pytest.approx(expected, rel=0.01)


def test_at_low_damping_an_ensemble_decays_as_fast_and_langers_formula_says_more():
    """⟨m_x⟩ of runs that begin in one well falls by e^{−(Γ₁₂ + Γ₂₁) t}. Jumps themselves come in flurries there."""
    one = lg.Oscillator(Ms=1e6, volume=6e-25, alpha=0.02, demag=(0.0, 0.04, 0.1), temperature=300.0)
    exact, runs, (early, late) = lg.experiments.dwell_times(one), 3000, (5, 40)
    assert exact.rates.sum() < 0.6 * exact.asymptotic[~np.eye(2, dtype=bool)].sum()
    run = lg.simulate(
        lg.OscillatorArray(one, runs), duration=40e-9, dt=4e-12, m0=(1.0, 0.0, 0.0), save=lg.Every(250),
        key=jax.random.key(2),
    )  # fmt: skip
    means = np.asarray(run.mx).mean(axis=1)
    rate = np.log(means[early] / means[late]) / ((late - early) * 1e-9)
    error = 1 / (means[late] * np.sqrt(runs)) / ((late - early) * 1e-9)
    assert abs(rate - exact.rates.sum()) < 3 * error < 0.3 * rate, (rate, error, exact)


BIT = lg.Oscillator(
    Ms=1e6, volume=5e-25, H_k=1.45, alpha=0.05, polariser=(0, 0, 1), polarization=0.6, temperature=300.0
)
PULSE = lg.Drive(current=lg.Pulse(amplitude=60e-6, start=0.1e-9, width=1e-9))


def test_the_error_rate_of_a_symmetric_device_is_that_of_one_coordinate():
    """After a long wait, when what a well is does not matter."""
    by_one = lg.experiments.write_error_rate(BIT, PULSE, wait=6e-9)
    on_sphere = error_rate._without_symmetry(BIT, pulses_of(BIT, PULSE, None, None), None, 6e-9)
    assert on_sphere.rate == pytest.approx(by_one.rate, rel=1e-3) and on_sphere.error < 1e-6


def test_the_error_rate_of_an_unsymmetric_device_is_what_runs_count():
    tilted = BIT.replace(polariser=(0.3, 0.0, np.sqrt(0.91)), field=(0.02, 0.0, 0.03), alpha=0.3)
    pulse = lg.Drive(current=lg.Pulse(amplitude=250e-6, start=0.1e-9, width=1e-9))
    found = lg.experiments.write_error_rate(tilted, pulse)
    counted = lg.experiments.switching(tilted, pulse, runs=2000, dt=0.4e-12, key=jax.random.key(0))
    spread = np.sqrt(found.rate * (1 - found.rate) / 2000)
    assert abs(1 - counted.probability - found.rate) < 3.5 * spread, (found, counted)
