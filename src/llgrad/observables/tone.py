"""The strongest tone of a signal, by weighted least squares: the machinery of frequency, amplitude and phase.

At a trial frequency f the signal is fitted by a constant and by cosines and sines of f, 2f and 3f, under the weights
sin²(π(n + ½)/T), and the frequency is where the fit explains most. A tone with such harmonics is found exactly,
whatever its offset and however few its periods; other tones, k bins away (a bin is one period per trace), disturb it by
about their relative amplitude/k³, in bins. White noise enters 1.53 times as strongly as the Cramér–Rao bound demands.

The samples are read three times only: by a fast Fourier transform, whose best bin is the start, and twice to be turned
back by a trial frequency and summed against powers of time (`moments`). All steps of Newton's method, first for f
alone, run on those few sums. The last one is differentiated: that is the exact first derivative of the maximum, by the
implicit function theorem. Signals that are known are NumPy's work where they are few, and nothing is compiled for
them.

A signal oscillates unless one of these holds:

- fewer than one period lies in it (a slope and a bend have a best frequency, too, but a lower one), or, of a few
  periods, the signal does not pass its mean once in each, as a slope does not;
- white noise of the same power would show as strong a tone once in 1/`FALSE_ALARM` signals;
- the motion has died away: `DEAD` of the largest amplitude is what the last quarter still has.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.namespace import fixed, known, namespace, repeated
from llgrad.observables.estimators.moments import (
    HARMONICS,
    BinnedProducts,
    Sums,
    explained,
    explained_alone,
    fundamental,
    product,
    products_at,
    sums_at,
    turns,
    waves,
    weights_of,
)

READINGS: Final = 2
STEPS: Final = 7
"""Newton steps after each reading of the samples."""
ALONE: Final = 3
"""The first of them, which leave the harmonics out."""
LARGEST_STEP: Final = 0.25
"""Largest change of the frequency in one step, in bins: as far as the start is from the best bin's middle."""
REACH: Final = 0.6
"""Largest distance from the frequency of a reading, in bins."""

FALSE_ALARM: Final = 1e-3
"""Probability that white noise passes for a tone."""
DEAD: Final = 0.05
FEWEST_PERIODS: Final = 0.98
FEW_PERIODS: Final = 4
PARTS: Final = 8
"""The amplitude is compared in so many parts of a signal, where each holds at least two periods."""

CHUNK: Final = 128
"""So many signals are taken at once: what they need stays in the cache of one core."""
FEW: Final = 16
"""So many signals that are known are NumPy's work: JAX would compile for longer than they take."""


class Tone(NamedTuple):
    """The strongest tone A cos(2π ν n + φ) of a signal, n = 0, 1, … its samples."""

    cycles: Any
    """ν, cycles per sample."""
    amplitude: Any
    """A, in the unit of the signal."""
    phase: Any
    """φ at the first sample [rad], −π to π."""


def tone_and_verdict(values: Any, rounding: float = 0.0) -> tuple[Tone, Any]:
    """What explains each signal (…, T) best, NaN where it is constant, and whether the signal oscillates.

    Of `FEW` known ones they are NumPy's arrays.

    What varies less than `rounding` from peak to peak is at rest.
    """
    lead, size = values.shape[:-1], values.shape[-1]
    if math.prod(lead) <= FEW and namespace(values) is np:
        with np.errstate(all="ignore"):  # a constant signal has no tone, which is told by NaN
            each = [_tone(np, row, rounding) for row in known(values).reshape(-1, size)]
        found = jax.tree.map(lambda *parts: np.stack(parts), *each) if each else _tones(values, rounding)
    else:
        found = _tones(jnp.asarray(values).reshape(-1, size), rounding)
    return jax.tree.map(lambda part: part.reshape(lead), found)


