"""A run of oscillators that are not coupled, as JAX primitives (see `rules`), and what `vmap` does to them: B becomes
wider.
"""

from __future__ import annotations

from typing import Any

from jax.interpreters import batching

from llgrad.kernels import calls
from llgrad.kernels.batching import all_directions, extent, mapped_size, merge, split
from llgrad.kernels.calls import CallPlan
from llgrad.kernels.rules import Passes

PASSES = Passes("llgrad_", calls, kept=1, cards=True)
solve_p = PASSES.solve


def _solve_batch(arguments: Any, dims: Any, *, plan: CallPlan, keep: bool) -> tuple[Any, Any]:
    size, B = mapped_size(arguments, dims), extent(plan, arguments, dims)
    merged = [
        merge(value, dim, plan.lane_axis(name), size, B, name in plan.starts)
        for name, value, dim in zip(plan.names, arguments, dims, strict=True)
    ]
    results = solve_p.bind(*merged, plan=plan, keep=keep)
    axes = [1] * len(plan.starts) + [0] * (len(plan.starts) + 1) + [2] * keep
    return [split(value, axis, size) for value, axis in zip(results, axes, strict=True)], axes


def _tangent_batch(
    arguments: Any, dims: Any, *, plan: CallPlan, wanted: tuple[str, ...], kept: bool
) -> tuple[Any, Any]:
    count, size = PASSES.fixed(plan, kept), mapped_size(arguments, dims)
    if all(dim is None for dim in dims[:count]):  # many tangents of one run: no copies of anything else
        return all_directions(PASSES, arguments, dims, count, size, plan=plan, wanted=wanted, kept=kept), [0] * (
            2 * len(plan.starts)
        )
    B = extent(plan, arguments, dims)
    tangents = dict(zip((*plan.starts, *wanted), zip(arguments[count:], dims[count:], strict=True), strict=True))
    wide = {name for name, (_, dim) in tangents.items() if dim is not None} | set(plan.starts)
    fixed = []
    for name, value, dim in zip(plan.names, arguments, dims, strict=False):
        axis = plan.lane_axis(name)
        if dim is not None or (axis >= 0 and value.shape[axis] != 1):
            wide.add(name)
        fixed.append(merge(value, dim, axis, size, B, name in wide))
    if kept:
        fixed.append(merge(arguments[count - 1], dims[count - 1], 2, size, B, True))
    moved = [
        merge(value, dim, plan.lane_axis(name) + 1, size, B, name in wide) for name, (value, dim) in tangents.items()
    ]
    results = PASSES.tangent.bind(*fixed, *moved, plan=plan, wanted=wanted, kept=kept)
    axes = [2] * len(plan.starts) + [1] * len(plan.starts)
    return [split(value, axis, size) for value, axis in zip(results, axes, strict=True)], axes


def _adjoint_batch(arguments: Any, dims: Any, *, plan: CallPlan, wanted: tuple[str, ...]) -> tuple[Any, Any]:
    size, B, own = mapped_size(arguments, dims), extent(plan, arguments, dims), len(plan.names)
    axes = [plan.lane_axis(name) for name in plan.names] + [2] + [1] * len(plan.starts) + [0] * len(plan.starts)
    wide = [name in (*plan.starts, *wanted) for name in plan.names] + [True] * (1 + 2 * len(plan.starts))
    merged = [
        merge(value, dim, axis, size, B, flag)
        for value, dim, axis, flag in zip(arguments, dims, axes, wide, strict=True)
    ]
    results = PASSES.adjoint.bind(*merged, plan=plan, wanted=wanted)
    outputs, places = [], [plan.lane_axis(name) for name in (*plan.starts, *wanted)]
    given = dict(zip(plan.names, zip(arguments[:own], dims[:own], strict=True), strict=True))
    for name, value, axis in zip((*plan.starts, *wanted), results, places, strict=True):
        value = split(value, axis, size)
        operand, dim = given[name]
        own_B = operand.shape[axis if dim is None or dim > axis else axis + 1]
        outputs.append(value.sum(axis + 1, keepdims=True) if own_B == 1 and value.shape[axis + 1] != 1 else value)
    return outputs, places


batching.primitive_batchers[solve_p] = _solve_batch
batching.primitive_batchers[PASSES.tangent] = _tangent_batch
batching.primitive_batchers[PASSES.adjoint] = _adjoint_batch
