"""A drive whose frequency is swept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from llgrad.core.record import quantity
from llgrad.core.vector import Number
from llgrad.drives.base import (
    DRIVEN,
    Waveform,
    align,
    check_finite,
    check_frequencies,
    check_phases,
    check_times,
    period,
)
from llgrad.drives.sine import sine_of_turns


class Chirp(Waveform):
    """A sine whose frequency runs linearly from `start_frequency` at t = 0 to `stop_frequency` at t = `duration`:

        amplitude · sin(2π (f₁ t + (f₂ − f₁) t²/(2 duration)) + phase),

    and stays at f₁ before, at f₂ after, with no jump in phase.

    >>> sweep = Chirp(amplitude=1e-3, start_frequency=1e9, stop_frequency=3e9, duration=10e-9)
    >>> round(1e3 * float(sweep(0.25e-9)), 3), 1 / sweep.shortest_time()
    (0.999, 3000000000.0)
    """

    amplitude: Number = quantity(DRIVEN, about="half of peak to peak")
    start_frequency: Number = quantity("Hz", about="frequency at t = 0 and before")
    stop_frequency: Number = quantity("Hz", about="frequency at the end of the sweep and after")
    duration: Number = quantity("s", about="length of the sweep, which starts at t = 0")
    phase: Number = quantity("rad", default=0.0, about="phase of the sine at t = 0")

    def __check_init__(self) -> None:
        check_finite(self, "amplitude")
        check_frequencies(self, "start_frequency", "stop_frequency")
        check_times(self, "duration", positive=True)
        check_phases(self, "phase")

    def __call__(self, t: Any) -> Any:
        t, amplitude, first, last, duration, phase = align(
            t, self.amplitude, self.start_frequency, self.stop_frequency, self.duration, self.phase
        )
        begun, over = t >= 0, t >= duration  # not a clip: at the edge itself its two derivatives may disagree
        swept = jnp.where(over, duration, jnp.where(begun, t, jnp.zeros_like(t)))
        during = first * swept + (last - first) * swept * (swept / duration) / 2
        before, after = jnp.where(begun, jnp.zeros_like(t), t), jnp.where(over, t - duration, jnp.zeros_like(t))
        outside = first * before + last * after
        return amplitude * sine_of_turns(during + outside, phase)

    def peak(self) -> Number:
        return abs(self.amplitude)

    def shortest_time(self) -> Number:
        return min(period(self.start_frequency), period(self.stop_frequency))

    def knots(self) -> Sequence[Number]:
        return 0.0, self.duration
