"""The kernels that guess and close orbits against the same searches in JAX."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.orbits.devices import AMPLITUDE, reference
from tests.orbits.systems import Pair

import llgrad as lg
from llgrad.orbits.cycle import guess, newton
from llgrad.orbits.cycle.finding import with_arrays
from llgrad.orbits.flow import begun, flow_of
from llgrad.orbits.results.precision import working

FAST = AMPLITUDE.replace(supercriticality=3.0, shift=0.0)
OSCILLATING = {
    "far from the onset": reference(0.2, 2.5e-3),
    "of slow growth": reference(0.02, 0.42e-3),
    "round a tilted state": lg.presets.lee2004(),
    "numbers without a unit vector": AMPLITUDE,
    "of one frequency": FAST,
}
RESTING = {"below threshold": reference(0.02, 0.2e-3), "of a wrong sign": reference(0.02, -1e-3)}
COUNT = 24


@pytest.fixture(autouse=True)
def _as_orbits_work():
    with working():
        yield


def in_jax(monkeypatch, function, *arguments):
    """What a search is without kernels."""
    with monkeypatch.context() as patch:
        patch.setattr(guess, "_natively", lambda *_: None)
        patch.setattr(newton, "_natively", lambda *_: None)
        return jax.jit(lambda *given: function(*given))(*arguments)  # a function of its own is traced anew


def searched(model, inner=1, dtype=None):
    flow = dataclasses.replace(with_arrays(flow_of(model, what="closed orbit")), inner=inner)
    start = begun(flow, model)
    return flow, start if dtype is None else start.astype(dtype)


def assert_alike(found, expected, size):
    for own, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert own.shape == other.shape and own.dtype == other.dtype
        scale = np.abs(np.asarray(other, float)).max(initial=1.0)
        np.testing.assert_allclose(own, other, rtol=0, atol=size * scale)


def test_a_difference_is_seen():
    with pytest.raises(AssertionError):
        assert_alike((np.ones(3), 1.0 + np.zeros(())), (np.ones(3), 1.1 + np.zeros(())), 1e-9)


@pytest.mark.parametrize("inner", [1, 3])
@pytest.mark.parametrize("device", OSCILLATING.values(), ids=OSCILLATING)
def test_what_is_found_is_what_jax_finds(device, inner, monkeypatch):
    flow, start = searched(device, inner)

    def search(start):
        first = guess.spiral(flow, start, COUNT, jnp.zeros(2))
        nearer = guess.spiral(flow, start, COUNT, first.between)
        return first, nearer, newton.newton(flow, nearer.states, nearer.period)

    first, nearer, closed = jax.jit(search)(start)
    expected = in_jax(monkeypatch, search, start)
    assert bool(first.found) and bool(nearer.found)
    assert_alike((first, nearer), expected[:2], 1e-8)
    assert int(closed.iterations) == int(expected[2].iterations)
    assert_alike(closed._replace(last=()), expected[2]._replace(last=()), 1e-8)


@pytest.mark.parametrize("device", RESTING.values(), ids=RESTING)
def test_where_nothing_turns_nothing_is_found(device, monkeypatch):
    flow, start = searched(device)

    def search(start):
        return guess.spiral(flow, start, COUNT, jnp.zeros(2))

    found, expected = jax.jit(search)(start), in_jax(monkeypatch, search, start)
    assert bool(found.found) == bool(expected.found) is False
    assert bool(found.bistable) == bool(expected.bistable)
    assert_alike((found.between, found.stiffness), (expected.between, expected.stiffness), 1e-9)
    assert not bool(newton.newton(flow, found.states, found.period).last <= 1.0)


@pytest.mark.parametrize("count", [8, 33])
def test_devices_side_by_side_are_those_one_by_one(count):
    def search(current):
        flow, start = searched(reference(0.02, current))
        found = guess.spiral(flow, start, count, jnp.zeros(2))
        return found, newton.newton(flow, found.states, found.period)

    currents = jnp.linspace(0.5e-3, 3e-3, 19)
    many = jax.jit(jax.vmap(search))(currents)
    for place in (0, 7, 18):
        one = jax.jit(search)(currents[place])
        for whole, own in zip(jax.tree.leaves(many), jax.tree.leaves(one), strict=True):
            np.testing.assert_array_equal(whole[place], own)


def test_half_the_digits(monkeypatch):
    flow, start = searched(reference(0.2, 2.5e-3), dtype=jnp.float32)
    flow = jax.tree.map(
        lambda leaf: leaf.astype(jnp.float32) if jnp.ndim(leaf) == 0 and hasattr(leaf, "astype") else leaf, flow
    )
    found = guess.spiral(flow, start, COUNT, jnp.zeros(2, jnp.float32))
    closed = newton.newton(flow, found.states, found.period)
    assert closed.states.dtype == closed.period.dtype == jnp.float32
    exact = lg.orbit(reference(0.2, 2.5e-3))
    np.testing.assert_allclose(closed.period, exact.closed.period, rtol=3e-6)


def test_states_of_more_coordinates_are_left_to_jax():
    flow, start = searched(Pair(0.02, 0.1, 0.01, alpha=0.01))
    assert guess._natively(flow, start, COUNT, jnp.zeros(2)) is None
    assert newton._natively(flow, jnp.tile(start, (COUNT, 1)), jnp.asarray(1.0)) is None
