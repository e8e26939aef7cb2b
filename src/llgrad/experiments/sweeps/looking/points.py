"""Many points at once: the flow at each, and what is done with all of them by one compiled program.

Points are taken in portions of one size, so that few programs are compiled, and portions by as many threads as there
are processors.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import for_many, quick_jit
from llgrad.experiments.sweeps.axes import Axis, at
from llgrad.orbits.cycle.guess import CycleGuess, spiral, stiffness_near
from llgrad.orbits.cycle.newton import newton
from llgrad.orbits.cycle.solving import attracts, error_of, is_cycle, turns_of
from llgrad.orbits.flow import Flow, begun, flow_of
from llgrad.orbits.results.precision import working

LARGE, SMALL = 64, 32
"""Points of a portion: of many points, and of few. Larger ones are filled up more, and leave the second-level cache."""
FEW: Final = 128
MOST_TURNS: Final = 7
"""An orbit that was found is looked at for up to so many turns."""
FINER: Final = 4
"""An orbit that is not accurate is given so many times as many states."""


class Points(NamedTuple):
    """The flows at many points."""

    dynamic: Any
    """The leaves of the flows that are arrays, each with the points (B, …) first."""
    static: Any
    """The others, the same everywhere."""
    starts: Any
    """States (B, n) in which runs begin."""
    values: np.ndarray
    """Of the parameters (B, A)."""
    portion: int

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self.values)


class Solved(NamedTuple):
    """What Newton's method found from states round an orbit."""

    states: Any
    """(B, N, n)"""
    period: Any
    """(B,) [ns]"""
    fine: Any
    """Whether it is a closed orbit,"""
    attracts: Any
    """and deviations from it decay,"""
    error: Any
    """its relative error,"""
    turns: Any
    """and how often the states go round it."""


def points_of(model: Any, axes: Sequence[Axis], values: np.ndarray, m0: Any) -> Points:
    """The flows at values (B, A) of the axes."""
    names = [axis.name for axis in axes]
    held: list[Any] = []

    def one(value: Any) -> tuple[Any, Any]:
        here = at(model, names, list(value))
        flow = flow_of(here, what="closed orbit")
        start = begun(flow, here, m0)
        dynamic, static = eqx.partition(all_arrays(flow), eqx.is_array)
        held.append(static)
        return dynamic, start

    dynamic, starts = jax.jit(jax.vmap(one))(jnp.asarray(values))
    dynamic, starts = jax.tree.map(np.asarray, (dynamic, starts))
    return Points(dynamic, held[0], starts, values, SMALL if len(values) <= FEW else LARGE)


def stiffness_of(points: Points, places: np.ndarray) -> np.ndarray:
    """By how much the fastest motion at rest is faster than the turning (K,) at places (K,); infinite where nothing
    turns."""
    return in_portions(points, places, _stiffness)


def all_arrays(tree: Any) -> Any:
    """Every number an array, zeros and ones too: whatever is varied, one program serves all devices of a form."""
    dtype = jnp.result_type(float)

    def convert(leaf: Any) -> Any:
        number = isinstance(leaf, float) or (eqx.is_array(leaf) and jnp.issubdtype(leaf.dtype, jnp.floating))
        return jnp.asarray(leaf, dtype) if number else leaf

    return jax.tree.map(convert, tree)


def in_portions(points: Points, places: np.ndarray, task: Callable[..., Any], *given: Any, few: bool = False) -> Any:
    """task(dynamic, static, starts, *given) for the points at `places`, portion by portion; `given` are trees of arrays
    (len(places), …). The results are NumPy's, of all places. What is called over and over for `few` points may have a
    program of its own for them."""
    size = SMALL if few and len(places) <= SMALL else points.portion
    parts = [np.arange(begin, min(begin + size, len(places))) for begin in range(0, len(places), size)]

    def one(part: np.ndarray) -> Any:
        with working(), for_many(size > SMALL):
            filled = np.resize(part, size)
            here = places[filled]
            taken = [jax.tree.map(lambda leaf: leaf[filled], tree) for tree in given]
            dynamic, starts = jax.tree.map(lambda leaf: leaf[here], (points.dynamic, points.starts))
            found = task(dynamic, points.static, starts, *taken)
            return jax.tree.map(lambda leaf: np.asarray(leaf)[: len(part)], found)

    if len(parts) == 1:
        return one(parts[0])
    with ThreadPoolExecutor(_processors()) as pool:
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *pool.map(one, parts))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def flow_at(dynamic: Any, static: Any) -> Flow:
    """The flow of one point."""
    return eqx.combine(dynamic, static)


@quick_jit
def _stiffness(dynamic: Any, static: Any, starts: Any) -> Any:
    return jax.vmap(lambda dynamic, start: stiffness_near(flow_at(dynamic, static), start))(dynamic, starts)


@quick_jit
def guessed(dynamic: Any, static: Any, starts: Any, between: Any, count: int) -> CycleGuess:
    """A guess of each point, from all distances from the state at rest, or `between` two (B, 2)."""

    def one(dynamic: Any, start: Any, between: Any) -> CycleGuess:
        return spiral(flow_at(dynamic, static), start, count, between)

    return jax.vmap(one)(dynamic, starts, between)


@quick_jit
def solved(dynamic: Any, static: Any, starts: Any, states: Any, period: Any) -> Solved:
    """Newton's method from states (B, N, n) round an orbit and periods (B,) [ns]."""

    def one(dynamic: Any, states: Any, period: Any) -> Solved:
        flow = flow_at(dynamic, static)
        found = newton(flow, states, period)
        fine = is_cycle(flow, found)
        error = jnp.where(fine, error_of(flow, found), jnp.inf)
        return Solved(
            found.states,
            found.period,
            fine,
            attracts(found),
            error,
            turns_of(flow, found.states, found.period, MOST_TURNS),
        )

    return jax.vmap(one)(dynamic, states, period)


@quick_jit
def turned(dynamic: Any, static: Any, starts: Any, y: Any, period: Any, count: int) -> Any:
    """States (B, count, n) of one turn from y."""

    def one(dynamic: Any, y: Any, period: Any) -> Any:
        return jnp.concatenate([y[None], flow_at(dynamic, static).run(y, period, count)[:-1]])

    return jax.vmap(one)(dynamic, y, period)


@quick_jit
def finer(dynamic: Any, static: Any, starts: Any, states: Any, period: Any) -> tuple[Any, Any]:
    """FINER times as many states round each orbit, and the periods."""

    def one(dynamic: Any, states: Any, period: Any) -> tuple[Any, Any]:
        flow = flow_at(dynamic, static)
        part = period / len(states) * (1 - 1 / FINER)
        between = jax.vmap(lambda y: flow.run(y, part, FINER - 1))(states)
        return jnp.concatenate([states[:, None], between], 1).reshape(-1, flow.size), period

    return jax.vmap(one)(dynamic, states, period)
