"""The steps of a fit from an accuracy: chosen at the start, and anew at the answer where they are too long for it."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final

import jax.numpy as jnp
import numpy as np

from llgrad.core.units import show
from llgrad.fitting.methods.base import Begin, Log, MethodEnd
from llgrad.fitting.methods.least_squares import LevenbergMarquardt
from llgrad.fitting.problem import Problem
from llgrad.fitting.targets.recording import Recording
from llgrad.fitting.targets.traces import TraceRecording
from llgrad.solve.saving import Interval
from llgrad.solve.simulate import simulate_quietly

ROUNDS: Final = 3
"""How often steps are chosen anew at most."""


def with_steps(problem: Problem, values: Any, m0: np.ndarray, accuracy: float) -> Problem:
    """The problem with the longest steps whose end states are right within `accuracy` at physical values (p,).

    Raises ValueError where a recording is no whole trace, or where no step is short enough.
    """
    chosen, doubts = _chosen(problem, jnp.asarray(values), m0, accuracy)
    if doubts:
        raise ValueError(f"at the start of the fit {doubts[0]}")
    return chosen


def steps_anew(
    problem: Problem, found: MethodEnd, accuracy: float, log: Log
) -> tuple[Problem, MethodEnd, tuple[str, ...]]:
    """The problem and the search with steps that hold at the answer, and a sentence where these are other ones."""
    first, said, doubts = problem, (), ()
    for _ in range(ROUNDS):
        best = int(np.argmin(found.cost))
        if found.interrupted or not math.isfinite(found.cost[best]):
            break
        values = problem.values_at(found.u[best])
        chosen, doubts = _chosen(problem, values, found.m0[best], accuracy)
        if all(new.step >= old.step * (1 - 1e-9) for new, old in _traces(chosen, problem)):
            break
        problem = chosen
        begin = Begin(found.u[best][None], found.m0[best][None])
        found = LevenbergMarquardt(grow=False).search(problem, begin, log)
        said = (
            f"the time step was chosen anew at the answer, where that of the start is too long for an accuracy of "
            f"{accuracy:g}: "
            + ", ".join(
                f"{show(new.step, 's')} in place of {show(old.step, 's')}" for new, old in _traces(problem, first)
            ),
        )
    return problem, found, (*said, *(f"at the answer {doubt}" for doubt in doubts))


def _traces(new: Problem, old: Problem) -> list[tuple[TraceRecording, TraceRecording]]:
    pairs = zip(new.recordings, old.recordings, strict=True)
    return [(a, b) for a, b in pairs if isinstance(a, TraceRecording) and isinstance(b, TraceRecording)]


def _chosen(problem: Problem, values: Any, m0: np.ndarray, accuracy: float) -> tuple[Problem, tuple[str, ...]]:
    """The problem with new steps, and why some of its recordings keep theirs."""
    pairs = [_with_step(r, values, jnp.asarray(m0[r.row]), accuracy) for r in problem.recordings]
    chosen = dataclasses.replace(problem, recordings=tuple(recording for recording, _ in pairs))
    return chosen, tuple(doubt for _, doubt in pairs if doubt)


def _with_step(recording: Recording, values: Any, m0: Any, accuracy: float) -> tuple[TraceRecording, str]:
    if not isinstance(recording, TraceRecording):
        raise ValueError(
            "accuracy is that of a trace that is fitted whole; for pieces of a trace give dt, and leave both out for a "
            "table or a spectrum, which is fitted through closed orbits"
        )
    interval = recording.interval or recording.step * max(recording.save_every, 1)
    duration = recording.duration
    if not recording.save_every:
        duration = math.ceil(duration / interval * (1 - 1e-9)) * interval
    bound = recording.bind(values, m0)
    run = simulate_quietly(
        bound.model,
        duration=duration,
        accuracy=accuracy,
        m0=bound.m0,
        drive=bound.drive,
        save=Interval(interval),
        stepper=recording.stepper,
        engine=recording.engine,
        throw=False,
    )
    if run.stats.error is None or math.isnan(run.stats.error):
        return recording, run.stats.reason
    new = dataclasses.replace(recording, step=run.stats.dt * (1 + 1e-12), interval=interval, duration=duration)
    return new, ""
