"""The kernels that search for orbits as a primitive of JAX; `vmap` gives it more devices. It has no derivative: that of
an orbit comes from the implicit function theorem.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import batching, mlir

from llgrad.kernels import plain
from llgrad.kernels.closing import newton, spiral
from llgrad.kernels.closing.newton import ClosingLimits, closing_module
from llgrad.kernels.closing.search import D
from llgrad.kernels.closing.spiral import TOLD, Spirals, spiral_module
from llgrad.kernels.expression.equations import compile_equation
from llgrad.kernels.expression.graph import UnsupportedOperation
from llgrad.kernels.kernel import REGISTERS, target, width_for
from llgrad.kernels.loops.step import Scheme
from llgrad.kernels.machine.forks import check_process
from llgrad.kernels.steppers import Stepper

OWN = 2
"""Operands that every device has of its own; what follows are parameters, one for all of them or one for each."""


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
    monodromy: Any
    """(2, 2) what a period makes of deviations from the first state."""
    phase: Any
    """(N, n) [ns] by how much a push at each state shifts the phase."""


class SpiralGuess(NamedTuple):
    """Where a cycle may be."""

    states: Any
    """(N, n)"""
    found: Any
    """Whether there is one,"""
    period: Any
    """its period [ns],"""
    bistable: Any
    """whether the state at rest attracts,"""
    between: Any
    """(2,) the distances from that between which it lies,"""
    stiffness: Any
    """and the fastest rate there over that of the turning."""


@dataclass(frozen=True)
class SearchPlan:
    """What is fixed about a search before it starts, apart from how many devices it is for."""

    scheme: Scheme
    how: ClosingLimits | Spirals
    count: int
    """States round an orbit."""
    inner: int
    """Steps from each state to the next."""

    @property
    def kernel(self) -> str:
        """Name of the FFI target."""
        if isinstance(self.how, ClosingLimits):
            return target("closing", self.scheme, closing_module, self.how)
        return target("spiral", self.scheme, spiral_module, self.how)

    @property
    def work(self) -> int:
        """Steps of a vector of states, about."""
        if isinstance(self.how, ClosingLimits):
            return 4 * self.count * self.inner // self.scheme.width + 1
        return (self.how.radii * self.how.steps // self.scheme.width + self.count) * self.inner

    def shapes(self, devices: int) -> list[jax.ShapeDtypeStruct]:
        """Of the results, the last of which is memory."""
        n, dtype = len(self.scheme.program.state), np.dtype(self.scheme.program.dtype)
        if isinstance(self.how, ClosingLimits):
            rows, length = newton.rows_of(self.scheme), self.count
            lead, shapes = (devices, self.count), [(n,), None, None, None, (n, D), (D, D), (D,), (D,)]
            found = [(devices,) if shape is None else (*lead, *shape) for shape in shapes]
            found += [(devices, D, D), (*lead, n)]
        else:
            rows, length = spiral.rows_of(self.scheme), self.how.radii
            found = [(devices, self.count, n), (devices, len(TOLD))]
        whole = -(-length // self.scheme.width) * self.scheme.width
        results = [jax.ShapeDtypeStruct(shape, dtype) for shape in (*found, (devices, sum(rows.values()) * whole))]
        if isinstance(self.how, ClosingLimits):
            results[3] = jax.ShapeDtypeStruct((devices,), jnp.int32)
        return results


def closed_orbit(
    equation: Any, states: Any, period: Any, *, stepper: Stepper, inner: int, ending: ClosingLimits
) -> ClosedOrbit | None:
    """The closed orbit near N states (N, n) round it and a period [ns], without derivatives; None where there is no
    kernel for it: see `_planned`.
    """
    planned = _planned(equation, states.dtype, stepper, ending, len(states), inner)
    if planned is None:
        return None
    plan, parameters = planned
    found = search_p.bind(states[None], jnp.reshape(period, 1), *parameters, plan=plan)
    return ClosedOrbit(*(value[0] for value in found[:-1]))


def spiral_guess(
    equation: Any, start: Any, between: Any, *, stepper: Stepper, count: int, inner: int, spirals: Spirals
) -> SpiralGuess | None:
    """A guess of the cycle round the focus near a state (n,), as `count` states; looked for `between` two distances
    (2,) where the second is not 0. None where there is no kernel for it: see `_planned`.
    """
    planned = _planned(equation, start.dtype, stepper, spirals, count, inner)
    if planned is None:
        return None
    plan, parameters = planned
    path, told, _ = search_p.bind(start[None], between[None], *parameters, plan=plan)
    found = dict(zip(TOLD, told[0], strict=True))
    return SpiralGuess(
        path[0],
        found["found"] > 0,
        found["period"],
        found["bistable"] > 0,
        told[0, TOLD.index("low") : TOLD.index("high") + 1],
        found["stiffness"],
    )


def _planned(
    equation: Any, dtype: Any, stepper: Stepper, how: ClosingLimits | Spirals, count: int, inner: int
) -> tuple[SearchPlan, list[Any]] | None:
    """The plan of a search and its parameters; None for states with other than two coordinates, for an equation with
    tables, and for one that kernels cannot take."""
    check_process()
    try:
        program, parameters = compile_equation(equation, dtype)
    except UnsupportedOperation:
        return None
    freedom = len(program.state) - len(program.spins)
    if freedom != D or program.sizes or program.inputs or program.carries or plain.failure_of(program):
        return None
    lanes = count if isinstance(how, ClosingLimits) else how.radii
    width = width_for(lanes, program.dtype, REGISTERS // 2 if isinstance(how, ClosingLimits) else REGISTERS)
    plan = SearchPlan(Scheme(program, stepper.tableau, stepper.project, width, ()), how, count, inner)
    try:
        _ = plan.kernel
    except Exception as problem:  # as of every kernel: it is said once, and JAX does the same
        plain.report(program, problem)
        return None
    return plan, [jnp.asarray(value, program.dtype).reshape(1) for value in parameters]


search_p = Primitive("llgrad_search")
search_p.multiple_results = True


@search_p.def_abstract_eval
def _abstract(first: Any, *_: Any, plan: SearchPlan) -> list[Any]:
    return [ShapedArray(shape.shape, shape.dtype) for shape in plan.shapes(first.shape[0])]


def _call(first: Any, *others: Any, plan: SearchPlan) -> list[Any]:
    devices = first.shape[0]
    counts = jnp.asarray([plan.work, plan.count, plan.inner, devices, devices], jnp.int32)
    return list(jax.ffi.ffi_call(plan.kernel, plan.shapes(devices))(counts, first, *others))


def _batch(arguments: Sequence[Any], dims: Sequence[Any], *, plan: SearchPlan) -> tuple[Any, Any]:
    pairs = list(zip(arguments, dims, strict=True))
    size = next(value.shape[dim] for value, dim in pairs if dim is not None)
    moved = [value[None] if dim is None else jnp.moveaxis(value, dim, 0) for value, dim in pairs]
    devices = max(value.shape[1] for value in moved)
    merged = []
    for place, value in enumerate(moved):
        if place >= OWN and value.shape[:2] == (1, 1):
            merged.append(value[0])  # one for all
            continue
        merged.append(jnp.broadcast_to(value, (size, devices, *value.shape[2:])).reshape(-1, *value.shape[2:]))
    results = search_p.bind(*merged, plan=plan)
    return [value.reshape(size, devices, *value.shape[1:]) for value in results], [0] * len(results)


@functools.lru_cache(maxsize=512)
def _compiled(plan: SearchPlan) -> Any:
    return jax.jit(functools.partial(search_p.bind, plan=plan))


@search_p.def_impl
def _now(*operands: Any, plan: SearchPlan) -> Any:
    check_process()
    return _compiled(plan)(*operands)


batching.primitive_batchers[search_p] = _batch
mlir.register_lowering(search_p, mlir.lower_fun(_call, multiple_results=True), platform="cpu")
