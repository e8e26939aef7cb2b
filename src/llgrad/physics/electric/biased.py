"""Tunnel junctions whose magnetoresistance follows the voltage across them: by a law, and by a measured table."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, ClassVar, Final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from llgrad.core.record import is_concrete, quantity, table
from llgrad.core.vector import Number
from llgrad.devices.junction import Junction

STEPS: Final = 7
"""Of Newton's method: from the resistance without bias to rounding, for any bias (see the test)."""
LOWEST_TMR: Final = -8 / 9
"""Of a `BiasedJunction`: dI/dV ∝ 1 + TMR₀/(8 (1 + TMR₀)) where it is least, antiparallel at V = V_h √(3 (1 + TMR₀))."""


FEW_POINTS: Final = 16
"""Up to so many the lines of a table are added up, and not searched for the one that is meant."""
Point = tuple[Any, Any]
"""A voltage [V] and the TMR there."""


class FollowingJunction(Junction):
    """A junction whose resistance follows the voltage across it."""

    def resistance(self, cosine: Number) -> Number:
        """Resistance [Ω] at c = m·p, any shape, without bias."""
        return self.at_voltage(cosine, 0.0)


class BiasedJunction(FollowingJunction):
    """A tunnel junction, whose conductance is linear in m·p, with a TMR that falls with the voltage V across it:

        TMR(V) = TMR₀/(1 + (V/V_h)²),   G(V) = (1 + a c)/(R_P (1 + a)),   a = TMR(V)/(2 + TMR(V)),   c = m·p.

    The parallel state keeps its resistance; at V_h the TMR is half of TMR₀. Where a current I flows, V solves
    V G(V) = I, whose one root is found by Newton's method; so the voltage follows current and state exactly, and is
    differentiable. The law is that of compact models (recalled): Y. Zhang et al., IEEE Trans. Electron Devices 59, 819
    (2012).

    >>> junction = BiasedJunction(R_P=1e3, tmr=1.0, half_voltage=0.5)
    >>> round(junction.at_voltage(-1.0, 0.5), 3), round(float(junction.at_current(-1.0, 0.5 / 1500)), 3)
    (1500.0, 1500.0)
    """

    R_P: float = quantity("Ω", about="resistance of the parallel state")
    tmr: float = quantity("1", about="TMR₀ without bias, (R_AP − R_P)/R_P")
    half_voltage: float = quantity("V", about="voltage V_h at which the TMR is half of it")

    steps: ClassVar[int] = STEPS

    def __check_init__(self) -> None:
        for name in ("R_P", "half_voltage"):
            value = getattr(self, name)
            if is_concrete(value) and not (np.asarray(value, float) > 0).all():
                raise ValueError(f"{name} = {value} of a BiasedJunction, expected a positive number")
        if is_concrete(self.tmr) and not (np.asarray(self.tmr, float) > LOWEST_TMR).all():
            raise ValueError(
                f"tmr = {self.tmr} of a BiasedJunction, expected more than −8/9: else the antiparallel state carries "
                "less current at more voltage, and has several voltages for one current"
            )

    def at_voltage(self, cosine: Number, voltage: Number) -> Number:
        twice = self._twice(voltage / self.half_voltage)
        return self.R_P * (twice + 2 * self.tmr) / (twice + self.tmr * (1 + cosine))

    def current(self, cosine: Number, voltage: Number) -> Number:
        twice = self._twice(voltage / self.half_voltage)
        return voltage * (twice + self.tmr * (1 + cosine)) / ((twice + 2 * self.tmr) * self.R_P)

    def at_current(self, cosine: Number, current: Number) -> Number:
        # x = V/V_h solves x (2 (1 + x²) + b) = i (2 (1 + x²) + 2 TMR₀), i = I R_P/V_h: I rises with V, so there is one
        part = self.tmr * (1 + cosine)
        i = current * self.R_P / self.half_voltage
        x = i * (2 + 2 * self.tmr) / (2 + part)
        for _ in range(STEPS):
            twice = self._twice(x)
            above, below = twice + part, twice + 2 * self.tmr
            # of x above/below − i, whose slope is positive everywhere
            slope = (above + 4 * x * x * (1 - above / below)) / below
            x = x - (x * above / below - i) / slope
        return self.at_voltage(cosine, x * self.half_voltage)

    @staticmethod
    def _twice(x: Any) -> Any:
        return 2 * (1 + x * x)


