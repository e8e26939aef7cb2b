"""What is told of the fit of a system of one's own: its start as it is, and that its noise was left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llgrad.devices.bounds import Positive, Unbounded
from llgrad.devices.system import System
from llgrad.fitting.problem import Problem
from llgrad.fitting.targets.recording import Model
from llgrad.fitting.targets.starting import is_start


def references(problem: Problem, m0: np.ndarray | None) -> dict[str, float]:
    """What the components of a starting state are shifted from, by the names of their parameters; m0 (R, n)."""
    found: dict[str, float] = {}
    for recording in problem.recordings:
        moves = recording.form.moves
        for path, index in recording.places:
            if is_start(path) and (move := moves[path]).angle is None:
                found[problem.names[index]] = 0.0 if m0 is None else float(m0[recording.row][move.place])
    return found


def at_references(problem: Problem, m0: np.ndarray, names: Sequence[str], values: np.ndarray) -> dict[str, float]:
    """Values (q,) by name, the components of a starting state as they are and not as they were shifted."""
    rest = references(problem, m0)
    return {name: float(value) + rest.get(name, 0.0) for name, value in zip(names, values, strict=True)}


def start_sizes(problem: Problem) -> dict[str, float]:
    """How large the components of a starting state are that are shifted, by name."""
    bounds, shifted = dict(zip(problem.names, problem.bounds, strict=True)), references(problem, None)
    return {name: float(b.scale) for name in shifted if isinstance(b := bounds[name], Unbounded)}


def positive_of(problem: Problem) -> tuple[str, ...] | None:
    """The parameters of a system that are positive by their bound; None for a device."""
    if not isinstance(problem.recordings[0].model, System):
        return None
    return tuple(n for n, bound in zip(problem.names, problem.bounds, strict=True) if isinstance(bound, Positive))


def noise_said(model: Model, heard: bool) -> tuple[str, ...]:
    """A sentence where a system has a noise that no recording hears, as a line width does: no run follows it."""
    if not isinstance(model, System) or not model.noises or heard:
        return ()
    return (f"the noise of {type(model).__name__} was left out: a fit follows orbits without noise",)
