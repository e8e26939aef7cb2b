"""Demagnetising factors of a prism: sum, symmetry, limits, and an independent integral over the charged faces."""

import math

import numpy as np
import pytest
import scipy.integrate

from llgrad.physics.demagnetisation import prism_factors

SHAPES = [(1.0, 1.0, 1.0), (120.0, 120.0, 2.0), (1.0, 1.0, 10.0), (3.0, 2.0, 1.0), (50.0, 10.0, 3.0)]


def components(n):
    return np.array([n.x, n.y, n.z])


def mean_inverse_distance(a: float, b: float, d: float) -> float:
    """∬∬ 1/r over two parallel a × b rectangles at the distance d, in polar coordinates (no singularity)."""

    def ray(phi):
        c, s = math.cos(phi), math.sin(phi)
        edge = min(a / c if c > 1e-12 else math.inf, b / s if s > 1e-12 else math.inf)
        inner = lambda r: r * (a - r * c) * (b - r * s) / math.hypot(r, d)  # noqa: E731
        return scipy.integrate.quad(inner, 0, edge, epsrel=1e-11)[0]

    corner = math.atan2(b, a)
    halves = [scipy.integrate.quad(ray, *span, epsrel=1e-10)[0] for span in ((0, corner), (corner, math.pi / 2))]
    return 4 * sum(halves)


def factor_by_integration(a: float, b: float, c: float) -> float:
    """N_z of a prism from the energy of its two charged faces."""
    return (mean_inverse_distance(a, b, 0.0) - mean_inverse_distance(a, b, c)) / (2 * math.pi * a * b * c)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_sum_is_one(shape):
    assert sum(components(prism_factors(*shape))) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_against_an_integral_over_the_faces(shape):
    assert prism_factors(*shape).z == pytest.approx(factor_by_integration(*shape), abs=1e-8)


def test_a_cube():
    assert components(prism_factors(5.0, 5.0, 5.0)) == pytest.approx(np.full(3, 1 / 3), abs=1e-12)


def test_a_value_of_aharoni():
    """A. Aharoni, J. Appl. Phys. 83, 3432 (1998): a square rod twice as long as wide has N_z = 0.1983."""
    assert prism_factors(1.0, 1.0, 2.0).z == pytest.approx(0.1983, abs=5e-5)


def test_a_permutation_of_the_edges_permutes_the_factors():
    assert components(prism_factors(3.0, 1.0, 2.0)) == pytest.approx(
        components(prism_factors(1.0, 2.0, 3.0))[[2, 0, 1]]
    )


def test_a_thin_plate_and_a_long_rod():
    assert prism_factors(1e4, 1e4, 1.0).z == pytest.approx(1, abs=1e-3)
    assert prism_factors(1.0, 1.0, 1e4).z == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("index", range(3))
def test_an_edge_must_be_positive(index):
    edges = [1.0, 1.0, 1.0]
    edges[index] = 0.0
    with pytest.raises(ValueError, match=f"length_{'xyz'[index]} = 0.0, expected a positive length"):
        prism_factors(*edges)
