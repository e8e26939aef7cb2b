"""What a benchmark reports: times of candidates, and ratios with their bars."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One comparison: `value` and the bar that it should meet."""

    work: str
    what: str
    value: float
    bar: float
    at_most: bool
    """Whether the value should be at most the bar (a ratio of times), or at least (a speed-up)."""

    @property
    def met(self) -> bool:
        return self.value <= self.bar if self.at_most else self.value >= self.bar


class Times(NamedTuple):
    """Seconds of each candidate of one piece of work, and the number of oscillator steps in it."""

    work: str
    seconds: dict[str, float]
    steps: int
