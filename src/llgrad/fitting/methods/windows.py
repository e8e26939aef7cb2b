"""Growing windows: the way out of the false minima of oscillating data.

The squared error of a trace of length T has one basin only while |δf| T ≲ 0.5. Fitting the first fraction of a period,
and then ever longer windows from where the last one ended, keeps |δf| T small all the way.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from llgrad.fitting.problem import Problem
from llgrad.fitting.targets.traces import TraceRecording

FIRST: Final = 0.35
"""First window, in periods of the fastest precession."""

GROWTH: Final = 1.7
"""Ratio of each window to the one before."""

WORTH_CUTTING: Final = 8000
"""Steps of a run above which windows of at most a quarter of it are simulated on a problem of their own."""


def growing_windows(problem: Problem, grow: bool = True, first: float | None = None) -> list[float]:
    """Ends [s] of the windows that the stages use; the last one is infinite: the whole of every trace, and the tables.

    The first window is `first`, or a fraction of a period, with at least twice as many values as there are parameters.
    """
    traces = [r for r in problem.recordings if isinstance(r, TraceRecording)]
    if not grow or not traces:
        return [math.inf]
    columns = sum(len(r.columns) for r in traces)
    least = math.ceil(2 * len(problem.names) / columns) + 1
    enough = max(float(np.asarray(r.t)[min(least, r.t.size - 1)]) for r in traces)
    length = max(first or FIRST * 2 * math.pi / float(problem.rate), enough)
    horizons = []
    while length * GROWTH < problem.span:
        horizons.append(length)
        length *= GROWTH
    return [*horizons, math.inf]


def cut_problem(problem: Problem, horizon: float) -> Problem:
    """The problem to simulate for a window: a quarter of a long one where that is enough, so that few are compiled."""
    traces = [r for r in problem.recordings if isinstance(r, TraceRecording)]
    quarter = problem.span / 4
    long = sum(r.duration / r.step for r in traces) > WORTH_CUTTING
    return problem.until(quarter) if long and horizon <= quarter else problem
