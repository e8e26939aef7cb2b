"""What runs from the starts fall onto, of many points side by side: see `orbits/cycle/settling.py` for one."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.experiments.sweeps.looking.points import FINER, Points, Solved, flow_at, in_portions, solved, turned
from llgrad.orbits.cycle.settling import (
    ANGLE,
    PIECES,
    SHRUNK,
    SLOWLY,
    STEPS,
    STILL,
    SettlingOutcome,
    last_turn,
    rest_and_rates,
)

LINEAR: Final = 0.05
"""A motion this near, relatively, to the decay of the linear equation at the state at rest is that decay."""
STEADY: Final = (0.7, 1.5)
"""A motion whose extent changes by a factor between these over half a piece may be on a cycle."""


LATE: Final = 4
"""After so many pieces few runs are left, and more states than at first may be needed to close their cycles."""
UNKNOWN: Final = "not known"
"""The outcome of a run that was interrupted."""


class Ends(NamedTuple):
    """How runs ended."""

    outcomes: np.ndarray
    """(K,), the values of `SettlingOutcome`."""
    states: np.ndarray
    """Where (K, n): the state at rest itself, where a run comes to rest."""
    cycles: list[tuple[np.ndarray, Solved]]
    """The cycles that runs fall onto: which of the runs, and their orbits; group by group of as many states."""


@quick_jit
def _piece(dynamic: Any, static: Any, starts: Any, y: Any, interval: Any) -> tuple[Any, Any]:
    """A piece of each run (B, STEPS + 1, n), and the slopes at its ends."""

    def one(dynamic: Any, y: Any, interval: Any) -> tuple[Any, Any]:
        flow = flow_at(dynamic, static)
        path = jnp.concatenate([y[None], flow.run(y, STEPS * interval, STEPS)])
        return path, flow.slope(path[-1])

    return jax.vmap(one)(dynamic, y, interval)


@quick_jit
def _rate(dynamic: Any, static: Any, starts: Any, y: Any) -> Any:
    """The fastest rate (B,) [1/ns] of the linear motion at states."""

    def one(dynamic: Any, y: Any) -> Any:
        flow = flow_at(dynamic, static)
        basis = flow.basis(y)
        moved = jax.vmap(lambda v: jax.jvp(flow.slope, (y,), (v,))[1], 1, 1)(basis)
        return jnp.max(jnp.abs(jnp.linalg.eigvals(basis.T @ moved)))

    return jax.vmap(one)(dynamic, y)


@quick_jit
def _rest(dynamic: Any, static: Any, starts: Any, y: Any) -> tuple[Any, Any, Any]:
    """The states at rest near y, how well they rest, and the eigenvalues there."""
    return jax.vmap(lambda dynamic, y: rest_and_rates(flow_at(dynamic, static), y))(dynamic, y)


def settled(points: Points, places: np.ndarray, count: int, heard: Callable[[float], None]) -> Ends:
    """Run from the start of each point (K,) until the motion repeats itself, or stops. After every piece `heard` is
    called with the part of the points that have ended; KeyboardInterrupt leaves the others open."""
    now = _Now(points, places, count)
    for piece in range(PIECES):
        now.advance(piece)
        try:
            heard(1 - len(now.open) / len(places))
        except KeyboardInterrupt:
            now.outcomes[now.open] = UNKNOWN
            return Ends(now.outcomes, now.states, now.cycles)
        if not len(now.open):
            break
    now.close()
    return Ends(now.outcomes, now.states, now.cycles)


class _Now:
    """The runs as they are."""

    def __init__(self, points: Points, places: np.ndarray, count: int):
        k = len(places)
        self.points, self.places, self.count = points, places, count
        self.states = np.array(points.starts[places])
        self.outcomes = np.full(k, SettlingOutcome.NEITHER.value, dtype=object)
        self.cycles: list[tuple[np.ndarray, Solved]] = []
        self.fastest = np.maximum(in_portions(points, places, _rate, self.states), 1e-12)
        self.before, self.first = np.full(k, math.inf), np.full(k, math.nan)
        self.extent, self.size = np.full(k, math.inf), np.full(k, 1e-300)
        self.open = np.arange(k)

    def advance(self, piece: int) -> None:
        """One piece of every run that has not ended."""
        here = self.open
        interval = ANGLE / self.fastest[here]
        tries = piece & (piece + 1) == 0 or piece & (piece - 1) == 0
        given = self.states[here], interval, self.size[here]
        told = in_portions(self.points, self.places[here], partial(self._summary, tries), *given, few=True)
        end, lost, extent, size, turns = told
        self.outcomes[here[lost]] = SettlingOutcome.LOST.value
        self.states[here[~lost]] = end[~lost]
        self.extent[here], self.size[here] = extent, size
        shrinks = ~lost & (extent < SLOWLY) & (extent < 0.99 * self.before[here])
        still = ~lost & (extent < STILL)
        self._rest(here[still], sure=True)
        self._rest(here[shrinks & ~still], STEPS * interval[shrinks & ~still])
        turning = ~lost & np.isfinite(turns)
        self._cycle(here, turns * interval, end, turning, self.count)
        if piece >= LATE:
            self._cycle(here, turns * interval, end, turning, FINER * self.count)
        self.open = np.array([i for i in here.tolist() if self.outcomes[i] == SettlingOutcome.NEITHER.value], int)
        self.before[here] = extent
        self.first[here] = np.where(np.isnan(self.first[here]), extent, self.first[here])
        if len(self.open):
            rate = in_portions(self.points, self.places[self.open], _rate, self.states[self.open], few=True)
            self.fastest[self.open] = np.maximum(self.fastest[self.open], rate)

    @staticmethod
    def _summary(
        tries: bool, dynamic: Any, static: Any, starts: Any, y: Any, interval: Any, size: Any
    ) -> tuple[Any, ...]:
        """Of each piece: its end, whether it is lost, its extent in parts of the largest state until now, that size,
        and the steps of its last turn."""
        path, slope = (np.asarray(part) for part in _piece(dynamic, static, starts, y, interval))
        half, early = path[:, STEPS // 2 :], path[:, : STEPS // 2]
        with np.errstate(invalid="ignore"):
            lost = ~np.isfinite(path).all(axis=(1, 2))
            size = np.maximum(np.abs(path).max(axis=(1, 2)), size)
            extents = [np.abs(part - part.mean(1, keepdims=True)).max(axis=(1, 2)) / size for part in (early, half)]
            change = extents[1] / np.maximum(extents[0], 1e-300)
            steady = ~lost & (change > STEADY[0]) & (change < STEADY[1]) & (extents[1] > SHRUNK)
        turns = np.full(len(path), np.nan)
        for i in np.flatnonzero(steady & tries).tolist():
            turns[i] = last_turn(path[i], slope[i]) or np.nan
        return path[:, -1], lost, extents[1], size, turns

    def _rest(self, here: np.ndarray, time: np.ndarray | None = None, sure: bool = False) -> None:
        """The runs that come to rest; those that do not move any more are `sure`ly at rest.

        In a `time` [ns] since the last piece, one that has not shrunk enough yet must have shrunk as the linear motion.
        """
        if not len(here):
            return
        state, slope, values = in_portions(self.points, self.places[here], _rest, self.states[here], few=True)
        near = np.abs(state - self.states[here]).max(1) < 10 * self.extent[here] * self.size[here]
        good = near & (slope < STILL) & (values[:, 0].real < 0)
        if time is not None:
            with np.errstate(divide="ignore", invalid="ignore"):
                decay = np.log(self.extent[here] / self.before[here]) / (values[:, 0].real * time)
            good &= (self.extent[here] < SHRUNK) | (np.abs(decay - 1) < LINEAR)
        self.outcomes[here[good | sure]] = SettlingOutcome.REST.value
        self.states[here[good]] = state[good]

    def _cycle(self, here: np.ndarray, period: np.ndarray, last: np.ndarray, turning: np.ndarray, count: int) -> None:
        """The runs that fall onto a cycle: it must be the one that they are on."""
        tried = turning & np.array([self.outcomes[i] == SettlingOutcome.NEITHER.value for i in here.tolist()], bool)
        if not tried.any():
            return
        here, period, last = here[tried], period[tried], last[tried]
        places = self.places[here]
        states = in_portions(self.points, places, partial(turned, count=count), last, period)
        found = in_portions(self.points, places, solved, states, period)
        size = np.abs(found.states - found.states.mean(1, keepdims=True)).max(axis=(1, 2))
        with np.errstate(invalid="ignore"):
            gap = np.sqrt(((found.states - last[:, None]) ** 2).sum(2)).min(1)
            good = found.fine & found.attracts & (gap < 2 * size)
        self.outcomes[here[good]] = SettlingOutcome.CYCLE.value
        if good.any():
            self.cycles.append((here[good], Solved(*(leaf[good] for leaf in found))))

    def close(self) -> None:
        """Near a threshold a run takes long: one that has shrunk, where the state at rest attracts, comes to rest."""
        slowly = self.open[self.extent[self.open] < np.minimum(self.first[self.open], SLOWLY)]
        self._rest(slowly)
