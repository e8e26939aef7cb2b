"""Where a cycle changes its stability, by its Floquet multipliers: each point solved along its branch.

At a fold of cycles, where two meet, the branch turns round; elsewhere a multiplier that goes through 1 is a crossing of
branches, one through −1 a period doubling, and a pair through the unit circle begins a torus (Neimark–Sacker).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from llgrad.orbits.branches.cycles.stepping import BranchStep, CycleFamily
from llgrad.orbits.branches.cycles.tracing import apart, next_step, product

FOLD, BRANCH, DOUBLING, TORUS = "fold of cycles", "branch point of cycles", "period doubling", "torus"
REAL: Final = 1e-9
CROSSING: Final = 1e-4
MOST_TRIALS: Final = 60
BESIDE: Final = (1e-7, 1e-6, 1e-5)
"""How far beside it, in parts of the step, what is told of a crossing may be solved."""
AROUND: Final = 0.02 * np.array([-2.0, -1.0, 1.0, 2.0])
"""Where two branches cross is told between points so far from it, in parts of the step: at it the equations are
singular."""
ALONG: Final = 0.9
"""Smallest cosine between the direction of a branch and that of a point on it: beside a crossing Newton's method may
end on the other branch."""
NARROW: Final = 1e-13
FLAT: Final = 1e-6
"""A multiplier that is this near to where something changes all along a branch is so by a symmetry, or a conserved
number, and no change."""
STILL: Final = 1e-9
"""A direction of which the number's part is less than this has none but rounding."""
NEUTRAL: Final = 1e-8
"""A deviation that grows by less than this in a period does not."""
ON_CIRCLE: Final = 1e-6
"""A multiplier that is this near to the unit circle is on it."""


class StabilityChange(NamedTuple):
    """Where a cycle changes its stability."""

    kind: str
    step: BranchStep


def multipliers_at(step: BranchStep) -> np.ndarray:
    """Floquet multipliers (d − 1,) without the 1 of the free phase, the largest first."""
    values = np.linalg.eigvals(step.transversal).astype(complex)
    return values[np.argsort(-np.abs(values), kind="stable")]


def growing_at(step: BranchStep) -> int:
    """In how many directions deviations grow."""
    return int((np.abs(multipliers_at(step)) > 1 + NEUTRAL).sum())


def _signed(factors: np.ndarray, flat: int) -> float:
    """The smallest of the factors of a real product, with the product's sign: continuous, and zero where it is. Of the
    factors that are zero all along a branch, so many, none counts."""
    factors = factors[np.argsort(np.abs(factors), kind="stable")][flat:]
    if not factors.size:
        return 1.0
    real = np.real(factors[np.abs(np.imag(factors)) <= REAL * np.maximum(1.0, np.abs(factors))])
    return float((-1.0) ** int((real < 0).sum()) * np.abs(factors).min())


def _of_branch(step: BranchStep) -> np.ndarray:
    return multipliers_at(step) - 1


def _of_doubling(step: BranchStep) -> np.ndarray:
    return multipliers_at(step) + 1


def _of_torus(step: BranchStep) -> np.ndarray:
    values = multipliers_at(step)
    first, second = np.triu_indices(len(values), 1)
    return values[first] * values[second] - 1


FACTORS: Final[dict[str, Callable[[BranchStep], np.ndarray]]] = {
    BRANCH: _of_branch,
    DOUBLING: _of_doubling,
    TORUS: _of_torus,
}
"""What is zero at a change of each kind: one of these."""


def flat_along(steps: list[BranchStep]) -> dict[str, int]:
    """How many factors of each kind are zero all along a branch, as of a symmetric device: they tell no change."""
    counts = {kind: [int((np.abs(of(step)) < FLAT).sum()) for step in steps] for kind, of in FACTORS.items()}
    return {kind: min(count, default=0) for kind, count in counts.items()}


def _test(kind: str, step: BranchStep, flat: Mapping[str, int]) -> float:
    """A number that changes its sign where there is a change of a kind."""
    return float(step.along.value) if kind == FOLD else _signed(FACTORS[kind](step), flat.get(kind, 0))


def changes_between(
    family: CycleFamily, here: BranchStep, there: BranchStep, flat: Mapping[str, int]
) -> tuple[list[StabilityChange], list[str]]:
    """The critical points between two neighbouring points of a branch, in order, and kinds of those not solved; `flat`
    is that of `flat_along`."""
    kinds = [kind for kind in (FOLD, *FACTORS) if _test(kind, here, flat) * _test(kind, there, flat) < 0]
    if FOLD in kinds and max(abs(here.along.value), abs(there.along.value)) < STILL:
        kinds.remove(FOLD)  # the number stands still, and what is left of its change is rounding
    if FOLD in kinds and BRANCH in kinds:
        kinds.remove(BRANCH)  # at a fold a multiplier goes through 1 too
    found, lost = [], []
    for kind in kinds:
        step = _solved(family, here, there, kind, flat)
        if step is None:
            lost.append(kind)
        elif kind == FOLD and _is_crossing(step):
            found.append(StabilityChange(BRANCH, step))
        elif kind != TORUS or _has_pair(step):
            found.append(StabilityChange(kind, step))
    size = float(family.size)
    return sorted(found, key=lambda c: product(here.along, apart(here, c.step, size), here.length)), lost


