"""Orbits of many values at once, with their derivatives, are those of each value alone."""

import jax
import jax.numpy as jnp
import numpy as np
from tests.unit.solve.systems import MEMBERS

import llgrad as lg

SYSTEM = MEMBERS["Amplitude"]
POWERS = jnp.array([1.5, 2.0])


def test_a_batch_inside_a_derivative_inside_jit():
    """f = (ω + N p)/2π at p = (ζ − 1)/(ζ + Q), in closed form."""

    def frequency(shift, supercriticality):
        return lg.orbit(SYSTEM.replace(shift=shift, supercriticality=supercriticality), steps=64).frequency

    with jax.enable_x64(True):
        one = jax.jit(jax.jacfwd(lambda shift: jax.vmap(lambda power: frequency(shift, power))(POWERS)))
        slopes = one(-1e9)
    p = (np.asarray(POWERS) - 1) / (np.asarray(POWERS) + SYSTEM.nonlinear)
    np.testing.assert_allclose(slopes, p / (2 * np.pi), rtol=1e-7)
