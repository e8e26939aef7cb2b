"""A coupled array whose drive is held in pieces: one call of the native kernels for the whole of a signal."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from llgrad.kernels.calls import MEMORY
from llgrad.solve.native import as_operands, reason_against
from llgrad.solve.task import Engine, Task


def can_hold(engine: Engine, task: Task) -> bool:
    """Whether the kernels have a drive that is held for a task: of coupled arrays, without noise or another drive, and
    where no term asks for the time.
    """
    plain = task.noise is None and not task.channels and not task.equation.timed
    return task.mixing is not None and plain and not reason_against(engine, task)


def states_of_held(task: Task, channel: str, values: Any, per: int, memory: int = MEMORY) -> Any:
    """The states kept (S, N) of a task without a drive of its own, while a channel takes the values (P, N), each for
    so many steps. `memory` is how many bytes the states kept for a gradient may take.
    """
    from llgrad.kernels.integrate import integrate

    task, grid = as_operands(task), task.grid
    run = integrate(
        task.equation,
        task.m0,
        stepper=task.stepper,
        h=grid.dt * 1e9,
        steps=grid.steps,
        every=grid.save_every,
        drive={channel: jnp.asarray(values, task.dtype)[:, None]},
        mix=None if task.mixing is None else task.mixing.products(),
        memory=memory,
        hold=per,
    )
    return run.saved
