"""What an optimum hangs on: which limits bind and what they cost, what each number does, and how sharp it is."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from llgrad.optimising.evaluation import Values
from llgrad.optimising.search import Goal, SearchEnd

ON_LIMIT: Final = 1e-6
"""A limit as near as this, in parts of it, binds; so does an end of a range, in parts of the range."""
STATIONARY: Final = 1e-3
"""What may be left of the slope of the aim, in parts of it, where limits that bind have taken their share."""
NEARLY: Final = 0.1
"""The same where the search ended by itself: in a sharp valley a slope is left at a distance that is no matter."""
ROUNDING: Final = 1e-11
"""A sum of so small a part of its terms is rounding."""
STEP: Final = 1e-3
"""Half the distance of the two slopes whose difference is a curvature, in parts of the range."""


class Held(NamedTuple):
    """A limit, or an end of a range, that binds."""

    row: int | None
    """Of the goal's limits; None of an end of a range."""
    free: int | None
    """Of the free parameter whose end it is."""
    side: int
    """1 where it keeps from below, −1 from above, 0 of an equality."""
    normal: np.ndarray
    """Slope (n,) of what it keeps from falling below 0."""


class Balance(NamedTuple):
    """At an end of a search: what holds it there."""

    held: tuple[Held, ...]
    multipliers: np.ndarray
    """Of each that binds: the slope of sign · aim is Σ multiplier · normal."""
    weights: np.ndarray
    """Of each number of the aim: one, or those of the worst draws."""
    left: float
    """What is left of the slope, in parts of it."""
    rest: np.ndarray
    """What is left of it (n,)."""


def aims_at(goal: Goal, numbers: np.ndarray) -> list[int]:
    """Places of the numbers that are the aim here: of several draws those that are the worst."""
    if not goal.worst:
        return [goal.place]
    tamed = goal.sign * goal.tamed.value(numbers[list(goal.worst)])
    return [place for place, value in zip(goal.worst, tamed, strict=True) if value > tamed.max() - ON_LIMIT]


def balance(goal: Goal, end: SearchEnd) -> Balance:
    """Multipliers by least squares, those of inequalities and weights of draws not negative."""
    from scipy.optimize import lsq_linear

    held = _held(goal, end)
    places = aims_at(goal, end.numbers)
    slopes = goal.sign * end.slopes[places]
    size = max(float(np.sqrt((slopes**2).sum(1)).max()), 1e-300)
    lengths = np.array([max(float(np.linalg.norm(one.normal)), 1e-300) for one in held])
    columns = np.array([one.normal for one in held]).reshape(len(held), len(end.x)) / lengths[:, None]
    if len(places) == 1 and not held:
        return Balance((), np.zeros(0), np.ones(1), 1.0 if np.linalg.norm(slopes) > 0 else 0.0, slopes[0])
    # unknown are the weights, which add up to 1, and the multipliers in units of the aim's slope
    matrix = np.vstack([np.hstack([slopes.T / size, -columns.T]), np.append(np.ones(len(places)), np.zeros(len(held)))])
    low = np.append(np.zeros(len(places)), [(-np.inf if one.side == 0 else 0.0) for one in held])
    if len(places) == 1:
        low, fixed = low[1:], matrix[:-1, 0]
        found = lsq_linear(-matrix[:-1, 1:], fixed, (low, np.inf)).x
        weights, shares = np.ones(1), found
    else:
        found = lsq_linear(matrix, np.append(np.zeros(matrix.shape[0] - 1), 1.0), (low, np.inf)).x
        weights, shares = found[: len(places)], found[len(places) :]
    rest = weights @ slopes / size - shares @ columns
    return Balance(tuple(held), shares * size / lengths, weights, float(np.linalg.norm(rest)), rest * size)


def _held(goal: Goal, end: SearchEnd) -> list[Held]:
    found: list[Held] = []
    for i, row in enumerate(goal.rows):
        slope, value = end.slopes[row.place], row.tamed.value(end.numbers[row.place])
        if row.low == row.high:
            found.append(Held(i, None, 0, slope))
        elif value - row.tamed.value(row.low) < ON_LIMIT:
            found.append(Held(i, None, 1, slope))
        elif row.tamed.value(row.high) - value < ON_LIMIT:
            found.append(Held(i, None, -1, -slope))
    for k, (x, unit) in enumerate(zip(end.x, np.eye(len(end.x)), strict=True)):
        if x < ON_LIMIT:
            found.append(Held(None, k, 1, unit))
        elif x > 1 - ON_LIMIT:
            found.append(Held(None, k, -1, -unit))
    return found


