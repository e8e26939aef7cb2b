"""A run of a coupled array as three JAX primitives, as in `kernels/primitive.py`, with the weights as an operand more.

`vmap` widens B, the axis of samples. What a kernel has no axis for is done one after the other instead: weights that
differ between samples, and cotangents of the weights for each sample apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching

from llgrad.kernels import primitive as uncoupled
from llgrad.kernels.coupled import calls
from llgrad.kernels.coupled.calls import M0, CoupledPlan
from llgrad.kernels.primitive import SECOND, UnsupportedDerivative

_merge, _split, _size, _is_zero, _filled = (
    uncoupled._merge,
    uncoupled._split,
    uncoupled._size,
    uncoupled._is_zero,
    uncoupled._filled,
)


def _tangent(
    *operands: Any, plan: CoupledPlan, wanted: tuple[str, ...], kept: bool, compiled: bool = True
) -> list[Any]:
    own = len(plan.names)
    return calls.tangent(*operands[:own], *operands[own + 2 * kept :], plan=plan, wanted=wanted, compiled=compiled)


solve_p = uncoupled._primitive("llgrad_coupled_solve", calls.forward)
tangent_p = uncoupled._primitive("llgrad_coupled_tangent", _tangent)
adjoint_p = uncoupled._primitive("llgrad_coupled_adjoint", calls.adjoint)


# ---- differentiation of a run


def _derivative(
    plan: CoupledPlan, operands: Sequence[Any], tangents: Sequence[Any], kept: Sequence[Any], bad: Any
) -> list[Any]:
    active = [name for name, tangent in zip(plan.names, tangents, strict=True) if not _is_zero(tangent)]
    if "h" in active:
        raise UnsupportedDerivative(
            "the native engine has no derivative with respect to the time step; it is a setting of the method"
        )
    wanted = tuple(name for name in active if name not in M0)
    found = dict(zip(plan.names, zip(operands, tangents, strict=True), strict=True))
    given = [
        (jnp.zeros_like(value) if _is_zero(tangent) else tangent)[None]
        for value, tangent in (found[name] for name in (*M0, *wanted))
    ]
    results = tangent_p.bind(*operands, *kept, *given, plan=plan, wanted=wanted, kept=bool(kept))
    return [*(result[0] for result in results), ad.Zero(jax.typeof(bad).to_tangent_aval())]


def _solve_jvp(operands: Sequence[Any], tangents: Sequence[Any], *, plan: CoupledPlan, keep: bool) -> tuple[Any, Any]:
    if keep:
        raise UnsupportedDerivative(SECOND)
    results = solve_p.bind(*operands, plan=plan, keep=False)
    return results, _derivative(plan, operands, tangents, (), results[6])


def _solve_linearize(is_vjp: bool, nonzero: Any, *operands: Any, plan: CoupledPlan, keep: bool) -> tuple[Any, ...]:
    """As `_solve_jvp`, but the run keeps states and coupling fields for the adjoint pass that will follow."""
    if keep:
        raise UnsupportedDerivative(SECOND)
    *results, kept, fields = solve_p.bind(*operands, plan=plan, keep=True)

    def linear(residuals: Any, *tangents: Any) -> list[Any]:
        *operands, kept, fields, bad = residuals
        return _derivative(plan, operands, tangents, (kept, fields), bad)

    return results, [True] * 6 + [False], [*operands, kept, fields, results[6]], linear


def _fixed(plan: CoupledPlan, kept: bool = True) -> int:
    return len(plan.names) + 2 * kept


def _tangent_transpose(
    cotangents: Any, *arguments: Any, plan: CoupledPlan, wanted: tuple[str, ...], kept: bool
) -> list[Any]:
    count = _fixed(plan, kept)
    fixed, linear = arguments[:count], arguments[count:]
    if any(ad.is_undefined_primal(value) for value in fixed):
        raise UnsupportedDerivative(SECOND)
    filled = [_filled(ct) for ct in cotangents]
    if not kept:
        fixed = (*fixed, *solve_p.bind(*fixed, plan=plan, keep=True)[7:])

    def one_direction(*cts: Any) -> list[Any]:
        return adjoint_p.bind(*fixed, *cts, plan=plan, wanted=wanted)

    if filled[0].shape[0] == 1:
        results = [value[None] for value in one_direction(*(ct[0] for ct in filled))]
    else:
        results = jax.vmap(one_direction)(*filled)
    return [None] * count + [
        value if ad.is_undefined_primal(place) else None for value, place in zip(results, linear, strict=True)
    ]


def _adjoint_transpose(cotangents: Any, *arguments: Any, plan: CoupledPlan, wanted: tuple[str, ...]) -> list[Any]:
    count = _fixed(plan)
    fixed = arguments[:count]
    if any(ad.is_undefined_primal(value) for value in fixed):
        raise UnsupportedDerivative(SECOND)
    filled = [_filled(ct)[None] for ct in cotangents]
    results = tangent_p.bind(*fixed, *filled, plan=plan, wanted=wanted, kept=True)
    return [None] * count + [value[0] for value in results]


def _linear_jvp(primitive: Primitive) -> Callable[..., tuple[Any, Any]]:
    def rule(primals: Any, tangents: Any, *, plan: CoupledPlan, **params: Any) -> tuple[Any, Any]:
        return uncoupled._linear_jvp(
            primitive, lambda plan, **_: _fixed(plan, params.get("kept", True)), primals, tangents, plan=plan, **params
        )

    return rule


# ---- batching: a mapped axis is merged into B, or run through one by one


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
    return any(dims[plan.names.index(name)] is not None for name in names)


def _solve_batch(arguments: Any, dims: Any, *, plan: CoupledPlan, keep: bool) -> tuple[Any, Any]:
    if keep or _mapped(plan, dims, "weights", "first"):
        return _one_by_one(solve_p, arguments, dims, plan=plan, keep=keep)
    size, B = _size(arguments, dims), _extent(plan, arguments, dims)
    merged = [
        _merge(value, dim, plan.lane_axis(name), size, B, name in M0)
        for name, value, dim in zip(plan.names, arguments, dims, strict=True)
    ]
    axes = [1] * 3 + [0] * 4
    results = solve_p.bind(*merged, plan=plan, keep=False)
    return [_split(value, axis, size) for value, axis in zip(results, axes, strict=True)], axes


def _extent(plan: CoupledPlan, arguments: Sequence[Any], dims: Sequence[Any]) -> int:
    """B of the unmapped run, from m0."""
    place = plan.names.index("m_x")
    shape = list(arguments[place].shape)
    if dims[place] is not None:
        shape.pop(dims[place])
    return shape[0]


def _tangent_batch(
    arguments: Any, dims: Any, *, plan: CoupledPlan, wanted: tuple[str, ...], kept: bool
) -> tuple[Any, Any]:
    count, size = _fixed(plan, kept), _size(arguments, dims)
    params: dict[str, Any] = {"plan": plan, "wanted": wanted}
    if all(dim is None for dim in dims[:count]):  # many tangents of one run: no copies of anything else
        given = [
            (jnp.broadcast_to(value, (size, *value.shape)) if dim is None else jnp.moveaxis(value, dim, 0))
            for value, dim in zip(arguments[count:], dims[count:], strict=True)
        ]
        K = given[0].shape[1]
        flat = [value.reshape(size * K, *value.shape[2:]) for value in given]
        results = tangent_p.bind(*arguments[:count], *flat, kept=kept, **params)
        return [value.reshape(size, K, *value.shape[1:]) for value in results], [0] * 6
    tangents = dict(zip((*M0, *wanted), zip(arguments[count:], dims[count:], strict=True), strict=True))
    if kept or _mapped(plan, dims, "weights", "first") or tangents.get("weights", (None, None))[1] is not None:
        return _one_by_one(tangent_p, arguments, dims, kept=kept, **params)
    return _merged_tangents(arguments, dims, tangents, size, **params)


def _merged_tangents(
    arguments: Any, dims: Any, tangents: dict[str, Any], size: int, *, plan: CoupledPlan, wanted: tuple[str, ...]
) -> tuple[Any, Any]:
    B = _extent(plan, arguments, dims)
    wide = {name for name, (_, dim) in tangents.items() if dim is not None} | set(M0)
    fixed = []
    for name, value, dim in zip(plan.names, arguments, dims, strict=False):
        axis = plan.lane_axis(name)
        if dim is not None or (axis >= 0 and value.shape[axis] != 1):
            wide.add(name)
        fixed.append(_merge(value, dim, axis, size, B, name in wide))
    moved = [
        value if name == "weights" else _merge(value, dim, plan.lane_axis(name) + 1, size, B, name in wide)
        for name, (value, dim) in tangents.items()
    ]
    results = tangent_p.bind(*fixed, *moved, plan=plan, wanted=wanted, kept=False)
    axes = [2] * 3 + [1] * 3
    return [_split(value, axis, size) for value, axis in zip(results, axes, strict=True)], axes


def _adjoint_batch(arguments: Any, dims: Any, *, plan: CoupledPlan, wanted: tuple[str, ...]) -> tuple[Any, Any]:
    return _one_by_one(adjoint_p, arguments, dims, plan=plan, wanted=wanted)


ad.primitive_jvps[solve_p] = _solve_jvp
ad.primitive_jvps[tangent_p] = _linear_jvp(tangent_p)
ad.primitive_jvps[adjoint_p] = _linear_jvp(adjoint_p)
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
