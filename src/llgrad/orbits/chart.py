"""Coordinates without constraints near a state of a flow.

Near a state it is told by d coordinates q without a constraint: two in the tangent plane of each unit vector,
m = (m₀ + q₁ e₁ + q₂ e₂)/√(1 + q²), and one, in units of its scale, for each other number.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from llgrad.orbits.flow import Flow, frames_across


class Chart(NamedTuple):
    """Coordinates q (d,) near a state: q = 0 is the state."""

    y: Any
    frames: Any
    """Of each unit vector two tangent unit vectors (k, 2, 3)."""

    def state(self, flow: Flow, q: Any) -> Any:
        """The state (n,) at q (d,)."""
        k = len(flow.shape.spins)
        found = self.y
        if flow.shape.plain:
            found = found.at[np.array(flow.shape.plain)].add(q[2 * k :] * flow.scale)
        if k:
            places = np.array(flow.shape.spins)
            turns = q[: 2 * k].reshape(k, 2)
            m = self.y[places] + jnp.einsum("ka,kac->kc", turns, self.frames)
            found = found.at[places].set(m / jnp.sqrt(1 + jnp.sum(turns**2, axis=1, keepdims=True)))
        return found

    def moves(self, flow: Flow, q: Any, rate: Any) -> Any:
        """dq/dt (d,) of dy/dt (n,), exact at any q, and linear in dy/dt."""
        k = len(flow.shape.spins)
        parts = []
        if k:
            places = np.array(flow.shape.spins)
            turns = q[: 2 * k].reshape(k, 2)
            along = jnp.sum(rate[places] * self.y[places], axis=1, keepdims=True)
            across = jnp.einsum("kc,kac->ka", rate[places], self.frames) - turns * along
            parts.append((across * jnp.sqrt(1 + jnp.sum(turns**2, axis=1, keepdims=True))).reshape(-1))
        if flow.shape.plain:
            parts.append(rate[np.array(flow.shape.plain)] / flow.scale)
        return jnp.concatenate(parts)

    def velocity(self, flow: Flow, q: Any, inputs: Any = None) -> Any:
        """dq/dt (d,) [1/ns], with what is added to the inputs by name."""
        return self.moves(flow, q, flow.slope(self.state(flow, q), inputs))


def chart_at(flow: Flow, y: Any) -> Chart:
    """Coordinates near a state (n,). What is computed in them must not depend on their frames."""
    return Chart(y, frames_across(y[np.array(flow.shape.spins, int).reshape(-1, 3)]))


def solve_small(a: Any, b: Any) -> Any:
    """x (n,) of a x = b for a (n, n): for n ≤ 3 by Cramer's rule, which is a few operations and keeps any dtype."""
    if len(b) == 2:
        determinant = a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]
        return jnp.stack([a[1, 1] * b[0] - a[0, 1] * b[1], a[0, 0] * b[1] - a[1, 0] * b[0]]) / determinant
    if len(b) != 3:
        return jnp.linalg.solve(a, b)
    first, second, third = a[:, 0], a[:, 1], a[:, 2]
    across = jnp.stack([_cross(second, third), _cross(third, first), _cross(first, second)])
    return jnp.sum(across * b, 1) / jnp.sum(across[0] * first)


def _cross(a: Any, b: Any) -> Any:
    return jnp.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])
