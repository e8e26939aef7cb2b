"""Where a cycle changes its stability, by its Floquet multipliers: each point solved along its branch.

At a fold of cycles, where two meet, the branch turns round; elsewhere a multiplier that goes through 1 is a crossing of
branches, one through −1 a period doubling, and a pair through the unit circle begins a torus (Neimark–Sacker).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from llgrad.orbits.branches.cycles.stepping import BranchStep, CycleFamily
from llgrad.orbits.branches.cycles.tracing import apart, next_step, product

FOLD, BRANCH, DOUBLING, TORUS = "fold of cycles", "branch point of cycles", "period doubling", "torus"
REAL: Final = 1e-9
CROSSING: Final = 1e-4
MOST_TRIALS: Final = 60
BESIDE: Final = (1e-7, 1e-6, 1e-5)
NARROW: Final = 1e-13
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
    return int((np.abs(multipliers_at(step)) > 1).sum())


def _signed(factors: np.ndarray) -> float:
    """The smallest of the factors of a real product, with the product's sign: continuous, and zero where it is."""
    if not factors.size:
        return 1.0
    real = np.real(factors[np.abs(np.imag(factors)) <= REAL * np.maximum(1.0, np.abs(factors))])
    return float((-1.0) ** int((real < 0).sum()) * np.abs(factors).min())


def _of_fold(step: BranchStep) -> float:
    return float(step.along.value)


def _of_branch(step: BranchStep) -> float:
    return _signed(multipliers_at(step) - 1)


def _of_doubling(step: BranchStep) -> float:
    return _signed(multipliers_at(step) + 1)


def _of_torus(step: BranchStep) -> float:
    values = multipliers_at(step)
    first, second = np.triu_indices(len(values), 1)
    return _signed(values[first] * values[second] - 1)


TESTS: Final[dict[str, Callable[[BranchStep], float]]] = {
    FOLD: _of_fold,
    BRANCH: _of_branch,
    DOUBLING: _of_doubling,
    TORUS: _of_torus,
}


def changes_between(
    family: CycleFamily, here: BranchStep, there: BranchStep
) -> tuple[list[StabilityChange], list[str]]:
    """The critical points between two neighbouring points of a branch, in order, and kinds of those not solved."""
    kinds = [kind for kind, test in TESTS.items() if test(here) * test(there) < 0]
    if FOLD in kinds and BRANCH in kinds:
        kinds.remove(BRANCH)  # at a fold a multiplier goes through 1 too
    found, lost = [], []
    for kind in kinds:
        step = _solved(family, here, there, TESTS[kind])
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
    family: CycleFamily, here: BranchStep, there: BranchStep, test: Callable[[BranchStep], float]
) -> BranchStep | None:
    """The point between two at which a test is zero, by secants that keep it between two (the Illinois method); None
    where one on the way cannot be reached."""
    # multipliers are less exact than states: where they are what is solved for, with steps of half the length
    count = len(there.place.states) * (1 if test is _of_fold else 2)
    whole = product(here.along, apart(here, there, float(family.size)), here.length)
    low, high = (next_step(family, here, distance, count) for distance in (0.0, whole))
    if low is None or high is None or not test(low) * test(high) < 0:
        return None
    a, b, of_a, of_b = 0.0, whole, test(low), test(high)
    for _ in range(MOST_TRIALS):
        x = (a * of_b - b * of_a) / (of_b - of_a)
        step, beside = next_step(family, here, x, count), 0.0
        # where two branches cross the equations are singular: what is told of that point is solved next to it
        for beside in BESIDE if step is None and test is _of_branch else ():
            step = next_step(family, here, x + beside * whole, count)
            if step is not None:
                x += beside * whole
                break
        if step is None:
            return None
        of_x = test(step)
        if of_x == 0 or abs(x - b) <= max(NARROW, 2 * beside) * abs(whole):
            return step
        if of_x * of_b < 0:
            a, of_a = b, of_b
        else:
            of_a /= 2
        b, of_b = x, of_x
    return None
