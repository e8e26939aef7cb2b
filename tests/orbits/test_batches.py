"""Orbits under jit and vmap: in JAX's own float type, and where there is none, NaN, a false `found` and a sentence."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.orbits.devices import reference
from tests.orbits.test_figures import TABLE

import llgrad as lg
from llgrad.orbits.results.status import MISSED, NOTES, OrbitStatus, SearchOutcome

CURRENTS = (0.3e-3, 0.8e-3, 2.5e-3, 3.6e-3, -2.5e-3, 0.0)
THERE = (False, True, True, False, False, False)


@pytest.mark.float32
def test_a_batch_in_float32_tells_which_orbits_are_there():
    def told(current):
        found = lg.orbit(reference(0.02, current), steps=64)
        lock = found.locking({"field_x": 1e-5})
        figures = jnp.stack([found.frequency, found.return_rate, found.line_width, lock.half_width, found.error])
        return figures, found.m, found.status

    figures, states, status = jax.jit(jax.vmap(told))(jnp.asarray(CURRENTS))
    assert figures.dtype == jnp.float32
    np.testing.assert_array_equal(status.found, THERE)
    there = np.array(THERE)
    assert np.isnan(figures[~there]).all() and np.isfinite(states).all((1, 2))[there].all()
    expected = [np.multiply(TABLE[0.02, current][:4], [1e9, 1e9, 1e6, 1e6]) for current in CURRENTS[1:3]]
    # the roundings of 64 steps, 1.2e-7 each, add up to 8e-6 of the period at most; slopes lose more
    np.testing.assert_allclose(figures[there][:, 0], np.array(expected)[:, 0], rtol=8e-6)
    np.testing.assert_allclose(figures[there][:, 1:4], np.array(expected)[:, 1:], rtol=3e-4)
    assert (np.asarray(figures[there][:, 4]) < 8e-6).all()
    assert status.sentence.startswith("4 of 6 orbits were missed; number 0: no cycle: round the state at rest near")
    assert status.sentence.endswith("call lg.orbit outside of jit and vmap for the reason, or give m0 or near")


def test_every_way_to_end_has_its_sentence():
    assert set(NOTES) | set(MISSED) == set(SearchOutcome)
    assert not set(NOTES) & set(MISSED) and max(NOTES) < min(MISSED)
    assert str(OrbitStatus(jnp.asarray(int(SearchOutcome.FOUND)))) == "Status(found)"
    seen = []
    jax.jit(lambda code: seen.append(OrbitStatus(code).sentence))(1)
    assert seen == ["not known yet (traced)"]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("second", [jax.hessian, lambda f: jax.jacfwd(jax.jacfwd(f)), lambda f: jax.grad(jax.grad(f))])
def test_a_second_derivative_is_a_sentence(second, compiled):
    wanted = second(lambda current: lg.orbit(reference(0.02, current), steps=64).frequency)
    with pytest.raises(ValueError, match="orbit can be differentiated once; for second derivatives take differences"):
        (jax.jit(wanted) if compiled else wanted)(2.5e-3)


def test_slopes_at_known_numbers_are_one_program_for_both_modes():
    """The pull-back may be used inside of another program."""

    def width(current):
        return lg.orbit(reference(0.2, 2.5e-3).replace(current=current), steps=64).line_width

    step = 1e-6
    difference = float(width(2.5e-3 + step) - width(2.5e-3 - step)) / (2 * step)
    _, pull = jax.vjp(width, 2.5e-3)
    for found in (jax.jacfwd(width)(2.5e-3), jax.jit(pull)(1.0)[0]):
        assert float(found) == pytest.approx(difference, rel=1e-4)
