"""Mean and spread of drawn populations, and who is called an outlier."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import llgrad as lg
from llgrad.studies.populations.population import outliers_of

RNG = np.random.default_rng(7)


def drawn(count: int, mean: float, spread: float, errors: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    sigma = RNG.uniform(*errors, count)
    return mean + spread * RNG.normal(size=count) + sigma * RNG.normal(size=count), sigma


@pytest.mark.parametrize(("spread", "errors"), [(1.0, (0.1, 0.5)), (1.0, (0.5, 3.0)), (0.2, (0.1, 0.3))])
def test_drawn_populations_are_recovered_within_their_errors(spread, errors):
    found = [lg.studies.population(*drawn(60, 5.0, spread, errors)) for _ in range(100)]
    mean, tau = np.array([(one.mean, one.spread) for one in found]).T
    assert abs(mean.mean() - 5.0) < 4 * np.std(mean) / 10
    assert abs(np.mean(tau**2) - spread**2) < 4 * np.std(tau**2) / 10
    off = (mean - 5.0) / np.array([one.mean_error for one in found])
    assert 0.8 < off.std() < 1.2
    sure = np.array([one.spread_error for one in found])
    inside = np.abs(tau - spread) < 2 * sure
    assert inside[np.isfinite(sure)].mean() > 0.85
    assert np.mean([one.observed for one in found]) > np.mean(tau)


def test_equal_errors_are_taken_out_of_the_sample_variance():
    x = RNG.normal(size=30)
    found = lg.studies.population(1e-9 * x, np.full(30, 0.3e-9))
    assert_allclose(found.spread**2, 1e-18 * (np.var(x, ddof=1) - 0.09), rtol=1e-6)
    assert_allclose(found.mean, 1e-9 * x.mean(), rtol=1e-9)


def test_a_spread_below_the_errors_is_nothing():
    found = lg.studies.population(1.0 + 0.01 * RNG.normal(size=20), np.full(20, 0.1))
    assert found.spread == 0 and np.isinf(found.spread_error)
    assert "spread 0 T" in found.said("T")


def test_unknown_values_take_no_part():
    values, errors = [1.0, 2.0, np.nan, 3.0, 9.0], [0.1, 0.1, 0.1, 0.1, np.inf]
    assert lg.studies.population(values, errors) == lg.studies.population([1.0, 2.0, 3.0], [0.1] * 3)


@pytest.mark.parametrize(
    ("values", "errors", "said"),
    [
        ([1.0, 2.0], [0.1], r"the shape \(2,\) and errors \(1,\)"),
        ([1.0, 2.0], [0.1, 0.0], "expected positive"),
        ([1.0, np.nan], [0.1, 0.1], "at least two"),
    ],
)
def test_what_is_no_population_is_refused(values, errors, said):
    with pytest.raises(ValueError, match=said):
        lg.studies.population(values, errors)


@pytest.mark.parametrize("count", [5, 12, 100, 1000])
def test_chance_makes_few_outliers(count):
    accused = [outliers_of(RNG.normal(size=count)).any() for _ in range(400)]
    assert np.mean(accused) < 0.035
    far = np.append(RNG.normal(size=count), 80.0)
    assert outliers_of(far)[-1]
