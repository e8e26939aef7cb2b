"""Frequencies have no starting state: their orbits are followed until they are steady, before and after a search.

A search moves from orbit to orbit, so it begins on them. At its answer they are followed on, and the search goes on
where they still change; other starting states tell whether other orbits attract as well.
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
from llgrad.fitting.methods.base import Begin, Log, Search
from llgrad.fitting.methods.least_squares import LevenbergMarquardt
from llgrad.fitting.problem import Problem
from llgrad.fitting.targets.tables import OrbitRecording, TableRecording


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


LONGEST: Final = 16
"""An orbit is followed for so many of a recording's own runs."""
STEADY: Final = 1e-4
"""Relative change of the frequency from one run to the next below which an orbit is steady."""
SAME: Final = 1e-2
"""And of its amplitude, whose standard deviation over no whole number of periods is less exact."""
REST: Final = 1e-6
"""Amplitude of m·p below which the device is at rest."""
NUDGE: Final = 0.01
"""Tilt [rad] of a state at rest: from an unstable one it goes on to the orbit."""
ROUNDS: Final = 3
"""Searches at most from the orbits of the answer before."""
OTHERS: Final = _unit(np.concatenate([np.eye(3), -np.eye(3)])[[2, 5, 0, 3, 1, 4]] + 0.3)
"""Starting states from which other orbits are looked for."""
OTHER_RUNS: Final = 6
"""And for so many runs."""


class Orbits(NamedTuple):
    """Where K runs have come to."""

    frequency: np.ndarray
    """[Hz] (K,)."""
    amplitude: np.ndarray
    """Standard deviation of m·p in time (K,)."""
    state: np.ndarray
    """The last (K, 3)."""
    steady: np.ndarray
    """Whether frequency and amplitude change no more (K,)."""

    @property
    def at_rest(self) -> np.ndarray:
        """Whether the device has come to rest (K,)."""
        return self.amplitude < REST


def on_orbits(problem: Problem, values: np.ndarray, m0: np.ndarray, log: Log) -> Problem:
    """The problem with the runs of tables and spectra beginning on the orbits at these parameters (p,) [SI]."""
    found = []
    for recording in problem.recordings:
        if isinstance(recording, OrbitRecording):
            starts = _on_an_orbit(recording, values, m0, log)
            found.append(dataclasses.replace(recording, starts=jnp.asarray(starts)))
        else:
            found.append(recording)
    return dataclasses.replace(problem, recordings=tuple(found))


def _on_an_orbit(recording: OrbitRecording, values: np.ndarray, m0: np.ndarray, log: Log) -> np.ndarray:
    """States (K, 3) on the orbits that the beginnings lead to; where these lead to rest, on one that another state
    leads to, as a frequency was recorded, or that other state, far from rest."""
    orbits = _followed(recording, values, _beginnings(recording, m0), log)
    states, lost = orbits.state, orbits.at_rest | ~np.isfinite(orbits.state).all(axis=1)
    for other in OTHERS if lost.any() else ():
        begun = np.tile(other, (len(lost), 1))
        orbits = _followed(recording, values, begun, log, OTHER_RUNS)
        here = lost & ~orbits.at_rest & np.isfinite(orbits.state).all(axis=1)
        states = np.where(here[:, None], orbits.state, states)
        lost = lost & ~here
    return np.where(lost[:, None], OTHERS[0], states)


def search_on_orbits(problem: Problem, found: Search, log: Log) -> tuple[Problem, Search]:
    """The search gone on where the orbits at its best answer still move from where the runs began."""
    if not any(isinstance(recording, OrbitRecording) for recording in problem.recordings):
        return problem, found
    for _ in range(ROUNDS):
        best = int(np.argmin(found.cost))
        if found.interrupted or not np.isfinite(found.cost[best]):
            break
        values = np.asarray(problem.physical(jnp.asarray(found.u[best])))
        moved = on_orbits(problem, values, found.m0[best], log)
        before, after = (_predicted(p, values, found.m0[best]) for p in (problem, moved))
        if not np.isfinite(after).all() or (np.abs(after - before) <= STEADY * np.abs(after)).all():
            break
        problem = moved
        begin = Begin(found.u[best][None], found.m0[best][None])
        found = LevenbergMarquardt(grow=False, iterations=40).search(problem, begin, log)
    return problem, found


def doubtful_orbits(
    problem: Problem, u: np.ndarray, m0: np.ndarray, log: Log
) -> tuple[tuple[str | None, ...], tuple[str, ...]]:
    """For each recording a sentence where its orbits are not steady at u (p,); and sentences on other orbits."""
    values = np.asarray(problem.physical(jnp.asarray(u)))
    unsteady, several = [], []
    for recording in problem.recordings:
        said = None
        if isinstance(recording, OrbitRecording):
            own = _followed(recording, values, _beginnings(recording, m0), log)
            said = _unsteady(recording, own)
            if said is None:
                several += _several(recording, values, own, log)
        unsteady.append(said)
    return tuple(unsteady), tuple(several)


