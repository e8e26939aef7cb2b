"""Stray field between two bodies of an array by quadrature: ordinary JAX code, differentiable in where they are.

The closed form of `physics/stacks/tensors.py` is a sum of large terms that cancel, which float32 does not survive; the
field of dipoles over the points of both bodies is a sum of terms of one sign where bodies are apart.
"""

from __future__ import annotations

import functools
import itertools
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.devices.geometry import Ellipse

ALONG: Final = 10
"""Points along an edge of a prism."""
OUTWARDS: Final = 8
"""Points along the radius of a cylinder."""
AROUND: Final = 16
"""Points around a cylinder."""
ACROSS: Final = 4
"""Points along each half of the distances of two layers' points in z."""

Shape = Ellipse | tuple[float, float, float]


def checked_shape(given: Any) -> Shape:
    """A shape: three edges (l_x, l_y, l_z) [m] of a prism, or an elliptic cylinder. Raises ValueError for another."""
    if isinstance(given, Ellipse):
        return given
    edges = np.asarray(given, float) if isinstance(given, (list, tuple, np.ndarray)) else np.zeros(0)
    if edges.shape != (3,) or not ((edges > 0) & (edges <= 1e-3)).all():
        raise ValueError(
            f"shapes: {given!r}, expected the three edges of a prism in metres, such as (100e-9, 60e-9, 2e-9), or "
            "lg.devices.ellipse(…)"
        )
    x, y, z = edges.tolist()
    return x, y, z


def volume_of(shape: Shape) -> float:
    """Its volume [m³]."""
    return shape.volume if isinstance(shape, Ellipse) else float(np.prod(shape))


def size_of(shape: Shape) -> float:
    """Its largest extent [m]."""
    return max(*(2 * a for a in shape.semi_axes), shape.thickness) if isinstance(shape, Ellipse) else max(shape)


@functools.lru_cache(maxsize=64)
def _in_plane(shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Points (K, 2) [nm] of the cross-section, and their weights (K,), whose sum is 1."""
    x, w = np.polynomial.legendre.leggauss(OUTWARDS if isinstance(shape, Ellipse) else ALONG)
    if isinstance(shape, Ellipse):
        r, angle = (x + 1) / 2, 2 * np.pi * (np.arange(AROUND) + 0.5) / AROUND
        unit = np.stack([np.outer(r, np.cos(angle)), np.outer(r, np.sin(angle))], axis=-1).reshape(-1, 2)
        return unit * np.asarray(shape.semi_axes) * 1e9, np.repeat(w * r, AROUND) / AROUND
    grid = np.stack(np.meshgrid(x, x, indexing="ij"), axis=-1).reshape(-1, 2) / 2
    return grid * np.asarray(shape[:2]) * 1e9, np.outer(w, w).ravel() / 4


@functools.lru_cache(maxsize=64)
def _in_z(first: float, second: float) -> tuple[np.ndarray, np.ndarray]:
    """Differences [nm] of heights in two layers of these thicknesses [m], and how often each comes; their sum is 1."""
    a, b = first * 1e9, second * 1e9
    ends = np.array([-(a + b), -abs(a - b), abs(a - b), a + b]) / 2
    x, w = np.polynomial.legendre.leggauss(ACROSS)
    places, weights = [], []
    for low, high in itertools.pairwise(ends):
        if high > low:
            at = low + (high - low) * (x + 1) / 2
            places.append(at)
            weights.append(w * (high - low) / 2 * np.minimum(min(a, b), (a + b) / 2 - np.abs(at)) / (a * b))
    return np.concatenate(places), np.concatenate(weights)


def thickness_of(shape: Shape) -> float:
    """Its extent along z [m]."""
    return shape.thickness if isinstance(shape, Ellipse) else shape[2]


def pair_tensors(target: Shape, source: Shape, offsets: Any) -> Any:
    """The tensors N (P, 3, 3) of the field of a body in another, B = −µ0 Ms N m; `offsets` (P, 3) [nm] from source to
    target.

        N = V_source/(4π) ⟨(1 − 3 r̂ r̂ᵀ)/r³⟩ over the points of both bodies.
    """
    (p, u), (q, v) = _in_plane(target), _in_plane(source)
    heights, often = _in_z(thickness_of(target), thickness_of(source))
    between = (p[:, None] - q[None]).reshape(-1, 2)
    scale = volume_of(source) * 1e27 / (4 * np.pi)
    points = (between[:, 0], between[:, 1], heights, np.outer(u, v).ravel() * scale, often)
    return _averaged(*(jnp.asarray(part, jnp.result_type(offsets)) for part in points), offsets)


@jax.jit
def _averaged(dx: Any, dy: Any, dz: Any, weight: Any, often: Any, offsets: Any) -> Any:
    """Σ (1 − 3 r̂ r̂ᵀ)/r³ with weights over the points (K,) of the plane and the heights (Z,), for offsets (P, 3)."""

    @jax.checkpoint
    def one(offset: Any) -> Any:
        x, y, z = (dx + offset[0])[:, None], (dy + offset[1])[:, None], (dz + offset[2])[None]
        inverse = 1 / (x * x + y * y + z * z)
        strength = weight[:, None] * often[None] * inverse * jnp.sqrt(inverse)
        strong = 3 * strength * inverse
        whole = jnp.sum(strength)
        xx, yy, zz = (whole - jnp.sum(strong * part * part) for part in (x, y, z))
        yz, xz, xy = (-jnp.sum(strong * left * right) for left, right in ((y, z), (x, z), (x, y)))
        return jnp.stack([xx, xy, xz, xy, yy, yz, xz, yz, zz]).reshape(3, 3)

    return jax.lax.map(one, offsets)
