"""The root where junctions' resistances follow the voltages that they leave each other: a safeguarded Newton method.

It has a fixed number of steps and no branch, so that it is part of a kernel like any other formula.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp

OVERSHOOT: Final = 0.5
"""A step that ends this far beyond its minimum, as a part of the slope at its start, goes back towards it."""
POLISHING: Final = 2
"""So many steps are differentiated: from a root, n of Newton's steps have its first 2ⁿ − 1 derivatives."""


class Tangent(NamedTuple):
    """The line I + G (v − V) that touches a characteristic at V."""

    voltage: Any
    """V [V]."""
    current: Any
    """I [A]."""
    conductance: Any
    """G = dI/dV [S]."""

    @property
    def source(self) -> Any:
        """The voltage [V] at which it has no current: v = source + i/G."""
        return self.voltage - self.current / self.conductance


Law = Callable[[Any], Any]
"""The current [A] at a voltage [V], which rises with it."""
Linear = Callable[[list[Tangent]], list[tuple[Any, Any]]]
"""Voltages [V] and currents [A] of the laws in a network whose laws are their tangents."""


def tangents(laws: Sequence[Law], voltages: Sequence[Any]) -> list[Tangent]:
    """The laws at these voltages."""
    units = [1.0 if isinstance(v, float) else jnp.ones_like(v) for v in voltages]
    return [Tangent(v, *jax.jvp(law, (v,), (one,))) for law, v, one in zip(laws, voltages, units, strict=True)]


def still(tree: Any) -> Any:
    """The same numbers, constant to derivatives."""
    return jax.tree.map(lambda leaf: jax.lax.stop_gradient(leaf) if isinstance(leaf, jax.Array) else leaf, tree)


def settled(laws: Sequence[Law], linear: Linear, steps: int) -> list[Any]:
    """The voltage [V] of each law for which it has the current that the network gives it there; not differentiable.

    The network passes no more power than it is given (Σ dV dI ≤ 0 for its differences), and the currents rise with the
    voltages, so the root is the one minimum of a convex function, the co-content (W. Millar, Phil. Mag. 42, 1150
    (1951)). Its slope along a step dV of Newton's method is Σ dV (I(V) − I); where the end of a step is on the rise,
    the next one begins nearer to its start.
    """
    tried = linear([Tangent(0.0, 0.0, at.conductance) for at in tangents(laws, [0.0] * len(laws))])
    start, way, slope = tried, [(0.0, 0.0)] * len(laws), 0.0
    for _ in range(steps):
        at = tangents(laws, [v for v, _ in tried])
        excess = [tangent.current - i for tangent, (_, i) in zip(at, tried, strict=True)]
        end = sum(dv * e for (dv, _), e in zip(way, excess, strict=True))
        good = end <= OVERSHOOT * slope
        part = jnp.where(good, 1.0, slope / jnp.where(good, 1.0, slope + end))
        ahead = [(v - w, i - j) for (v, i), (w, j) in zip(linear(at), tried, strict=True)]
        falls = -sum(dv * e for (dv, _), e in zip(ahead, excess, strict=True))
        start = _chosen(good, tried, start)
        way = _chosen(good, ahead, [(part * dv, part * di) for dv, di in way])
        slope = jnp.maximum(jnp.where(good, falls, part * slope), 0.0)
        tried = [(v + dv, i + di) for (v, i), (dv, di) in zip(start, way, strict=True)]
    return [still(v) for v, _ in tried]


def polished(laws: Sequence[Law], linear: Linear, voltages: Sequence[Any]) -> list[Tangent]:
    """Tangents of the laws, of which `linear` gives the root near to what `settled` found, with its derivatives.

    NaN where that was no root yet.
    """
    before, volts = voltages, voltages
    for _ in range(POLISHING - 1):
        before, volts = volts, [v for v, _ in linear(tangents(laws, volts))]
    return [_or_nan(tangent, _moved(before, volts)) for tangent in tangents(laws, volts)]


def _chosen(good: Any, one: list[tuple[Any, Any]], other: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    return [(jnp.where(good, v, w), jnp.where(good, i, j)) for (v, i), (w, j) in zip(one, other, strict=True)]


def _moved(before: Sequence[Any], after: Sequence[Any]) -> Any:
    """Whether a step from near a root has still moved anything: the next one would to its square."""
    least = jnp.finfo(jnp.result_type(*after)).eps ** 0.4
    moved = sum(abs(still(a) - b) for a, b in zip(after, before, strict=True))
    return moved > least * sum(map(abs, before))


def _or_nan(tangent: Tangent, moved: Any) -> Tangent:
    return tangent._replace(current=jnp.where(moved, jnp.nan, tangent.current))
