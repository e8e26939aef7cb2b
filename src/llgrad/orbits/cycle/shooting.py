"""A correction of a closed orbit, by multiple shooting: N states round the orbit, each one step before the next.

Unknown are all states y_k and the period T; every step of the N is taken at once. With Φ_k the derivative of step k and
r_k the gap behind it, the corrections are δ_{k+1} = Φ_k δ_k + r_k + g_k τ, so that only δ₀ and τ have to be solved for;
of the orbit's free phase the solution nearest in it is taken.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.orbits.chart import solve_small
from llgrad.orbits.flow import Flow

LARGEST_TURN: Final = 0.3
"""Largest change of a state in one iteration: radians of a unit vector, parts of the orbit's size of the others."""


SMALL: Final = 3
SHORT: Final = 512
"""Chains of up to so many directions and steps are multiplied by doubling."""


class Chain(NamedTuple):
    """Steps round an orbit, linearised, in the directions in which states can move."""

    basis: Any
    """(N, n, d) at each state."""
    steps: Any
    """Φ_k (N, d, d)."""
    gaps: Any
    """r_k (N, d), from the next state to where the step ended."""
    along: Any
    """The motion (N, d) [1/ns] at each state."""


def size_of(flow: Flow, states: Any, finest: float) -> Any:
    """A length of each component (n,), by which changes of it are measured: 1 of a unit vector, else the orbit's size,
    and not below the part `finest` of the component's own: what hardly moves moves by its rounding."""
    plain = np.array(flow.shape.plain, int)
    radius = jnp.sqrt(jnp.sum(jnp.mean((states[:, plain] - states[:, plain].mean(0)) ** 2, 0)))
    own = finest * jnp.sqrt(jnp.mean(states[:, plain] ** 2, 0))
    return jnp.ones(flow.size, states.dtype).at[plain].set(jnp.where(radius > 0, jnp.maximum(radius, own), 1.0))


def chain_of(flow: Flow, states: Any, period: Any) -> Chain:
    """The steps between states (N, n), by the kernels' tangents: quick, and differentiable no further."""
    basis = jax.vmap(flow.basis)(states)

    def ends_of(y: Any) -> Any:
        return jax.vmap(lambda y: flow.run(y, period / len(states), 1)[-1])(y)

    ends = ends_of(states)
    moved = jax.vmap(lambda v: jax.jvp(ends_of, (states,), (v,))[1])(jnp.moveaxis(basis, 2, 0))
    return chained(flow, states, basis, ends, jnp.moveaxis(moved, 0, 2))


def exact_chain_of(flow: Flow, states: Any, period: Any) -> Chain:
    """The same by the variational equation, differentiable."""
    basis = jax.vmap(flow.basis)(states)
    ends, moved = jax.vmap(lambda y, e: flow.linearised(y, e, period / len(states), 1))(states, basis)
    return chained(flow, states, basis, ends, moved)


def chained(flow: Flow, states: Any, basis: Any, ends: Any, moved: Any) -> Chain:
    """The chain of steps from states to `ends` (N, n), and what they make of the basis (N, n, d) at each."""
    after = jnp.roll(basis, -1, 0)
    steps = jnp.einsum("kni,knj->kij", after, moved)
    gaps = jnp.einsum("kni,kn->ki", after, ends - jnp.roll(states, -1, 0))
    return Chain(basis, steps, gaps, jnp.einsum("kni,kn->ki", basis, jax.vmap(flow.slope)(states)))


def products(steps: Any, columns: Any) -> tuple[Any, Any]:
    """(A_k, B_k) of δ_{k+1} = A_k δ₀ + B_k, for δ_{k+1} = Φ_k δ_k + c_k: Φ_k (N, d, d), c_k (N, d, m).

    Few operations one after another, for each costs as much as the arithmetic of a small one: small ones by doubling,
    of the last 1, 2, 4, … steps; large ones, of which that would be more arithmetic, in two levels, groups side by side
    and then group after group.
    """
    count, d = steps.shape[:2]
    if d <= SMALL and count <= SHORT:
        return _by_doubling(steps, columns)
    group = _group(count)

    def after(before: Any, step: Any) -> tuple[Any, Any]:
        moved = step[..., :d] @ before
        found = moved.at[..., d:].add(step[..., d:])
        return found, found

    grouped = jnp.concatenate([steps, columns], -1).reshape(count // group, group, d, -1)
    none = jnp.concatenate([jnp.eye(d, dtype=steps.dtype), jnp.zeros(columns.shape[1:], steps.dtype)], -1)
    _, within = jax.lax.scan(after, jnp.broadcast_to(none, (count // group, *none.shape)), jnp.moveaxis(grouped, 1, 0))
    _, whole = jax.lax.scan(after, none, within[-1])
    before = jnp.concatenate([none[None], whole[:-1]])
    found = (within[..., :d] @ before).at[..., d:].add(within[..., d:])
    found = jnp.moveaxis(found, 0, 1).reshape(count, d, -1)
    return found[..., :d], found[..., d:]


def _by_doubling(A: Any, B: Any) -> tuple[Any, Any]:
    count, d = A.shape[:2]
    whole, reach = jnp.concatenate([A, B], -1), 1
    while reach < count:
        step, before = whole[reach:], whole[:-reach]
        # written out, so that it is one loop over all
        moved = sum(step[:, :, i, None] * before[:, i, None, :] for i in range(d))
        own = jnp.concatenate([jnp.zeros((count - reach, d, d), A.dtype), step[..., d:]], -1)
        whole, reach = jnp.concatenate([whole[:reach], moved + own]), 2 * reach
    return whole[..., :d], whole[..., d:]


def _group(count: int) -> int:
    """The divisor of a count nearest to its root."""
    return min((k for k in range(1, count + 1) if count % k == 0), key=lambda k: abs(k * k - count))


def correction(chain: Chain, period: Any) -> tuple[Any, Any]:
    """Newton's corrections: δ_k (N, d) and τ [ns]."""
    count, d = chain.gaps.shape
    ahead = jnp.roll(chain.along, -1, 0) / count
    A, B = products(chain.steps, jnp.stack([chain.gaps, ahead], -1))
    start = chain.along[0] / jnp.sqrt(jnp.sum(chain.along[0] ** 2))
    # the period is measured in parts of itself, and the motion in the state's own length: numbers near 1
    matrix = jnp.zeros((d + 1, d + 1), A.dtype)
    matrix = matrix.at[:d, :d].set(jnp.eye(d, dtype=A.dtype) - A[-1]).at[:d, d].set(-B[-1, :, 1] * period)
    matrix = matrix.at[d, :d].set(start)
    solved = solve_small(matrix, jnp.append(B[-1, :, 0], 0.0))
    first, share = solved[:d], solved[d]
    rest = A[:-1] @ first + B[:-1, :, 0] + B[:-1, :, 1] * (share * period)
    return jnp.concatenate([first[None], rest]), share * period


def moved_by(flow: Flow, states: Any, chain: Chain, change: Any) -> Any:
    return jax.vmap(lambda y, e, x: flow.on_sphere(y + e @ x))(states, chain.basis, change)
