"""Where another branch of cycles crosses a family of them that stands at one value of the number.

Of the equations of a closed orbit, (∂F/∂(state, T)) δ + ∂F/∂(number) π = 0, the first matrix is singular all along such
a family. Its left null vector times ∂F/∂(number) is what the number does to the orbit in first order (Melnikov's
function); where it is zero, cycles go on beside the value.
"""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np

from llgrad.orbits.branches.cycles.result import place_between
from llgrad.orbits.branches.cycles.stepping import BranchStep, CycleFamily, OrbitPlace
from llgrad.orbits.branches.cycles.tracing import step_at
from llgrad.orbits.branches.family import FollowedRange

BESIDE: Final = (1e-2, 1e-3, 1e-4)
"""Parts of the range beside the value at which the other branch is looked for."""


def crossings(steps: list[BranchStep]) -> list[OrbitPlace]:
    """About where other branches cross a family that stands at one value, whose points are given in order."""
    found = []
    for here, there in itertools.pairwise(steps):
        first, second = _melnikov(here), _melnikov(there)
        if first * second < 0:
            found.append(place_between(here.place, there.place, first / (first - second)))
    return found


def _melnikov(step: BranchStep) -> float:
    """Melnikov's function, of a length of 1 at most; its sign is continuous along a branch that does not turn back."""
    closing = step.matrix[:-1]
    push = closing[:, -1]
    along = np.linalg.svd(closing[:, :-1].T)[2][-1]
    size = abs(float(along @ push)) / max(float(np.linalg.norm(push)), 1e-300)
    return float(np.linalg.slogdet(step.matrix)[0]) * size


def beside(family: CycleFamily, span: FollowedRange, place: OrbitPlace) -> list[BranchStep]:
    """Cycles of the branch that crosses at a place, on both sides of its value."""
    found = []
    for side in (1.0, -1.0):
        for part in BESIDE:
            value = place.value + side * part * float(family.size)
            step = step_at(family, place._replace(value=value)) if span.start <= value <= span.stop else None
            if step is not None and (np.ptp(step.place.states, axis=0) / step.length).max() > part:
                found.append(step)
                break
    return found
