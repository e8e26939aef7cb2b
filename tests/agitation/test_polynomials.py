"""Bands of the Fokker–Planck operator carry a density as the whole matrices do."""

import numpy as np
import pytest
from scipy.linalg import expm

from llgrad.experiments.switching.polynomials import Basis, operators

COUNT, DIFFUSION, LENGTH = 40, 0.03, 0.05


def whole(basis: Basis, drift: np.ndarray) -> np.ndarray:
    """The operator by quadrature, every element."""
    order = np.arange(COUNT)
    pushed = basis.slopes.T @ ((basis.weights * drift)[:, None] * basis.values)
    return pushed - np.diag(DIFFUSION * order * (order + 1))


@pytest.mark.parametrize("asymmetry", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("steady", [True, False])
def test_a_density_is_carried_by_magnus_exponent(asymmetry, steady):
    basis = Basis.of(COUNT)
    x = basis.x
    field, torque = (1 - x * x) * x, (1 - x * x) / (1 + asymmetry * x)
    nodes = [field + share * torque for share in (0.4, 0.4 if steady else 0.9)]
    drifts = np.stack([np.stack([one, field]) for one in nodes])
    density = np.exp(-0.5 * np.arange(COUNT))
    first, second = (whole(basis, one) for one in nodes)
    exponent = (first + second) * (LENGTH / 2)
    exponent -= (first @ second - second @ first) * (np.sqrt(3) / 12 * LENGTH**2)
    found = operators(basis, drifts, DIFFUSION).carried(density, 0, LENGTH)
    np.testing.assert_allclose(found, expm(exponent) @ density, atol=1e-12)


def test_slopes_are_those_of_the_polynomials():
    basis = Basis.of(COUNT)
    for order in (0, 1, 2, 7, COUNT - 1):
        one = np.zeros(order + 1)
        one[order] = np.sqrt(order + 0.5)
        slope = np.polynomial.legendre.legval(basis.x, np.polynomial.legendre.legder(one))
        np.testing.assert_allclose(basis.slopes[:, order], slope, rtol=1e-10, atol=1e-10)


def test_a_smooth_drift_makes_a_narrow_band():
    basis = Basis.of(COUNT)
    found = operators(basis, ((1 - basis.x**2) * basis.x)[None, None].repeat(2, 0), DIFFUSION)
    assert len(found.offsets) == 5, "of degree 3: a band of width 2"
