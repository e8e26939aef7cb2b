"""Whether branches of fixed points are all that there are: their indices must add up, at every value (Poincaré–Hopf).

The index of a fixed point is the sign of det ∂(dq/dt)/∂q. Over K spheres the indices add up to 2ᴷ. A branch that ends
inside the range, or that was never found, leaves another sum, but for pairs of both signs, which this does not see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from llgrad.orbits.branches.family import Family, FollowedRange
from llgrad.orbits.branches.result import Branch, Threshold
from llgrad.orbits.equilibria.domain import domain_of, sum_of_indices
from llgrad.orbits.equilibria.search import covering

STARTS: Final = 256
"""States on the faces of a box at which the rate is looked at."""
APART: Final = 1e-6
"""Critical values nearer than this, in parts of the range, have no value between them."""


class WrongSum(NamedTuple):
    """A value of the number at which indices do not add up."""

    value: float
    total: int
    expected: int | None
    """None where it is not known: the rate on the faces of the box does not tell."""


def wrong_sums(
    family: Family,
    span: FollowedRange,
    branches: Sequence[Branch],
    points: Sequence[Threshold],
    within: Mapping[str, tuple[float, float]] | None,
) -> list[WrongSum]:
    """At which values, one between each two critical ones, the indices of the branches are not known to add up.

    A System's states are counted inside of the box in which they are looked for, where its faces tell the sum.
    """
    ends = [
        float(branch.values[i]) for branch in branches for i, end in ((0, 0), (-1, 1)) if branch.ends[end] == "lost"
    ]
    marks = np.unique([span.start, span.stop, *(point.held for point in points), *ends])
    gaps = np.flatnonzero(np.diff(marks) > APART * family.size)
    found = []
    for value in ((marks[gaps] + marks[gaps + 1]) / 2).tolist():
        flow = family.flow(value)
        domain = domain_of(flow, within)
        expected = sum_of_indices(flow, domain, covering(flow, domain.centre, domain.half_width, STARTS))
        total = 0
        for branch in branches:
            for y, index in _crossings(branch, value):
                total += index * int(domain.holds(flow, y[None])[0])
        if total != expected:
            found.append(WrongSum(value, total, expected))
    return found


def _crossings(branch: Branch, value: float) -> list[tuple[np.ndarray, int]]:
    """States (d,), roughly, and indices of the points of a branch at a value."""
    side = branch.values - value
    found = []
    for i in np.flatnonzero(side[:-1] * side[1:] < 0).tolist():
        share = side[i] / (side[i] - side[i + 1])
        # one of the two may be a critical point, whose determinant is zero but for rounding
        pair = [np.linalg.det(m / np.abs(m).max()) for m in branch.matrices[i : i + 2]]
        index = int(np.sign(max(pair, key=abs)))
        found.append(((1 - share) * branch.y[i] + share * branch.y[i + 1], index))
    return found
