"""The native engine: time loops compiled from the equation of motion, for the processors and for GPUs. What it cannot
run, the XLA engine runs.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import warnings
from typing import Any, Final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.record import tables_of
from llgrad.devices.system import TIME
from llgrad.solve.saving import TimeGrid
from llgrad.solve.task import Engine, KeptStates, Task, as_arrays, in_pieces, outcome_of
from llgrad.solve.xla import XLA

SAMPLES: Final = 2**25
"""Bytes of drive samples that are made at a time; longer runs are cut into chunks."""


BLOCK: Final = 32
"""Steps that `end_of` takes in a call."""


class Native(Engine):
    """Compiled loops at the speed of hand-written SIMD code, with exact gradients; the default.

    It runs where JAX computes: on the processors, or on a GPU of NVIDIA's, where every trajectory is a thread and the
    whole run one launch. Coupled arrays are a scan on a GPU. Where it cannot run, the XLA engine does, and
    `stats.reason` says why.

    >>> import llgrad as lg
    >>> run = lg.simulate(lg.presets.kubota2013(), duration=1e-9, dt=2e-12, engine=lg.solvers.Native())
    >>> round(float(run.mz[-1]), 4), run.stats.engine
    (0.8758, 'native')
    """

    def run(self, task: Task) -> KeptStates:
        if reason := _reason_against(task):
            return XLA().run(task)._replace(reason=reason)
        operands = as_operands(task)
        if reason := _reason_against_equation(operands):
            return XLA().run(task)._replace(reason=reason)
        m, bad, code = _integrate(operands)
        reason = _reason_against_equation(operands)  # a kernel may just have failed to compile
        return KeptStates(m, code, bad, "XLA" if reason else "native", reason)


def reason_against(engine: Engine, task: Task) -> str:
    """Why the kernels cannot take the steps of a task with an engine; empty where they can."""
    if not isinstance(engine, Native):
        return f"{type(engine).__name__} takes the steps"
    return _reason_against(task) or _reason_against_equation(as_operands(task))


def end_of(task: Task, steps: int, dt: float, start: float = 0.0) -> Any:
    """The state after some steps of a length from a time on, whatever the grid: one program for all of them."""
    plain = dataclasses.replace(task, grid=TimeGrid(1, 1e-12, 1, False))
    dtype = task.dtype
    blocks, rest = (jnp.asarray(number, jnp.int32) for number in divmod(steps, BLOCK))
    return _end_of(as_operands(plain), jnp.asarray(dt, dtype), jnp.asarray(start, dtype), blocks, rest)


@eqx.filter_jit
def _end_of(task: Task, dt: Any, start: Any, blocks: Any, rest: Any) -> Any:
    def advance(i: Any, m: Any, steps: int, before: Any = 0) -> Any:
        return _part(task, m, before + i * steps, steps, steps, dt, start).final

    m = jax.lax.fori_loop(0, blocks, functools.partial(advance, steps=BLOCK), task.m0)
    return jax.lax.fori_loop(0, rest, functools.partial(advance, steps=1, before=blocks * BLOCK), m)


def _reason_against(task: Task) -> str:
    """Why the native engine cannot run a task; empty where it can."""
    if reason := _reason_against_device(task):
        return reason
    if task.mixing is not None and (name := task.mixing.odd):
        return f"the native engine has no kernel for {name}"
    return ""


def _device() -> Any:
    """What JAX computes on here: `jax.default_device` where one is set, or else JAX's own choice."""
    chosen: Any = jax.config.jax_default_device  # type: ignore[attr-defined]
    if chosen is None or isinstance(chosen, str):
        return jax.local_devices(backend=chosen)[0]
    return chosen


def _reason_against_device(task: Task) -> str:
    """Why no native kernel can take a task where JAX computes; empty where one can."""
    device = _device()
    if device.platform == "cpu":
        return reason_against_processor()
    if task.mixing is not None:
        return _said(f"coupled arrays have native kernels on the CPU only; JAX computes on {device.platform}")
    from llgrad.kernels.gpu.probe import reason_against

    reason = reason_against(device)
    return reason and _said(f"the native engine cannot run here: {reason}")


