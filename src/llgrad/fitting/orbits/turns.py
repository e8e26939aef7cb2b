"""When runs come by their last states again: of many runs at once.

Paths are (n, B, S): of each number of a state, of each run, its values one after another.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

NEAR: Final = 0.25
"""A turn that comes back so near, in parts of the run's size, is a guess."""
LEAST_APART: Final = 0.02
"""Returns of a run that differ by less, in parts of its size, are as near."""
THROUGH: Final = 0.05
"""A closed orbit that comes so near to one of its states again is one that goes round more than once."""
TINY: Final = 1e-300


class Returns(NamedTuple):
    """Where B runs came by their ends in the same direction: J places, run after run."""

    run: np.ndarray
    """(J,)."""
    time: np.ndarray
    """In steps (J,)."""
    apart: np.ndarray
    """From the end (n, J)."""

    def last_of(self, which: np.ndarray, count: int) -> np.ndarray:
        """The last place of each run (B,) among some of the J, −1 of a run that has none of them."""
        found = np.full(count, -1)
        places = np.flatnonzero(which)
        found[self.run[places]] = places  # of several the last one stays
        return found


def returns(paths: np.ndarray, slopes: np.ndarray) -> Returns:
    """Of paths whose slopes at their ends are (B, n)."""
    ends = paths[:, :, -1:]
    height = np.einsum("nbs,bn->bs", paths - ends, slopes)
    run, step = np.nonzero((height[:, :-2] < 0) & (height[:, 1:-1] >= 0))
    before = height[run, step]
    share = before / (before - height[run, step + 1])
    crossed = paths[:, run, step] * (1 - share) + paths[:, run, step + 1] * share
    return Returns(run, step + share, crossed - ends[:, run, 0])


def size_of(paths: np.ndarray) -> np.ndarray:
    """The largest distance (B,) of any number from its mean."""
    mean = paths.mean(axis=2)
    return np.maximum(paths.max(axis=2) - mean, mean - paths.min(axis=2)).max(axis=0)


def recent_turn(found: Returns, paths: np.ndarray) -> np.ndarray:
    """The place (B,) at which each run last came anywhere near its end; −1 where it did not."""
    size = np.maximum(size_of(paths), TINY)
    return found.last_of(np.abs(found.apart).max(axis=0) / size[found.run] < NEAR, len(size))


def nearest_turn(found: Returns, paths: np.ndarray) -> np.ndarray:
    """The last place (B,) at which each run came about as near to its end as ever; −1 where it did not."""
    centred = paths - paths.mean(axis=2, keepdims=True)
    size = np.sqrt(np.einsum("nbs,nbs->bs", centred, centred).max(axis=1))
    distance = np.sqrt((found.apart**2).sum(axis=0))
    close = distance < NEAR * 2 * size[found.run]
    least = np.full(len(size), np.inf)
    np.minimum.at(least, found.run[close], distance[close])
    return found.last_of(close & (distance <= (2 * least + LEAST_APART * size)[found.run]), len(size))


class LastTurns(NamedTuple):
    """Of B runs the turns since some places."""

    steps: np.ndarray
    """How many each took (B,), NaN where there is none."""
    gap: np.ndarray
    """How far from its end each began, in sizes of the turn (B,)."""
    middle: np.ndarray
    """The mean of its states (B, n)."""


def last_turns(found: Returns, places: np.ndarray, paths: np.ndarray) -> LastTurns:
    """The turns since the places (B,) of returns."""
    n, count, length = paths.shape
    steps, gap, middle = np.full(count, np.nan), np.full(count, np.inf), np.full((count, n), np.nan)
    runs = np.flatnonzero(places >= 0)
    if runs.size:
        turns = length - 1 - found.time[places[runs]]
        last = np.ceil(turns).astype(int)
        begun = (runs + 1) * length - last
        edges = np.stack([begun, (runs + 1) * length], axis=1).ravel()
        edges = edges[edges < count * length]
        flat = paths.reshape(n, -1)
        # of the first step only that part counts which belongs to the turn
        mean = (np.add.reduceat(flat, edges, axis=1)[:, ::2] - (last - turns) * flat[:, begun]) / turns
        high, low = (ufunc.reduceat(flat, edges, axis=1)[:, ::2] for ufunc in (np.maximum, np.minimum))
        size = np.maximum(np.maximum(high - mean, mean - low).max(axis=0), TINY)
        steps[runs], middle[runs] = turns, mean.T
        gap[runs] = np.abs(found.apart[:, places[runs]]).max(axis=0) / size
    return LastTurns(steps, gap, middle)


def apart_from(states: np.ndarray, points: np.ndarray) -> np.ndarray:
    """How far points (L, K, n) are from the lines between states (K, N, n) round closed orbits, by the number that
    differs most (L, K)."""
    apart = np.zeros((*points.shape[:2], states.shape[1]))
    for i in range(states.shape[2]):
        np.maximum(apart, np.abs(states[..., i] - points[:, :, None, i]), out=apart)
    rows, nearest = np.arange(len(states)), np.argmin(apart, axis=2)
    corner = states[rows, nearest]
    away, found = points - corner, np.full(points.shape[:2], np.inf)
    for side in (-1, 1):
        line = states[rows, (nearest + side) % states.shape[1]] - corner
        share = np.sum(away * line, axis=2) / np.maximum(np.sum(line * line, axis=2), TINY)
        found = np.minimum(found, np.abs(away - np.clip(share, 0, 1)[..., None] * line).max(axis=2))
    return found


def times_round(states: np.ndarray) -> np.ndarray:
    """How often states (K, N, n) round closed orbits go round them (K,)."""
    count = states.shape[1]
    paths = np.ascontiguousarray(np.moveaxis(np.concatenate([states, states[:, :1]], axis=1), 2, 0))
    found = returns(paths, states[:, 1] - states[:, -1])
    size = np.maximum(size_of(paths), TINY)[found.run]
    again = (np.abs(found.apart).max(axis=0) < THROUGH * size) & (found.time > 1) & (found.time < count - 1)
    return 1 + np.bincount(found.run[again], minlength=len(states))
