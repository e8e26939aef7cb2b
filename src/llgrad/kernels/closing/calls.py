"""Newton's method for closed orbits as a primitive of JAX; `vmap` gives it more orbits. It has no derivative: those of an
orbit come from the implicit function theorem.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import batching, mlir

from llgrad.kernels import plain
from llgrad.kernels.closing.newton import D, Ending, closing_module, rows_of
from llgrad.kernels.expression.equations import compile_equation
from llgrad.kernels.expression.graph import UnsupportedOperation
from llgrad.kernels.kernel import REGISTERS, target, width_for
from llgrad.kernels.loops.step import Scheme
from llgrad.kernels.machine.forks import check_process
from llgrad.kernels.steppers import Stepper


class ClosedOrbit(NamedTuple):
    """What Newton's method ended with, of N states of n numbers with two coordinates each."""

    states: Any
    """(N, n)"""
    period: Any
    """[ns]"""
    last: Any
    """Size of the last correction."""
    iterations: Any
    basis: Any
    """(N, n, 2) directions in which states can move."""
    steps: Any
    """(N, 2, 2) what each step makes of deviations."""
    gaps: Any
    """(N, 2) from the next state to where a step ended."""
    along: Any
    """(N, 2) [1/ns] the motion."""


@dataclass(frozen=True)
class ClosingPlan:
    """What is fixed about a search before it starts, apart from how many orbits it is for."""

    scheme: Scheme
    ending: Ending
    count: int
    """States round an orbit."""
    inner: int
    """Steps from each state to the next."""

    def shapes(self, orbits: int) -> list[jax.ShapeDtypeStruct]:
        """Of the results, the last of which is memory."""
        n, dtype = len(self.scheme.program.state), np.dtype(self.scheme.program.dtype)
        whole = -(-self.count // self.scheme.width) * self.scheme.width
        round_ = [(n,), (), (), (), (n, D), (D, D), (D,), (D,)]
        shapes = [(orbits, *([self.count] if shape else []), *shape) for shape in round_]
        found = [jax.ShapeDtypeStruct(shape, dtype) for shape in shapes]
        found[3] = jax.ShapeDtypeStruct((orbits,), jnp.int32)
        return [*found, jax.ShapeDtypeStruct((orbits, sum(rows_of(self.scheme).values()), whole), dtype)]


def closed_orbit(
    equation: Any, states: Any, period: Any, *, stepper: Stepper, inner: int, ending: Ending
) -> ClosedOrbit | None:
    """The closed orbit near N states (N, n) round it and a period [ns], without derivatives; None where there is no
    kernel for it: for states with other than two coordinates, for what has tables, and for what kernels cannot do.
    """
    check_process()
    try:
        program, parameters = compile_equation(equation, states.dtype)
    except UnsupportedOperation:
        return None
    freedom = len(program.state) - len(program.spins)
    if freedom != D or program.sizes or program.inputs or program.carries or plain.failure_of(program):
        return None
    width = width_for(len(states), program.dtype, REGISTERS // 2)
    plan = ClosingPlan(Scheme(program, stepper.tableau, stepper.project, width, ()), ending, len(states), inner)
    try:
        _target(plan.scheme, ending)
    except Exception as problem:  # as of every kernel: it is said once, and JAX does the same
        plain.report(program, problem)
        return None
    given = [jnp.asarray(value, program.dtype).reshape(1) for value in parameters]
    found = closing_p.bind(states[None], jnp.reshape(period, 1), *given, plan=plan)
    return ClosedOrbit(*(value[0] for value in found[:-1]))


def _target(scheme: Scheme, ending: Ending) -> str:
    return target("closing", scheme, closing_module, ending)


closing_p = Primitive("llgrad_closing")
closing_p.multiple_results = True


@closing_p.def_abstract_eval
def _abstract(states: Any, *_: Any, plan: ClosingPlan) -> list[Any]:
    return [ShapedArray(shape.shape, shape.dtype) for shape in plan.shapes(states.shape[0])]


def _call(states: Any, period: Any, *parameters: Any, plan: ClosingPlan) -> list[Any]:
    orbits = states.shape[0]
    counts = [plan.count * plan.inner, plan.count, plan.inner, orbits, orbits]
    kernel = _target(plan.scheme, plan.ending)
    call = jax.ffi.ffi_call(kernel, plan.shapes(orbits))
    return list(call(jnp.asarray(counts, jnp.int32), states, period, *parameters))


def _batch(arguments: Any, dims: Any, *, plan: ClosingPlan) -> tuple[Any, Any]:
    size = next(value.shape[dim] for value, dim in zip(arguments, dims, strict=True) if dim is not None)
    orbits = arguments[0].shape[0] if dims[0] is None else arguments[0].shape[1 if dims[0] == 0 else 0]
    merged = []
    for place, (value, dim) in enumerate(zip(arguments, dims, strict=True)):
        if place > 1 and dim is None and value.shape[0] == 1:
            merged.append(value)
            continue
        moved = jnp.broadcast_to(value, (size, *value.shape)) if dim is None else jnp.moveaxis(value, dim, 0)
        moved = jnp.broadcast_to(moved, (size, orbits, *moved.shape[2:]))
        merged.append(moved.reshape(size * orbits, *moved.shape[2:]))
    results = closing_p.bind(*merged, plan=plan)
    return [value.reshape(size, orbits, *value.shape[1:]) for value in results], [0] * len(results)


@functools.lru_cache(maxsize=512)
def _compiled(plan: ClosingPlan) -> Any:
    return jax.jit(functools.partial(closing_p.bind, plan=plan))


@closing_p.def_impl
def _now(*operands: Any, plan: ClosingPlan) -> Any:
    return _compiled(plan)(*operands)


batching.primitive_batchers[closing_p] = _batch
mlir.register_lowering(closing_p, mlir.lower_fun(_call, multiple_results=True), platform="cpu")
