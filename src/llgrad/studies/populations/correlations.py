"""Correlations between the numbers of a population whose members were measured with errors."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from llgrad.studies.populations.population import population

SMALLEST: Final = 0.01
"""Spread, of that of what was found and its errors together, below which it is told from none by nobody."""
EDGE: Final = 1e-6
"""Smallest eigenvalue of correlations that are bound to each other."""
STEPS: Final = 30
"""Of expectation and maximisation, from which the search by gradients begins."""


def correlation_column(one: str, other: str) -> str:
    """The column of the correlation of the errors of two numbers in a row.

    >>> correlation_column("alpha", "current")
    'alpha~current.correlation'
    """
    return f"{one}~{other}.correlation"


class Correlations(NamedTuple):
    """Correlations of a population, and how well they are known.

    >>> import llgrad as lg
    >>> x = [[1.0, 1.1], [2.0, 2.3], [3.0, 2.8], [4.0, 4.1], [5.0, 4.6]]
    >>> found = lg.studies.correlations(x, [[[0.01, 0.0], [0.0, 0.01]]] * 5)
    >>> found.members, found.said(["alpha", "current"])
    (5, ('alpha and current: 0.994 ± 0.008',))
    """

    matrix: Float[np.ndarray, "p p"]
    """Of the true values, the errors of the measurements taken out; NaN of numbers without spread."""
    errors: Float[np.ndarray, "p p"]
    """Standard errors; infinite where some numbers are bound to each other exactly, the edge of what can be."""
    spreads: Float[np.ndarray, "p"]
    """Standard deviations of the true values."""
    members: int
    """Members that were used: every value and error of theirs is finite."""

    def said(self, names: list[str]) -> tuple[str, ...]:
        """Each pair of numbers in words, the surest first."""
        pairs = [(i, j) for j in range(len(names)) for i in range(j) if np.isfinite(self.matrix[i, j])]
        pairs.sort(key=lambda pair: -abs(self.matrix[pair]) / max(self.errors[pair], 1e-12))
        return tuple(
            f"{names[i]} and {names[j]}: {self.matrix[i, j]:.3f}"
            + (f" ± {self.errors[i, j]:.3f}" if np.isfinite(self.errors[i, j]) else ", at its edge")
            for i, j in pairs
        )


def correlations(values: Float[np.ndarray, "N p"], covariances: Float[np.ndarray, "N p p"]) -> Correlations:
    """Correlations ρ of true values x, of which x_i were found whose errors have the covariances S_i.

    The values are drawn as x_i ~ N(μ, T + S_i). With W_i = (T + S_i)⁻¹ and μ = (ΣW_i)⁻¹ ΣW_i x_i, T maximises the
    restricted likelihood, −½ [Σ ln|T + S_i| + ln|ΣW_i| + Σ (x_i − μ)ᵀ W_i (x_i − μ)] (for equal errors: T is the sample
    covariance less S, where that has no negative eigenvalue); ρ_jk = T_jk/√(T_jj T_kk). Standard errors are those of
    the expected information of T, ½ tr(P ∂V P ∂V) with P = W − W (ΣW)⁻¹ W, carried over to ρ. Without errors these are
    the correlations of the sample, ± (1 − ρ²)/√(N − 1).

    Source: the multivariate random-effects model of a meta-analysis, its REML estimate; D. Jackson, R. Riley,
    I. R. White, Stat. Med. 30, 2481 (2011), recalled.

    Args:
        values: found values (N, p), in any units; a member with one that is not finite is left out.
        covariances: of their errors (N, p, p), zero for a number without errors; a member with one that is not finite
            is left out.

    Raises ValueError for other shapes, a covariance that is none, a number that is the same in all members, and no
    more members than p + 1.

    >>> import numpy as np
    >>> import llgrad as lg
    >>> x = np.array([[1.0, 1.1], [2.0, 2.3], [3.0, 2.8], [4.0, 4.1], [5.0, 4.6]])
    >>> bool(np.allclose(lg.studies.correlations(x, np.zeros((5, 2, 2))).matrix, np.corrcoef(x.T)))
    True
    """
    x, known = np.asarray(values, float), np.asarray(covariances, float)
    if x.ndim != 2 or known.shape != (*x.shape, x.shape[1]):
        raise ValueError(f"values has the shape {x.shape} and covariances {known.shape}, expected (N, p) and (N, p, p)")
    whole = np.isfinite(x).all(axis=1) & np.isfinite(known).all(axis=(1, 2))
    x, known = x[whole], known[whole]
    if len(x) < x.shape[1] + 2:
        raise ValueError(
            f"there are {len(x)} members whose {x.shape[1]} values are all known, expected {x.shape[1] + 2}"
        )
    if not (size := np.ptp(x, axis=0)).all():
        raise ValueError(f"value {int(np.argmin(size)) + 1} is the same in all members; leave it out")
    scale = np.sqrt(np.var(x, axis=0) + np.einsum("ijj->j", known) / len(x))
    x, known = (x - x.mean(axis=0)) / scale, known / np.outer(scale, scale)
    size = np.einsum("ijj->ij", known).max(axis=1)
    if not np.allclose(known, known.swapaxes(1, 2)) or (np.linalg.eigvalsh(known)[:, 0] < -1e-9 * size).any():
        raise ValueError(
            "covariances has a matrix that is none: symmetric ones without negative eigenvalues are needed"
        )
    moves = np.array([_has_spread(x[:, j], known[:, j, j]) for j in range(x.shape[1])])
    true, inside = np.zeros(known.shape[1:]), np.ix_(moves, moves)
    if moves.any():
        true[inside] = _most_likely(x[:, moves], known[:, moves][:, :, moves])
    return _with_errors(true, known, scale)


def _has_spread(x: np.ndarray, variance: np.ndarray) -> bool:
    """Whether the values of one number spread more than their errors do."""
    return not (variance > 0).all() or population(x, np.sqrt(variance)).spread > SMALLEST


def _weights(true: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T + S_i)⁻¹ (N, p, p), and the inverse of their sum (p, p)."""
    w = np.linalg.inv(true + known + 1e-14 * np.eye(len(true)))
    return w, np.linalg.inv(w.sum(axis=0))


