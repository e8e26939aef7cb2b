"""One branch of fixed points, followed through folds: pseudo-arclength continuation.

Source: H. B. Keller, in Applications of Bifurcation Theory, ed. P. H. Rabinowitz (1977), p. 359.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import jax.numpy as jnp
import numpy as np

from llgrad.orbits.branches.family import BranchPoint, Family, FollowedRange, corrected, local_at

FIRST_STEP: Final = 0.02
LONGEST_STEP: Final = 0.05
SHORTEST_STEP: Final = 1e-7
MOST_POINTS: Final = 4000
SHARPEST_TURN: Final = 0.97
"""Smallest cosine between the directions of two neighbouring points."""
LEFT: Final = 1e-10
"""What may be left of dq/dt, relative to its slope."""


class Trail(NamedTuple):
    """The points of a branch in order (P, …)."""

    y: np.ndarray
    values: np.ndarray
    slopes: np.ndarray
    """∂(dq/dt)/∂(q, number in its unit) (P, n, n + 1) [1/ns]."""
    tangents: np.ndarray
    """Along the branch, in the space of the numbers of a state and the number in its unit (P, d + 1)."""
    ends: tuple[str, str]
    """Why it ends: "edge", "loop", "lost"."""

    @property
    def matrices(self) -> np.ndarray:
        """∂(dq/dt)/∂q (P, n, n) [1/ns]."""
        return self.slopes[:, :, :-1]


def trail_through(family: Family, span: FollowedRange, y: np.ndarray, value: float) -> Trail:
    """The branch through a fixed point, both ways to the edges of the range."""
    begun = _numbers(local_at(family, jnp.asarray(y), value))
    direction = _ambient(family, begun, _null(begun.slope))
    direction = direction * (1.0 if direction[-1] >= 0 else -1.0)
    up, why_up = _one_way(family, span, begun, direction)
    if why_up == "loop":
        return _joined(family, [begun], up, ("loop", "loop"), direction)
    down, why_down = _one_way(family, span, begun, -direction)
    return _joined(family, [*reversed(down), begun], up, (why_down, why_up), direction)


def _joined(
    family: Family, first: list[BranchPoint], then: list[BranchPoint], ends: tuple[str, str], along: np.ndarray
) -> Trail:
    points = [*first, *then]
    tangents = []
    place = len(first) - 1
    for order in (range(place, len(points)), range(place - 1, -1, -1)):
        last = along if order.step > 0 or not tangents else tangents[0]
        for i in order:
            tangent = _ambient(family, points[i], _null(points[i].slope))
            last = tangent * np.sign(tangent @ last)
            if order.step > 0:
                tangents.append(last)
            else:
                tangents.insert(0, last)
    y, values, slopes = (np.array([getattr(point, name) for point in points]) for name in ("y", "value", "slope"))
    return Trail(y, values, slopes, np.array(tangents), ends)


def _one_way(
    family: Family, span: FollowedRange, begun: BranchPoint, direction: np.ndarray
) -> tuple[list[BranchPoint], str]:
    """The points after one in a direction, and why there are no more."""
    found, here, along, step = [], begun, direction, FIRST_STEP
    gone = 0.0
    while len(found) < MOST_POINTS:
        there = _next(family, here, along, step)
        tangent = None if there is None else _ambient(family, there, _null(there.slope))
        cosine = 0.0 if tangent is None else abs(float(tangent @ along))
        if there is None or tangent is None or cosine < SHARPEST_TURN or _far(family, here, there) > 2 * step:
            step /= 2
            if step < SHORTEST_STEP:
                return found, "lost"
            continue
        if not span.start <= there.value <= span.stop:
            edge = _at_edge(family, here, there, span)
            if edge is not None:
                return [*found, edge], "edge"
            step /= 2  # at the edge the branch may cross another, as a ring of states without a current
            if step < SHORTEST_STEP:
                return found, "edge"
            continue
        gone += step
        found.append(there)
        if gone > 4 * step and _far(family, begun, there) < step:
            return found, "loop"
        along, here = tangent * np.sign(tangent @ along), there
        if cosine > 0.999:
            step = min(1.5 * step, LONGEST_STEP)
    return found, "lost"


def _next(family: Family, here: BranchPoint, along: np.ndarray, step: float) -> BranchPoint | None:
    """The point a step further, or None where Newton's method does not reach one."""
    local = _in_chart(family, here, along)
    return _checked(_numbers(corrected(family, jnp.asarray(here.y), here.value, jnp.asarray(local), step)))


def _at_edge(family: Family, here: BranchPoint, there: BranchPoint, span: FollowedRange) -> BranchPoint | None:
    """The point between two at which the number is at its edge."""
    edge = span.stop if there.value > span.stop else span.start
    up = np.zeros(here.slope.shape[1])
    up[-1] = 1.0
    length = (edge - here.value) / float(family.size)
    found = _checked(_numbers(corrected(family, jnp.asarray(here.y), here.value, jnp.asarray(up), length)))
    if found is None or _far(family, here, found) > 2 * _far(family, here, there):
        return None
    return found._replace(value=edge)


def _checked(found: BranchPoint) -> BranchPoint | None:
    with np.errstate(invalid="ignore"):
        good = np.isfinite(found.y).all() and found.left <= LEFT * np.abs(found.slope).max()
    return found if good else None


def _numbers(local: BranchPoint) -> BranchPoint:
    y, value, slope, frames, left = (np.asarray(part) for part in local)
    return BranchPoint(y, float(value), slope, frames, float(left))


def _null(slope: np.ndarray) -> np.ndarray:
    """The direction (n + 1,) that the slope (n, n + 1) maps to nothing."""
    return np.linalg.svd(slope)[2][-1]


def _ambient(family: Family, here: BranchPoint, local: np.ndarray) -> np.ndarray:
    """A direction (n + 1,) of a chart as one of the numbers of a state, in their units, and of the number (d + 1,)."""
    k = here.frames.shape[0]
    places, plain = _places(family)
    found = np.zeros(len(here.y) + 1)
    found[places.reshape(-1)] = np.einsum("ka,kac->kc", local[: 2 * k].reshape(k, 2), here.frames).reshape(-1)
    found[plain] = local[2 * k : -1]
    found[-1] = local[-1]
    return found / np.linalg.norm(found)


def _in_chart(family: Family, here: BranchPoint, ambient: np.ndarray) -> np.ndarray:
    """The reverse of `_ambient`."""
    k = here.frames.shape[0]
    places, plain = _places(family)
    turns = np.einsum("kc,kac->ka", ambient[:-1][places].reshape(k, 3), here.frames)
    local = np.concatenate([turns.reshape(-1), ambient[:-1][plain], ambient[-1:]])
    return local / np.linalg.norm(local)


def _places(family: Family) -> tuple[np.ndarray, list[int]]:
    return np.array(family.shape.spins, int).reshape(-1, 3), list(family.shape.plain)


def _far(family: Family, one: BranchPoint, other: BranchPoint) -> float:
    """Distance of two points, in radians and units."""
    plain = list(family.shape.plain)
    apart = np.asarray(one.y - other.y)
    apart[plain] = apart[plain] / np.asarray(family.scale)
    return float(np.sqrt((apart**2).sum() + ((one.value - other.value) / family.size) ** 2))
