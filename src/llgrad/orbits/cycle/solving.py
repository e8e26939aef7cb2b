"""From a guess to a closed orbit, its derivatives attached, with as many steps as its accuracy takes."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import eval_context
from jax.flatten_util import ravel_pytree

from llgrad.core.speed.quick import quick_jit
from llgrad.orbits.cycle.linear import LinearMotion, chain_at, linear_at, multipliers_of, pushed
from llgrad.orbits.cycle.newton import NewtonEnd, attached, closed_below, newton
from llgrad.orbits.cycle.shooting import Chain, correction
from llgrad.orbits.flow import Flow
from llgrad.solve.step_size import is_traced

MOST_STEPS: Final = 4096
MOST_TURNS: Final = 32
TURN_STEPS: Final = 64
MOST_DIRECTIONS: Final = 16
"""Slopes by more numbers at once are left to the one direction that is asked for, or to the adjoint."""
BACK: Final = 1e-4
"""A run that comes back nearer than this part of an orbit's size has gone round it."""
FLAT: Final = 1e-5
"""An orbit smaller than this is a state at rest."""


class Closed(NamedTuple):
    """A closed orbit with its derivatives."""

    states: Any
    """(N, n)"""
    period: Any
    """[ns]"""
    linear: LinearMotion
    chain: Chain


@eqx.filter_custom_jvp
def closed_of(flow: Flow, found: NewtonEnd) -> Closed:
    """The closed orbit that was found, as a function of everything that the flow holds."""
    return _closed(flow, found)


@closed_of.def_jvp
def _closed_jvp(primals: Any, tangents: Any) -> tuple[Closed, Closed]:
    """At values that are known all slopes are found by one program that compiles quickly, and what is differentiated
    is their product with the directions: forwards and backwards the same program, which is compiled once."""
    (flow, found), along = primals, tangents[0]
    leaves, tree = jax.tree.flatten(flow)
    given = tree.flatten_up_to(along)
    directions = [tangent for tangent in given if tangent is not None]
    count = sum(np.size(leaf) for leaf, tangent in zip(leaves, given, strict=True) if tangent is not None)
    if not 0 < count <= MOST_DIRECTIONS or is_traced(flow, found):
        return pushed(lambda flow: _closed(flow, found), (flow,), (along,))
    moving, held = eqx.partition(flow, tree.unflatten([tangent is not None for tangent in given]))
    with eval_context():  # what is known is computed as outside of derivatives, by programs that are there already
        closed, slopes = _with_slopes(moving, held, found)
    return closed, _product(slopes, directions, closed)


@quick_jit
def _with_slopes(moving: Any, held: Any, found: NewtonEnd) -> tuple[Closed, Any]:
    """A closed orbit, and the slopes (M, P) of all its numbers by all those that move."""
    point, back = ravel_pytree(moving)

    def numbers(point: Any) -> tuple[Any, Closed]:
        closed = _closed(eqx.combine(back(point), held), found)
        return ravel_pytree(closed)[0], closed

    slopes, closed = jax.jacfwd(numbers, has_aux=True)(point)
    return closed, slopes


@jax.jit
def _product(slopes: Any, directions: list[Any], like: Closed) -> Closed:
    return ravel_pytree(like)[1](slopes @ jnp.concatenate([jnp.ravel(tangent) for tangent in directions]))


@quick_jit
def _closed(flow: Flow, found: NewtonEnd) -> Closed:
    states, period = attached(flow, found)
    known = jax.lax.stop_gradient((found.chain, found.linear))
    chain = chain_at(flow, states, period, known[0])
    linear = linear_at(chain, known[1])
    return Closed(states, _period(flow, states, linear.phase, jax.lax.stop_gradient(found.period)), linear, chain)


def period_of(flow: Flow, found: NewtonEnd) -> Any:
    """The period of the orbit that was found, with its first derivatives, which take no others."""
    states, phase, period = jax.lax.stop_gradient((found.states, found.linear.phase, found.period))
    return _period(flow, states, phase, period)


@eqx.filter_custom_jvp
def _period(flow: Flow, states: Any, phase: Any, period: Any) -> Any:
    """The period that is known already; its derivative is dT = −∫ Z·(∂f/∂p) dt dp, which has derivatives again."""
    return period


@_period.def_jvp
def _period_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    flow, states, phase, period = primals
    if not jax.tree.leaves(tangents[0]):
        return period, jnp.zeros_like(period)
    _, change = pushed(lambda flow: jax.vmap(flow.slope)(states), (flow,), (tangents[0],))
    return period, -period * jnp.mean(jnp.sum(phase * change, 1))


