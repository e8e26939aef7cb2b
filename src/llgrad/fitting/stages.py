"""Searches in two stages: a trace in pieces from a fit of its first ones, and a spectrum from the place of its line."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final

import jax.numpy as jnp
import numpy as np

from llgrad.datasets.trace import Trace
from llgrad.fitting.assembly import PreparedFit
from llgrad.fitting.methods.base import Begin, Log, MethodEnd
from llgrad.fitting.methods.least_squares import LevenbergMarquardt
from llgrad.fitting.orbits.spectra import SpectrumRecording
from llgrad.fitting.problem import Problem, taken
from llgrad.fitting.targets.experiment import Experiment, samples_of
from llgrad.fitting.targets.segmented import SegmentedRecording, with_starts
from llgrad.observables.frequency import best_frequency

BEGINNING: Final = 2.0
"""The first fit has this many pieces, and periods, of the trace."""
ROUNDS: Final = 6
"""Searches at most, each from the starting states that the one before has found."""
ENOUGH: Final = 1e-6
"""Relative fall of the cost below which a round is the last."""


def beginning(experiment: Experiment) -> Experiment:
    """An experiment whose trace is fitted in pieces with its first pieces as an ordinary trace; others as they are."""
    if experiment.segment is None or not isinstance(experiment.data, Trace):
        return experiment
    trace = experiment.data
    first = max(trace.columns, key=lambda name: np.ptp(trace.columns[name]) / (np.abs(trace.columns[name]).max() or 1))
    period = 1 / float(best_frequency(trace.select(first)))
    pieces = math.ceil(BEGINNING * max(1.0, period / experiment.segment))
    count = pieces * samples_of(trace, experiment.segment)
    return dataclasses.replace(experiment, data=trace.first(count), segment=None)


def search_in_segments(
    first: PreparedFit, found: MethodEnd, whole: PreparedFit, log: Log
) -> tuple[PreparedFit, MethodEnd]:
    """The search on all pieces, from the answer of the first ones and from the given start; the better one is kept."""
    best = int(np.argmin(found.cost))
    answer = dict(zip(first.problem.names, found.u[best], strict=True))
    given = list(whole.problem.free(whole.values))
    begun = np.array([answer.get(name, given[i]) for i, name in enumerate(whole.problem.names)])
    results = [_rounds(whole, u, found.m0[best], log) for u in (begun, np.array(given))]
    return min(results, key=lambda pair: float(pair[1].cost[0]))


def _rounds(whole: PreparedFit, u: np.ndarray, m0: np.ndarray, log: Log) -> tuple[PreparedFit, MethodEnd]:
    """Rounds of a search, until the starting states rest."""
    method = LevenbergMarquardt(grow=False, iterations=30)
    problem = _started(whole.problem, u, m0)
    found = method.search(problem, Begin(u[None], m0[None]), log)
    for _ in range(ROUNDS):
        if found.interrupted or not np.isfinite(found.cost[0]):
            break
        before = float(found.cost[0])
        problem = _refreshed(problem, found.u[0], m0)
        found = method.search(problem, Begin(found.u, m0[None]), log)
        if before - float(found.cost[0]) <= ENOUGH * before:
            break
    m0 = m0.copy()
    for recording in problem.recordings:
        if isinstance(recording, SegmentedRecording):
            m0[recording.row] = np.asarray(recording.starts[0])
    return whole._replace(problem=problem), found._replace(m0=m0[None])


def _started(problem: Problem, u: np.ndarray, m0: np.ndarray) -> Problem:
    values = problem.physical(jnp.asarray(u))
    return _each(problem, lambda r: with_starts(r, r.bind(values, jnp.asarray(m0[r.row]))))


def _refreshed(problem: Problem, u: np.ndarray, m0: np.ndarray) -> Problem:
    values = problem.physical(jnp.asarray(u))
    return _each(problem, lambda r: r.refreshed(r.bind(values, jnp.asarray(m0[r.row]))))


def _each(problem: Problem, change: Any) -> Problem:
    """The problem with its recordings in pieces changed."""
    changed = tuple(change(r) if isinstance(r, SegmentedRecording) else r for r in problem.recordings)
    return dataclasses.replace(problem, recordings=changed)


def near_the_lines(problem: Problem, begin: Begin, log: Log) -> Begin:
    """Where spectra are fitted, the starts moved to where the orbits have the frequencies of their lines."""
    if not any(isinstance(r, SpectrumRecording) for r in problem.recordings):
        return begin
    by_peak = tuple(
        dataclasses.replace(r, by_peak=jnp.asarray(True)) if isinstance(r, SpectrumRecording) else r
        for r in problem.recordings
    )
    method = LevenbergMarquardt(iterations=30)
    found = method.search(dataclasses.replace(problem, recordings=by_peak), begin, log)
    fine = np.isfinite(found.cost)
    if not fine.any():
        return begin
    near = None if found.near is None else taken(found.near, fine)
    return Begin(found.u[fine], found.m0[fine], near=near)
