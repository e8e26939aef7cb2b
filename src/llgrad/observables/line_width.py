"""Frequency and line width of an oscillator whose phase diffuses, from one recorded trace, with honest intervals."""

from __future__ import annotations

import math
from typing import Any, Final

import equinox as eqx
import numpy as np

from llgrad.core.units import show, show_with_error
from llgrad.observables.frequency import frequency
from llgrad.observables.signal import signal_of

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


class LineWidth(eqx.Module):
    """Mean frequency and line width of a noisy oscillation; in Hz."""

    frequency: float
    frequency_error: float
    """Standard error √(Δf/(2π T)) of a phase that diffuses for the time T."""
    line_width: float
    """Full width Δf = (dσ²/dt)/(2π) from the slope of the phase's variance: the median of its distribution."""
    line_width_error: float
    """Half of the interval that holds 68 %."""
    periods: float
    """Number of periods that were used."""
    widths: Any
    """Line widths (W,) and how likely each is (W,), of sum 1."""
    weights: Any

    def interval(self, probability: float = 0.95) -> tuple[float, float]:
        """The interval [Hz] in which the line width lies with this probability, as likely above it as below.

        It is not symmetric about the value: a short trace hardly bounds the width from above.
        """
        if not 0 < probability < 1:
            raise ValueError(f"interval({probability}): expected a probability such as 0.95")
        outside = (1 - probability) / 2
        low, high = np.interp([outside, 1 - outside], np.cumsum(self.weights), np.log(self.widths))
        return float(np.exp(low)), float(np.exp(high))

    def to_json(self) -> dict[str, Any]:
        """The numbers, and the 95 % interval of the line width, as a dictionary."""
        names = ("frequency", "frequency_error", "line_width", "line_width_error", "periods")
        return {name: getattr(self, name) for name in names} | {"interval_95": list(self.interval(0.95))}

    def __repr__(self) -> str:
        found = show_with_error(self.frequency, self.frequency_error, "Hz")
        low, high = (show(float(f"{edge:.2g}"), "Hz") for edge in self.interval())
        width = show(float(f"{self.line_width:.2g}"), "Hz")
        return f"frequency {found}; line width {width}, between {low} and {high} (95 %)"


def line_width(source: Any, dt: float | None = None) -> LineWidth:
    """Mean frequency and line width of the strongest tone of one noisy signal, from the diffusion of its phase.

    The phase φ is that of the analytic signal near the tone, sampled once a period; its mean slope is the frequency.
    The periodogram of the frequency (φ_{j+1} − φ_j)/(2π P), P = 1/f, is compared, by Whittle's likelihood, with

        S(ν) = Δf/π (ν_c² + ρ ν²)/(ν_c² + ν²) + r sin²(πνP)

    that is what white noise does to an oscillator with a nonlinear frequency shift (its return rate is Γ = 2π ν_c), and
    noise r of the recorder. The unknown ν_c, ρ and r are averaged over on a grid that is even in their logarithms
    (ρ = 1, no nonlinear shift, counts as much as all others): the interval of Δf is honest for short traces too. Δf is
    the slope of the phase's variance over 2π, the full width of a Lorentzian line. Where the return is slow the line is
    nearly Gaussian, and narrower than this; for its own width see `peak_of`.

    Args:
        source: a `Trajectory` (m·p is taken), a `Trace` of one column, or samples (T,), with `dt` [s]. Cut away first
            what is not steady, such as the growth of the oscillation.
        dt: time between two samples of an array [s].

    Raises:
        ValueError: for what `frequency` raises, several signals, and fewer than 16 whole periods.

    Sources: J.-V. Kim, V. Tiberkevich, A. N. Slavin, Phys. Rev. Lett. 100, 017207 (2008), for the shape;
    P. Whittle, Ark. Mat. 2, 423 (1953), for the likelihood.

    >>> rng = np.random.default_rng(1)  # 1 GHz, 5 MHz wide, for 2 µs; an interval of 95 % misses 1 time in 20
    >>> phase = 2 * np.pi * 1e9 * 5e-11 * np.arange(40_000) + np.cumsum(rng.normal(0, 0.0396, 40_000))
    >>> found = line_width(np.cos(phase), dt=5e-11)
    >>> abs(found.frequency - 1e9) < 2 * found.frequency_error
    True
    >>> found.interval()[0] < 5e6 < found.interval()[1]
    True
    """
    signal = signal_of(source, dt)
    values, step = np.asarray(signal.values, dtype=float), float(signal.dt)
    if values.ndim != 1:
        raise ValueError(f"the signal has the shape {values.shape}, expected that of one oscillator, (T,); choose one")
    f = float(frequency(values, dt=step))
    phase = _phase_each_period(values, step, f)
    periods = phase.size - 1
    if periods < FEWEST_PERIODS:
        raise ValueError(
            f"the trace holds {values.size * step * f:.3g} periods of {show(float(f'{f:.4g}'), 'Hz')}; a line width "
            f"needs at least {FEWEST_PERIODS + 4}: record longer"
        )
    shift = np.diff(phase) * f / (2 * math.pi)
    widths, weights = _posterior(shift - shift.mean(), f)
    low, width, high = np.exp(np.interp([0.16, 0.5, 0.84], np.cumsum(weights), np.log(widths)))
    mean = float(weights @ widths)
    error = math.sqrt(mean * f / (2 * math.pi * periods))
    return LineWidth(
        f + float(shift.mean()), error, float(width), float(high - low) / 2, float(periods), widths, weights
    )


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
    shapes = (corners**2 + ratios * nu**2) / (corners**2 + nu**2) + recorder * np.sin(math.pi * nu / f) ** 2
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
