"""The strongest tone of a signal, by weighted least squares: the machinery of frequency, amplitude and phase.

At a trial frequency f the signal is fitted by a constant and by cosines and sines of f, 2f and 3f, under the weights
sin²(π(n + ½)/T), and the frequency is where the fit explains most. A tone with such harmonics is found exactly,
whatever its offset and however few its periods; other tones, k bins away (a bin is one period per trace), disturb it by
about their relative amplitude/k³, in bins. White noise enters 1.53 times as strongly as the Cramér–Rao bound demands.
The start is the best bin of a fast Fourier transform, from one period per trace upwards; then come Gauss–Newton steps,
first for f alone, and one step of Newton's method, which is differentiated: that is the exact first derivative of the
maximum, by the implicit function theorem.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp

HARMONICS: Final = 3
"""Multiples of the frequency in the fit, the frequency itself included."""

MOST_STEPS: Final = 20
LARGEST_STEP: Final = 0.25
"""Largest change of the frequency in one step, in bins: as far as the start is from the best bin's middle."""


class Tone(NamedTuple):
    """The strongest tone A cos(2π ν n + φ) of a signal, n = 0, 1, … its samples."""

    cycles: Any
    """ν, cycles per sample."""
    amplitude: Any
    """A, in the unit of the signal."""
    phase: Any
    """φ at the first sample [rad], −π to π."""


class _Samples(NamedTuple):
    """A signal ready to be fitted, all (T,)."""

    values: Any
    """Samples, scaled, without their weighted mean."""
    weights: Any
    """Weights of sum 1."""
    turns: Any
    """Phase of the start frequency, in turns."""
    bins: Any
    """Phase of one bin, in turns, 0 in the middle of the trace."""


def strongest_tone(values: Any) -> Tone:
    """The strongest tone of each signal (…, T). NaN where a signal is constant."""
    if values.ndim == 1:  # a mapped function takes half as long again to trace
        return _tone(values)
    lead = values.shape[:-1]
    return Tone(*(part.reshape(lead) for part in jax.vmap(_tone)(values.reshape(-1, values.shape[-1]))))


@jax.jit
def _tone(values: Any) -> Tone:
    size, dtype = values.shape[0], values.dtype
    index = jnp.arange(size, dtype=dtype)
    weights = jnp.sin(math.pi * (index + 0.5) / size) ** 2
    weights = weights / jnp.sum(weights)
    varies = jnp.max(values) > jnp.min(values)
    values = values - jnp.sum(weights * values)
    scale = jax.lax.stop_gradient(jnp.max(jnp.abs(values)))
    values = values / jnp.where(scale > 0, scale, 1)
    padded = 2 ** math.ceil(math.log2(2 * size))
    start = _best_bin(jax.lax.stop_gradient(values), weights, padded)
    samples = _Samples(values, weights, _turns(start, size, padded, dtype), (index - (size - 1) / 2) / size)
    start = start.astype(dtype) / padded
    order = jnp.arange(1, HARMONICS + 1, dtype=dtype)
    below_nyquist = (order * start <= 0.5 - 1.5 / size) | (order == 1)
    offset = _differentiable(_search(jax.lax.stop_gradient(samples), below_nyquist), samples, below_nyquist)
    amplitude, phase = _read(offset, samples, below_nyquist, size)
    found = jnp.where(varies, 1, jnp.nan).astype(dtype)
    return Tone(found * (start + offset / size), found * scale * amplitude, found * phase)


def _turns(start: Any, size: int, padded: int, dtype: Any) -> Any:
    """start · n / padded without its whole turns: exact in integers (which wrap at 2³², a multiple of `padded`)."""
    product = start.astype(jnp.uint32) * jnp.arange(size, dtype=jnp.uint32)
    return (product & jnp.uint32(padded - 1)).astype(dtype) / padded


