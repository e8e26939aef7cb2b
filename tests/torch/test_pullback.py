"""A pull-back that lies in few arrays is the same pull-back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.torch import pytorch  # noqa: F401  (skips where there is no PyTorch)

from llgrad.torch.pullback import SMALL, PackedPull, pulled

LARGE = SMALL + 1
TABLE = jnp.asarray(np.linspace(-1, 1, 7))

CASES = {
    "single numbers": (lambda x: jnp.sin(x) * jnp.exp(x) * x, jnp.asarray(0.3)),
    "small beside large": (lambda x: jnp.tanh(x) * jnp.sum(jnp.sin(x[:5])), jnp.linspace(0, 1, LARGE)),
    "a choice, kept as truth values": (lambda x: jnp.where(x > 0, x**2, jnp.sin(x)), jnp.linspace(-1, 1, 12)),
    "whole numbers": (lambda x: jnp.take(x, jnp.argsort(x)[:3]) ** 2, jnp.asarray([3.0, -1.0, 2.0, 0.5])),
    "a table that is known beforehand": (lambda x: x * TABLE, jnp.ones(7)),
    "a loop": (lambda x: jax.lax.scan(lambda c, _: (jnp.sin(c) + c * x, c), x, None, 9)[1], jnp.asarray([0.1, 0.2])),
    "two types": (lambda x: jnp.sin(x.astype(jnp.float32)).astype(x.dtype) * jnp.cos(x), jnp.linspace(0, 1, 4)),
    "nothing to keep": (lambda x: 2 * x, jnp.ones(3)),
    "no elements": (lambda x: jnp.sin(x), jnp.zeros((2, 0))),
}


@pytest.mark.parametrize("name", CASES)
def test_the_gradient_is_that_of_the_pull_back_as_it_was(name):
    function, x = CASES[name]
    value, plain = jax.jit(lambda x: jax.vjp(function, x))(x)
    packed = jax.jit(lambda x: PackedPull.of(jax.vjp(function, x)[1]))(x)
    cotangent = jnp.cos(jnp.arange(value.size, dtype=value.dtype)).reshape(value.shape)
    (found,), (wanted,) = pulled(packed, cotangent), jax.jit(lambda pull, one: pull(one))(plain, cotangent)
    assert found.dtype == wanted.dtype and found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-14, atol=1e-15)


def test_single_numbers_are_one_array_and_what_is_large_lies_as_it_was():
    function, x = CASES["small beside large"]
    buffers = jax.jit(lambda x: PackedPull.of(jax.vjp(function, x)[1]))(x).buffers
    assert sum(one.shape == (LARGE,) for one in buffers) == len(buffers) - 1
    assert (
        len(jax.jit(lambda x: PackedPull.of(jax.vjp(CASES["single numbers"][0], x)[1]))(jnp.asarray(0.3)).buffers) == 1
    )
