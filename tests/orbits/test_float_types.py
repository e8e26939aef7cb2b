"""Every number of an orbit has its value and its derivatives under JAX's own defaults, float32, too."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.orbits.devices import reference

import llgrad as lg
from llgrad.orbits.results.named import QUANTITIES, quantity_of

CURRENT, STEP = 2.5e-3, 2e-6
GIVEN = {"sensitivity": {"input": "current"}, "locking": {"drive": {"field_x": 1e-5}}}


def numbers(current):
    device = reference(0.2, CURRENT).replace(current=current, junction=lg.devices.LinearJunction(R_P=1e3, delta_R=1e2))
    orbit = lg.orbit(device)
    return {name: quantity_of(orbit, name, **GIVEN.get(name, {})) for name in QUANTITIES}


LOW, EXACT, HIGH = (numbers(CURRENT + step) for step in (-STEP, 0.0, STEP))
"""In float64, as all values that are known."""


def check_slopes(found):
    for name, slope in found.items():
        assert slope.dtype == np.float32, name
        assert float(slope) == pytest.approx(float(HIGH[name] - LOW[name]) / (2 * STEP), rel=2e-3), name


@pytest.mark.float32
def test_gradients_are_those_of_finite_differences():
    check_slopes(jax.jacrev(numbers)(CURRENT))


@pytest.mark.float32
def test_a_batch_has_values_and_forward_derivatives():
    def pushed(current):
        return jax.jvp(numbers, (current,), (jnp.ones_like(current),))

    values, slopes = jax.tree.map(lambda leaf: leaf[1], jax.vmap(pushed)(jnp.asarray([CURRENT - STEP, CURRENT])))
    for name, value in values.items():
        assert float(value) == pytest.approx(float(EXACT[name]), rel=2e-3), name
    check_slopes(slopes)
