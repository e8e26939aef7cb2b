"""Numbers that carry two derivatives by one variable along: Taylor's arithmetic up to the second order.

They are NumPy's or JAX's arrays, so that a formula written once gives its value and both derivatives, by Leibniz' and
the chain rule, in either.
"""

from __future__ import annotations

from typing import Any


class Jet:
    """A value, its slope and its bend (first and second derivative)."""

    __array_ufunc__ = None  # NumPy's arrays leave sums and products with a jet to the jet
    __slots__ = ("bend", "slope", "value")

    def __init__(self, value: Any, slope: Any, bend: Any) -> None:
        self.value, self.slope, self.bend = value, slope, bend

    def __add__(self, other: Any) -> Jet:
        if isinstance(other, Jet):
            return Jet(self.value + other.value, self.slope + other.slope, self.bend + other.bend)
        return Jet(self.value + other, self.slope, self.bend)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Jet:
        if isinstance(other, Jet):
            return Jet(self.value - other.value, self.slope - other.slope, self.bend - other.bend)
        return Jet(self.value - other, self.slope, self.bend)

    def __mul__(self, other: Any) -> Jet:
        if isinstance(other, Jet):
            bend = self.bend * other.value + 2 * (self.slope * other.slope) + self.value * other.bend
            return Jet(self.value * other.value, self.slope * other.value + self.value * other.slope, bend)
        return Jet(self.value * other, self.slope * other, self.bend * other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Jet:
        if isinstance(other, Jet):
            return self * other.inverse()
        return Jet(self.value / other, self.slope / other, self.bend / other)

    def inverse(self) -> Jet:
        """1/x."""
        value = 1 / self.value
        square = value * value
        return Jet(value, -square * self.slope, square * (2 * value * self.slope * self.slope - self.bend))

    def __getitem__(self, index: Any) -> Jet:
        return Jet(self.value[index], self.slope[index], self.bend[index])

    def sum(self) -> Jet:
        """The sum of all elements."""
        return Jet(self.value.sum(), self.slope.sum(), self.bend.sum())


def sine_and_cosine(xp: Any, x: Any) -> tuple[Any, Any]:
    """Sine and cosine of a jet or an array."""
    if not isinstance(x, Jet):
        return xp.sin(x), xp.cos(x)
    sin, cos, square = xp.sin(x.value), xp.cos(x.value), x.slope * x.slope
    return (
        Jet(sin, cos * x.slope, cos * x.bend - sin * square),
        Jet(cos, -sin * x.slope, -(sin * x.bend + cos * square)),
    )


def where(xp: Any, condition: Any, x: Any, other: Any) -> Any:
    """A jet or an array where the condition holds, and else another constant."""
    if not isinstance(x, Jet):
        return xp.where(condition, x, other)
    return Jet(
        *(xp.where(condition, part, constant) for part, constant in ((x.value, other), (x.slope, 0), (x.bend, 0)))
    )
