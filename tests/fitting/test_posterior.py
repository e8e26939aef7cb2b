"""A posterior drawn from a fit agrees with its covariance where the valley is an ellipsoid, and departs where not."""

import builtins

import jax
import numpy as np
import pytest

from llgrad import presets
from llgrad.datasets.trace import Trace
from llgrad.devices.bounds import between
from llgrad.fitting.answers.posterior import posterior
from llgrad.fitting.fit import fit
from llgrad.fitting.methods.least_squares import LevenbergMarquardt

STO = presets.kubota2013()
NOISE = 0.01
FREE = ("field.z", "current", "alpha")
PLAIN = LevenbergMarquardt(grow=False)


@pytest.fixture(scope="module")
def measured(teacher) -> Trace:
    """2 ns of the teacher, a sample every 20 ps, with noise."""
    rng = np.random.default_rng(4)
    columns = {name: m[:201:2] for name, m in teacher.columns.items()}
    return Trace(teacher.t[:201:2], {name: m + NOISE * rng.normal(size=m.size) for name, m in columns.items()})


def fitted(measured, m0, free=FREE, **options):
    return fit(STO, measured, free=free, m0=m0, noise=NOISE, method=PLAIN, dt=5e-12, **options)


@pytest.mark.slow
def test_the_draws_have_the_fits_means_and_covariance(measured, first_state):
    pytest.importorskip("blackjax", reason="blackjax, which samples posteriors, is not installed")
    result = fitted(measured, first_state, dict.fromkeys(FREE) | {"current": between(1e-3, 5e-3)})
    told = []
    found = posterior(result, key=jax.random.key(1), draws=400, chains=4, warmup=100, progress=told.append)
    assert found.draws.shape == (4, 400, 3)
    assert found.r_hat.max() < 1.02 and found.effective.min() > 400 and found.divergent == 0
    assert told[-1]["fraction"] == 1
    for i, name in enumerate(found.names):
        # the mean of n draws scatters by 1/√n standard errors, their deviation by 1/√(2n)
        error, n = result.errors[name], found.effective[i]
        assert abs(found.mean(name) - result.values[name]) < 4 * error / np.sqrt(n)
        assert found.deviation(name) == pytest.approx(error, rel=4 / np.sqrt(2 * n))
        low, high = found.interval(name)
        assert (high - low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.15)
    deviation = np.sqrt(np.diag(found.covariance))
    correlation = found.covariance / np.outer(deviation, deviation)
    assert np.abs(correlation - result.correlation).max() < 0.12
    assert "4 chains of 400 draws" in str(found) and "have not met" not in str(found)


@pytest.mark.slow
def test_gain_and_offset_of_a_voltage_are_sampled_too(measured, first_state):
    pytest.importorskip("blackjax", reason="blackjax, which samples posteriors, is not installed")
    voltage = Trace(measured.t, {"voltage": 2e-3 * measured.columns["mx"] + 1e-3})
    result = fit(STO, voltage, free=["field.z", "current"], m0=first_state, noise=2e-3 * NOISE, method=PLAIN, dt=5e-12)
    found = posterior(result, key=jax.random.key(2), draws=200, chains=4, warmup=100)
    assert found.names == ("field.z", "current", "gain", "offset")
    for name in found.names:
        assert abs(found.mean(name) - result.values[name]) < 0.5 * result.errors[name]
        assert found.deviation(name) == pytest.approx(result.errors[name], rel=0.25)


@pytest.mark.slow
def test_a_bound_is_a_prior_that_cuts_the_posterior_off(measured, first_state):
    pytest.importorskip("blackjax", reason="blackjax, which samples posteriors, is not installed")
    free = fitted(measured, first_state, ["field.z", "alpha"])
    edge = free.values["alpha"] + 0.3 * free.errors["alpha"]
    bounds = {"field.z": None, "alpha": between(0.001, edge)}
    cut = fit(STO.replace(alpha=0.004), measured, free=bounds, m0=first_state, noise=NOISE, method=PLAIN, dt=5e-12)
    found = posterior(cut, key=jax.random.key(3), draws=400, chains=4, warmup=100)
    assert found.of("alpha").max() < edge
    # a Gaussian cut off at +0.3 deviations: mean −φ(0.3)/Φ(0.3) = −0.617, deviation 0.659
    away = (found.of("alpha") - free.values["alpha"]) / free.errors["alpha"]
    assert away.mean() == pytest.approx(-0.617, abs=0.1) and away.std() == pytest.approx(0.659, abs=0.08)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"chains": 1}, "chains = 1"),
        ({"draws": 3}, "draws = 3"),
    ],
)
def test_numbers_that_cannot_be_meant_are_refused(measured, first_state, options, says):
    pytest.importorskip("blackjax", reason="blackjax, which samples posteriors, is not installed")
    with pytest.raises(ValueError, match=says):
        posterior(fitted(measured, first_state), key=jax.random.key(0), **options)


def test_what_the_data_do_not_fix_is_refused(measured, first_state):
    pytest.importorskip("blackjax", reason="blackjax, which samples posteriors, is not installed")
    result = fitted(measured, first_state, ["current", "polarization"])
    with pytest.raises(ValueError, match="do not fix current, polarization"):
        posterior(result, key=jax.random.key(0))


def test_without_the_extra_it_says_what_to_install(measured, first_state, monkeypatch):
    real = builtins.__import__

    def absent(name, *args, **kwargs):
        if name == "blackjax":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(ImportError, match=r"pip install 'llgrad\[posterior\]'"):
        posterior(fitted(measured, first_state), key=jax.random.key(0))
