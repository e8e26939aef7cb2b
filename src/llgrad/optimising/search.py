"""Many searches at once, each by scipy's SLSQP, their evaluations in one batch.

Each search has a thread of its own, which waits for the numbers that it asks for until every other waits or has ended;
then all that were asked for go together. What a search does depends on its own numbers alone.

Numbers of many sizes (line widths, powers) are searched through asinh(v/s), which is log v far above s: an increasing
function, so that optima and limits stay where they are.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from llgrad.optimising.evaluation import Ask, Values

ITERATIONS: Final = 200
MOST_LOST: Final = 40
"""A search that met so many designs without a number ends with the best it had."""
EXACT: Final = 1e-12
"""A place this near to an end of a range is that end."""
LOST: Final = -1
"""Status of a search that ended so."""
HOLDS: Final = 1e-6
"""Limits hold within this part of them."""
PRECISION: Final = 1e-9
"""SLSQP ends where value and limits change by less."""
WALL: Final = 10.0
"""What a design without a number is worse than the last one, in powers of e."""
BELOW: Final = 1e-3
"""s is so much smaller than the numbers of the starts."""


class Tamed(NamedTuple):
    """v → asinh(v/s)."""

    scale: float

    def value(self, v: Any) -> Any:
        """Of numbers [SI]."""
        return np.arcsinh(np.asarray(v) / self.scale)

    def slope(self, v: Any) -> Any:
        """d/dv."""
        return 1 / np.sqrt(np.asarray(v) ** 2 + self.scale**2)


def tamed_by(numbers: np.ndarray, *others: float) -> Tamed:
    """The map for numbers such as these: where all have one sign, a logarithm over all of them; else a line."""
    known = np.array([*numbers[np.isfinite(numbers)], *(v for v in others if np.isfinite(v))])
    sizes = np.abs(known[known != 0])
    if not sizes.size:
        return Tamed(1.0)
    one_sign = (known > 0).all() or (known < 0).all()
    return Tamed(float(BELOW * sizes.min() if one_sign else np.median(sizes)))


class SearchLimit(NamedTuple):
    """A limit of a search: low ≤ number ≤ high, of one of the numbers that are asked for."""

    place: int
    low: float
    high: float
    tamed: Tamed


class Goal(NamedTuple):
    """What a search makes as small as it can be."""

    place: int
    """Of the number."""
    sign: int
    """−1 to make it large."""
    tamed: Tamed
    rows: tuple[SearchLimit, ...]
    worst: tuple[int, ...] = ()
    """Places of numbers whose worst is the aim, in place of one."""

    def value(self, numbers: np.ndarray) -> float:
        """The aim [SI] of the numbers (K,) of a design."""
        if not self.worst:
            return float(numbers[self.place])
        several = numbers[list(self.worst)]
        return float(several.max() if self.sign > 0 else several.min())

    def violation(self, numbers: np.ndarray) -> float:
        """By how much a design is outside its limits, in parts of them."""
        parts = [
            max(float(row.tamed.value(row.low) - row.tamed.value(numbers[row.place])), 0.0)
            + max(float(row.tamed.value(numbers[row.place]) - row.tamed.value(row.high)), 0.0)
            for row in self.rows
        ]
        return max(parts, default=0.0)


class SearchEnd(NamedTuple):
    """Where a search ended."""

    x: np.ndarray
    """(n,)"""
    numbers: np.ndarray
    slopes: np.ndarray
    health: np.ndarray
    status: int
    """Of SLSQP."""
    message: str
    evaluations: int
    lost: int
    """Designs without a number among them."""
    at_edge: bool
    """Whether one of its last designs had no number."""


class _Stopped(Exception):
    """The search is not waited for any more."""


class _Lost(Exception):
    """Too many designs had no number: it goes nowhere from here."""


class _Searcher(threading.Thread):
    """One search."""

    def __init__(self, place: int, goal: Goal, start: np.ndarray, asked: queue.SimpleQueue, iterations: int) -> None:
        super().__init__(daemon=True)
        self.place, self.goal, self.begin, self.asked, self.iterations = place, goal, start, asked, iterations
        self.answers: queue.SimpleQueue = queue.SimpleQueue()
        self.known: dict[bytes, tuple[np.ndarray, np.ndarray, np.ndarray] | None] = {}
        self.order: list[bytes] = []
        self.last: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        self.lost = 0
        self.end: SearchEnd | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.end = self._searched()
        except _Stopped:
            self.end = None
        except BaseException as error:
            self.error = error
        self.asked.put((self.place, None))

    # ---- numbers of a place

    def _at(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
        x = z[: len(self.begin)]
        x = np.where(x < EXACT, 0.0, np.where(x > 1 - EXACT, 1.0, x))
        key = x.tobytes()
        if key not in self.known:
            self.asked.put((self.place, x))
            answer = self.answers.get()
            if answer is None:
                raise _Stopped
            self.known[key], found = answer, answer
            self.order.append(key)
            if np.isfinite(found[0]).all() and np.isfinite(found[1]).all():
                self.last = found
            else:
                self.known[key] = None
                self.lost += 1
                if self.lost > MOST_LOST:
                    raise _Lost
        found = self.known[key]
        if found is None and self.last is None:
            raise ValueError("a search began where there is no number")
        return *(found or self.last), found is not None  # type: ignore[misc]

    # ---- the problem, as SLSQP takes it

    def _aim(self, z: np.ndarray) -> tuple[float, np.ndarray]:
        numbers, slopes, _, fine = self._at(z)
        goal, slope = self.goal, np.zeros(len(z))
        if goal.worst:
            slope[-1] = 1.0
            return float(z[-1]) + (0.0 if fine else WALL), slope
        value = goal.sign * float(goal.tamed.value(numbers[goal.place]))
        slope[:] = goal.sign * goal.tamed.slope(numbers[goal.place]) * slopes[goal.place]
        return value + (0.0 if fine else WALL), slope

    def _limits(self, z: np.ndarray, equal: bool) -> tuple[np.ndarray, np.ndarray]:
        """Values (C,) and slopes (C, n) of what is to be 0, or at least 0."""
        numbers, slopes, _, _ = self._at(z)
        values, rows = [], []

        def add(value: float, slope: np.ndarray, last: float = 0.0) -> None:
            values.append(value)
            rows.append(np.append(slope, last) if self.goal.worst else slope)

        for row in self.goal.rows:
            v, d = row.tamed.value(numbers[row.place]), row.tamed.slope(numbers[row.place]) * slopes[row.place]
            if row.low == row.high:
                if equal:
                    add(v - row.tamed.value(row.low), d)
            elif not equal:
                if np.isfinite(row.low):
                    add(v - row.tamed.value(row.low), d)
                if np.isfinite(row.high):
                    add(row.tamed.value(row.high) - v, -d)
        if not equal:
            for place in self.goal.worst:
                goal = self.goal
                v = goal.sign * goal.tamed.value(numbers[place])
                add(float(z[-1]) - v, -goal.sign * goal.tamed.slope(numbers[place]) * slopes[place], 1.0)
        return np.array(values), np.array(rows).reshape(len(values), len(z))

    def _searched(self) -> SearchEnd:
        from scipy.optimize import Bounds, minimize

        n, goal = len(self.begin), self.goal
        first = self._at(self.begin)[0]
        start = self.begin
        if goal.worst:
            start = np.append(start, goal.sign * goal.tamed.value(goal.value(first)))
        edges = Bounds([0.0] * n + [-np.inf] * bool(goal.worst), [1.0] * n + [np.inf] * bool(goal.worst))  # type: ignore[arg-type]
        kinds = [
            {
                "type": "eq" if equal else "ineq",
                "fun": lambda z, equal=equal: self._limits(z, equal)[0],
                "jac": lambda z, equal=equal: self._limits(z, equal)[1],
            }
            for equal in (True, False)
            if len(self._limits(start, equal)[0])
        ]
        try:
            found = minimize(
                self._aim,
                start,
                jac=True,
                method="SLSQP",
                bounds=edges,
                constraints=kinds,
                options={"maxiter": self.iterations, "ftol": PRECISION},
            )
            last = self._at(found.x)
            return self._end(found.x[:n], last, int(found.status), str(found.message))
        except _Lost:
            return self._end(None, None, LOST, "met too many designs without a number")

    def _end(self, x: Any, last: Any, status: int, message: str) -> SearchEnd:
        """Where it ended; where that has no number, or is outside the limits, at the best that it met."""
        lost = [self.known[key] is None for key in self.order]
        at_edge = any(lost[-3:]) or status == LOST
        if last is None or not last[3] or self.goal.violation(last[0]) > HOLDS:
            x, last = self._best_met(x, last)
        numbers, slopes, health = last[:3]
        x = np.where(x < EXACT, 0.0, np.where(x > 1 - EXACT, 1.0, x))
        return SearchEnd(x, numbers, slopes, health, status, message, len(self.order), sum(lost), at_edge)

    def _best_met(self, x: Any, last: Any) -> tuple[np.ndarray, Any]:
        """Of the designs that were met, the best within the limits; else where it ended, or the nearest to the
        limits."""
        met = [(np.frombuffer(key), found) for key, found in self.known.items() if found is not None]
        within = [pair for pair in met if self.goal.violation(pair[1][0]) <= HOLDS]
        if within:
            return min(within, key=lambda pair: self.goal.sign * self.goal.value(pair[1][0]))
        if last is not None and last[3]:
            return x, last
        return min(met, key=lambda pair: self.goal.violation(pair[1][0]))


Report = Callable[[int, Sequence[tuple[int, np.ndarray, np.ndarray]]], None]
"""Told after each batch: the round, and of each design its search, its place and its numbers."""


def search(
    ask: Ask, goals: Sequence[Goal], starts: np.ndarray, values: Values, report: Report, iterations: int = ITERATIONS
) -> list[SearchEnd]:
    """Searches for goals (S,) from starts (S, n) whose values are known, side by side."""
    asked: queue.SimpleQueue = queue.SimpleQueue()
    searchers = [
        _Searcher(place, goal, start, asked, iterations)
        for place, (goal, start) in enumerate(zip(goals, starts, strict=True))
    ]
    for place, one in enumerate(searchers):
        key = one.begin.tobytes()
        one.known[key] = one.last = (values.numbers[place], values.slopes[place], values.health[place])
        one.order.append(key)
        one.start()
    try:
        _serve(ask, searchers, asked, report)
    finally:
        for one in searchers:
            one.answers.put(None)
    for one in searchers:
        if one.error is not None:
            raise one.error
    return [one.end for one in searchers if one.end is not None]


def _serve(ask: Ask, searchers: Sequence[_Searcher], asked: queue.SimpleQueue, report: Report) -> None:
    """Answer what is asked until every search has ended."""
    living, number = len(searchers), 0
    while living:
        waiting: dict[int, np.ndarray] = {}
        while len(waiting) < living:
            place, x = asked.get()
            if x is None:
                living -= 1
            else:
                waiting[place] = x
        if not waiting:
            break
        order = sorted(waiting)
        found = ask(np.stack([waiting[place] for place in order]))
        number += 1
        report(number, [(place, waiting[place], found.numbers[row]) for row, place in enumerate(order)])
        for row, place in enumerate(order):
            searchers[place].answers.put((found.numbers[row], found.slopes[row], found.health[row]))
