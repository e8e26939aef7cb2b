"""One branch of cycles, followed through folds: pseudo-arclength continuation, with a reason why it ends."""

from __future__ import annotations

import itertools
import math
from typing import Final, NamedTuple

import numpy as np

from llgrad.orbits.branches.cycles.stepping import (
    BranchStep,
    CycleFamily,
    Direction,
    OrbitPlace,
    length_of,
    refined,
    step_across,
)
from llgrad.orbits.branches.family import FollowedRange

FIRST_STEP: Final = 0.02
LONGEST_STEP: Final = 0.05
SHORTEST_STEP: Final = 1e-7
MOST_POINTS: Final = 2000
SHARPEST_TURN: Final = 0.95
"""Smallest cosine between the directions of two neighbouring points."""
ACCURACY: Final = 1e-9
"""Largest relative error of states, period and number, by steps of half the length."""
MOST_STATES: Final = 4096
LONGEST: Final = 50.0
"""A branch on which the period has grown by so many times is followed no further."""
SLOWED, GROWN, STILL, FEWEST = 2.0, 1.2, 1e-7, 4
"""So is one on which the period is more than twice its least, and has grown by a fifth since the number changed by this
part of its range."""
EDGE: Final = 1e-6
STANDS, NEUTRAL, SPREAD = 1e-9, 1e-7, 0.02
"""Cycles that are this far apart, of which the number changes by less than the first part of its range, and of which
each has a multiplier this near to 1, are of a family that stands at one value."""
SMALLER: Final = (1.0, 0.5, 0.2, 0.1, 0.05)
"""Parts of a cycle's size at which a smaller one is looked for."""
SMALLEST: Final = 1e-5
"""A cycle of this size is a state at rest."""
SLOW: Final = 0.1
"""So is one whose states are too many to resolve, where the least speed on the cycle is this part of the largest."""


class Leg(NamedTuple):
    """The points of a branch of cycles in order, and why there are no more at the end."""

    steps: list[BranchStep]
    why: str
    """"edge", "rest" (the cycle has shrunk to a point), "half" (a doubled cycle has become twice the single one),
    "slow" (the period grows without bound), "outside" (a family that stands at one value has left the box of states),
    "loop", "unresolved", "long" or "lost"."""
    stands: bool = False
    """Whether it is a family of cycles at one value of the number."""


def place_along(step: BranchStep, size: float, distance: float) -> OrbitPlace:
    """The place a distance along the branch's direction; `size` is the unit of the number."""
    place, along = step.place, step.along
    period = place.period * math.exp(np.clip(distance * along.period, -1.0, 1.0))
    return OrbitPlace(place.states + distance * along.states, period, place.value + distance * along.value * size)


def turned(step: BranchStep) -> BranchStep:
    """The same point with the direction reversed."""
    along = step.along
    return step._replace(along=Direction(-along.states, -along.period, -along.value))


