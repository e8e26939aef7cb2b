"""The linear read-out: ridge regression in closed form, its penalty chosen on a part that it was not fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import jax.numpy as jnp
import numpy as np

PENALTIES: Final = tuple(float(f"1e{power}") for power in range(-12, 1))
"""In parts of the mean variance of what is read."""


class RidgeReadout(NamedTuple):
    """y = x W + b of what is read, x (T, K)."""

    weights: np.ndarray
    """W (K, Y)."""
    offset: np.ndarray
    """b (Y,)."""
    penalty: float

    def __call__(self, states: Any) -> np.ndarray:
        return np.asarray(states) @ self.weights + self.offset


def ridge(states: Any, targets: Any, penalty: Any) -> tuple[Any, Any]:
    """The minimum of Σ_t |x_t W + b − y_t|² + λ |W|² over W (K, Y) and b (Y,), with JAX: differentiable.

    λ = `penalty` · Σ_t |x_t − x̄|²/K, so that the penalty has no unit: W = (X̃ᵀ X̃ + λ)⁻¹ X̃ᵀ Ỹ of centred X̃, Ỹ.
    """
    mean, level = states.mean(axis=0), targets.mean(axis=0)
    x, y = states - mean[None], targets - level[None]
    gram = x.T @ x
    size = gram.shape[0]
    strength = penalty * jnp.trace(gram) / size
    weights = jnp.linalg.solve(gram + strength * jnp.eye(size, dtype=gram.dtype), x.T @ y)
    return weights, level - mean @ weights


def fitted(states: np.ndarray, targets: np.ndarray, penalties: Sequence[float], validation: float) -> RidgeReadout:
    """The read-out of states (T, K) and targets (T, Y) whose penalty has the least error Σ_y NRMSE² on the last part
    `validation` of them, fitted again on all. One singular-value decomposition serves all penalties.
    """
    parts = len(states) - round(validation * len(states))
    best = penalties[0]
    if len(penalties) > 1:
        solve = _Solver(states[:parts], targets[:parts])
        late, wanted = states[parts:], targets[parts:]
        variances = np.maximum(wanted.var(axis=0), np.finfo(float).tiny)
        errors = [(((solve(one)(late) - wanted) ** 2).mean(axis=0) / variances).sum() for one in penalties]
        best = penalties[int(np.argmin(errors))]
    return _Solver(states, targets)(best)


class _Solver:
    """Ridge regression for any penalty."""

    def __init__(self, states: np.ndarray, targets: np.ndarray) -> None:
        self.mean, self.level = states.mean(axis=0), targets.mean(axis=0)
        u, self.sizes, self.right = np.linalg.svd(states - self.mean, full_matrices=False)
        self.projected = u.T @ (targets - self.level)

    def __call__(self, penalty: float) -> RidgeReadout:
        squares = self.sizes**2
        strength = max(penalty, np.finfo(float).eps ** 2) * squares.sum() / self.right.shape[1]
        weights = self.right.T @ ((self.sizes / (squares + strength))[:, None] * self.projected)
        return RidgeReadout(weights, self.level - self.mean @ weights, penalty)


def nrmse(predicted: Any, target: Any) -> Any:
    """Root of the mean squared error over the variance of the target, √(⟨(ŷ − y)²⟩/⟨(y − ȳ)²⟩), of each column (T, Y):
    1 is the mean as an answer.

    >>> nrmse(np.array([[0.0], [2.0]]), np.array([[0.0], [1.0]])).round(3).tolist()
    [1.414]
    """
    return (((predicted - target) ** 2).mean(axis=0) / target.var(axis=0)) ** 0.5
