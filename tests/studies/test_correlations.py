"""Correlations of drawn populations, and their errors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import llgrad as lg

MIX = np.array([[1.0, 0.5, 0.2], [0.0, 1.0, -0.6], [0.0, 0.0, 1.0]])
SHARED = np.array([[0.1, 0.05, 0.0], [0.05, 0.2, 0.0], [0.0, 0.0, 0.1]])
UNITS = np.array([1e-9, 1.0, 1e6])


def of(covariance):
    """Spreads (p,) and correlations (p, p) of a covariance."""
    spreads = np.sqrt(np.diag(covariance))
    return spreads, covariance / np.outer(spreads, spreads)


def test_without_errors_they_are_those_of_the_sample(rng):
    x = rng.normal(size=(40, 3)) @ MIX
    found = lg.studies.correlations(UNITS * x, np.zeros((40, 3, 3)))
    spreads, rho = of(np.cov(x.T))
    assert_allclose(found.matrix, rho, atol=1e-7)
    assert_allclose(found.spreads, UNITS * spreads, rtol=1e-7)
    assert_allclose(found.errors, (1 - rho**2) / np.sqrt(39), atol=1e-7)


def test_equal_errors_are_taken_out_of_the_covariance(rng):
    x = rng.normal(size=(40, 3)) @ MIX
    found = lg.studies.correlations(UNITS * x, np.broadcast_to(np.outer(UNITS, UNITS) * SHARED, (40, 3, 3)))
    assert_allclose(found.matrix, of(np.cov(x.T) - SHARED)[1], atol=1e-7)


def test_one_number_alone_has_the_spread_of_its_population(rng):
    x, sigma = rng.normal(size=40), rng.uniform(0.2, 1.0, 40)
    found = lg.studies.correlations(x[:, None], (sigma**2)[:, None, None])
    assert_allclose(found.spreads, [lg.studies.population(x, sigma).spread], rtol=1e-6)


def test_drawn_populations_are_recovered_within_their_errors(rng):
    """True values with ρ = −0.7; their errors, of about their size, with +0.8: the values as found have about −0.2."""
    true, found = np.linalg.cholesky([[1.0, -0.7], [-0.7, 1.0]]), []
    seen = []
    for _ in range(100):
        sizes = rng.uniform(0.3, 1.0, (80, 2))
        errors = sizes[:, :, None] * sizes[:, None, :] * np.array([[1.0, 0.8], [0.8, 1.0]])
        measured = np.einsum("ijk,ik->ij", np.linalg.cholesky(errors), rng.normal(size=(80, 2)))
        x = rng.normal(size=(80, 2)) @ true.T + measured
        found.append(lg.studies.correlations(x, errors))
        seen.append(np.corrcoef(x.T)[0, 1])
    rho, error = np.array([(one.matrix[0, 1], one.errors[0, 1]) for one in found]).T
    sure = np.isfinite(error)
    assert sure.mean() > 0.9 and abs(np.mean(seen)) < 0.4
    assert abs(np.median(rho) + 0.7) < 4 * rho.std() / 10
    assert 0.8 < ((rho[sure] + 0.7) / error[sure]).std() < 1.2


def test_at_the_edge_there_is_no_error_and_without_spread_no_correlation(rng):
    a = rng.normal(size=30)
    bound = lg.studies.correlations(np.stack([a, 2 * a], axis=1), np.broadcast_to(0.01 * np.eye(2), (30, 2, 2)))
    assert bound.matrix[0, 1] > 0.99 and np.isinf(bound.errors[0, 1]) and "at its edge" in bound.said(["a", "b"])[0]
    still = lg.studies.correlations(
        np.stack([a, 0.01 * rng.normal(size=30)], axis=1), np.broadcast_to(0.01 * np.eye(2), (30, 2, 2))
    )
    assert still.spreads[1] == 0 and np.isnan(still.matrix[0, 1]) and still.said(["a", "b"]) == ()


GOOD = np.array([[0.0, 1.0], [1.0, 2.0], [2.0, 1.0], [3.0, 5.0]])


@pytest.mark.parametrize(
    ("values", "covariances", "said"),
    [
        (GOOD, np.zeros((4, 2)), r"the shape \(4, 2\) and covariances \(4, 2\)"),
        (GOOD[:3], np.zeros((3, 2, 2)), "there are 3 members whose 2 values are all known, expected 4"),
        (GOOD * [1, 0], np.zeros((4, 2, 2)), "value 2 is the same in all members"),
        (GOOD, np.broadcast_to([[1.0, 2.0], [2.0, 1.0]], (4, 2, 2)), "has a matrix that is none"),
        (GOOD, np.broadcast_to([[1.0, 0.5], [0.0, 1.0]], (4, 2, 2)), "has a matrix that is none"),
    ],
)
def test_what_is_no_population_is_refused(values, covariances, said):
    with pytest.raises(ValueError, match=said):
        lg.studies.correlations(values, covariances)
