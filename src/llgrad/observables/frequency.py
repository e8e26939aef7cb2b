"""The dominant frequency of a signal."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from llgrad.observables.signal import signal_of
from llgrad.observables.tone import strongest_tone


def frequency(source: Any, dt: Any = None) -> Any:
    """Frequency [Hz] of the strongest tone of a signal, far finer than a bin of its spectrum; differentiable once.

    `source`: a `Trajectory` (m·p is taken), a `Trace` of one column, or samples (…, T), time last, with `dt` [s].
    Returns shape (), or (…,) for several signals, (N,) for an array of oscillators; NaN for one that is constant beside
    others that are not. At least one period must lie in the signal. A tone with its second and third harmonic is found
    exactly, however few its periods; what else is in the signal disturbs it by a small part of a bin (see `tone`). In a
    signal that fades it is the frequency around the middle.

    Raises ValueError for a missing `dt`, fewer than 8 samples, a value that is not finite, a constant signal.

    >>> import numpy as np
    >>> t = 1e-11 * np.arange(1000)
    >>> voltage = 0.2 + 1e-3 * np.cos(2 * np.pi * 1.2345e9 * t + 0.3)
    >>> round(float(frequency(voltage, dt=1e-11)) / 1e9, 4)
    1.2345
    """
    signal = signal_of(source, dt)
    cycles = strongest_tone(jnp.asarray(signal.values)).cycles
    return cycles / jnp.asarray(signal.dt, cycles.dtype)
