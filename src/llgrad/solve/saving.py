"""Which states of a run are kept, and into how many steps it is divided."""

from __future__ import annotations

import itertools
import math
from typing import Any, Final, NamedTuple

import equinox as eqx
import numpy as np

from llgrad.core.record import as_count, as_number


def _interval(given: Any) -> int:
    steps = as_count(given)
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ValueError(f"Every({given!r}): expected a positive number of steps")
    return steps


class Every(eqx.Module):
    """Keep the initial state and the state after every `steps` steps.

    >>> import llgrad as lg
    >>> run = lg.simulate(lg.presets.kubota2013(), duration=1e-9, dt=2e-12, save=lg.Every(5))
    >>> run.m.shape, round(float(run.t[1]) * 1e12, 3)  # ps
    ((101, 3), 10.0)
    """

    steps: int = eqx.field(static=True, default=1, converter=_interval)


class End(eqx.Module):
    """Keep the last state only.

    >>> import llgrad as lg
    >>> lg.simulate(lg.presets.kubota2013(), duration=1e-9, dt=2e-12, save=lg.End()).m.shape
    (1, 3)
    """


class Interval(eqx.Module):
    """Keep the initial state and the state at every multiple of `time` seconds.

    A step of a stepper with a polynomial (`DormandPrince8`, `Tsitouras5`, `DormandPrince5`) may span many of them.

    >>> import llgrad as lg
    >>> stepper = lg.solvers.DormandPrince8()
    >>> run = lg.simulate(
    ...     lg.presets.kubota2013(), duration=1e-9, dt=10e-12, stepper=stepper, save=lg.solvers.Interval(2e-12)
    ... )
    >>> run.m.shape
    (501, 3)
    """

    time: float = eqx.field(static=True, converter=as_number)

    def __check_init__(self) -> None:
        if not isinstance(self.time, (int, float)) or isinstance(self.time, bool) or not 0 < self.time < math.inf:
            raise ValueError(f"Interval({self.time!r}): expected a positive time in seconds, such as 1e-11")


class TimeGrid(NamedTuple):
    """The time grid of a run: `steps` steps of `dt` seconds; states are kept after every `save_every`.

    With a `polynomial` every step gives `samples` states at equal fractions of it, and after the steps comes a shorter
    one with the `tail` states that are left over.
    """

    steps: int
    dt: float
    save_every: int
    keep_initial: bool
    polynomial: bool = False
    samples: int = 1
    tail: int = 0
    start: float = 0.0
    cuts: tuple[TimeGrid, ...] = ()
    """What is stepped instead, where steps end at the edges of a drive; the states that are kept are the same."""
    kept: bool = True
    """Whether the states of a cut belong to those that are kept; its end is where the next one begins."""

    @property
    def saves(self) -> int:
        """Number of states kept after the initial one."""
        return self.steps // self.save_every * self.samples + self.tail if self.steps else 0

    @property
    def interval(self) -> float:
        """Time between two states kept [s]."""
        return self.dt * self.save_every / self.samples

    @property
    def pieces(self) -> tuple[TimeGrid, ...]:
        """The grids of equal steps that are stepped one after the other."""
        return self.cuts or (self._replace(tail=0), *([self.last()] if self.tail else []))

    @property
    def whole(self) -> int:
        """Number of all steps."""
        return sum(piece.steps for piece in self.pieces)

    @property
    def ends(self) -> Any:
        """The step [s]; of pieces the times at which all their steps end, 0 first."""
        if not self.cuts:
            return self.dt
        return np.concatenate([[0.0], *(p.start + p.dt * np.arange(1, p.steps + 1) for p in self.cuts)])

    def time_after(self, steps: int) -> float:
        """The time [s] at which a number of steps ends."""
        if self.cuts:
            return float(self.ends[steps])
        return steps * self.dt if steps <= self.steps else self.saves * self.interval

    def steps_until(self, time: float) -> int:
        """The number of steps that end at a time [s]."""
        return int(np.argmin(np.abs(self.ends - time))) if self.cuts else round(time / self.dt)

    def steps_for(self, saved: int) -> int:
        """The number of steps after which so many states are kept after the initial one."""
        taken = 0
        for piece in self.pieces:
            if saved <= 0:
                break
            here = min(saved, piece.saves)
            taken += here // piece.samples * piece.save_every if piece.kept else piece.steps
            saved -= here if piece.kept else 0
        return taken

    def last(self) -> TimeGrid:
        """The grid of the shorter step at the end."""
        return TimeGrid(1, self.tail * self.interval, 1, False, True, self.tail, 0, self.start + self.steps * self.dt)


