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

from llgrad.core.random import many_normals
from llgrad.devices.arrays.mix import ALL
from llgrad.kernels.expression.program import Program
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
    wide |= {name: jnp.broadcast_to(given[name], (size, *shape)) for name, size in plan.program.tables.items()}

    def step(carry: Any, inputs: Any) -> tuple[Any, list[Any]]:
        (m, bad), (index, samples) = carry, inputs
        new, within = _stepped(plan, given, wide, m, index, samples)
        new, fine = _projected(plan, new), _fine(plan, m, new)
        fine = fine.all(-1, keepdims=True) if plan.program.coupled else fine
        return (new, jnp.where(~fine & (bad < 0), index, bad)), _projected(plan, within) if within else []

    def one_save(carry: Any, inputs: Any) -> tuple[Any, list[Any]]:
        carry, within = jax.lax.scan(jax.checkpoint(step), carry, inputs)
        end = [c[None] for c in carry[0]]
        return carry, [jnp.concatenate([a[0], b]) for a, b in zip(within, end, strict=True)] if within else end

    samples = {name: _sampled(plan, given[name]) for name in plan.program.channels}
    inputs = (jnp.arange(plan.steps, dtype=jnp.int32), samples)
    count = plan.steps // plan.every
    whole = count * plan.every
    start = [jnp.asarray(given[name], dtype) for name in plan.starts]
    none = jnp.full((shape[0], 1) if plan.program.coupled else shape, -1, jnp.int32)
    parts = jax.tree.map(lambda a: a[:whole].reshape(count, plan.every, *a.shape[1:]), inputs)
    carry, saved = jax.lax.scan(one_save, (start, none), parts)
    (final, bad), _ = jax.lax.scan(jax.checkpoint(step), carry, jax.tree.map(lambda a: a[whole:], inputs))
    return [*(c.reshape(plan.saves, *shape) for c in saved), *final, bad]


def _sampled(plan: Any, samples: Any) -> Any:
    """The samples of a channel at the nodes of each step."""
    if not plan.hold:
        return samples
    nodes = len(plan.tableau.nodes)
    return jnp.repeat(jnp.broadcast_to(samples, (len(samples), nodes, *samples.shape[2:])), plan.hold, axis=0)


def _projected(plan: Any, state: list[Any]) -> list[Any]:
    """A state with its unit vectors back on the sphere, and a tangent that it carries with them."""

    def projected(*state: Any) -> list[Any]:
        result = list(state)
        for spin in plan.program.spins if plan.project else ():
            scale = jax.lax.rsqrt(sum(state[i] * state[i] for i in spin))
            for i in spin:
                result[i] = state[i] * scale
        return result

    if not plan.program.carries:
        return projected(*state)
    half = plan.program.bare
    found, pushed = jax.jvp(projected, tuple(state[:half]), tuple(state[half:]))
    return [*found, *pushed]


def _fine(plan: Any, m: list[Any], new: list[Any]) -> Any:
    """Where a step was fine: every unit vector near its sphere before the projection, all else finite."""
    fine, rest = jnp.full(m[0].shape, True), set(range(plan.program.bare))
    for spin in plan.program.spins:
        before, after = (sum(values[i] * values[i] for i in spin) for values in (m, new))
        fine &= jax.lax.stop_gradient(jnp.abs(after - before) < LIMIT * before)
        rest -= set(spin)
    for i in rest:
        fine &= jnp.isfinite(jax.lax.stop_gradient(new[i]))
    return fine


def _stepped(
    plan: Any, given: Any, wide: Any, m: list[Any], index: Any, samples: dict[str, Any]
) -> tuple[list[Any], list[Any]]:
    """The state after one step of the tableau, before its projection; and those within it, (samples − 1, …), if any."""
    program, shape, h = plan.program, m[0].shape, given["h"][0]
    lanes = [int(name in program.tables) for name in program.arguments]
    slope = jax.vmap(jax.vmap(lambda *scalars: tuple(program.function(*scalars)), lanes), lanes)
    emission = jax.vmap(jax.vmap(lambda *scalars: tuple(map(jnp.asarray, program.emission(*scalars)))))
    random: list[Any] = []
    if program.noisy:
        lane = given["lane"] if "lane" in given else jnp.arange(shape[1], dtype=jnp.uint32)[None]
        now = given["first"][0] + index.astype(jnp.uint32)
        key0, key1, lane, now = (jnp.broadcast_to(word, shape) for word in (given["key0"], given["key1"], lane, now))
        random = many_normals(key0, key1, lane, now, m[0].dtype, len(program.normals))

    def moved(weights: Sequence[float], slopes: list[Any]) -> list[Any]:
        pairs = [(h * w, k) for w, k in zip(weights, slopes, strict=False) if w]
        return [c + sum(w * k[axis] for w, k in pairs) if pairs else c for axis, c in enumerate(m)]

    clock = (given["first"][0] + index.astype(jnp.uint32)).astype(m[0].dtype) if program.timed else None
    slopes: list[Any] = []
    for row, node in zip(plan.tableau.a, plan.tableau.node_of_stage, strict=True):
        state = moved(row, slopes)
        now = [jnp.broadcast_to(samples[name][node], shape) for name in program.channels]
        now += [jnp.broadcast_to(h * (clock + plan.tableau.nodes[node]), shape)] if program.timed else []
        now += _received(plan, given, emission(*state, *wide.values())) if program.coupled else []
        slopes.append(slope(*state, *now, *random, *wide.values()))
    within: list[Any] = []
    if plan.tableau.interpolates:
        steps = h * given["dense"][:-1]
        within = [
            c[None] + sum(jnp.multiply.outer(steps[:, i], slopes[i][axis]) for i in plan.tableau.used_by_polynomial)
            for axis, c in enumerate(m)
        ]
    return moved(plan.tableau.b, slopes), within


def _received(plan: Any, given: Any, emitted: Sequence[Any]) -> list[Any]:
    """What oscillators receive (B, N) of what they emit."""
    found: list[Any] = [0.0] * len(plan.program.mixed)
    for r, e, number in plan.terms:
        x = emitted[e]
        if number == ALL:
            whole = jnp.broadcast_to(x.sum(-1, keepdims=True), x.shape)
        elif plan.apart:
            weights = given["weights"][:, number]
            whole = jnp.einsum("bij,bj->bi", jnp.broadcast_to(weights, (x.shape[0], *weights.shape[1:])), x)
        else:
            whole = x @ given["weights"][number].T
        found[r] = found[r] + whole
    return found


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
