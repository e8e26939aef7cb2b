"""Random telegraph signals: which of two levels a signal is at, for how long, and how often it leaves."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.record import as_number
from llgrad.core.units import show
from llgrad.observables.estimators.counting import CONFIDENCE, IntervalEnds, rate_interval
from llgrad.observables.signal import Source, signal_of

HYSTERESIS: Final = 0.15
"""The thresholds are this part of the distance of the levels inside of each."""
CONTRAST: Final = 3.6
"""Least distance of two levels over the scatter about them: of samples evenly spread over a range it is 3.46."""
FEW_SAMPLES: Final = 10
"""A mean dwell of fewer samples misses short ones."""


class Level(NamedTuple):
    """How a signal dwells at one level."""

    level: float
    """Mean of the samples that are counted for it, in the signal's unit."""
    dwells: np.ndarray
    """Dwell times (K,) [s] of which both ends were seen, in order."""
    exits: int
    """How often it was left."""
    exposure: float
    """Time [s] spent at it, the cut dwells at both ends of the signal too."""

    @property
    def rate(self) -> float:
        """Rate of leaving it [1/s]: exits per time spent there, the most likely one of dwells at random."""
        return self.exits / self.exposure if self.exposure else float("nan")

    @property
    def mean(self) -> float:
        """Mean dwell time [s], 1/rate; infinity where it was never left."""
        return self.exposure / self.exits if self.exits else float("inf")

    def interval(self, confidence: float = CONFIDENCE) -> IntervalEnds:
        """The interval of the mean dwell time [s], of dwells that end at random."""
        low, high = rate_interval(self.exits, self.exposure, confidence)
        with np.errstate(divide="ignore"):
            return IntervalEnds(float(1 / high), float(np.divide(1.0, low)))

    @property
    def error(self) -> float:
        """Standard error of the mean dwell time [s]."""
        return self.mean / self.exits**0.5 if self.exits else float("inf")

    @property
    def variation(self) -> float:
        """Standard deviation of the dwells over their mean: near 1 where they end at random."""
        return float(np.std(self.dwells) / np.mean(self.dwells)) if len(self.dwells) > 1 else float("nan")


class Telegraph(NamedTuple):
    """A signal that jumps between two levels.

    >>> import numpy as np, llgrad as lg
    >>> signal = np.repeat(np.tile([0.0, 1.0], 100), [30, 10] * 100) + 0.05 * np.sin(np.arange(4000))
    >>> found = lg.observables.telegraph(signal, dt=1e-9)
    >>> round(found.probability_up, 3)
    0.25
    """

    upper: Level
    lower: Level
    thresholds: tuple[float, float]
    """Below the first the signal has come down, above the second up; in between it is where it was."""
    dt: float
    """Time between samples [s]."""

    @property
    def probability_up(self) -> float:
        """Part of the time at the upper level."""
        return self.upper.exposure / (self.upper.exposure + self.lower.exposure)

    @property
    def probability_error(self) -> float:
        """Standard error of that part, √(2 p (1 − p) τ_c/T), with the correlation time τ_c = 1/(sum of the rates)."""
        p, whole = self.probability_up, self.upper.exposure + self.lower.exposure
        rates = self.upper.exits / max(self.upper.exposure, self.dt) + self.lower.exits / max(
            self.lower.exposure, self.dt
        )
        return float((2 * p * (1 - p) / (rates * whole)) ** 0.5) if rates else float("nan")

    @property
    def note(self) -> str:
        """What there is to beware of; empty where there is nothing."""
        short = min(self.upper.mean, self.lower.mean)
        if short < FEW_SAMPLES * self.dt:
            return "dwells are about as short as the time between samples: short ones are missed; sample faster"
        return "" if self.upper.exits and self.lower.exits else "one of the levels is never left: its rate is a bound"

    def __repr__(self) -> str:
        lines = [f"telegraph signal, {self.upper.exits + self.lower.exits} jumps"]
        for name, level in (("upper", self.upper), ("lower", self.lower)):
            low, high = (show(float(f"{part:.4g}"), "s") for part in level.interval())
            mean = show(float(f"{level.mean:.4g}"), "s") if level.exits else "longer"
            lines.append(f"  {name} level {level.level:.4g}: mean dwell {mean} ({low} to {high} at 95 %)")
        lines.append(f"  at the upper level {self.probability_up:.4g} ± {self.probability_error:.2g} of the time")
        return "\n".join([*lines, *([f"  {self.note}"] if self.note else [])])


