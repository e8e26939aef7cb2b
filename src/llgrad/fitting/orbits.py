"""Frequencies have no starting state: their orbits are followed until they are steady, whatever state they begin from.

A search moves from orbit to orbit, so it begins on them. Where several attract, each frequency is that of the orbit
nearest to it (`branches.py` says which choices the data leave), so that nothing depends on the state that was given.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.units import show
from llgrad.core.vector import unstack
from llgrad.fitting.methods.base import Log
from llgrad.fitting.problem import Problem
from llgrad.fitting.targets.tables import Orbit, OrbitRecording, TableRecording


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


LONGEST: Final = 96
"""An orbit is followed for so many of a recording's own runs."""
OTHER_RUNS: Final = 36
"""And those from other starting states for so many."""
STEADY: Final = 1e-4
"""Relative change of the frequency from one run to the next below which an orbit is steady that is not closed."""
SAME: Final = 1e-2
"""And of its amplitude, whose standard deviation over no whole number of periods is less exact."""
APART: Final = 1e-6
"""Relative difference of their frequencies above which two orbits are two."""
REST: Final = 1e-6
"""Amplitude of m·p below which the device is at rest."""
NUDGE: Final = 0.01
"""Tilt [rad] of a state at rest: from an unstable one it goes on to the orbit."""
OTHERS: Final = _unit(np.concatenate([np.eye(3), -np.eye(3)])[[2, 5, 0, 3, 1, 4]] + 0.3)
"""Starting states from which other orbits are looked for."""


class Orbits(NamedTuple):
    """Where the runs of K settings from L states each have come to; the first state is the recording's own."""

    frequency: np.ndarray
    """[Hz] (L, K)."""
    state: np.ndarray
    """The last (L, K, 3)."""
    steady: np.ndarray
    """Whether the orbit is closed, or frequency and amplitude change no more (L, K)."""
    at_rest: np.ndarray
    """Whether the device has come to rest (L, K)."""
    closed: np.ndarray
    """Whether the orbit is closed (L, K)."""

    @property
    def moving(self) -> np.ndarray:
        """Where there is an orbit, settled or not (L, K)."""
        return ~self.at_rest & np.isfinite(self.state).all(axis=2) & np.isfinite(self.frequency)

    def led_by(self, first: np.ndarray) -> Orbits:
        """With one of the states of each setting (K,) before the others."""
        order = np.argsort(np.arange(len(self.frequency))[:, None] != first, axis=0, kind="stable")
        return Orbits(*(np.take_along_axis(x, order if x.ndim == 2 else order[..., None], 0) for x in self))

    def others(self, k: int, frequency: float) -> list[int]:
        """One of the L states for each closed orbit of setting k that is not that of the frequency [Hz]."""
        seen, found = [frequency], []
        for i in np.flatnonzero(self.closed[:, k]):
            f = float(self.frequency[i, k])
            if all(abs(f - one) > APART * f for one in seen):
                seen.append(f)
                found.append(int(i))
        return found


def orbits_of(recording: OrbitRecording, values: np.ndarray, m0: np.ndarray, log: Log, runs: int = LONGEST) -> Orbits:
    """The orbits that many states lead to at these parameters (p,) [SI], those of the recording first.

    The given state is one of them, and the last: the answer does not depend on it, unless it alone leads to an orbit.
    """
    count = len(recording.settings)
    many = np.concatenate([OTHERS, m0[recording.row][None]])
    states = np.concatenate([np.asarray(recording.starts)[None], np.repeat(many[:, None], count, axis=1)])
    return _followed(recording, values, states, log, runs)


def nearest(recording: OrbitRecording, orbits: Orbits) -> np.ndarray:
    """For each setting which of the L states leads to the orbit whose frequency is nearest to the recorded one (K,).

    An orbit that is steady goes before one that is not; the recording's own state before others of the same orbit.
    """
    far = np.abs(orbits.frequency - np.asarray(recording.recorded))
    far = np.where(orbits.moving, np.where(orbits.steady, far, far + 1e30), np.inf)
    best = np.min(far, axis=0)
    same = far <= best + APART * np.asarray(recording.recorded)
    return np.argmax(same, axis=0)


