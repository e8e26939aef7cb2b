"""Second derivatives of a run: a run together with a tangent of it is a run of its own, whose tangent and adjoint are
kernels like any other.

With J the derivative of a run by its operands, the adjoint pass is Jᵀc. Along a direction d of the operands it changes
by Jᵀċ + H d, where H, the second derivative of c·(the run), is symmetric: what the adjoint pass of the run with the
tangent d gives for the cotangents ċ of the states and c of their tangents. Its transposed takes w to (H w, J w).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp

from llgrad.devices.arrays.mix import ALL
from llgrad.kernels import plain
from llgrad.kernels.coupled.scheme import matrices_of
from llgrad.kernels.expression.graph import UnsupportedOperation
from llgrad.kernels.expression.identity import identity_with_tangents

DEEPER: Final = "third derivatives have no native kernel"


@functools.lru_cache(maxsize=256)
def with_tangents(plan: Any, wanted: tuple[str, ...]) -> Any:
    """The plan of a run together with a tangent of it, along its initial state and what is wanted.

    Raises UnsupportedOperation, with the reason, where there is no kernel of it.
    """
    program = plan.program
    if program.carries:
        raise UnsupportedOperation(DEEPER)
    if reason := plain.failure_of(program):
        raise UnsupportedOperation(reason)
    doubled = program.with_tangents(wanted)
    try:
        digest = identity_with_tangents(program, doubled, wanted)
    except UnsupportedOperation as problem:
        raise UnsupportedOperation(
            f"the second derivative of {program.title} uses the operation {problem}, for which the native engine has "
            "no code"
        ) from problem
    program = dataclasses.replace(doubled, digest=digest)
    if not program.coupled:
        return dataclasses.replace(plan, program=program)
    return dataclasses.replace(plan, program=program, terms=terms_with_tangents(plan, wanted))


def terms_with_tangents(plan: Any, wanted: tuple[str, ...]) -> tuple[tuple[int, int, int], ...]:
    """The terms of a mix of what is emitted and its tangents: y_r = Σ M x_e, ẏ_r = Σ (M ẋ_e + Ṁ x_e), where the Ṁ, if
    any, are further matrices.
    """
    program, matrices = plan.program, matrices_of(plan.terms)
    received, emits = len(program.mixed), program.emits
    found = list(plan.terms)
    for r, e, number in plan.terms:
        found.append((received + r, emits + e, number))
        if "weights" in wanted and number != ALL:
            found.append((received + r, e, matrices + number))
    return tuple(found)


def operands_of(plan: Any, wanted: tuple[str, ...], operands: Sequence[Any], directions: Sequence[Any]) -> list[Any]:
    """The operands of `with_tangents`, from those of a run and a tangent of its initial state and of what is wanted."""
    duals, given = plan.program.duals(wanted), dict(zip(plan.names, operands, strict=True))
    shape = given[plan.starts[0]].shape
    for name, direction in zip((*plan.starts, *wanted), directions, strict=True):
        if name == "weights":
            given[name] = jnp.concatenate(jnp.broadcast_arrays(given[name], direction), -3)
            continue
        given[duals[name]] = jnp.broadcast_to(direction, shape) if name in plan.starts else direction
    return [given[name] for name in with_tangents(plan, wanted).names]


def tangents_by_run(
    passes: Any, plan: Any, wanted: tuple[str, ...], operands: Sequence[Any], directions: Sequence[Any]
) -> list[Any]:
    """What the tangent pass gives, (K, …), as a run that can be differentiated again."""
    double, size = with_tangents(plan, wanted), len(plan.starts)

    def one(*each: Any) -> list[Any]:
        given = operands_of(plan, wanted, operands, each)
        found = passes.solve.bind(*given, plan=double, keep=False)
        return [*found[size : 2 * size], *found[3 * size : 4 * size]]

    if directions[0].shape[0] == 1:
        return [value[None] for value in one(*(direction[0] for direction in directions))]
    return jax.vmap(one)(*directions)


def changed_adjoint(passes: Any, *given: Any, plan: Any, wanted: tuple[str, ...], moved: tuple[str, ...]) -> list[Any]:
    """How the adjoint pass changes: `given` are a run's operands, the cotangents of its results, a tangent of its
    initial state and of what is `moved`, and one of the cotangents.
    """
    operands, cotangents, directions, changes = parts_of(plan, moved, given)
    double, size = with_tangents(plan, moved), len(plan.starts)
    both = operands_of(plan, moved, operands, directions)
    kept = passes.solve.bind(*both, plan=double, keep=True)[double.told :]
    weights = [*changes[:size], *cotangents[:size], *changes[size:], *cotangents[size:]]
    found = passes.adjoint.bind(*both, *kept, *weights, plan=double, wanted=wanted)
    own = dict(zip(wanted, found[2 * size :], strict=True))
    if "weights" in own:
        like = jnp.shape(operands[plan.names.index("weights")])
        matrices = own["weights"][..., : like[-3], :, :]
        own["weights"] = matrices.sum(0, keepdims=True) if plan.apart and like[0] < matrices.shape[0] else matrices
    return [*found[:size], *own.values()]


def changed_adjoint_in_jax(*given: Any, plan: Any, wanted: tuple[str, ...], moved: tuple[str, ...]) -> list[Any]:
    """The same in plain JAX, which can be differentiated again."""
    operands, cotangents, directions, changes = parts_of(plan, moved, given)
    names = (*plan.starts, *moved)
    places = [plan.names.index(name) for name in names]

    def pulled(some: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
        filled = list(operands)
        for place, value in zip(places, some, strict=True):
            filled[place] = value
        return plain.adjoint(*filled, *cotangents, plan=plan, wanted=wanted, kept=0)

    points = [operands[place] for place in places]
    return jax.jvp(pulled, (points, list(cotangents)), (list(directions), list(changes)))[1]


def parts_of(plan: Any, moved: tuple[str, ...], given: Sequence[Any]) -> list[Sequence[Any]]:
    """(operands, cotangents, directions, changes of the cotangents)."""
    told = 2 * len(plan.starts)
    sizes, parts, start = (len(plan.names), told, len(plan.starts) + len(moved), told), [], 0
    for size in sizes:
        parts.append(given[start : start + size])
        start += size
    return parts
