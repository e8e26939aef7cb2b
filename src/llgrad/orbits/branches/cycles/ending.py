"""Why a branch of cycles ends, in one sentence, and the last point of it where that is a cycle of no size."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import jax
import numpy as np

from llgrad.core.units import show
from llgrad.orbits.branches.cycles.result import BranchEnd
from llgrad.orbits.branches.cycles.starting import Origin, from_hopf
from llgrad.orbits.branches.cycles.stepping import BranchStep, CycleFamily
from llgrad.orbits.branches.cycles.tracing import LONGEST, MOST_POINTS, MOST_STATES, Leg
from llgrad.orbits.branches.family import FollowedRange
from llgrad.orbits.branches.result import Branch, Threshold

NEAR: Final = 0.2
"""How near the last point of a branch must be to the critical point at which it is said to end, in units of its
states and of the range."""
TOUCHES: Final = 0.05
"""How near the slowest state of a cycle must be to a state at rest that it is said to run into."""


class Doubled(NamedTuple):
    """A period doubling of a branch that was followed."""

    step: BranchStep
    turns: int
    """Of the branch."""


class KnownRests(NamedTuple):
    """The states at rest over the range."""

    branches: tuple[Branch, ...]
    thresholds: tuple[Threshold, ...]

    @property
    def hopfs(self) -> list[Threshold]:
        """The Hopf points."""
        return [point for point in self.thresholds if point.kind == "Hopf"]

    def at(self, value: float) -> list[np.ndarray]:
        """The states at rest (d,) at a value of the number, roughly."""
        return [y for y, _ in self._at(value)]

    def unstable_at(self, value: float) -> list[np.ndarray]:
        """Those that are unstable."""
        return [y for y, growing in self._at(value) if growing]

    def _at(self, value: float) -> list[tuple[np.ndarray, int]]:
        found = []
        for branch in self.branches:
            side = branch.values - value
            for i in np.flatnonzero(side[:-1] * side[1:] <= 0).tolist():
                gap = branch.values[i + 1] - branch.values[i]
                share = 0.5 if gap == 0 else (value - branch.values[i]) / gap
                found.append(((1 - share) * branch.y[i] + share * branch.y[i + 1], max(branch.growing[i : i + 2])))
        return found


def ending(
    known: KnownRests, family: CycleFamily, span: FollowedRange, leg: Leg, begun: Any, doublings: list[Doubled]
) -> tuple[BranchEnd, Origin | None]:
    """Why a branch ends, and the state at rest to which it shrinks where it does.

    Args:
        known: the states at rest.
        family: the cycles.
        span: the number.
        leg: the points.
        begun: the point before them.
        doublings: the period doublings of the branches before.
    """
    last = leg.steps[-1] if leg.steps else (begun.step if isinstance(begun, Origin) else begun)
    at = show(float(f"{last.place.value:.6g}"), span.unit)
    if leg.why == "rest":
        return _at_rest(known, family, span, last)
    if leg.why == "slow":
        return _slow(known, family, span, last), None
    if leg.why == "half":
        return _halved(family, span, last, doublings), None
    sentences = {
        "edge": "the edge of the range",
        "loop": "it closes on itself",
        "outside": "there it leaves the range in which states are looked for (`within`)",
        "unresolved": f"from {at} on more than {MOST_STATES} states would be needed; it is followed no further",
        "long": f"after {MOST_POINTS} points it is followed no further",
        "lost": f"beyond {at} it could not be followed",
    }
    return BranchEnd(leg.why, sentences[leg.why]), None


def _at_rest(
    known: KnownRests, family: CycleFamily, span: FollowedRange, last: BranchStep
) -> tuple[BranchEnd, Origin | None]:
    """The Hopf point at which a cycle shrinks to a state at rest."""
    mean = last.place.states.mean(0)
    size = float(family.size)
    far = [
        np.linalg.norm(np.append((p.y - mean) / last.length, (p.held - last.place.value) / size)) for p in known.hopfs
    ]
    if not far or min(far) > NEAR:
        at = show(float(f"{last.place.value:.6g}"), span.unit)
        return BranchEnd("lost", f"near {at} it shrinks to a point that is no Hopf point that was found"), None
    point = known.hopfs[int(np.argmin(far))]
    omega = 2e-9 * math.pi * float(jax.lax.stop_gradient(point.frequency))
    at = show(float(f"{point.held:.8g}"), span.unit)
    origin = from_hopf(family, point.y, point.held, omega)
    return BranchEnd("Hopf", f"it shrinks to the Hopf point at {at}", point.held), origin


def _halved(family: CycleFamily, span: FollowedRange, last: BranchStep, doublings: list[Doubled]) -> BranchEnd:
    """The period doubling at which a doubled cycle becomes the single one."""

    def far(one: Doubled) -> float:
        place = one.step.place
        longer = abs(math.log(last.place.period / (2 * place.period)))
        return longer + abs(place.value - last.place.value) / float(family.size)

    near = min(doublings, key=far, default=None)
    if near is None or far(near) > NEAR:
        at = show(float(f"{last.place.value:.6g}"), span.unit)
        return BranchEnd("period doubling", f"near {at}, at a period doubling, it becomes the cycle of half its period")
    at = show(float(f"{near.step.place.value:.8g}"), span.unit)
    sentence = f"it becomes the cycle of half its period at the period doubling at {at}"
    return BranchEnd("period doubling", sentence, near.step.place.value)


def _slow(known: KnownRests, family: CycleFamily, span: FollowedRange, last: BranchStep) -> BranchEnd:
    """Where the period of a cycle grows without bound."""
    slowest = last.place.states[int(last.speeds.argmin())]
    size, value = float(family.size), last.place.value
    for point in known.thresholds:
        near = np.linalg.norm((point.y - slowest) / last.length)
        if point.kind == "fold" and near < NEAR and abs(point.held - value) < NEAR * size:
            at = show(float(f"{point.held:.8g}"), span.unit)
            sentence = f"its period grows without bound towards {at}, where two states at rest appear on it (a fold)"
            return BranchEnd("infinite period", sentence, point.held)
    at = show(float(f"{value:.5g}"), span.unit)
    grown = f"its period grows without bound near {at}"
    near = [y for y in known.unstable_at(value) if np.linalg.norm((y - slowest) / last.length) < TOUCHES]
    if not near:
        return BranchEnd(
            "infinite period", f"{grown}; it is followed to {LONGEST:g} times its least, or as far as it resolves"
        )
    state = "(" + ", ".join(f"{part:.4f}" for part in near[0].round(4) + 0.0) + ")"
    return BranchEnd(
        "infinite period", f"{grown}, where it runs into the unstable state at rest {state}: a homoclinic orbit"
    )
