"""A drive of the form of a Gaussian."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import jax.numpy as jnp

from llgrad.core.record import quantity
from llgrad.core.vector import Number
from llgrad.drives.base import DRIVEN, Waveform, align, check_finite, check_times, smallest

FOUR_LN_2: Final = 4 * math.log(2)
REACH: Final = 4.0
"""Half of the length of the pulse, in widths: outside it is below 10⁻¹⁹."""


class GaussianPulse(Waveform):
    """amplitude · exp(−4 ln 2 (t − centre)²/width²): `width` is that at half of the amplitude.

    Its area is amplitude · width · √(π/(4 ln 2)).

    >>> pulse = GaussianPulse(amplitude=0.01, centre=1e-9, width=0.4e-9)
    >>> [round(float(pulse(t)), 6) for t in (0.0, 0.8e-9, 1e-9, 1.2e-9)]
    [0.0, 0.005, 0.01, 0.005]
    """

    amplitude: Number = quantity(DRIVEN, about="largest value")
    centre: Number = quantity("s", about="when it is reached")
    width: Number = quantity("s", about="full width at half of the amplitude")

    def __check_init__(self) -> None:
        check_finite(self, "amplitude")
        check_times(self, "centre")
        check_times(self, "width", positive=True)

    @property
    def start(self) -> Number:
        """When half of the amplitude is reached [s]."""
        return self.centre - self.width / 2

    def __call__(self, t: Any) -> Any:
        t, amplitude, centre, width = align(t, self.amplitude, self.centre, self.width)
        return amplitude * jnp.exp(-FOUR_LN_2 * ((t - centre) / width) ** 2)

    def peak(self) -> Number:
        return abs(self.amplitude)

    def shortest_time(self) -> Number:
        return 2 * smallest(self.width)

    def edges(self) -> Sequence[tuple[Number, Number, Number]]:
        return ((self.centre - REACH * self.width, self.centre + REACH * self.width, 2 * self.width),)

    def calmest_time(self) -> Number:
        return math.inf
