"""The amplitude of the dominant tone of a signal."""

from __future__ import annotations

import jax
from jaxtyping import ArrayLike, Float

from llgrad.observables.frequency import tone_of, where_found
from llgrad.observables.signal import Source


def amplitude(source: Source, dt: Float[ArrayLike, ""] | None = None) -> Float[jax.Array, "*batch"]:
    """Amplitude A of the strongest tone A cos(2π f t + φ), half of its peak to peak, in the unit of the signal.

    Arguments, shapes, errors and NaN are those of `frequency`; differentiable once.

    >>> import numpy as np
    >>> t = 1e-11 * np.arange(1000)
    >>> round(float(amplitude(5.0 + 0.25 * np.sin(2 * np.pi * 1.2345e9 * t), dt=1e-11)), 4)
    0.25
    """
    tone, found, _ = tone_of(source, dt)
    return where_found(found, tone.amplitude)
