"""An orbit at every point where there is one, found as `lg.orbit` finds it, and from its neighbours."""

from __future__ import annotations

import enum
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from llgrad.experiments.sweeps.looking.points import FINER, Points, Solved, finer, guessed, in_portions, solved, turned
from llgrad.experiments.sweeps.looking.settling import settled
from llgrad.orbits.cycle.finding import ZOOMS
from llgrad.orbits.cycle.settling import SettlingOutcome
from llgrad.orbits.cycle.solving import MOST_STEPS

COUNT: Final = 32
"""States round an orbit to begin with."""
FACTOR: Final = 2.0
"""From one point to its neighbour a period changes by less than this."""


class How(enum.IntEnum):
    """How the search at a point ended."""

    NOT_YET = 0
    ORBIT = 1
    FROM_NEIGHBOUR = 2
    """A run from the start does not come to this orbit; it was found from the orbit of a neighbour."""
    REST = 3
    LOST = 4
    NEITHER = 5
    UNRESOLVED = 6
    """With as many states as are taken at most, the orbit is not as accurate as was asked for."""


class PointsFound(NamedTuple):
    """What was found at each point (B, …)."""

    how: np.ndarray
    states: list[np.ndarray | None]
    """Round the orbit (N, n)."""
    period: np.ndarray
    """[ns]; NaN where there is no orbit."""
    error: np.ndarray
    ends: np.ndarray
    """The state (n,) that a run from the start came to, where it was run; else NaN."""

    def keep(self, places: np.ndarray, found: Solved, how: How) -> None:
        """Put orbits that were found at places."""
        self.how[places] = how
        self.period[places] = found.period
        self.error[places] = found.error
        for place, states in zip(places.tolist(), found.states, strict=True):
            self.states[place] = states


def empty_search(points: Points) -> PointsFound:
    """A search that was not begun."""
    b, n = points.starts.shape
    nothing: list[np.ndarray | None] = [None] * b
    return PointsFound(np.zeros(b, int), nothing, np.full(b, np.nan), np.full(b, np.nan), np.full((b, n), np.nan))


def settle(points: Points, places: np.ndarray, search: PointsFound, heard: Callable[[float], None]) -> None:
    """Run from the start at places (K,) where spirals led to no orbit, and see what that comes to. `heard` is called
    with the part of them that is done."""
    if not len(places):
        return
    end = settled(points, places, COUNT, heard)
    search.ends[places] = end.states
    for outcome, how in (
        (SettlingOutcome.REST, How.REST),
        (SettlingOutcome.LOST, How.LOST),
        (SettlingOutcome.NEITHER, How.NEITHER),
    ):
        search.how[places[end.outcomes == outcome.value]] = how
    for chosen, found in end.cycles:
        _once(points, places[chosen], found, search)


def look(points: Points, places: np.ndarray, search: PointsFound) -> np.ndarray:
    """Look for orbits round the states at rest at places (K,), each by itself, as `lg.orbit` does; where none
    attracts. Where there seems to be one that few states do not resolve, more are taken."""
    missed, unclear = _by_spirals(points, places, search, COUNT)
    if len(unclear):
        without, unclear = _by_spirals(points, unclear, search, FINER * COUNT)
        missed = np.concatenate([missed, without])
    return np.sort(np.concatenate([missed, unclear]))


