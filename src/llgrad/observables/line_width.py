"""Frequency and line width of a noisy oscillation, from one recorded trace, with honest intervals."""

from __future__ import annotations

import math
from typing import Any, Final

import equinox as eqx
import numpy as np
from jaxtyping import Float

from llgrad.core.units import show, show_with_error
from llgrad.observables.estimators.change import change_of
from llgrad.observables.estimators.diffusion import diffusion_of
from llgrad.observables.estimators.line import CLEAN, FALSE_ALARM, LineFit, Statistics, fit_line, line_shape, quantiles
from llgrad.observables.estimators.steadiness import excess, interval_error, width_excess
from llgrad.observables.frequency import best_frequency
from llgrad.observables.signal import Source, signal_of

FEWEST_PERIODS: Final = 20
FEWEST_BINS: Final = 1.5
"""What is lower than so many periods in the trace is a drift."""
RESOLVED: Final = 0.1
"""A line is resolved where its width is, with 97.5 %, more than this part of 1/T."""
FLATTER: Final = 0.5
"""Of a line that is not resolved, the posterior is taken to this power, which is broader: an oscillator's phase wanders
little in one of many short records, more often than Whittle's likelihood, for Gaussian signals, has it. Judged, by
simulation of oscillators of 11 and 13 dB, of eight or nine coherence times; between 0.25 and 0.5 the coverage at 10 and
20 dB, of ten coherence times, is the same to 0.01."""
LOBES: Final = 2.5
MOST_LOBES: Final = 0.25
"""The frequency of a steady oscillator of n coherence times is less well known, by the part LOBES/n, than in the limit
of many: Whittle's likelihood takes one lobe of a short record for the line. By simulation of 10 and 20 dB, where errors
without it hold the truth in 92 and 95 % of the draws for n = 10 and 30."""
WALK: Final = 1.6
"""Variance of the frequency of a tone whose phase walks, over the best that there is, Δ/(2πT): the tone's fit gives
little weight to the ends."""
STEADY: Final = 0.5
"""The phase is followed of what is nearer to a steady amplitude (1) than to a Gaussian signal (0); judged: of 400
signals each, 1 % of the Gaussian ones of 10 % and 20 dB pass, in ten coherence times, and 30 % of the oscillators.
Everywhere else the information is interpolated between both, by the steadiness that is found."""
BAND: Final = 6.0
"""Whether the amplitude is steady is seen in a band of so many line widths to each side."""
PHASE_BAND: Final = 0.55
"""The phase is followed in a band of this part of the frequency to each side."""
FAR: Final = 12.0
"""Farther than so many line widths, a Lorentzian line has 2.7 % of its power;"""
NOISY: Final = 0.12
"""more than this is noise, in which the phase slips by whole turns."""
FADE: Final = 0.3
FADES: Final = 0.005
"""A steady amplitude is below `FADE` of its root mean square for no more of the time; a Gaussian one for 8.6 %."""


NOISE: Final = f"no line stands out of the noise (which passes for one once in {1 / FALSE_ALARM:.0f} traces)"
DRIFT: Final = "no line: what varies is broader than its frequency, as a drift is"


