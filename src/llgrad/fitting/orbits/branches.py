"""Where several orbits attract, which of them a table's frequencies are those of.

The residuals are linear in the parameters near an answer, whichever orbits are chosen: that tells, without a
simulation, which choice leaves least and which leave about as little.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Final, NamedTuple

import jax.numpy as jnp
import numpy as np

from llgrad.fitting.answers.linear import linear_at
from llgrad.fitting.orbits.cycles import Near
from llgrad.fitting.orbits.looking import Orbits
from llgrad.fitting.orbits.recording import OrbitRecording, TableRecording
from llgrad.fitting.problem import Problem

MOST_CHOICES: Final = 4096
"""So many choices are compared all; where there are more, those that change one orbit after the other."""
LARGEST_SHIFT: Final = 1.0
"""Relative change of a parameter that is as unlikely as one standard deviation: what is not fixed stays."""
AS_WELL: Final = 9.0
"""A choice fits about as well where its Σr² exceeds the least by less than so many variances of a residual: three
standard deviations."""


class Choices(NamedTuple):
    """Which orbits a table's frequencies may be those of, and what each choice leaves."""

    rows: tuple[tuple[int, int], ...]
    """(Recording, setting) where there is a choice."""
    options: tuple[tuple[Near, ...], ...]
    """For each its orbits, first that of the problem."""
    picks: np.ndarray
    """Choices (C, rows) as indices of options, the best first."""
    cost: np.ndarray
    """Σr² that each leaves (C,)."""
    shift: np.ndarray
    """And how it moves the parameters (C, p) [SI]."""


def choices(problem: Problem, orbits: tuple[Orbits, ...], u: np.ndarray, m0: np.ndarray) -> Choices | None:
    """The choices between the orbits of each recording that has any, at u (p,); None where there is none."""
    rows, options, index, steps, first, left = [], [], [], [], 0, iter(orbits)
    for number, recording in enumerate(problem.recordings):
        found = next(left) if isinstance(recording, OrbitRecording) else None
        if found is not None and isinstance(recording, TableRecording):
            for k in map(int, np.flatnonzero(found.closed[0])):
                which = [0, *found.others(k)]
                if len(which) > 1:
                    options.append(tuple(Near(found.near.states[i, k], found.near.period[i, k]) for i in which))
                    rows.append((number, k))
                    places, values = recording.of_row(k, found.told[which, k])
                    index.append(first + places)
                    steps.append((values - values[0]) / np.asarray(recording.sigma)[places, 0])
        first += recording.data.size
    if not rows or not np.isfinite((linear := linear_at(problem, u, m0)).jacobian).all():
        return None
    sigma = np.concatenate([np.asarray(r.sigma * jnp.ones_like(r.data)).ravel() for r in problem.recordings])
    residuals = np.concatenate([r.ravel() for r in linear.residuals]) / sigma
    weights = LARGEST_SHIFT * np.where(linear.values == 0, 1.0, np.abs(linear.values))
    picks, cost, shift = _compared(residuals, linear.jacobian, weights, index, steps)
    return Choices(tuple(rows), tuple(options), picks, cost, shift[:, : len(problem.names)])


def _compared(
    residuals: np.ndarray, jacobian: np.ndarray, reach: np.ndarray, index: list[np.ndarray], steps: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The picks (C, rows), best first, the least Σr² + Σ(δ/reach)² of each, and δ."""
    inverse = np.linalg.inv((jacobian * reach).T @ (jacobian * reach) + np.eye(len(reach)))
    solve = -(inverse @ (jacobian * reach).T)
    rest = np.eye(len(residuals)) + (jacobian * reach) @ solve

    def left(picks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        moved = np.tile(residuals, (len(picks), 1))
        for row, (i, step) in enumerate(zip(index, steps, strict=True)):
            moved[:, i] += step[picks[:, row]]
        return np.einsum("ci,ij,cj->c", moved, rest, moved), (moved @ solve.T) * reach

    if math.prod(map(len, steps)) <= MOST_CHOICES:
        picks = np.array(list(itertools.product(*(range(len(step)) for step in steps))))
    else:
        picks = _one_after_the_other(left, steps)
    cost, shift = left(picks)
    order = np.argsort(cost, kind="stable")
    return picks[order], cost[order], shift[order]


def _one_after_the_other(
    left: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], steps: list[np.ndarray]
) -> np.ndarray:
    """Picks that are changed in one place at a time until nothing is gained, from all that are slowest, or fastest."""
    found = []
    for begun in (np.argmin, np.argmax, lambda step: 0):
        pick = np.array([int(begun(step[:, 0])) for step in steps])
        for _ in range(len(steps)):
            trials = [pick]
            for row, step in enumerate(steps):
                for other in range(len(step)):
                    trials.append(np.where(np.arange(len(steps)) == row, other, pick))
            best = np.array(trials)[int(np.argmin(left(np.array(trials))[0]))]
            found += [pick, best]
            if (best == pick).all():
                break
            pick = best
    return np.unique(np.array(found), axis=0)


def on_the_choice(problem: Problem, found: Choices | None, number: int = 0) -> Problem:
    """The problem with its runs beginning on the orbits of the best choice, or of the one of a number."""
    near = [Near(*map(np.array, one)) if one else one for one in problem.near]
    for row, (place, k) in enumerate(found.rows if found else ()):
        if found is not None:
            near[place].states[k], near[place].period[k] = found.options[row][found.picks[number, row]]
    return problem.near_to(tuple(near))
