"""What is read out on branches at measured fields, and how it moves with the device: of all rows at once."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from llgrad.experiments.loops.swept import Swept
from llgrad.fitting.loops.branches.resting import resting, solved
from llgrad.fitting.loops.branches.stretching import ASIDE, Stretch
from llgrad.fitting.loops.reading_out import read_out
from llgrad.orbits.chart import chart_at


class Rows(NamedTuple):
    """Branches (L,) at rows (K,), and at their lowest and highest state behind them."""

    inside: Any
    """Whether a branch is there (L, K + 2),"""
    good: Any
    """and stable, by its own equations."""
    y: Any
    """(L, K + 2, d); next to the first or last state of a branch where it is not there."""
    told: Any
    """(L, K + 2)"""
    slopes: Any
    """By the parameters [SI], (L, K + 2, q)."""


def rows_of(
    bare: Any, own: Any, axes: Any, families: Swept, fields: Any, begun: Any, down: Stretch, up: Stretch
) -> Rows:
    """What is read out at fields (L, K) [T] of branches that go down and up from values (L,), for devices of parameters
    (L, q) and axes (L, 2)."""
    lowest, highest = _last(down.value, down.count), _last(up.value, up.count)
    values = jnp.concatenate([fields, lowest[:, None], highest[:, None]], axis=1)
    inside = (values >= lowest[:, None]) & (values <= highest[:, None])
    held = jnp.clip(values, lowest[:, None], highest[:, None])
    upward = held >= begun[:, None]
    near = jnp.where(upward[..., None], _between(up, held, 1.0), _between(down, held, -1.0))
    near = each_row(lambda family, y, value: family.flow(value).on_sphere(y))(families, near, held)
    found = resting(each_row, families, near, held)
    told, slopes = jax.vmap(lambda own, axis, *rest: _told(bare, own, axis, *rest))(
        own, axes, found.y, found.slope[..., :-1], held
    )
    return Rows(inside, found.good & (found.far <= ASIDE), found.y, told, slopes)


def each_row(function: Any) -> Any:
    """A function of a device and of numbers of a row as one of all devices and all rows."""

    def of_all(family: Swept, *rest: Any) -> Any:
        return jax.vmap(lambda *row: function(family, *row))(*rest)

    return jax.vmap(of_all)


def _last(kept: Any, count: Any) -> Any:
    return jnp.take_along_axis(kept, (count - 1)[:, None], axis=1)[:, 0]


def _between(stretch: Stretch, values: Any, way: float) -> Any:
    """States (L, K, d) between those of a stretch: by a cubic through two of them, along the branch at both."""

    def one(known: Any, y: Any, move: Any, count: Any, values: Any) -> Any:
        there = jnp.where(jnp.arange(known.size) < count, way * known, jnp.inf)
        place = jnp.clip((there[None] <= way * values[:, None]).sum(axis=1) - 1, 0, jnp.maximum(count - 2, 0))
        after = jnp.minimum(place + 1, count - 1)
        whole = known[after] - known[place]
        part = jnp.where(whole == 0, 0.0, (values - known[place]) / jnp.where(whole == 0, 1.0, whole))[:, None]
        rise, whole = y[after] - y[place], whole[:, None]
        bend = (1 - part) * (move[place] * whole - rise) - part * (move[after] * whole - rise)
        return y[place] + part * rise + part * (1 - part) * bend

    return jax.vmap(one)(stretch.value, stretch.y, stretch.move, stretch.count, values)


def _told(bare: Any, own: Any, axis: Any, y: Any, matrix: Any, values: Any) -> tuple[Any, Any]:
    """What is read out (K,) of states at rest (K, d) at values (K,), and the slopes (K, q): with r the read-out and
    v = dq/dt of the device, dr/dp = ∂r/∂p − λ · ∂v/∂p, where λ ∂v/∂q = ∂r/∂q."""
    held, offset = jax.lax.stop_gradient(bare.family(own, axis))

    def seen(own: Any, y: Any, value: Any) -> Any:
        family, beside = bare.family(own, axis)
        value = value - offset + beside
        return read_out(family.placed(value), bare.quantity, family.flow(value).state(y), family)

    def by_state(y: Any, value: Any) -> Any:
        flow = held.flow(value)
        chart = chart_at(flow, y)
        return jax.jacfwd(lambda q: seen(own, chart.state(flow, q), value))(jnp.zeros(bare.shape.freedom, y.dtype))

    pull = solved(jnp.swapaxes(matrix, -1, -2), jax.vmap(by_state)(y, values))

    def moved(y: Any, value: Any, pull: Any) -> tuple[Any, Any]:
        def whole(own: Any) -> tuple[Any, Any]:
            family, beside = bare.family(own, axis)
            flow = family.flow(value - offset + beside)
            chart = chart_at(flow, y)
            told = seen(own, y, value)
            return told - jnp.dot(pull, chart.velocity(flow, jnp.zeros(bare.shape.freedom, y.dtype))), told

        slopes, told = jax.grad(whole, has_aux=True)(own)
        return told, slopes

    return jax.vmap(moved)(y, values, pull)