class LineWidth(eqx.Module):
    """Frequency and width of a line in noise; in Hz. All are NaN where no line stands out of the noise.

    >>> import numpy as np, llgrad as lg
    >>> rng = np.random.default_rng(0)
    >>> phase = 2 * np.pi * 0.02 * np.arange(20_000) + np.cumsum(0.05 * rng.normal(size=20_000))
    >>> found = lg.observables.line_width(np.cos(phase), dt=1e-11)
    >>> [round(width / 1e6) for width in (found.line_width, *found.interval())]  # MHz; it is 0.05²/(2π 10 ps) = 40
    [46, 32, 121]
    """

    frequency: float
    frequency_error: float
    """Standard error: the interval of 95 % is ±1.96 of it."""
    line_width: float
    """Full width at half maximum: the median of its distribution."""
    line_width_error: float
    """Half of the interval that holds 68 %."""
    periods: float
    """Number of periods in the trace."""
    power: float
    """The variance that the line carries, in the unit of the signal squared."""
    background: float
    """Density of the noise about the line, in the unit of the signal squared per hertz."""
    widths: Float[np.ndarray, "W"]
    """Line widths (W,) and how likely each is (W,), of sum 1."""
    weights: Float[np.ndarray, "W"]
    notes: tuple[str, ...] = eqx.field(static=True)
    changes: bool = eqx.field(static=True, default=False)
    """Whether there is one that is not steady, a burst or a sweep: its numbers are NaN as well, and a note says how."""

    @property
    def found(self) -> bool:
        """Whether a line stands out of the noise; noise alone passes for one once in 1000 traces."""
        return math.isfinite(self.frequency)

    @property
    def amplitude(self) -> float:
        """√(2 power), the amplitude of a steady oscillation of this power."""
        return math.sqrt(2 * self.power)

    def interval(self, probability: float = 0.95) -> tuple[float, float]:
        """The interval [Hz] in which the line width lies with this probability, as likely above it as below.

        It is not symmetric about the value: a short trace hardly bounds the width from above.
        """
        if not 0 < probability < 1:
            raise ValueError(f"interval({probability}): expected a probability such as 0.95")
        if not self.found:
            return math.nan, math.nan
        outside = (1 - probability) / 2
        low, high = quantiles(np.log(self.widths), self.weights, [outside, 1 - outside])
        return float(np.exp(low)), float(np.exp(high))

    def to_json(self) -> dict[str, Any]:
        """The numbers, and the 95 % interval of the line width, as a dictionary."""
        names = ("frequency", "frequency_error", "line_width", "line_width_error", "periods", "power", "background")
        return {name: getattr(self, name) for name in names} | {"interval_95": list(self.interval(0.95))}

    def __repr__(self) -> str:
        if not self.found:
            return "; ".join(self.notes)
        found = show_with_error(self.frequency, self.frequency_error, "Hz")
        low, high = (show(float(f"{edge:.2g}"), "Hz") for edge in self.interval())
        width = show(float(f"{self.line_width:.2g}"), "Hz")
        return "; ".join([f"frequency {found}; line width {width}, between {low} and {high} (95 %)", *self.notes])


def line_width(source: Source, dt: float | None = None) -> LineWidth:
    """Frequency and width of the strongest line of one noisy signal: a Lorentzian on a flat background.

    The periodogram of the whole signal is compared with line and background together, by Whittle's likelihood (see
    `observables.estimators`), so that a broad line in noise is not mistaken for its highest reading. `peak_of` of the
    signal's spectrum, the command and the pictures give the same numbers. How often the intervals of 95 % hold
    frequency and width of lines of 0.1 to 30 % of their frequency, 10 and 20 dB above the noise, in records of 10 and
    30 coherence times 1/(πΔ), is in the table of benchmarks/lines.py: in 87 to 100 % of the draws, in 95 % on average;
    those of the width are too narrow in records of ten coherence times at 10 dB. A line no higher than its background
    is not found there: all is NaN then. So it is, with a note that says how it changes, where the power or the
    frequency is seen to change from one part of the record to the rest, as in a burst before a steady motion or in a
    sweep. A plain ring-down e^(−t/τ) has the width 1/(πτ) of its resonance.

    A clean oscillation of steady amplitude, which is its phase's affair, is taken by the diffusion of that (see
    `estimators.diffusion`): Δ is then the slope of the phase's variance over 2π, the full width of a Lorentzian line;
    where the spectrum is surely narrower, for the frequency wanders slowly, the spectrum's is taken. In noise, a
    Gaussian signal, such as a resonance that is excited by heat, and
    an oscillator of steady amplitude have the same spectrum, but the frequency of the second is known less well,
    √(Δ/(2πT)) instead of √(Δ/(4πT)), and the width better: how steady the amplitude is is taken from the signal.

    Args:
        source: a `Trajectory` (m·p is taken), the `signal(name)` of a run of a `System`, a `Trace` of one column, or
            samples (T,), with `dt` [s]. Cut away first what is not steady, such as the growth of the oscillation.
        dt: time between two samples of an array [s].

    Raises:
        ValueError: for what `frequency` raises, several signals, and a line that is not resolved in fewer than 20
            periods.

    Source: P. Whittle, Ark. Mat. 2, 423 (1953), for the likelihood.

    >>> rng = np.random.default_rng(1)  # 1 GHz, 5 MHz wide, for 2 µs; an interval of 95 % misses 1 time in 20
    >>> phase = 2 * np.pi * 1e9 * 5e-11 * np.arange(40_000) + np.cumsum(rng.normal(0, 0.0396, 40_000))
    >>> found = line_width(np.cos(phase), dt=5e-11)
    >>> abs(found.frequency - 1e9) < 2 * found.frequency_error
    True
    >>> found.interval()[0] < 5e6 < found.interval()[1]
    True
    >>> line_width(rng.normal(size=1000), dt=1e-11)
    no line stands out of the noise (which passes for one once in 1000 traces)
    """
    signal = signal_of(source, dt)
    values, step = np.asarray(signal.values, dtype=float), float(signal.dt)
    if values.ndim != 1:
        raise ValueError(f"the signal has the shape {values.shape}, expected that of one oscillator, (T,); choose one")
    found = line_of(values, step)
    if found.notes and found.periods < FEWEST_PERIODS:
        raise ValueError(
            f"the trace holds {found.periods:.3g} periods of {show(float(f'{found.frequency:.4g}'), 'Hz')}; a line "
            f"width needs at least {FEWEST_PERIODS}: record longer"
        )
    return found