def grid_of(duration: float, dt: float, save: Every | End | Interval, polynomial: bool = False) -> TimeGrid:
    """The grid with the largest step that is at most `dt`, ends at `duration`, and is a multiple of the saving
    interval, or, with a `polynomial` through the steps, has a whole number of saving intervals."""
    if isinstance(save, Interval):
        return _sampled_grid(duration, dt, float(save.time), polynomial)
    steps = math.ceil(duration / dt * (1 - 1e-9)) if duration > 0 else 0
    if isinstance(save, End):
        return TimeGrid(steps, duration / steps if steps else dt, max(steps, 1), keep_initial=steps == 0)
    steps = math.ceil(steps / save.steps) * save.steps
    return TimeGrid(steps, duration / steps if steps else dt, save.steps, keep_initial=True)


MOST_PIECES: Final = 64
"""Grids of equal steps that one run is made of."""
SAME: Final = 1e-6
"""Parts of a step, or of an interval between states kept, by which two times that are one may differ."""


class Edges(NamedTuple):
    """What a drive asks of the steps: times [s] at which one ends, and (from, to, longest step) of stretches."""

    knots: tuple[float, ...] = ()
    slow: tuple[tuple[float, float, float], ...] = ()

    def scaled(self, factor: float) -> Edges:
        """The same with other steps."""
        return Edges(self.knots, tuple((a, b, step * factor) for a, b, step in self.slow))

    def within(self, grid: TimeGrid) -> tuple[float, ...]:
        """The knots that are within a step of a grid."""
        off = [abs(knot / grid.dt - round(knot / grid.dt)) for knot in self.knots]
        return tuple(knot for knot, part in zip(self.knots, off, strict=True) if part > SAME)

    def longest(self, time: float, dt: float) -> float:
        """The longest step at a time."""
        return min([dt, *(step for a, b, step in self.slow if a < time < b)])


def cut_at(grid: TimeGrid, edges: Edges, most: int = MOST_PIECES) -> TimeGrid | None:
    """The grid with steps that end at the knots of a drive, and are short in its edges; None where that takes more
    than `most` pieces."""
    interval, duration = grid.interval, grid.saves * grid.interval
    slow = [(a, b, step) for a, b, step in edges.slow if step < grid.dt]
    edges = Edges(edges.knots if grid.polynomial or grid.save_every == grid.steps else edges.within(grid), tuple(slow))
    times = sorted({*edges.knots, *(time for a, b, _ in slow for time in (a, b))})
    times = [time for time in times if SAME * grid.dt < time < duration - SAME * grid.dt]
    if not times or len(times) > most:
        return None if times else grid
    places = [time / interval for time in times]
    ends = {0, grid.saves}
    for place in places:
        near = round(place)
        ends |= {near} if abs(place - near) < SAME else {math.floor(place), math.ceil(place)}
    found: list[TimeGrid] = []
    for first, last in itertools.pairwise(sorted(ends)):
        inside = [time for time, place in zip(times, places, strict=True) if first + SAME < place < last - SAME]
        points = [first * interval, *inside, last * interval]
        for begin, end in itertools.pairwise(points):
            dt = edges.longest((begin + end) / 2, grid.dt)
            found += _stretch(grid, begin, end, 1 if inside else last - first, dt, end == points[-1])
    return grid._replace(cuts=tuple(found)) if len(found) <= most else None


def _stretch(grid: TimeGrid, begin: float, end: float, count: int, dt: float, kept: bool) -> list[TimeGrid]:
    """The grids from one time to another, with `count` intervals between states kept."""
    length = (end - begin) / count
    most = min(int(dt / length * (1 + 1e-9)), count)
    if not grid.polynomial or most < 2:
        every = max(math.ceil(length / dt * (1 - 1e-9)), 1)
        return [TimeGrid(count * every, length / every, every, False, grid.polynomial, 1, 0, begin, (), kept)]
    samples = math.ceil(count / math.ceil(count / most))
    whole = TimeGrid(count // samples, samples * length, 1, False, True, samples, count % samples, begin, (), kept)
    return list(whole.pieces)


def _sampled_grid(duration: float, dt: float, interval: float, polynomial: bool) -> TimeGrid:
    count = round(duration / interval)
    if abs(duration / interval - count) > 1e-6 * max(count, 1) or (duration and not count):
        raise ValueError(
            f"a duration of {duration:g} s has {duration / interval:.6g} intervals of {interval:g} s; expected a whole "
            f"number: give duration={max(count, 1) * interval:g}"
        )
    most = min(int(dt / interval * (1 + 1e-9)), count)
    if not polynomial or most < 2:
        every = math.ceil(interval / dt * (1 - 1e-9))
        return TimeGrid(count * every, interval / every, every, keep_initial=True)
    samples = math.ceil(count / math.ceil(count / most))
    return TimeGrid(count // samples, samples * interval, 1, True, True, samples, count % samples)