def settled(goal: Goal, end: SearchEnd) -> bool:
    """Whether an end is an optimum: SLSQP ended there by itself, or no slope is left, within the limits. Beside designs
    without a number SLSQP ends as well, so there most of the slope must be taken by limits."""
    if goal.violation(end.numbers) > ON_LIMIT:
        return False
    if end.status == 0 and not end.at_edge:
        return True
    places = aims_at(goal, end.numbers)
    steepest = float((goal.tamed.slope(end.numbers[places]) * np.abs(end.slopes[places]).T).max())
    return balance(goal, end).left * min(1.0, steepest) < (NEARLY if end.status == 0 else STATIONARY)


class Bend(NamedTuple):
    """Curvatures along the directions that no limit holds."""

    values: np.ndarray
    """(F,) of sign · aim [its unit per range²], the largest first."""
    directions: np.ndarray
    """(F, n) in parts of the ranges."""


def bend(goal: Goal, end: SearchEnd, one: Balance, ask: Any) -> Bend | None:
    """The curvature of the Lagrangian on the tangent space of what binds, by differences of exact slopes; None where a
    design beside it has no number."""
    from scipy.linalg import null_space

    n = len(end.x)
    normals = np.array([held.normal for held in one.held]).reshape(len(one.held), n)
    scale = np.sqrt((normals**2).sum(1, keepdims=True))
    free = null_space(normals / np.where(scale > 0, scale, 1.0)).T if len(normals) else np.eye(n)
    if not len(free):
        return Bend(np.zeros(0), np.zeros((0, n)))
    reach = np.array([_room(end.x, row) for row in free])
    sides = np.concatenate([end.x + reach[:, None] * free, end.x - reach[:, None] * free])
    found: Values = ask(np.clip(sides, 0.0, 1.0))
    if not found.fine.all():
        return None
    places = aims_at(goal, end.numbers)
    slopes = goal.sign * np.einsum("w,bwn->bn", one.weights, found.slopes[:, places])
    for held, multiplier in zip(one.held, one.multipliers, strict=True):
        if held.row is not None:
            sign = -1 if held.side < 0 else 1
            slopes = slopes - multiplier * sign * found.slopes[:, goal.rows[held.row].place]
    ahead, behind = np.split(slopes, 2)
    matrix = ((ahead - behind) / (2 * reach[:, None])) @ free.T
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return Bend(values[::-1], (vectors.T @ free)[::-1])


def could_gain(one: Balance, curved: Bend) -> float:
    """By how much the aim would still improve, by the slope that is left and the curvature: where it bends the wrong
    way, over a whole range."""
    slopes = np.abs(curved.directions @ one.rest)
    bent = np.where(curved.values > 0, curved.values, np.inf)
    gains = np.where(curved.values > 0, np.minimum(slopes**2 / (2 * bent), slopes), slopes)
    return float(gains.max(initial=0.0))


def _room(x: np.ndarray, direction: np.ndarray) -> float:
    """A step along a direction, to both sides, that stays within the ranges."""
    room = np.minimum(x, 1 - x)
    moving = np.abs(direction) > 1e-9
    return float(min(STEP, (room[moving] / np.abs(direction[moving])).min(initial=STEP)))


def followed(goal: Goal, end: SearchEnd, one: Balance, parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By every number, in parts of its value (P,): the aim's derivative, and that of its best value, all else set anew
    (the envelope theorem)."""
    places = aims_at(goal, end.numbers)
    plain = one.weights @ parts[places]
    best, size = plain.copy(), np.abs(plain)
    for held, multiplier in zip(one.held, one.multipliers, strict=True):
        if held.row is not None:
            sign = -1 if held.side < 0 else 1
            change = goal.sign * multiplier * sign * parts[goal.rows[held.row].place]
            best, size = best - change, size + np.abs(change)
    return plain, np.where(np.abs(best) > ROUNDING * size, best, 0.0)
