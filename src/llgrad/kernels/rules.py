"""What the two kinds of runs share, uncoupled and coupled: a run as three JAX primitives, each other's derivatives.

    solve    (operands)                    → saved and final states, first bad step; with `keep` also what the adjoint
    pass needs
    tangent  (operands, tangents)          → tangents of saved and final states: linear, and its transpose is
    adjoint  (operands, kept, cotangents)  → cotangents of m0 and of the wanted operands: linear, its transpose is
    `tangent`
    second   (operands, cotangents, tangents, changes of the cotangents) → how the adjoint pass changes: linear in the
    last two, see `second.py`

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
from jax.interpreters import ad, batching, mlir

from llgrad.kernels import plain, second
from llgrad.kernels.expression.graph import UnsupportedOperation
from llgrad.kernels.machine.forks import check_process

SHAPED: Final = "the native engine cannot transpose what is not linear; use the XLA engine: simulate(…, engine=XLA())"


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
        self.second = self._second_derivative(f"{prefix}second")
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
        _check_moved(wanted)
        given = [
            (jnp.zeros_like(value) if is_zero(tangent) else tangent)[None]
            for value, tangent in (found[name] for name in (*plan.starts, *wanted))
        ]
        results = self.tangent.bind(*operands, *kept, *given, plan=plan, wanted=wanted, kept=bool(kept))
        return [*(result[0] for result in results), ad.Zero(jax.typeof(bad).to_tangent_aval())]

    def _solve_jvp(self, operands: Sequence[Any], tangents: Sequence[Any], *, plan: Any, keep: bool) -> tuple[Any, Any]:
        results = self.solve.bind(*operands, plan=plan, keep=keep)
        kept = results[plan.told :]
        return results, [*self._derivative(plan, operands, tangents, kept, results[plan.told - 1]), *_unmoved(kept)]

    def _solve_linearize(self, is_vjp: bool, nonzero: Any, *operands: Any, plan: Any, keep: bool) -> tuple[Any, ...]:
        """As `_solve_jvp`, but the run keeps what the adjoint pass needs, which will follow.

        What is kept does not count as a function of the operands: it only saves the adjoint pass work. Since jax 0.12 a
        rule also tells, and its linear part is also given, residuals of its own structure: none here.
        """
        results = self.solve.bind(*operands, plan=plan, keep=True)
        kept = results[plan.told :]

        def linear(residuals: Any, *tangents: Any) -> list[Any]:
            *rest, bad = residuals
            own = len(plan.names)
            return [*self._derivative(plan, rest[:own], tangents, rest[own:], bad), *(_unmoved(kept) if keep else [])]

        last = plan.told - 1
        count = len(results) if keep else plan.told
        moved = [place < last for place in range(count)]
        told = results[:count], moved, [*operands, *kept, results[last]]
        if _length_of_a_rule() == len(told) + 1:
            return *told, linear
        return *told, None, lambda residuals, _, *tangents: linear(residuals, *tangents)

    # ---- the two linear primitives are each other's transposes

    def _linear_jvp(
        self, primitive: Primitive, primals: Any, tangents: Any, *, plan: Any, **params: Any
    ) -> tuple[Any, Any]:
        own, count = len(plan.names), self.fixed(plan, params.get("kept", True))
        if not all(is_zero(tangent) for tangent in tangents[:own]):
            return self._second_jvp(primitive, primals, tangents, plan, **params)
        filled = _instantiated(primals[count:], tangents[count:])
        run = functools.partial(primitive.bind, plan=plan, **params)
        return run(*primals), run(*primals[:count], *filled)

    def _second_jvp(
        self, primitive: Primitive, primals: Any, tangents: Any, plan: Any, wanted: tuple[str, ...], kept: bool = True
    ) -> tuple[Any, Any]:
        """Where the run itself moves too: a second derivative. Of one that has no kernel, in plain JAX."""
        own, count = len(plan.names), self.fixed(plan, kept)
        moved = tuple(name for name, t in zip(plan.names, tangents, strict=False) if not is_zero(t))
        _check_moved(moved)
        moved = tuple(name for name in moved if name not in plan.starts)
        forwards = primitive is self.tangent
        try:
            second.with_tangents(plan, wanted if forwards else moved)
        except UnsupportedOperation as problem:
            plain.say_once(str(problem))
            instead = plain.tangent if forwards else functools.partial(plain.adjoint, kept=0)

            def run(*given: Any) -> list[Any]:
                return instead(*given[:own], *given[count:], plan=plan, wanted=wanted)

            return _pushed(run, primals, tangents)
        if forwards:
            return _pushed(
                lambda *given: second.tangents_by_run(self, plan, wanted, given[:own], given[count:]), primals, tangents
            )
        given = dict(zip(plan.names, zip(primals, tangents, strict=False), strict=False))
        directions = _instantiated(*zip(*(given[name] for name in (*plan.starts, *moved)), strict=True))
        changes = _instantiated(primals[count:], tangents[count:])
        told = self.second.bind(
            *primals[:own], *primals[count:], *directions, *changes, plan=plan, wanted=wanted, moved=moved
        )
        return primitive.bind(*primals, plan=plan, wanted=wanted), told

    def _second_derivative(self, name: str) -> Primitive:
        """The primitive `second`."""
        run = functools.partial(second.changed_adjoint, self)
        primitive = Primitive(name)
        primitive.multiple_results = True

        def abstract(*avals: Any, **params: Any) -> list[Any]:
            shapes = jax.eval_shape(functools.partial(run, **params), *avals)
            return [ShapedArray(shape.shape, shape.dtype) for shape in shapes]

        def pushed(primals: Any, tangents: Any, *, plan: Any, **params: Any) -> tuple[Any, Any]:
            fixed = len(plan.names) + 2 * len(plan.starts)
            if all(is_zero(tangent) for tangent in tangents[:fixed]):
                filled = _instantiated(primals[fixed:], tangents[fixed:])
                bound = functools.partial(primitive.bind, plan=plan, **params)
                return bound(*primals), bound(*primals[:fixed], *filled)
            _check_moved([name for name, t in zip(plan.names, tangents, strict=False) if not is_zero(t)])
            plain.say_once(second.DEEPER)
            instead = functools.partial(second.changed_adjoint_in_jax, plan=plan, **params)
            return _pushed(instead, primals, tangents)

        def batched(arguments: Any, dims: Any, **params: Any) -> tuple[Any, Any]:
            found = jax.vmap(functools.partial(run, **params), dims)(*arguments)
            return found, [0] * len(found)

        primitive.def_abstract_eval(abstract)
        primitive.def_impl(_jitted(primitive))
        mlir.register_lowering(primitive, mlir.lower_fun(run, multiple_results=True))
        ad.primitive_jvps[primitive] = pushed
        ad.primitive_transposes[primitive] = self._second_transpose
        batching.primitive_batchers[primitive] = batched
        return primitive

    def _second_transpose(
        self, cotangents: Any, *arguments: Any, plan: Any, wanted: tuple[str, ...], moved: tuple[str, ...]
    ) -> list[Any]:
        operands, weights, *linear = second.parts_of(plan, moved, arguments)
        fixed, _ = _apart([*operands, *weights], len(operands) + len(weights))
        filled = [_filled(ct) for ct in cotangents]
        still = [jnp.zeros(weight.shape, weight.dtype) for weight in weights]
        directions = self.second.bind(*fixed, *filled, *still, plan=plan, wanted=moved, moved=wanted)
        changes = self.tangent.bind(*operands, *(v[None] for v in filled), plan=plan, wanted=wanted, kept=False)
        found = [*directions, *(change[0] for change in changes)]
        places = [*linear[0], *linear[1]]
        return [None] * len(fixed) + [
            value if ad.is_undefined_primal(place) else None for value, place in zip(found, places, strict=True)
        ]

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

    primitive.def_abstract_eval(abstract)

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

    primitive.def_impl(_jitted(primitive))
    on_card = functools.partial(lowered, card=True) if cards else instead
    for platform, rule in (("cpu", lowered), ("cuda", on_card)):
        mlir.register_lowering(primitive, mlir.lower_fun(rule, multiple_results=True), platform=platform)
    return primitive


def _jitted(primitive: Primitive) -> Callable[..., list[Any]]:
    """What a primitive does where nothing is traced."""

    @functools.lru_cache(maxsize=512)
    def compiled(params: tuple[tuple[str, Any], ...]) -> Any:
        return jax.jit(lambda *operands: primitive.bind(*operands, **dict(params)))

    def run_now(*operands: Any, **params: Any) -> list[Any]:
        check_process()
        return compiled(tuple(sorted(params.items())))(*operands)

    return run_now


def _check_moved(names: Sequence[str]) -> None:
    """Raise UnsupportedDerivative where the time step is among what moves."""
    if "h" in names:
        raise UnsupportedDerivative(
            "the native engine has no derivative with respect to the time step; it is a setting of the method"
        )


def _unmoved(values: Sequence[Any]) -> list[Any]:
    """Tangents that are known to be zero."""
    return [ad.Zero(jax.typeof(value).to_tangent_aval()) for value in values]


def _instantiated(values: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
    """Tangents of values, zeros among them as numbers."""
    return [jnp.zeros_like(v) if is_zero(t) else t for v, t in zip(values, tangents, strict=True)]


def _pushed(run: Callable[..., Any], values: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of a function and its tangent, along the tangents that are not known to be zero."""
    places = [place for place, tangent in enumerate(tangents) if not is_zero(tangent)]

    def of_some(*some: Any) -> Any:
        filled = list(values)
        for place, value in zip(places, some, strict=True):
            filled[place] = value
        return run(*filled)

    return jax.jvp(of_some, [values[place] for place in places], [tangents[place] for place in places])


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
        raise UnsupportedDerivative(SHAPED)
    return fixed, arguments[count:]
