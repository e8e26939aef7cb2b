"""Profile likelihood: the parabola of a straight problem, another fit's χ² at a held value, and what has no profile."""

import dataclasses

import numpy as np
import pytest
from tests.planning.conftest import NOISE, QUICK, noisy

from llgrad.core.record import set_leaf
from llgrad.devices.bounds import between
from llgrad.fitting.answers.intervals import intervals
from llgrad.fitting.answers.profile import Profile, profile
from llgrad.fitting.fit import fit
from llgrad.fitting.targets.experiment import Experiment


def parabola(values, freedom=np.inf):
    values = np.asarray(values, float)
    rise = ((values - 2) / 0.5) ** 2
    return Profile("alpha", "1", 2.0, 0.5, values, rise, np.full(values.size, True), 0, freedom=freedom)


@pytest.fixture(scope="module")
def of_current(fitted):
    return profile(fitted, "current", points=7, span=2.0)


def test_the_interval_of_a_parabola_is_exact():
    one = parabola(np.linspace(0.5, 3.5, 13))
    assert one.interval(0.68) == pytest.approx((2 - 0.49723, 2 + 0.49723), abs=1e-4)
    assert one.interval(0.95) == pytest.approx((2 - 0.97998, 2 + 0.97998), abs=1e-4)
    assert "95% interval 1.02" in str(one)


def test_an_open_side_is_infinite():
    assert parabola([1.8, 2.0, 2.2, 4.0]).interval(0.95) == pytest.approx((-np.inf, 2.98), abs=0.01)
    with pytest.raises(ValueError, match=r"probability = 95, expected one between 0 and 1"):
        parabola([1.0, 2.0]).interval(95)


# Abramowitz and Stegun 1964, table 26.10: t of 95 and 99 % for that freedom
@pytest.mark.parametrize(
    ("freedom", "t95", "t99"), [(2, 4.303, 9.925), (5, 2.571, 4.032), (30, 2.042, 2.750), (np.inf, 1.960, 2.576)]
)
def test_an_estimated_noise_widens_the_interval_as_students_t_does(freedom, t95, t99):
    one = parabola(np.linspace(-6, 10, 65), freedom)
    for probability, t in ((0.95, t95), (0.99, t99)):
        assert one.interval(probability) == pytest.approx((2 - 0.5 * t, 2 + 0.5 * t), abs=3e-4)
    assert one.to_json()["interval_95"] == pytest.approx(one.interval(), abs=0)


@pytest.mark.parametrize("given", [True, False])
def test_a_noise_that_was_given_has_no_freedom(device, m0, given):
    few = noisy(device, 1, 2e-11, m0=m0)
    result = fit(device, few, free=["current"], m0=m0, **(QUICK | {"noise": NOISE if given else None}))
    one = profile(result, "current", points=9, span=5.0)
    assert one.freedom == (np.inf if given else 3 * few.t.size - 1)
    assert intervals(result)["current"] == pytest.approx(one.interval(), rel=1e-3)


def test_it_is_nearly_the_parabola_of_the_standard_error(fitted, of_current):
    straight = ((of_current.values - of_current.best) / fitted.errors["current"]) ** 2
    assert of_current.settled.all() and len(of_current.values) == 7
    assert of_current.delta_chi2 == pytest.approx(straight, rel=0.05, abs=0.02)
    low, high = of_current.interval(0.68)
    assert (high - low) / 2 == pytest.approx(fitted.errors["current"], rel=0.02)


def test_intervals_are_those_of_profiles(fitted):
    found = intervals(fitted)
    assert list(found) == ["current", "alpha", "field.z"]
    for name in ("current", "alpha"):
        assert found[name] == pytest.approx(profile(fitted, name, points=21).interval(), rel=2e-3)
        assert fitted.values[name] == pytest.approx(np.mean(found[name]), abs=0.3 * fitted.errors[name])
    only = intervals(fitted, "alpha", probability=0.68)["alpha"]
    assert np.diff(only)[0] / 2 == pytest.approx(fitted.errors["alpha"] * 0.99446, rel=0.02)
    with pytest.raises(ValueError, match="'volume' has no interval; the parameters that were searched for are current"):
        intervals(fitted, ["volume"])


def test_it_is_the_chi2_of_a_fit_that_holds_the_value(device, fitted, of_current, m0):
    held = set_leaf(device, "current", float(of_current.values[-1]))
    others = fit(held, fitted.data, free=["alpha", "field.z"], m0=m0, **QUICK)
    n = 3 * fitted.data.t.size
    rise = n * (others.quality[0].rms ** 2 - fitted.quality[0].rms ** 2) / fitted.noise**2
    assert of_current.delta_chi2[-1] == pytest.approx(rise, rel=1e-3)


def test_a_valley_without_walls_has_no_interval(device, m0, fitted):
    flat = fit(device, fitted.data, free=["current", "polarization"], m0=m0, **QUICK)
    one = profile(dataclasses.replace(flat, converged=True), "current", points=5)
    assert one.delta_chi2.max() < 1e-2
    assert one.interval(0.95) == (-np.inf, np.inf)
    assert "? to ?" in str(one)
    assert intervals(dataclasses.replace(flat, converged=True))["current"] == (-np.inf, np.inf)


def test_several_experiments_with_settings_and_bounds_of_their_own(device, m0):
    shifted = device.replace(current=3e-3)
    experiments = [
        Experiment(noisy(device, 1, 5e-10, m0=m0), m0=m0, noise=NOISE, label="a"),
        Experiment(noisy(shifted, 2, 5e-10, m0=m0), m0=m0, settings={"current": 3e-3}, label="b"),
    ]
    result = fit(device, experiments, free={"alpha": between(0.001, 0.1)}, **QUICK)
    half = np.diff(profile(result, "alpha", points=5).interval(0.68))[0] / 2
    assert half == pytest.approx(result.errors["alpha"], rel=0.05)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"name": "volume"}, "'volume' has no profile; the parameters that were searched for are current, alpha"),
        ({"name": "alpha", "points": 2}, "points = 2, expected a whole number, 5 or more"),
    ],
)
def test_bad_input_gets_one_sentence(fitted, arguments, sentence):
    with pytest.raises(ValueError) as error:
        profile(fitted, **arguments)
    assert sentence in str(error.value)


def test_a_fit_that_is_not_the_minimum_has_no_profile(fitted):
    with pytest.raises(ValueError, match="has no minimum to profile"):
        profile(dataclasses.replace(fitted, converged=False), "alpha")
    with pytest.raises(ValueError, match="this one was read from a file; fit again"):
        profile(dataclasses.replace(fitted, solution=None), "alpha")
