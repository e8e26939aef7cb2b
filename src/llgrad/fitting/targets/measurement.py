"""Between a simulated state and a recorded value: an unknown start, gain and offset, a filter, uneven times."""

from __future__ import annotations

import math
from typing import Any, Final

import jax
import jax.numpy as jnp

from llgrad.core.vector import Vec3

ROUNDING: Final = 1e-9
"""Times outside by this part of the whole are so by rounding."""


def tilt(reference: Vec3, polar: Any, azimuthal: Any) -> Vec3:
    """The unit vector tilted from a reference by small angles along its θ̂ and φ̂ (any two tangents at the poles)."""
    x, y, z = reference.x, reference.y, reference.z
    in_plane = jnp.sqrt(x * x + y * y)
    safe = jnp.where(in_plane > 1e-12, in_plane, 1.0)
    cos, sin = jnp.where(in_plane > 1e-12, x / safe, 1.0), jnp.where(in_plane > 1e-12, y / safe, 0.0)
    theta_hat, phi_hat = Vec3(z * cos, z * sin, -in_plane), Vec3(-sin, cos, jnp.zeros_like(z))
    tilted = reference + theta_hat * polar + phi_hat * azimuthal
    return tilted * jax.lax.rsqrt(tilted.norm2())


def best_line(
    signal: Any, target: Any, mask: Any, gain: float | None = None, offset: float | None = None
) -> tuple[Any, Any]:
    """(gain, offset) of the straight line gain · signal + offset that fits the target best, in closed form.

    A gain or an offset that is given is held.
    """
    if gain is not None and offset is not None:
        return gain, offset
    weight = jnp.asarray(mask, signal.dtype)
    if offset is not None:
        left = weight * signal
        return (left * (target - offset)).sum() / ((left * signal).sum() + 1e-300), offset
    total = weight.sum()
    mean_s, mean_t = (weight * signal).sum() / total, (weight * target).sum() / total
    if gain is None:
        centred = signal - mean_s
        gain = (weight * centred * (target - mean_t)).sum() / ((weight * centred**2).sum() + 1e-300)
    return gain, mean_t - gain * mean_s


def low_pass(signal: Any, step: float, bandwidth: Any) -> Any:
    """A first-order low-pass filter τ dy/dt = s − y, τ = 1/(2π bandwidth), on evenly spaced values, settled at the
    first.

    Exact for a signal that is linear between its samples.
    """
    x = 2 * math.pi * bandwidth * step
    decay = jnp.exp(-x)
    mean = -jnp.expm1(-x) / x
    before, after = mean - decay, 1 - mean

    def advance(y: Any, pair: Any) -> tuple[Any, Any]:
        y = decay * y + before * pair[0] + after * pair[1]
        return y, y

    _, filtered = jax.lax.scan(advance, signal[0], jnp.stack([signal[:-1], signal[1:]], axis=1))
    return jnp.concatenate([signal[:1], filtered])


def interpolate(values: Any, step: float, times: Any) -> Any:
    """Cubic (four-point) interpolation of evenly spaced values (n,) at given times; its error is of fourth order.

    NaN outside the values: nothing is known there, and a polynomial would run away.
    """
    position = times / step
    last = values.shape[0] - 1
    outside = (position < -ROUNDING * (1 + last)) | (position > last * (1 + ROUNDING))
    if values.shape[0] < 4:
        found = jnp.interp(position, jnp.arange(values.shape[0], dtype=position.dtype), values)
    else:
        first = jnp.clip(jnp.floor(jax.lax.stop_gradient(position)).astype(int) - 1, 0, values.shape[0] - 4)
        x = position - first.astype(position.dtype)
        weights = (
            -(x - 1) * (x - 2) * (x - 3) / 6,
            x * (x - 2) * (x - 3) / 2,
            -x * (x - 1) * (x - 3) / 2,
            x * (x - 1) * (x - 2) / 6,
        )
        found = sum(w * values[first + k] for k, w in enumerate(weights))
    return jnp.where(outside, jnp.nan, found)
