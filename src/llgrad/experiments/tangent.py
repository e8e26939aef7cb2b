"""States near one on the sphere, in the two coordinates of its tangent plane.

m = (m₀ + q₁ e₁ + q₂ e₂)/√(1 + q²): two numbers without a constraint, in which derivatives are small matrices.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from llgrad.core.vector import Vec3


class Plane(NamedTuple):
    """The tangent plane at `m0`, with two unit vectors that span it."""

    m0: Vec3
    e1: Vec3
    e2: Vec3

    def state(self, q: Any) -> Vec3:
        """The unit vector at the coordinates q (2,)."""
        return (self.m0 + self.e1 * q[0] + self.e2 * q[1]) * (1 / jnp.sqrt(1 + q[0] * q[0] + q[1] * q[1]))


def solve_in_plane(a: Any, b: Any) -> Any:
    """x (2,) of a x = b for a (2, 2): Cramer's rule, which compiles to a few operations and keeps any dtype."""
    determinant = a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]
    return jnp.stack([a[1, 1] * b[0] - a[0, 1] * b[1], a[0, 0] * b[1] - a[1, 0] * b[0]]) / determinant
