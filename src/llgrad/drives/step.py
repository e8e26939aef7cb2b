"""A drive that is switched on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import jax

from llgrad.core.record import quantity
from llgrad.core.vector import Number
from llgrad.drives.base import BANDWIDTH_TIMES_RISE, DRIVEN, Waveform, align, check_finite, check_times, smallest

RISE_OVER_SCALE: Final = 2 * math.log(9)
"""10–90 % rise time of a logistic function 1/(1 + e^{−t/τ}), in units of τ."""

EDGE: Final = 8.0
"""Half of the length of an edge, in rise times."""


def edge(t: Any, start: Any, rise_time: Any) -> Any:
    """A smooth edge from 0 to 1: 1/(1 + exp(−(t − start)/τ)), τ = rise_time/(2 ln 9)."""
    return jax.nn.sigmoid((t - start) / rise_time * RISE_OVER_SCALE)


def around(start: Any, rise_time: Any) -> tuple[Any, Any, Any]:
    """The stretch of time of an edge, and the shortest time in it: outside, it is 10⁻¹⁵ from its ends."""
    return start - EDGE * rise_time, start + EDGE * rise_time, rise_time / BANDWIDTH_TIMES_RISE


class Step(Waveform):
    """Off before `start`, on after it, with a smooth rise:

        amplitude / (1 + exp(−(t − start)/τ)),   τ = rise_time/(2 ln 9).

    At `start` half of the amplitude is reached; the rise from 10 to 90 % takes `rise_time`. A smooth rise is what a
    pulse generator makes, and it makes `start` and `rise_time` differentiable.

    >>> step = Step(amplitude=1e-3, start=1e-9)
    >>> [round(1e3 * float(step(t)), 4) for t in (0.9e-9, 0.995e-9, 1e-9, 1.005e-9, 1.1e-9)]
    [0.0, 0.1, 0.5, 0.9, 1.0]
    """

    amplitude: Number = quantity(DRIVEN, about="value long after the start")
    start: Number = quantity("s", about="when half of the amplitude is reached")
    rise_time: Number = quantity("s", default=10e-12, about="time from 10 to 90 % of the amplitude")

    def __check_init__(self) -> None:
        check_finite(self, "amplitude")
        check_times(self, "start")
        check_times(self, "rise_time", positive=True)

    def __call__(self, t: Any) -> Any:
        t, amplitude, start, rise_time = align(t, self.amplitude, self.start, self.rise_time)
        return amplitude * edge(t, start, rise_time)

    def peak(self) -> Number:
        return abs(self.amplitude)

    def shortest_time(self) -> Number:
        return smallest(self.rise_time) / BANDWIDTH_TIMES_RISE

    def edges(self) -> Sequence[tuple[Number, Number, Number]]:
        return (around(self.start, self.rise_time),)

    def calmest_time(self) -> Number:
        return math.inf
