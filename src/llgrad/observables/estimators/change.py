"""Whether a line is the same from the beginning of a record to its end: a burst or a sweep is no line."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

MOST_PARTS: Final = 16
FEWEST_PARTS: Final = 4
COHERENCE: Final = 1.5
"""A part lasts at least so many coherence times 1/(πΔ): neighbours are then nearly independent."""
FALSE_ALARM: Final = 5e-4
"""The probability, for independent normal parts, that a steady line passes for one that changes: of power and of
frequency together once in 1000, as for noise that passes for a line."""
POWER: Final = 3.0
"""A change of the power that is smaller than this factor does not matter,"""
MOVES: Final = 0.3
"""nor does one of the frequency by less than this part of the fitted width, which a sweep widens to its own range."""


class BeforeAndAfter(NamedTuple):
    """Before and after a time."""

    time: float
    """[s]"""
    power: tuple[float, float]
    frequency: tuple[float, float]
    """[Hz]; both are means over the parts."""
    of_power: bool
    """Whether the power changes; else the frequency does."""


def change_of(analytic: np.ndarray, step: float, width: float) -> BeforeAndAfter | None:
    """The change that is least likely of a steady line, of the analytic signal (T,) near a line of this width [Hz].

    The record is cut into parts; of each, the logarithm of the mean power ⟨|z|²⟩ and the mean frequency
    arg ⟨z(t + dt) z*(t)⟩/(2π dt). Student's t of the means before and after each border says whether they differ. None
    for a steady line, and for a record too short to tell.
    """
    count = min(MOST_PARTS, int(math.pi * width * analytic.size * step / COHERENCE))
    if count < FEWEST_PARTS:
        return None
    edges = np.linspace(0, analytic.size - 1, count + 1).astype(int)[:-1]
    turns = analytic[1:] * np.conj(analytic[:-1])
    middle = np.angle(turns.sum())
    lengths = np.diff(np.append(edges, turns.size))
    power = np.add.reduceat(np.abs(analytic[:-1]) ** 2, edges) / lengths
    frequency = (middle + np.angle(np.add.reduceat(turns, edges) * np.exp(-1j * middle))) / (2 * math.pi * step)
    for values, of_power in ((np.log(np.maximum(power, 1e-300)), True), (frequency, False)):
        at = _border(values)
        if at is None:
            continue
        before, after = float(power[:at].mean()), float(power[at:].mean())
        first, then = float(frequency[:at].mean()), float(frequency[at:].mean())
        matters = max(before, after) > POWER * min(before, after) if of_power else abs(first - then) > MOVES * width
        if matters:
            return BeforeAndAfter(float(edges[at]) * step, (before, after), (first, then), of_power)
    return None


def _border(values: np.ndarray) -> int | None:
    """Where values (N,) change most significantly; None where nowhere, over all borders."""
    import scipy.special  # slow to import

    size = values.size
    total, at = np.cumsum(values - values.mean()), np.arange(1, size)
    between = total[:-1] ** 2 * (1 / at + 1 / (size - at))
    everything = float(np.sum((values - values.mean()) ** 2))
    best = int(np.argmax(between))
    rest = max(everything - float(between[best]), 1e-12 * everything + 1e-300)
    t = math.sqrt(float(between[best]) / rest * (size - 2))
    return best + 1 if 2 * (size - 1) * scipy.special.stdtr(size - 2, -t) < FALSE_ALARM else None
