"""Which orbits there are behind a recording: those that runs from many states come to, whatever state was given.

A search moves from orbit to orbit, so it begins on them. Where several attract, each number is that of the orbit
nearest to it (`branches.py` says which choices the data leave), so that nothing depends on the state that was given.
"""

from __future__ import annotations

from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.held import held_jit
from llgrad.core.units import show
from llgrad.devices.oscillator import Oscillator
from llgrad.fitting.methods.base import Log
from llgrad.fitting.orbits.cycles import Near, flow_at
from llgrad.fitting.orbits.recording import OrbitRecording, TableRecording
from llgrad.fitting.orbits.runs import COUNT, Orbits, followed
from llgrad.fitting.orbits.shooting import OfOrbits, errors_of, given_to, shot
from llgrad.fitting.problem import Problem
from llgrad.fitting.targets.starting import plain_numbers
from llgrad.orbits.cycle.finding import cycle_from
from llgrad.orbits.cycle.newton import newton
from llgrad.orbits.cycle.solving import doubled, is_cycle
from llgrad.orbits.results.precision import working

MOST: Final = 1024
"""And at most."""
ACCURACY: Final = 1e-8
"""Relative error of period and states that is left by the length of the steps."""


def orbits_of(
    recording: OrbitRecording, values: np.ndarray, m0: np.ndarray, log: Log, there: Near | None = None
) -> Orbits:
    """The orbits at these parameters (p,) [SI], as many states of each as their accuracy takes; `there` as in
    `followed`."""
    log.check()
    key = recording.row, recording.near.states.shape, np.asarray(values).tobytes()
    if key not in log.known:
        count = recording.near.states.shape[1]
        given = np.asarray(values), np.asarray(m0[recording.row])
        log.known[key] = _orbits_of(recording, given, count, log, there and _thinned(there, COUNT))
    return log.known[key]


def _orbits_of(recording: OrbitRecording, given: tuple[Any, Any], least: int, log: Log, there: Near | None) -> Orbits:
    runs = followed(recording, given, log, there)
    orbits = _looked_for(recording, given, runs)
    orbits = orbits.led_by(nearest(recording, orbits))
    return _accurate(recording, given, orbits, least)


def nearest(recording: OrbitRecording, orbits: Orbits) -> np.ndarray:
    """For each setting which of the L is nearest to what was recorded there (K,): an orbit before a state at rest."""
    far = np.stack([recording.distances(one) for one in orbits.told])
    far = np.where(np.isfinite(far), far, 1e300)
    return np.argmin(np.where(orbits.closed, far, 1e300 + 1e290 * np.minimum(far, 1e9)), axis=0)


def on_orbits(
    problem: Problem, values: np.ndarray, m0: np.ndarray, log: Log, there: tuple[Any, ...] | None = None
) -> tuple[Problem, tuple[Orbits, ...]]:
    """The problem with tables and spectra begun from the orbits at these parameters (p,) [SI], and all orbits of each
    such recording, first those. `there`: of each recording the orbits from which a search has come to them."""
    near, found = [], []
    for number, recording in enumerate(problem.recordings):
        near.append(())
        if isinstance(recording, OrbitRecording):
            found.append(orbits_of(recording, values, m0, log, there[number] if there else None))
            near[-1] = Near(*(np.asarray(leaf[0]) for leaf in found[-1].near))
    return problem.near_to(tuple(near)), tuple(found)


def near_each(problem: Problem, u: np.ndarray, m0: np.ndarray, log: Log) -> tuple[Any, ...]:
    """The orbits of each recording at each of a batch u (S, p), m0 (S, R, 3), with as many states as the problem's."""
    each = []
    for one, state in zip(u, m0, strict=True):
        begun, _ = on_orbits(problem, problem.values_at(one), state, log)
        pairs = zip(begun.near, problem.near, strict=True)
        each.append(tuple(_thinned(near, like.states.shape[1]) if near else () for near, like in pairs))
    return jax.tree.map(lambda *leaves: np.stack(leaves), *each)


def _thinned(near: Near, count: int) -> Near:
    """Orbits of no more than so many states."""
    every = near.states.shape[1] // count
    return Near(np.asarray(near.states)[:, ::every], np.asarray(near.period))


def unsteady(recording: OrbitRecording, orbits: Orbits) -> str | None:
    """A sentence where the orbits that the recording's numbers are of are none."""
    if orbits.moving.all():
        return None
    return (
        f"{places(recording, ~orbits.moving)} the fitted device comes to rest: it has no orbit there, and what was "
        "fitted is how it rings; start from a larger current or a smaller damping"
    )


