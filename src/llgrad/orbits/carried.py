"""Derivatives of what was found by searching: the value from the search, its derivative from one step of Newton's
method.

A search needs numbers, so it is made with those of a traced device. What it found solves R(u, device) = 0, and one
more step, u − A⁻¹ R(u, device) with A = ∂R/∂u held, has the derivative of the root (implicit function theorem).
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from llgrad.core.record import is_concrete


def is_traced(device: Any) -> bool:
    """Whether any number of a device is being differentiated, compiled or batched."""
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(device))


def check_once(device: Any, who: str) -> None:
    """Raise ValueError where a device is being differentiated twice."""

    def levels(leaf: Any) -> int:
        inside = getattr(leaf, "primal", None)
        deeper = getattr(leaf, "val", None) if inside is None else inside
        return (inside is not None) + (levels(deeper) if isinstance(deeper, Tracer) else 0)

    if any(levels(leaf) > 1 for leaf in jax.tree.leaves(device) if isinstance(leaf, Tracer)):
        raise ValueError(
            f"{who} can be differentiated once; for second derivatives take differences of its first ones, as in "
            "(jax.grad(f)(p + h) - jax.grad(f)(p - h)) / (2 * h)"
        )


def held(device: Any, who: str) -> Any:
    """The device with its numbers, without derivatives.

    Raises ValueError where it has none, inside jit or vmap, and where it is being differentiated twice.
    """

    def number(leaf: Any) -> Any:
        if not isinstance(leaf, Tracer):
            # numbers of every kind alike, so that one program serves all
            return float(leaf) if np.ndim(leaf) == 0 and is_concrete(leaf) else leaf
        if isinstance(getattr(leaf, "primal", None), Tracer):
            raise ValueError(
                f"{who} can be differentiated once; take differences of its first derivatives for second ones"
            )
        value = jax.lax.stop_gradient(leaf)
        if not is_concrete(value):
            raise ValueError(
                f"{who} searches, which needs numbers, and inside jax.jit or jax.vmap a device has none; call it "
                "outside, or differentiate it with jax.grad or jax.jacfwd"
            )
        return float(value) if np.ndim(value) == 0 else np.asarray(value, float)

    return jax.tree.map(number, device)


def carry(value: Any, linear: Any) -> Any:
    """A value that was found, with the derivative of `linear`, whose own value is that but for rounding."""
    return jnp.asarray(value, linear.dtype) + (linear - jax.lax.stop_gradient(linear))
