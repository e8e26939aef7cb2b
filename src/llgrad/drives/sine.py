"""A drive of one frequency."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp

from llgrad.core.record import quantity
from llgrad.core.vector import Number
from llgrad.drives.base import DRIVEN, Waveform, align, check_finite, check_frequencies, check_phases, period


def sine_of_turns(turns: Any, phase: Any) -> Any:
    """sin(2π turns + phase), with whole turns taken off first: float32 keeps its digits."""
    return jnp.sin(math.tau * (turns - jnp.round(turns)) + phase)


class Sine(Waveform):
    """amplitude · sin(2π frequency t + phase), at all times.

    >>> tone = Sine(amplitude=1e-3, frequency=1e9, phase=3.141592653589793 / 2)
    >>> [round(1e3 * float(tone(t)), 4) for t in (0.0, 0.5e-9, 1e-9)]
    [1.0, -1.0, 1.0]
    """

    amplitude: Number = quantity(DRIVEN, about="half of peak to peak")
    frequency: Number = quantity("Hz", about="frequency")
    phase: Number = quantity("rad", default=0.0, about="phase of the sine at t = 0")

    def __check_init__(self) -> None:
        check_finite(self, "amplitude")
        check_frequencies(self, "frequency")
        check_phases(self, "phase")

    def __call__(self, t: Any) -> Any:
        t, amplitude, frequency, phase = align(t, self.amplitude, self.frequency, self.phase)
        return amplitude * sine_of_turns(frequency * t, phase)

    def peak(self) -> Number:
        return abs(self.amplitude)

    def shortest_time(self) -> Number:
        return period(self.frequency)
