"""A run of a coupled array as JAX primitives (see `rules`), with the weights as an operand more, and what `vmap` does
to them.

`vmap` widens B, the axis of samples. Weights that differ between samples, and cotangents of the weights for each sample
apart, make of B an axis of arrays by themselves (`CoupledPlan.apart`), which one kernel takes one after the other, on
all threads. What no kernel has an axis for is done one by one: such arrays where each has samples of its own, or whose
rows are shared out among threads.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import batching

from llgrad.kernels.batching import all_directions, extent, mapped_size, merge, split
from llgrad.kernels.coupled import calls
from llgrad.kernels.coupled.calls import SHARED_ROWS, CoupledPlan
from llgrad.kernels.rules import Passes

PASSES = Passes("llgrad_coupled_", calls, kept=2)
solve_p = PASSES.solve


def _one_by_one(primitive: Primitive, arguments: Any, dims: Any, **params: Any) -> tuple[list[Any], list[int]]:
    mapped = [place for place, dim in enumerate(dims) if dim is not None]

    def one(slices: list[Any]) -> list[Any]:
        filled = list(arguments)
        for place, value in zip(mapped, slices, strict=True):
            filled[place] = value
        return primitive.bind(*filled, **params)

    results = jax.lax.map(one, [jnp.moveaxis(arguments[place], dims[place], 0) for place in mapped])
    return list(results), [0] * len(results)


def _mapped(plan: CoupledPlan, dims: Sequence[Any], *names: str) -> bool:
    return any(dims[plan.names.index(name)] is not None for name in names if name in plan.names)


def _goes_apart(plan: CoupledPlan, arguments: Any, dims: Any) -> bool:
    """Whether runs that are mapped over can be arrays by themselves in one call."""
    place = plan.names.index(plan.starts[0])
    small = arguments[place].shape[-1 if dims[place] != arguments[place].ndim - 1 else -2] < SHARED_ROWS
    return not _mapped(plan, dims, "first") and (plan.apart or (small and extent(plan, arguments, dims) == 1))


def _with_arrays(plan: CoupledPlan, value: Any, dim: Any, place: int = 0) -> tuple[Any, Any]:
    """Weights with an axis B of arrays at a place, and where the mapped axis is: first."""
    if dim is not None:
        value, dim, place = jnp.moveaxis(value, dim, 0), 0, place + 1
    return (value if plan.apart else jnp.expand_dims(value, place)), dim


def _solve_batch(arguments: Any, dims: Any, *, plan: CoupledPlan, keep: bool) -> tuple[Any, Any]:
    apart = plan.apart or keep or _mapped(plan, dims, "weights")
    if _mapped(plan, dims, "first") or (apart and not _goes_apart(plan, arguments, dims)):
        return _one_by_one(solve_p, arguments, dims, plan=plan, keep=keep)
    size, B = mapped_size(arguments, dims), extent(plan, arguments, dims)
    new = dataclasses.replace(plan, apart=apart)
    merged = []
    for name, value, dim in zip(plan.names, arguments, dims, strict=True):
        if name == "weights" and apart:
            value, dim = _with_arrays(plan, value, dim)
        merged.append(merge(value, dim, new.lane_axis(name), size, B, name in plan.starts))
    axes = [1] * len(plan.starts) + [0] * (len(plan.starts) + 1) + [0] * (PASSES.kept * keep)
    results = solve_p.bind(*merged, plan=new, keep=keep)
    return [split(value, axis, size) for value, axis in zip(results, axes, strict=True)], axes


def _tangent_batch(
    arguments: Any, dims: Any, *, plan: CoupledPlan, wanted: tuple[str, ...], kept: bool
) -> tuple[Any, Any]:
    count, size = PASSES.fixed(plan, kept), mapped_size(arguments, dims)
    params: dict[str, Any] = {"plan": plan, "wanted": wanted}
    if all(dim is None for dim in dims[:count]):  # many tangents of one run: no copies of anything else
        return all_directions(PASSES, arguments, dims, count, size, kept=kept, **params), [0] * (2 * len(plan.starts))
    tangents = dict(zip((*plan.starts, *wanted), zip(arguments[count:], dims[count:], strict=True), strict=True))
    apart = plan.apart or kept or _mapped(plan, dims, "weights")
    apart = apart or tangents.get("weights", (None, None))[1] is not None
    if _mapped(plan, dims, "first") or (apart and not _goes_apart(plan, arguments, dims)):
        return _one_by_one(PASSES.tangent, arguments, dims, kept=kept, **params)
    return _merged_tangents(arguments, dims, tangents, size, apart=apart, **params)


def _merged_tangents(
    arguments: Any,
    dims: Any,
    tangents: dict[str, Any],
    size: int,
    *,
    plan: CoupledPlan,
    wanted: tuple[str, ...],
    apart: bool,
) -> tuple[Any, Any]:
    """Tangents of all samples; what the runs kept is not for them."""
    B, new = extent(plan, arguments, dims), dataclasses.replace(plan, apart=apart)
    wide = {name for name, (_, dim) in tangents.items() if dim is not None} | set(plan.starts)
    fixed, moved = [], []
    for name, value, dim in zip(plan.names, arguments, dims, strict=False):
        axis = new.lane_axis(name)
        if name == "weights" and apart:
            value, dim = _with_arrays(plan, value, dim)
        if dim is not None or (axis >= 0 and value.shape[axis] != 1):
            wide.add(name)
        fixed.append(merge(value, dim, axis, size, B, name in wide))
    for name, (value, dim) in tangents.items():
        axis = new.lane_axis(name)
        if name == "weights" and apart:
            value, dim = _with_arrays(plan, value, dim, 1)
        moved.append(value if axis < 0 else merge(value, dim, axis + 1, size, B, name in wide))
    results = PASSES.tangent.bind(*fixed, *moved, plan=new, wanted=wanted, kept=False)
    axes = [2] * len(plan.starts) + [1] * len(plan.starts)
    return [split(value, axis, size) for value, axis in zip(results, axes, strict=True)], axes


def _adjoint_batch(arguments: Any, dims: Any, *, plan: CoupledPlan, wanted: tuple[str, ...]) -> tuple[Any, Any]:
    own, states = len(plan.names), len(plan.starts)
    if any(dim is None for dim in dims[own : own + PASSES.kept]) or not _goes_apart(plan, arguments, dims):
        return _one_by_one(PASSES.adjoint, arguments, dims, plan=plan, wanted=wanted)
    size, B, new = mapped_size(arguments, dims), extent(plan, arguments, dims), dataclasses.replace(plan, apart=True)
    names = [*plan.names, *("kept",) * PASSES.kept, *("saved",) * states, *("final",) * states]
    merged = []
    for name, value, dim in zip(names, arguments, dims, strict=True):
        if name == "weights":
            value, dim = _with_arrays(plan, value, dim)
        axis = {"kept": 0, "saved": 1, "final": 0}.get(name)
        wide = axis is not None or name in (*plan.starts, *wanted)
        merged.append(merge(value, dim, new.lane_axis(name) if axis is None else axis, size, B, wide))
    results = PASSES.adjoint.bind(*merged, plan=new, wanted=wanted)
    outputs, places = [], [new.lane_axis(name) for name in (*plan.starts, *wanted)]
    for name, value, axis in zip((*plan.starts, *wanted), results, places, strict=True):
        value, place = split(value, axis, size), plan.names.index(name)
        if name == "weights" and not plan.apart:
            outputs.append(value[:, 0])
            continue
        dim, shape = dims[place], arguments[place].shape
        own_B = shape[axis if dim is None or dim > axis else axis + 1]
        outputs.append(value.sum(axis + 1, keepdims=True) if own_B == 1 and value.shape[axis + 1] != 1 else value)
    return outputs, places


batching.primitive_batchers[solve_p] = _solve_batch
batching.primitive_batchers[PASSES.tangent] = _tangent_batch
batching.primitive_batchers[PASSES.adjoint] = _adjoint_batch