def _by_spirals(points: Points, places: np.ndarray, search: PointsFound, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Where spirals cross no orbit, and where they do and Newton's method finds none that attracts."""
    between = np.zeros((len(places), 2))
    missed = [np.zeros(0, int)]
    for _ in range(ZOOMS):
        guess = in_portions(points, places, partial(guessed, count=count), between)
        missed.append(places[~guess.found])
        places, guess = places[guess.found], type(guess)(*(leaf[guess.found] for leaf in guess))
        if not len(places):
            break
        found = in_portions(points, places, solved, guess.states, guess.period)
        good = found.fine & found.attracts
        _once(points, places[good], Solved(*(leaf[good] for leaf in found)), search)
        places, between = places[~good], guess.between[~good]
        if not len(places):
            break
    return np.concatenate(missed), places


def _once(points: Points, places: np.ndarray, found: Solved, search: PointsFound, how: How = How.ORBIT) -> None:
    """Keep orbits, once round where they were found several times round."""
    while len(places):
        several = found.turns > 1
        search.keep(places[~several], Solved(*(leaf[~several] for leaf in found)), how)
        places, first = places[several], found.states[several, 0]
        period, count = (found.period / found.turns)[several], found.states.shape[1]
        if len(places):
            states = in_portions(points, places, partial(turned, count=count), first, period)
            found = in_portions(points, places, solved, states, period)


def spread(points: Points, shape: tuple[int, ...], search: PointsFound, accuracy: float) -> None:
    """Continue orbits from point to neighbouring point of the grid, where a run from the start led to none."""
    grid = np.arange(points.number).reshape(shape)
    tried: set[tuple[int, int]] = set()
    while True:
        pairs = [pair for pair in _edges(grid, search.how) if pair not in tried]
        chosen = {place: source for place, source in pairs if _is_short(search.states[source])}
        tried |= set(chosen.items())
        if not chosen:
            return
        places, sources = np.array(list(chosen)), np.array(list(chosen.values()))
        lengths = np.array([len(search.states[source]) for source in sources.tolist()])  # type: ignore[arg-type]
        for length in np.unique(lengths).tolist():
            _continued(points, places[lengths == length], sources[lengths == length], search)
        refine(points, places, search, accuracy)


def _is_short(states: np.ndarray | None) -> bool:
    """Whether an orbit is one to continue: one of very many states is near a homoclinic, and changes too fast."""
    return states is not None and len(states) <= FINER * COUNT


def _continued(points: Points, places: np.ndarray, sources: np.ndarray, search: PointsFound) -> None:
    """Orbits at places from those of neighbours, all of as many states."""
    states = np.stack([search.states[source] for source in sources.tolist()])  # type: ignore[arg-type]
    found = in_portions(points, places, solved, states, search.period[sources])
    ratio = found.period / search.period[sources]
    good = found.fine & found.attracts & (ratio < FACTOR) & (ratio > 1 / FACTOR)
    _once(points, places[good], Solved(*(leaf[good] for leaf in found)), search, How.FROM_NEIGHBOUR)


def _edges(grid: np.ndarray, how: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of a point without an orbit, at which a search ended, and a neighbour with one."""
    has = np.isin(how[grid], (How.ORBIT, How.FROM_NEIGHBOUR))
    without = np.isin(how[grid], (How.REST, How.NEITHER))
    found = []
    for axis in range(grid.ndim):
        for step in (1, -1):
            here = _slice(grid.ndim, axis, step)
            there = _slice(grid.ndim, axis, -step)
            edge = without[here] & has[there]
            found += zip(grid[here][edge].tolist(), grid[there][edge].tolist(), strict=True)
    return found


def _slice(ndim: int, axis: int, step: int) -> tuple[slice, ...]:
    """All but the last along an axis, or, with a step of −1, all but the first."""
    return tuple((slice(None, -1) if step > 0 else slice(1, None)) if i == axis else slice(None) for i in range(ndim))


def refine(points: Points, places: np.ndarray, search: PointsFound, accuracy: float) -> None:
    """Take as many states round each orbit as an accuracy needs."""
    while True:
        todo = [i for i in places.tolist() if search.states[i] is not None and not search.error[i] <= accuracy]
        if not todo:
            return
        lengths = np.array([len(search.states[i]) for i in todo])  # type: ignore[arg-type]
        for length in np.unique(lengths).tolist():
            here = np.array(todo)[lengths == length]
            if FINER * length > MOST_STEPS:
                _unresolved(search, here)
                continue
            states = np.stack([search.states[i] for i in here.tolist()])  # type: ignore[arg-type]
            found = in_portions(points, here, solved, *in_portions(points, here, finer, states, search.period[here]))
            good = found.fine & found.attracts
            for how in (How.ORBIT, How.FROM_NEIGHBOUR):
                same = good & (search.how[here] == how)
                _once(points, here[same], Solved(*(leaf[same] for leaf in found)), search, how)
            _unresolved(search, here[~good])


def _unresolved(search: PointsFound, places: np.ndarray) -> None:
    search.how[places] = How.UNRESOLVED
    search.period[places] = np.nan
    for place in places.tolist():
        search.states[place] = None
