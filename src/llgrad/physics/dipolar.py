"""Stray fields between small magnets: point dipoles."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.constants import MU_0
from llgrad.core.record import is_concrete
from llgrad.core.speed.starting import check_platform
from llgrad.core.vector import Number


def dipolar_tensors(
    positions: Float[ArrayLike, "N 3"], moment: Number | Sequence[float]
) -> Float[jax.Array, "N N 3 3"]:
    """The field of every dipole at every other, as a matrix for each pair: B_i = Σ_j W_ij m_j.

        W_ij = µ0 µ_j/(4π r³) (3 r̂ r̂ᵀ − 1),   r = |r_i − r_j|,   W_ii = 0

    Point dipoles: right where the distances are large beside the magnets. Ordinary JAX code, differentiable in both
    arguments, so positions can be trained. For `TensorCoupling` of oscillators, and `DenseMix` of systems.

    Args:
        positions: (N, 3) [m].
        moment: magnetic moment µ = Ms V [A m²], one number or (N,).

    Returns:
        (N, N, 3, 3) [T] per unit of magnetisation, from dipole j to dipole i.

    Raises ValueError for another shape, and for two dipoles at one place.

    J. D. Jackson, Classical Electrodynamics, 3rd edition, eq. 5.56.

    >>> import llgrad as lg
    >>> tensors = lg.physics.dipolar_tensors([[0.0, 0.0, 0.0], [0.0, 0.0, 200e-9]], moment=1e-17)
    >>> [round(float(field) * 1e3, 3) for field in tensors[0, 1] @ np.array([0.0, 0.0, 1.0])]
    [0.0, 0.0, 0.25]
    """
    check_platform()
    shape = np.shape(positions)
    if len(shape) != 2 or shape[1] != 3:
        raise ValueError(f"positions has the shape {shape}, expected (N, 3) in metres")
    count = shape[0]
    if np.shape(moment) not in ((), (count,)):
        raise ValueError(f"moment has the shape {np.shape(moment)}, expected one number, or ({count},), in A m²")
    positions = positions if hasattr(positions, "dtype") else np.asarray(positions, float)
    if is_concrete(positions):
        _check_apart(np.asarray(positions, float))
    moment = jnp.broadcast_to(jnp.asarray(moment, jnp.result_type(float)), (count,))
    positions = jnp.asarray(positions, jnp.result_type(float)) * 1e9
    between = positions[:, None, :] - positions[None, :, :]
    own = jnp.eye(count, dtype=between.dtype)
    distance = jnp.sqrt(jnp.sum(between**2, axis=-1) + own)  # of a dipole from itself anything but zero
    along = between / distance[..., None]
    strength = MU_0 / (4 * np.pi) * 1e27 * moment[None, :] / distance**3 * (1 - own)
    form = 3 * along[..., :, None] * along[..., None, :] - jnp.eye(3, dtype=between.dtype)[None, None]
    return strength[..., None, None] * form


def _check_apart(positions: np.ndarray) -> None:
    """Raise ValueError where two dipoles are at one place."""
    distance = np.linalg.norm(positions[:, None] - positions[None], axis=-1) + np.diag(np.full(len(positions), np.inf))
    if not np.all(distance > 0):
        first, second = (int(place) for place in np.argwhere(~(distance > 0))[0])
        raise ValueError(f"positions {first} and {second} are {positions[first].tolist()}, expected dipoles apart")
