"""What the linearised motion round a closed orbit tells: multipliers, and the phase response Z.

Z(t) is the left eigenvector of the multiplier 1, carried round the orbit backwards by the adjoint, with Z·f = 1: a push
δy at the time t shifts the orbit by the time Z(t)·δy for ever.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from llgrad.orbits.chart import solve_small
from llgrad.orbits.cycle.shooting import Chain, exact_chain_of, products
from llgrad.orbits.flow import Flow


class LinearMotion(NamedTuple):
    """The linearised motion."""

    monodromy: Any
    """(d, d), in the basis at the first state."""
    transversal: Any
    """(d − 1, d − 1): what a period makes of deviations that shift no phase."""
    phase: Any
    """Z (N, n) [ns per unit of the state]."""


@eqx.filter_custom_jvp
def chain_at(flow: Flow, states: Any, period: Any, known: Chain) -> Chain:
    """The chain of steps that is known already; its derivative is taken where it is asked for."""
    return known


@chain_at.def_jvp
def _chain_jvp(primals: Any, tangents: Any) -> tuple[Chain, Chain]:
    flow, states, period, known = primals
    found = pushed(exact_chain_of, (flow, states, period), tuple(tangents[:3]))
    # under vmap the batch axis has to be where it is in what is known: jit takes it from there for both
    return jax.tree.map(lambda x, like: jnp.where(jnp.isnan(like), jnp.nan, x), found, (known, known))


@eqx.filter_custom_jvp
def linear_at(chain: Chain, known: LinearMotion) -> LinearMotion:
    """What is known already of a chain of steps that closes; its derivative is taken where it is asked for."""
    return known


@linear_at.def_jvp
def _linear_jvp(primals: Any, tangents: Any) -> tuple[LinearMotion, LinearMotion]:
    (chain, known), along = primals, tangents[0]
    found = pushed(linear_of, (chain,), (along,))[1]
    return known, jax.tree.map(lambda x, like: jnp.where(jnp.isnan(like), jnp.nan, x), found, known)


def pushed(function: Any, primals: Any, tangents: Any) -> tuple[Any, Any]:
    """jvp of a function of trees in which some leaves have no tangent (None)."""
    leaves, tree = jax.tree.flatten(primals)
    given = tree.flatten_up_to(tangents)
    moving = [i for i, tangent in enumerate(given) if tangent is not None]

    def of_moving(*values: Any) -> Any:
        filled = list(leaves)
        for i, value in zip(moving, values, strict=True):
            filled[i] = value
        return function(*jax.tree.unflatten(tree, filled))

    points = tuple(jnp.asarray(leaves[i]) for i in moving)
    return jax.jvp(of_moving, points, tuple(given[i] for i in moving))


def linear_of(chain: Chain) -> LinearMotion:
    """Monodromy, transversal part and phase response of a chain of steps that closes."""
    d = chain.along.shape[1]
    # products Φ_{N−1} … Φ_k, for the adjoint is carried backwards: those of the transposed in the other order
    turned = jnp.swapaxes(chain.steps[::-1], 1, 2)
    rest = jnp.swapaxes(products(turned, jnp.zeros((*turned.shape[:2], 0), turned.dtype))[0], 1, 2)[::-1]
    monodromy, along = rest[0], chain.along[0]
    unit = along / jnp.sqrt(jnp.sum(along**2))
    bordered = jnp.zeros((d + 1, d + 1), rest.dtype)
    bordered = bordered.at[:d, :d].set((jnp.eye(d, dtype=rest.dtype) - monodromy).T)
    bordered = bordered.at[:d, d].set(unit).at[d, :d].set(along)
    first = solve_small(bordered, jnp.zeros(d + 1, rest.dtype).at[d].set(1.0))[:d]
    rows = first @ rest
    rows = rows / jnp.sum(rows * chain.along, 1, keepdims=True)
    return LinearMotion(monodromy, _transversal(monodromy, first), jnp.einsum("kni,ki->kn", chain.basis, rows))


def _transversal(monodromy: Any, phase: Any) -> Any:
    """The monodromy on the deviations that shift no phase, z·x = 0: a space that it keeps."""
    d = len(phase)
    if d == 1:
        return jnp.zeros((0, 0), monodromy.dtype)
    if d == 2:
        return (jnp.trace(monodromy) - 1).reshape(1, 1)
    across = jnp.linalg.qr(jax.lax.stop_gradient(phase)[:, None], mode="complete")[0]
    # the space turns with z: its basis is written as a graph over that of the value, so that derivatives are smooth
    own, others = phase @ across[:, 0], phase @ across[:, 1:]
    space = across[:, 1:] - jnp.outer(across[:, 0], others / own)
    return across[:, 1:].T @ monodromy @ space


def multipliers_of(linear: LinearMotion) -> Any:
    """Floquet multipliers (d − 1,) without the 1 of the free phase, the largest first."""
    d = linear.transversal.shape[0]
    if d < 2:
        return linear.transversal.reshape(d).astype(jnp.result_type(linear.transversal.dtype, jnp.complex64))
    values = jnp.linalg.eigvals(linear.transversal)
    return values[jnp.argsort(-jnp.abs(values))]


def return_rate_of(linear: LinearMotion, period: Any) -> Any:
    """Γ [1/ns]: −ln|largest multiplier|/T; infinite where there is none."""
    if linear.transversal.shape[0] == 0:
        return jnp.asarray(math.inf, linear.phase.dtype)
    return -jnp.log(jnp.abs(multipliers_of(linear)[0])) / period