def _unsteady(recording: OrbitRecording, own: Orbits) -> str | None:
    if own.at_rest.any():
        return (
            f"{_places(recording, own.at_rest)} the fitted device comes to rest: it has no orbit there, and what was "
            "fitted is how it rings; start from a larger current or a smaller damping"
        )
    if not own.steady.all():
        return (
            f"{_places(recording, ~own.steady)} the orbit of the fitted device is not settled after "
            f"{show(float(f'{LONGEST * _length(recording):.2g}'), 's')}: its frequency still changes, and depends on m0"
        )
    return None


def _several(recording: OrbitRecording, values: np.ndarray, own: Orbits, log: Log) -> list[str]:
    """A sentence where other starting states come to other orbits, or to rest."""
    count = len(own.frequency)
    found = [_followed(recording, values, np.tile(state, (count, 1)), log, OTHER_RUNS) for state in OTHERS]
    rest = np.array([o.at_rest for o in found])
    apart = np.array([o.steady & (np.abs(o.frequency / own.frequency - 1) > 100 * STEADY) for o in found]) & ~rest
    both = np.any(rest | apart, axis=0)
    if not both.any():
        return []
    k = int(np.flatnonzero(both)[0])
    seen = sorted({float(f"{o.frequency[k]:.3g}") for o, a in zip(found, apart, strict=True) if a[k]})
    words = [show(f, "Hz") for f in seen] + (["rest"] if rest[:, k].any() else [])
    all_of_them = ", ".join([show(float(f"{own.frequency[k]:.3g}"), "Hz"), *words])
    return [
        f"{_places(recording, np.atleast_1d(both))} several orbits attract ({all_of_them}): the answer is for the one "
        "that m0 leads to; another m0 may give another"
    ]


def _places(recording: OrbitRecording, which: np.ndarray) -> str:
    if not isinstance(recording, TableRecording):
        return "behind the spectrum"
    at = np.asarray(recording.settings)[which]
    unit = recording.unit
    many = f" and {at.size - 1} more" if at.size > 1 else ""
    return f"at {recording.setting} = {show(float(at[0]), unit)}{many}"


def _beginnings(recording: OrbitRecording, m0: np.ndarray) -> np.ndarray:
    return (
        np.tile(m0[recording.row], (len(recording.settings), 1))
        if recording.starts is None
        else np.asarray(recording.starts)
    )


def _length(recording: OrbitRecording) -> float:
    return (recording.settled + recording.measured) * recording.save_every * recording.step


def _followed(
    recording: OrbitRecording, values: np.ndarray, states: np.ndarray, log: Log, runs: int = LONGEST
) -> Orbits:
    """The runs from these states (K, 3), one after the other until they are steady; a state at rest is nudged once."""
    recording = dataclasses.replace(recording, starts=None)  # one program, wherever the runs of the search begin
    still, nudged = np.zeros(len(states), bool), np.zeros(len(states), bool)
    found = None
    for _ in range(runs):
        before, start = found, np.where((still & ~nudged)[:, None], _nudged(states), states)
        nudged = nudged | still
        frequency, amplitude, states = (np.asarray(x) for x in _run(recording, jnp.asarray(values), jnp.asarray(start)))
        log.count(len(states))
        still = amplitude < REST
        steady = np.zeros(len(states), bool) if before is None else _close(frequency, amplitude, before)
        found = Orbits(frequency, amplitude, states, steady)
        if (steady | (still & nudged) | ~np.isfinite(states).all(axis=1)).all():
            break
    if found is None:
        raise RuntimeError("an orbit is followed for at least one run")
    return found


def _close(frequency: np.ndarray, amplitude: np.ndarray, before: Orbits) -> np.ndarray:
    """Whether nothing has changed since (K,)."""
    close = np.abs(frequency - before.frequency) <= STEADY * np.abs(frequency)
    return close & (np.abs(amplitude - before.amplitude) <= SAME * amplitude)


def _nudged(states: np.ndarray) -> np.ndarray:
    across = np.cross(states, np.where(np.abs(states[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]]))
    return _unit(states + NUDGE * _unit(across))


@eqx.filter_jit
def _run(recording: OrbitRecording, values: Any, states: Any) -> tuple[Any, Any, Any]:
    """Frequency (K,), amplitude (K,) and last state (K, 3) of one run from each state."""
    model = recording.bind(values, states[0]).model

    def one(setting: Any, state: Any) -> tuple[Any, Any, Any]:
        along, run = recording.orbit(recording.at(model, setting), unstack(state))
        return recording.frequency_of(along, run), jnp.std(along), run.m[-1]

    return jax.vmap(one)(jnp.asarray(recording.settings), states)


@eqx.filter_jit
def _predicted(problem: Problem, values: Any, m0: Any) -> Any:
    """The frequencies of all orbits at physical values (p,)."""
    found = []
    for recording in problem.recordings:
        if isinstance(recording, OrbitRecording):
            found.append(
                recording.orbit_frequencies(recording.bind(jnp.asarray(values), jnp.asarray(m0)[recording.row]))[0]
            )
    return jnp.concatenate(found)