def line_of(values: np.ndarray, step: float, window: tuple[float, float] | None = None) -> LineWidth:
    """The line of samples (T,), perhaps within a window (low, high) [Hz] alone."""
    f, density = _periodogram(values, step)
    inside = (f > 0) & (f < 0.5 / step * (1 - 0.5 / values.size))  # neither is exponential there
    inside = inside if window is None else inside & (f >= window[0]) & (f <= window[1])
    duration = values.size * step
    fit = fit_line(f[inside], density[inside], Statistics(1.0, 1 / duration))
    if fit is None or fit.frequency * duration < FEWEST_BINS:
        return _none()
    resolved = float(np.exp(quantiles(np.log(fit.widths), fit.width_weights, 0.025))) > RESOLVED / duration
    fit = fit if resolved else _to_the_power(fit, FLATTER)
    center, width = fit.frequency, fit.width
    power = fit.height / duration / float(line_shape(np.zeros(1), np.array([width]), 1 / duration)[0])
    notes: tuple[str, ...] = ()
    below, above = quantiles(fit.frequencies, fit.frequency_weights, [0.025, 0.975])
    if fit.width > fit.frequency:
        return _none(DRIFT)
    analytic, half = _analytic(values, step, fit)
    unsteady = _unsteady(analytic, step, fit)
    if unsteady:
        return _none(unsteady, changes=True)
    steady = _steadiness(analytic, power, 2 * half * fit.background)
    if window is None and steady > STEADY and _is_clean(values, step, fit, analytic, half):
        diffuse = _of_diffusion(values, step, fit, power)
        if diffuse is not None:
            return diffuse
    ratio = fit.background / fit.height
    if resolved:
        fit = _to_the_power(fit, 1 / (1 + steady * width_excess(ratio, 2 * fit.reach / width)))
    width = fit.width
    low, high = np.exp(quantiles(np.log(fit.widths), fit.width_weights, [0.16, 0.84]))
    few = 1 + steady * min(LOBES / (math.pi * width * duration), MOST_LOBES)
    spread = 1 + steady * excess(ratio)
    error = float(above - below) / (2 * 1.96) * math.sqrt(spread)
    best = (1 + steady) * fit.widths / (4 * math.pi * duration)  # no estimate has a smaller variance
    error = max(error, interval_error(best, fit.width_weights))
    error *= few
    if not resolved:
        notes = (f"perhaps narrower than the trace resolves, {show(float(f'{1 / duration:.2g}'), 'Hz')}",)
        tone = center if window is not None else float(best_frequency(values, dt=step))
        if abs(tone - center) * duration < 1:
            noise = fit.background / (4 * math.pi**2 * power) * 6 / duration**3
            center, walk = tone, WALK * fit.widths / (2 * math.pi * duration)
            error = few * interval_error(walk + 1.53**2 * noise, fit.width_weights)
    return LineWidth(
        center, error, width, float(high - low) / 2, duration * center, power, fit.background, fit.widths,
        fit.width_weights, notes,
    )  # fmt: skip


def _to_the_power(fit: LineFit, power: float) -> LineFit:
    """With another information on the width: the posterior to a power, broader below 1."""
    weights = fit.width_weights**power
    return fit._replace(width_weights=weights / weights.sum())