def on_orbits(problem: Problem, values: np.ndarray, m0: np.ndarray, log: Log) -> tuple[Problem, tuple[Orbits, ...]]:
    """The problem with the runs of tables and spectra beginning on the orbits at these parameters (p,) [SI], and all
    orbits of each such recording, first those.

    Where all states lead to rest, as a frequency was recorded, they begin far from it.
    """
    recordings, found = [], []
    for recording in problem.recordings:
        if isinstance(recording, OrbitRecording):
            orbits = orbits_of(recording, values, m0, log)
            orbits = orbits.led_by(nearest(recording, orbits))
            starts = np.where(orbits.moving[0][:, None], orbits.state[0], OTHERS[0])
            recording = dataclasses.replace(recording, starts=jnp.asarray(starts))
            found.append(orbits)
        recordings.append(recording)
    return dataclasses.replace(problem, recordings=tuple(recordings)), tuple(found)


def unsteady(recording: OrbitRecording, orbits: Orbits) -> str | None:
    """A sentence where the orbits that the recording's own states lead to are none, or still change."""
    rest, steady = orbits.at_rest[0], orbits.steady[0]
    if rest.any():
        return (
            f"{places(recording, rest)} the fitted device comes to rest: it has no orbit there, and what was "
            "fitted is how it rings; start from a larger current or a smaller damping"
        )
    if not steady.all():
        length = LONGEST * (recording.settled + recording.measured) * recording.save_every * recording.step
        return (
            f"{places(recording, ~steady)} the orbit of the fitted device is not settled after "
            f"{show(float(f'{length:.2g}'), 's')}: its frequency still changes"
        )
    return None


def places(recording: OrbitRecording, which: np.ndarray) -> str:
    """Some of the settings (K,) in words."""
    if not isinstance(recording, TableRecording):
        return "behind the spectrum"
    at = np.asarray(recording.settings)[which]
    many = f" and {at.size - 1} more" if at.size > 1 else ""
    return f"at {recording.setting} = {show(float(at[0]), recording.unit)}{many}"


def _followed(recording: OrbitRecording, values: np.ndarray, states: np.ndarray, log: Log, runs: int) -> Orbits:
    """The runs from these states (L, K, 3), one after the other until they are steady; one at rest is nudged once."""
    still, nudged = (np.zeros(states.shape[:2], bool) for _ in range(2))
    found, before = None, None
    for run in range(runs):
        log.check()
        start = np.where((still & ~nudged)[..., None], _nudged(states), states)
        nudged = nudged | still
        now = jax.tree.map(np.asarray, _run(recording, jnp.asarray(values), jnp.asarray(start)))
        log.count(still.size)
        states, still = now.state, ~now.closed & (now.amplitude < REST)
        steady = now.closed if before is None else now.closed | _close(now, before)
        found, before = Orbits(now.frequency, states, steady & ~still, still, now.closed), now
        done = steady | (still & nudged) | ~np.isfinite(states).all(axis=2)
        if done.all() or (run + 1 >= OTHER_RUNS and done[0].all()):
            break
    if found is None:
        raise RuntimeError("an orbit is followed for at least one run")
    return found


def _close(now: Orbit, before: Orbit) -> np.ndarray:
    """Whether nothing has changed since (L, K)."""
    close = np.abs(now.frequency - before.frequency) <= STEADY * np.abs(now.frequency)
    return close & (np.abs(now.amplitude - before.amplitude) <= SAME * now.amplitude)


def _nudged(states: np.ndarray) -> np.ndarray:
    across = np.cross(states, np.where(np.abs(states[..., 2:]) < 0.9, [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]))
    return _unit(states + NUDGE * _unit(across))


@eqx.filter_jit
def _run(recording: OrbitRecording, values: Any, states: Any) -> Orbit:
    """Where one run from each state (L, K, 3) comes to."""
    model = recording.bind(values, states[0, 0]).model

    def one(setting: Any, state: Any) -> Orbit:
        return recording.orbit(recording.at(model, setting), unstack(state))

    return jax.vmap(jax.vmap(one), (None, 0))(jnp.asarray(recording.settings), states)
