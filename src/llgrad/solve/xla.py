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

from llgrad.solve.saving import Grid
from llgrad.solve.task import Engine, Solution, Task, as_arrays, outcome_of, unit_normals

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
    saves, every = grid.saves, grid.save_every
    if every > BLOCK:
        pieces = math.ceil(every / BLOCK)
        return _Plan(saves * pieces, 1, math.ceil(every / pieces), pieces)
    blocks = math.ceil(saves * every / BLOCK)
    parts = math.ceil(saves / blocks) if blocks else 0
    return _Plan(math.ceil(saves / parts) if parts else 0, parts, every, 1)


@eqx.filter_jit
def _integrate(task: Task) -> tuple[Any, Any, Any]:
    """States kept (S, …), the index of the first bad step, and the outcome."""
    plan, grid = _plan(task.grid), task.grid
    start = (task.m0, jnp.asarray(-1, jnp.int32))
    block = partial(_block, task, plan)
    if plan.blocks > 1:
        block = jax.checkpoint(block, prevent_cse=False)
    (_, bad), m = jax.lax.scan(block, start, jnp.arange(plan.blocks, dtype=jnp.int32))
    m = jax.tree.map(lambda c: c.reshape(-1, *c.shape[2:])[plan.pieces - 1 :: plan.pieces][: grid.saves], m)
    return m, bad, outcome_of(m, bad)


def _block(task: Task, plan: _Plan, carry: Any, block: Any) -> tuple[Any, Any]:
    """One block: sample the drive, scan the parts, return the state after each part."""
    part = block * plan.parts + jnp.arange(plan.parts, dtype=jnp.int32)
    within = (part % plan.pieces)[:, None] * plan.steps + jnp.arange(plan.steps, dtype=jnp.int32)[None, :]
    save = (part // plan.pieces)[:, None]
    index = save * task.grid.save_every + within
    active = (within < task.grid.save_every) & (save < task.grid.saves)
    nodes = jnp.asarray(task.stepper.tableau.nodes, task.dtype)
    samples = task.samples((index[..., None].astype(nodes.dtype) + nodes[None, None, :]) * task.grid.dt)

    step = jax.checkpoint(partial(_step, task), prevent_cse=False)

    def one_part(state: Any, inputs: Any) -> tuple[Any, Any]:
        state, _ = jax.lax.scan(step, state, inputs)
        return state, state[0]

    return jax.lax.scan(one_part, carry, (index, active, samples))


def _step(task: Task, carry: Any, inputs: Any) -> tuple[Any, None]:
    """One Runge–Kutta step, its projection, and the watch on its health."""
    (m, bad), (index, active, sample) = carry, inputs
    tableau, h = task.stepper.tableau, task.grid.dt * 1e9
    start, tree = jax.tree.flatten(m)
    random = unit_normals(task, index)
    slopes: list[Any] = []
    for row, node in zip(tableau.a, tableau.node_of_stage, strict=True):
        state = _combine(start, slopes, row, h)
        now = {name: values[node] for name, values in sample.items()}
        time = (index.astype(task.dtype) + tableau.nodes[node]) * h
        slopes.append(task.slope(state, now, time, random))
    new, wrong = _finished(task, start, _combine(start, slopes, tableau.b, h))
    bad = jnp.where(wrong & active & (bad < 0), index, bad)
    return (jax.tree.unflatten(tree, [jnp.where(active, a, b) for a, b in zip(new, start, strict=True)]), bad), None


def _finished(task: Task, start: list[Any], new: list[Any]) -> tuple[list[Any], Any]:
    """The new state on the sphere, and whether anything went wrong in the step."""
    layout = task.equation.layout
    wrong, result, rest = jnp.asarray(False), list(new), set(range(len(new)))
    for spin in layout.spins:
        before, after = (sum(values[i] * values[i] for i in spin) for values in (start, new))
        growth = jnp.asarray(jax.lax.stop_gradient(after / before))
        wrong |= ~((growth > 0.9) & (growth < 1.1)).all()
        for i in spin if task.stepper.project else ():
            result[i] = new[i] * jax.lax.rsqrt(after)
        rest -= set(spin)
    for i in rest:
        wrong |= ~jnp.isfinite(jax.lax.stop_gradient(new[i])).all()
    return result, wrong


def _combine(state: list[Any], slopes: list[Any], weights: tuple[float, ...], h: float) -> list[Any]:
    """state + h Σ weights_i slopes_i."""
    for weight, slope in zip(weights, slopes, strict=False):
        if weight:
            state = [c + k * (h * weight) for c, k in zip(state, slope, strict=True)]
    return state
