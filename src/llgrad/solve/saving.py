"""Which states of a run are kept, and into how many steps it is divided."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import equinox as eqx

from llgrad.core.record import as_count


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


class Grid(NamedTuple):
    """The time grid of a run: `steps` steps of `dt` seconds; states are kept after every `save_every`."""

    steps: int
    dt: float
    save_every: int
    keep_initial: bool

    @property
    def saves(self) -> int:
        """Number of states kept after the initial one."""
        return self.steps // self.save_every if self.steps else 0


def grid_of(duration: float, dt: float, save: Every | End) -> Grid:
    """The grid with the largest step that is at most `dt`, ends at `duration`, and is a multiple of the saving
    interval."""
    steps = math.ceil(duration / dt * (1 - 1e-9)) if duration > 0 else 0
    if isinstance(save, End):
        return Grid(steps, duration / steps if steps else dt, max(steps, 1), keep_initial=steps == 0)
    steps = math.ceil(steps / save.steps) * save.steps
    return Grid(steps, duration / steps if steps else dt, save.steps, keep_initial=True)
