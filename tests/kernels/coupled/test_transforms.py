"""Transforms of runs of coupled arrays and their nestings, against the same transforms of the XLA engine.

The parameters, stepper and derivatives are those of `test_engines_agree`, so that no kernel is compiled for this file
alone: a kernel does not depend on the numbers of oscillators, samples and steps.
"""

import jax
import jax.numpy as jnp
import pytest
from tests.kernels.coupled.arrays import Case, assert_close
from tests.kernels.reference import quick_jit

import llgrad as lg
from llgrad.kernels.coupled import calls

CASE = Case(N=2, save=lg.Every(1), steps=3)
POINT = CASE.parameters
FIELDS = jnp.stack([POINT["field"] * scale for scale in (1.0, 1.1, 0.9)])
WEIGHTS = jnp.stack([POINT["weights"], -POINT["weights"]])
DIRECTION = jax.tree.map(lambda leaf: 0.1 + leaf, POINT)


@pytest.fixture(autouse=True)
def one_direction_to_a_sweep(monkeypatch):
    """As `test_engines_agree` has: kernels for other numbers need not be compiled."""
    monkeypatch.setattr(calls, "MOST", 1)


def over(name, f, values):
    """`f` of the point with one parameter mapped over."""
    return lambda p: jax.vmap(lambda value: f({**p, name: value}))(values)


def stacked(value):
    """Two values to map over, both from one parameter."""
    return jnp.stack([value, value * 0.9])


TRANSFORMS = {
    "jit": lambda f, g: jax.jit(f),
    "vmap over fields": lambda f, g: over("field", f, FIELDS),
    "vmap over weights": lambda f, g: over("weights", f, WEIGHTS),
    "vmap over weights of vmap over fields": lambda f, g: over("weights", over("field", f, FIELDS), WEIGHTS),
    "grad": lambda f, g: jax.grad(g),
    "jit grad": lambda f, g: jax.jit(jax.grad(g)),
    "vmap grad": lambda f, g: over("field", jax.grad(g), FIELDS),
    "vmap over weights of grad": lambda f, g: over("weights", jax.grad(g), WEIGHTS),
    "vmap of jit of grad of jit": lambda f, g: over("field", jax.jit(jax.grad(jax.jit(g))), FIELDS),
    "vmap over weights of vmap over fields of grad": lambda f, g: over(
        "weights", over("field", jax.grad(g), FIELDS), WEIGHTS
    ),
    "grad vmap": lambda f, g: jax.grad(lambda p: over("field", g, FIELDS)(p).sum()),
    "grad of vmap over weights": lambda f, g: jax.grad(lambda p: over("weights", g, stacked(p["weights"]))(p).sum()),
    "grad of a batch of fields": lambda f, g: jax.grad(lambda p: over("field", g, stacked(p["field"]))(p).sum()),
    "jvp of jit": lambda f, g: lambda p: jax.jvp(jax.jit(f), (p,), (DIRECTION,)),
    "jit of jvp of vmap": lambda f, g: jax.jit(lambda p: jax.jvp(over("field", f, FIELDS), (p,), (DIRECTION,))),
    "vmap of jvp": lambda f, g: over("field", lambda p: jax.jvp(f, (p,), (DIRECTION,))[1], FIELDS),
    "jacfwd": lambda f, g: jax.jacfwd(f),
    "jacrev": lambda f, g: jax.jacrev(f),
    "linearize": lambda f, g: lambda p: jax.linearize(f, p)[1](DIRECTION),
    "checkpoint grad": lambda f, g: jax.grad(jax.checkpoint(g)),
}


def functions(engine):
    """The final m_x of a run, and a scalar of all of it."""
    return (
        lambda p: CASE.run(engine, p)[-1, :, 0],
        lambda p: jnp.sum(jnp.sin(CASE.run(engine, p))),
    )


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transform(name):
    found, expected = (TRANSFORMS[name](*functions(engine)) for engine in (lg.solvers.Native(), lg.solvers.XLA()))
    assert_close(found(POINT), quick_jit(expected)(POINT), 1e-10)


def test_second_derivatives_are_those_of_a_scan():
    native, expected = (
        jax.jacrev(jax.grad(functions(engine)[1])) for engine in (lg.solvers.Native(), lg.solvers.XLA())
    )
    assert_close(jax.jit(native)(POINT), quick_jit(expected)(POINT), 1e-10)