@partial(jax.jit, static_argnums=1)
def _tones(values: Any, rounding: float) -> tuple[Tone, Any]:
    """Of signals (S, T). One by itself is traced without a batch, which takes half the time."""
    tone = partial(_tone, jnp, rounding=rounding)
    count = values.shape[0]
    if count == 1:
        return jax.tree.map(lambda part: part[None], tone(values[0]))
    if count <= CHUNK:
        return jax.vmap(tone)(values)
    chunks = -(-count // CHUNK)
    size = -(-count // chunks)  # chunks of one size are one program
    filled = jnp.concatenate([values, values[: chunks * size - count]])
    found = jax.lax.map(jax.vmap(tone), filled.reshape(chunks, size, -1))
    return jax.tree.map(lambda part: part.reshape(-1)[:count], found)


def _tone(xp: Any, values: Any, rounding: float) -> tuple[Tone, Any]:
    size, dtype = values.shape[0], values.dtype
    weights = weights_of(xp, size, dtype)
    largest, peak_to_peak = xp.max(xp.abs(values)), xp.max(values) - xp.min(values)
    varies = peak_to_peak > 4 * float(jnp.finfo(dtype).eps) * largest
    values = values - xp.sum(weights * values)
    scale = fixed(xp.max(xp.abs(values)))
    values = values / xp.where(scale > 0, scale, xp.ones_like(scale))
    padded = 2 ** math.ceil(math.log2(2 * size))
    still = fixed(values)
    start = _best_bin(xp, weights * still, weights, padded)
    offset, alone = _search(xp, start, weights * still, padded)
    wave = waves(xp, start, offset, size, padded, dtype)
    sums = sums_at(xp, start, offset, weights * values, padded, wave)
    products = products_at(xp, xp.zeros_like(offset), sums)
    step = _last_step(xp, products, sums)
    a, b = fundamental(xp, step, products, sums)
    cycles = start.astype(dtype) / padded + (offset + step) / size
    back = turns(xp, start, size - 1, padded)[0].astype(dtype) / padded + (offset + step) * ((size - 1) / size)
    phase = within_a_turn(-math.pi * back - xp.arctan2(b, a), xp)
    periods = start.astype(dtype) * (size / padded) + xp.minimum(alone, offset)
    found = varies & (peak_to_peak > rounding) & _returns(xp, still, periods)
    found = found & _stands_out(xp, products, sums, weights, still) & ~_dies(xp, still, wave, periods)
    nan = xp.where(varies, xp.ones_like(scale), xp.full_like(scale, math.nan))
    return Tone(nan * cycles, nan * scale * xp.sqrt(a**2 + b**2), nan * phase), found


def _best_bin(xp: Any, weighted: Any, weights: Any, padded: int) -> Any:
    """The bin of `padded` that explains most of the signal, at least one period per trace and one away from Nyquist."""
    size = weighted.shape[0]
    half = padded // 2
    signal = xp.fft.rfft(weighted, padded)[:half]
    window = xp.fft.fft(weights, padded)
    once, twice = window[:half], window[: 2 * half : 2]
    power = _power(
        signal.real,
        -signal.imag,
        (1 + twice.real) / 2 - once.real**2,
        (1 - twice.real) / 2 - once.imag**2,
        -twice.imag / 2 + once.real * once.imag,
    )
    one_period, bins = math.ceil(padded / size), xp.arange(half)
    return xp.argmax(xp.where((bins >= one_period) & (bins <= half - one_period), power, -xp.inf))


def _power(cos_x: Any, sin_x: Any, cos_cos: Any, sin_sin: Any, cos_sin: Any) -> Any:
    """Explained square bᵀA⁻¹b of the fit by cos and sin, from their moments with the signal and with one another."""
    return (sin_sin * cos_x**2 - 2 * cos_sin * cos_x * sin_x + cos_cos * sin_x**2) / (cos_cos * sin_sin - cos_sin**2)


def _search(xp: Any, start: Any, weighted: Any, padded: int) -> tuple[Any, Any]:
    """The offset from the start, in bins, that explains most; and that of the fit without harmonics."""
    size, dtype = weighted.shape[0], weighted.dtype
    first = xp.arange(HARMONICS) == 0
    tiny = float(jnp.finfo(dtype).tiny)

    def reading(number: Any, state: tuple[Any, Any]) -> tuple[Any, Any]:
        begin, alone = state
        sums = sums_at(xp, start, begin, weighted, padded, waves(xp, start, begin, size, padded, dtype))

        def improve(count: Any, offsets: tuple[Any, Any]) -> tuple[Any, Any]:
            offset, alone = offsets
            single = (number == 0) & (count < ALONE)
            found = explained(xp, products_at(xp, offset, sums), sums, xp.where(single, first, sums.used))
            step = found.slope / xp.maximum(xp.abs(found.bend), tiny)  # uphill, on a convex slope too
            offset = xp.clip(offset + xp.clip(step, -LARGEST_STEP, LARGEST_STEP), -REACH, REACH)
            return offset, xp.where(single, begin + offset, alone)

        offset, alone = repeated(xp, STEPS, improve, (xp.zeros_like(begin), alone))
        return begin + offset, alone

    zero = xp.zeros((), dtype) * weighted[0]  # of the same kind as the signal where that is mapped over devices
    return repeated(xp, READINGS, reading, (zero, zero))


def _last_step(xp: Any, products: BinnedProducts, sums: Sums) -> Any:
    """One step of Newton's method from the frequency of the sums, which carries the derivative."""
    found = explained(xp, products, sums, sums.used)
    step = -found.slope / found.bend
    return xp.where(xp.abs(step) < LARGEST_STEP, step, step - fixed(step))


def _returns(xp: Any, values: Any, periods: Any) -> Any:
    """Whether the signal holds a period, and, where it holds only a few, comes back that often."""
    passes = xp.sum((values[1:] > 0) != (values[:-1] > 0)).astype(values.dtype)
    return (periods >= FEWEST_PERIODS) & ((periods >= FEW_PERIODS) | (passes >= periods))


def _stands_out(xp: Any, products: BinnedProducts, sums: Sums, weights: Any, values: Any) -> Any:
    """Whether white noise shows so strong a tone no more often than `FALSE_ALARM`.

    In n independent readings, a sine explains more than the part g with the probability (1 − g)^((n − 3)/2); the
    weights leave n = T/1.5 of them, and there are about T frequencies to try.
    """
    size = values.shape[0]
    alone = explained_alone(xp, products, sums)
    rest = 1 - alone / xp.maximum(xp.sum(weights * values**2), float(jnp.finfo(values.dtype).tiny))
    return rest < (FALSE_ALARM / size) ** (2 / (size / 1.5 - 3))


def _dies(xp: Any, values: Any, wave: Any, periods: Any) -> Any:
    """Whether the last quarter still has `DEAD` of the largest amplitude, and no more."""
    size, dtype = values.shape[0], values.dtype
    quarter = values[: size // 4 * 4].reshape(4, -1)
    spread = xp.std(quarter, axis=1)
    length = size // PARTS
    if length < 8:
        return spread[-1] < DEAD * xp.max(spread)
    turned = wave[:, size - PARTS * length :] * values[None, size - PARTS * length :]
    parts = product(xp, turned.reshape(2, PARTS, length), weights_of(xp, length, dtype))
    tone = xp.sqrt(xp.sum(parts**2, axis=0))
    faded = xp.max(tone[-2:]) < DEAD * xp.max(tone)
    return (spread[-1] < DEAD * xp.max(spread)) | (faded & (periods >= 2 * PARTS))


def within_a_turn(phase: Any, xp: Any = jnp) -> Any:
    """A phase [rad] without its whole turns, −π to π."""
    return phase - math.tau * xp.round(phase / math.tau)
