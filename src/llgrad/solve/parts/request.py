"""Whether a run goes in parts: who is told of them, and what run it continues."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.trajectory import SystemTrajectory, Trajectory
from llgrad.devices.arrays.system_array import SystemArray
from llgrad.devices.system import System
from llgrad.solve.accuracy import ChosenGrid, Wanted, grid_again
from llgrad.solve.parts.running import run_in_parts
from llgrad.solve.parts.telling import Teller
from llgrad.solve.task import Engine, KeptStates, Task


class RunParts(NamedTuple):
    """Whether a run goes in parts, who is told of them, and what run it continues."""

    teller: Teller
    after: Trajectory | SystemTrajectory | None
    wanted: bool

    @property
    def heard(self) -> Callable[[], None] | None:
        """What is called while the step is chosen."""
        return None if self.after is None and not self.wanted else self.teller.tell

    def step_before(self, wanted: Wanted, engine: Engine) -> ChosenGrid | None:
        """The steps that were chosen for the run that is continued; None where they are to be chosen anew."""
        if self.after is None:
            return None
        stats = self.after.stats
        grid = grid_again(wanted, stats, engine)
        if grid is None:
            return None
        return ChosenGrid(grid, math.nan if stats.error is None else stats.error, stats.reason)

    def run(self, engine: Engine, task: Task) -> KeptStates:
        if self.after is None and not (self.wanted and task.grid.steps):
            return engine.run(task)
        return run_in_parts(engine, task, self.teller, self.after)


def checked_after(after: Any, model: Any, drive: Any) -> Trajectory | SystemTrajectory | None:
    """The run to continue. Raises ValueError where it is none, or of another device or drive."""
    if after is None:
        return None
    kind = SystemTrajectory if isinstance(model, (System, SystemArray)) else Trajectory
    check_kind("after", after, kind, "give what an interrupted simulate(…) returned, or leave it out")
    if not eqx.tree_equal(after.model, model):
        raise ValueError("after is a run of another device; give the one with which it was begun")
    if not eqx.tree_equal(after.drive or None, drive or None):
        raise ValueError("after is a run with another drive; give the one with which it was begun")
    return after
