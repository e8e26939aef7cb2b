"""Along a branch of stable states: Newton's method from value to value, as far as the state stays stable.

A step is taken only if the state moves little, is stable at its end, and goes as the slopes of the branch at both ends
say, and is halved otherwise: so a branch is neither left nor skipped, however coarse the sweep and however near the
next one is, and it ends where its last stable state is, to rounding.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.experiments.loops.swept import Swept
from llgrad.orbits.branches.family import velocity
from llgrad.orbits.chart import chart_at

LONGEST_MOVE: Final = 0.1
"""By which a state may move in one step [rad]."""
ASIDE: Final = 1e-3
"""By which a step may be elsewhere than the slopes at its ends say [rad]: a jump of less may be taken for a branch."""
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
    move: Any
    """dy/dvalue (d,) along the branch."""
    good: Any
    """Whether it is at rest, stable, and near where it was looked for."""


@partial(quick_jit, compiled=jax.jit)
def rest_near(family: Swept, y: Any, value: Any) -> RestPlace:
    """The stable state at a value next to a state (d,)."""
    return _rest_near(family, y, value)


def _rest_near(family: Swept, y: Any, value: Any) -> RestPlace:
    flow = family.flow(value)
    chart = chart_at(flow, y)

    def at(q: Any) -> Any:
        return chart.velocity(flow, q)

    def moves(now: tuple[Any, Any, Any]) -> Any:
        _, size, count = now
        return (size > SOLVED) & (count < NEWTON_STEPS)

    def newton(now: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        q, _, count = now
        step = jnp.linalg.pinv(jax.jacfwd(at)(q), rtol=FREE) @ at(q)
        return q - step, jnp.sqrt(jnp.sum(step**2)), count + 1

    n = flow.shape.freedom
    q, last, _ = jax.lax.while_loop(moves, newton, (jnp.zeros(n, y.dtype), jnp.ones((), y.dtype), 0))
    there = chart.state(flow, q)
    here, zero = chart_at(flow, there), jnp.zeros(n + 1, y.dtype)
    slope = jax.jacfwd(lambda u: velocity(family, here, value, u))(zero)
    matrix, left = slope[:, :n], jnp.sqrt(jnp.sum(velocity(family, here, value, zero) ** 2))
    finite = jnp.isfinite(slope).all()
    matrix, size = jnp.where(finite, matrix, 0.0), jnp.asarray(family.size, y.dtype)
    turn = -jnp.linalg.pinv(matrix, rtol=FREE) @ slope[:, n] / size
    move = jax.jvp(lambda q: here.state(flow, q), (zero[:n],), (turn,))[1]
    near = (jnp.sqrt(jnp.sum(q**2)) <= LONGEST_MOVE) & (last < 1e-6) & (left <= LEFT * jnp.abs(matrix).max())
    rates = jnp.linalg.eigvals(matrix)
    stable = rates.real.max() <= NEUTRAL * jnp.abs(rates).max()
    return RestPlace(there, jnp.asarray(value, y.dtype), matrix, move, near & stable & finite)


def of_one_branch(spins: Any, ends: tuple[Any, Any], moves: tuple[Any, Any], step: Any) -> Any:
    """Whether states (…, d) a step (…) of what is swept apart are of one branch, by its slopes dy/dvalue at both.

    Where a slope has no inflection between two values, the way between the states is between what the slopes at both
    ends point to; it is beside that by what it jumped over. Asked of each unit vector alone, so that one that moves
    little is not hidden by another.
    """
    step = jnp.asarray(step)[..., None]
    way, first, last = ends[1] - ends[0], moves[0] * step, moves[1] * step
    way, first, last = (part[..., jnp.asarray(spins)] for part in (way, first, last))
    turn = last - first
    part = jnp.sum((way - first) * turn, axis=-1) / jnp.maximum(jnp.sum(turn**2, axis=-1), 1e-300)
    beside = way - first - jnp.clip(part, 0.0, 1.0)[..., None] * turn
    return (jnp.sum(beside**2, axis=-1) <= ASIDE**2).all(-1)


@partial(quick_jit, compiled=jax.jit)
def walked(family: Swept, begun: RestPlace, targets: Any, count: Any) -> tuple[RestPlace, RestPlace]:
    """The states at the first `count` of the targets (P,), one after the other, and the last stable state on the way.
    Those that were not reached are not good.
    """
    whole, spins = jnp.asarray(family.size, begun.y.dtype), np.array(family.shape.spins)

    def to(now: tuple[RestPlace, Any], target: tuple[Any, Any]) -> tuple[tuple[RestPlace, Any], RestPlace]:
        value, wanted = target

        def on(inner: tuple[RestPlace, Any]) -> Any:
            place, step = inner
            return wanted & (place.value != value) & (step > SHORTEST_STEP * whole)

        def further(inner: tuple[RestPlace, Any]) -> tuple[RestPlace, Any]:
            place, step = inner
            rest = value - place.value
            there = jnp.where(jnp.abs(rest) <= step, value, place.value + jnp.sign(rest) * step)
            change = there - place.value
            pointed = family.flow(there).on_sphere(place.y + place.move * change)
            found = _rest_near(family, pointed, there)
            moved = jnp.sqrt(jnp.sum((found.y - place.y) ** 2))
            on = of_one_branch(spins, (place.y, found.y), (place.move, found.move), change)
            good = found.good & on & (moved <= LONGEST_MOVE)
            kept = jax.tree.map(lambda new, old: jnp.where(good, new, old), found, place)
            return kept, jnp.where(good, jnp.minimum(2 * step, whole), jnp.abs(change) / 2)

        place, step = jax.lax.while_loop(on, further, now)
        return (place, step), place._replace(good=place.good & (place.value == value) & wanted)

    wanted = jnp.arange(len(targets)) < count
    (last, _), places = jax.lax.scan(to, (begun, whole), (targets, wanted))
    return places, last
