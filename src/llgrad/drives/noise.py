"""Noise with a spectrum, as samples from a key: 1/f noise of a source, the coloured noise of a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float, Key

from llgrad.core.arguments.kinds import check_kind, wrong_kind
from llgrad.core.record import as_number, is_concrete
from llgrad.core.units import show
from llgrad.core.vector import Number
from llgrad.drives.sampled import Sampled

MOST_SAMPLES: Final = 2**24


class FlickerNoise(NamedTuple):
    """The one-sided spectral density of 1/f noise, S(f) = strength (1/f + 1/corner),
    for `lg.drives.coloured_noise`.

    `strength` [A² or T²] is f S(f) far below the corner frequency [Hz], at which noise that is white is as strong;
    without a corner there is no white part. `orbit.phase_noise(f, flicker={"current": strength})` means the same.

    >>> import jax, llgrad as lg
    >>> noise = lg.drives.FlickerNoise(strength=1e-14, corner=1e8)
    >>> round(noise(1e6) * 1e20, 4)  # in 1e-20 A²/Hz: strength (1/f + 1/corner)
    1.01
    >>> lg.drives.coloured_noise(noise, duration=10e-9, interval=10e-12, key=jax.random.key(0)).values.shape
    (1001,)
    """

    strength: Number
    corner: Number | None = None

    def __call__(self, f: Any) -> Any:
        white = 0.0 if self.corner is None else 1 / self.corner
        return self.strength * (1 / f + white)


class LorentzianNoise(NamedTuple):
    """The one-sided spectral density of noise with an exponential correlation ⟨x(0) x(t)⟩ = variance · e^{−|t|/τ}
    (Ornstein and Uhlenbeck, or a telegraph signal): S(f) = 4 variance τ/(1 + (2π f τ)²), for
    `lg.drives.coloured_noise`.

    >>> import jax, llgrad as lg
    >>> noise = lg.drives.LorentzianNoise(variance=1e-10, correlation_time=1e-9)
    >>> round(noise(0.0) * 1e19, 3)  # in 1e-19 A²/Hz: 4 · variance · τ
    4.0
    >>> lg.drives.coloured_noise(noise, duration=10e-9, interval=10e-12, key=jax.random.key(0)).values.shape
    (1001,)
    """

    variance: Number
    """[A² or T²]."""
    correlation_time: Number
    """τ [s]."""

    def __call__(self, f: Any) -> Any:
        turned = 2 * np.pi * f * self.correlation_time
        return 4 * self.variance * self.correlation_time / (1 + turned * turned)


def coloured_noise(
    density: Callable[[Float[jax.Array, "F"]], Float[ArrayLike, "*F"]],
    *,
    duration: float,
    interval: float,
    key: Key[jax.Array, ""],
) -> Sampled:
    """Gaussian noise with a spectral density, as a drive of samples: add it to any other, `Constant(…) + noise`.

    Its spectrum is `density`, one-sided (all power at f > 0: the variance is ∫₀ S df, by the trapezoidal rule at its
    end), at the multiples of 1/(length) up to half of the sampling rate, where the length is a power of two times the
    interval, twice the duration or more: so what is slower than that, and the mean, is absent. Between the samples it
    is joined by lines. The samples are a function of the key, and differentiable in what the density is made of.

    Args:
        density: S(f) [A²/Hz or T²/Hz] at frequencies (F,) [Hz] above 0: `FlickerNoise`, `LorentzianNoise`, or a
            function of your own, in jax.numpy.
        duration: [s], as long as the run; after it the last sample stays.
        interval: time between samples [s]; a step of a run is at most that long.
        key: a `jax.random.key`.

    Raises ValueError for a density that is negative or not finite, and for times that cannot be meant.

    >>> import jax, llgrad as lg
    >>> noise = lg.drives.coloured_noise(
    ...     lg.drives.FlickerNoise(1e-14, corner=1e9), duration=1e-6, interval=50e-12, key=jax.random.key(0)
    ... )
    >>> drive = lg.Drive(current=lg.drives.Constant(1e-3) + noise)
    >>> noise.values.shape
    (20001,)
    """
    count = _count(duration, interval)
    if not callable(density):
        how = "give such as FlickerNoise(1e-14, corner=1e9)"
        raise ValueError(wrong_kind("density", density, "a function of the frequency in Hz", how))
    check_kind("key", key, jax.Array, "give key=jax.random.key(0)")
    interval = float(as_number(interval))
    length = 1 << (2 * count - 1).bit_length()
    dtype = jnp.result_type(float)
    f = jnp.asarray(np.arange(1, length // 2 + 1) / (length * interval), dtype)
    strength = jnp.broadcast_to(jnp.asarray(density(f), dtype), f.shape)
    if is_concrete(strength) and not (np.isfinite(strength).all() and (np.asarray(strength) >= 0).all()):
        raise ValueError("the density is negative or not finite at some frequency; expected a spectral density")
    known = strength > 0
    size = jnp.where(known, jnp.sqrt(jnp.where(known, strength, 1.0)), 0.0) * (length / (4 * interval)) ** 0.5
    normal = jax.random.normal(key, (2, length // 2), dtype)
    # at half of the sampling rate there is no imaginary part, and the real one has all of the power
    sizes = jnp.stack([size.at[-1].multiply(2**0.5), size])
    real, imaginary = jnp.concatenate([jnp.zeros((2, 1), dtype), sizes * normal], axis=1)
    values = jnp.fft.irfft(jax.lax.complex(real, imaginary), length)[:count]
    return Sampled(np.arange(count) * interval, values)


def _count(duration: Any, interval: Any) -> int:
    """The number of samples."""
    for name, value in (("duration", duration), ("interval", interval)):
        number = as_number(value)
        if isinstance(number, bool) or not (isinstance(number, (int, float)) and 0 < number < 1):
            raise ValueError(f"{name} = {value!r}, expected a time in seconds, such as 1e-6")
    samples = float(as_number(duration)) / float(as_number(interval))
    if not 2 <= samples <= MOST_SAMPLES:
        raise ValueError(
            f"a duration of {show(duration, 's')} has {samples:.3g} samples of {show(interval, 's')}, expected 2 to "
            f"{MOST_SAMPLES}; choose another interval"
        )
    return int(np.ceil(samples * (1 - 1e-9))) + 1
