"""The diffusion of the phase of an oscillator with a steady amplitude, from one recorded trace."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from llgrad.observables.estimators.steadiness import interval_error

FEWEST_PERIODS: Final = 16
BAND: Final = (0.4, 0.7)
"""The phase is that of what lies within ±0.4 f of the line; the filter falls to zero at ±0.7 f."""
HIGHEST: Final = 0.25
"""The frequency's fluctuations are used up to this part of the frequency."""
WIDTHS: Final = 160
CORNERS: Final = 64
RATIOS: Final = (1.0, 0.4, 0.15, 0.06, 0.02, 0.007, 0.002, 0.0)
"""White part of the frequency noise, relative to all of it at low frequencies: the nonlinear shift amplifies that."""
SINGLE: Final = 32
"""So many of the lowest readings of the periodogram are used one by one, the others averaged in bands."""
BANDS: Final = 80


class Diffusion(NamedTuple):
    """Mean frequency and line width of a phase that diffuses; in Hz."""

    frequency: float
    error: float
    """√(Δf/(2πT)) of a phase that diffuses for the time T, over all likely Δf."""
    widths: np.ndarray
    """Line widths (W,), Δf = (dσ²/dt)/(2π) from the slope of the phase's variance, and how likely each is, of sum 1."""
    weights: np.ndarray


def diffusion_of(values: np.ndarray, step: float, f: float) -> Diffusion | None:
    """The diffusion of the phase of samples (T,), `step` [s] apart, about a tone at f [Hz]; None for a short trace.

    The phase φ is that of the analytic signal near the tone, sampled once a period; its mean slope is the frequency.
    The periodogram of the frequency (φ_{j+1} − φ_j)/(2π P), P = 1/f, is compared, by Whittle's likelihood, with

        S(ν) = Δf/π sinc⁴(νP) (ν_c² + ρ ν²)/(ν_c² + ν²) + r sinc²(νP) sin²(πνP)

    that is what white noise does to an oscillator with a nonlinear frequency shift (its return rate is Γ = 2π ν_c), and
    noise r of the recorder (sinc x = sin(πx)/(πx), from the means over periods). The unknown ν_c, ρ and r are averaged
    over on a grid that is even in their logarithms (ρ = 1, no nonlinear shift, counts as much as all others).

    Source: J.-V. Kim, V. Tiberkevich, A. N. Slavin, Phys. Rev. Lett. 100, 017207 (2008), for the shape.
    """
    phase = _phase_each_period(values, step, f)
    periods = phase.size - 1
    if periods < FEWEST_PERIODS:
        return None
    shift = np.diff(phase) * f / (2 * math.pi)
    widths, weights = _posterior(shift - shift.mean(), f)
    variances = widths * f / (2 * math.pi * periods)
    error = max(interval_error(variances, weights), math.sqrt(float(weights @ variances)))
    return Diffusion(f + float(shift.mean()), error, widths, weights)


def _phase_each_period(values: np.ndarray, step: float, f: float) -> np.ndarray:
    """Phase [rad] beyond 2πft, averaged over each period of the trace without its ends."""
    size = values.size
    distance = np.abs(np.fft.fftfreq(size, step) - f) / f
    flat, end = BAND
    band = np.clip((end - distance) / (end - flat), 0, 1)
    analytic = np.fft.ifft(np.fft.fft(values - values.mean()) * np.sin(math.pi / 2 * band) ** 2)
    t = step * np.arange(size)
    slow = np.unwrap(np.angle(analytic * np.exp(-2j * math.pi * f * t)))
    integral = np.concatenate([[0.0], np.cumsum((slow[1:] + slow[:-1]) / 2)]) * step
    edges = np.arange(1.5 / f, t[-1] - 1.5 / f, 1 / f)
    return np.diff(np.interp(edges, t, integral)) * f


def _posterior(shift: np.ndarray, f: float) -> tuple[np.ndarray, np.ndarray]:
    """Line widths [Hz] and the probability of each, from the frequency's deviation in each period (N,) [Hz]."""
    size = shift.size
    power = 2 / (size * f) * np.abs(np.fft.rfft(shift)) ** 2
    nu = np.fft.rfftfreq(size, 1 / f)
    used = (nu > 0) & (nu <= HIGHEST * f)
    power, nu, counts = _in_bands(np.maximum(power[used], 1e-30 * f), nu[used])
    corners = np.geomspace(0.5 * f / size, HIGHEST * f, CORNERS)[:, None, None, None]
    ratios = np.array(RATIOS)[:, None, None]
    recorder = np.concatenate([[0.0], np.geomspace(0.03, 1e4, 7)])[:, None]
    mean = np.sinc(nu / f) ** 2  # of a period
    shapes = mean**2 * (corners**2 + ratios * nu**2) / (corners**2 + nu**2)
    shapes = shapes + recorder * mean * np.sin(math.pi * nu / f) ** 2
    linear = np.broadcast_to(np.where(ratios == 1, len(RATIOS) - 1.0, 1.0), shapes[..., :1].shape)
    shapes, count = shapes.reshape(-1, nu.size), counts.sum()
    total, logs = (counts * power / shapes).sum(axis=1), (counts * np.log(shapes)).sum(axis=1) - np.log(linear).ravel()
    middle, reach = total / count, math.exp(8 * math.sqrt(2 / count) + 2)
    density, weights = np.ones(1), np.ones(1)
    edges = (float(middle.min()) / reach, float(middle.max()) * reach)
    for _ in range(2):  # once to see where it lies, once to resolve it
        density = np.geomspace(*edges, WIDTHS)
        likely = -count * np.log(density) - total[:, None] / density - logs[:, None]
        weights = np.exp(likely - likely.max()).sum(axis=0)
        inside = density[weights > 1e-6 * weights.max()]
        edges = (float(inside[0]) / 1.05, float(inside[-1]) * 1.05)
    return math.pi * density, weights / weights.sum()


def _in_bands(power: np.ndarray, nu: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The lowest readings as they are, the others averaged in bands; with the number of readings in each."""
    if nu.size <= SINGLE + BANDS:
        return power, nu, np.ones(nu.size)
    place = np.concatenate([np.arange(SINGLE), np.unique(np.geomspace(SINGLE, nu.size, BANDS).astype(int))[:-1]])
    counts = np.diff(np.append(place, nu.size))
    return np.add.reduceat(power, place) / counts, np.add.reduceat(nu, place) / counts, counts.astype(float)
