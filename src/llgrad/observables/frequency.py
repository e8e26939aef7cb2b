"""The dominant frequency of a signal."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike, Float

from llgrad.core.speed.namespace import namespace
from llgrad.core.speed.starting import check_platform
from llgrad.observables.signal import Source, signal_of
from llgrad.observables.tone import Tone, tone_and_verdict


def frequency(source: Source, dt: Float[ArrayLike, ""] | None = None) -> Float[jax.Array, "*batch"]:
    """Frequency [Hz] of the strongest tone of a signal, far finer than a bin of its spectrum; differentiable once.

    `source`: a `Trajectory` (m·p is taken), the `signal(name)` of a run of a `System`, a `Trace` of one column, or
    samples (…, T), time last, with `dt` [s]. Returns shape (), or (…,) for several signals, (N,) for an array of
    oscillators. A tone with its second and third harmonic is found exactly, however few its periods; what else is in
    the signal disturbs it by a small part of a bin (see `tone`). In a signal that fades it is the frequency around the
    middle. Of a line that noise has broadened it is the highest point; its centre and width, each with its interval,
    are what `line_width` gives.

    NaN where the signal does not oscillate: it is constant, or at rest but for rounding; it holds less than one period,
    as what rises or falls all along does; it dies away (its last quarter has less than 5 % of the largest amplitude);
    or it is noise (white noise passes for a tone once in 1000 signals).

    Raises ValueError for a missing `dt`, fewer than 8 samples, a value that is not finite, a constant signal.

    >>> import numpy as np
    >>> t = 1e-11 * np.arange(1000)
    >>> voltage = 0.2 + 1e-3 * np.cos(2 * np.pi * 1.2345e9 * t + 0.3)
    >>> round(float(frequency(voltage, dt=1e-11)) / 1e9, 4)
    1.2345
    >>> float(frequency(np.random.default_rng(0).normal(size=1000), dt=1e-11))
    nan
    """
    tone, found, dt = tone_of(source, dt)
    return where_found(found, tone.cycles / dt)


def best_frequency(source: Any, dt: Any = None) -> Any:
    """As `frequency`, but of whatever explains the signal best, oscillation or not: a scale of time for a search."""
    tone, _, dt = tone_of(source, dt)
    return jnp.asarray(tone.cycles / dt)


def tone_of(source: Any, dt: Any = None) -> tuple[Tone, Any, Any]:
    """The strongest tone of a source, whether it oscillates, and the time between two samples [s] in its dtype."""
    check_platform()
    signal = signal_of(source, dt)
    tone, found = tone_and_verdict(signal.values, signal.rounding)
    return tone, found, namespace(signal.dt).asarray(signal.dt, tone.cycles.dtype)


def where_found(found: Any, value: Any) -> Any:
    """The value, as an array of JAX's, where a tone was found; else NaN."""
    check_platform()
    return jnp.asarray(namespace(found, value).where(found, value, math.nan))