def _of_diffusion(values: np.ndarray, step: float, fit: LineFit, power: float) -> LineWidth | None:
    """By the diffusion of its phase, which says more of a clean oscillation than its spectrum; None for a short one.

    A frequency that wanders more slowly than the width that its diffusion would make leaves a narrower line, which is
    no Lorentzian: then the spectrum's width is taken, with the error of the frequency that the diffusion makes.
    """
    found = diffusion_of(values, step, float(best_frequency(values, dt=step)))
    if found is None:
        return None
    widths, weights = found.widths, found.weights
    if _bounds(widths, weights)[0] > _bounds(fit.widths, fit.width_weights)[1]:
        widths, weights = fit.widths, fit.width_weights
    low, width, high = np.exp(quantiles(np.log(widths), weights, [0.16, 0.5, 0.84]))
    periods = found.frequency * values.size * step
    return LineWidth(
        found.frequency, found.error, float(width), float(high - low) / 2, periods, power, fit.background,
        widths, weights, _unresolved(float(width), values.size * step),
    )  # fmt: skip


def _bounds(widths: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Of 95 %."""
    low, high = np.exp(quantiles(np.log(widths), weights, [0.025, 0.975]))
    return float(low), float(high)


def _unresolved(width: float, duration: float) -> tuple[str, ...]:
    return () if width * duration > 1 else (f"narrower than 1/T, {show(float(f'{1 / duration:.2g}'), 'Hz')}",)


def _periodogram(values: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies and one-sided density of a signal without its linear trend, whose readings are independent."""
    u = np.linspace(-1, 1, values.size)
    rest = values - values.mean()
    rest = rest - u * float(u @ rest) / float(u @ u)
    return np.fft.rfftfreq(values.size, step), 2 * step / values.size * np.abs(np.fft.rfft(rest)) ** 2


def _none(note: str = NOISE, changes: bool = False) -> LineWidth:
    nan = math.nan
    return LineWidth(nan, nan, nan, nan, nan, nan, nan, np.array([]), np.array([]), (note,), changes)


def _unsteady(analytic: np.ndarray, step: float, fit: LineFit) -> str:
    """How the line changes, which is none then; empty for a steady one."""
    change = change_of(analytic, step, fit.width)
    if change is None:
        return ""
    when = show(float(f"{change.time:.2g}"), "s")
    if change.of_power:
        factor = change.power[1] / change.power[0]
        how = f"from before to after {when} the power near {show(float(f'{fit.frequency:.3g}'), 'Hz')} is ×{factor:.2g}"
    else:
        before, after = (show(float(f"{one:.3g}"), "Hz") for one in change.frequency)
        how = f"its frequency is {before} before and {after} after {when}"
    return f"the oscillation is not steady, and has no line width: {how}; cut away what is not steady"


def _analytic(values: np.ndarray, step: float, fit: LineFit) -> tuple[np.ndarray, float]:
    """The analytic signal near the line, and half of the band [Hz] that it is made of."""
    f = np.fft.fftfreq(values.size, step)
    half = min(max(BAND * fit.width, BAND / (values.size * step)), 0.6 * fit.frequency)
    near = np.abs(f - fit.frequency) <= half
    return np.fft.ifft(np.where(near, np.fft.fft(values - values.mean()), 0)), half


def _steadiness(analytic: np.ndarray, power: float, noise: float) -> float:
    """How steady the amplitude is, from 0, as that of a Gaussian signal, to 1.

    ⟨|z|⁴⟩/⟨|z|²⟩² of the analytic signal z near the line is 2 for a Gaussian signal and 1 for a steady amplitude; the
    power of the noise in the band, Gaussian as well, is taken off.
    """
    square = np.abs(analytic) ** 2
    both = float(np.mean(square**2) / np.mean(square) ** 2) * (power + noise) ** 2
    kurtosis = (both - 4 * power * noise - 2 * noise**2) / power**2
    return min(max(2 - kurtosis, 0.0), 1.0)


def _is_clean(values: np.ndarray, step: float, fit: LineFit, analytic: np.ndarray, half: float) -> bool:
    """Whether the phase can be followed: little noise about the line, as far as the phase's band, and no fades."""
    f = np.abs(np.fft.fftfreq(values.size, step))
    power = np.abs(np.fft.fft(values - values.mean())) ** 2
    distance = np.abs(f - fit.frequency)
    widest = float(np.exp(quantiles(np.log(fit.widths), fit.width_weights, 0.975)))
    band, far = distance < PHASE_BAND * fit.frequency, distance > FAR * widest
    noisy = float(power[band & far].sum()) > NOISY * float(power[band].sum())
    end = min(int(1 / (half * step)), values.size // 4)  # the transform joins both ends, which fades them
    square = np.abs(analytic[end : values.size - end]) ** 2
    fades = float(np.mean(square < FADE**2 * square.mean())) > FADES
    return fit.background < CLEAN * fit.height and not noisy and not fades
