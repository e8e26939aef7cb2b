"""What a task is: a signal, and what is wanted of it at each symbol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from llgrad.core.arguments.numbers import checked_number
from llgrad.reservoir.checking import checked_signal


@dataclass(frozen=True)
class SignalTask:
    """A signal (T, F) and a target (T, Y): the answer at symbol t may use the symbols up to t, itself included.

    Raises ValueError for other shapes, other lengths, and a value that is not finite.

    >>> import llgrad as lg
    >>> first, second = lg.reservoir.narma(2, length=300, seed=1).split(0.5)
    >>> len(first.signal), len(second.signal)
    (150, 150)
    """

    name: str
    signal: np.ndarray
    target: np.ndarray
    labels: tuple[str, ...] = ()
    """Of the targets."""
    about: str = ""
    """The definition in one line."""

    def __post_init__(self) -> None:
        signal = checked_signal("signal", self.signal)
        object.__setattr__(self, "signal", signal)
        object.__setattr__(self, "target", checked_signal("target", self.target, len(signal)))
        if len(self.labels) not in (0, self.target.shape[1]):
            raise ValueError(f"there are {len(self.labels)} labels and {self.target.shape[1]} targets; give as many")

    def __len__(self) -> int:
        return len(self.signal)

    def split(self, fraction: float = 0.5) -> tuple[SignalTask, SignalTask]:
        """The first part of the symbols, and the rest: to fit and to test on."""
        cut = checked_cut(fraction, len(self.signal))
        first, rest = slice(None, cut), slice(cut, None)
        parts = [(self.signal[part], self.target[part]) for part in (first, rest)]
        return tuple(SignalTask(self.name, *part, self.labels, self.about) for part in parts)  # type: ignore[return-value]


def checked_cut(fraction: Any, length: int) -> int:
    """Symbols of a first part. Raises ValueError where no such part, or no rest, is left of so many."""
    number = isinstance(fraction, (int, float, np.number)) and not isinstance(fraction, bool)
    if not number or not 0 < fraction < 1:
        raise ValueError(f"fraction = {fraction!r}, expected the part of the symbols that is fitted, such as 0.5")
    if not 0 < (cut := round(float(fraction) * length)) < length:
        raise ValueError(
            f"fraction = {fraction!r} of {length} symbols leaves {cut} to fit and {length - cut} to test on; give "
            "a fraction nearer to 0.5, or a longer signal"
        )
    return cut


def checked_length(length: Any, least: int = 1) -> int:
    """A number of symbols."""
    if isinstance(length, bool) or not isinstance(length, (int, np.integer)) or length < least:
        raise ValueError(f"length = {length!r}, expected a number of symbols, at least {least}")
    return int(length)


def checked_delays(delays: Any, length: int) -> tuple[int, ...]:
    """Delays in symbols: a list, or how many from 0 on. Raises ValueError where the signal is too short for them."""
    given = range(delays + 1) if isinstance(delays, (int, np.integer)) and not isinstance(delays, bool) else delays
    if not isinstance(given, (Sequence, range, np.ndarray)) or not len(given):
        raise ValueError(f"delays = {delays!r}, expected the largest delay in symbols, or a list of them")
    if isinstance(given, str) or len(set(given)) < len(given):
        raise ValueError(f"delays = {delays!r}, expected the largest delay in symbols, or a list of them, each once")
    found = tuple(checked_number("a delay", one, whole=True) for one in given)
    if min(found) < 0 or max(found) >= length / 2:
        raise ValueError(
            f"a delay of {_odd(found)} symbols, and the signal has {length}: expected "
            "delays from 0 to less than half of it; give a longer signal, or fewer delays"
        )
    return found


def _odd(delays: tuple[int, ...]) -> int:
    """The delay that is out of range."""
    return max(delays) if min(delays) >= 0 else min(delays)


def delayed(values: np.ndarray, delay: int) -> np.ndarray:
    """v(t − delay), zero before the first symbol."""
    return np.concatenate([np.zeros(delay), values[: len(values) - delay]]) if delay else values