def _most_likely(x: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The covariance (p, p) of the true values that maximises the restricted likelihood, of values of size 1."""
    from scipy.optimize import minimize  # slow to import

    p = x.shape[1]
    lower = np.tril_indices(p)

    def cost(flat: np.ndarray) -> tuple[float, np.ndarray]:
        root = np.zeros((p, p))
        root[lower] = flat
        w, inverse = _weights(root @ root.T, known)
        off = x - inverse @ np.einsum("ijk,ik->j", w, x)
        pull = np.einsum("ijk,ik->ij", w, off)
        value = -np.linalg.slogdet(w)[1].sum() - np.linalg.slogdet(inverse)[1] + np.sum(off * pull)
        slope = w.sum(axis=0) - pull.T @ pull - np.einsum("ijk,kl,ilm->jm", w, inverse, w)
        return 0.5 * float(value), (slope @ root)[lower]

    found = [
        minimize(cost, np.linalg.cholesky(one + 1e-9 * np.eye(p))[lower], jac=True, method="L-BFGS-B", tol=1e-13)
        for one in _starts(x, known)
    ]
    root = np.zeros((p, p))
    root[lower] = min(found, key=lambda one: one.fun).x
    return root @ root.T


def _starts(x: np.ndarray, known: np.ndarray) -> list[np.ndarray]:
    """Covariances to begin from: the sample's less the errors', that after some steps of expectation and maximisation,
    and one without correlations."""
    sizes, vectors = np.linalg.eigh(np.atleast_2d(np.cov(x.T)) - known.mean(axis=0))
    first = true = (vectors * np.maximum(sizes, 1e-3)) @ vectors.T
    for _ in range(STEPS):
        w, inverse = _weights(true, known)
        off = x - inverse @ np.einsum("ijk,ik->j", w, x)
        best = np.einsum("jk,ikl,il->ij", true, w, off)
        kept = w - np.einsum("ijk,kl,ilm->ijm", w, inverse, w)
        true = true + (best.T @ best - true @ kept.sum(axis=0) @ true) / len(x)
    return [first, true, np.diag(np.diag(first))]


def _with_errors(true: np.ndarray, known: np.ndarray, scale: np.ndarray) -> Correlations:
    p, members = len(true), len(known)
    spreads = np.sqrt(np.diag(true))
    spread = spreads > SMALLEST
    own = np.where(spread, spreads, np.nan)
    rho = true / np.outer(own, own)
    rho[np.diag_indices(p)] = np.where(spread, 1.0, np.nan)
    errors = np.where(np.isfinite(rho), np.inf, np.nan)
    errors[np.diag_indices(p)] = np.where(spread, 0.0, np.nan)
    inside = np.ix_(spread, spread)
    if spread.sum() > 1 and np.linalg.eigvalsh(rho[inside])[0] > EDGE:
        pairs = [(i, j) for j in range(p) for i in range(j + 1) if spread[i] and spread[j]]
        covariance = np.linalg.inv(_information(true, known, pairs))
        place = {pair: number for number, pair in enumerate(pairs)}
        for (i, j), number in place.items():
            if i == j:
                continue
            slope = np.zeros(len(pairs))
            slope[number] = 1 / (own[i] * own[j])
            slope[place[i, i]] = -rho[i, j] / (2 * true[i, i])
            slope[place[j, j]] = -rho[i, j] / (2 * true[j, j])
            errors[i, j] = errors[j, i] = np.sqrt(slope @ covariance @ slope)
    return Correlations(rho, errors, np.where(spread, spreads, 0.0) * scale, members)


def _information(true: np.ndarray, known: np.ndarray, pairs: list[tuple[int, int]]) -> np.ndarray:
    """½ tr(P E_a P E_b) (q, q), E_a the change of T with its element a, for the elements of `pairs`."""
    w, inverse = _weights(true, known)
    changes = np.zeros((len(pairs), *true.shape))
    for number, (i, j) in enumerate(pairs):
        changes[number, i, j] = changes[number, j, i] = 1.0
    moved = np.einsum("ijk,akl->iajl", w, changes)  # W_i E_a
    own = np.einsum("iajk,ibkj->ab", moved, moved)
    turned = np.einsum("ijk,kl->ijl", w, inverse)
    shared = np.einsum("iajk,ibkl,ilj->ab", moved, moved, turned, optimize=True)
    sums = np.einsum("iajk,ikl,lm->ajm", moved, w, inverse, optimize=True)
    return 0.5 * (own - 2 * shared + np.einsum("ajk,bkj->ab", sums, sums))
