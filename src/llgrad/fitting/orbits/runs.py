"""What the runs from many states come to: orbits, each once, and states at rest."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.devices.oscillator import Oscillator
from llgrad.fitting.methods.base import Log
from llgrad.fitting.orbits.cycles import Near, RowAtRest, flow_at, linear_at
from llgrad.fitting.orbits.recording import OrbitRecording
from llgrad.fitting.orbits.shooting import Given, OfOrbits, Shot, at_rest, given_to, shot
from llgrad.orbits.cycle.settling import ANGLE, SLOWLY, STEPS, STILL, last_turn
from llgrad.orbits.results.precision import working


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


COUNT: Final = 128
"""States round an orbit to begin with."""
APART: Final = 1e-6
"""Relative difference of their frequencies above which two orbits are two."""
ALIKE: Final = 0.03
"""A turn that differs from an orbit by less than this part is on the way to it."""
PIECES: Final = 8
"""Of a run at most; an orbit that it takes longer to come to is looked for by `orbit`."""
FEWEST: Final = 8
"""Steps of a turn that can be a guess."""
NEAR: Final = 0.25
"""A turn that comes back so near, in parts of the run's size, is a guess."""
CLOSER: Final = 0.7
"""A turn is a better guess than one before, from which no orbit was found, where its gap is smaller than so many of
that: on the way to rest it stays the same, in parts of the turn."""
THROUGH: Final = 0.05
"""A closed orbit that comes so near to one of its states again is one that goes round more than once."""
OTHERS: Final = _unit(np.concatenate([np.eye(3), -np.eye(3)])[[2, 5, 0, 3, 1, 4]] + 0.3)
"""States from which the orbits of a device are looked for."""


class Orbits(NamedTuple):
    """The orbits of K settings, up to L of each, the nearest to what was recorded first; where there is none, the state
    at rest that rings nearest to it."""

    near: Near
    """(L, K, N, n) and (L, K)."""
    told: np.ndarray
    """(L, K, C), the frequency [Hz] first."""
    closed: np.ndarray
    """Whether it is an orbit that attracts (L, K)."""
    rests: np.ndarray
    """Whether a state at rest attracts too (K,)."""
    reasons: dict[int, str]
    """Why there is no orbit, of settings where this was asked."""

    @property
    def frequency(self) -> np.ndarray:
        """[Hz] (L, K)."""
        return self.told[..., 0]

    @property
    def moving(self) -> np.ndarray:
        """Which settings have an orbit (K,)."""
        return self.closed[0]

    def led_by(self, first: np.ndarray) -> Orbits:
        """With one of the orbits of each setting (K,) before the others."""
        order = np.argsort(np.arange(len(self.closed))[:, None] != first, axis=0, kind="stable")

        def sort(leaf: np.ndarray) -> np.ndarray:
            return np.take_along_axis(leaf, order.reshape(*order.shape, *[1] * (leaf.ndim - 2)), 0)

        near = Near(*(sort(np.asarray(leaf)) for leaf in self.near))
        return Orbits(near, sort(self.told), sort(self.closed), self.rests, self.reasons)

    def others(self, k: int) -> list[int]:
        """One of the L for each orbit of setting k that is not the first."""
        seen, found = [float(self.frequency[0, k])], []
        for i in np.flatnonzero(self.closed[:, k]):
            f = float(self.frequency[i, k])
            if all(abs(f - one) > APART * f for one in seen):
                seen.append(f)
                found.append(int(i))
        return found


class _Piece(NamedTuple):
    """A piece of the runs of K settings from one state each."""

    path: Any
    """(K, STEPS + 1, n)."""
    slope: Any
    """At its end (K, n)."""
    interval: Any
    """[ns] between two states (K,)."""


def followed(recording: OrbitRecording, parameters: tuple[Any, Any], log: Log) -> Orbits:
    """What the runs from many states come to, each orbit once: as soon as a turn comes back to near where it began, the
    orbit is found from it. `parameters`: all of them (p,) [SI], and the reference state."""
    given = given_to(recording, *parameters)
    lanes = [_Lane(one, recording.data.size) for one in _states(recording, given)]
    found: list[Shot] = []
    for _ in range(PIECES):
        log.check()
        for lane in lanes:
            if lane.done.all():
                continue
            lane.go_on(given.own(_piece(*given[:3], *given.wide((lane.states, lane.done)))))
            guesses = lane.guesses(found)
            if np.isfinite(guesses).any():
                near = Near(given.own(_turn(*given[:3], *given.wide((lane.states, guesses)))), guesses)
                found_here = shot(recording, *parameters, near)
                closed = found_here.closed & lane.holds(found_here)
                found.append(found_here._replace(closed=closed))
                lane.done |= closed
            log.count(int((~lane.done).sum()))
        if all(lane.done.all() for lane in lanes):
            break
    return _put_together(given, lanes, found)


