"""Who is told how far a run is, and what."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Final

Progress = bool | Callable[[dict[str, Any]], None]

ON_A_TERMINAL: Final = 0.1
"""Seconds between two looks of the line that `progress=True` prints on a terminal,"""
ELSEWHERE: Final = 10.0
"""and between two lines elsewhere, in a notebook or a log."""


class Teller:
    """Tells how far a run is; where nobody is to be told, it keeps silent."""

    def __init__(self, progress: Progress | None, duration: float):
        if not (progress is None or isinstance(progress, bool) or callable(progress)):
            raise ValueError(
                f"progress = {progress!r}, expected True, or a function that is called with a dictionary: "
                "progress=lambda told: print(told['fraction'])"
            )
        self.told = _Line() if progress is True else progress or None
        self.duration = duration
        self.began = time.perf_counter()
        self.first: tuple[float, float] | None = None
        """Seconds and fraction at the end of the first part, which compiles what the others use."""

    def tell(self, fraction: float = 0.0, time_at: float = 0.0) -> None:
        """Say that a part of the run is done, of its steps and until a time [s]. What the function raises,
        KeyboardInterrupt for one, is passed on."""
        if self.told is None:
            return
        elapsed = time.perf_counter() - self.began
        left = self._left(elapsed, fraction)
        self.told({"fraction": fraction, "time": time_at, "duration": self.duration, "elapsed": elapsed, "left": left})

    def _left(self, elapsed: float, fraction: float) -> float | None:
        """Seconds until the end, as the parts after the first one take; None while nothing is done."""
        if not fraction > 0:
            return None
        since = self.first or (0.0, 0.0)
        self.first = self.first or (elapsed, fraction)
        if fraction <= since[1]:
            return None
        return (elapsed - since[0]) / (fraction - since[1]) * (1 - fraction)


class _Line:
    """Prints how far a run is, on stderr."""

    def __init__(self) -> None:
        self.terminal = sys.stderr.isatty()
        self.next = 0.0 if self.terminal else ELSEWHERE

    def __call__(self, told: dict[str, Any]) -> None:
        done = told["fraction"] >= 1
        if told["elapsed"] < self.next and not (done and self.terminal):
            return
        self.next = told["elapsed"] + (ON_A_TERMINAL if self.terminal else ELSEWHERE)
        text = f"simulated {told['fraction']:4.0%} of {told['duration'] * 1e9:.6g} ns"
        if told["left"] is not None:
            text += f", {seconds(told['left'])} left"
        start, end = ("\r", "\n" if done else "") if self.terminal else ("", "\n")
        print(f"{start}{text:<60}" if self.terminal else text, end=end, file=sys.stderr, flush=True)


def seconds(number: float) -> str:
    """A time to wait for, in words.

    >>> seconds(3.2), seconds(185.0), seconds(7300.0)
    ('4 s', '3 min 5 s', '2 h 1 min')
    """
    whole = int(-(-number // 1))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
