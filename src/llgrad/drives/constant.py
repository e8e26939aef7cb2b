"""A drive that does not change."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp

from llgrad.core.record import quantity
from llgrad.core.vector import Number
from llgrad.drives.base import DRIVEN, Waveform, align, check_finite


class Constant(Waveform):
    """The same value at all times.

    >>> float(Constant(1e-3).peak())
    0.001
    """

    level: Number = quantity(DRIVEN, about="value at all times")

    def __check_init__(self) -> None:
        check_finite(self, "level")

    def __call__(self, t: Any) -> Any:
        t, level = align(t, self.level)
        return jnp.broadcast_to(level, jnp.broadcast_shapes(t.shape, level.shape))

    def peak(self) -> Number:
        return abs(self.level)

    def shortest_time(self) -> Number:
        return math.inf
