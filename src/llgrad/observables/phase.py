"""The phase of the dominant tone of a signal, at t = 0 and in the course of time."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike, Float

from llgrad.core.speed.namespace import namespace
from llgrad.core.speed.starting import check_platform
from llgrad.observables.frequency import where_found
from llgrad.observables.signal import Source, signal_of
from llgrad.observables.tone import tone_and_verdict, within_a_turn


def phase(source: Source, dt: Float[ArrayLike, ""] | None = None) -> Float[jax.Array, "*batch"]:
    """Phase φ [rad], −π to π, of the strongest tone A cos(2π f t + φ).

    t = 0 is the origin of the times of a `Trajectory` or `Trace`, and the first sample of an array. A `drives.Sine` of
    phase ψ has φ = ψ − π/2. Arguments, shapes, errors and NaN are those of `frequency`; differentiable once.

    >>> import numpy as np
    >>> t = 1e-11 * np.arange(1000)
    >>> round(float(phase(np.cos(2 * np.pi * 1.2345e9 * t + 0.3), dt=1e-11)), 4)
    0.3
    """
    signal = signal_of(source, dt)
    tone, oscillates = tone_and_verdict(signal.values, signal.rounding)
    xp, dtype = namespace(tone, signal.start, signal.dt), tone.phase.dtype
    before = tone.cycles * (xp.asarray(signal.start, dtype) / xp.asarray(signal.dt, dtype))
    return where_found(oscillates, within_a_turn(tone.phase - math.tau * (before - xp.round(before)), xp))


def instantaneous_phase(source: Source, dt: Float[ArrayLike, ""] | None = None) -> Float[jax.Array, "*batch T"]:
    """Phase [rad] of the analytic signal at every sample, (…, T), without jumps; its slope is 2π times the frequency.

    The analytic signal is x + i H[x] with the Hilbert transform H, of the signal without its mean; within a few
    periods of both ends it is not reliable. Source: D. Gabor, J. IEE 93, 429 (1946). Arguments and errors are those of
    `frequency`.

    >>> import numpy as np
    >>> found = instantaneous_phase(np.cos(2 * np.pi * 1e9 * 1e-11 * np.arange(1000) + 0.3), dt=1e-11)
    >>> round(float(found[600] - found[400]) / (2 * np.pi), 4)
    2.0
    """
    check_platform()
    return _unwound(jnp.asarray(signal_of(source, dt).values))


@jax.jit
def _unwound(values: Any) -> Any:
    """The phase of the analytic signal; compiled as one."""
    size = values.shape[-1]
    spectrum = jnp.fft.fft(values - jnp.mean(values, axis=-1, keepdims=True))
    keep = jnp.zeros(size, values.dtype).at[: (size + 1) // 2].set(2).at[0].set(1)
    keep = keep.at[size // 2].set(1) if size % 2 == 0 else keep
    keep = keep.astype(spectrum.dtype).reshape((1,) * (values.ndim - 1) + (size,))
    return jnp.unwrap(jnp.angle(jnp.fft.ifft(spectrum * keep)), axis=-1)
