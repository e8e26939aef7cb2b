"""The XLA engine: a plain scan on any device, and the reference that every other engine is compared with.

The run is cut into blocks of about a thousand steps. In a block the drive is sampled at once, the steps are scanned,
and in reverse mode only the block's first state is kept: memory does not grow with the number of steps.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.vector import Vec3
from llgrad.solve.saving import Grid
from llgrad.solve.task import Engine, Solution, Task, as_arrays, outcome_of, thermal_field, with_tail

BLOCK: Final = 1024
"""Steps of one block."""


class XLA(Engine):
    """Plain `lax.scan`, on CPU, GPU or TPU."""

    def run(self, task: Task) -> Solution:
        m, bad, code = _integrate(as_arrays(task))
        return Solution(m, code, bad, "XLA", "")


class _Plan(NamedTuple):
    """`blocks` × `parts` × `steps`; `pieces` parts make one saving interval. Padded steps are computed and not used."""

    blocks: int
    parts: int
    steps: int
    pieces: int


def _plan(grid: Grid) -> _Plan:
    saves, every = grid.steps // grid.save_every, grid.save_every
    if every > BLOCK:
        pieces = math.ceil(every / BLOCK)
        return _Plan(saves * pieces, 1, math.ceil(every / pieces), pieces)
    blocks = math.ceil(saves * every / BLOCK)
    parts = math.ceil(saves / blocks) if blocks else 0
    return _Plan(math.ceil(saves / parts) if parts else 0, parts, every, 1)


@eqx.filter_jit
def _integrate(task: Task) -> tuple[Vec3, Any, Any]:
    """States kept (S, …), the index of the first bad step, and the outcome."""
    m, bad = with_tail(_saved, task)
    return m, bad, outcome_of(m, bad)


def _saved(task: Task) -> tuple[Vec3, Any]:
    """States kept (S, …), and the index of the first bad step."""
    plan, grid = _plan(task.grid), task.grid
    start = (task.m0, jnp.asarray(-1, jnp.int32))
    block = partial(_block, task, plan)
    if plan.blocks > 1:
        block = jax.checkpoint(block, prevent_cse=False)
    (_, bad), m = jax.lax.scan(block, start, jnp.arange(plan.blocks, dtype=jnp.int32))
    m = jax.tree.map(lambda c: c.reshape(-1, *c.shape[2:])[plan.pieces - 1 :: plan.pieces], m)
    if grid.polynomial:
        m = jax.tree.map(lambda c: c.reshape(-1, *c.shape[2:]), m)
    return jax.tree.map(lambda c: c[: grid.saves - grid.tail], m), bad


def _block(task: Task, plan: _Plan, carry: Any, block: Any) -> tuple[Any, Vec3]:
    """One block: sample the drive, scan the parts, return the state after each part."""
    part = block * plan.parts + jnp.arange(plan.parts, dtype=jnp.int32)
    within = (part % plan.pieces)[:, None] * plan.steps + jnp.arange(plan.steps, dtype=jnp.int32)[None, :]
    save = (part // plan.pieces)[:, None]
    index = save * task.grid.save_every + within
    active = (within < task.grid.save_every) & (save < task.grid.steps // task.grid.save_every)
    samples = None
    if task.drive is not None:
        samples = task.drive.sample(task.times(index))

    step = jax.checkpoint(partial(_step, task), prevent_cse=False)

    def one_part(state: Any, inputs: Any) -> tuple[Any, Vec3]:
        state, within = jax.lax.scan(step, state, inputs)
        if within is None:
            return state, state[0]
        return state, jax.tree.map(lambda a, b: jnp.concatenate([a[0], b[None]]), within, state[0])

    return jax.lax.scan(one_part, carry, (index, active, samples))


def _step(task: Task, carry: Any, inputs: Any) -> tuple[Any, Vec3 | None]:
    """One Runge–Kutta step, its projection, and the watch on its health; with the states within it, of a polynomial."""
    (m, bad), (index, active, sample) = carry, inputs
    tableau, h = task.tableau, task.grid.dt * 1e9
    thermal = thermal_field(task, index)
    stages: list[Vec3] = []
    for row, node in zip(tableau.a, tableau.node_of_stage, strict=True):
        state = _combine(m, stages, row, h)
        field, current = thermal, 0.0
        if sample is not None:
            now = jax.tree.map(lambda values, node=node: values[node], sample).filled()
            field, current = field + now.field, now.current
        if task.coupling is not None:
            field = field + task.coupling.field(state)
        stages.append(task.equation(state, field, current))
    new = _combine(m, stages, tableau.b, h)
    growth = new.norm2() / m.norm2()
    if task.stepper.project:
        new = new * jax.lax.rsqrt(new.norm2())
    wrong = ~((jax.lax.stop_gradient(growth) > 0.9) & (jax.lax.stop_gradient(growth) < 1.1)).all()
    bad = jnp.where(wrong & active & (bad < 0), index, bad)
    within = _within(task, m, stages, h) if task.grid.polynomial else None
    return (jax.tree.map(lambda a, b: jnp.where(active, a, b), new, m), bad), within


def _within(task: Task, m: Vec3, stages: list[Vec3], h: float) -> Vec3:
    """The states (samples − 1, …) within a step, by its polynomial."""
    samples = task.grid.samples
    weights = h * task.tableau.weights(np.arange(1, samples) / samples)
    used = task.tableau.used_by_polynomial
    steps = jnp.asarray(weights[:, used], m.x.dtype)
    slopes = jax.tree.map(lambda *parts: jnp.stack(parts), *(stages[i] for i in used))
    states = jax.tree.map(lambda c, k: c[None] + jnp.tensordot(steps, k, 1), m, slopes)
    return states * jax.lax.rsqrt(states.norm2()) if task.stepper.project else states


def _combine(m: Vec3, stages: list[Vec3], weights: tuple[float, ...], h: float) -> Vec3:
    """m + h Σ weights_i stages_i."""
    for weight, slope in zip(weights, stages, strict=True):
        if weight:
            m = m + slope * (h * weight)
    return m
