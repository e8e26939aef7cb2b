"""What the two kinds of runs share, uncoupled and coupled: a run as three JAX primitives, each other's derivatives.

    solve    (operands)                    → saved and final states, first bad step; with `keep` also what the adjoint
    pass needs
    tangent  (operands, tangents)          → tangents of saved and final states: linear, and its transpose is
    adjoint  (operands, kept, cotangents)  → cotangents of m0 and of the wanted operands: linear, its transpose is
    `tangent`

Operands have trailing (B, N) axes, each of the full size or 1: `vmap` widens B. Tangents have a leading axis of K
directions, so that `jacfwd` does all its directions in one sweep.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, mlir

from llgrad.kernels import plain
from llgrad.kernels.machine.forks import check_process

SECOND: Final = "the native engine has no second derivatives; use the XLA engine for them: simulate(…, engine=XLA())"


class UnsupportedDerivative(ValueError):
    """A derivative that the native engine has no kernel for. The XLA engine has it."""


class Passes:
    """The primitives `solve`, `tangent` and `adjoint` of a kind of run, with their derivatives and transposes.

    A plan has `names`, those of the run's operands. `calls` holds the functions forward, tangent and adjoint; `kept`
    is how many results a forward pass with `keep` adds for the adjoint pass. With `cards` they have
    kernels for GPUs too.
    """

    def __init__(self, prefix: str, calls: Any, kept: int, cards: bool = False) -> None:
        self.kept = kept

        def without_kept(function: Any) -> Any:
            def tangent(*operands: Any, plan: Any, kept: bool, **params: Any) -> list[Any]:
                own = len(plan.names)
                return function(*operands[:own], *operands[own + self.kept * kept :], plan=plan, **params)

            return tangent

        def forward(*operands: Any, plan: Any, keep: bool) -> list[Any]:
            found = plain.forward(*operands, plan=plan)
            if not keep:
                return found
            told = jax.eval_shape(functools.partial(calls.forward, plan=plan, keep=True, compiled=False), *operands)
            return [
                *found,
                *(jnp.zeros(kept.shape, kept.dtype) for kept in told[plan.told :]),
            ]  # for nobody: see `lowered`

        self.solve = _primitive(f"{prefix}solve", calls.forward, forward, cards)
        self.tangent = _primitive(f"{prefix}tangent", without_kept(calls.tangent), without_kept(plain.tangent), cards)
        adjoint = functools.partial(plain.adjoint, kept=kept)
        self.adjoint = _primitive(f"{prefix}adjoint", calls.adjoint, adjoint, cards)
        ad.primitive_jvps[self.solve] = self._solve_jvp
        ad.primitive_jvps[self.tangent] = functools.partial(self._linear_jvp, self.tangent)
        ad.primitive_jvps[self.adjoint] = functools.partial(self._linear_jvp, self.adjoint)
        ad.primitive_transposes[self.tangent] = self._tangent_transpose
        ad.primitive_transposes[self.adjoint] = self._adjoint_transpose
        # Without such a rule gradients are right too, but the adjoint pass runs the forward pass a second time.
        if rules := _linearizations():
            rules[self.solve] = self._solve_linearize

    def fixed(self, plan: Any, kept: bool = True) -> int:
        """Number of operands of `tangent` and `adjoint` that they are not linear in: the run's, and what it kept."""
        return len(plan.names) + self.kept * kept

    # ---- differentiation of a run

    def _derivative(
        self, plan: Any, operands: Sequence[Any], tangents: Sequence[Any], kept: Sequence[Any], bad: Any
    ) -> list[Any]:
        found = dict(zip(plan.names, zip(operands, tangents, strict=True), strict=True))
        wanted = tuple(name for name, (_, tangent) in found.items() if name not in plan.starts and not is_zero(tangent))
        if "h" in wanted:
            raise UnsupportedDerivative(
                "the native engine has no derivative with respect to the time step; it is a setting of the method"
            )
        given = [
            (jnp.zeros_like(value) if is_zero(tangent) else tangent)[None]
            for value, tangent in (found[name] for name in (*plan.starts, *wanted))
        ]
        results = self.tangent.bind(*operands, *kept, *given, plan=plan, wanted=wanted, kept=bool(kept))
        return [*(result[0] for result in results), ad.Zero(jax.typeof(bad).to_tangent_aval())]

    def _solve_jvp(self, operands: Sequence[Any], tangents: Sequence[Any], *, plan: Any, keep: bool) -> tuple[Any, Any]:
        if keep:
            raise UnsupportedDerivative(SECOND)
        results = self.solve.bind(*operands, plan=plan, keep=False)
        return results, self._derivative(plan, operands, tangents, (), results[plan.told - 1])

    def _solve_linearize(self, is_vjp: bool, nonzero: Any, *operands: Any, plan: Any, keep: bool) -> tuple[Any, ...]:
        """As `_solve_jvp`, but the run keeps what the adjoint pass needs, which will follow.

        Since jax 0.12 a rule also tells, and its linear part is also given, residuals of its own structure: none here.
        """
        if keep:
            raise UnsupportedDerivative(SECOND)
        results = self.solve.bind(*operands, plan=plan, keep=True)

        def linear(residuals: Any, *tangents: Any) -> list[Any]:
            *rest, bad = residuals
            own = len(plan.names)
            return self._derivative(plan, rest[:own], tangents, rest[own:], bad)

        last = plan.told - 1
        told = results[: plan.told], [True] * last + [False], [*operands, *results[plan.told :], results[last]]
        if _length_of_a_rule() == len(told) + 1:
            return *told, linear
        return *told, None, lambda residuals, _, *tangents: linear(residuals, *tangents)

    # ---- the two linear primitives are each other's transposes

    def _linear_jvp(
        self, primitive: Primitive, primals: Any, tangents: Any, *, plan: Any, **params: Any
    ) -> tuple[Any, Any]:
        count = self.fixed(plan, params.get("kept", True))
        if not all(is_zero(tangent) for tangent in tangents[:count]):
            raise UnsupportedDerivative(SECOND)
        filled = [
            jnp.zeros_like(value) if is_zero(tangent) else tangent
            for value, tangent in zip(primals[count:], tangents[count:], strict=True)
        ]
        run = functools.partial(primitive.bind, plan=plan, **params)
        return run(*primals), run(*primals[:count], *filled)

    def _tangent_transpose(
        self, cotangents: Any, *arguments: Any, plan: Any, wanted: tuple[str, ...], kept: bool
    ) -> list[Any]:
        count = self.fixed(plan, kept)
        fixed, linear = _apart(arguments, count)
        filled = [_filled(ct) for ct in cotangents]
        if not kept:
            fixed = (*fixed, *self.solve.bind(*fixed, plan=plan, keep=True)[plan.told :])

        def one_direction(*cts: Any) -> list[Any]:
            return self.adjoint.bind(*fixed, *cts, plan=plan, wanted=wanted)

        if filled[0].shape[0] == 1:
            results = [value[None] for value in one_direction(*(ct[0] for ct in filled))]
        else:
            results = jax.vmap(one_direction)(*filled)
        return [None] * count + [
            value if ad.is_undefined_primal(place) else None for value, place in zip(results, linear, strict=True)
        ]

    def _adjoint_transpose(self, cotangents: Any, *arguments: Any, plan: Any, wanted: tuple[str, ...]) -> list[Any]:
        count = self.fixed(plan)
        fixed, _ = _apart(arguments, count)
        filled = [_filled(ct)[None] for ct in cotangents]
        results = self.tangent.bind(*fixed, *filled, plan=plan, wanted=wanted, kept=True)
        return [None] * count + [value[0] for value in results]


