"""The branches of states at rest that a device takes along measured fields, each as far as it exists.

A branch is followed on beyond the fields at which the device is on it, both ways: what was measured may have jumped
elsewhere, by its temperature or because the parameters are not yet right.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.experiments.loops.jumping import end_of, settled
from llgrad.experiments.loops.sweeping import BEYOND, MOST_JUMPS, VERY_NEAR
from llgrad.experiments.loops.swept import Swept
from llgrad.experiments.loops.walking import RestPlace, walked
from llgrad.orbits.branches.critical import Critical

REACH: Final = 0.25
"""Part of the fields' range by which a branch is followed on beyond where the device is on it."""
INSIDE: Final = -1
OUTSIDE: Final = -2


class LoopBranchEnd(NamedTuple):
    """Where a branch ends."""

    field: float
    """[T]"""
    kind: str
    point: Critical
    way: float
    """1 where it ends for larger fields, −1 for smaller ones."""


class LoopBranch(NamedTuple):
    """States at rest, at the rows of a curve (K,)."""

    first: int
    """The device is on it from this row,"""
    last: int
    """to this one, by its history."""
    y: np.ndarray
    """(K, d)"""
    end: np.ndarray
    """(K,) `INSIDE` where it exists, `OUTSIDE` where it was not looked for, else which of the ends a row is beyond."""
    ends: list[LoopBranchEnd]


class _Walk(NamedTuple):
    """What is found along some rows."""

    y: np.ndarray
    end: np.ndarray
    ends: list[LoopBranchEnd]


def branches(family: Swept, fields: np.ndarray, begun: Any) -> list[LoopBranch]:
    """The branches along fields (K,) [T], in the order in which the device comes to them, from the state at rest that a
    state (d,) relaxes to at the first. Raises NoRest where the device oscillates."""
    taken = _taken(family, fields, settled(family, begun, float(fields[0])))
    rows, found = np.arange(len(fields)), []
    for number, (first, places) in enumerate(taken):
        last = first + len(places) - 1
        before = taken[number - 1][0] if number else first
        after = taken[number + 1][0] + len(taken[number + 1][1]) if number + 1 < len(taken) else last + 1
        y = np.zeros((len(fields), places[0].y.size))
        end, ends = np.full(len(fields), OUTSIDE), []
        y[first : last + 1], end[first : last + 1] = [place.y for place in places], INSIDE
        for place, way in ((places[0], rows[before:first][::-1]), (places[-1], rows[last + 1 : after])):
            far = np.abs(fields[way] - float(place.value)) > REACH * np.ptp(fields)
            way = way[: int(np.append(far, True).argmax())]
            walk = _along(family, place, fields[way], len(fields))
            y[way], end[way] = walk.y, np.where(walk.end < 0, walk.end, walk.end + len(ends))
            ends += walk.ends
        found.append(LoopBranch(first, last, y, end, ends))
    return found


def _taken(family: Swept, fields: np.ndarray, begun: RestPlace) -> list[tuple[int, list[RestPlace]]]:
    """Of each branch that the device is on the first row, and its states from there on."""
    found: list[tuple[int, list[RestPlace]]] = []
    spacing, row, jumps = float(np.median(np.abs(np.diff(fields)))), 0, 0
    while True:
        places, last = _walk_on(family, begun, fields[row:], len(fields))
        if places:
            found.append((row, places))
            row += len(places)
        if row == len(fields):
            return found
        jumps += 1
        if jumps > MOST_JUMPS:
            raise ValueError("this device jumps at every field of the loop; is its start right?")
        target = float(fields[row])
        way = np.sign(target - float(last.value))
        if way == 0 or (not places and way * (target - float(begun.value)) <= 0):
            begun = settled(family, begun.y, target)  # let go beyond the row, in a state that is not stable there
            continue
        _, _, critical = end_of(family, last)
        near = abs(target - critical) < VERY_NEAR * spacing
        begun = settled(family, last.y, critical + BEYOND * spacing * way if near else target)


def _along(family: Swept, begun: RestPlace, fields: np.ndarray, wide: int) -> _Walk:
    """The states of one branch at some fields, in their order; beyond its ends there are none."""
    y, end = np.zeros((len(fields), np.size(begun.y))), np.full(len(fields), INSIDE)
    ends: list[LoopBranchEnd] = []
    row, now = 0, begun
    while row < len(fields):
        places, last = _walk_on(family, now, fields[row:], wide)
        y[row : row + len(places)] = [place.y for place in places] or 0.0
        row, now = row + len(places), last
        if row == len(fields):
            break
        way = float(np.sign(fields[row] - float(last.value)))
        kind, point, critical = end_of(family, last)
        ends.append(LoopBranchEnd(critical, kind, point, way))
        stays = way * (fields[row:] - max(way * critical, way * float(last.value)) * way) > 0
        stays[0] = True
        count = int(np.append(~stays, True).argmax())
        y[row : row + count], end[row : row + count] = np.asarray(last.y), len(ends) - 1
        row += count
    return _Walk(y, end, ends)


def _walk_on(family: Swept, begun: RestPlace, fields: np.ndarray, wide: int) -> tuple[list[RestPlace], RestPlace]:
    """The states at the fields as far as the branch goes, by a program for so many, and the last stable one."""
    if not len(fields):
        return [], begun
    start = jax.tree.map(jnp.asarray, begun)
    places, last = jax.tree.map(
        np.asarray, walked(family, start, jnp.asarray(np.resize(fields, wide)), jnp.asarray(len(fields)))
    )
    number = int(np.append(~places.good[: len(fields)], True).argmax())
    return [RestPlace(*(part[i] for part in places)) for i in range(number)], last
