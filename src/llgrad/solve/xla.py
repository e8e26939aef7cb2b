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

from llgrad.solve.saving import TimeGrid
from llgrad.solve.task import Engine, KeptStates, Task, as_arrays, in_pieces, outcome_of, unit_normals

BLOCK: Final = 1024
"""Steps of one block."""


class XLA(Engine):
    """Plain `lax.scan`, on CPU, GPU or TPU.

    >>> import llgrad as lg
    >>> run = lg.simulate(lg.presets.kubota2013(), duration=1e-9, dt=2e-12, engine=lg.solvers.XLA())
    >>> round(float(run.mz[-1]), 4), run.stats.engine
    (0.8758, 'XLA')
    """

    def run(self, task: Task) -> KeptStates:
        m, bad, code = _integrate(as_arrays(task))
        return KeptStates(m, code, bad, "XLA", "")


class _Plan(NamedTuple):
    """`blocks` × `parts` × `steps`; `pieces` parts make one saving interval. Padded steps are computed and not used."""

    blocks: int
    parts: int
    steps: int
    pieces: int


def _plan(grid: TimeGrid) -> _Plan:
    saves, every = grid.steps // grid.save_every, grid.save_every
    if every > BLOCK:
        pieces = math.ceil(every / BLOCK)
        return _Plan(saves * pieces, 1, math.ceil(every / pieces), pieces)
    blocks = math.ceil(saves * every / BLOCK)
    parts = math.ceil(saves / blocks) if blocks else 0
    return _Plan(math.ceil(saves / parts) if parts else 0, parts, every, 1)


@eqx.filter_jit
def _integrate(task: Task) -> tuple[Any, Any, Any]:
    """States kept (S, …), the index of the first bad step, and the outcome."""
    m, bad = in_pieces(_saved, task)
    return m, bad, outcome_of(m, bad)


def _saved(task: Task) -> tuple[Any, Any]:
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
    return jax.tree.map(lambda c: c[: grid.saves - grid.tail], m), jnp.where(bad < 0, bad, bad - task.first)


def _block(task: Task, plan: _Plan, carry: Any, block: Any) -> tuple[Any, Any]:
    """One block: sample the drive, scan the parts, return the state after each part."""
    part = block * plan.parts + jnp.arange(plan.parts, dtype=jnp.int32)
    within = (part % plan.pieces)[:, None] * plan.steps + jnp.arange(plan.steps, dtype=jnp.int32)[None, :]
    save = (part // plan.pieces)[:, None]
    index = task.first + save * task.grid.save_every + within
    active = (within < task.grid.save_every) & (save < task.grid.steps // task.grid.save_every)
    samples = task.samples(task.times(index))

    step = jax.checkpoint(partial(_step, task), prevent_cse=False)

    def one_part(state: Any, inputs: Any) -> tuple[Any, Any]:
        state, within = jax.lax.scan(step, state, inputs)
        if within is None:
            return state, state[0]
        return state, jax.tree.map(lambda a, b: jnp.concatenate([a[0], b[None]]), within, state[0])

    return jax.lax.scan(one_part, carry, (index, active, samples))


def _step(task: Task, carry: Any, inputs: Any) -> tuple[Any, Any]:
    """One Runge–Kutta step, its projection, and the watch on its health; with the states within it, of a polynomial."""
    (m, bad), (index, active, sample) = carry, inputs
    tableau, h = task.tableau, task.grid.dt * 1e9
    start, tree = jax.tree.flatten(m)
    random = unit_normals(task, index)
    slopes: list[Any] = []
    for row, node in zip(tableau.a, tableau.node_of_stage, strict=True):
        state = _combine(start, slopes, row, h)
        now = {name: values[node] for name, values in sample.items()}
        time = (index.astype(task.dtype) + tableau.nodes[node]) * h + task.grid.start * 1e9
        slopes.append(task.slope(state, now, time, random))
    new, wrong = _finished(task, start, _combine(start, slopes, tableau.b, h))
    bad = jnp.where(wrong & active & (bad < 0), index, bad)
    within = jax.tree.unflatten(tree, _within(task, start, slopes, h)) if task.grid.polynomial else None
    end = [jnp.where(active, a, b) for a, b in zip(new, start, strict=True)]
    return (jax.tree.unflatten(tree, end), bad), within


def _within(task: Task, start: list[Any], slopes: list[Any], h: float) -> list[Any]:
    """The states (samples − 1, …) within a step, by its polynomial."""
    samples = task.grid.samples
    weights = h * task.tableau.weights(np.arange(1, samples) / samples)
    used = task.tableau.used_by_polynomial
    steps = jnp.asarray(weights[:, used], task.dtype)
    states = [
        c[None] + jnp.tensordot(steps, jnp.stack([slopes[i][axis] for i in used]), 1) for axis, c in enumerate(start)
    ]
    return _on_sphere(task, states)


def _finished(task: Task, start: list[Any], new: list[Any]) -> tuple[list[Any], Any]:
    """The new state on the sphere, and whether anything went wrong in the step."""
    wrong, rest = jnp.asarray(False), set(range(len(new)))
    for spin in task.equation.layout.spins:
        before, after = (sum(values[i] * values[i] for i in spin) for values in (start, new))
        growth = jnp.asarray(jax.lax.stop_gradient(after / before))
        wrong |= ~((growth > 0.9) & (growth < 1.1)).all()
        rest -= set(spin)
    for i in rest:
        wrong |= ~jnp.isfinite(jax.lax.stop_gradient(new[i])).all()
    return _on_sphere(task, new), wrong


def _on_sphere(task: Task, state: list[Any]) -> list[Any]:
    """A state with its unit vectors back on the sphere."""
    result = list(state)
    for spin in task.equation.layout.spins if task.stepper.project else ():
        scale = jax.lax.rsqrt(sum(state[i] * state[i] for i in spin))
        for i in spin:
            result[i] = state[i] * scale
    return result


def _combine(state: list[Any], slopes: list[Any], weights: tuple[float, ...], h: float) -> list[Any]:
    """state + h Σ weights_i slopes_i."""
    for weight, slope in zip(weights, slopes, strict=False):
        if weight:
            state = [c + k * (h * weight) for c, k in zip(state, slope, strict=True)]
    return state
