"""Which states of a run are kept, and into how many steps it is divided."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import equinox as eqx

from llgrad.core.record import as_count, as_number


def _interval(given: Any) -> int:
    steps = as_count(given)
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ValueError(f"Every({given!r}): expected a positive number of steps")
    return steps


class Every(eqx.Module):
    """Keep the initial state and the state after every `steps` steps."""

    steps: int = eqx.field(static=True, default=1, converter=_interval)


class End(eqx.Module):
    """Keep the last state only."""


class Interval(eqx.Module):
    """Keep the initial state and the state at every multiple of `time` seconds.

    A step of a stepper with a polynomial (`DormandPrince8`, `Tsitouras5`, `DormandPrince5`) may span many of them.
    """

    time: float = eqx.field(static=True, converter=as_number)

    def __check_init__(self) -> None:
        if not isinstance(self.time, (int, float)) or isinstance(self.time, bool) or not 0 < self.time < math.inf:
            raise ValueError(f"Interval({self.time!r}): expected a positive time in seconds, such as 1e-11")


class Grid(NamedTuple):
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

    @property
    def saves(self) -> int:
        """Number of states kept after the initial one."""
        return self.steps // self.save_every * self.samples + self.tail if self.steps else 0

    @property
    def interval(self) -> float:
        """Time between two states kept [s]."""
        return self.dt * self.save_every / self.samples

    def last(self) -> Grid:
        """The grid of the shorter step at the end."""
        return Grid(1, self.tail * self.interval, 1, False, True, self.tail, 0, self.start + self.steps * self.dt)


def grid_of(duration: float, dt: float, save: Every | End | Interval, polynomial: bool = False) -> Grid:
    """The grid with the largest step that is at most `dt`, ends at `duration`, and is a multiple of the saving
    interval, or, with a `polynomial` through the steps, has a whole number of saving intervals."""
    if isinstance(save, Interval):
        return _sampled_grid(duration, dt, float(save.time), polynomial)
    steps = math.ceil(duration / dt * (1 - 1e-9)) if duration > 0 else 0
    if isinstance(save, End):
        return Grid(steps, duration / steps if steps else dt, max(steps, 1), keep_initial=steps == 0)
    steps = math.ceil(steps / save.steps) * save.steps
    return Grid(steps, duration / steps if steps else dt, save.steps, keep_initial=True)


def _sampled_grid(duration: float, dt: float, interval: float, polynomial: bool) -> Grid:
    count = round(duration / interval)
    if abs(duration / interval - count) > 1e-6 * max(count, 1) or (duration and not count):
        raise ValueError(
            f"a duration of {duration:g} s has {duration / interval:.6g} intervals of {interval:g} s; expected a whole "
            f"number: give duration={max(count, 1) * interval:g}"
        )
    most = min(int(dt / interval * (1 + 1e-9)), count)
    if not polynomial or most < 2:
        every = math.ceil(interval / dt * (1 - 1e-9))
        return Grid(count * every, interval / every, every, keep_initial=True)
    samples = math.ceil(count / math.ceil(count / most))
    return Grid(count // samples, samples * interval, 1, True, True, samples, count % samples)