@quick_jit
def error_of(flow: Flow, found: NewtonEnd) -> Any:
    """How wrong the orbit is for its steps' length: by what it would be corrected with steps of half that length."""
    states, period, chain = found.states, found.period, found.chain
    ends = jax.vmap(lambda y: flow.run(y, period / len(states), 2)[-1])(states)
    gaps = jnp.einsum("kni,kn->ki", jnp.roll(chain.basis, -1, 0), ends - jnp.roll(states, -1, 0))
    change, tau = correction(chain._replace(gaps=gaps), period)
    extent = jnp.sqrt(jnp.max(jnp.sum((states - states.mean(0)) ** 2, 1)))
    return jnp.maximum(jnp.max(jnp.sqrt(jnp.sum(change**2, 1))) / extent, jnp.abs(tau / period))


@quick_jit
def closes(found: NewtonEnd) -> Any:
    """Whether Newton's method ended on a closed orbit, or on a state at rest."""
    return (found.last <= closed_below(found.states.dtype)) & (found.period > 0) & jnp.isfinite(found.states).all()


@quick_jit
def is_cycle(flow: Flow, found: NewtonEnd) -> Any:
    """Whether Newton's method ended on a closed orbit, and not on a state at rest or nowhere."""
    extent = jnp.sqrt(jnp.max(jnp.sum((found.states - found.states.mean(0)) ** 2, 1)))
    scale = jnp.sqrt(jnp.max(jnp.sum(found.states**2, 1)))
    return closes(found) & (extent > FLAT * scale)


@quick_jit
def attracts(found: NewtonEnd) -> Any:
    """Whether deviations from the orbit that was found decay."""
    multipliers = multipliers_of(found.linear)
    return jnp.max(jnp.abs(multipliers), initial=0.0) < 1


@quick_jit
def doubled(flow: Flow, found: NewtonEnd) -> tuple[Any, Any]:
    """Twice as many states round an orbit, and its period."""
    step = found.period / len(found.states)
    between = jax.vmap(lambda y: flow.run(y, step / 2, 1)[-1])(found.states)
    return jnp.stack([found.states, between], 1).reshape(-1, flow.size), found.period


def turns_of(flow: Flow, states: Any, period: Any, most: int) -> Any:
    """How often, up to `most` times, the states of a closed orbit go round it: after that part of its period the run
    from its fastest state is back."""
    speeds = jnp.sum(jax.vmap(flow.slope)(states) ** 2, 1)
    place = jnp.argmax(speeds)
    first = states[place]

    def counted() -> Any:
        turns = jnp.arange(2, most + 1)
        ends = jax.vmap(lambda k: flow.run(first, period / k, TURN_STEPS)[-1])(turns.astype(first.dtype))
        size = jnp.max(jnp.abs(states - states.mean(0)))
        back = jnp.max(jnp.abs(ends - first), 1) < BACK * size
        return jnp.max(jnp.where(back, turns, 1))

    # of another turn some state is within half a step of it, for none is faster; of its own turn only neighbours are
    count = len(states)
    apart = jnp.abs(jnp.arange(count) - place)
    step = jnp.sqrt(speeds[place]) * jnp.abs(period) / count
    passes = jnp.sum((states - first) ** 2, 1) <= step**2
    return jax.lax.cond((passes & (jnp.minimum(apart, count - apart) > 1)).any(), counted, lambda: jnp.asarray(1))


@quick_jit
def turns_round(flow: Flow, states: Any, period: Any) -> Any:
    """How often the states of a closed orbit go round it."""
    return turns_of(flow, states, period, MOST_TURNS)


@quick_jit
def first_turn(flow: Flow, states: Any, period: Any, turns: Any) -> tuple[Any, Any]:
    """As many states of the first of some turns, and its period."""
    first, single = states[0], period / turns
    return jnp.concatenate([first[None], flow.run(first, single, len(states))[:-1]]), single


def once_round(flow: Flow, found: NewtonEnd) -> NewtonEnd:
    """The orbit once round, where it was found several times round; for values that are known."""
    if not bool(is_cycle(flow, found)) or (turns := int(turns_round(flow, found.states, found.period))) == 1:
        return found
    single = newton(flow, *first_turn(flow, found.states, found.period, jnp.asarray(float(turns))))
    return single if bool(is_cycle(flow, single)) else found


def refined(flow: Flow, found: NewtonEnd, accuracy: float) -> tuple[NewtonEnd, float]:
    """The orbit with as many steps as an accuracy takes, and its error; for values that are known."""
    error = float(error_of(flow, found))
    while not error <= accuracy and 2 * len(found.states) <= MOST_STEPS:
        finer = newton(flow, *doubled(flow, found))
        if not bool(is_cycle(flow, finer)):
            break
        found, error = finer, float(error_of(flow, finer))
    return found, error
