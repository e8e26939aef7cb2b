"""Laws of every bound: a bijection onto its interval, increasing and differentiable."""

import hypothesis
import hypothesis.strategies as st
import jax
import numpy as np
import pytest

from llgrad.devices.bounds import between, default_bound, positive, unbounded

BOUNDS = {
    "between": between(0.1e-3, 5e-3),
    "between across zero": between(-0.1, 0.1),
    "positive": positive(),
    "unbounded": unbounded(2.5e-3),
}


@pytest.mark.parametrize("name", BOUNDS)
@hypothesis.given(u=st.floats(-12, 12))
def test_round_trip_and_inside(name, u):
    bound = BOUNDS[name]
    value = float(bound.physical(u))
    assert bound.contains(value)
    assert np.isclose(float(bound.physical(bound.free(value))), value, rtol=1e-9, atol=0)


@pytest.mark.parametrize("name", BOUNDS)
@hypothesis.given(u=st.floats(-8, 8))
def test_increasing_with_the_right_slope(name, u):
    bound = BOUNDS[name]
    slope = float(jax.grad(bound.physical)(u))
    step = 1e-5
    difference = float(bound.physical(u + step) - bound.physical(u - step)) / (2 * step)
    assert slope > 0
    assert np.isclose(slope, difference, rtol=1e-5)


def test_edges():
    assert between(0, 1).at_edge(0.9995)
    assert not between(0, 1).at_edge(0.99)
    assert not unbounded(1).at_edge(1e9)
    assert not between(0, 1).contains(0)
    assert not positive().contains(0)


def test_defaults_follow_the_meaning_of_the_name():
    assert default_bound("alpha", "1", 0.01) == positive()
    assert default_bound("drive.current.frequency", "Hz", 1e9) == positive()
    assert default_bound("field.z", "T", 0.02) == unbounded(0.02)
    assert default_bound("field.x", "T", 0.0).scale == 1e-2


@pytest.mark.parametrize("make", [lambda: between(2, 1), lambda: unbounded(0)])
def test_impossible_bounds_are_refused(make):
    with pytest.raises(ValueError, match="expected a"):
        make()
