"""A drive that is switched on and off again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from llgrad.core.record import quantity
from llgrad.core.vector import Number
from llgrad.drives.base import BANDWIDTH_TIMES_RISE, DRIVEN, Waveform, align, check_finite, check_times, smallest
from llgrad.drives.step import around, edge


class Pulse(Waveform):
    """On from `start` to `start + width`, with the smooth edges of a `Step`:

        amplitude [s(t − start) − s(t − start − width)],   s(t) = 1/(1 + exp(−t/τ)),   τ = rise_time/(2 ln 9).

    `width` is the time between the half-way points of the two edges; a pulse not much wider than its rise time stays
    below `amplitude`. Its area is exactly amplitude · width.

    >>> pulse = Pulse(amplitude=0.01, start=1e-9, width=0.5e-9)
    >>> [round(float(pulse(t)), 6) for t in (0.5e-9, 1e-9, 1.25e-9, 1.5e-9, 2e-9)]
    [0.0, 0.005, 0.01, 0.005, 0.0]
    """

    amplitude: Number = quantity(DRIVEN, about="value in the middle of a wide pulse")
    start: Number = quantity("s", about="when half of the amplitude is reached")
    width: Number = quantity("s", about="time between the half-way points of rise and fall")
    rise_time: Number = quantity("s", default=10e-12, about="time from 10 to 90 % of the amplitude")

    def __check_init__(self) -> None:
        check_finite(self, "amplitude")
        check_times(self, "start")
        check_times(self, "width", "rise_time", positive=True)

    def __call__(self, t: Any) -> Any:
        t, amplitude, start, width, rise_time = align(t, self.amplitude, self.start, self.width, self.rise_time)
        return amplitude * (edge(t, start, rise_time) - edge(t, start + width, rise_time))

    def peak(self) -> Number:
        return abs(self.amplitude)

    def shortest_time(self) -> Number:
        return min(smallest(self.rise_time) / BANDWIDTH_TIMES_RISE, 2 * smallest(self.width))

    def edges(self) -> Sequence[tuple[Number, Number, Number]]:
        return around(self.start, self.rise_time), around(self.start + self.width, self.rise_time)

    def calmest_time(self) -> Number:
        return math.inf