def telegraph(
    source: Source,
    dt: Float[ArrayLike, ""] | None = None,
    *,
    low: float | None = None,
    high: float | None = None,
) -> Telegraph:
    """Dwell times and rates of a random telegraph signal, each with its interval.

    The signal is up once it has come above `high` and down once it has come below `low` (a Schmitt trigger), so that
    what crosses the middle again and again while it jumps counts once. Between the two it is where it was. A rate is
    the number of exits over the time spent, cut dwells at the ends included.

    Args:
        source: a run (m·p), `run.signal(name)`, a Trace of one column, or samples (…, T), time last: several signals,
            such as runs of an array of oscillators, count together.
        dt: time between samples [s], of an array.
        low, high: the thresholds, in the signal's unit, both or none: by default 15 % of the distance of the two
            levels inside of each.

    Raises ValueError for a signal without two levels where no thresholds are given, and for thresholds that it does not
    cross.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> jumps = np.repeat(np.arange(400) % 2, rng.exponential(100, 400).astype(int) + 1)
    >>> found = telegraph(jumps + 0.1 * rng.normal(size=jumps.size), dt=1e-9)
    >>> found.upper.exits, round(found.upper.mean * 1e9, 1), round(float(jumps.sum()) / 199, 1)
    (199, 115.9, 116.1)
    """
    signal = signal_of(source, dt)
    values = np.asarray(signal.values, float)
    values, step = values.reshape(-1, values.shape[-1]), float(signal.dt)
    down, up = _thresholds(values, low, high)
    known = np.where(values > up, 1, np.where(values < down, -1, 0))
    place = np.maximum.accumulate(np.where(known != 0, np.arange(values.shape[1]), -1), axis=1)
    at = np.where(place >= 0, np.take_along_axis(known, np.maximum(place, 0), axis=1), 0)
    if not (at > 0).any() or not (at < 0).any():
        raise ValueError(
            f"the signal is never {'above' if not (at > 0).any() else 'below'} its threshold "
            f"({up if not (at > 0).any() else down:.6g}), so that it has one level; give others, or a longer signal"
        )
    return Telegraph(_level(values, at, 1, step), _level(values, at, -1, step), (down, up), step)


def _thresholds(values: np.ndarray, low: Any, high: Any) -> tuple[float, float]:
    if (low is None) != (high is None):
        raise ValueError("one threshold is given, expected both low and high, or none")
    if low is not None:
        down, up = float(as_number(low)), float(as_number(high))
        if not down <= up:
            raise ValueError(f"low = {down:g} is above high = {up:g}; exchange them")
        return down, up
    bottom, top = float(values.min()), float(values.max())
    for _ in range(100):
        above = values > (bottom + top) / 2
        moved = float(values[~above].mean()), float(values[above].mean())
        if moved == (bottom, top):
            break
        bottom, top = moved
    above = values > (bottom + top) / 2
    scatter = np.sqrt(np.mean(np.where(above, values - top, values - bottom) ** 2))
    if top - bottom < CONTRAST * scatter:
        raise ValueError(
            f"the signal has no two levels that can be told apart (they would be {bottom:.4g} and {top:.4g}, with a "
            f"scatter of {scatter:.2g}); give low=… and high=… where it has"
        )
    return bottom + HYSTERESIS * (top - bottom), top - HYSTERESIS * (top - bottom)


def _level(values: np.ndarray, at: np.ndarray, sign: int, dt: float) -> Level:
    dwells, exits = [], 0
    for row in at:
        jumps = np.flatnonzero(row[1:] != row[:-1]) + 1
        begins, ends = np.concatenate([[0], jumps]), np.concatenate([jumps, [len(row)]])
        here = row[begins] == sign
        left, entered = ends < len(row), (begins > 0) & (row[np.maximum(begins - 1, 0)] != 0)
        exits += int((here & left).sum())
        dwells.append((ends - begins)[here & left & entered] * dt)
    inside = at == sign
    return Level(float(values[inside].mean()), np.concatenate(dwells), exits, float(inside.sum() * dt))
