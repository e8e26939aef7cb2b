"""Standard errors where residuals within a piece of a trace are correlated, and the pieces are independent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

SMALLEST: Final = 1e-12
"""Relative eigenvalue below which a direction is one that the data do not see."""


def clustered_jacobian(jacobian: np.ndarray, residuals: np.ndarray, sizes: Sequence[tuple[int, int]]) -> np.ndarray:
    """A Jacobian (q, q) whose (JᵀJ)⁻¹ is the covariance of the parameters, correlations within clusters counted.

    With H = Σ J_kᵀJ_k, the covariance is H⁻¹ (Σ_k g_k g_kᵀ) H⁻¹, where g_k = (1 − J_kᵀJ_k H⁻¹)⁻¹ J_kᵀ r_k is the pull
    of cluster k on a fit without it: nearly the jackknife over clusters, which stays honest where they are few. A
    recording without clusters has its usual share, JᵀJ.

    Args:
        jacobian: of the residuals over their standard deviations (M, q).
        residuals: over their standard deviations (M,).
        sizes: of each recording, the number of its residuals and of its clusters (0: they are independent).

    Source: R. M. Bell, D. F. McCaffrey, Survey Methodology 28, 169 (2002), estimator CR3.
    """
    scale = np.sqrt(np.sum(jacobian**2, axis=0))
    scale = np.where(scale > 0, scale, 1.0)
    J = jacobian / scale
    H = J.T @ J
    inverse = np.linalg.pinv(H, rcond=SMALLEST, hermitian=True)
    meat, first = np.zeros_like(H), 0
    for size, clusters in sizes:
        part, r = J[first : first + size], residuals[first : first + size]
        first += size
        if not clusters:
            meat += part.T @ part
            continue
        for rows, left in zip(np.split(part, clusters), np.split(r, clusters), strict=True):
            pull = np.linalg.lstsq(np.eye(len(H)) - rows.T @ rows @ inverse, rows.T @ left, rcond=None)[0]
            meat += np.outer(pull, pull)
    values, vectors = np.linalg.eigh(meat)
    root = np.where(values > SMALLEST * values[-1], 1 / np.sqrt(np.maximum(values, 1e-300)), 0.0)
    return (root[:, None] * vectors.T) @ H * scale
