"""All branches of cycles over a range of one number: from each Hopf point, and from cycles found by looking."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.units import show
from llgrad.orbits.branches.cycles.critical import (
    DOUBLING,
    StabilityChange,
    changes_between,
    flat_along,
    growing_at,
    multipliers_at,
)
from llgrad.orbits.branches.cycles.crossing import beside, crossings
from llgrad.orbits.branches.cycles.ending import Doubled, KnownRests, ending
from llgrad.orbits.branches.cycles.result import BranchEnd, CycleBranch, CyclePoint, extremes
from llgrad.orbits.branches.cycles.seeing import observed
from llgrad.orbits.branches.cycles.starting import Origin, found_at, from_doubling, from_hopf, stiffness_at
from llgrad.orbits.branches.cycles.stepping import BranchStep, CycleFamily, OrbitPlace, cycle_family_of, length_of
from llgrad.orbits.branches.cycles.tracing import ACCURACY, Leg, leads_outside, leg_from, turned
from llgrad.orbits.branches.family import FollowedRange
from llgrad.orbits.branches.result import Branches, Threshold
from llgrad.orbits.cycle.finding import inner_steps
from llgrad.orbits.results.precision import working

LOOKED: Final = (0.0007, 0.5003, 0.9991)
"""Parts of the range at which cycles are looked for that begin at no Hopf point."""
SAME: Final = 1e-6
"""Cycles whose means, sizes and periods are this near are one."""
STANDS: Final = (
    "at {0} = {1} a whole family of cycles stands, as round a centre: {0} does not change along it, their sizes "
    "neither grow nor decay, and it has no critical points"
)
STANDING: Final = 1e-8
"""A family of cycles stands at one value where the number changes by less than this part of its range."""


def with_cycles(rest: Branches, span: FollowedRange, wanted: Any, doublings: int) -> Branches:
    """The branches of states at rest over a range, with those of cycles.

    Args:
        rest: plain numbers.
        span: the number, and between which values.
        wanted: the observable whose extremes are told.
        doublings: how many times branches are followed that begin at period doublings.
    """
    device = rest.device
    # its promotion and ranks are those of JAX itself, for a rate of the user's own is traced
    with working(device):
        known = KnownRests(rest.branches, rest.thresholds)
        family = _with_inner_steps(cycle_family_of(device, span), known)
        cycles = tuple(_cycles_over(device, family, span, known, wanted, doublings))
        if not rest.branches:  # there may be none, where all states at rest lie on curves
            return replace(rest, cycles=cycles)
        y = np.concatenate([b.y for b in rest.branches])
        values = np.concatenate([b.values for b in rest.branches])
        seen = np.asarray(observed(family, wanted, jnp.asarray(y), jnp.asarray(values)))
    parts = np.split(seen, np.cumsum([len(b.values) for b in rest.branches])[:-1])
    branches = tuple(replace(b, observed=part) for b, part in zip(rest.branches, parts, strict=True))
    return replace(rest, branches=branches, cycles=cycles)


def _with_inner_steps(family: CycleFamily, known: KnownRests) -> CycleFamily:
    """The same with as many steps between states as the fastest motion at the Hopf points takes."""
    ratios = [stiffness_at(family, point.y, point.held, _turning(point)) for point in known.hopfs]
    return replace(family, inner=inner_steps(max(ratios, default=1.0)))


def _turning(point: Threshold) -> float:
    """ω [rad/ns] of a Hopf point."""
    return 2e-9 * np.pi * float(jax.lax.stop_gradient(point.frequency))


def _cycles_over(
    device: Any, family: CycleFamily, span: FollowedRange, known: KnownRests, wanted: Any, doublings: int
) -> list[CycleBranch]:
    teller = _Teller(device, family, span, known, wanted, [], [])
    found: list[CycleBranch] = []
    for point in known.hopfs:
        if not any(_ends_at(branch, "Hopf", point.held, point.y) for branch in found):
            origin = from_hopf(family, point.y, point.held, _turning(point))
            if leads_outside(family, span, origin.step):
                continue  # the Hopf point is at an end of the range, and its cycles are beyond it
            end = BranchEnd("Hopf", f"it grows from the Hopf point at {teller.shown(point.held)}", point.held)
            found.append(teller.from_origin(origin, end, 1))
    for part in LOOKED:
        value = span.start + part * (span.stop - span.start)
        for step in found_at(family, value, known.at(value)):
            if not _is_known(step, found):
                found.append(teller.through(step))
    _cross(teller, found)
    begun = 0
    for _ in range(doublings):
        begun, new = len(teller.doublings), teller.doublings[begun:]
        for one in new:
            value = one.step.place.value
            if not any(_ends_at(branch, "period doubling", value, None) for branch in found):
                sentence = f"it begins at the period doubling at {teller.shown(value)}"
                end = BranchEnd("period doubling", sentence, value)
                found.append(teller.from_origin(from_doubling(family, one.step), end, 2 * one.turns))
    return found


def _cross(teller: _Teller, found: list[CycleBranch]) -> None:
    """Follows the branches that cross families of cycles which stand at one value, and tells the families of them."""
    for i, branch in enumerate(found):
        notes = []
        for place in teller.crossed[i]:
            low, high = extremes(teller._observed(place))
            others = beside(teller.family, teller.span, place)
            for step in others:
                if not _is_known(step, found):
                    found.append(teller.through(step))
            if others:
                notes.append(
                    f"another branch of cycles crosses it where the observable goes from {low:.3g} to {high:.3g}"
                )
        found[i] = replace(branch, notes=(*branch.notes, *notes))


def _is_known(step: BranchStep, found: list[CycleBranch]) -> bool:
    """Whether a cycle is on one of some branches."""
    value, size = step.place.value, STANDING
    return any(
        abs(branch.stands - value) <= size * float(branch.family.size)
        if branch.stands is not None
        else any(_same(step, other) for other in branch.steps_at(value))
        for branch in found
    )


def _ends_at(branch: CycleBranch, kind: str, value: float, y: np.ndarray | None) -> bool:
    """Whether a branch begins or ends at a Hopf point, with its state (n,), or at a period doubling, at a value."""
    ends = [place for end, place in zip(branch.ends, (0, -1), strict=True) if (end.kind, end.value) == (kind, value)]
    # two states at rest may begin to oscillate at the same value, as those of a symmetric device do
    return any(y is None or np.allclose(branch.places[i].states.mean(0), y, rtol=0, atol=1e-9) for i in ends)


class _Teller(NamedTuple):
    """Follows branches and tells what they are."""

    device: Any
    family: CycleFamily
    span: FollowedRange
    known: KnownRests
    wanted: Any
    doublings: list[Doubled]
    """Of all branches, in the order in which they were found."""
    crossed: list[list[OrbitPlace]]
    """Of each branch, where others cross it, if it stands at one value."""

    def shown(self, value: float) -> str:
        """A value of the number for a reader."""
        return show(float(f"{value:.8g}"), self.span.unit)

    def from_origin(self, origin: Origin, begun: BranchEnd, turns: int) -> CycleBranch:
        """The branch that begins at a Hopf point or at a period doubling."""
        leg = leg_from(self.family, self.span, origin.step, ends=False)
        return self._branch([origin], leg, begun, turns)

    def through(self, step: BranchStep) -> CycleBranch:
        """The branch through a cycle, both ways."""
        up = leg_from(self.family, self.span, step)
        if up.why == "loop":
            return self._branch([step], up, BranchEnd("loop", "it closes on itself"), 1)
        down = leg_from(self.family, self.span, turned(step))
        up = up._replace(stands=up.stands or down.stands)
        begun, last = ending(self.known, self.family, self.span, down, step, self.doublings)
        before: list[Any] = [turned(one) for one in reversed(down.steps)]
        turns = 2 if "half" in (up.why, down.why) else 1
        return self._branch([*([] if last is None else [last]), *before, step], up, begun, turns)

    def _branch(self, first: Sequence[Any], leg: Leg, begun: BranchEnd, turns: int) -> CycleBranch:
        """The points in order, of which the first and the last may be origins, as a branch."""
        standing = self._standing_at([*first, *leg.steps]) if leg.stands else None
        if standing is not None:
            first = [_at(point, standing) for point in first]
            leg = leg._replace(steps=[_at(step, standing) for step in leg.steps])
        end, last = ending(self.known, self.family, self.span, leg, first[-1], self.doublings)
        points: list[Any] = [*first, *leg.steps, *([] if last is None else [last])]
        solved = [point for point in points if isinstance(point, BranchStep)]
        self.crossed.append([] if standing is None else crossings(solved))
        if standing is not None:
            sentence = STANDS.format(self.span.path, self.shown(standing))
            return replace(self._told([(p, "") for p in points], (begun, end), turns, [sentence]), stands=standing)
        flat = flat_along(solved)
        told: list[tuple[Any, str]] = [(points[0], "")]
        changes: list[StabilityChange] = []
        notes: list[str] = []
        for here, there in itertools.pairwise(points):
            if isinstance(here, BranchStep) and isinstance(there, BranchStep):
                here = here._replace(length=length_of(self.family, here.place.states))
                between, unsolved = changes_between(self.family, here, there, flat)
                ends = f"{self.shown(here.place.value)} and {self.shown(there.place.value)}"
                notes += [f"between {ends} there is a {kind} that could not be solved" for kind in unsolved]
                changes += between
                told += [(self._rounded(change.step), change.kind) for change in between]
            told.append((there, ""))
        self.doublings.extend(Doubled(change.step, turns) for change in changes if change.kind == DOUBLING)
        return self._told(told, (begun, end), turns, notes)

    def _standing_at(self, points: Sequence[Any]) -> float | None:
        """The one value at which all points are, to rounding: that of the Hopf point where they begin; or None."""
        values = [point.step.place.value if isinstance(point, Origin) else point.place.value for point in points]
        if np.ptp(values) > STANDING * float(self.family.size):
            return None
        return float(values[0] if isinstance(points[0], Origin) else np.median(values))

    def _rounded(self, step: BranchStep) -> BranchStep:
        """A point at 0 where what its value differs from it is rounding."""
        return _at(step, 0.0) if abs(step.place.value) < ACCURACY * float(self.family.size) else step

    def _told(
        self, told: list[tuple[Any, str]], ends: tuple[BranchEnd, BranchEnd], turns: int, notes: list[str]
    ) -> CycleBranch:
        steps = [point.step if isinstance(point, Origin) else point for point, _ in told]
        places = tuple(step.place for step in steps)
        multipliers = np.array(
            [point.multipliers if isinstance(point, Origin) else multipliers_at(point) for point, _ in told]
        )
        growing = np.array([0 if isinstance(point, Origin) else growing_at(point) for point, _ in told])
        for i, (point, kind) in enumerate(told):
            if kind or isinstance(point, Origin):
                growing[i] = min((growing[j] for j in (i - 1, i + 1) if 0 <= j < len(told)), default=0)
        values = np.array([place.value for place in places])
        periods = np.array([place.period * 1e-9 for place in places])
        spans = [extremes(place.states) for place in places]
        seen = [extremes(self._observed(place)) for place in places]
        critical = tuple(
            CyclePoint(kind, float(values[i]), float(1 / periods[i]), multipliers[i], i)
            for i, (_, kind) in enumerate(told)
            if kind
        )
        return CycleBranch(
            values=values,
            periods=periods,
            multipliers=multipliers,
            growing=growing,
            lows=np.array([low for low, _ in spans]),
            highs=np.array([high for _, high in spans]),
            low=np.array([low for low, _ in seen]),
            high=np.array([high for _, high in seen]),
            turns=turns,
            critical=critical,
            ends=ends,
            notes=tuple(notes),
            places=places,
            errors=np.array([step.error for step in steps]),
            family=self.family,
            device=self.device,
        )

    def _observed(self, place: OrbitPlace) -> np.ndarray:
        values = jnp.full(len(place.states), place.value)
        return np.asarray(observed(self.family, self.wanted, jnp.asarray(place.states), values))


def _at(point: Any, value: float) -> Any:
    """A point, or an origin, with another value of the number."""
    if isinstance(point, Origin):
        return point._replace(step=_at(point.step, value))
    return point._replace(place=point.place._replace(value=value))


def _same(one: BranchStep, other: BranchStep) -> bool:
    """Whether two cycles at one value are the same, whatever the phase."""
    features = []
    for step in (one, other):
        states = step.place.states / one.length
        features.append(np.concatenate([states.mean(0), states.std(0), [np.log(step.place.period)]]))
    return bool(np.abs(features[0] - features[1]).max() < SAME)
