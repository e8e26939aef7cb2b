"""Programs with few of XLA's optimisations: the same results wherever they are called, whatever XLA knows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llgrad.core.speed import quick

X = np.linspace(0.1, 1.0, 5)


@quick.quick_jit
def waves(x, harmonic):
    return jnp.sum(jnp.sin(harmonic * x) ** 2)


def expected(x):
    return np.sum(np.sin(2 * x) ** 2)


def test_value_inside_and_outside_of_programs():
    assert float(waves(X, 2)) == pytest.approx(expected(X), rel=1e-14)
    assert float(jax.jit(lambda x: waves(x, 2))(X)) == pytest.approx(expected(X), rel=1e-14)
    # known inside of a program: settings are for whole programs only
    assert float(jax.jit(lambda a: a + waves(X, 2))(1.0)) == pytest.approx(1 + expected(X), rel=1e-14)
    assert np.allclose(jax.vmap(lambda x: waves(x, 2))(np.stack([X, 2 * X])), [expected(X), expected(2 * X)], 1e-14)


def test_derivative_that_is_taken_outside_and_used_inside_of_a_program():
    _, pull = jax.vjp(lambda x: waves(x, 2), X)
    assert np.allclose(jax.jit(pull)(1.0)[0], 2 * np.sin(4 * X), rtol=1e-13)


def test_setting_that_this_xla_does_not_have_is_left_out(monkeypatch):
    known = {"xla_backend_optimization_level": 0}
    monkeypatch.setattr(quick, "QUICK", {**known, "xla_no_such_setting": 1})
    quick._known.cache_clear()
    try:
        assert dict(quick._known()) == known
    finally:
        quick._known.cache_clear()
