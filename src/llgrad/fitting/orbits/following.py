"""The search for what orbits tell: on from the answer of a method, along its orbits, until both rest.

At each answer the orbits are looked for anew, as others may attract there than at the start, and the best choice of
them is searched from; a table whose search ended far from its data is begun elsewhere.
"""

from __future__ import annotations

from typing import Final

import jax
import numpy as np

from llgrad.core.units import show
from llgrad.fitting.methods.base import Begin, Log, MethodEnd
from llgrad.fitting.methods.convergence import EXACT
from llgrad.fitting.methods.least_squares import LevenbergMarquardt
from llgrad.fitting.methods.starts import Starts, draw_starts
from llgrad.fitting.orbits.branches import AS_WELL, Choices, choices, on_the_choice
from llgrad.fitting.orbits.looking import Orbits, near_each, on_orbits, places, unsteady
from llgrad.fitting.orbits.recording import OrbitRecording, TableRecording
from llgrad.fitting.problem import Problem, costs, evaluate, taken

ROUNDS: Final = 8
"""Searches at most from the orbits of the answer before."""
REPRODUCED: Final = 1e-3
"""Part of the signal's power that a fit leaves which is in the valley of the best one: rms 3 % of what varies."""
STILL: Final = 1e-4
"""Relative change of Σr² below which nothing has moved."""
WORTHWHILE: Final = 0.9
"""Part of Σr² below which another choice of orbits is tried, and searched on from."""
CANDIDATES: Final = 32
"""Devices that are tried where the search ended elsewhere."""
BLOCKS: Final = 4
"""In so many lots, each with a search from its best."""
KEPT: Final = 3
"""Other choices of orbits that are tried."""


def search_on_orbits(problem: Problem, start: np.ndarray, found: MethodEnd, log: Log) -> tuple[Problem, MethodEnd]:
    """The search gone on from its best answer, until the orbits rest that its frequencies are those of.

    `start`: the values (p,) [SI] that the fit began at; a table that was not reproduced is begun again around them.
    """
    if not any(isinstance(recording, OrbitRecording) for recording in problem.recordings):
        return problem, found
    with log.stoppable():
        tables = all(isinstance(recording, TableRecording) for recording in problem.recordings)
        if tables and not _is_near(problem, found):
            problem, found = _begun_elsewhere(problem, start, found, log)
        problem, found = _along(problem, found, log)
        if tables and _is_near(problem, found):
            problem, found = _chosen(problem, found, log)
        return _at_its_own(problem, found), found
    return _at_its_own(problem, found), found._replace(interrupted=log.stopped)


def _at_its_own(problem: Problem, found: MethodEnd) -> Problem:
    """The problem begun from the orbits of the best answer."""
    if found.near is None:
        return problem
    return problem.near_to(taken(found.near, int(np.argmin(found.cost))))


def _is_near(problem: Problem, found: MethodEnd) -> bool:
    """Whether the search ended near the data."""
    return float(found.cost.min()) < REPRODUCED * _signal(problem)


def _signal(problem: Problem) -> float:
    return sum(recording.power for recording in problem.recordings)


def _begun_elsewhere(problem: Problem, start: np.ndarray, found: MethodEnd, log: Log) -> tuple[Problem, MethodEnd]:
    """The best search of some that begin at the best of devices around the start, none like another."""
    best, m0 = (problem, found), found.m0[int(np.argmin(found.cost))]
    drawn = draw_starts(problem, start, Starts(CANDIDATES), jax.random.key(0))
    for tried in np.split(drawn, BLOCKS):
        states = np.repeat(m0[None], len(tried), axis=0)
        near = near_each(problem, tried, states, log)
        cost = np.asarray(costs(problem, tried, states, np.float64(np.inf), near))
        log.note(0.5, stage="other devices", iteration=0, cost=float(cost.min()))
        i = int(np.argmin(cost))
        if not np.isfinite(cost[i]):
            continue
        begun = problem.near_to(jax.tree.map(lambda leaf, i=i: leaf[i], near))
        other = LevenbergMarquardt(grow=False, iterations=40).search(begun, Begin(tried[i][None], m0[None]), log)
        best = min(best, (begun, other), key=lambda one: float(one[1].cost.min()))
        if found.interrupted or _is_near(*best):
            break
    return best


def _along(problem: Problem, found: MethodEnd, log: Log) -> tuple[Problem, MethodEnd]:
    """Searches from the orbits of the answer before, until they are those of the answer; the best of them."""
    kept = problem, found
    for _ in range(ROUNDS):
        best = int(np.argmin(found.cost))
        u, m0 = found.u[best], found.m0[best]
        if found.interrupted or not np.isfinite(found.cost[best]):
            break
        values = problem.values_at(u)
        there = None if found.near is None else taken(found.near, best)
        moved, orbits = on_orbits(problem, values, m0, log, there)
        moved = on_the_choice(moved, choices(moved, orbits, u, m0))
        after = float(evaluate(moved, u[None], m0[None], np.float64(np.inf)).cost[0])
        if found.converged[best] and abs(after - found.cost[best]) <= STILL * after + EXACT**2 * _signal(moved):
            break
        problem = moved
        found = LevenbergMarquardt(grow=False, iterations=40).search(problem, Begin(u[None], m0[None]), log)
        kept = min((problem, found), kept, key=lambda one: float(one[1].cost.min()))
    return kept


