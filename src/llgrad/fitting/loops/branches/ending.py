"""Where branches end, exactly, and what is read out there: of many branches at once."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.experiments.loops.jumping import CROSSING, NEAR
from llgrad.fitting.loops.reading_out import read_out
from llgrad.orbits.branches.critical import crossing_guess, fold_guess, hopf_guess, moved_from, solved_at
from llgrad.orbits.equilibria.modes import eigen


class SolvedEnds(NamedTuple):
    """Where branches (W,) end."""

    value: Any
    """Of the field (W,) [T], what there is beside it included."""
    y: Any
    """(W, d)"""
    left: Any
    """Of the equations of an end, relative."""
    told: Any
    """The field as it is set, and what is read out, (W, 2),"""
    slopes: Any
    """and theirs by the parameters [SI], (W, 2, q)."""


class EndKind(NamedTuple):
    """What an end is looked for as."""

    name: str
    """"fold", "branch point", "Hopf"."""
    guess: np.ndarray
    """Of its unknowns."""
    norm: np.ndarray
    """Fixes the length of its vector."""


def kind_of(slope: np.ndarray, rate: float, near: bool) -> EndKind:
    """The kind of an end next to the last state of a branch, by ∂(dq/dt)/∂(q, field) (n, n + 1) [1/ns] there.

    Before a fold too a soft mode precesses, until it is very near: a Hopf point is looked for there only.
    """
    matrix = slope[:, :-1]
    values, vectors = eigen(matrix)
    place = int(values.real.argmax())
    if near and abs(values[place].imag) > NEAR * rate:
        vector = vectors[:, place] if values[place].imag > 0 else vectors[:, place].conj()
        return EndKind("Hopf", *hopf_guess(vector, abs(float(values[place].imag))))
    across = np.linalg.svd(matrix.T)[2][-1]
    if abs(across @ slope[:, -1]) < CROSSING * rate:
        return EndKind("branch point", *crossing_guess(matrix))
    return EndKind("fold", *fold_guess(matrix))


@partial(quick_jit, compiled=partial(jax.jit, static_argnums=0))
def ends_of(kind: str, bare: Any, own: Any, axes: Any, y: Any, values: Any, guesses: Any, norms: Any) -> SolvedEnds:
    """The ends of one kind next to the last states of branches."""

    def one(own: Any, axis: Any, y: Any, value: Any, guess: Any, norm: Any) -> SolvedEnds:
        family, _ = bare.family(own, axis)
        number, state, _, left, z = solved_at(kind, family, y, value, guess, norm)

        def told(own: Any) -> tuple[Any, Any]:
            family, offset = bare.family(own, axis)
            field, _, at = moved_from(kind, family, y, value, z, norm)
            seen = read_out(family.placed(field), bare.quantity, family.flow(field).state(at), family)
            both = jnp.stack([field - offset, seen])
            return both, both

        slopes, found = jax.jacfwd(told, has_aux=True)(own)
        return SolvedEnds(number, state, left, found, slopes)

    return jax.vmap(one)(own, axes, y, values, guesses, norms)
