"""A run as three JAX primitives, so that `jit`, `vmap`, `grad`, `jacfwd`, `jacrev`, `jvp` and their nestings work on
it.

    solve    (operands)                    → saved and final states, first bad step; with `keep` also the states kept
    tangent  (operands, tangents)          → tangents of saved and final states: linear, and its transpose is
    adjoint  (operands, kept, cotangents)  → cotangents of m0 and of the wanted operands: linear, its transpose is
    `tangent`

Operands have trailing (B, N) axes, each of the full size or 1: `vmap` widens B. Tangents have a leading axis of K
directions, so that `jacfwd` does all its directions in one sweep.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from llgrad.kernels import calls
from llgrad.kernels.calls import Plan
from llgrad.kernels.expression.equations import STATE
from llgrad.kernels.machine.forks import check_process

M0 = tuple(f"m_{axis}" for axis in STATE)


class UnsupportedDerivative(ValueError):
    """A derivative that the native engine has no kernel for. The XLA engine has it."""


SECOND = "the native engine has no second derivatives; use the XLA engine for them: simulate(…, engine=XLA())"


def _primitive(name: str, run: Callable[..., list[Any]]) -> Primitive:
    primitive = Primitive(name)
    primitive.multiple_results = True

    def abstract(*avals: Any, **params: Any) -> list[Any]:
        shapes = jax.eval_shape(functools.partial(run, **params, compiled=False), *avals)
        return [ShapedArray(shape.shape, shape.dtype) for shape in shapes]

    @functools.lru_cache(maxsize=512)
    def compiled(params: tuple[tuple[str, Any], ...]) -> Any:
        return jax.jit(lambda *operands: primitive.bind(*operands, **dict(params)))

    primitive.def_abstract_eval(abstract)

    def run_now(*operands: Any, **params: Any) -> list[Any]:
        check_process()
        return compiled(tuple(sorted(params.items())))(*operands)

    primitive.def_impl(run_now)
    mlir.register_lowering(primitive, mlir.lower_fun(run, multiple_results=True), platform="cpu")
    return primitive


def _tangent_after(*operands: Any, plan: Plan, wanted: tuple[str, ...], kept: bool, compiled: bool = True) -> list[Any]:
    own = len(plan.names)
    return calls.tangent(*operands[:own], *operands[own + kept :], plan=plan, wanted=wanted, compiled=compiled)


solve_p = _primitive("llgrad_solve", calls.forward)
tangent_p = _primitive("llgrad_tangent", _tangent_after)
adjoint_p = _primitive("llgrad_adjoint", calls.adjoint)


# ---- differentiation of a run


def _wanted(plan: Plan, nonzero: Sequence[bool]) -> tuple[str, ...]:
    names = tuple(name for name, active in zip(plan.names, nonzero, strict=True) if active and name not in M0)
    if "h" in names:
        raise UnsupportedDerivative(
            "the native engine has no derivative with respect to the time step; it is a setting of the method"
        )
    return names


def _is_zero(tangent: Any) -> bool:
    return type(tangent) is ad.Zero or tangent.dtype == jax.dtypes.float0


def _tangents(plan: Plan, wanted: tuple[str, ...], operands: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
    """The tangents of m0 and of the wanted operands, each with an axis of one direction."""
    found = dict(zip(plan.names, zip(operands, tangents, strict=True), strict=True))
    chosen = [found[name] for name in (*M0, *wanted)]
    return [(jnp.zeros_like(value) if _is_zero(tangent) else tangent)[None] for value, tangent in chosen]


def _derivative(
    plan: Plan, operands: Sequence[Any], tangents: Sequence[Any], kept: Sequence[Any], bad: Any
) -> list[Any]:
    wanted = _wanted(plan, [not _is_zero(tangent) for tangent in tangents])
    given = _tangents(plan, wanted, operands, tangents)
    results = tangent_p.bind(*operands, *kept, *given, plan=plan, wanted=wanted, kept=bool(kept))
    return [*(result[0] for result in results), ad.Zero(jax.typeof(bad).to_tangent_aval())]


def _solve_jvp(operands: Sequence[Any], tangents: Sequence[Any], *, plan: Plan, keep: bool) -> tuple[Any, Any]:
    if keep:
        raise UnsupportedDerivative(SECOND)
    results = solve_p.bind(*operands, plan=plan, keep=False)
    return results, _derivative(plan, operands, tangents, (), results[6])


def _solve_linearize(is_vjp: bool, nonzero: Any, *operands: Any, plan: Plan, keep: bool) -> tuple[Any, Any, Any, Any]:
    """As `_solve_jvp`, but the run keeps its states for the adjoint pass that will follow."""
    if keep:
        raise UnsupportedDerivative(SECOND)
    *results, kept = solve_p.bind(*operands, plan=plan, keep=True)

    def linear(residuals: Any, *tangents: Any) -> list[Any]:
        *operands, kept, bad = residuals
        return _derivative(plan, operands, tangents, (kept,), bad)

    return results, [True] * 6 + [False], [*operands, kept, results[6]], linear


# ---- the two linear primitives are each other's transposes


def _linear_jvp(
    primitive: Primitive, fixed: Callable[..., int], primals: Any, tangents: Any, **params: Any
) -> tuple[Any, Any]:
    count = fixed(**params)
    if not all(_is_zero(tangent) for tangent in tangents[:count]):
        raise UnsupportedDerivative(SECOND)
    filled = [
        jnp.zeros_like(value) if _is_zero(tangent) else tangent
        for value, tangent in zip(primals[count:], tangents[count:], strict=True)
    ]
    return primitive.bind(*primals, **params), primitive.bind(*primals[:count], *filled, **params)


def _tangent_fixed(*, plan: Plan, wanted: tuple[str, ...], kept: bool) -> int:
    return len(plan.names) + kept


def _adjoint_fixed(*, plan: Plan, wanted: tuple[str, ...]) -> int:
    return len(plan.names) + 1


def _filled(cotangent: Any) -> Any:
    if type(cotangent) is not ad.Zero:
        return cotangent
    like: Any = cotangent.aval
    return jnp.zeros(like.shape, like.dtype)


def _tangent_transpose(cotangents: Any, *arguments: Any, plan: Plan, wanted: tuple[str, ...], kept: bool) -> list[Any]:
    count = _tangent_fixed(plan=plan, wanted=wanted, kept=kept)
    fixed, linear = arguments[:count], arguments[count:]
    if any(ad.is_undefined_primal(value) for value in fixed):
        raise UnsupportedDerivative(SECOND)
    filled = [_filled(ct) for ct in cotangents]
    if not kept:
        fixed = (*fixed, solve_p.bind(*fixed, plan=plan, keep=True)[7])

    def one_direction(*cts: Any) -> list[Any]:
        return adjoint_p.bind(*fixed, *cts, plan=plan, wanted=wanted)

    if filled[0].shape[0] == 1:
        results = [value[None] for value in one_direction(*(ct[0] for ct in filled))]
    else:
        results = jax.vmap(one_direction)(*filled)
    return [None] * count + [
        value if ad.is_undefined_primal(place) else None for value, place in zip(results, linear, strict=True)
    ]


def _adjoint_transpose(cotangents: Any, *arguments: Any, plan: Plan, wanted: tuple[str, ...]) -> list[Any]:
    count = _adjoint_fixed(plan=plan, wanted=wanted)
    fixed = arguments[:count]
    if any(ad.is_undefined_primal(value) for value in fixed):
        raise UnsupportedDerivative(SECOND)
    filled = [_filled(ct)[None] for ct in cotangents]
    results = tangent_p.bind(*fixed, *filled, plan=plan, wanted=wanted, kept=True)
    return [None] * count + [value[0] for value in results]


# ---- batching: a mapped axis is merged into B


def _merge(value: Any, dim: Any, axis: int, size: int, B: int, wide: bool) -> Any:
    """Merge a mapped axis of `size` into the operand's B axis; one that is not mapped and has B = 1 may stay so
    unless `wide`.
    """
    if axis < 0:
        if dim is not None:
            raise ValueError(
                "the time step and the first step's index cannot be mapped over; they are the same for all runs"
            )
        return value
    if dim is None and value.shape[axis] == 1 and not wide:
        return value
    value = jnp.expand_dims(value, axis) if dim is None else jnp.moveaxis(value, dim, axis)
    shape = list(value.shape)
    shape[axis], shape[axis + 1] = size, B
    value = jnp.broadcast_to(value, shape)
    return value.reshape(*shape[:axis], size * B, *shape[axis + 2 :])


def _split(value: Any, axis: int, size: int) -> Any:
    return value.reshape(*value.shape[:axis], size, -1, *value.shape[axis + 1 :])


def _size(arguments: Sequence[Any], dims: Sequence[Any]) -> int:
    return next(value.shape[dim] for value, dim in zip(arguments, dims, strict=True) if dim is not None)


def _extent(plan: Plan, arguments: Sequence[Any], dims: Sequence[Any]) -> int:
    """B of the unmapped run, from m0."""
    place = plan.names.index("m_x")
    shape, dim = list(arguments[place].shape), dims[place]
    if dim is not None:
        shape.pop(dim)
    return shape[0]


def _solve_batch(arguments: Any, dims: Any, *, plan: Plan, keep: bool) -> tuple[Any, Any]:
    size, B = _size(arguments, dims), _extent(plan, arguments, dims)
    merged = [
        _merge(value, dim, plan.lane_axis(name), size, B, name in M0)
        for name, value, dim in zip(plan.names, arguments, dims, strict=True)
    ]
    results = solve_p.bind(*merged, plan=plan, keep=keep)
    axes = [1] * 3 + [0] * 4 + [2] * keep
    return [_split(value, axis, size) for value, axis in zip(results, axes, strict=True)], axes


def _tangent_batch(arguments: Any, dims: Any, *, plan: Plan, wanted: tuple[str, ...], kept: bool) -> tuple[Any, Any]:
    count, size = _tangent_fixed(plan=plan, wanted=wanted, kept=kept), _size(arguments, dims)
    if all(dim is None for dim in dims[:count]):  # many tangents of one run: no copies of anything else
        given = [
            (jnp.broadcast_to(value, (size, *value.shape)) if dim is None else jnp.moveaxis(value, dim, 0))
            for value, dim in zip(arguments[count:], dims[count:], strict=True)
        ]
        K = given[0].shape[1]
        flat = [value.reshape(size * K, *value.shape[2:]) for value in given]
        results = tangent_p.bind(*arguments[:count], *flat, plan=plan, wanted=wanted, kept=kept)
        return [value.reshape(size, K, *value.shape[1:]) for value in results], [0] * 6
    B = _extent(plan, arguments, dims)
    tangents = dict(zip((*M0, *wanted), zip(arguments[count:], dims[count:], strict=True), strict=True))
    wide = {name for name, (_, dim) in tangents.items() if dim is not None} | set(M0)
    fixed = []
    for name, value, dim in zip(plan.names, arguments, dims, strict=False):
        axis = plan.lane_axis(name)
        if dim is not None or (axis >= 0 and value.shape[axis] != 1):
            wide.add(name)
        fixed.append(_merge(value, dim, axis, size, B, name in wide))
    if kept:
        fixed.append(_merge(arguments[count - 1], dims[count - 1], 2, size, B, True))
    moved = [
        _merge(value, dim, plan.lane_axis(name) + 1, size, B, name in wide) for name, (value, dim) in tangents.items()
    ]
    results = tangent_p.bind(*fixed, *moved, plan=plan, wanted=wanted, kept=kept)
    axes = [2] * 3 + [1] * 3
    return [_split(value, axis, size) for value, axis in zip(results, axes, strict=True)], axes


def _adjoint_batch(arguments: Any, dims: Any, *, plan: Plan, wanted: tuple[str, ...]) -> tuple[Any, Any]:
    size, B, own = _size(arguments, dims), _extent(plan, arguments, dims), len(plan.names)
    axes = [plan.lane_axis(name) for name in plan.names] + [2] + [1] * 3 + [0] * 3
    wide = [name in (*M0, *wanted) for name in plan.names] + [True] * 7
    merged = [
        _merge(value, dim, axis, size, B, flag)
        for value, dim, axis, flag in zip(arguments, dims, axes, wide, strict=True)
    ]
    results = adjoint_p.bind(*merged, plan=plan, wanted=wanted)
    outputs, places = [], [plan.lane_axis(name) for name in (*M0, *wanted)]
    given = dict(zip(plan.names, zip(arguments[:own], dims[:own], strict=True), strict=True))
    for name, value, axis in zip((*M0, *wanted), results, places, strict=True):
        value = _split(value, axis, size)
        operand, dim = given[name]
        own_B = operand.shape[axis if dim is None or dim > axis else axis + 1]
        outputs.append(value.sum(axis + 1, keepdims=True) if own_B == 1 and value.shape[axis + 1] != 1 else value)
    return outputs, places


ad.primitive_jvps[solve_p] = _solve_jvp
ad.primitive_jvps[tangent_p] = functools.partial(_linear_jvp, tangent_p, _tangent_fixed)
ad.primitive_jvps[adjoint_p] = functools.partial(_linear_jvp, adjoint_p, _adjoint_fixed)
ad.primitive_transposes[tangent_p] = _tangent_transpose
ad.primitive_transposes[adjoint_p] = _adjoint_transpose
batching.primitive_batchers[solve_p] = _solve_batch
batching.primitive_batchers[tangent_p] = _tangent_batch
batching.primitive_batchers[adjoint_p] = _adjoint_batch

try:
    # Not public. Without it gradients are right too, but the adjoint pass runs the forward pass a second time.
    from jax._src.interpreters.ad import primitive_linearizations
except ImportError:
    pass
else:
    primitive_linearizations[solve_p] = _solve_linearize
