"""How a run is divided into parts: each takes about a tenth of a second, by an estimate from its arithmetic alone.

The parts of a run do not depend on the clock, so that a run that is continued has the parts of one that was not
interrupted, and its bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import jax

from llgrad.solve.native import Native
from llgrad.solve.saving import TimeGrid
from llgrad.solve.task import Engine, Task

PART: Final = 0.1
"""Seconds that a part may take, about."""
OPERATION: Final = 1e-9
"""Seconds of an operation of one oscillator in compiled code;"""
DISPATCH: Final = 30e-9
"""of one that XLA starts by itself, for however many oscillators;"""
WEIGHT: Final = 0.25e-9
"""of a weight of a coupling, for each evaluation of the rate."""
SHORT: Final = 2000
"""A part has at least so many steps of a few oscillators: what each part costs by itself stays small."""


class RunPart(NamedTuple):
    """Some steps of a run, after `begin` others, `first` of which its grid's start does not count; `kept` where the
    states that its grid keeps are the run's."""

    begin: int
    first: int
    grid: TimeGrid
    kept: bool


def steps_of_a_part(task: Task, engine: Engine) -> int:
    """Steps that take about `PART` seconds."""
    lanes = task.count or 1
    coupled = lanes**2 * WEIGHT if task.mixing is not None else 0.0
    if lanes == 1 and task.grid.whole <= SHORT:
        return SHORT
    each = lanes * OPERATION + (0.0 if isinstance(engine, Native) else DISPATCH)
    seconds = len(task.tableau.b) * (_operations(task) * each + coupled)
    return max(int(PART / seconds), SHORT if lanes == 1 else 1)


def _operations(task: Task) -> int:
    """Operations of one evaluation of the rate of one oscillator."""

    def slope(state: Any, samples: Any) -> Any:
        return task.slope(state, samples, 0.0, normals)

    normals: dict[str, Any] = {} if task.noise is None else dict.fromkeys(task.equation.normals, 0.0)
    samples = jax.eval_shape(task.samples, jax.ShapeDtypeStruct((), task.dtype))
    return max(_count(jax.make_jaxpr(slope)(jax.tree.leaves(task.m0), samples).jaxpr), 1)


def _count(jaxpr: Any) -> int:
    inner = (value.jaxpr for equation in jaxpr.eqns for value in equation.params.values() if hasattr(value, "jaxpr"))
    return len(jaxpr.eqns) + sum(map(_count, inner))


def parts_of(grid: TimeGrid, most: int, taken: int = 0) -> Iterator[RunPart]:
    """The parts of a grid, of at most `most` steps each, without the steps already taken.

    They end where states are kept, or divide the steps between two kept states; last comes the shorter step. Of a grid
    that is cut, several pieces are one part.
    """
    begin = 0
    for pieces in _together(grid, most):
        steps = sum(piece.steps for piece in pieces)
        if len(pieces) == 1:
            yield from _parts_of_one(pieces[0], most, begin, max(taken - begin, 0))
        elif taken <= begin:
            yield RunPart(begin, 0, grid._replace(cuts=pieces), True)
        begin += steps


def _together(grid: TimeGrid, most: int) -> Iterator[tuple[TimeGrid, ...]]:
    """The pieces of a grid, as many at a time as have `most` steps and end where a state is kept; or one."""
    if not grid.cuts:
        yield from ((piece,) for piece in grid.pieces)
        return
    ready: tuple[TimeGrid, ...] = ()
    until_kept: tuple[TimeGrid, ...] = ()
    for piece in grid.cuts:
        until_kept = (*until_kept, piece)
        if not piece.kept:
            continue
        if ready and sum(one.steps for one in ready + until_kept) > most:
            yield ready
            ready = ()
        if sum(one.steps for one in until_kept) > most:
            yield from ((one,) for one in until_kept)
        else:
            ready += until_kept
        until_kept = ()
    if ready:
        yield ready


def _parts_of_one(grid: TimeGrid, most: int, begin: int, taken: int) -> Iterator[RunPart]:
    """The parts of equal steps, after `begin` others."""
    every, first = grid.save_every, taken
    length = most // every * every if every <= most else math.ceil(every / math.ceil(every / most))
    while first < grid.steps:
        if every <= most:
            end = min((first // length + 1) * length, grid.steps)
        else:
            since = first // every * every
            end = min(since + ((first - since) // length + 1) * length, since + every)
        steps = end - first
        part = grid._replace(steps=steps, save_every=min(every, steps), kept=True)
        yield RunPart(begin + first, first, part, grid.kept and end % every == 0)
        first = end
