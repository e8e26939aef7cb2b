"""How the tests compare derivatives: forward mode, reverse mode and central differences of one scalar function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

TOLERANCE = 1e-6
STEP = 1e-3


def loss_of(m: Any) -> Any:
    """A scalar that every component of every saved state enters with its own weight; m of any shape."""
    flat = m.reshape(-1)
    weights = jnp.cos(1.0 + jnp.arange(flat.size, dtype=flat.dtype))
    return jnp.sum(weights * flat + 0.3 * flat * flat)


def three_ways(function: Callable[[Any], Any], size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(forward, reverse, differences) of function(x), x (size,), at x = 0.

    Forward mode takes one direction after the other, so that one kernel is compiled, of one direction. The differences
    are central, of fourth order (Richardson: steps h and h/2), all in one batch.
    """
    origin = jnp.zeros(size)
    tangent = jax.jit(lambda direction: jax.jvp(function, (origin,), (direction,))[1])
    forward = np.asarray(jax.lax.map(tangent, jnp.eye(size)))
    reverse = np.asarray(jax.jit(jax.grad(function))(origin))
    steps = np.array([STEP, -STEP, STEP / 2, -STEP / 2])
    points = (steps[:, None, None] * np.eye(size)).reshape(-1, size)
    plus, minus, half_plus, half_minus = np.asarray(jax.jit(jax.vmap(function))(points)).reshape(4, size)
    coarse, fine = (plus - minus) / (2 * STEP), (half_plus - half_minus) / STEP
    return forward, reverse, (4 * fine - coarse) / 3


def disagreements(names: list[str], forward: Any, reverse: Any, differences: Any, rtol: float = TOLERANCE) -> list[str]:
    """What does not agree within `rtol` of each component (and the rounding of differences), in words."""
    floor = 1e-10 * np.max(np.abs(differences))
    found = []
    for name, f, r, d in zip(names, forward, reverse, differences, strict=True):
        if not np.isfinite([f, r, d]).all() or max(abs(f - d), abs(r - d)) > rtol * abs(d) + floor:
            found.append(f"{name}: forward {f:.10g}, reverse {r:.10g}, differences {d:.10g}")
    return found
