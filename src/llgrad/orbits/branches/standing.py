"""Curves of states at rest that a branch does not tell: those at one value of the number, and those at every value."""

from __future__ import annotations

from typing import Final

import jax.numpy as jnp
import numpy as np

from llgrad.core.units import show
from llgrad.orbits.branches.family import Family, FollowedRange, corrected, local_at
from llgrad.orbits.branches.result import Threshold

LENGTHS: Final = (-0.04, -0.02, 0.02, 0.04)
"""How far from a crossing the other branch is looked at, in radians or units of the state."""
STANDS: Final = 1e-9
"""A branch along which the number changes by less than this part of its range stands at one value."""
SOLVED: Final = 1e-10


def told_of_curves(family: Family, span: FollowedRange, found: list[Threshold], curved: list[float]) -> tuple[str, ...]:
    """Sentences about curves of states at rest: one for each value of the number at which one stands, and one for those
    that were met at some values that were looked at."""
    notes = []
    for value in sorted({point.held for point in found if point.kind == "branch point"}):
        points = [point for point in found if point.kind == "branch point" and point.held == value]
        if any(_stands(family, point) for point in points):
            notes.append(
                f"at {span.path} = {show(float(f'{value:.8g}'), span.unit)} a whole curve of states at rest stands, of "
                f"which only where the branches cross it is told: {span.path} does not change along it"
            )
    if curved:
        notes.append(
            "states at rest lie on curves, each with a direction that costs nothing, as of an axis of symmetry: they "
            "are not followed (see lg.equilibria)"
        )
    return tuple(notes)


def _stands(family: Family, point: Threshold) -> bool:
    """Whether the branch that crosses at a point is at its value all along."""
    y = jnp.asarray(point.y)
    slope = np.asarray(local_at(family, y, point.held).slope)
    along = jnp.asarray(np.append(np.linalg.svd(slope[:, :-1])[2][-1], 0.0))
    for length in LENGTHS:
        there = corrected(family, y, point.held, along, length)
        moved = abs(float(there.value) - point.held)
        # of a rate that is not a number, too, no such curve is told
        if not (moved <= STANDS * family.size and float(there.left) <= SOLVED * np.abs(slope).max()):
            return False
    return True
