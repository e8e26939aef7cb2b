"""A vector as three separate components, so that a million of them are three long arrays and never a (…, 3) block.

Components may be Python floats, NumPy or JAX arrays, or tracers; arithmetic is elementwise and broadcasts.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

Number = float | Float[np.ndarray, "..."] | Float[jax.Array, "..."]
"""One number, or one for each of several: a Python float, or an array of NumPy's or JAX's; traced ones too."""


class Vec3(eqx.Module):
    """Cartesian vector (x, y, z); each component has the same shape, () for one vector or (N,) for N of them.

    >>> import llgrad as lg
    >>> m, p = lg.Vec3(0.6, 0.0, 0.8), lg.Vec3(1.0, 0.0, 0.0)
    >>> m.dot(p), p.cross(m)
    (0.6, Vec3(0.0, -0.8, 0.0))
    """

    x: Number
    y: Number
    z: Number

    def __add__(self, other: Vec3) -> Vec3:
        return Vec3(self.x + other.x, self.y + other.y, self.z + other.z)

    def __sub__(self, other: Vec3) -> Vec3:
        return Vec3(self.x - other.x, self.y - other.y, self.z - other.z)

    def __mul__(self, factor: Number) -> Vec3:
        """Product with a scalar (or with one scalar for each of N vectors)."""
        return Vec3(self.x * factor, self.y * factor, self.z * factor)

    __rmul__ = __mul__

    def __neg__(self) -> Vec3:
        return Vec3(-self.x, -self.y, -self.z)

    def dot(self, other: Vec3) -> Number:
        """Scalar product."""
        return self.x * other.x + self.y * other.y + self.z * other.z

    def cross(self, other: Vec3) -> Vec3:
        """Vector product self × other."""
        return Vec3(
            self.y * other.z - self.z * other.y,
            self.z * other.x - self.x * other.z,
            self.x * other.y - self.y * other.x,
        )

    def norm2(self) -> Number:
        """Squared length."""
        return self.dot(self)

    def stack(self) -> Float[jax.Array, "... 3"]:
        """One array of shape (…, 3)."""
        return jnp.stack(jnp.broadcast_arrays(self.x, self.y, self.z), axis=-1)

    def __repr__(self) -> str:
        return f"Vec3({self.x}, {self.y}, {self.z})"


def unstack(array: ArrayLike) -> Vec3:
    """The Vec3 of an array whose last axis has length 3."""
    array = jnp.asarray(array)
    return Vec3(array[..., 0], array[..., 1], array[..., 2])
