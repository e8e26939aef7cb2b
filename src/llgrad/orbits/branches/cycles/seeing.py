"""What is seen of a cycle on a branch: an observable round it, and the `Orbit` that it is."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.orbits.branches.cycles.stepping import CycleFamily, OrbitPlace
from llgrad.orbits.branches.family import set_value
from llgrad.orbits.cycle.finding import with_arrays
from llgrad.orbits.cycle.linear import linear_of
from llgrad.orbits.cycle.newton import NewtonEnd
from llgrad.orbits.cycle.shooting import chain_of
from llgrad.orbits.cycle.solving import Closed, closed_of
from llgrad.orbits.flow import Flow, flow_of
from llgrad.orbits.results.orbit import Orbit
from llgrad.orbits.results.precision import working
from llgrad.orbits.results.signals import observable_of
from llgrad.orbits.results.status import NOTES, OrbitStatus, SearchOutcome
from llgrad.solve.systems import caution_of

MEETS: Final = 1e-6
MEETING: Final = "two cycles meet here: it has no phase response, no line width and no derivatives"
"""Said of an orbit of which a multiplier is within `MEETS` of 1."""


@quick_jit
def observed(family: CycleFamily, wanted: Any, states: Any, values: Any) -> Any:
    """An observable (P,), as `observable_of` takes it, of states (P, n) at values of the number (P,)."""

    def one(y: Any, value: Any) -> Any:
        model = set_value(family.device, family.path, value)
        return jnp.asarray(observable_of(model, wanted)(family.flow(value).state(y)), y.dtype)

    return jax.vmap(one)(states, values)


def orbit_of(device: Any, family: CycleFamily, place: OrbitPlace, error: float, multipliers: np.ndarray) -> Orbit:
    """A cycle that was solved, with its relative error, as an `Orbit` of the device with the number it has there."""
    model = set_value(device, family.path, place.value)
    with working(model):
        flow = dataclasses.replace(with_arrays(flow_of(model, what="closed orbit")), inner=family.inner)
        states, period = jnp.asarray(place.states), jnp.asarray(place.period)
        chain = _chain(flow, states, period)
        if (np.abs(multipliers - 1) < MEETS).any():
            # to correct it at the same number, as is done for derivatives, would lead away: two cycles meet there
            return Orbit(model, flow, Closed(states, period, _linear(chain), chain), jnp.asarray(error), MEETING)
        found = NewtonEnd(states, period, jnp.asarray(0.0), jnp.asarray(0), chain, _linear(chain))
        code = SearchOutcome.REPELS if (np.abs(multipliers) > 1).any() else SearchOutcome.FOUND
        status = OrbitStatus(jnp.asarray(int(code), jnp.int32))
        note = "; ".join(filter(None, (NOTES[code], caution_of(model, flow.state(states)))))
        return Orbit(model, flow, closed_of(flow, found), jnp.asarray(error), note, status)


_linear = quick_jit(linear_of)


@quick_jit
def _chain(flow: Flow, states: Any, period: Any) -> Any:
    return chain_of(flow, states, period)
