"""Densities over u = m_z as sums of normalised Legendre polynomials, and how the Fokker–Planck operator carries them.

A drift that is smooth couples polynomials of neighbouring orders alone, so that its matrix is a band. All drifts of a
pulse are sums of a few, such as those of the field and of the current, so that a few bands and their commutators make
every operator.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple, Self

import numpy as np

LARGE: Final = 100.0
"""Norm from which on the exponential of a steady operator is that of a matrix."""
TERMS: Final = 18
"""Of the series of an exponential of a matrix of norm 1."""
DIFFERENT: Final = 1e-14
"""A drift adds one to the few that all are made of, where it is not a sum of them to this part of the largest."""
ROUGH: Final = 5e-14
"""A drift's coefficients below this part of its largest are rounding."""


def polynomials(u: np.ndarray, count: int) -> np.ndarray:
    """Normalised Legendre polynomials (U, L)."""
    return np.polynomial.legendre.legvander(u, count - 1) * np.sqrt(np.arange(count) + 0.5)


class Basis(NamedTuple):
    """Legendre polynomials at Gauss nodes, which make the Fokker–Planck operator a matrix (L, L)."""

    x: np.ndarray
    weights: np.ndarray
    values: np.ndarray
    """(U, L)."""
    slopes: np.ndarray
    """(U, L)."""

    @classmethod
    def of(cls, count: int) -> Self:
        """That of a number of polynomials."""
        from scipy.special import roots_legendre

        x, w = roots_legendre(2 * count)
        plain = np.polynomial.legendre.legvander(x, count - 1)
        slopes = np.zeros_like(plain)
        for n in range(1, count):  # P′ₙ = P′ₙ₋₂ + (2n − 1) Pₙ₋₁
            slopes[:, n] = (2 * n - 1) * plain[:, n - 1] + (slopes[:, n - 2] if n > 1 else 0.0)
        scale = np.sqrt(np.arange(count) + 0.5)
        return cls(x, w, plain * scale, slopes * scale)

    def pushing(self, drift: np.ndarray) -> Any:
        """The matrix (L, L), sparse, of a drift (U,).

        The drift is taken as a polynomial: what is beyond its degree is rounding, which the steep slopes of high
        orders at the poles would enlarge. It is zero at the poles, so that one of degree p makes a band of width p − 1.
        One of a higher degree than there are polynomials is taken as it is.
        """
        from scipy import sparse

        parts = self.values.T @ (self.weights * drift)
        sizes = np.abs(parts)
        degree = int(np.flatnonzero(sizes > ROUGH * sizes.max())[-1])
        smooth = degree < len(parts) - 1
        if smooth:
            drift = self.values[:, : degree + 1] @ parts[: degree + 1]
        whole = self.slopes.T @ ((self.weights * drift)[:, None] * self.values)
        return sparse.csr_matrix(np.triu(np.tril(whole, degree - 1), 1 - degree) if smooth else whole)


class Operators(NamedTuple):
    """The operators of a pulse at the Gauss nodes of its parts, as sums of bands."""

    offsets: np.ndarray
    """(D,) of the diagonals, from the main one."""
    spread: np.ndarray
    """(D, L) of the diffusion."""
    pushed: np.ndarray
    """(R, D, L) of the few drifts."""
    crossed: np.ndarray
    """(R, D, L): their commutators with the diffusion, [spread, pushed]."""
    twisted: np.ndarray
    """(R, R, D, L): and with each other."""
    shares: np.ndarray
    """(2, S, R): of the few drifts in that at the first and the second node of a part."""

    def carried(self, density: np.ndarray, place: int, length: float) -> np.ndarray:
        """The density (L,) after a part of a length [ns]: Magnus' exponent of fourth order."""
        from scipy import sparse
        from scipy.linalg import expm

        first, second = self.shares[:, place]
        middle = (first + second) / 2
        exponent = length * (np.tensordot(middle, self.pushed, 1) - self.spread)
        steady = (first == second).all()
        if not steady:
            change = np.tensordot(first - second, self.crossed, 1)
            turned = np.tensordot(np.multiply.outer(first, second), self.twisted, 2)
            exponent = exponent - (change + turned) * (math.sqrt(3) / 12 * length**2)
        count = len(density)
        matrix = sparse.dia_matrix((exponent, self.offsets), shape=(count, count))
        norm = float(np.abs(exponent).sum(axis=0).max())  # the diagonals are held by columns
        if steady and norm > LARGE:
            return expm(matrix.toarray()) @ density
        parts = max(math.ceil(norm), 1)
        for _ in range(parts):
            term = density
            for order in range(1, TERMS):
                term = (matrix @ term) / (parts * order)
                density = density + term
        return density


def operators(basis: Basis, drifts: np.ndarray, diffusion: float) -> Operators:
    """The operators [1/ns] of drifts (2, S, U) at the nodes of a basis."""
    from scipy import sparse

    # equal drifts, as of a steady part, have equal shares in every bit
    rows, where = np.unique(drifts.reshape(-1, drifts.shape[-1]), axis=0, return_inverse=True)
    few = _few(rows)
    shares = (rows @ few.T)[where.ravel()].reshape(2, -1, len(few))
    order = np.arange(basis.values.shape[1])
    spread: Any = sparse.diags(diffusion * order * (order + 1.0)).tocsr()
    pushed = [basis.pushing(drift) for drift in few]
    crossed = [spread @ one - one @ spread for one in pushed]
    twisted = [one @ other - other @ one for one in pushed for other in pushed]
    width = max(_width(one) for one in (*pushed, *twisted))
    offsets = np.arange(-width, width + 1)
    held = [np.stack([_diagonals(one, offsets) for one in several]) for several in (pushed, crossed, twisted)]
    pairs = held[2].reshape(len(few), len(few), len(offsets), -1)
    return Operators(offsets, _diagonals(spread, offsets), held[0], held[1], pairs, shares)


def _few(rows: np.ndarray) -> np.ndarray:
    """Orthonormal rows (R, U) of which rows (S, U) are sums: the farthest from all that are there, again and again."""
    rest, found = rows, np.zeros((0, rows.shape[1]))
    largest = np.sqrt((rows * rows).sum(axis=1)).max()
    while True:
        sizes = np.sqrt((rest * rest).sum(axis=1))
        if len(found) and sizes.max() <= DIFFERENT * largest:
            return found
        new = rest[sizes.argmax()] / sizes.max()
        new = new - found.T @ (found @ new)
        found = np.concatenate([found, [new / np.sqrt(new @ new)]])
        rest = rows - (rows @ found.T) @ found


def _width(matrix: Any) -> int:
    """The last diagonal with an element, counted from the main one."""
    places = matrix.tocoo()
    return int(np.abs(places.row - places.col).max(initial=0))


def _diagonals(matrix: Any, offsets: np.ndarray) -> np.ndarray:
    """Diagonals (D, L) as scipy's dia_matrix holds them: an element stands in its column."""
    count = matrix.shape[0]
    found = np.zeros((len(offsets), count))
    for row, offset in enumerate(offsets.tolist()):
        found[row, max(offset, 0) : count + min(offset, 0)] = matrix.diagonal(offset)
    return found