@functools.cache
def _said(reason: str) -> str:
    """A reason why the plain scan runs on a device that is no processor, said once in a warning."""
    warnings.warn(
        f"{reason}: the XLA engine takes over, which is fast for thousands of trajectories at once and slow for few; "
        'for those, set JAX_PLATFORMS=cpu, or use `with jax.default_device(jax.devices("cpu")[0]):`',
        stacklevel=6,
    )
    return reason


def _limits(task: Task) -> dict[str, int]:
    """Bytes that the states kept for a gradient may take in each chunk of a run where JAX computes; none where the
    kernels' own are right.
    """
    device = _device()
    if device.platform == "cpu":
        return {}
    from llgrad.kernels.gpu.probe import memory

    share = memory(device) // max(1, math.ceil(task.grid.steps / _chunk(task)))
    return {"memory": share}


@functools.cache
def reason_against_processor() -> str:
    """Why native kernels cannot be used in this process at all; said once in a warning."""
    try:
        from llgrad.kernels.machine.ffi import check_interface

        check_interface()
    except (ImportError, ValueError) as problem:
        reason = f"native kernels cannot be used here: {problem}"
        warnings.warn(f"{reason}; the XLA engine takes over", stacklevel=4)
        return reason
    return ""


def _reason_against_equation(task: Task) -> str:
    """Why this equation of motion has no native code; empty where it has."""
    from llgrad.kernels.integrate import reason_against
    from llgrad.kernels.plain import say_once

    noisy = task.noise is not None
    if reason := reason_against(task.equation, task.dtype, channels=task.channels, noisy=noisy):
        say_once(reason)
    return reason


def as_operands(task: Task) -> Task:
    """Every float an array, so that new values do not compile anew, but for the equation's zeros and ones: those
    are built in. What all oscillators of an array have alike is one number.
    """
    leaves, tree = jax.tree.flatten(task.equation)
    tables = tables_of(tree)
    alike = [leaf if table else _alike(leaf) for leaf, table in zip(leaves, tables, strict=True)]
    equation = jax.tree.unflatten(tree, alike)
    arrays = as_arrays(eqx.tree_at(lambda t: t.equation, task, equation))
    kept = jax.tree.map(
        lambda plain, array: plain if isinstance(plain, float) and plain in (0.0, 1.0) else array,
        equation,
        arrays.equation,
    )
    return eqx.tree_at(lambda t: t.equation, arrays, kept)


def _alike(leaf: Any) -> Any:
    """The one number of a NumPy array that holds no other, as a float; any other leaf as it is."""
    if isinstance(leaf, np.ndarray) and leaf.size and (leaf == leaf.flat[0]).all():
        return float(leaf.flat[0])
    return leaf


@eqx.filter_jit
def _integrate(task: Task) -> tuple[Any, Any, Any]:
    """States kept (S, …), the index of the first bad step, and the outcome."""
    m, bad = in_pieces(_saved, task)
    return m, bad, outcome_of(m, bad)