def _best_bin(values: Any, weights: Any, padded: int) -> Any:
    """The bin of `padded` that explains most of the signal, at least one period per trace and one away from Nyquist."""
    size = values.shape[0]
    half = jnp.arange(padded // 2)
    signal = jnp.fft.fft(weights * values, padded)[half]
    window = jnp.fft.fft(weights.astype(signal.dtype), padded)
    once, twice = window[half], window[2 * half]
    explained = _explained(
        signal.real,
        -signal.imag,
        (1 + twice.real) / 2 - once.real**2,
        (1 - twice.real) / 2 - once.imag**2,
        -twice.imag / 2 + once.real * once.imag,
    )
    one_period = math.ceil(padded / size)
    return jnp.argmax(jnp.where((half >= one_period) & (half <= padded // 2 - one_period), explained, -jnp.inf))


def _explained(cos_x: Any, sin_x: Any, cos_cos: Any, sin_sin: Any, cos_sin: Any) -> Any:
    """Explained square bᵀA⁻¹b of the fit by cos and sin, from their moments with the signal and with one another."""
    return (sin_sin * cos_x**2 - 2 * cos_sin * cos_x * sin_x + cos_cos * sin_x**2) / (cos_cos * sin_sin - cos_sin**2)


@jax.jit
def _basis(offset: Any, samples: _Samples, used: Any) -> tuple[Any, Any]:
    """Cosines, then sines, of K multiples of a frequency, (2K, T), without weighted means; and their derivatives."""
    phase = math.tau * (samples.turns + offset * samples.bins)
    cos, sin = [jnp.cos(phase)], [jnp.sin(phase)]
    for _ in range(1, used.shape[0]):  # angle addition is cheaper than more cosines
        cos, sin = [*cos, cos[-1] * cos[0] - sin[-1] * sin[0]], [*sin, sin[-1] * cos[0] + cos[-1] * sin[0]]
    rate = math.tau * samples.bins
    waves = jnp.stack([*cos, *sin])
    change = jnp.stack([*(-k * rate * s for k, s in enumerate(sin, 1)), *(k * rate * c for k, c in enumerate(cos, 1))])
    both, weights = jnp.concatenate([used, used])[:, None], samples.weights[None, :]
    waves, change = (part - jnp.sum(weights * part, axis=1, keepdims=True) for part in (waves, change))
    return jnp.where(both, waves, 0), jnp.where(both, change, 0)


def _coefficients(waves: Any, samples: _Samples, used: Any) -> tuple[Any, Any]:
    """The best coefficients of the basis, (2K,), 0 for what is not used; and the inverse normal matrix, (2K, 2K)."""
    weighted = waves * samples.weights[None, :]
    unused = jnp.diag(jnp.where(jnp.concatenate([used, used]), 0, 1).astype(waves.dtype))
    inverse = _inverse(_product(weighted, waves.T) + unused)
    return _product(inverse, _product(weighted, samples.values)), inverse


@jax.jit
def _inverse(matrix: Any) -> Any:
    """The inverse of a small positive definite matrix, by one sweep for each row: LAPACK would take longer to load.

    A sweep of row k with the pivot p and the column c maps A to A − c cᵀ/p, its row and column k to c/p, the pivot to
    −1/p; all sweeps together give −A⁻¹. Source: A. E. Beaton, ETS Research Bulletin RB-64-51 (1964).
    """
    rows = jnp.arange(matrix.shape[0])

    def sweep(matrix: Any, k: Any) -> tuple[Any, None]:
        others = rows != k
        column = jnp.where(others, matrix[k], -1)
        rest = jnp.where(others[:, None] & others[None, :], matrix, 0)
        return rest - column[:, None] * (column / matrix[k, k])[None, :], None

    return -jax.lax.scan(sweep, matrix, rows)[0]


_product = partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)


def _search(samples: _Samples, used: Any) -> Any:
    """The offset from the start frequency, in bins, that explains most: first without, then with its multiples."""
    dtype = samples.values.dtype
    limit, enough = jnp.asarray(LARGEST_STEP, dtype), jnp.sqrt(jnp.finfo(dtype).eps)
    first = jnp.arange(used.shape[0]) == 0

    def unfinished(state: tuple[Any, ...]) -> Any:
        _, step, count, _ = state
        return (jnp.abs(step) > enough) & (count < MOST_STEPS)

    def improve(state: tuple[Any, ...]) -> tuple[Any, ...]:
        offset, _, count, alone = state
        step = jnp.clip(_gauss_newton_step(offset, samples, jnp.where(alone, first, used)), -limit, limit)
        ready = alone & (jnp.abs(step) <= enough)
        return offset + step, jnp.where(ready, limit, step), count + 1, alone & ~ready

    return jax.lax.while_loop(unfinished, improve, (jnp.zeros_like(limit), limit, 0, jnp.asarray(True)))[0]


def _gauss_newton_step(offset: Any, samples: _Samples, used: Any) -> Any:
    """The step at which the fit, linear in the frequency, explains most: always uphill."""
    waves, change = _basis(offset, samples, used)
    coefficients, inverse = _coefficients(waves, samples, used)
    rest = samples.values - _product(coefficients, waves)
    slope = _product(coefficients, change)
    slope = slope - _product(_product(inverse, _product(waves, samples.weights * slope)), waves)
    return jnp.sum(samples.weights * rest * slope) / jnp.sum(samples.weights * slope**2)


def _differentiable(found: Any, samples: _Samples, used: Any) -> Any:
    """One step of Newton's method from the offset found, which carries the derivative."""

    def slope(offset: Any) -> Any:
        waves, change = _basis(offset, samples, used)
        coefficients, _ = _coefficients(waves, samples, used)
        rest = samples.values - _product(coefficients, waves)
        return jnp.sum(samples.weights * rest * _product(coefficients, change))

    value, curvature = jax.jvp(slope, (found,), (jnp.ones_like(found),))
    step = -value / curvature
    good = jnp.abs(step) < LARGEST_STEP
    return found + jnp.where(good, step, step - jax.lax.stop_gradient(step))


def _read(offset: Any, samples: _Samples, used: Any, size: int) -> tuple[Any, Any]:
    """Amplitude and phase at the first sample of the fit at a frequency."""
    coefficients, _ = _coefficients(_basis(offset, samples, used)[0], samples, used)
    a, b = coefficients[0], coefficients[HARMONICS]
    phase = -math.tau * offset * (size - 1) / (2 * size) - jnp.arctan2(b, a)
    return jnp.sqrt(a**2 + b**2), within_a_turn(phase)


def within_a_turn(phase: Any) -> Any:
    """A phase [rad] without its whole turns, −π to π."""
    return phase - math.tau * jnp.round(phase / math.tau)
