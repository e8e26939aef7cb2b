"""One round of branches, of all curves of all devices, as one program: let go, followed both ways, read out."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from llgrad.core.speed.quick import quick_jit
from llgrad.experiments.loops.relaxing import fastest, relaxed
from llgrad.fitting.loops.branches.reading_rows import Rows, rows_of
from llgrad.fitting.loops.branches.stretching import Stretch, stretches


class RoundAsked(NamedTuple):
    """What is asked of a round of curves (L,)."""

    own: Any
    """Parameters [SI] of each device (L, q)."""
    axes: Any
    """Of the field as it was set (L, 2) [rad]."""
    fields: Any
    """As they were set (L, K) [T]."""
    y: Any
    """Where each begins (L, d),"""
    value: Any
    """at which field, with what there is beside it (L,)."""
    let_go: Any
    """Whether it relaxes first (L,); it is at rest otherwise."""
    low: Any
    """Down to where it is followed (L,) [T],"""
    high: Any
    """and up to where (L,)."""
    nearest: Any
    """An end is known to this (L,) [T]."""


class WayEnd(NamedTuple):
    """The last states one way (L,)."""

    value: Any
    y: Any
    slope: Any
    """∂(dq/dt)/∂(q, field in its unit) (L, n, n + 1) [1/ns]."""
    ended: Any
    beyond: Any


class Answered(NamedTuple):
    """What a round gives."""

    rests: Any
    """Whether each came to rest (L,)."""
    y: Any
    """The first state (L, d)."""
    rate: Any
    """How fast [rad/ns] each device may turn (L,)."""
    ways: tuple[WayEnd, WayEnd]
    """Down and up."""
    rows: Rows


@partial(quick_jit, compiled=jax.jit)
def one_round(bare: Any, asked: RoundAsked) -> Answered:
    """The branches of a round."""
    families, offsets = jax.vmap(bare.family)(asked.own, asked.axes)
    found = jax.vmap(relaxed)(families, asked.y, asked.value, asked.let_go)
    y = jnp.where(asked.let_go[:, None], found.place.y, asked.y)
    twice = jax.tree.map(lambda leaf: jnp.concatenate([leaf, leaf]), (families, y, asked.value, asked.nearest))
    targets = jnp.concatenate([jnp.minimum(asked.low, asked.value), jnp.maximum(asked.high, asked.value)])
    both = stretches(twice[0], twice[1], twice[2], targets, twice[3])
    count = len(asked.value)
    down: Stretch = jax.tree.map(lambda leaf: leaf[:count], both)
    up: Stretch = jax.tree.map(lambda leaf: leaf[count:], both)
    fields = asked.fields + offsets[:, None]
    rows = rows_of(bare, asked.own, asked.axes, families, fields, asked.value, down, up)
    rate = jax.vmap(fastest)(families, asked.value)
    return Answered(found.rests, y, rate, (_end(down), _end(up)), rows)


def _end(way: Stretch) -> WayEnd:
    lanes, last = jnp.arange(len(way.count)), way.count - 1
    return WayEnd(way.value[lanes, last], way.y[lanes, last], way.slope, way.ended, way.beyond)
