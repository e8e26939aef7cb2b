"""The orbit behind one row of a table, found from that of a similar model; and the state at rest inside of one."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp

from llgrad.orbits.cycle.finding import with_arrays
from llgrad.orbits.cycle.linear import multipliers_of
from llgrad.orbits.cycle.newton import NewtonEnd, newton
from llgrad.orbits.cycle.solving import closed_of, is_cycle, period_of
from llgrad.orbits.flow import Flow, flow_of
from llgrad.orbits.results.orbit import Orbit
from llgrad.orbits.results.signals import observable_of

TONES: Final = 4
"""The strongest tone of the observable may be the so-manyth harmonic of the orbit: the second of one that is symmetric
about p."""
TO_REST: Final = 8
"""Steps of Newton's method to the state at rest inside an orbit."""
STILL: Final = 1e-6
"""What is left of the motion at rest, over the fastest rate."""
LONGEST: Final = 0.5
"""Largest step of it [rad], or in parts of the state."""
FAINT: Final = 1e-6
"""A mode whose first tone is a smaller part of the signal than this is heard by its second."""


class Near(NamedTuple):
    """Orbits to start from, of K rows; of one that rests the state at rest, again and again, and no period."""

    states: Any
    """(K, N, n)."""
    period: Any
    """[ns] (K,); NaN where the row rests."""


class RowFound(NamedTuple):
    """What is found at one row."""

    model: Any
    flow: Flow
    found: NewtonEnd
    """The orbit, without derivatives."""
    closed: Any
    """Whether it is an orbit that attracts."""
    tone: Any
    """Which harmonic of the orbit the strongest tone of the observable is."""
    frequency: Any
    """[Hz] of the strongest tone, with its derivatives; NaN where there is no orbit."""

    @property
    def orbit(self) -> Orbit:
        """With derivatives of everything that it tells."""
        return Orbit(self.model, self.flow, closed_of(self.flow, self.found), jnp.zeros(()), "")


def flow_at(model: Any) -> Flow:
    """The flow of a model with known or traced numbers."""
    return with_arrays(flow_of(model, what="closed orbit"))


def row_at(model: Any, states: Any, period: Any) -> RowFound:
    """The orbit of one model near states (N, n) and a period [ns]; differentiable."""
    flow = flow_at(model)
    found = newton(flow, states, period)
    decays = jnp.max(jnp.abs(multipliers_of(found.linear)), initial=0.0) < 1
    fine = is_cycle(flow, found) & decays
    tone = _tone(model, flow, found.states)
    length = period_of(flow, found)
    return RowFound(model, flow, found, fine, tone, jnp.where(fine, tone * 1e9 / length, jnp.nan))


def near_of(row: RowFound, states: Any, period: Any) -> tuple[Any, Any]:
    """What the next orbit is looked for near: this one, or where there is none what this was looked for near."""
    found = row.found
    return jnp.where(row.closed, found.states, states), jnp.where(row.closed, found.period, period)


def _tone(model: Any, flow: Flow, states: Any) -> Any:
    model, flow = jax.lax.stop_gradient((model, flow))
    observable = observable_of(model, None)
    values = jax.vmap(lambda y: jnp.asarray(observable(flow.state(y)), y.dtype))(states)
    return 1.0 + jnp.argmax(jnp.abs(jnp.fft.rfft(values)[1 : TONES + 1]))


class RowAtRest(NamedTuple):
    """A state at rest."""

    state: Any
    """(n,)"""
    frequency: Any
    """[Hz], of the tone of its least damped mode; differentiable."""
    found: Any
    """Whether it is one."""
    attracts: Any
    saddle: Any
    """Whether it has deviations of both kinds, that grow and that decay, without turning: no orbit goes round it."""


def rest_at(model: Any, near: Any, steps: int) -> RowAtRest:
    """The state at rest that Newton's method finds from a state (n,)."""
    flow = flow_at(model)
    held = jax.lax.stop_gradient(flow)

    def step(_: Any, y: Any) -> Any:
        basis, slope, matrix = linear_at(held, y)
        change = -jnp.linalg.solve(matrix, slope)
        size = jnp.sqrt(jnp.sum(change**2))
        longest = LONGEST * jnp.maximum(1.0, jnp.sqrt(jnp.sum(y * y)))
        return held.on_sphere(y + basis @ (change * jnp.minimum(1.0, longest / jnp.maximum(size, 1e-300))))

    state = jax.lax.fori_loop(0, steps, step, held.on_sphere(near))
    basis, slope, matrix = linear_at(held, state)
    scale = jnp.sqrt(jnp.sum(matrix**2)) * jnp.maximum(jnp.sqrt(jnp.sum(state * state)), 1e-300)
    values, vectors = jnp.linalg.eig(matrix)
    place = jnp.argmax(jnp.where(values.imag > 0, values.real, -jnp.inf))
    vector, dual = vectors[:, place], jnp.linalg.inv(vectors)[place]
    # one more step of Newton's method, and the mode's own vectors held, give the derivatives (implicit functions)
    moved = flow.on_sphere(state - basis @ jnp.linalg.solve(matrix, linear_at(flow, state)[1]))
    turned = linear_at(flow, moved)[2]
    change = (turned - jax.lax.stop_gradient(turned)).astype(vector.dtype)
    value = values[place] + dual @ change @ vector
    heard = jax.grad(lambda y: jnp.asarray(observable_of(model, None)(held.state(y)), y.dtype))(state)
    first = jnp.abs((heard @ basis).astype(vector.dtype) @ vector) > FAINT * jnp.sqrt(jnp.sum(heard**2))
    return RowAtRest(
        state=state,
        frequency=jnp.where(first, 1.0, 2.0) * value.imag * 1e9 / (2 * jnp.pi),
        found=(jnp.sqrt(jnp.sum(slope**2)) < STILL * scale) & jnp.isfinite(state).all(),
        attracts=jnp.max(values.real) < 0,
        saddle=(jnp.max(jnp.abs(values.imag)) == 0) & (jnp.min(values.real) < 0) & (jnp.max(values.real) > 0),
    )


def linear_at(flow: Flow, y: Any) -> tuple[Any, Any, Any]:
    """Directions (n, d) in which y can move, the motion (d,) there, and its derivative (d, d) [1/ns]."""
    basis = flow.basis(y)
    slope, moved = jax.vmap(lambda v: jax.jvp(flow.slope, (y,), (v,)), 1, (None, 1))(basis)
    return basis, basis.T @ slope, basis.T @ moved
