"""What a signal does, in one answer that sentences and pictures share: a tone, a line in noise, a decay, or neither."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

from llgrad.core.trajectory import SystemSignal, SystemTrajectory, Trajectory
from llgrad.core.units import show, show_with_error
from llgrad.observables.line_width import LineWidth, line_of
from llgrad.observables.signal import device_of, signal_of
from llgrad.observables.tone import tone_and_verdict

COHERENT: Final = 0.5
"""A tone that carries so much of the variance is one; less, and the line is looked at."""
DECAYS: Final = 0.95
"""A motion whose amplitude falls below this part from the first to the last quarter decays."""
DIES: Final = 0.2
"""What falls below this part is a decay, not a line in noise."""
ALIVE: Final = 0.05
"""A motion is alive until it stays within this part of its largest distance from where it ends."""
FEWEST_WEIGHTED: Final = 4.0
"""In so many periods the amplitude of a tone is exact to 1 % under a window."""
FEWEST_ALIVE: Final = 16
FEWEST_TURNS: Final = 1.5


class Oscillation(NamedTuple):
    """What one signal does."""

    frequency: float
    """[Hz]; NaN where nothing oscillates; of a decay, that of its ringing."""
    amplitude: float
    """Of the tone, or √(2 P) of a line of power P; NaN where nothing oscillates."""
    line: LineWidth | None
    """The line, where noise makes one, or hides one."""
    decay: tuple[float, float] | None
    """Amplitude in the first and in the last quarter, where the motion decays."""
    end: float
    """Mean of the last quarter."""

    def sentence(self, name: str, unit: str = "1") -> str:
        """What the signal of this name does."""
        if self.line is not None and not self.line.found:
            told = "; ".join(self.line.notes)
            return told if self.line.changes else f"no oscillation: {told}"
        if self.line is not None:
            found = show_with_error(self.line.frequency, self.line.frequency_error, "Hz")
            width = show_with_error(self.line.line_width, self.line.line_width_error, "Hz")
            if self.line.notes:  # the value says little
                width = f"at most {show(float(f'{self.line.interval()[1]:.2g}'), 'Hz')}, {'; '.join(self.line.notes)}"
            return (
                f"{name} oscillates at {found}, line width {width}, with the amplitude {_short(self.amplitude, unit)}"
            )
        if self.decay is not None:
            first, last = (_short(amplitude, unit) for amplitude in self.decay)
            how = "decays without ringing"
            if math.isfinite(self.frequency):
                how = f"rings at {show(self.frequency, 'Hz')} and decays"
            return f"{name} {how} to {_short(self.end, unit)}, from the amplitude {first} to {last}"
        if not math.isfinite(self.frequency):
            return "no oscillation"
        return f"{name} oscillates at {show(self.frequency, 'Hz')} with the amplitude {_short(self.amplitude, unit)}"


def oscillation_of(source: Any, dt: float | None = None) -> Oscillation:
    """What a single signal does; `source` and errors are those of `frequency`.

    A run at 0 K has a tone, one that is warm a line; a recorded signal has a tone where one carries half of the
    variance, else a line. The frequency is that of `lg.frequency`, or of `lg.observables.line_width`, of the same
    source.
    """
    signal = signal_of(source, dt)
    values, step = np.asarray(signal.values), float(signal.dt)
    tone, found = tone_and_verdict(signal.values, signal.rounding)
    frequency, amplitude = float(tone.cycles) / step, float(tone.amplitude)
    quarters = np.array_split(values.astype(float), 4)
    periods = frequency * step * values.size / 4
    end, warm = float(np.mean(quarters[-1])), _is_warm(source)
    exact = bool(found) and warm is False and periods >= FEWEST_WEIGHTED  # no noise turns the phase
    cycles = frequency * step if exact else None
    first, last = (_amplitude(part, cycles) for part in (quarters[0], quarters[-1]))
    rest = np.ptp(values) <= signal.rounding
    if rest:
        return Oscillation(math.nan, math.nan, None, None, end)
    coherent = bool(found) and amplitude**2 / 2 > COHERENT * float(np.var(values))
    measured = warm is None and not coherent and last > DIES * first
    if warm or measured:
        line = line_of(values.astype(float), step)
        decays = line.changes and last < DIES * first
        if line.found or ((warm or not bool(found)) and not decays):
            return Oscillation(line.frequency, line.amplitude, line, None, end)
    # a part of a period more or less changes the mean square
    steady = DECAYS if exact else max(DECAYS - 0.3 / periods, 0.5)
    if last < steady * first:
        ringing = frequency if bool(found) else _ringing(values, end, step)
        return Oscillation(ringing, amplitude if bool(found) else math.nan, None, (first, last), end)
    if not bool(found):
        return Oscillation(math.nan, math.nan, None, None, end)
    return Oscillation(frequency, amplitude, None, None, end)


def _amplitude(values: np.ndarray, cycles: float | None) -> float:
    """Of a tone of so many cycles per sample, whatever part of a period is over; else √2 of the deviation."""
    if cycles is None:
        return math.sqrt(2) * float(np.std(values))
    n = np.arange(values.size)
    weights = np.sin(math.pi * (n + 0.5) / values.size) ** 2 * (2 / values.size)
    return 2 * abs(complex(np.sum(weights * (values - values @ weights) * np.exp(-2j * math.pi * cycles * n))))


def _is_warm(source: Any) -> bool | None:
    """Whether a run has thermal noise; None where nobody knows, as of a system whose noise may be of no strength."""
    if isinstance(source, (SystemTrajectory, SystemSignal)):
        return None if (source if isinstance(source, SystemSignal) else source.signal()).noisy else False
    if not isinstance(source, Trajectory):
        return None
    return bool(np.any(np.asarray(device_of(source).temperature) > 0))


def _ringing(values: np.ndarray, end: float, step: float) -> float:
    """Frequency [Hz] of what is alive of a motion that dies away; NaN where it does not ring."""
    distance = np.abs(values - end)
    alive = int(np.flatnonzero(distance > ALIVE * distance.max())[-1]) + 1
    if alive < FEWEST_ALIVE:
        return math.nan
    size = 1 << (alive.bit_length() - 1)
    tone, found = tone_and_verdict(values[:size])
    rings = bool(found) and float(tone.cycles) * size > FEWEST_TURNS  # a bend looks like one turn
    return float(tone.cycles) / step if rings else math.nan


def _short(value: float, unit: str) -> str:
    return f"{value:.4g}" if unit == "1" else show(float(f"{value:.4g}"), unit)
