"""Arithmetic that carries two derivatives: the same as JAX's derivatives, on arrays of NumPy and of JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llgrad.observables.estimators.jets import Jet, sine_and_cosine, where

CONSTANT = np.array([0.3, -1.7, 2.0])
FORMULAS = {
    "sum": lambda xp, x: (x + 1.0) + (CONSTANT + x) + (x + x),
    "difference": lambda xp, x: (x * x - CONSTANT) - 3.0 * x,
    "product": lambda xp, x: (CONSTANT * x) * (x * x * 0.5),
    "quotient": lambda xp, x: (x * x + 2.0) / (x + 4.0) / 3.0,
    "sine": lambda xp, x: sine_and_cosine(xp, x * x)[0],
    "cosine": lambda xp, x: sine_and_cosine(xp, x * CONSTANT)[1] * x,
    "choice": lambda xp, x: where(xp, np.array([True, False, True]), x * x, 0.7),
    "element": lambda xp, x: (x * x)[1:],
    "total": lambda xp, x: (x * x * x).sum(),
}


@pytest.mark.parametrize("xp", [np, jnp])
@pytest.mark.parametrize("name", FORMULAS)
def test_jets_have_the_derivatives_of_their_formula(name, xp):
    formula, at = FORMULAS[name], np.array([0.4, 1.1, -0.6])

    def value(x):
        return formula(jnp, x)

    def slope(x):
        return jax.jvp(value, (x,), (jnp.ones_like(x),))[1]

    found = formula(xp, Jet(xp.asarray(at), xp.ones(3), xp.zeros(3)))
    assert isinstance(found.value, np.ndarray | np.generic if xp is np else jax.Array)
    expected = (value(at), slope(at), jax.jvp(slope, (at,), (jnp.ones(3),))[1])
    for mine, other in zip((found.value, found.slope, found.bend), expected, strict=True):
        assert np.allclose(mine, other, rtol=1e-13)
