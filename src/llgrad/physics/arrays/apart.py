"""Positions that keep a least distance, whatever a search makes of them."""

from __future__ import annotations

from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.record import is_concrete
from llgrad.core.speed.starting import check_platform

GOLDEN: Final = np.pi * (3 - 5**0.5)
"""The golden angle: multiples of it lie far from each other."""
ROUNDS: Final = 32
"""Pairs that are too near are pushed so many times."""


def keep_apart(positions: Float[ArrayLike, "N D"], least: float) -> Float[jax.Array, "N D"]:
    """Positions near the given ones, no two of them nearer than `least`: what a search over free positions goes
    through.

    Pairs that are too near are pushed away from each other along their line, half the missing length each, all at once
    and several times, which leaves those alone that are far enough; what is then still missing, where there is no room,
    a widening of the whole about its centre gives. So positions that keep the distance come back as they are, and the
    result always keeps it. Ordinary JAX code with finite derivatives everywhere: training changes free numbers, and the
    array is made of `keep_apart(numbers, least)`. Where two points coincide in a function that is traced, and so cannot
    be refused, they go apart along a fixed direction of the pair, which no derivative changes.

    Args:
        positions: (N, D) [m], D = 2 or 3.
        least: least distance of two centres [m].

    Returns:
        (N, D) [m].

    Raises ValueError for another shape, a distance that is not positive, a position that is not finite, and for two
    that are the same.

    >>> import llgrad as lg
    >>> places = lg.physics.keep_apart([[0.0, 0.0], [50e-9, 0.0], [300e-9, 0.0]], least=100e-9)
    >>> np.round(np.asarray(places) * 1e9, 3).tolist()
    [[-25.0, 0.0], [75.0, 0.0], [300.0, 0.0]]
    """
    shape = np.shape(positions)
    if len(shape) != 2 or shape[1] not in (2, 3):
        raise ValueError(f"positions has the shape {shape}, expected (N, 2) or (N, 3) in metres")
    if not (is_concrete(least) and np.ndim(least) == 0 and 0 < float(least) < 1e-2):
        raise ValueError(f"least = {least!r}, expected the least distance of two centres in metres, such as 100e-9")
    if is_concrete(positions) or not hasattr(positions, "dtype"):
        at = np.asarray(positions, float)
        if not np.isfinite(at).all():
            raise ValueError(f"position {int(np.argwhere(~np.isfinite(at))[0, 0])} is not finite; give it in metres")
        away = np.linalg.norm(at[:, None] - at[None], axis=-1) + np.diag(np.full(len(at), np.inf))
        if not (away > 0).all():
            i, j = (int(k) for k in np.argwhere(~(away > 0))[0])
            raise ValueError(f"positions {i} and {j} are the same, so there is no direction apart; move one of them")
    check_platform()
    given = jnp.asarray(positions, jnp.result_type(float)) / float(least)
    if shape[0] < 2:
        return given * float(least)
    own, least_seen = jnp.eye(shape[0], dtype=given.dtype), float(jnp.finfo(given.dtype).eps)
    pairs = jnp.asarray(_directions(*shape), given.dtype)

    def distances(p: Any) -> tuple[Any, Any]:
        between = p[:, None] - p[None]
        square = jnp.sum(between**2, axis=-1) + own * 4.0  # of a point from itself: far enough
        same = square < least_seen**2
        between = jnp.where(same[..., None], least_seen * pairs, between)
        return between, jnp.sqrt(jnp.where(same, least_seen**2, square))

    def push(p: Any, _: None) -> tuple[Any, None]:
        between, distance = distances(p)
        missing = jnp.maximum(1.0 - distance, 0.0) / distance
        return p + 0.5 * jnp.sum(missing[..., None] * between, axis=1), None

    moved, _ = jax.lax.scan(push, given, None, length=ROUNDS)
    nearest = jnp.min(distances(moved)[1])
    centre = jnp.mean(moved, axis=0, keepdims=True)
    return (centre + (moved - centre) * jnp.maximum(1.0, 1.0 / nearest)) * float(least)


def _directions(count: int, axes: int) -> np.ndarray:
    """A unit vector in the plane for each pair of points (N, N, D), of j from i the opposite of that of i from j."""
    i, j = np.indices((count, count))
    angle = GOLDEN * (np.minimum(i, j) * count + np.maximum(i, j))
    plane = np.stack([np.cos(angle), np.sin(angle)], axis=-1) * np.sign(i - j)[..., None]
    return np.concatenate([plane, np.zeros((count, count, axes - 2))], axis=-1)