def _states(recording: OrbitRecording, given: Given) -> np.ndarray:
    """States (L, K, n) from which runs begin: that of the recording, and of a device many others."""
    start = np.asarray(_start(*given[:3]))[None]
    starts = np.concatenate([start, OTHERS]) if isinstance(recording.model, Oscillator) else start
    return np.repeat(starts[:, None], given.rows, axis=1)


class _Lane:
    """The runs of K settings from one state each, piece after piece."""

    def __init__(self, states: np.ndarray, size: int):
        self.states, count = np.array(states), len(states)
        self.done = np.zeros(count, bool)
        self.first, self.extent = np.full(count, np.nan), np.full(count, np.inf)
        self.still = np.zeros(count, bool)
        self.tried = np.full(count, np.inf)
        self.piece: Any = None
        self.pieces = 0

    def go_on(self, piece: _Piece) -> None:
        """Take the next piece."""
        self.piece, moving, self.pieces = piece, ~self.done, self.pieces + 1
        half = piece.path[:, STEPS // 2 :]
        extent = np.abs(half - half.mean(axis=1, keepdims=True)).max(axis=(1, 2))
        extent = extent / np.maximum(np.abs(piece.path).max(axis=(1, 2)), 1e-300)
        self.still |= moving & (extent < STILL)
        self.first = np.where(np.isnan(self.first), extent, self.first)
        self.extent = np.where(moving, extent, self.extent)
        lost = ~np.isfinite(piece.path).all(axis=(1, 2))
        self.states = np.where((moving & ~lost)[:, None], piece.path[:, -1], self.states)
        self.done |= self.still | lost

    def guesses(self, found: list[Shot]) -> np.ndarray:
        """Periods [ns] (K,) of the last turns that belong to no orbit that was found already; NaN elsewhere."""
        periods = np.full(len(self.states), np.nan)
        for k in map(int, np.flatnonzero(~self.done)):
            path = self.piece.path[k]
            turn = (last_turn if self.pieces % 2 == 0 else recent_turn)(path, self.piece.slope[k])
            if turn is None or turn < FEWEST:
                continue
            gap = gap_of(path, self.piece.slope[k], turn)
            if gap > CLOSER * self.tried[k]:
                continue
            self.tried[k] = gap
            periods[k] = turn * self.piece.interval[k]
            middle = path[-math.ceil(turn) :].mean(axis=0)
            if any(shot.closed[k] and self._same(shot, k, periods[k], middle, path) for shot in found):
                self.done[k], periods[k] = True, np.nan
        return periods

    def _same(self, shot: Shot, k: int, period: float, middle: np.ndarray, path: np.ndarray) -> bool:
        """Whether a turn, or several, is on an orbit, nearly: of its period, about its middle, and at its states."""
        states = shot.near.states[k]
        size = np.abs(states - states.mean(axis=0)).max()
        close = np.abs(states - path[-1]).max(axis=1).min() < ALIKE * size
        ratio = period / shot.near.period[k]
        alike = abs(ratio / max(round(ratio), 1) - 1) < ALIKE
        return bool(close and alike and np.abs(middle - states.mean(axis=0)).max() < ALIKE * size)

    def holds(self, shot: Shot) -> np.ndarray:
        """Whether orbits (K,) are those that the runs are on: through their states."""
        states = shot.near.states
        size = np.abs(states - states.mean(axis=1, keepdims=True)).max(axis=(1, 2))
        far = np.sqrt(((states - self.states[:, None]) ** 2).sum(axis=2)).min(axis=1)
        once = [not done or turns_of(one) == 1 for done, one in zip(shot.closed, states, strict=True)]
        return (far < 2 * size) & np.array(once)

    @property
    def stills(self) -> np.ndarray:
        """Whether the runs have stopped, or have become smaller and smaller (K,)."""
        return self.still | (self.extent < np.minimum(self.first, SLOWLY))

    def rests(self, rest: RowAtRest) -> np.ndarray:
        """Whether the runs have come to rest, or are on the way to it (K,)."""
        near = np.abs(rest.state - self.states).max(axis=1) < 10 * np.maximum(self.extent, STILL)
        return self.stills & rest.found & rest.attracts & near


def _returns(path: np.ndarray, slope: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """When (J,) a path (S, n), in steps, came by its end in the same direction, and how far from it, in sizes."""
    end, size = path[-1], max(float(np.abs(path - path.mean(axis=0)).max()), 1e-300)
    height = (path - end) @ slope
    before = np.flatnonzero((height[:-2] < 0) & (height[1:-1] >= 0))
    share = (height[before] / (height[before] - height[before + 1]))[:, None]
    crossed = path[before] * (1 - share) + path[before + 1] * share
    return before + share[:, 0], np.abs(crossed - end).max(axis=1) / size


def gap_of(path: np.ndarray, slope: np.ndarray, turn: float) -> float:
    """How far from its end, in sizes of the turn, a path (S, n) was so many steps ago."""
    times, distances = _returns(path, slope)
    last = path[-math.ceil(turn) :]
    size = max(float(np.abs(last - last.mean(axis=0)).max()), 1e-300)
    whole = max(float(np.abs(path - path.mean(axis=0)).max()), 1e-300)
    return float(distances[np.argmin(np.abs(len(path) - 1 - times - turn))]) * whole / size


def recent_turn(path: np.ndarray, slope: np.ndarray) -> float | None:
    """How many steps ago a run (S, n) last came anywhere near its last state; None where it did not."""
    times, distances = _returns(path, slope)
    near = np.flatnonzero(distances < NEAR)
    return float(len(path) - 1 - times[near[-1]]) if near.size else None


def turns_of(states: np.ndarray) -> int:
    """How often states (N, n) round a closed orbit go round it."""
    path = np.concatenate([states, states[:2]])
    times, distances = _returns(path[:-1], path[-1] - path[-3])
    return 1 + int(np.sum((distances < THROUGH) & (times > 1) & (times < len(states) - 1)))


def _put_together(given: Given, lanes: list[_Lane], found: list[Shot]) -> Orbits:
    """Orbits, then states at rest, of which the first that attract are taken where there is no orbit."""
    rests = [at_rest(given, lane.states)[0] if lane.stills.any() else None for lane in lanes]
    nowhere = np.zeros(given.rows, bool)
    at = np.array([nowhere if rest is None else lane.rests(rest) for lane, rest in zip(lanes, rests, strict=True)])
    shots = [*found, _no_shot(found, lanes[0].states)]
    near = Near(*(np.stack(leaves) for leaves in zip(*(shot.near for shot in shots), strict=True)))
    closed = np.stack([shot.closed for shot in shots])
    told = np.where(closed[..., None], np.stack([shot.told for shot in shots]), np.nan)
    near = Near(near.states, np.where(closed, near.period, np.nan))
    for k in range(given.rows):
        lane = int(np.argmax(at[:, k]))
        rest = rests[lane]
        near.states[~closed[:, k], k] = lanes[lane].states[k] if rest is None else rest.state[k]
        told[~closed[:, k], k, 0] = rest.frequency[k] if at[lane, k] and rest is not None else np.nan
    return Orbits(near, told, closed, np.asarray(at.any(axis=0)), {})


def _no_shot(found: list[Shot], states: np.ndarray) -> Shot:
    """Of K settings no orbit."""
    count, size = states.shape
    wide = found[0].told.shape[1] if found else 1
    nothing = np.full((count, wide), np.nan)
    near = Near(np.zeros((count, COUNT, size)), np.full(count, np.nan))
    return Shot(nothing, nothing, near, np.zeros(count, bool), np.zeros(count))


@quick_jit
@working()
def _start(recording: OfOrbits, values: Any, m0: Any) -> Any:
    """The state (n,) that a run of the recording begins in."""
    return jnp.stack(jax.tree.leaves(recording.bind(values, m0).m0))


@quick_jit
@working()
def _piece(recording: OfOrbits, values: Any, m0: Any, states: Any, done: Any) -> _Piece:
    bound = recording.bind(values, m0)

    def one(setting: Any, state: Any, done: Any) -> _Piece:
        flow = flow_at(recording.at(bound.model, setting))
        fastest = jnp.sqrt(jnp.sum(linear_at(flow, state)[2] ** 2))
        interval = jnp.where(done, 0.0, ANGLE / jnp.maximum(fastest, 1e-12))
        path = flow.run(state, STEPS * interval, STEPS)
        return _Piece(jnp.concatenate([state[None], path]), flow.slope(path[-1]), interval)

    return jax.vmap(one)(jnp.asarray(recording.settings), states, done)


@quick_jit
@working()
def _turn(recording: OfOrbits, values: Any, m0: Any, states: Any, period: Any) -> Any:
    """States (K, N, n) round turns of so many periods."""
    bound = recording.bind(values, m0)

    def one(setting: Any, state: Any, period: Any) -> Any:
        flow = flow_at(recording.at(bound.model, setting))
        path = flow.run(state, jnp.where(jnp.isnan(period), 0.0, period), COUNT)
        return jnp.concatenate([state[None], path[:-1]])

    return jax.vmap(one)(jnp.asarray(recording.settings), states, period)
