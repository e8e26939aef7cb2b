"""What the runs from many states come to: orbits, each once, and states at rest."""

from __future__ import annotations

from functools import partial
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.held import held_jit
from llgrad.devices.oscillator import Oscillator
from llgrad.fitting.methods.base import Log
from llgrad.fitting.orbits.cycles import Near, RowAtRest, flow_at, linear_at
from llgrad.fitting.orbits.recording import OrbitRecording
from llgrad.fitting.orbits.shooting import Given, OfOrbits, Shot, at_rest, given_to, shot, whole_count, widened
from llgrad.fitting.orbits.turns import apart_from, last_turns, nearest_turn, recent_turn, returns, size_of, times_round
from llgrad.orbits.cycle.settling import ANGLE, SLOWLY, STEPS, STILL
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
CLOSER: Final = 0.7
"""A turn is a better guess than one before, from which no orbit was found, where its gap is smaller than so many of
that: on the way to rest it stays the same, in parts of the turn."""
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
        return Orbits(near, sort(self.told), sort(self.closed), self.rests)

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
    """A piece of B runs."""

    path: Any
    """(n, B, STEPS + 1)."""
    slope: Any
    """At its end (B, n)."""
    interval: Any
    """[ns] between two states (B,)."""


def followed(recording: OrbitRecording, parameters: tuple[Any, Any], log: Log, there: Near | None = None) -> Orbits:
    """What the runs from many states come to, each orbit once: as soon as a turn comes back to near where it began, the
    orbit is found from it. `parameters`: all of them (p,) [SI], and the reference state.

    `there`: orbits (K,) from which a search has come to these parameters: what runs come to is compared with them
    first."""
    given = given_to(recording, *parameters)
    runs = _Runs(_states(recording, given))
    found = [] if there is None else [_Known(once_round(shot(recording, *parameters, there, resting=False)))]
    for _ in range(PIECES):
        log.check()
        if runs.done.all():
            break
        runs.go_on(given)
        for known in found:
            known.compare(runs)
        while np.isfinite(guesses := runs.guesses(found)).any():
            lanes = runs.best_of(guesses)
            states, periods = taken_of(runs.states, lanes), taken_of(guesses, lanes)
            turn = _turn(*given.parameters, given.settings, *given.wide((states, periods)))
            here = once_round(shot(recording, *parameters, Near(given.own(turn), periods), resting=False))
            here = here._replace(closed=here.closed & passes(here, states))
            found.append(_Known(here))
            found[-1].compare(runs)
            runs.tried_out(lanes, here.closed)
        log.count(int((~runs.done).sum()))
    return _put_together(given, runs, [known.shot for known in found])


def taken_of(leaf: np.ndarray, lanes: np.ndarray) -> np.ndarray:
    """Of leaves (L, K, …) those of one lane of each setting (K,)."""
    return leaf[lanes, np.arange(len(lanes))]


def once_round(shot: Shot) -> Shot:
    """With those orbits (K,) only that go round once."""
    return shot._replace(closed=shot.closed & (times_round(shot.near.states) == 1))


def passes(shot: Shot, states: np.ndarray) -> np.ndarray:
    """Whether orbits (K,) are those that runs are on, which are at states (K, n)."""
    own = shot.near.states
    size = np.abs(own - own.mean(axis=1, keepdims=True)).max(axis=(1, 2))
    return np.sqrt(((own - states[:, None]) ** 2).sum(axis=2)).min(axis=1) < 2 * size


def _states(recording: OrbitRecording, given: Given) -> np.ndarray:
    """States (L, K, n) from which runs begin: that of the recording, and of a device many others."""
    start = np.asarray(_start(*given.parameters))[None]
    starts = np.concatenate([start, OTHERS]) if isinstance(recording.model, Oscillator) else start
    return np.repeat(starts[:, None], given.rows, axis=1)


