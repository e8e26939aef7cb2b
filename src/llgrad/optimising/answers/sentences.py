"""What has to be said beside an optimum, before its value is used."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from llgrad.core.units import show
from llgrad.optimising.aims import Measure, OrbitNumber
from llgrad.optimising.answers.result import ChosenParameter, Constraint, Curvature, LocalOptimum, SearchRecord
from llgrad.optimising.evaluation import HEALTH
from llgrad.orbits.results.quantities import WIDE, sentence_of_width
from llgrad.orbits.results.status import NOTES, SearchOutcome

OF_NOISE: Final = ("line_width", "linear_width", "diffusion", "noise_ratio")
"""Numbers of an orbit that first order in the noise gives."""
SLOW: Final = 1e-3
"""Where deviations decay by less in one period, a threshold or a fold is near."""
MOST: Final = 5
"""Parameters in a sentence."""
ERROR: Final = 1e-6
SHARP: Final = 0.02
"""An optimum is sharp where less than this part of a range costs 1 %."""


def is_of_noise(measure: Measure) -> bool:
    """Whether a number comes from first order in the noise."""
    return isinstance(measure, OrbitNumber) and measure.name in OF_NOISE


def warnings_of(measures: Sequence[Measure], health: np.ndarray, how: str, value: str, steps: int) -> list[str]:
    """What may be wrong with the value itself."""
    found = []
    rate, period, ratio, error, search = map(float, health)
    if any(map(is_of_noise, measures)) and ratio > WIDE:
        width = ratio * rate / (2 * math.pi)
        found.append(f"not to be used as it is: {sentence_of_width(width, rate)}")
    if rate * period < SLOW:
        found.append(
            f"it lies at a threshold or a fold: deviations decay by {rate * period:.2g} in one period, and beyond it "
            "this orbit is lost; limit return_rate from below to keep away"
        )
    if how == "at the edge":
        found.append(
            f"no optimum: {value} still improves where the search met designs without a number, at the edge of where "
            "the device oscillates; it is where the search stopped"
        )
    elif how != "converged":
        found.append(f"no optimum: {value} still improves where the search ended; limit it, or give more starts")
    if search == SearchOutcome.BISTABLE:
        found.append(NOTES[SearchOutcome.BISTABLE])
    if error > ERROR:
        found.append(f"the orbit with {steps} states has a relative error of about {error:.1g}; give steps={2 * steps}")
    return found


def told_front(measures: Sequence[Measure], healths: np.ndarray, hows: Sequence[str], count: int) -> list[str]:
    """What may be wrong with points of a front (P, H), of the searches for which it is said how each ended."""
    found, number = [], len(healths)
    rate, period, ratio = (healths[:, HEALTH.index(name)] for name in HEALTH[:3])
    if any(map(is_of_noise, measures)) and (bad := np.flatnonzero(ratio > WIDE)).size:
        found.append(
            f"at {bad.size} of {number} points (the first is number {bad[0] + 1}) first order in the noise does not "
            "hold: the number there is no line width; limit noise_ratio from above to keep away"
        )
    if (slow := np.flatnonzero(rate * period < SLOW)).size:
        found.append(
            f"{slow.size} of {number} points (the first is number {slow[0] + 1}) lie at a threshold or a fold; limit "
            "return_rate from below to keep away"
        )
    for how in dict.fromkeys(how for how in hows if how != "converged"):
        found.append(f"{list(hows).count(how)} of {count} searches along the front ended {how}")
    if number < count:
        found.append(f"{count - number} of {count} points are left out: another is as good in both")
    return found


def told_starts(starts: Sequence[SearchRecord], tried: int) -> list[str]:
    """How many starts had no number."""
    led, dead = sum(one.led_back for one in starts), sum(one.how == "no number" for one in starts)
    if not led + dead:
        return []
    gone = f"{dead} discarded" if dead else "none discarded"
    return [f"{led + dead} of {len(starts)} starts had no number: {led} led back to where there is one, {gone}"]


def told_optima(optima: Sequence[LocalOptimum], name: str, unit: str, units: Mapping[str, str]) -> list[str]:
    """That there are several optima."""
    if len(optima) < 2:
        return []
    others = "; ".join(
        f"{show(one.value, unit)} at {_places(one.values, units)} ({_starts(one.starts)})" for one in optima[1:4]
    )
    rest = f"; and {len(optima) - 4} more" if len(optima) > 4 else ""
    return [f"{len(optima)} optima: this one was reached from {_starts(optima[0].starts)}; others: {others}{rest}"]


def told_limits(parameters: Mapping[str, ChosenParameter], constraints: Sequence[Constraint], unit: str) -> list[str]:
    """At which limits it lies."""
    ends = [f"{name} at the {one.at} of its range" for name, one in parameters.items() if one.at]
    ends += [f"{one.name} at its limit" for one in constraints if one.binds and one.binds != "equality"]
    return [f"it lies at {'a limit' if len(ends) == 1 else 'limits'}: {', '.join(ends)}"] if ends else []


def told_bend(curvatures: Sequence[Curvature] | None, units: Mapping[str, str]) -> list[str]:
    """Whether it is a sharp optimum."""
    if curvatures is None:
        return ["how sharp it is could not be told: beside it are designs without a number"]
    if not curvatures:
        return ["its limits hold it wholly: it is a corner, and no direction is left to bend in"]
    found = []
    words = ("sharpest", "flattest") if len(curvatures) > 1 else ("only free",)
    for one, word in zip((curvatures[0], curvatures[-1]), words, strict=False):
        if math.isfinite(one.parts):
            shown = {name: f"by {show(float(f'{move:.3g}'), units[name])}" for name, move in one.moves.items() if move}
            kind, together = "sharp" if one.parts < SHARP else "broad", "move together" if len(shown) > 1 else "moves"
            found.append(f"{word} direction, {kind}: 1 % worse where {_some(shown, ' ')} {together}")
        else:
            found.append(f"{word} direction: flat, it costs nothing")
    return found


def _places(values: Mapping[str, float], units: Mapping[str, str]) -> str:
    return _some({name: show(float(f"{value:.4g}"), units[name]) for name, value in values.items()}, " = ")


def _some(parts: Mapping[str, str], between: str) -> str:
    """The first few of many."""
    told = [f"{name}{between}{text}" for name, text in parts.items()]
    return ", ".join(told[:MOST]) + (f" and {len(told) - MOST} more" if len(told) > MOST else "")


def _starts(count: int) -> str:
    return f"{count} start" + "s" * (count != 1)


def nothing_within(ends: Sequence[Any], goal: Any, measures: Sequence[Measure]) -> str:
    """That no design holds all limits, and how near the nearest comes."""
    nearest = min(ends, key=lambda end: goal.violation(end.numbers))
    parts = []
    for row in goal.rows:
        value, measure = float(nearest.numbers[row.place]), measures[row.place]
        if not row.low <= value <= row.high:
            edge = row.low if value < row.low else row.high
            parts.append(f"{measure.name} = {show(value, measure.unit)}, where {show(edge, measure.unit)} is the limit")
    return (
        f"no design holds all limits, from {len(ends)} starts; the nearest has {'; '.join(parts)}: widen the limits or "
        "what is free, or give more starts"
    )
