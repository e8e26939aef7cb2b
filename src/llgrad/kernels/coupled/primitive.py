"""A run of a coupled array as JAX primitives (see `rules`), with the weights as an operand more, and what `vmap` does
to them.

`vmap` widens B, the axis of samples. What a kernel has no axis for is done one after the other instead: weights that
differ between samples, and cotangents of the weights for each sample apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import batching

from llgrad.kernels.coupled import calls
from llgrad.kernels.coupled.calls import CoupledPlan
from llgrad.kernels.rules import Passes, all_directions, extent, mapped_size, merge, split

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


def _solve_batch(arguments: Any, dims: Any, *, plan: CoupledPlan, keep: bool) -> tuple[Any, Any]:
    if keep or _mapped(plan, dims, "weights", "first"):
        return _one_by_one(solve_p, arguments, dims, plan=plan, keep=keep)
    size, B = mapped_size(arguments, dims), extent(plan, arguments, dims)
    merged = [
        merge(value, dim, plan.lane_axis(name), size, B, name in plan.starts)
        for name, value, dim in zip(plan.names, arguments, dims, strict=True)
    ]
    axes = [1] * len(plan.starts) + [0] * (len(plan.starts) + 1)
    results = solve_p.bind(*merged, plan=plan, keep=False)
    return [split(value, axis, size) for value, axis in zip(results, axes, strict=True)], axes


def _tangent_batch(
    arguments: Any, dims: Any, *, plan: CoupledPlan, wanted: tuple[str, ...], kept: bool
) -> tuple[Any, Any]:
    count, size = PASSES.fixed(plan, kept), mapped_size(arguments, dims)
    params: dict[str, Any] = {"plan": plan, "wanted": wanted}
    if all(dim is None for dim in dims[:count]):  # many tangents of one run: no copies of anything else
        return all_directions(PASSES, arguments, dims, count, size, kept=kept, **params), [0] * (2 * len(plan.starts))
    tangents = dict(zip((*plan.starts, *wanted), zip(arguments[count:], dims[count:], strict=True), strict=True))
    if kept or _mapped(plan, dims, "weights", "first") or tangents.get("weights", (None, None))[1] is not None:
        return _one_by_one(PASSES.tangent, arguments, dims, kept=kept, **params)
    return _merged_tangents(arguments, dims, tangents, size, **params)


def _merged_tangents(
    arguments: Any, dims: Any, tangents: dict[str, Any], size: int, *, plan: CoupledPlan, wanted: tuple[str, ...]
) -> tuple[Any, Any]:
    B = extent(plan, arguments, dims)
    wide = {name for name, (_, dim) in tangents.items() if dim is not None} | set(plan.starts)
    fixed = []
    for name, value, dim in zip(plan.names, arguments, dims, strict=False):
        axis = plan.lane_axis(name)
        if dim is not None or (axis >= 0 and value.shape[axis] != 1):
            wide.add(name)
        fixed.append(merge(value, dim, axis, size, B, name in wide))
    moved = [
        value if name == "weights" else merge(value, dim, plan.lane_axis(name) + 1, size, B, name in wide)
        for name, (value, dim) in tangents.items()
    ]
    results = PASSES.tangent.bind(*fixed, *moved, plan=plan, wanted=wanted, kept=False)
    axes = [2] * len(plan.starts) + [1] * len(plan.starts)
    return [split(value, axis, size) for value, axis in zip(results, axes, strict=True)], axes


def _adjoint_batch(arguments: Any, dims: Any, *, plan: CoupledPlan, wanted: tuple[str, ...]) -> tuple[Any, Any]:
    return _one_by_one(PASSES.adjoint, arguments, dims, plan=plan, wanted=wanted)


batching.primitive_batchers[solve_p] = _solve_batch
batching.primitive_batchers[PASSES.tangent] = _tangent_batch
batching.primitive_batchers[PASSES.adjoint] = _adjoint_batch
