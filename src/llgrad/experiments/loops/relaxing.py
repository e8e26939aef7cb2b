"""What a device relaxes to: the equation of motion with its own damping, run in pieces until the device rests."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.experiments.loops.swept import Swept
from llgrad.experiments.loops.walking import RestPlace, rest_near

STEPS: Final = 1024
"""Of a piece of a run, after each of which the device is looked at."""
SAVED: Final = 64
LOOKED_AT: Final = 64
TURN: Final = 1.0
"""Largest angle [rad] of the fastest precession in one step of eighth order: its error is below 1e-6."""
PIECES: Final = 1024
TREMBLE: Final = 1e-2
"""By which a state is pushed [rad] before it is let go: an unstable one does not leave by itself."""
SAME: Final = 1e-8
"""States nearer than this are one."""
STEADY, LIVELY, ALIKE = 1e-3, 1e-3, 12
"""A motion whose mean square is the same to this for so many pieces, and is no slow creep, goes on for ever."""


class LetGo(NamedTuple):
    """Where a device is after it was let go."""

    place: RestPlace
    rests: Any
    """Whether it is at rest; it oscillates, or creeps for too long, otherwise."""


class _Letting(NamedTuple):
    """A run on its way."""

    y: Any
    place: RestPlace
    far: Any
    """From the state at rest that was seen last; infinite where none was."""
    square: Any
    """Mean of |dy/dt|² over the last piece."""
    alike: Any
    """Pieces in which it has stayed the same."""
    pieces: Any
    rests: Any


@partial(quick_jit, compiled=jax.jit)
def relaxed(family: Swept, y: Any, value: Any, wanted: Any = True) -> LetGo:
    """The state at rest that the device goes to from a state (d,), a little pushed; where it is wanted."""
    flow = family.flow(value)
    rate = fastest(family, value)
    y = pushed(family, y, value)
    n, zero = flow.shape.freedom, jnp.zeros((), y.dtype)
    nowhere = RestPlace(y, zero + value, jnp.zeros((n, n), y.dtype), jnp.zeros_like(y), jnp.asarray(False))
    begun = _Letting(y, nowhere, zero + jnp.inf, zero, jnp.asarray(0), jnp.asarray(0), ~jnp.asarray(wanted, bool))

    def goes_on(now: _Letting) -> Any:
        lively = (now.alike >= ALIKE) & (now.square > (LIVELY * rate) ** 2)
        return ~now.rests & ~lively & (now.pieces < PIECES)

    def further(now: _Letting) -> _Letting:
        states = flow.run(now.y, STEPS * TURN / rate, STEPS, STEPS // SAVED)
        square = jnp.mean(jnp.sum(jax.vmap(flow.slope)(states) ** 2, axis=1))
        found = rest_near(family, states[-1], value)
        far = jnp.sqrt(jnp.sum((found.y - states[-1]) ** 2))
        # a state that is passed by is not come nearer to
        again = jnp.isfinite(now.far) & (jnp.abs(found.y - now.place.y).max() < SAME)
        rests = found.good & again & (far <= jnp.maximum(now.far, SAME))
        place = jax.tree.map(lambda new, old: jnp.where(found.good, new, old), found, now.place)
        steady = jnp.abs(square - now.square) < STEADY * square
        alike, far = jnp.where(steady, now.alike + 1, 0), jnp.where(found.good, far, now.far)
        return _Letting(states[-1], place, far, square, alike, now.pieces + 1, rests)

    end = jax.lax.while_loop(goes_on, further, begun)
    return LetGo(end.place, end.rests)


def pushed(family: Swept, y: Any, value: Any) -> Any:
    """A state pushed a little, in all its directions at once."""
    flow = family.flow(value)
    away = TREMBLE * np.cos(np.arange(flow.shape.freedom) + 0.5)
    return flow.on_sphere(y + flow.basis(y) @ jnp.asarray(away, y.dtype))


@partial(quick_jit, compiled=jax.jit)
def fastest(family: Swept, value: Any) -> Any:
    """How fast [rad/ns] a device may turn: the largest slope of its rate at states in all directions."""
    flow = family.flow(value)
    turns = np.cos(2.4 * np.outer(np.arange(LOOKED_AT) + 0.5, 1 + math.sqrt(2) * np.arange(flow.size)))
    states = jax.vmap(flow.on_sphere)(jnp.asarray(turns))
    return jnp.max(jnp.sqrt(jnp.sum(jax.vmap(jax.jacfwd(flow.slope))(states) ** 2, axis=(1, 2))))
