"""Squared errors: their values, their weights, their shapes."""

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from llgrad.losses.squared import mean_squared, residuals

few = st.lists(st.floats(-10, 10), min_size=4, max_size=4).map(np.array)


@settings(max_examples=30)
@given(few, few, few)
def test_the_loss_is_the_mean_square_of_the_residuals(prediction, target, weight):
    vector = np.asarray(residuals(prediction, target, weight))
    assert np.allclose(vector, weight * (prediction - target))
    assert float(mean_squared(prediction, target, weight)) == pytest.approx(np.mean(vector**2))
    assert float(mean_squared(target, target, weight)) == 0


def test_any_shape_gives_a_vector_and_weights_broadcast():
    prediction, target = np.ones((5, 3)), np.zeros((5, 3))
    assert residuals(prediction, target).shape == (15,)
    assert np.array_equal(residuals(prediction, target, np.array([1.0, 0.0, 2.0])), [1.0, 0.0, 2.0] * 5)
    assert np.array_equal(residuals(prediction, target, np.arange(5.0)[:, None])[::3], np.arange(5.0))


def test_the_gradient():
    prediction, target = np.array([1.0, 2.0]), np.array([0.5, 4.0])
    assert np.allclose(jax.grad(mean_squared)(prediction, target), prediction - target)


@pytest.mark.float32
def test_the_dtype_is_that_of_the_prediction():
    assert residuals(np.ones(3), np.zeros(3)).dtype == jnp.float32


def test_mixed_dtypes_take_that_of_the_prediction():
    assert residuals(jnp.ones(3, jnp.float32), np.zeros(3), weight=np.ones(3)).dtype == jnp.float32


@pytest.mark.parametrize("loss", [residuals, mean_squared])
def test_different_shapes_get_a_sentence(loss):
    with pytest.raises(ValueError, match=r"target has the shape \(4,\), the prediction \(3,\); save both at the same"):
        loss(np.ones(3), np.ones(4))