def apart(one: BranchStep, other: BranchStep, size: float) -> Direction:
    """What leads from one point to another, at the states that they have in common."""
    fewer = min(len(one.place.states), len(other.place.states))
    here, there = (step.place.states[:: len(step.place.states) // fewer] for step in (one, other))
    value = (other.place.value - one.place.value) / size
    return Direction(there - here, math.log(other.place.period / one.place.period), value)


def product(one: Direction, other: Direction, length: np.ndarray) -> float:
    """The scalar product of two directions, at the states that they have in common."""
    fewer = min(len(one.states), len(other.states))
    states = [d.states[:: len(d.states) // fewer] / length for d in (one, other)]
    return float((states[0] * states[1]).sum() / fewer + one.period * other.period + one.value * other.value)


def next_step(family: CycleFamily, here: BranchStep, distance: float, fewest: int = 0) -> BranchStep | None:
    """The point a distance along the branch, with as many states as its accuracy takes, and not fewer than so many;
    None where Newton's method does not reach one.
    """
    return _resolved(family, place_along(here, float(family.size), distance), here.along, here.length, fewest)


def step_at(family: CycleFamily, place: OrbitPlace, fewest: int = 0) -> BranchStep | None:
    """The point near a place that has its value of the number; its direction leads to larger values."""
    up = Direction(np.zeros_like(place.states), 0.0, 1.0)
    return _resolved(family, place, up, length_of(family, place.states), fewest)


def _resolved(
    family: CycleFamily, place: OrbitPlace, along: Direction, length: np.ndarray, fewest: int
) -> BranchStep | None:
    found = step_across(family, place, along, length)
    while found is not None and (found.error > ACCURACY or len(found.place.states) < fewest):
        if len(found.place.states) >= MOST_STATES:
            break
        times = 1 if found.error <= ACCURACY else 2
        place, along = refined(family, found.place, along, times)
        found = step_across(family, place, along, length)
    return found


def leg_from(family: CycleFamily, span: FollowedRange, begun: BranchStep, *, ends: bool = True) -> Leg:
    """The points after one in its direction.

    Args:
        family: the cycles.
        span: between which values of the number.
        begun: where the branch begins: its states may be those of a state at rest, or of a cycle taken twice.
        ends: whether a branch that comes back to where it began is at its end.
    """
    steps, here, distance, size = [], begun, FIRST_STEP, float(family.size)
    gone, quickest, standing = 0.0, begun.place.period, False
    while len(steps) < MOST_POINTS:
        there = _at_edge_exactly(next_step(family, here, distance), span, size)
        if there is None or not _follows(here, there, distance, size):
            distance /= 2
            if distance < SHORTEST_STEP:
                return Leg(steps, "edge" if _is_at_edge(here, span, size) else "lost", standing)
            continue
        if not span.start <= there.place.value <= span.stop:
            edge = _at_edge(family, span, here, there)
            if edge is not None:
                return Leg([*steps, edge], "edge", standing)
            distance /= 2
            if distance < SHORTEST_STEP:
                return Leg(steps, "edge", standing)
            continue
        if steps and (why := _shrunk(here, there)):
            before = _before_rest(family, span, here) if why == "rest" else None
            return Leg(steps, why, standing) if before is None else Leg([*steps, before], "edge", standing)
        if there.error > ACCURACY:
            why = "slow" if there.speeds.min() < SLOW * there.speeds.max() else "unresolved"
            return Leg(steps, why, standing)
        gone += distance
        steps.append(there)
        quickest = min(quickest, there.place.period)
        standing = standing or stands(steps[-FEWEST:], size)
        if standing and _is_outside(there, span):
            return Leg(steps, "outside", standing)
        if there.place.period > LONGEST * quickest or (not standing and _stands_still(steps, quickest, size)):
            return Leg(steps, "slow", standing)
        if ends and gone > 4 * distance and _returns(begun, there, distance, size):
            return Leg(steps, "loop", standing)
        near = product(here.along, there.along, here.length)
        here = there._replace(length=length_of(family, there.place.states))
        if near > 0.99:
            distance = min(1.5 * distance, LONGEST_STEP)
    return Leg(steps, "long", standing)


def stands(steps: list[BranchStep], size: float) -> bool:
    """Whether points of a branch are of a family of cycles at one value of the number, as round a centre: the number
    does not change beyond rounding, and deviations towards the neighbours neither grow nor decay."""
    if len(steps) < FEWEST:
        return False
    moved = apart(steps[0], steps[-1], size)._replace(value=0.0)
    values = [step.place.value for step in steps]
    still = np.ptp(values) <= STANDS * size and product(moved, moved, steps[0].length) >= SPREAD**2
    return still and all(np.abs(np.linalg.eigvals(s.transversal) - 1).min(initial=np.inf) < NEUTRAL for s in steps)


def leads_outside(family: CycleFamily, span: FollowedRange, begun: BranchStep) -> bool:
    """Whether the cycles of a Hopf point at an end of the range are beyond that end."""
    size, value = float(family.size), begun.place.value
    if value not in (span.start, span.stop):
        return False
    there = _at_edge_exactly(next_step(family, begun, FIRST_STEP), span, size)
    return there is not None and not span.start <= there.place.value <= span.stop


def _at_edge_exactly(step: BranchStep | None, span: FollowedRange, size: float) -> BranchStep | None:
    """A point, at an end of the range where it differs from that by rounding, as one of a family that stands there."""
    if step is None:
        return None
    for edge in (span.start, span.stop):
        if abs(step.place.value - edge) < ACCURACY * size:
            return step._replace(place=step.place._replace(value=edge))
    return step


def _before_rest(family: CycleFamily, span: FollowedRange, here: BranchStep) -> BranchStep | None:
    """The cycle at an end of the range that a branch meets before it shrinks to a point just beyond it; None where it
    shrinks within the range."""
    size = float(family.size)
    for edge in (span.start, span.stop):
        if abs(edge - here.place.value) < LONGEST_STEP * size:
            middle = here.place.states.mean(0)
            for part in SMALLER:
                states = middle + part * (here.place.states - middle)
                found = step_at(family, here.place._replace(states=states, value=edge))
                if found is not None and (np.ptp(found.place.states, axis=0) / found.length).max() > SMALLEST:
                    found = found._replace(place=found.place._replace(value=edge))
                    return found if product(here.along, found.along, here.length) > 0 else turned(found)
    return None


def _is_at_edge(here: BranchStep, span: FollowedRange, size: float) -> bool:
    """Whether a branch is as near to the edge as it can be reached where another branch crosses at the edge itself."""
    return min(abs(here.place.value - edge) for edge in (span.start, span.stop)) < EDGE * size


def _is_outside(step: BranchStep, span: FollowedRange) -> bool:
    """Whether a cycle leaves the box in which states are looked for."""
    if span.box is None:
        return False
    low, high = span.box
    return bool((step.place.states < low).any() or (step.place.states > high).any())


def _follows(here: BranchStep, there: BranchStep, distance: float, size: float) -> bool:
    """Whether a point is the next one of the branch, and not one of another."""
    step = apart(here, there, size)
    near = product(here.along, there.along, here.length)
    return near > SHARPEST_TURN and product(step, step, here.length) < (2 * distance) ** 2


def _stands_still(steps: list[BranchStep], quickest: float, size: float) -> bool:
    """Whether the period grows and grows, and the number does not move any more: on the way to a homoclinic orbit it
    comes near its last value exponentially."""
    last = steps[-1].place
    before = next((s.place for s in reversed(steps) if s.place.period < last.period / GROWN), None)
    return (
        before is not None
        and last.period > SLOWED * quickest
        and abs(last.value - before.value) < STILL * size
        and all(a.place.period < b.place.period for a, b in itertools.pairwise(steps[-FEWEST:]))
    )


def _at_edge(family: CycleFamily, span: FollowedRange, here: BranchStep, there: BranchStep) -> BranchStep | None:
    """The point between two at which the number is at its edge."""
    edge = span.stop if there.place.value > span.stop else span.start
    share = (edge - here.place.value) / (there.place.value - here.place.value)
    size = float(family.size)
    whole = product(here.along, apart(here, there, size), here.length)
    place = place_along(here, size, share * whole)._replace(value=edge)
    found = step_at(family, place, len(here.place.states))
    if found is None:
        return None
    step = apart(here, found, size)
    found = found._replace(place=found.place._replace(value=edge))
    if product(step, step, here.length) > (2 * whole) ** 2:
        return None
    return found if product(here.along, found.along, here.length) > 0 else turned(found)


def _shrunk(here: BranchStep, there: BranchStep) -> str:
    """Whether between two points a cycle has shrunk to a point, or a doubled one to the single one, and grown again."""
    fewer = min(len(here.place.states), len(there.place.states))
    one, other = (s.place.states[:: len(s.place.states) // fewer] / here.length for s in (here, there))
    if ((one - one.mean(0)) * (other - other.mean(0))).sum() < 0:
        return "rest"
    half = fewer // 2
    if ((one[:half] - one[half:]) * (other[:half] - other[half:])).sum() < 0:
        return "half"
    return ""


def _returns(begun: BranchStep, there: BranchStep, distance: float, size: float) -> bool:
    """Whether a branch is back where it began, whatever the phase."""
    features = []
    for step in (begun, there):
        states = step.place.states / there.length
        features.append(
            np.concatenate([states.mean(0), states.std(0), [math.log(step.place.period), step.place.value / size]])
        )
    return bool(np.linalg.norm(features[0] - features[1]) < distance / 2)