class _Runs:
    """The runs of K settings from L states each, piece after piece."""

    def __init__(self, states: np.ndarray):
        self.states = np.array(states)
        """(L, K, n)."""
        shape = states.shape[:2]
        self.done, self.still = np.zeros(shape, bool), np.zeros(shape, bool)
        self.first, self.extent = np.full(shape, np.nan), np.full(shape, np.inf)
        self.tried = np.full(shape, np.inf)
        self.periods, self.middles = np.full(shape, np.nan), np.full(states.shape, np.nan)
        """Of the last turns that are guesses [ns], and their middles."""
        self.pieces = 0

    def go_on(self, given: Given) -> None:
        """Take the next piece of those that are not done."""
        self.pieces += 1
        going = np.nonzero(~self.done)
        count = len(going[1])
        rows = (given.settings[going[1]], self.states[going])
        settings, states = widened(rows, whole_count(count))
        piece = _Piece(*map(np.asarray, _piece(*given.parameters, settings, states)))
        path, largest = piece.path[:, :count], np.abs(piece.path[:, :count]).max(axis=(0, 2))
        if (lost := ~np.isfinite(largest)).any():
            path, largest = np.where(lost[:, None], 0.0, path), np.where(lost, 1.0, largest)
        self._reach(going, path, largest, lost)
        self._turns(going, _Piece(path, piece.slope[:count], piece.interval[:count]))

    def _reach(self, going: Any, path: np.ndarray, largest: np.ndarray, lost: np.ndarray) -> None:
        """How far the runs went in a piece, and where they are."""
        extent = size_of(path[:, :, STEPS // 2 :]) / np.maximum(largest, 1e-300)
        extent = np.where(lost, np.inf, extent)
        self.still[going] = extent < STILL
        self.first[going] = np.where(np.isnan(self.first[going]), extent, self.first[going])
        self.extent[going] = extent
        self.states[going] = np.where(lost[:, None], self.states[going], path[:, :, -1].T)
        self.done[going] = self.still[going] | lost

    def _turns(self, going: Any, piece: _Piece) -> None:
        """The last turns that are better guesses than any before."""
        found = returns(piece.path, piece.slope)
        places = (nearest_turn if self.pieces % 2 == 0 else recent_turn)(found, piece.path)
        turns = last_turns(found, places, piece.path)
        better = ~self.done[going] & (turns.steps >= FEWEST) & (turns.gap <= CLOSER * self.tried[going])
        self.tried[going] = np.where(better, turns.gap, self.tried[going])
        self.periods[going] = np.where(better, turns.steps * piece.interval, np.nan)
        self.middles[going] = turns.middle

    def guesses(self, found: list[_Known]) -> np.ndarray:
        """Periods [ns] (L, K) of the last turns that belong to no orbit that was found already; NaN elsewhere."""
        for known in found:
            self.done |= known.same & np.isfinite(self.periods)
        return np.where(self.done, np.nan, self.periods)

    def best_of(self, guesses: np.ndarray) -> np.ndarray:
        """The lane (K,) of each setting whose turn came nearest to where it began, of those with a guess."""
        return np.argmin(np.where(np.isnan(guesses), np.inf, self.tried), axis=0)

    def tried_out(self, lanes: np.ndarray, closed: np.ndarray) -> None:
        """The turns of one lane of each setting (K,) have been tried, and led to orbits or not."""
        rows = np.arange(len(lanes))
        self.done[lanes, rows] |= closed
        self.periods[lanes, rows] = np.nan

    @property
    def stills(self) -> np.ndarray:
        """Whether the runs have stopped, or have become smaller and smaller (L, K)."""
        return self.still | (self.extent < np.minimum(self.first, SLOWLY))

    def rests(self, rest: RowAtRest) -> np.ndarray:
        """Whether the runs have come to rest, or are on the way to it (L, K)."""
        near = np.abs(rest.state - self.states).max(axis=2) < 10 * np.maximum(self.extent, STILL)
        return self.stills & rest.found & rest.attracts & near


class _Known:
    """Orbits of K settings that were found, and which of the runs are on them."""

    def __init__(self, shot: Shot) -> None:
        self.shot = shot
        states = shot.near.states
        self.middle = states.mean(axis=1)
        self.size = np.abs(states - self.middle[:, None]).max(axis=(1, 2))
        self.same = np.zeros((0, 0), bool)

    def compare(self, runs: _Runs) -> None:
        """Whether the last turn of each run (L, K), or several of it, is on its orbit, nearly: of its period, about
        its middle, and at its states."""
        shot = self.shot
        apart = apart_from(shot.near.states, runs.states)
        ratio = runs.periods / shot.near.period
        alike = np.abs(ratio / np.maximum(np.round(ratio), 1) - 1) < ALIKE
        about = np.abs(runs.middles - self.middle).max(axis=2)
        self.same = shot.closed & (apart < ALIKE * self.size) & alike & (about < ALIKE * self.size)


def _put_together(given: Given, runs: _Runs, found: list[Shot]) -> Orbits:
    """Orbits, then states at rest, of which the first that attract are taken where there is no orbit."""
    rests, at = _at_rest(given, runs)
    shots = [*found, _no_shot(found, runs.states[0])]
    near = Near(*(np.stack(leaves) for leaves in zip(*(shot.near for shot in shots), strict=True)))
    closed = np.stack([shot.closed for shot in shots])
    told = np.where(closed[..., None], np.stack([shot.told for shot in shots]), np.nan)
    near = Near(near.states, np.where(closed, near.period, np.nan))
    for k in range(given.rows):
        lane = int(np.argmax(at[:, k]))
        rest = rests.get(lane)
        near.states[~closed[:, k], k] = runs.states[lane, k] if rest is None else rest.state[k]
        told[~closed[:, k], k, 0] = rest.frequency[k] if at[lane, k] and rest is not None else np.nan
    return Orbits(near, told, closed, np.asarray(at.any(axis=0)))


def _at_rest(given: Given, runs: _Runs) -> tuple[dict[int, RowAtRest], np.ndarray]:
    """The states at rest near the runs of each start of which some have stopped, and which runs come to them (L, K)."""
    lanes, at = np.flatnonzero(runs.stills.any(axis=1)), np.zeros(runs.done.shape, bool)
    if not lanes.size:
        return {}, at
    rows = np.tile(np.arange(given.rows), len(lanes))
    found, _ = at_rest(given, runs.states[lanes].reshape(-1, runs.states.shape[2]), rows)
    rests = {
        int(lane): RowAtRest(*(leaf.reshape(len(lanes), given.rows, *leaf.shape[1:])[i] for leaf in found))
        for i, lane in enumerate(lanes)
    }
    for lane, rest in rests.items():
        at[lane] = runs.rests(rest)[lane]
    return rests, at


def _no_shot(found: list[Shot], states: np.ndarray) -> Shot:
    """Of K settings no orbit."""
    count, size = states.shape
    wide = found[0].told.shape[1] if found else 1
    nothing = np.full((count, wide), np.nan)
    near = Near(np.zeros((count, COUNT, size)), np.full(count, np.nan))
    return Shot(nothing, nothing, near, np.zeros(count, bool))


@held_jit
@working()
def _start(recording: OfOrbits, values: Any, m0: Any) -> Any:
    """The state (n,) that a run of the recording begins in."""
    return jnp.stack(jax.tree.leaves(recording.bind(values, m0).m0))


@partial(held_jit, often=True)
@working()
def _piece(recording: OfOrbits, values: Any, m0: Any, settings: Any, states: Any) -> _Piece:
    bound = recording.bind(values, m0)

    def one(setting: Any, state: Any) -> _Piece:
        flow = flow_at(recording.at(bound.model, setting))
        fastest = jnp.sqrt(jnp.sum(linear_at(flow, state)[2] ** 2))
        interval = ANGLE / jnp.maximum(fastest, 1e-12)
        path = flow.run(state, STEPS * interval, STEPS)
        return _Piece(jnp.concatenate([state[None], path]).T, flow.slope(path[-1]), interval)

    return jax.vmap(one, out_axes=_Piece(1, 0, 0))(settings, states)


@held_jit
@working()
def _turn(recording: OfOrbits, values: Any, m0: Any, settings: Any, states: Any, period: Any) -> Any:
    """States (K, N, n) round turns of so many periods."""
    bound = recording.bind(values, m0)

    def one(setting: Any, state: Any, period: Any) -> Any:
        flow = flow_at(recording.at(bound.model, setting))
        path = flow.run(state, jnp.where(jnp.isnan(period), 0.0, period), COUNT)
        return jnp.concatenate([state[None], path[:-1]])

    return jax.vmap(one)(settings, states, period)
