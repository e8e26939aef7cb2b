"""How small deviations from a state move: eigenvalues, frequencies, widths of lines, shapes of the precession."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Complex, Float

from llgrad.core.speed.quick import quick_jit
from llgrad.orbits.carried import carry

MEETING: Final = 1e-7
"""Eigenvalues nearer than this, relative to the largest one, have no derivative of their own."""

NEUTRAL: Final = 1e-9
"""A growth rate below this, relative to the largest eigenvalue, is none."""
ROUNDED: Final = 1e-14
"""What the eigenvalues themselves are rounded by, relative to the largest one."""


class Modes(NamedTuple):
    """Each solution e^{λt} of the linear equation of motion near a state, the slowest decay first.

    A pair of complex eigenvalues is one mode, told by the one with the positive imaginary part.
    """

    eigenvalues: Complex[np.ndarray | jax.Array, "M"]
    """λ (M,) [1/s], complex."""
    frequencies: Float[np.ndarray | jax.Array, "M"]
    """|Im λ|/2π (M,) [Hz]: 0 where deviations creep."""
    widths: Float[np.ndarray | jax.Array, "M"]
    """Full width at half maximum −Re λ/π (M,) [Hz] of the mode's line in a power spectrum; negative where it grows."""
    ellipticities: Float[np.ndarray | jax.Array, "M K"]
    """Short over long axis (M, K) of what each unit vector draws in its tangent plane: 1 is a circle, 0 a line."""


def modes_of(stiffness: np.ndarray, spins: int, linear: Any = None) -> Modes:
    """The modes of a stiffness (n, n) [1/ns] whose first coordinates are the tangent planes of `spins` unit vectors.

    `linear` is the same matrix with derivatives; two eigenvalues that meet have none, and are refused (ValueError).
    """
    values, right = eigen(stiffness)
    scale = np.abs(values).max(initial=0.0)
    chosen = [i for i in np.lexsort((np.abs(values.imag), -values.real)) if values[i].imag >= -1e-14 * scale]
    if linear is None:
        eigenvalues = values[chosen]
        axes = np.array([_ellipticities(right[:, i].real, right[:, i].imag, spins, np) for i in chosen])
        return _told(eigenvalues, axes.reshape(len(chosen), spins), np)
    apart = np.abs(values[:, None] - values[None]) + scale * np.eye(len(values))
    if (apart < MEETING * scale).any():
        raise ValueError(
            "two eigenvalues of this state meet, and there neither has a derivative; break the symmetry by a little, "
            "or differentiate what is smooth, such as the trace of the stiffness"
        )
    held: tuple[Any, ...] = (values[chosen], right[:, chosen].T, *_changes(values, right, chosen))
    parts = [jnp.asarray(part, linear.dtype) for whole in held for part in (whole.real, whole.imag)]
    return _carried(linear, spins, *parts)


def eigen(stiffness: np.ndarray) -> tuple[Any, Any]:
    """Eigenvalues (n,) and eigenvectors (n, n)."""
    values, vectors = np.linalg.eig(stiffness)
    return np.asarray(values, complex), np.asarray(vectors, complex)


def rounding_of(stiffness: np.ndarray, plain: bool) -> np.ndarray:
    """The size (n,) [1/ns] at and below which Re λ of each eigenvalue is rounding: NEUTRAL of the largest one; where a
    state has plain numbers, of which one may follow at once, of what its own coordinates are moved by, if that is less.
    """
    values, right = eigen(stiffness)
    largest = np.abs(values).max(initial=0.0)
    coarse = np.full(len(values), NEUTRAL * largest)
    if not plain or np.linalg.matrix_rank(right) < len(values):
        return coarse
    reach = np.abs(np.linalg.inv(right)) @ np.abs(stiffness).max(axis=1)
    return np.minimum(coarse, NEUTRAL * reach * np.abs(right).sum(axis=0) + ROUNDED * largest)


def _changes(values: Any, right: Any, chosen: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """By how much each entry of the matrix changes the chosen eigenvalues (M, n, n) and eigenvectors (M, n, n, n).

    First-order perturbation: δλ_i = w_i δA v_i and δv_i = Σ_a v_a (w_a δA v_i)/(λ_i − λ_a).
    """
    left = np.linalg.inv(right)
    change = np.einsum("aj,ki->iajk", left, right)
    gaps = values[:, None] - values[None]
    weights = np.where(np.eye(len(values), dtype=bool), 0.0, 1 / np.where(gaps == 0, 1.0, gaps))
    return change[chosen, chosen], np.einsum("ca,ia,iajk->icjk", right, weights, change)[chosen]


@partial(quick_jit, compiled=partial(jax.jit, static_argnums=1))
def _carried(linear: Any, spins: int, *parts: Any) -> Modes:
    """The modes of what was held (eigenvalues, eigenvectors, their changes; real and imaginary parts of each)."""
    values, vectors, shifts, bends = zip(parts[::2], parts[1::2], strict=True)

    def moved(held: tuple[Any, Any], changes: tuple[Any, Any]) -> list[Any]:
        pairs = zip(held, changes, strict=True)
        return [carry(value, jnp.einsum("...jk,jk->...", change, linear)) for value, change in pairs]

    axes = jax.vmap(lambda real, imaginary: _ellipticities(real, imaginary, spins, jnp))(*moved(vectors, bends))
    return _told(jax.lax.complex(*moved(values, shifts)), axes, jnp)


def _told(eigenvalues: Any, axes: Any, xp: Any) -> Modes:
    frequencies = xp.abs(eigenvalues.imag) * (1e9 / math.tau)
    return Modes(eigenvalues * 1e9, frequencies, -eigenvalues.real * (1e9 / math.pi), axes)


def _ellipticities(real: Any, imaginary: Any, spins: int, xp: Any) -> Any:
    """Short over long axis (K,) of Re[(real + i imaginary) e^{iωt}] in each tangent plane; 0 where nothing moves."""
    a, b = real[: 2 * spins].reshape(spins, 2), imaginary[: 2 * spins].reshape(spins, 2)
    total = (a * a + b * b).sum(axis=1)
    area = 2 * xp.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
    squares = total * total - area * area
    # on a circle the root is 0 and has no slope; that it cannot be more than a circle is the answer's own edge
    long = total + xp.where(squares > 0, xp.sqrt(xp.where(squares > 0, squares, 1.0)), 0.0)
    moves = long > 0
    return xp.where(moves, area / xp.where(moves, long, 1.0), 0.0)
