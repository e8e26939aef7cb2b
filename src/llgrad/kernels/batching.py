"""What `vmap` does to a run: a mapped axis is merged into B."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from llgrad.kernels.rules import Passes


def merge(value: Any, dim: Any, axis: int, size: int, B: int, wide: bool) -> Any:
    """Merge a mapped axis of `size` into the operand's B axis; one that is not mapped and has B = 1 may stay so
    unless `wide`.
    """
    if axis < 0:
        if dim is not None:
            raise ValueError(
                "the time step and the first step's index cannot be mapped over, as they are the same for all runs. "
                "In place of `vmap` over pull-backs of runs, map a function that calls its own, as in "
                "jax.vmap(lambda x, y: jax.vjp(f, x)[1](y)), or take that of all runs, jax.vjp(jax.vmap(f), x); in "
                "place of a `lax.cond` between runs, of which `vmap` does both, use `jnp.where` of their results. Or "
                "take the XLA engine: simulate(…, engine=XLA())"
            )
        return value
    if dim is None and value.shape[axis] == 1 and not wide:
        return value
    value = jnp.expand_dims(value, axis) if dim is None else jnp.moveaxis(value, dim, axis)
    shape = list(value.shape)
    shape[axis], shape[axis + 1] = size, B
    value = jnp.broadcast_to(value, shape)
    return value.reshape(*shape[:axis], size * B, *shape[axis + 2 :])


def split(value: Any, axis: int, size: int) -> Any:
    """Undo `merge`: (…, size · B, …) → (…, size, B, …)."""
    return value.reshape(*value.shape[:axis], size, value.shape[axis] // size, *value.shape[axis + 1 :])


def mapped_size(arguments: Sequence[Any], dims: Sequence[Any]) -> int:
    """Length of the mapped axis."""
    return next(value.shape[dim] for value, dim in zip(arguments, dims, strict=True) if dim is not None)


def extent(plan: Any, arguments: Sequence[Any], dims: Sequence[Any]) -> int:
    """B of the unmapped run, from m0."""
    place = plan.names.index(plan.starts[0])
    shape, dim = list(arguments[place].shape), dims[place]
    if dim is not None:
        shape.pop(dim)
    return shape[0]


def all_directions(passes: Passes, arguments: Any, dims: Any, count: int, size: int, **params: Any) -> list[Any]:
    """Many tangents of one run, mapped over: no copies of anything else."""
    given = [
        (jnp.broadcast_to(value, (size, *value.shape)) if dim is None else jnp.moveaxis(value, dim, 0))
        for value, dim in zip(arguments[count:], dims[count:], strict=True)
    ]
    K = given[0].shape[1]
    flat = [value.reshape(size * K, *value.shape[2:]) for value in given]
    results = passes.tangent.bind(*arguments[:count], *flat, **params)
    return [value.reshape(size, K, *value.shape[1:]) for value in results]