def _saved(task: Task) -> tuple[Any, Any]:
    """States kept (S, …), and the index of the first bad step."""
    grid = task.grid
    chunk = _chunk(task)
    if chunk >= grid.steps:
        run = _part(task, task.m0, 0, grid.steps, grid.save_every)
        return run.saved, _worst(run.first_bad)
    if grid.save_every >= chunk:
        return _scan_saves(task, chunk)
    return _scan_chunks(task, chunk // grid.save_every * grid.save_every)


def _chunk(task: Task) -> int:
    """Steps whose drive samples fit the memory."""
    if not task.channels:
        return max(task.grid.steps, 1)
    step = jax.eval_shape(lambda: _samples(task, 0, 1))
    size = sum(array.size * array.dtype.itemsize for array in jax.tree.leaves(step))
    return max(SAMPLES // max(size, 1), 1)


def _samples(task: Task, first: Any, steps: int, dt: Any = None, start: Any = None) -> dict[str, Any]:
    """The drive at the nodes of some steps, by channel, and the time [ns] where a term uses it."""
    if not task.channels:
        return {}
    index = jnp.asarray(first, jnp.int32) + jnp.arange(steps, dtype=jnp.int32)
    times = task.times(index, dt) + (0.0 if start is None else start)
    samples = task.samples(times) | ({TIME: times * 1e9} if task.equation.uses_time else {})
    return {name: jnp.asarray(value, task.dtype) for name, value in samples.items()}


def _part(task: Task, m: Any, first: Any, steps: int, every: int, dt: Any = None, start: Any = None) -> Any:
    """One call of the kernels: some steps from the step `first` on, of the grid's length or another; of a run that
    begins at another time than the grid's."""
    from llgrad.kernels.integrate import NoiseWords, integrate

    first = task.first + first
    return integrate(
        task.equation,
        m,
        stepper=task.stepper,
        h=(task.grid.dt if dt is None else dt) * 1e9,
        steps=steps,
        every=every,
        drive=_samples(task, first, steps, dt, start),
        mix=None if task.mixing is None else task.mixing.products(),
        noise=None if task.noise is None else NoiseWords(task.noise.sigma, task.noise.key0, task.noise.key1),
        first=first,
        samples=task.grid.samples if task.grid.polynomial and dt is None else None,
        **_limits(task),
    )


def _worst(first_bad: Any) -> Any:
    """The first bad step of any oscillator; −1 where there is none."""
    never = jnp.iinfo(jnp.int32).max
    first = jnp.where(first_bad < 0, never, first_bad).min()
    return jnp.where(first == never, -1, first).astype(jnp.int32)


def _later(bad: Any, new: Any, first: Any) -> Any:
    """The first bad step of a run so far and of the part that begins at the step `first`."""
    return jnp.where((bad < 0) & (new >= 0), new + first, bad).astype(jnp.int32)


def _scan_chunks(task: Task, chunk: int) -> tuple[Any, Any]:
    """Whole saving intervals to a chunk."""
    grid = task.grid

    def one(carry: Any, index: Any) -> tuple[Any, Any]:
        m, bad = carry
        run = _part(task, m, index * chunk, chunk, grid.save_every)
        return (run.final, _later(bad, _worst(run.first_bad), index * chunk)), run.saved

    whole, rest = divmod(grid.steps, chunk)
    start = (task.m0, jnp.asarray(-1, jnp.int32))
    (m, bad), saved = jax.lax.scan(one, start, jnp.arange(whole, dtype=jnp.int32))
    saved = jax.tree.map(lambda c: c.reshape(-1, *c.shape[2:]), saved)
    if rest:
        run = _part(task, m, whole * chunk, rest, grid.save_every)
        bad = _later(bad, _worst(run.first_bad), whole * chunk)
        saved = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), saved, run.saved)
    return saved, bad


def _scan_saves(task: Task, chunk: int) -> tuple[Any, Any]:
    """Several chunks to a saving interval."""
    every = task.grid.save_every
    whole, rest = divmod(every, chunk)

    def advance(carry: Any, first: Any, steps: int) -> Any:
        m, bad = carry
        run = _part(task, m, first, steps, steps)
        return run.final, _later(bad, _worst(run.first_bad), first)

    def one_save(carry: Any, save: Any) -> tuple[Any, Any]:
        def one_chunk(carry: Any, index: Any) -> tuple[Any, None]:
            return advance(carry, save * every + index * chunk, chunk), None

        carry, _ = jax.lax.scan(one_chunk, carry, jnp.arange(whole, dtype=jnp.int32))
        if rest:
            carry = advance(carry, save * every + whole * chunk, rest)
        return carry, carry[0]

    start = (task.m0, jnp.asarray(-1, jnp.int32))
    (_, bad), saved = jax.lax.scan(one_save, start, jnp.arange(task.grid.saves, dtype=jnp.int32))
    return saved, bad
