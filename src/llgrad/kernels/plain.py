"""What a kernel computes, in plain JAX: the three passes over the same operands. It takes over where a kernel cannot be
compiled, in a gradient or under `jit` too, where nobody could choose another engine any more.
"""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp

from llgrad.core.random import normals
from llgrad.kernels.expression.equations import Program
from llgrad.kernels.loops.step import LIMIT

_FAILED: Final[dict[Program, str]] = {}
_LOCK: Final = threading.Lock()


def failure_of(program: Program) -> str:
    """Why a program has no kernels in this process; empty where it has them."""
    return _FAILED.get(program, "")


def report(program: Program, problem: Exception) -> None:
    """Remember that the kernels of a program cannot be made, and say so once."""
    lines = str(problem).strip().splitlines() or [""]
    reason = f"{program.title} has no native kernel: compiling it failed ({type(problem).__name__}: {lines[0]})"
    with _LOCK:
        _FAILED.setdefault(program, reason)
    say_once(reason)


@functools.cache
def say_once(reason: str) -> None:
    """Warn that the XLA engine takes over, and why."""
    warnings.warn(f"{reason}; the XLA engine takes over", stacklevel=5)


def forward(*operands: Any, plan: Any) -> list[Any]:
    """Saved states (S, B, N) × 3, final state (B, N) × 3, first bad step (B, N), of a coupled array (B, 1)."""
    given = dict(zip(plan.names, operands, strict=True))
    shape, dtype = given[plan.starts[0]].shape, given[plan.starts[0]].dtype
    wide = {name: jnp.broadcast_to(given[name], shape) for name in plan.program.names}

    def step(carry: Any, inputs: Any) -> tuple[Any, None]:
        (m, bad), (index, samples) = carry, inputs
        new = _stepped(plan, given, wide, m, index, samples)
        new, fine = _finished(plan, m, new)
        fine = fine.all(-1, keepdims=True) if plan.program.coupled else fine
        return (new, jnp.where(~fine & (bad < 0), index, bad)), None

    def one_save(carry: Any, inputs: Any) -> tuple[Any, list[Any]]:
        carry, _ = jax.lax.scan(jax.checkpoint(step), carry, inputs)
        return carry, carry[0]

    inputs = (jnp.arange(plan.steps, dtype=jnp.int32), {name: given[name] for name in plan.program.channels})
    whole = plan.saves * plan.every
    start = [jnp.asarray(given[name], dtype) for name in plan.starts]
    none = jnp.full((shape[0], 1) if plan.program.coupled else shape, -1, jnp.int32)
    parts = jax.tree.map(lambda a: a[:whole].reshape(plan.saves, plan.every, *a.shape[1:]), inputs)
    carry, saved = jax.lax.scan(one_save, (start, none), parts)
    (final, bad), _ = one_save(carry, jax.tree.map(lambda a: a[whole:], inputs))
    return [*saved, *final, bad]


def _finished(plan: Any, m: list[Any], new: list[Any]) -> tuple[list[Any], Any]:
    """The projected new state, and where the step was fine."""
    fine, result, rest = jnp.full(m[0].shape, True), list(new), set(range(len(new)))
    for spin in plan.program.spins:
        before, after = (sum(values[i] * values[i] for i in spin) for values in (m, new))
        fine &= jax.lax.stop_gradient(jnp.abs(after - before) < LIMIT * before)
        for i in spin:
            result[i] = new[i] * jax.lax.rsqrt(after) if plan.project else new[i]
        rest -= set(spin)
    for i in rest:
        fine &= jnp.isfinite(jax.lax.stop_gradient(new[i]))
    return result, fine


def _stepped(plan: Any, given: Any, wide: Any, m: list[Any], index: Any, samples: dict[str, Any]) -> list[Any]:
    """The state after one step of the tableau, before its projection."""
    program, shape, h = plan.program, m[0].shape, given["h"][0]
    slope = jax.vmap(jax.vmap(lambda *scalars: tuple(program.function(*scalars))))
    random: list[Any] = []
    if program.noisy:
        lane = given["lane"] if "lane" in given else jnp.arange(shape[1], dtype=jnp.uint32)[None]
        now = given["first"][0] + index.astype(jnp.uint32)
        key0, key1, lane, now = (jnp.broadcast_to(word, shape) for word in (given["key0"], given["key1"], lane, now))
        thermal = normals(key0, key1, lane, now, m[0].dtype)
        random = [thermal.x, thermal.y, thermal.z]

    def moved(weights: Sequence[float], slopes: list[Any]) -> list[Any]:
        pairs = [(h * w, k) for w, k in zip(weights, slopes, strict=False) if w]
        return [c + sum(w * k[axis] for w, k in pairs) if pairs else c for axis, c in enumerate(m)]

    clock = (given["first"][0] + index.astype(jnp.uint32)).astype(m[0].dtype) if program.timed else None
    slopes: list[Any] = []
    for row, node in zip(plan.tableau.a, plan.tableau.node_of_stage, strict=True):
        state = moved(row, slopes)
        now = [jnp.broadcast_to(samples[name][node], shape) for name in program.channels]
        now += [jnp.broadcast_to(h * (clock + plan.tableau.nodes[node]), shape)] if program.timed else []
        now += [state[0] @ given["weights"].T] if program.coupled else []
        slopes.append(slope(*state, *now, *random, *wide.values()))
    return moved(plan.tableau.b, slopes)


def tangent(*operands: Any, plan: Any, wanted: tuple[str, ...]) -> list[Any]:
    """Tangents of saved and final states, (K, …); `operands` are the run's, and K tangents of m0 and of each wanted
    one.
    """
    own, names = len(plan.names), (*plan.starts, *wanted)
    directions = operands[own:]
    given = dict(zip(plan.names, operands, strict=False))
    points = [jnp.broadcast_to(given[name], d.shape[1:]) for name, d in zip(names, directions, strict=True)]

    def states(*values: Any) -> list[Any]:
        return forward(*(given | dict(zip(names, values, strict=True))).values(), plan=plan)[: plan.told - 1]

    return jax.vmap(lambda *each: jax.jvp(states, tuple(points), each)[1])(*directions)


def adjoint(*operands: Any, plan: Any, wanted: tuple[str, ...], kept: int) -> list[Any]:
    """Cotangents of m0 and of each wanted operand, in its shape; `operands` are the run's, what a kernel kept, and the
    cotangents of saved and final states.
    """
    own, names = len(plan.names), (*plan.starts, *wanted)
    given = dict(zip(plan.names, operands, strict=False))

    def states(*values: Any) -> list[Any]:
        return forward(*(given | dict(zip(names, values, strict=True))).values(), plan=plan)[: plan.told - 1]

    return list(jax.vjp(states, *(given[name] for name in names))[1](list(operands[own + kept :])))
