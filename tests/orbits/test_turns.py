"""An orbit is told once round, however often Newton's method went round it before it closed."""

import jax.numpy as jnp
import pytest
from tests.orbits.devices import AMPLITUDE, reference

import llgrad as lg
from llgrad.orbits.cycle.finding import with_arrays
from llgrad.orbits.cycle.newton import newton
from llgrad.orbits.cycle.solving import is_cycle, once_round, turns_round
from llgrad.orbits.flow import flow_of
from llgrad.orbits.results.precision import working


@pytest.mark.parametrize("model", [reference(0.2, 2.5e-3), AMPLITUDE], ids=["device", "system"])
@pytest.mark.parametrize("turns", [1, 2, 3, 7])
def test_an_orbit_of_several_turns_is_told_once_round(model, turns):
    single = lg.orbit(model, steps=64)
    with working(model):
        flow = with_arrays(flow_of(model, what="closed orbit"))
        many = newton(flow, jnp.tile(single.closed.states, (turns, 1))[::turns], turns * single.closed.period)
        assert bool(is_cycle(flow, many)) and int(turns_round(flow, many.states, many.period)) == turns
        found = once_round(flow, many)
        assert float(found.period) == pytest.approx(float(single.closed.period), rel=1e-9)
        assert int(turns_round(flow, found.states, found.period)) == 1