def places(recording: OrbitRecording, which: np.ndarray) -> str:
    """Some of the settings (K,) in words."""
    if not isinstance(recording, TableRecording):
        return "behind the spectrum"
    at = np.asarray(recording.settings)[which]
    many = f" and {len(at) - 1} more" if len(at) > 1 else ""
    pairs = zip(recording.paths, at[0], recording.units, strict=True)
    return "at " + ", ".join(f"{path} = {show(float(value), unit)}" for path, value, unit in pairs) + many


def _looked_for(recording: OrbitRecording, given: tuple[Any, Any], orbits: Orbits) -> Orbits:
    """With orbits that no spiral led to, where there must be one, or may be: from those of the neighbours, or by a run
    that settles."""
    device = isinstance(recording.model, Oscillator)
    lost = np.flatnonzero(~orbits.closed.any(axis=0) & ~(orbits.rests & device))
    if not lost.size:
        return orbits
    near, closed, told = Near(*map(np.array, orbits.near)), orbits.closed.copy(), np.array(orbits.told)
    for k in map(int, lost):
        for other in sorted(np.flatnonzero(closed.any(axis=0)), key=lambda i, k=k: abs(i - k))[:1]:
            place = int(np.argmax(closed[:, other]))
            near.states[0, k], near.period[0, k] = near.states[place, other], near.period[place, other]
    again = shot(recording, *given, Near(near.states[0], near.period[0]))
    for k in map(int, lost):
        if not again.closed[k]:
            near.states[0, k], near.period[0, k] = orbits.near.states[0, k], np.nan
            if (found := _looked_for_alone(recording, given, k)) is not None:
                near.states[0, k], near.period[0, k] = found
    if not again.closed[lost].all():
        again = shot(recording, *given, Near(near.states[0], near.period[0]))
    for k in map(int, lost[again.closed[lost]]):
        near.states[0, k], near.period[0, k] = again.near.states[k], again.near.period[k]
        told[0, k], closed[0, k] = again.told[k], True
    return Orbits(near, told, closed, orbits.rests)


def _looked_for_alone(recording: OrbitRecording, given: tuple[Any, Any], k: int) -> tuple[np.ndarray, float] | None:
    """The orbit of one setting, as `COUNT` states and a period [ns]; None where there is none."""
    bound = recording.bind(*map(jnp.asarray, given))
    model = plain_numbers(recording.at(bound.model, np.asarray(recording.settings)[k]))
    if (found := cycle_from(model, plain_numbers(bound.m0), COUNT)) is None:
        return None
    states, period = found
    return states[np.arange(COUNT) * len(states) // COUNT], period


# ---------------------------------------------------------------- as many states as it takes


def _accurate(recording: OrbitRecording, given: tuple[Any, Any], orbits: Orbits, least: int) -> Orbits:
    """With so many states that the first orbit of each setting is accurate, and no fewer than `least`."""
    while (count := orbits.near.states.shape[2]) < MOST:
        if count >= least:
            error = errors_of(recording, *given, Near(*(leaf[0] for leaf in orbits.near)))
            if not (error[orbits.moving] > ACCURACY).any():
                break
        finer = [_finer(recording, given, Near(*one)) for one in zip(*orbits.near, strict=True)]
        orbits = orbits._replace(near=jax.tree.map(lambda *leaves: np.stack(leaves), *finer))
    return orbits


def _finer(recording: OrbitRecording, parameters: tuple[Any, Any], near: Near) -> Near:
    """Twice as many states of K orbits, and of states at rest."""
    given = given_to(recording, *parameters)
    return given.own(_doubled(*given.parameters, given.settings, given.wide(near)))


@held_jit
@working()
def _doubled(recording: OfOrbits, values: Any, m0: Any, settings: Any, near: Near) -> Near:
    bound = recording.bind(values, m0)

    def one(setting: Any, states: Any, period: Any) -> Near:
        flow = flow_at(recording.at(bound.model, setting))
        found = newton(flow, states, period)
        fine = is_cycle(flow, found)
        finer, longer = doubled(flow, found)
        again = newton(flow, finer, longer)
        still = jnp.repeat(states, 2, axis=0)
        return Near(jnp.where(fine, again.states, still), jnp.where(fine, again.period, period))

    return jax.vmap(one)(settings, *near)
