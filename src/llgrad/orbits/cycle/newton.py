"""Newton's method for a closed orbit, and the derivatives of what it found."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp

from llgrad.core.speed.quick import quick_jit
from llgrad.orbits.cycle.linear import LinearMotion, linear_of
from llgrad.orbits.cycle.native import closed_orbit
from llgrad.orbits.cycle.shooting import LARGEST_TURN, Chain, chain_of, correction, moved_by, size_of
from llgrad.orbits.flow import STEPPER, Flow

ITERATIONS: Final = 30
CLOSED: Final = 0.57
"""Newton's method ends after a step of this power of the rounding, 1e-9 in float64: the next would be rounding."""
ROUNDINGS: Final = 10.0
"""Nor is a number closed to less than so many roundings of its own size, however little of it moves."""


def closed_below(dtype: Any) -> float:
    """Size of the last correction of an orbit that is closed."""
    return float(jnp.finfo(dtype).eps) ** CLOSED


def finest_of(dtype: Any) -> float:
    """The least length by which changes of a number are measured, in parts of its own size."""
    return ROUNDINGS * float(jnp.finfo(dtype).eps) / closed_below(dtype)


class NewtonEnd(NamedTuple):
    """What Newton's method ended with."""

    states: Any
    """(N, n)."""
    period: Any
    """[ns]."""
    last: Any
    """Size of the last correction, or of the next where that is known to be but rounding."""
    iterations: Any
    chain: Chain
    """At the end,"""
    linear: LinearMotion
    """and what it makes of deviations."""


@quick_jit
def newton(flow: Flow, states: Any, period: Any) -> NewtonEnd:
    """The closed orbit near N states (N, n) round it and a period [ns]; it carries no derivative."""
    flow, states, period = jax.lax.stop_gradient((flow, states, jnp.asarray(period)))
    if (found := _natively(flow, states, period)) is not None:
        return found
    chain = chain_of(flow, states, period)

    def goes_on(now: Any) -> Any:
        _, _, last, _, count, _ = now
        return ((last > closed_below(states.dtype)) & (count < ITERATIONS)) | (count == 0)

    def advance(now: Any) -> Any:
        states, period, _, before, count, chain = now
        change, tau = correction(chain, period)
        length = size_of(flow, states, finest_of(states.dtype))
        relative = jnp.einsum("kni,ki->kn", chain.basis, change) / length
        largest = jnp.maximum(jnp.max(jnp.abs(relative)), jnp.abs(tau / period))
        factor = jnp.minimum(1.0, LARGEST_TURN / largest)
        states = moved_by(flow, states, chain, change * factor)
        period = period + tau * factor
        # corrections grow smaller as c, K c², K (K c²)², …: the next one is told by the last two
        next_one = largest * (largest / before) ** 2
        last = jnp.where(next_one < jnp.finfo(states.dtype).eps, jnp.minimum(largest, next_one), largest)
        return states, period, last, jnp.where(factor < 1, 0.0, largest), count + 1, chain_of(flow, states, period)

    zero = jnp.zeros((), states.dtype)
    start = (states, period, zero + jnp.inf, zero, jnp.asarray(0), chain)
    states, period, last, _, count, chain = jax.lax.while_loop(goes_on, advance, start)
    return NewtonEnd(states, period, last, count, chain, linear_of(chain))


def _natively(flow: Flow, states: Any, period: Any) -> NewtonEnd | None:
    """The same by one kernel, where there is one: with few numbers XLA takes longer between them than for them."""
    found = closed_orbit(
        flow,
        states,
        jnp.asarray(period, states.dtype),
        stepper=STEPPER,
        closed=closed_below(states.dtype),
        rounding=float(jnp.finfo(states.dtype).eps),
        most=ITERATIONS,
        longest=LARGEST_TURN,
        finest=finest_of(states.dtype),
    )
    if found is None:
        return None
    chain = Chain(found.basis, found.steps, found.gaps, found.along)
    transversal = (jnp.trace(found.monodromy) - 1).reshape(1, 1)
    linear = LinearMotion(found.monodromy, transversal, found.phase)
    return NewtonEnd(found.states, found.period, found.last, found.iterations.astype(int), chain, linear)


def closed_already(flow: Flow, states: Any, period: Any) -> NewtonEnd:
    """Of the states of a closed orbit what Newton's method would end with."""
    chain, zero = chain_of(flow, states, period), jnp.zeros((), states.dtype)
    return NewtonEnd(states, period, zero, zero, chain, linear_of(chain))


def attached(flow: Flow, found: NewtonEnd) -> tuple[Any, Any]:
    """States and period of a closed orbit that was found, with their derivatives: those of one more step of Newton's
    method, whose matrix needs none (the implicit function theorem)."""
    states, period, chain = jax.lax.stop_gradient((found.states, found.period, found.chain))
    ends = jax.vmap(lambda y: flow.run(y, period / len(states), 1)[-1])(states)
    gaps = jnp.einsum("kni,kn->ki", jnp.roll(chain.basis, -1, 0), ends - jnp.roll(states, -1, 0))
    change, tau = correction(chain._replace(gaps=gaps), period)
    return moved_by(flow, states, chain, change), period + tau
