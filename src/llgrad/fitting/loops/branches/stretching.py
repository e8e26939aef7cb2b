"""Along branches of stable states, as far as each goes: Newton's method from value to value, many branches at once.

A step is taken only if the state moves little, is stable at its end, and goes as the slopes of the branch at both ends
say (`of_one_branch`). Where one
cannot be taken, it is tried again from nearer, until what cannot be reached is next to the last state: there the branch
ends.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp

from llgrad.experiments.loops.swept import Swept
from llgrad.experiments.loops.walking import of_one_branch
from llgrad.fitting.loops.branches.resting import resting

MOVE: Final = 0.1
"""By which a state is to move in one step [rad]."""
LONGEST_MOVE: Final = 1.3 * MOVE
"""And may move."""
ASIDE: Final = 0.02
"""By which it may be elsewhere [rad] than those before it pointed to."""
AGAIN: Final = 2
"""So often what was not reached is tried again from a little nearer: it may have been too far only."""
KNOTS: Final = 128
"""States that are kept of each way; a branch with more is gone along in parts."""
TRIES: Final = 4
"""Steps for each of these."""


class Stretch(NamedTuple):
    """What branches (W,) are along a way from their first state."""

    value: Any
    """Of the states (W, K), in their order."""
    y: Any
    """(W, K, d)"""
    move: Any
    """dy/dvalue (W, K, d)."""
    count: Any
    """How many there are (W,)."""
    ended: Any
    """Whether the branch ends behind the last of them (W,)."""
    beyond: Any
    """The nearest value (W,) that could not be reached, where it ends."""
    slope: Any
    """∂(dq/dt)/∂(q, value in its unit) (W, n, n + 1) [1/ns] at the last of them."""


class _Walk(NamedTuple):
    """On the way."""

    value: Any
    y: Any
    move: Any
    slope: Any
    bend: Any
    """d²y/dvalue², by the last two."""
    beyond: Any
    """What could not be reached; infinite where nothing is known of."""
    again: Any
    tries: Any
    goes_on: Any
    ended: Any
    kept: tuple[Any, Any, Any]
    count: Any


def stretches(families: Swept, y: Any, values: Any, targets: Any, nearest: Any) -> Stretch:
    """The branches from states at rest y (W, d) at values (W,) towards targets (W,); an end is known to `nearest`
    (W,)."""
    way = jnp.sign(targets - values)
    first = resting(jax.vmap, families, y, values)
    lanes = jnp.arange(len(values))

    def kept_at(kept: tuple[Any, Any, Any], place: Any, count: Any, which: Any) -> tuple[Any, Any, Any]:
        at = jnp.where(which, count, KNOTS)  # out of range is dropped
        return tuple(all_of.at[lanes, at].set(one, mode="drop") for all_of, one in zip(kept, place, strict=True))  # pyright: ignore[reportReturnType]

    def further(now: _Walk) -> _Walk:
        left, gap = jnp.abs(targets - now.value), jnp.abs(now.beyond - now.value)
        turn = jnp.sqrt(jnp.sum(now.move**2, axis=-1))
        direct = (gap <= nearest) | ((now.again > 0) & (turn * gap <= 0.5 * MOVE))
        length = jnp.minimum(MOVE / jnp.maximum(turn, 1e-300), jnp.where(direct, gap, gap / 2))
        length = jnp.minimum(jnp.maximum(length, nearest / 2), left)
        value = jnp.where(length == left, targets, now.value + way * length)
        value = jnp.where(direct & (length >= gap * (1 - 1e-9)), now.beyond, value)
        step = (value - now.value)[:, None]
        pointed = _moved(families, now.y, values, now.move * step + now.bend * (step**2 / 2))
        found = resting(jax.vmap, families, pointed, value)
        moved = jnp.sqrt(jnp.sum((found.y - now.y) ** 2, axis=-1))
        on = of_one_branch(families.shape.spins, (now.y, found.y), (now.move, found.move), step[:, 0])
        good = now.goes_on & found.good & on & (found.far <= ASIDE) & (moved <= LONGEST_MOVE)
        bad = now.goes_on & ~good
        reached = good & (value == now.beyond)
        old, new = (now.value, now.y, now.move, now.slope), (value, found.y, found.move, found.slope)
        at = tuple(_chosen(good, one, other) for one, other in zip(new, old, strict=True))
        bend = _chosen(good, (found.move - now.move) / jnp.where(step == 0, 1.0, step), now.bend)
        again = jnp.where(bad, jnp.where(jnp.isinf(now.beyond), AGAIN, now.again - direct), now.again)
        ended = now.ended | (bad & (gap <= nearest))
        kept, count = kept_at(now.kept, at[:3], now.count, good), now.count + good
        on = now.goes_on & ~ended & ~(good & (value == targets)) & (count < KNOTS) & (now.tries < TRIES * KNOTS)
        beyond = jnp.where(bad, value, jnp.where(reached, jnp.inf, now.beyond))
        value, y, move, slope = at
        return _Walk(value, y, move, slope, bend, beyond, again, now.tries + 1, on, ended, kept, count)

    nothing = jnp.zeros((len(values), KNOTS), y.dtype)
    wide = jnp.zeros((*nothing.shape, y.shape[-1]), y.dtype)
    kept = kept_at((nothing, wide, wide), (values, first.y, first.move), jnp.zeros_like(lanes), lanes >= 0)
    zero, no = jnp.zeros_like(lanes), jnp.zeros(len(values), bool)
    nowhere = jnp.full_like(values, jnp.inf)
    place = values, first.y, first.move, first.slope, jnp.zeros_like(y)
    begun = _Walk(*place, nowhere, zero, zero, way != 0, no, kept, zero + 1)
    end = jax.lax.while_loop(lambda now: now.goes_on.any(), further, begun)
    return Stretch(*end.kept, end.count, end.ended, end.beyond, end.slope)


def _chosen(which: Any, one: Any, other: Any) -> Any:
    return jnp.where(which.reshape(-1, *(1,) * (one.ndim - 1)), one, other)


def _moved(families: Swept, y: Any, values: Any, step: Any) -> Any:
    """States (W, d) moved by a little."""
    return jax.vmap(lambda family, y, value, step: family.flow(value).on_sphere(y + step))(families, y, values, step)