def _linearizations() -> dict[Primitive, Any] | None:
    """JAX's table of rules that tell a result together with its linear part, which is not public; None where there is
    none, or its rules have a form that `Passes` does not know.
    """
    try:
        from jax._src.interpreters.ad import primitive_linearizations
    except ImportError:
        return None
    return primitive_linearizations if _length_of_a_rule() in (4, 5) else None


@functools.cache
def _length_of_a_rule() -> int:
    """How many things a rule of that table tells in this version of JAX, seen at JAX's own rule for the sine."""
    from jax._src.interpreters.ad import primitive_linearizations

    told: list[int] = []

    def sine(x: Any) -> Any:
        found = primitive_linearizations[jax.lax.sin_p](True, [True], x, accuracy=None)
        told.append(len(found))
        return found[0]

    try:
        jax.eval_shape(sine, jax.ShapeDtypeStruct((), np.float32))
    except (KeyError, TypeError):
        return 0
    return told[0]


def _primitive(name: str, run: Callable[..., list[Any]], instead: Callable[..., list[Any]], cards: bool) -> Primitive:
    """A primitive that runs a kernel, or does the same in plain JAX `instead`, where none can be compiled: for the
    processors, and for a GPU too where there are `cards`.
    """
    primitive = Primitive(name)
    primitive.multiple_results = True

    def abstract(*avals: Any, **params: Any) -> list[Any]:
        check_process()
        shapes = jax.eval_shape(functools.partial(run, **params, compiled=False), *avals)
        return [ShapedArray(shape.shape, shape.dtype) for shape in shapes]

    @functools.lru_cache(maxsize=512)
    def compiled(params: tuple[tuple[str, Any], ...]) -> Any:
        return jax.jit(lambda *operands: primitive.bind(*operands, **dict(params)))

    primitive.def_abstract_eval(abstract)

    def run_now(*operands: Any, **params: Any) -> list[Any]:
        check_process()
        return compiled(tuple(sorted(params.items())))(*operands)

    def lowered(*operands: Any, plan: Any, card: bool = False, **params: Any) -> list[Any]:
        more = {"card": True} if card else {}
        if not plain.failure_of(plan.program):
            try:
                return run(*operands, plan=plan, **params, **more)
            except Exception as problem:
                results = instead(*operands, plan=plan, **params)  # says it where the term itself is what fails
                plain.report(plan.program, problem)  # from now on for every pass, so that none asks what another kept
                return results
        return instead(*operands, plan=plan, **params)

    primitive.def_impl(run_now)
    on_card = functools.partial(lowered, card=True) if cards else instead
    for platform, rule in (("cpu", lowered), ("cuda", on_card)):
        mlir.register_lowering(primitive, mlir.lower_fun(rule, multiple_results=True), platform=platform)
    return primitive


def is_zero(tangent: Any) -> bool:
    """Whether a tangent is known to be zero."""
    return type(tangent) is ad.Zero or tangent.dtype == jax.dtypes.float0


def _filled(cotangent: Any) -> Any:
    if type(cotangent) is not ad.Zero:
        return cotangent
    like: Any = cotangent.aval
    return jnp.zeros(like.shape, like.dtype)


def _apart(arguments: Sequence[Any], count: int) -> tuple[Sequence[Any], Sequence[Any]]:
    """What a linear primitive is not linear in, and what it is."""
    fixed = arguments[:count]
    if any(ad.is_undefined_primal(value) for value in fixed):
        raise UnsupportedDerivative(SECOND)
    return fixed, arguments[count:]


# ---- batching: a mapped axis is merged into B


def merge(value: Any, dim: Any, axis: int, size: int, B: int, wide: bool) -> Any:
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
