"""Vec3: the algebra of three components."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llgrad.core.vector import Vec3, unstack

numbers = st.floats(-1e3, 1e3)
vectors = st.builds(Vec3, numbers, numbers, numbers)


def array(v):
    return np.array([v.x, v.y, v.z])


@given(vectors, vectors)
def test_products_are_those_of_numpy(a, b):
    assert array(a.cross(b)) == pytest.approx(np.cross(array(a), array(b)), abs=1e-9)
    assert a.dot(b) == pytest.approx(array(a) @ array(b), abs=1e-9)
    assert a.norm2() == pytest.approx(array(a) @ array(a))


@given(vectors, vectors, numbers)
def test_linear_operations(a, b, s):
    assert array(a + b) == pytest.approx(array(a) + array(b))
    assert array(a - b) == pytest.approx(array(a) - array(b))
    assert array(a * s) == pytest.approx(array(a) * s)
    assert array(s * a) == pytest.approx(array(a) * s)
    assert array(-a) == pytest.approx(-array(a))


def test_stack_and_unstack(rng):
    m = rng.normal(size=(4, 3))
    assert np.array_equal(unstack(m).stack(), m)
    assert np.asarray(Vec3(0.0, np.zeros(4), 1.0).stack()).shape == (4, 3)
