"""Where a parameter may lie, as a smooth map from an unbounded number to the physical value."""

from __future__ import annotations

import abc
import math
from typing import Any, Final

import jax
import jax.numpy as jnp

from llgrad.core.record import is_concrete
from llgrad.core.speed.plain_methods import PlainMethods
from llgrad.core.units import show

EDGE: Final = 0.01
"""A search that would start on an edge starts this part of the range inside."""


class Bound(PlainMethods):
    """A bijection between the real line, where the methods search, and the values that a parameter may have."""

    @abc.abstractmethod
    def physical(self, u: Any) -> Any:
        """The physical value [SI] of an unbounded u."""

    @abc.abstractmethod
    def free(self, value: float) -> float:
        """The unbounded u of a physical value; the inverse of `physical`."""

    @abc.abstractmethod
    def contains(self, value: float) -> bool:
        """Whether a value lies strictly inside."""

    @abc.abstractmethod
    def at_edge(self, value: float) -> bool:
        """Whether a value lies so near the edge that the data push against it."""

    @property
    def limits(self) -> tuple[float, float]:
        """The edges [SI], which may be infinite: the values of u → ∓∞."""
        return float(self.physical(-math.inf)), float(self.physical(math.inf))

    def inside(self, value: float) -> float:
        """The value; where it lies on an edge of a closed range, a hundredth of the range inside, where a search can
        begin."""
        low, high = self.limits
        if value not in (low, high) or not math.isfinite(high - low):
            return value
        return value + EDGE * (high - low) * (1 if value == low else -1)

    def reach(self, value: float) -> float:
        """How far [SI] a value may be from where it is thought to be: its size, or where that is nothing, half of a
        closed range, or the size of a change that matters."""
        low, high = self.limits
        if math.isfinite(high - low) and abs(value) <= 1.001 * EDGE * (high - low):
            return (high - low) / 2
        return abs(value) or float(jax.grad(self.physical)(float(self.free(value))))

    @abc.abstractmethod
    def describe(self, unit: str) -> str:
        """The bound in words."""


class Between(Bound):
    """low < value < high, by value = low + (high − low)/(1 + e^{−u})."""

    low: Any
    high: Any

    def __check_init__(self) -> None:
        if is_concrete(self.low) and not self.low < self.high:
            raise ValueError(f"between({self.low}, {self.high}): expected a lower bound below the upper one")

    def physical(self, u: Any) -> Any:
        return self.low + (self.high - self.low) * jax.nn.sigmoid(u)

    def free(self, value: float) -> float:
        fraction = (value - self.low) / (self.high - self.low)
        return math.log(fraction / (1 - fraction))

    def contains(self, value: float) -> bool:
        return bool(self.low < value < self.high)

    def at_edge(self, value: float) -> bool:
        return not 1e-3 < float((value - self.low) / (self.high - self.low)) < 1 - 1e-3

    def describe(self, unit: str) -> str:
        return f"between {show(self.low, unit)} and {show(self.high, unit)}"


class Positive(Bound):
    """value > 0, by value = e^u."""

    def physical(self, u: Any) -> Any:
        return jnp.exp(u)

    def free(self, value: float) -> float:
        return math.log(value)

    def contains(self, value: float) -> bool:
        return value > 0

    def at_edge(self, value: float) -> bool:
        return value < 1e-300

    def describe(self, unit: str) -> str:
        return "positive"


class Unbounded(Bound):
    """Any value, by value = scale · u; `scale` is the size of a change that matters."""

    scale: Any

    def __check_init__(self) -> None:
        if is_concrete(self.scale) and not self.scale > 0:
            raise ValueError(f"unbounded(scale={self.scale}): expected a positive scale")

    def physical(self, u: Any) -> Any:
        return self.scale * u

    def free(self, value: float) -> float:
        return float(value / self.scale)

    def contains(self, value: float) -> bool:
        return math.isfinite(value)

    def at_edge(self, value: float) -> bool:
        return False

    def describe(self, unit: str) -> str:
        return "unbounded"


def between(low: float, high: float) -> Between:
    """A parameter between two values [SI]: `between(0.1e-3, 5e-3)`.

    >>> import llgrad as lg
    >>> lg.systems.between(0.1e-3, 5e-3)  # lg.fit(…, free={"current": lg.systems.between(0.1e-3, 5e-3)})
    Between(low=0.0001, high=0.005)
    """
    return Between(float(low), float(high))


def positive() -> Positive:
    """A parameter above zero, searched by its logarithm.

    >>> import llgrad as lg
    >>> lg.systems.positive()  # lg.fit(…, free={"alpha": lg.systems.positive()})
    Positive()
    """
    return Positive()


def unbounded(scale: float) -> Unbounded:
    """A parameter that may have any value; `scale` [SI] is the size of a change that matters.

    >>> import llgrad as lg
    >>> lg.systems.unbounded(scale=10e-3)  # lg.fit(…, free={"field.z": lg.systems.unbounded(scale=10e-3)})
    Unbounded(scale=0.01)
    """
    return Unbounded(float(scale))


TYPICAL = {
    "T": 1e-2,
    "A": 1e-3,
    "V": 1e-3,
    "Ω": 100.0,
    "rad": 0.1,
    "1": 0.1,
    "s": 1e-10,
    "Hz": 1e9,
    "K": 100.0,
    "A/m": 1e6,
    "m³": 1e-23,
    "rad/(T s)": 1e11,
    "J/m²": 1e-4,
    "T/A": 1.0,
    "T/V": 0.1,
}


POSITIVE: Final = (
    *("alpha", "Ms", "volume", "gamma", "temperature", "frequency", "rise_time", "width", "duration"),
    *("bandwidth", "line_width"),
)
"""What has a meaning above zero only, by the last word of its path."""


def default_bound(name: str, unit: str, start: float, others: tuple[float, ...] = ()) -> Bound:
    """The bound of a parameter that was named without one: positive where only that has a meaning, else unbounded.

    `others` are the other components of the same vector: they give its size where the start itself is zero.
    """
    last = name.rsplit(".", 1)[-1]
    if last in POSITIVE:
        return Positive()
    if last == "lambda_":
        return Between(-0.99, 0.99)
    return Unbounded(abs(start) or max(map(abs, others), default=0.0) or TYPICAL.get(unit, 1.0))
