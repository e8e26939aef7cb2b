"""The comparison of derivatives can fail."""

import jax
import jax.numpy as jnp
import numpy as np
from tests.gradients.derivatives import disagreements, loss_of, three_ways

NAMES = ["a", "b"]


def curved(x):
    return jnp.sin(1.0 + 2 * x[0]) * jnp.exp(0.5 * x[1])


def test_right_derivatives_agree():
    forward, reverse, differences = three_ways(curved, 2)
    assert np.allclose(forward, [2 * np.cos(1.0), 0.5 * np.sin(1.0)], rtol=1e-14)
    assert disagreements(NAMES, forward, reverse, differences) == []


def test_a_wrong_derivative_is_found():
    wrong = jax.custom_jvp(curved)
    wrong.defjvp(lambda p, t: (curved(p[0]), 1.00001 * jax.jvp(curved, p, t)[1]))
    assert len(disagreements(NAMES, *three_ways(wrong, 2))) == 2


def test_a_derivative_that_is_not_finite_is_found():
    assert disagreements(NAMES, np.array([1.0, np.nan]), np.ones(2), np.ones(2))[0].startswith("b")


def test_a_leaf_without_effect_is_no_disagreement():
    assert disagreements(NAMES, *three_ways(lambda x: jnp.sin(1.0 + x[0]), 2)) == []


def test_every_component_counts_in_the_loss():
    m = jnp.full((4, 3), 0.5)
    assert bool(jnp.all(jax.grad(loss_of)(m) != 0))
