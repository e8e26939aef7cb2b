"""A run in parts: one after the other, each from the last state of the one before."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.doors import by_door
from llgrad.core.status import Outcome
from llgrad.core.trajectory import SystemTrajectory, Trajectory
from llgrad.core.vector import Vec3
from llgrad.solve.parts.division import RunPart, parts_of, steps_of_a_part
from llgrad.solve.parts.telling import Teller
from llgrad.solve.step_size import is_traced
from llgrad.solve.task import Engine, KeptStates, Task


def _it() -> str:
    """Where the interrupted run is."""
    return by_door("after is", "the file holds")


class Before(NamedTuple):
    """What there is of an interrupted run."""

    states: Any
    """Those kept after the initial one, as a tree of the form of the task's `m0`."""
    last: Any
    """The state that it ended with."""
    taken: int
    """Steps until then."""
    engine: str


def before_of(after: Trajectory | SystemTrajectory, task: Task) -> Before:
    """What an interrupted run holds for the task that continues it.

    Raises ValueError where it is none of this task's, or is complete.
    """
    grid, stats = task.grid, after.stats
    if np.ndim(after.t) != 1:
        raise ValueError(f"after holds a batch of runs, of times {np.shape(after.t)}; continue them one by one")
    planned: dict[str, Any] = {} if stats.engine == "Diffrax" else {"stepper": type(task.stepper).__name__}
    planned |= {"dt": grid.dt, "save_every": grid.save_every, "samples": grid.samples}
    planned |= {"steps": grid.whole}
    for name, value in planned.items():
        if (found := getattr(stats, name)) != value:
            shown, wanted = (f"{v * 1e12:.15g} ps" if name == "dt" else v for v in (found, value))
            raise ValueError(
                f"{_it()} a run with {name} = {shown}, and this one has {name} = {wanted}; give "
                f"{by_door('the arguments', 'the options')} with which it was begun"
            )
    states = _states(after)
    count, dtype = len(after.t), jax.tree.leaves(states)[0].dtype
    if dtype != task.dtype:
        raise ValueError(f"after is a run in {dtype}, and this one would be in {task.dtype}; see jax_enable_x64")
    first = jax.tree.map(lambda c: c[0], states)
    if grid.keep_initial and not _same(first, task.m0):
        raise ValueError(f"{_it()} a run from another starting state; give the m0 with which it was begun")
    if grid.keep_initial:
        saved, states = count - 1, jax.tree.map(lambda c: c[1:], states)
        taken = grid.steps_for(saved)
        complete = saved >= grid.saves
    else:
        taken = grid.steps_until(float(after.t[-1]))
        complete = taken >= grid.whole
    if complete:
        raise ValueError(f"{_it()} a run that is finished: there is nothing to continue")
    last = jax.tree.map(lambda c: jnp.asarray(c[-1], task.dtype), _states(after))
    return Before(states if grid.keep_initial else None, last, taken, stats.engine)


def _same(one: Any, other: Any) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))


def _states(run: Trajectory | SystemTrajectory) -> Any:
    """The states of a run as a tree of NumPy's arrays, time first."""
    if isinstance(run, SystemTrajectory):
        return jax.tree.map(np.asarray, run.state)
    m = np.asarray(run.m)
    return Vec3(m[..., 0], m[..., 1], m[..., 2])


class _Kept:
    """The states that a run keeps as it goes on."""

    def __init__(self, task: Task, before: Before | None):
        self.states = [] if before is None or before.states is None else [before.states]
        self.last = task.m0 if before is None else before.last
        self.taken = 0 if before is None else before.taken
        self.bad = -1

    def add(self, part: RunPart, states: Any, bad: int) -> None:
        """The states of a part, and whether it went wrong in a step."""
        self.last = jax.tree.map(lambda c: jnp.asarray(c[-1]), states)
        if part.kept:
            self.states.append(states)
        self.bad = part.begin + bad if self.bad < 0 <= bad else self.bad
        self.taken = part.begin + part.grid.whole

    def tree(self, task: Task, interrupted: bool) -> Any:
        """All of them; of an interrupted run that keeps its end only, the state that it came to."""
        if interrupted and not task.grid.keep_initial:
            return jax.tree.map(lambda c: jnp.asarray(c)[None], self.last)
        return jax.tree.map(lambda *parts: jnp.asarray(np.concatenate(parts)), *self.states)


def run_in_parts(engine: Engine, task: Task, teller: Teller, after: Trajectory | SystemTrajectory | None) -> KeptStates:
    """The solution of a task, part by part; what there is where KeyboardInterrupt comes in between, which is raised
    where nothing is.

    Raises ValueError for values that are traced.
    """
    if is_traced(task):
        raise ValueError("progress and after are for runs of known values, and here some are traced; leave them out")
    before = None if after is None else before_of(after, task)
    kept, interrupted = _Kept(task, before), False
    how = KeptStates(None, None, None, "" if before is None else before.engine, "")
    total = task.grid.whole
    try:
        teller.tell(kept.taken / total, task.grid.time_after(kept.taken))
        for part in parts_of(task.grid, steps_of_a_part(task, engine), kept.taken):
            first = jnp.asarray(part.first, jnp.int32)
            solution = engine.run(_from(kept.last, dataclasses.replace(task, grid=part.grid, first=first)))
            if how.engine not in ("", solution.engine):
                raise ValueError(
                    f"{_it()} a run on the engine {how.engine}, and this one is on {solution.engine}; give the "
                    "engine with which it was begun"
                )
            kept.add(part, jax.tree.map(np.asarray, solution.m), int(np.asarray(solution.bad_step)))
            how = solution
            teller.tell(kept.taken / total, task.grid.time_after(kept.taken))
    except KeyboardInterrupt:
        if not kept.taken:
            raise
        interrupted = kept.taken < total
    return _solution(task, kept, how, interrupted)


def _from(state: Any, task: Task) -> Task:
    return eqx.tree_at(lambda t: t.m0, task, state)


def _solution(task: Task, kept: _Kept, how: KeptStates, interrupted: bool) -> KeptStates:
    """All that was kept, and the outcome; engine and reason are those of the last part."""
    finite = all(np.isfinite(leaf).all() for leaf in map(np.asarray, jax.tree.leaves(kept.last)))
    code = Outcome.TOO_COARSE if finite else Outcome.NON_FINITE
    if kept.bad < 0:
        code = Outcome.INTERRUPTED if interrupted else Outcome.FINISHED
    bad = kept.taken - 1 if code is Outcome.INTERRUPTED else kept.bad
    states, taken = kept.tree(task, interrupted), kept.taken if interrupted else None
    return how._replace(m=states, code=jnp.asarray(int(code)), bad_step=jnp.asarray(bad, jnp.int32), taken=taken)
