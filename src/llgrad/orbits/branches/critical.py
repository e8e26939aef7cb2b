"""Where a fixed point loses its stability, by the equations of that point itself.

Hopf: dq/dt = 0 and A x = iω x with x ≠ 0, for the state, the number, ω and x. Fold, where two fixed points meet:
dq/dt = 0 and A x = 0. Two branches cross: dq/dt = 0, Aᵀx = 0 and x · ∂(dq/dt)/∂(number) = 0. They are solved by
Newton's method, and differentiated by the implicit function theorem.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.orbits.branches.family import Family, velocity
from llgrad.orbits.carried import carry
from llgrad.orbits.chart import Chart, chart_at

CROSSES: Final = 1e-9
"""A rate that has to be changed by less than this, over its slope, for two branches to cross, has them cross."""


class CriticalSource(NamedTuple):
    """What a critical point was solved from."""

    kind: str
    """"Hopf", "fold", "branch point"."""
    y: np.ndarray
    value: float
    norm: np.ndarray
    """Fixes the length of x."""


class Critical(NamedTuple):
    """A critical point."""

    value: Any
    """Of the number that is followed."""
    y: Any
    omega: Any
    """[rad/ns]; 0 of a fold."""
    left: Any
    """Of its equations, relative."""
    unknowns: Any
    """(q, number, …) in the chart of the point that it was solved from."""
    source: CriticalSource


def hopf_point(family: Family, y: np.ndarray, value: float, vector: np.ndarray, omega: float) -> Critical:
    """The Hopf point near a state (d,), a value, an eigenvector (n,) and a frequency [rad/ns]."""
    return _found("Hopf", family, y, value, *hopf_guess(vector, omega))


def fold_point(family: Family, y: np.ndarray, value: float, slope: np.ndarray) -> Critical:
    """The fold near a state (d,) with its slope (n, n) and a value."""
    return _found("fold", family, y, value, *fold_guess(slope))


def branch_point(family: Family, y: np.ndarray, value: float, slope: np.ndarray) -> Critical:
    """The crossing of two branches near a state (d,) with its slope (n, n) and a value."""
    return _found("branch point", family, y, value, *crossing_guess(slope))


def hopf_guess(vector: np.ndarray, omega: float) -> tuple[np.ndarray, np.ndarray]:
    """The unknowns of a Hopf point to begin with, and what fixes the length of its vector."""
    norm = np.concatenate([np.real(vector), np.imag(vector)]) / np.linalg.norm(vector)
    return np.concatenate([np.zeros(len(vector) + 1), [omega], norm]), norm


def fold_guess(slope: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same of a fold, from the slope (n, n)."""
    vector = np.linalg.svd(slope)[2][-1]
    return np.concatenate([np.zeros(len(slope) + 1), vector]), vector


def crossing_guess(slope: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same of a branch point."""
    vector = np.linalg.svd(slope.T)[2][-1]
    return np.concatenate([np.zeros(len(slope) + 2), vector]), vector


def is_crossing(point: Critical, slope: np.ndarray) -> bool:
    """Whether two branches cross at a point that was solved as such, and do not only come near: there nothing has to be
    added to the rate, whose slope (n, n + 1) is given."""
    place = slope.shape[1]  # behind the state and the number
    return bool(abs(float(point.unknowns[place])) <= CROSSES * np.abs(slope[:, :-1]).max())


def _found(kind: str, family: Family, y: np.ndarray, value: float, guess: np.ndarray, norm: np.ndarray) -> Critical:
    source = CriticalSource(kind, np.asarray(y), float(value), norm)
    solved = solved_at(kind, family, jnp.asarray(y), value, jnp.asarray(guess), jnp.asarray(norm))
    return Critical(solved[0], solved[1], solved[2], solved[3], solved[4], source)


def moved(family: Family, found: Critical) -> tuple[Any, Any]:
    """Value and ω [rad/ns] of a Hopf point or a fold with the derivatives of a traced family."""
    dtype = jnp.result_type(float)
    source = found.source
    parts = [jnp.asarray(part, dtype) for part in (source.y, source.value, found.unknowns, source.norm)]
    number, omega, _ = moved_from(source.kind, family, *parts)
    return carry(found.value, number), carry(found.omega, omega)


def _residual(kind: str, family: Family, chart: Chart, value: Any, z: Any, norm: Any) -> Any:
    """What is left of the equations of a kind of point, at the unknowns z that begin with (q, number in its unit)."""
    n = family.shape.freedom
    u, more = z[: n + 1], z[n + 1 :]
    whole = jax.jacfwd(lambda u: velocity(family, chart, value, u))(u)
    still, slope = velocity(family, chart, value, u), whole[:, :-1]
    if kind == "fold":
        return jnp.concatenate([still, slope @ more, jnp.dot(norm, more)[None] - 1])
    if kind == "branch point":
        # a crossing is destroyed by a small change of the rate, along x: with that change as an unknown it is regular
        change, x = more[0], more[1:]
        ends = jnp.stack([jnp.dot(x, whole[:, -1]), jnp.dot(norm, x) - 1])
        return jnp.concatenate([still + change * x, x @ slope, ends])
    omega, real, imaginary = more[0], more[1 : n + 1], more[n + 1 :]
    length = jnp.dot(norm[:n], real) + jnp.dot(norm[n:], imaginary) - 1
    phase = jnp.dot(norm[:n], imaginary) - jnp.dot(norm[n:], real)
    turns = slope @ real + omega * imaginary, slope @ imaginary - omega * real
    return jnp.concatenate([still, *turns, jnp.stack([length, phase])])


@partial(quick_jit, compiled=partial(jax.jit, static_argnums=0))
def solved_at(kind: str, family: Family, y: Any, value: Any, guess: Any, norm: Any) -> tuple[Any, Any, Any, Any, Any]:
    """Number, state, ω, what is left, unknowns: from a state and a value, and unknowns to begin with."""
    chart = chart_at(family.flow(value), y)

    def residual(z: Any) -> Any:
        return _residual(kind, family, chart, value, z, norm)

    def newton(_: Any, z: Any) -> Any:
        return z - jnp.linalg.solve(jax.jacfwd(residual)(z), residual(z))

    z = jax.lax.fori_loop(0, 12, newton, guess)
    n = family.shape.freedom
    number, left = value + z[n] * family.size, residual(z)
    omega = z[n + 1] if kind == "Hopf" else jnp.zeros_like(z[n])
    return number, chart.state(family.flow(number), z[:n]), omega, jnp.sqrt(jnp.sum(left * left)), z


@partial(quick_jit, compiled=partial(jax.jit, static_argnums=0))
def moved_from(kind: str, family: Family, y: Any, value: Any, z: Any, norm: Any) -> tuple[Any, Any, Any]:
    """Number, ω and state after one more step of Newton's method whose matrix is held, from the unknowns z of a point
    that was solved from a state and a value."""
    held = jax.lax.stop_gradient(family)
    chart = chart_at(held.flow(value), y)
    matrix = jax.lax.stop_gradient(jax.jacfwd(lambda z: _residual(kind, held, chart, value, z, norm))(z))
    z = z - jnp.linalg.solve(matrix, _residual(kind, family, chart, value, z, norm))
    n = family.shape.freedom
    omega = z[n + 1] if kind == "Hopf" else jnp.zeros_like(z[n])
    return value + z[n] * held.size, omega, chart.state(held.flow(value), z[:n])


def hertz(omega: Any) -> Any:
    """Frequency [Hz] of an angular one [rad/ns]."""
    return omega * (1e9 / math.tau)
