"""States at rest next to others, for many devices at many fields at once: each as if it were alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.experiments.loops.swept import Swept
from llgrad.experiments.loops.walking import FREE, LEFT, NEUTRAL, NEWTON_STEPS
from llgrad.orbits.branches.family import velocity
from llgrad.orbits.chart import chart_at

SOLVED: Final = 1e-6
"""Length [rad] of the last step of Newton's method, whose error is of the order of its square."""
SINGULAR: Final = 1e-9
"""Pivots smaller than this, relative to the largest: a direction that costs nothing, or next to the end of a branch."""

CLEAR: Final = 1e-9
"""A Hurwitz determinant that is larger than this, relative to its terms, has the sign that it shows."""

Each = Callable[[Callable[..., Any]], Callable[..., Any]]
"""A function of one device and field made one of all of them: `jax.vmap`, or one in another."""


class StatesAtRest(NamedTuple):
    """States at rest (…)."""

    y: Any
    """(…, d)"""
    slope: Any
    """∂(dq/dt)/∂(q, value in its unit) (…, n, n + 1) [1/ns]."""
    move: Any
    """dy/dvalue (…, d) along the branch."""
    far: Any
    """From where each was looked for [rad]."""
    good: Any
    """Whether it is at rest, and stable."""


def resting(each: Each, families: Swept, near: Any, values: Any) -> StatesAtRest:
    """The states at rest at values (…) that are next to others (…, d), by Newton's method."""

    def linear(family: Swept, y: Any, value: Any, q: Any) -> tuple[Any, Any]:
        flow = family.flow(value)
        chart = chart_at(flow, y)

        def told(q: Any) -> tuple[Any, Any]:
            return (chart.velocity(flow, q),) * 2

        return jax.jacfwd(told, has_aux=True)(q)

    def goes_on(now: tuple[Any, Any, Any]) -> Any:
        return (now[1] > SOLVED).any() & (now[2] < NEWTON_STEPS)

    def newton(now: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        q, size, count = now
        step = solved(*each(linear)(families, near, values, q))
        moves = size > SOLVED  # what has arrived does not depend on what others do
        length = jnp.sqrt(jnp.sum(step**2, axis=-1))
        return q - jnp.where(moves[..., None], step, 0.0), jnp.where(moves, length, size), count + 1

    n = families.shape.freedom
    zero = jnp.zeros((*jnp.shape(values), n), near.dtype)
    q, last, _ = jax.lax.while_loop(goes_on, newton, (zero, jnp.ones(jnp.shape(values), near.dtype), 0))

    def there(family: Swept, y: Any, value: Any, q: Any) -> tuple[Any, Any, Any]:
        flow = family.flow(value)
        state = chart_at(flow, y).state(flow, q)
        chart = chart_at(flow, state)

        def told(u: Any) -> tuple[Any, Any]:
            return (velocity(family, chart, value, u),) * 2

        slope, left = jax.jacfwd(told, has_aux=True)(jnp.zeros(n + 1, y.dtype))
        return state, slope, jnp.sqrt(jnp.sum(left**2))

    def along(family: Swept, y: Any, value: Any, q: Any) -> Any:
        flow = family.flow(value)
        chart = chart_at(flow, y)
        return jax.jvp(lambda q: chart.state(flow, q), (jnp.zeros_like(q),), (q,))[1]

    y, slope, left = each(there)(families, near, values, q)
    matrix = slope[..., :n]
    turn = -solved(matrix, slope[..., n])
    move = each(along)(families, y, values, turn) / _sizes(families, values)[..., None]
    far = jnp.sqrt(jnp.sum(q**2, axis=-1))
    solvable = (last <= SOLVED) & (left <= LEFT * jnp.abs(matrix).max((-2, -1)))
    return StatesAtRest(y, slope, move, far, solvable & stable(matrix))


def _sizes(families: Swept, values: Any) -> Any:
    """The unit (…) of the number of each device."""
    size = jnp.asarray(families.size)
    return jnp.broadcast_to(size.reshape(*size.shape, *(1,) * (jnp.ndim(values) - size.ndim)), jnp.shape(values))


def stable(matrix: Any) -> Any:
    """Whether nothing grows by matrices (…, n, n): by Hurwitz's determinants where these are clear, or else by the
    eigenvalues.

    Source: A. Hurwitz, Math. Ann. 46, 273 (1895).
    """
    fine = jnp.isfinite(matrix).all((-2, -1))
    matrix = jnp.where(fine[..., None, None], matrix, 0.0)

    def by_eigenvalues() -> Any:
        rates = jnp.linalg.eigvals(matrix)
        return fine & (rates.real.max(-1) <= NEUTRAL * jnp.abs(rates).max(-1))

    if matrix.shape[-1] not in (2, 4):
        return by_eigenvalues()
    tests = _hurwitz(matrix)
    clear = (jnp.abs(tests) > CLEAR).all(-1)
    return jax.lax.cond((fine & ~clear).any(), by_eigenvalues, lambda: fine & (tests > 0).all(-1))


def _hurwitz(matrix: Any) -> Any:
    """What is positive where all eigenvalues of matrices (…, n, n), n = 2 or 4, have a negative real part: each in
    parts of the sum of its terms' sizes, or of the matrix's size."""
    n = matrix.shape[-1]
    size = jnp.sqrt(jnp.sum(matrix**2, axis=(-2, -1)))
    scaled = matrix / jnp.where(size > 0, size, 1.0)[..., None, None]
    power, a = scaled, []
    for k in range(1, n + 1):  # the coefficients of the characteristic polynomial, by Le Verrier and Faddeev
        a.append(-jnp.trace(power, axis1=-2, axis2=-1) / k)
        power = scaled @ (power + a[-1][..., None, None] * np.eye(n))
    if n == 2:
        return jnp.stack(a, -1)
    terms = a[0] * a[1] * a[2], a[2] ** 2, a[0] ** 2 * a[3]
    whole = sum(jnp.abs(term) for term in terms)
    last = (terms[0] - terms[1] - terms[2]) / jnp.where(whole > 0, whole, 1.0)
    return jnp.stack([*a, last], -1)


def solved(matrix: Any, right: Any) -> Any:
    """x (…, n) of matrices (…, n, n) and right sides (…, n): the shortest where a direction costs nothing."""
    lower, _, order = jax.lax.linalg.lu(matrix)
    pivots = jnp.abs(jnp.diagonal(lower, axis1=-2, axis2=-1))
    singular = pivots.min(-1) < SINGULAR * pivots.max(-1)
    column = jnp.take_along_axis(right, order, -1)[..., None]
    half = jax.lax.linalg.triangular_solve(lower, column, left_side=True, lower=True, unit_diagonal=True)
    plain = jax.lax.linalg.triangular_solve(lower, half, left_side=True)[..., 0]

    def shortest() -> Any:
        inverse = jnp.linalg.pinv(jnp.where(singular[..., None, None], matrix, np.eye(matrix.shape[-1])), rtol=FREE)
        return jnp.where(singular[..., None], jnp.einsum("...ij,...j->...i", inverse, right), plain)

    return jax.lax.cond(singular.any(), shortest, lambda: plain)
