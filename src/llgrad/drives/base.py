"""The one interface of a drive: a differentiable function of time with a bound and a time scale; and their sum.

A waveform does not know what it drives: its amplitude is in ampere where it is a current of a `Drive`, in tesla where
it is a field. Every parameter is a number, or an (N,) array of one value for each oscillator of an array.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Sequence
from typing import Any, Final

import jax.numpy as jnp
import numpy as np

from llgrad.core.record import Record, is_concrete
from llgrad.core.speed.starting import check_platform
from llgrad.core.units import show
from llgrad.core.vector import Number

DRIVEN: Final = "A or T"
"""Unit of an amplitude: that of the driven quantity. `Drive.units` says which."""

BANDWIDTH_TIMES_RISE: Final = 0.35
"""A signal with a 10–90 % rise time τ holds frequencies up to about 0.35/τ."""


class Waveform(Record):
    """A current [A] or a field component [T] as a function of time.

    A waveform of your own is one small class: its parameters, declared with `quantity(unit)`, and three functions.

    >>> import jax.numpy as jnp, llgrad as lg
    >>> class Ramp(lg.drives.Waveform):
    ...     slope: float = lg.quantity("A/s")
    ...     def __call__(self, t):
    ...         return self.slope * t
    ...     def peak(self):
    ...         return jnp.abs(self.slope) * 1e-9
    ...     def shortest_time(self):
    ...         return jnp.asarray(1e-9)
    >>> lg.Drive(current=Ramp(1e6)).current(0.5e-9)
    0.0005
    """

    @abc.abstractmethod
    def __call__(self, t: Any) -> Any:
        """Value at the times `t` [s] of any shape: an array of t.shape, or of t.shape + (N,) for (N,) parameters."""

    @abc.abstractmethod
    def peak(self) -> Number:
        """A bound on the absolute value at all times: a number, or (N,). The default time step follows it."""

    @abc.abstractmethod
    def shortest_time(self) -> Number:
        """The shortest period [s] that matters; infinity for a constant. A time step is at most a 20th of it."""

    def knots(self) -> Sequence[Number]:
        """The times [s] at which a derivative jumps, such as those of samples joined by lines; none of a smooth
        waveform. A step of high order ends there."""
        return ()

    def edges(self) -> Sequence[tuple[Number, Number, Number]]:
        """The stretches of time in which it changes fast and smoothly: (from, to, shortest time) [s], each a number or
        (N,). A step of high order becomes shorter there, and there only."""
        return ()

    def calmest_time(self) -> Number:
        """`shortest_time` between knots and outside edges."""
        return self.shortest_time()

    def __add__(self, other: Waveform) -> Sum:
        """The sum of two waveforms, as through a combiner."""
        parts = [waveform.parts if isinstance(waveform, Sum) else (waveform,) for waveform in (self, other)]
        return Sum(parts=(*parts[0], *parts[1]))

    def __radd__(self, other: Any) -> Any:
        """With the 0 that `sum` begins with: `sum(Sine(1e-4, f) for f in tones)` is a drive of several tones."""
        first: Any = other
        return self if isinstance(other, int) and other == 0 else Sum(parts=(first, self))


class Sum(Waveform):
    """The sum of several waveforms; `Step(…) + Sine(…)` makes one.

    >>> from llgrad.drives.constant import Constant
    >>> both = Constant(1e-3) + Constant(2e-3)
    >>> both.peak(), both.shortest_time()
    (0.003, inf)
    """

    parts: tuple[Waveform, ...]

    def __check_init__(self) -> None:
        for part in self.parts:
            if not isinstance(part, Waveform):
                raise ValueError(f"{part!r} is not a waveform, so it cannot be added to one; write Constant({part!r})")
        if not self.parts:
            raise ValueError("a sum needs at least one waveform; for no drive at all leave the channel out")

    def __call__(self, t: Any) -> Any:
        values = [part(t) for part in self.parts]
        rank = max(np.ndim(value) for value in values)
        total = _with_rank(values[0], rank)
        for value in values[1:]:
            total = total + _with_rank(value, rank)
        return total

    def peak(self) -> Number:
        return sum(part.peak() for part in self.parts)

    def shortest_time(self) -> Number:
        return min(part.shortest_time() for part in self.parts)

    def knots(self) -> Sequence[Number]:
        return tuple(knot for part in self.parts for knot in part.knots())

    def edges(self) -> Sequence[tuple[Number, Number, Number]]:
        return tuple(edge for part in self.parts for edge in part.edges())

    def calmest_time(self) -> Number:
        return min(part.calmest_time() for part in self.parts)


def _with_rank(value: Any, rank: int) -> Any:
    return value if np.ndim(value) == rank else jnp.asarray(value)[..., None]


def align(t: Any, *parameters: Any) -> tuple[Any, ...]:
    """Times and parameters as arrays of one floating dtype that broadcast: (…,) with (), or (…, 1) with (1, …, N)."""
    check_platform()
    t = jnp.asarray(t)
    if not jnp.issubdtype(t.dtype, jnp.floating):
        t = t.astype(jnp.result_type(float))
    arrays = [jnp.asarray(parameter, t.dtype) for parameter in parameters]
    if any(array.ndim for array in arrays):
        t = t[..., None]
        arrays = [array.reshape((1,) * (t.ndim - 1) + array.shape) if array.ndim else array for array in arrays]
    return (t, *arrays)


def check_times(record: Record, *names: str, positive: bool = False) -> None:
    """Raise ValueError where a time [s] is not finite, too long to be in seconds, or (`positive`) not above zero."""
    for name in names:
        for value in _numbers(record, name):
            where = f"{name} = {show(value, 's')} of a {type(record).__name__}"
            if not abs(value) < 1:
                raise ValueError(
                    f"{where} is out of range: times are in seconds; did you mean {value:g} ns, {value:g}e-9?"
                )
            if positive and not value > 0:
                raise ValueError(f"{where} is out of range: expected a positive time in seconds, such as 1e-11")


def check_frequencies(record: Record, *names: str) -> None:
    """Raise ValueError where a frequency [Hz] is not finite or cannot be in hertz."""
    for name in names:
        for value in _numbers(record, name):
            if not (value == 0 or 1e3 <= abs(value) <= 1e14):
                raise ValueError(
                    f"{name} = {value:g} Hz of a {type(record).__name__} is out of range (1 kHz to 100 THz, or 0): "
                    f"frequencies are in hertz; did you mean {value:g} GHz, {value:g}e9?"
                )


def check_phases(record: Record, *names: str) -> None:
    """Raise ValueError where a phase [rad] is beyond a full turn, as degrees would be."""
    for name in names:
        for value in _numbers(record, name):
            if not abs(value) <= math.tau * (1 + 1e-6):
                raise ValueError(
                    f"{name} = {value:g} rad of a {type(record).__name__} is beyond a full turn: "
                    f"phases are in radians; {value:g}° is {math.radians(value):.4g} rad"
                )


def check_finite(record: Record, *names: str) -> None:
    """Raise ValueError where a concrete quantity is not a finite number."""
    for name in names:
        for value in _numbers(record, name):
            if not math.isfinite(value):
                raise ValueError(
                    f"{name} of a {type(record).__name__} is {value}, expected a finite number; check its source"
                )


def _numbers(record: Record, name: str) -> list[float]:
    value = getattr(record, name)
    return np.ravel(np.asarray(value, dtype=float)).tolist() if is_concrete(value) else []


def smallest(value: Any) -> Any:
    """The smallest of one value or of N."""
    return value.min() if np.ndim(value) else value


def period(frequency: Any) -> Any:
    """The period [s] of the highest of one or N frequencies [Hz]; infinity where it is zero."""
    highest = -smallest(-abs(frequency))
    return math.inf if is_concrete(highest) and highest == 0 else 1 / highest