def _chosen(problem: Problem, found: MethodEnd, log: Log) -> tuple[Problem, MethodEnd]:
    """The search gone on with other choices of the orbits, where these may leave less."""
    kept = problem, found
    for _ in range(ROUNDS):
        before = float(kept[1].cost.min())
        for u, begun in _other_choices(*kept, log):
            m0 = kept[1].m0[int(np.argmin(kept[1].cost))]
            searched = LevenbergMarquardt(grow=False, iterations=40).search(begun, Begin(u[None], m0[None]), log)
            other = _along(begun, searched, log)
            kept = min(kept, other, key=lambda one: float(one[1].cost.min()))
            if kept is other:
                break
        if kept[1].interrupted or float(kept[1].cost.min()) >= WORTHWHILE * before:
            break
    return kept


def _other_choices(problem: Problem, found: MethodEnd, log: Log) -> list[tuple[np.ndarray, Problem]]:
    """The choices that may leave less than the answer does, each with the parameters (p,) that it is best at."""
    best = int(np.argmin(found.cost))
    u, m0 = found.u[best], found.m0[best]
    if found.interrupted or not np.isfinite(found.cost[best]):
        return []
    values = problem.values_at(u)
    moved, orbits = on_orbits(problem, values, m0, log)
    possible = choices(moved, orbits, u, m0)
    others = []
    if possible is None:
        return others
    for number in range(min(len(possible.cost), KEPT + 1)):
        if possible.picks[number].any() and possible.cost[number] < WORTHWHILE * found.cost[best]:
            shifted = values + possible.shift[number]
            fits = [b.contains(v) for b, v in zip(problem.bounds, shifted, strict=True)]
            begun = [
                b.free(float(v)) if fit else old
                for b, v, fit, old in zip(problem.bounds, shifted, fits, u, strict=True)
            ]
            others.append((np.array(begun), on_the_choice(moved, possible, number)))
    return others


def doubtful_orbits(
    problem: Problem, u: np.ndarray, m0: np.ndarray, sure: tuple[bool, ...], log: Log
) -> tuple[tuple[str | None, ...], tuple[str, ...]]:
    """For each recording a sentence where its orbits are not steady at u (p,); and sentences on other orbits.

    `sure`: whether the noise of each recording was given.
    """
    if not any(isinstance(recording, OrbitRecording) for recording in problem.recordings):
        return (None,) * len(problem.recordings), ()
    values = problem.values_at(u)
    moved, orbits = on_orbits(problem, values, m0, log)
    left, said, several = iter(orbits), [], []
    for recording in moved.recordings:
        own = next(left) if isinstance(recording, OrbitRecording) else None
        said.append(None if own is None or not isinstance(recording, OrbitRecording) else unsteady(recording, own))
        if own is not None and isinstance(recording, OrbitRecording) and said[-1] is None:
            several += _several(recording, own)
    if several and (found := choices(moved, orbits, u, m0)) is not None:
        several += _as_well(problem, found, values, all(sure))
    return tuple(said), tuple(several)


def _several(recording: OrbitRecording, orbits: Orbits) -> list[str]:
    """A sentence where other starting states come to other orbits, or to rest."""
    others = [orbits.others(k) for k in range(orbits.frequency.shape[1])]
    rest = orbits.rests & orbits.moving
    both = rest | np.array([len(one) > 0 for one in others])
    if not both.any():
        return []
    k = int(np.flatnonzero(both)[0])
    words = [show(float(f"{orbits.frequency[i, k]:.6g}"), "Hz") for i in (0, *others[k])] + ["rest"] * int(rest[k])
    return [
        f"{places(recording, both)} several orbits attract ({', '.join(words)}): each frequency is taken for that of "
        "the orbit that fits it best"
    ]


def _as_well(problem: Problem, found: Choices, values: np.ndarray, sure: bool) -> list[str]:
    """A sentence where another choice of the orbits fits about as well: how far it moves the parameters."""
    freedom = max(problem.size - len(values), 1)
    variance = max(float(found.cost[0]) / freedom, 1.0 if sure else 0.0)
    close = found.cost < found.cost[0] + AS_WELL * variance
    if close.sum() < 2:
        return []
    low, high = (edge(values + found.shift[close], axis=0) for edge in (np.min, np.max))
    ranges = [f"{name} from {a:.4g} to {b:.4g}" for name, a, b in zip(problem.names, low, high, strict=True)]
    return [
        f"the data do not tell which of these orbits they are of: {int(close.sum())} choices fit about as well, with "
        f"{', '.join(ranges)} beside the standard errors"
    ]
