"""Along a branch of stable states: Newton's method from value to value, as far as the state stays stable.

A step is taken only if the state moves little and is stable at its end, and is halved otherwise: so a branch is neither
left nor skipped, however coarse the sweep, and it ends where its last stable state is, to rounding.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp

from llgrad.experiments.loops.swept import Swept
from llgrad.orbits.chart import chart_at

LONGEST_MOVE: Final = 0.1
"""By which a state may move in one step [rad]."""
SHORTEST_STEP: Final = 2.0**-40
"""In parts of the range: a branch that cannot be followed by this much has ended."""
NEWTON_STEPS: Final = 10
SOLVED: Final = 1e-12
"""Length [rad] of the last step of Newton's method."""
LEFT: Final = 1e-10
"""What may be left of dq/dt, relative to its slope."""
NEUTRAL: Final = 1e-12
"""A growth rate below this, relative to the largest eigenvalue, is rounding."""
FREE: Final = 1e-11
"""Singular values below this, relative to the largest: a direction that costs nothing."""


class RestPlace(NamedTuple):
    """A state at rest."""

    y: Any
    value: Any
    matrix: Any
    """∂(dq/dt)/∂q (n, n) [1/ns]."""
    good: Any
    """Whether it is at rest, stable, and near where it was looked for."""


@jax.jit
def rest_near(family: Swept, y: Any, value: Any) -> RestPlace:
    """The stable state at a value next to a state (d,)."""
    return _rest_near(family, y, value)


def _rest_near(family: Swept, y: Any, value: Any) -> RestPlace:
    flow = family.flow(value)
    chart = chart_at(flow, y)

    def velocity(q: Any) -> Any:
        return chart.velocity(flow, q)

    def moves(now: tuple[Any, Any, Any]) -> Any:
        _, size, count = now
        return (size > SOLVED) & (count < NEWTON_STEPS)

    def newton(now: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        q, _, count = now
        step = jnp.linalg.pinv(jax.jacfwd(velocity)(q), rtol=FREE) @ velocity(q)
        return q - step, jnp.sqrt(jnp.sum(step**2)), count + 1

    zero = jnp.zeros(flow.shape.freedom, y.dtype)
    q, last, _ = jax.lax.while_loop(moves, newton, (zero, jnp.ones((), y.dtype), 0))
    there = chart.state(flow, q)
    here = chart_at(flow, there)
    matrix = jax.jacfwd(lambda q: here.velocity(flow, q))(zero)
    left = jnp.sqrt(jnp.sum(here.velocity(flow, zero) ** 2))
    near = (jnp.sqrt(jnp.sum(q**2)) <= LONGEST_MOVE) & (last < 1e-6) & (left <= LEFT * jnp.abs(matrix).max())
    rates = jnp.linalg.eigvals(jnp.where(jnp.isfinite(matrix), matrix, 0.0))
    stable = rates.real.max() <= NEUTRAL * jnp.abs(rates).max()
    return RestPlace(there, jnp.asarray(value, y.dtype), matrix, near & stable & jnp.isfinite(matrix).all())


@jax.jit
def walked(family: Swept, begun: RestPlace, targets: Any, count: Any) -> tuple[RestPlace, RestPlace]:
    """The states at the first `count` of the targets (P,), one after the other, and the last stable state on the way.
    Those that were not reached are not good.
    """
    whole = jnp.asarray(family.size, begun.y.dtype)

    def to(now: tuple[RestPlace, Any], target: tuple[Any, Any]) -> tuple[tuple[RestPlace, Any], RestPlace]:
        value, wanted = target

        def on(inner: tuple[RestPlace, Any]) -> Any:
            place, step = inner
            return wanted & (place.value != value) & (step > SHORTEST_STEP * whole)

        def further(inner: tuple[RestPlace, Any]) -> tuple[RestPlace, Any]:
            place, step = inner
            rest = value - place.value
            there = jnp.where(jnp.abs(rest) <= step, value, place.value + jnp.sign(rest) * step)
            found = _rest_near(family, place.y, there)
            kept = jax.tree.map(lambda new, old: jnp.where(found.good, new, old), found, place)
            length = jnp.abs(there - place.value)
            return kept, jnp.where(found.good, jnp.minimum(2 * step, whole), length / 2)

        place, step = jax.lax.while_loop(on, further, now)
        return (place, step), place._replace(good=place.good & (place.value == value) & wanted)

    wanted = jnp.arange(len(targets)) < count
    (last, _), places = jax.lax.scan(to, (begun, whole), (targets, wanted))
    return places, last