class TabulatedJunction(FollowingJunction):
    """A tunnel junction, whose conductance is linear in m·p, with a TMR that was measured at voltages V across it:

        G(V) = (1 + a c)/(R_P (1 + a)),   a = TMR(V)/(2 + TMR(V)),   c = m·p,

    with straight lines between the points of TMR(V), and constant beyond them. The table need not be symmetric. The
    parallel state keeps its resistance. Where a current I flows, V solves V G(V) = I: between two points that is a
    quadratic equation, and which two they are is found by going on from one pair to the next.

    Args:
        R_P: resistance of the parallel state [Ω].
        voltages, tmr: the measured curve, (R_AP − R_P)/R_P at each voltage [V], in ascending order.

    Raises ValueError for a curve along which the antiparallel state would carry less current at more voltage: it has
    several voltages for one current.

    >>> junction = TabulatedJunction(1e3, voltages=[-0.8, 0.0, 0.5], tmr=[0.5, 1.2, 0.8])
    >>> round(float(junction.at_voltage(-1.0, 0.25)), 6), round(float(junction.at_current(-1.0, 0.25 / 2000)), 6)
    (2000.0, 2000.0)
    """

    R_P: float = quantity("Ω", about="resistance of the parallel state")
    voltages: Float[np.ndarray | jax.Array, "K"] = table("V", ascending=True, about="voltages")
    tmr: Float[np.ndarray | jax.Array, "K"] = table("1", about="(R_AP − R_P)/R_P at each")

    def __check_init__(self) -> None:
        if is_concrete(self.R_P) and not (np.asarray(self.R_P, float) > 0).all():
            raise ValueError(f"R_P = {self.R_P} of a TabulatedJunction, expected a positive number")
        if np.shape(self.voltages) != np.shape(self.tmr):
            raise ValueError(
                f"TabulatedJunction: {np.shape(self.voltages)[-1]} voltages and {np.shape(self.tmr)[-1]} values of "
                "tmr, expected one for each"
            )
        if not (is_concrete(self.voltages) and is_concrete(self.tmr)):
            return
        volts, tmr = np.asarray(self.voltages, float), np.asarray(self.tmr, float)
        if not (tmr > -1).all():
            raise ValueError(f"TabulatedJunction: tmr of {tmr.min():g}, expected numbers above −1: no R_AP is negative")
        # I ∝ V/(1 + TMR) rises on a line of TMR where 1 + TMR − V dTMR/dV is positive, which is one number along it
        rest = 1 + tmr[..., :-1] - volts[..., :-1] * np.diff(tmr) / np.diff(volts)
        if not (rest > 0).all():
            place = np.unravel_index(int(rest.argmin()), rest.shape)
            raise ValueError(
                f"between {volts[place]:g} V and {volts[(*place[:-1], place[-1] + 1)]:g} V the tmr grows so fast that "
                "the antiparallel state would carry less current at more voltage; smooth the table"
            )

    def at_voltage(self, cosine: Number, voltage: Number) -> Number:
        tmr = self._tmr(voltage)
        return self.R_P * (2 + 2 * tmr) / (2 + tmr * (1 + cosine))

    def current(self, cosine: Number, voltage: Number) -> Number:
        return self._drop(cosine, voltage, self._tmr(voltage)) / self.R_P

    def at_current(self, cosine: Number, current: Number) -> Number:
        drop = current * self.R_P  # V of the parallel state: V [(1 + c)/2 + (1 − c)/2/(1 + TMR)] is equal to it
        low, high = self._neighbours(lambda volts, tmr: self._drop(cosine, volts, tmr) <= drop, drop + cosine)
        return self.at_voltage(cosine, self._between(cosine, drop, low, high))

    def _tmr(self, voltage: Any) -> Any:
        """TMR(V): `jnp.interp`, in fewer operations where there are few points."""
        if np.shape(self.voltages)[-1] > FEW_POINTS:
            (low, least), (high, most) = self._neighbours(lambda volts, _: volts <= voltage, voltage)
            return least + (most - least) / (high - low) * _clipped(voltage - low, high - low)
        points = [(self.voltages[place], self.tmr[place]) for place in range(np.shape(self.voltages)[-1])]
        tmr = points[0][1]
        for (low, least), (high, most) in itertools.pairwise(points):
            tmr = tmr + (most - least) / (high - low) * _clipped(voltage - low, high - low)
        return tmr

    def _neighbours(self, below: Callable[[Any, Any], Any], like: Any) -> tuple[Point, Point]:
        """The two points of the curve next to each other, of which `below` tells only the first."""
        volts, tmr = jnp.asarray(self.voltages), jnp.asarray(self.tmr)
        count = volts.shape[-1]
        first, last = jnp.zeros(jnp.shape(like), int), jnp.full(jnp.shape(like), count - 1, int)
        for _ in range(math.ceil(math.log2(count - 1))):
            middle = (first + last) // 2
            low = below(volts[middle], tmr[middle])
            first, last = jnp.where(low, middle, first), jnp.where(low, last, jnp.maximum(middle, first + 1))
        return (volts[first], tmr[first]), (volts[last], tmr[last])

    @staticmethod
    def _drop(cosine: Any, volts: Any, tmr: Any) -> Any:
        """R_P I [V] at a voltage and its TMR."""
        return volts * ((1 + cosine) / 2 + (1 - cosine) / (2 + 2 * tmr))

    def _between(self, cosine: Any, drop: Any, left: Point, right: Point) -> Any:
        """V on the line between two neighbours of the table, or beyond its ends.

        V (2 + (1 + c) TMR) = drop (2 + 2 TMR) with TMR = base + slope V: of its two roots the one that stays as the
        slope goes to 0.
        """
        (low, least), (high, most) = left, right
        slope = (most - least) / (high - low)
        inside = (drop >= self._drop(cosine, low, least)) & (drop <= self._drop(cosine, high, most))
        end = jnp.where(drop < self._drop(cosine, low, least), least, most)
        slope, base = jnp.where(inside, slope, 0.0), jnp.where(inside, least - slope * low, end)
        square, linear, constant = (
            (1 + cosine) * slope,
            2 + (1 + cosine) * base - 2 * drop * slope,
            drop * (2 + 2 * base),
        )
        return 2 * constant / (linear + jnp.sqrt(linear * linear + 4 * square * constant))


def _clipped(value: Any, most: Any) -> Any:
    """`jnp.clip` from 0 on, whose derivative is 0 or 1."""
    return jnp.where(value < 0, 0.0, jnp.where(value > most, most, value))