def _has_pair(step: BranchStep) -> bool:
    """Whether a pair of multipliers is on the unit circle: of two real ones μ and 1/μ nothing is told."""
    values = multipliers_at(step)
    return bool(((np.abs(np.abs(values) - 1) < ON_CIRCLE) & (np.abs(np.imag(values)) > REAL)).any())


def _is_crossing(step: BranchStep) -> bool:
    """Whether what looks like a fold is the crossing of two branches, as where a symmetry breaks: no change of the
    number acts along the direction that costs nothing."""
    closing = step.matrix[:-1]
    along = np.linalg.svd(closing[:, :-1].T)[2][-1]
    return abs(along @ closing[:, -1]) < CROSSING * np.linalg.norm(closing[:, -1])


def _solved(
    family: CycleFamily, here: BranchStep, there: BranchStep, kind: str, flat: Mapping[str, int]
) -> BranchStep | None:
    """The point between two at which a test is zero, by secants that keep it between two (the Illinois method); None
    where one on the way cannot be reached."""

    def test(step: BranchStep) -> float:
        return _test(kind, step, flat)

    # multipliers are less exact than states: where they are what is solved for, with steps of half the length
    count = len(there.place.states) * (1 if kind == FOLD else 2)
    whole = product(here.along, apart(here, there, float(family.size)), here.length)
    low, high = (next_step(family, here, distance, count) for distance in (0.0, whole))
    if low is None or high is None or not test(low) * test(high) < 0:
        return None
    a, b, of_a, of_b, last = 0.0, whole, test(low), test(high), high
    for _ in range(MOST_TRIALS):
        x = (a * of_b - b * of_a) / (of_b - of_a)
        step, off = _reached(family, here, x, whole, count, kind)
        if step is None:
            return _interpolated(family, here, x, whole, last, test) if kind == BRANCH else None
        x, last = x + off, step
        of_x = test(step)
        if of_x == 0 or abs(x - b) <= max(NARROW * abs(whole), 2 * abs(off)):
            return step if kind != BRANCH else _interpolated(family, here, x, whole, step, test) or step
        if of_x * of_b < 0:
            a, of_a = b, of_b
        else:
            of_a /= 2
        b, of_b = x, of_x
    return None


def _reached(
    family: CycleFamily, here: BranchStep, x: float, whole: float, count: int, kind: str
) -> tuple[BranchStep | None, float]:
    """The point a distance x along a branch, and how far beside it that is: where two branches cross the equations are
    singular, and what is told of that point is solved next to it. None where none is reached on the same branch."""
    for off in (0.0, *BESIDE) if kind == BRANCH else (0.0,):
        step = next_step(family, here, x + off * whole, count)
        if step is not None and (kind != BRANCH or product(here.along, step.along, here.length) > ALONG):
            return step, off * whole
    return None, 0.0


def _interpolated(
    family: CycleFamily,
    here: BranchStep,
    x: float,
    whole: float,
    near: BranchStep,
    test: Callable[[BranchStep], float],
) -> BranchStep | None:
    """The point at which a test is zero, by the cubics through four points around a distance x; None where they have no
    such zero, or were not reached. What else is told of it is that of the point `near`."""
    count = len(near.place.states)
    around = [next_step(family, here, distance, count) for distance in x + AROUND * whole]
    steps = [step for step in around if step is not None and len(step.place.states) == count]
    steps = [step for step in steps if product(here.along, step.along, here.length) > ALONG]
    if len(steps) < len(AROUND):
        return None
    places = AROUND / AROUND[-1]
    roots = np.polynomial.Polynomial.fit(places, [test(step) for step in steps], 3).roots()
    inside = [float(root.real) for root in roots if abs(root.imag) < REAL and abs(root.real) < 1]
    if len(inside) != 1:
        return None
    shares = [math.prod((inside[0] - b) / (a - b) for b in places if b != a) for a in places]

    def sum_of(parts: Sequence[Any]) -> Any:
        return sum(s * part for s, part in zip(shares, parts, strict=True))

    value, period = (
        float(sum_of(parts)) for parts in zip(*[(s.place.value, s.place.period) for s in steps], strict=True)
    )
    states = sum_of([step.place.states for step in steps])
    found = near._replace(place=near.place._replace(states=states, period=period, value=value))
    between = near._replace(transversal=sum_of([step.transversal for step in steps]))
    return found._replace(transversal=between.transversal) if abs(test(between)) < abs(test(near)) else found
