"""The equation of motion near a state on the sphere, in the two coordinates of its tangent plane.

m = (m₀ + q₁ e₁ + q₂ e₂)/√(1 + q²): two numbers without a constraint, in which derivatives are small matrices.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from llgrad.core.vector import Vec3, unstack
from llgrad.physics.equation import Equation


class Plane(NamedTuple):
    """The tangent plane at `m0`, with two unit vectors that span it."""

    m0: Vec3
    e1: Vec3
    e2: Vec3

    def state(self, q: Any) -> Vec3:
        """The unit vector at the coordinates q (2,)."""
        return (self.m0 + self.e1 * q[0] + self.e2 * q[1]) * (1 / jnp.sqrt(1 + q[0] * q[0] + q[1] * q[1]))

    def velocity(self, equation: Equation, x: Any) -> Any:
        """dq/dt (2,) [1/ns] at x = (q₁, q₂, I, B_x, B_y, B_z), exact at any q; I [A] and B [T] are added to the
        device's own."""
        q = x[:2]
        motion = equation(self.state(q), unstack(x[3:]), x[2])
        along = motion.dot(self.m0)
        pull = jnp.sqrt(1 + q[0] * q[0] + q[1] * q[1])
        return jnp.stack([motion.dot(self.e1) - q[0] * along, motion.dot(self.e2) - q[1] * along]) * pull


def plane_at(m: Vec3) -> Plane:
    """The tangent plane at a unit vector m.

    Source of the frame: T. Duff et al., J. Comput. Graph. Tech. 6, 1 (2017). What is computed in it must not depend on
    it.
    """
    side = jnp.where(m.z >= 0, 1, -1).astype(m.z.dtype)
    a = -1 / (side + m.z)
    b = m.x * m.y * a
    e1 = Vec3(1 + side * m.x * m.x * a, side * b, -side * m.x)
    return Plane(m, e1, Vec3(b, side + m.y * m.y * a, -m.y))


def solve_in_plane(a: Any, b: Any) -> Any:
    """x (2,) of a x = b for a (2, 2): Cramer's rule, which compiles to a few operations and keeps any dtype."""
    determinant = a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]
    return jnp.stack([a[1, 1] * b[0] - a[0, 1] * b[1], a[0, 0] * b[1] - a[1, 0] * b[0]]) / determinant
