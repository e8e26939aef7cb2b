"""Traces that differ in their samples only, as one program: the fit of any of them is a lane of it.

What a lane gives does not depend, to the last bit, on which traces the other lanes hold or how many there are: nothing
is added up across lanes, and the program is always of `WIDTH` of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.datasets.trace import Trace
from llgrad.devices.oscillator import Oscillator
from llgrad.fitting.answers.linear import linearised
from llgrad.fitting.assembly import PreparedFit, prepare
from llgrad.fitting.methods.guesses import slope_residuals
from llgrad.fitting.problem import CostEvaluation, Problem, evaluation_with_residuals
from llgrad.fitting.recordings import reference_state
from llgrad.fitting.targets.experiment import Experiment
from llgrad.fitting.targets.recording import signal_power
from llgrad.fitting.targets.traces import TraceRecording

WIDTH: Final = 16
"""Lanes of a program: enough to fill vectors, few enough that the last searches of a batch step few empty ones."""
DIGITS: Final = 10
"""Of the time between two samples: traces whose clocks differ by less, as rounding does, are of one shape."""


class TraceShape(NamedTuple):
    """What two traces have in common that are lanes of one program."""

    samples: int
    interval: float
    """Between two samples [s], rounded to `DIGITS`."""
    columns: tuple[str, ...]


def shape_of(trace: Trace) -> TraceShape:
    """The shape of an evenly spaced trace."""
    return TraceShape(trace.t.size, float(f"{trace.dt:.{DIGITS}g}"), tuple(trace.columns))


class Batch(NamedTuple):
    """Fits of traces of one shape, from one start of one device."""

    prepared: PreparedFit
    """Of any of them: its samples are nothing that a fit depends on, but `data` are."""
    data: np.ndarray
    """(F, T, C)."""
    m0: np.ndarray
    """Reference starting states (F, 1, 3)."""
    experiments: tuple[Experiment, ...]

    @property
    def problem(self) -> Problem:
        """That of all of them, but for the samples."""
        return self.prepared.problem

    @property
    def recording(self) -> TraceRecording:
        """The recording of that problem."""
        return self.prepared.problem.recordings[0]  # type: ignore[return-value]

    @property
    def start(self) -> np.ndarray:
        """The given start, unbounded (p,)."""
        pairs = zip(self.problem.bounds, self.prepared.values, strict=True)
        return np.array([bound.free(float(value)) for bound, value in pairs])

    def powers(self) -> np.ndarray:
        """Power (F,) of the signal of each trace, as `Recording.power` counts it."""
        sigma = np.asarray(self.recording.sigma)
        return np.array([signal_power(samples, sigma) for samples in self.data])

    def powers_until(self, samples: np.ndarray) -> np.ndarray:
        """Power (F, W) of the first so many samples (W,) of each trace."""
        sigma = np.asarray(self.recording.sigma)
        return np.array([[signal_power(one[:n], sigma[:n]) for n in samples.tolist()] for one in self.data])

    def values(self, u: np.ndarray) -> np.ndarray:
        """Physical values (F, p) of unbounded parameters (F, p)."""
        columns = [bound.physical(column) for bound, column in zip(self.problem.bounds, u.T, strict=True)]
        return np.stack([np.asarray(column) for column in columns], axis=1)

    def at_edges(self, values: np.ndarray) -> np.ndarray:
        """Which physical values (F, p) are at an edge of their bound."""
        bounds = [type(b)(*map(float, vars(b).values())) for b in self.problem.bounds]
        columns = [list(map(b.at_edge, column)) for b, column in zip(bounds, values.T.tolist(), strict=True)]
        return np.array(columns, bool).T

    def of_lane(self, index: int) -> Problem:
        """The problem of one trace."""
        recording = dataclasses.replace(self.recording, data=jnp.asarray(self.data[index]))
        return dataclasses.replace(self.problem, recordings=(recording,))


def batch_of(
    model: Oscillator, experiments: Sequence[Experiment], free: Any, **how: Any
) -> tuple[Batch | None, dict[int, str]]:
    """The batch of experiments that all have traces of one shape, and why some (by their number) are no part of it.

    None where the starting states are not known: they are searched for trace by trace. Raises ValueError as a fit does
    for what is wrong with every trace.
    """
    shape = shape_of(experiments[0].data)  # pyright: ignore[reportArgumentType]  (a trace, by `fit_each`)
    times = shape.interval * np.arange(shape.samples)
    away = {name: np.zeros(shape.samples) for name in shape.columns} | (
        {"mz": np.ones(shape.samples)} if {"mx", "my", "mz"} <= set(shape.columns) else {}
    )
    common = dataclasses.replace(experiments[0], data=Trace(times, away), label="")
    prepared = prepare(model, (common,), free, **how)
    if prepared.unknown:
        return None, {}
    data, m0, failed = [], [], {}
    for number, experiment in enumerate(experiments):
        columns = experiment.data.columns  # pyright: ignore[reportAttributeAccessIssue]
        try:
            state, _, _ = reference_state(model, experiment, False, False)
        except ValueError as error:  # what is wrong with this trace is its answer
            failed[number], state = str(error), prepared.m0[0]
        data.append(np.stack([columns[name] for name in shape.columns], axis=1))
        m0.append(state[None])
    return Batch(prepared, np.stack(data), np.stack(m0), tuple(experiments)), failed


def _with(problem: Problem, data: Any) -> Problem:
    return dataclasses.replace(problem, recordings=(dataclasses.replace(problem.recordings[0], data=data),))


@eqx.filter_jit
def _evaluate(problem: Problem, data: Any, u: Any, m0: Any, horizon: Any) -> tuple[CostEvaluation, Any]:
    def one(data: Any, u: Any, m0: Any, horizon: Any) -> tuple[CostEvaluation, Any]:
        value, r = evaluation_with_residuals(_with(problem, data), u, m0, horizon)
        return value, jnp.sum(r.reshape(data.shape) ** 2, axis=1)

    return jax.vmap(one)(data, u, m0, horizon)


@eqx.filter_jit
def _linearise(problem: Problem, data: Any, u: Any, m0: Any) -> tuple[Any, Any, Any, Any]:
    return jax.vmap(lambda d, u, m0: linearised(_with(problem, d), u, m0))(data, u, m0)


@eqx.filter_jit
def _slopes(problem: Problem, u: Any, m: Any, rate: Any) -> CostEvaluation:
    def one(u: Any, m: Any, rate: Any) -> CostEvaluation:
        def f(u: Any) -> tuple[Any, Any]:
            return (r := slope_residuals(problem, u, ((m, rate),))), r

        jacobian, r = jax.jacfwd(f, has_aux=True)(u)
        return CostEvaluation(r @ r, jacobian.T @ r, jacobian.T @ jacobian)

    return jax.vmap(one)(u, m, rate)


def evaluate_lanes(
    batch: Batch, lanes: np.ndarray, u: np.ndarray, horizon: np.ndarray
) -> tuple[CostEvaluation, np.ndarray]:
    """Cost and forward sensitivities of lanes: which trace each is of (W,), at u (W, p), until a horizon [s] (W,); and
    the part of the cost (W, T) of each sample."""
    found = _evaluate(batch.problem, batch.data[lanes], u, batch.m0[lanes], horizon)
    return jax.tree.map(np.array, found)


def linearise_lanes(batch: Batch, lanes: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, ...]:
    """Values (W, q) with gains and offsets, predictions (W, T, C) and slopes (W, M, q) by physical values."""
    values, lines, predictions, jacobian = _linearise(batch.problem, batch.data[lanes], u, batch.m0[lanes])
    whole = np.concatenate([np.asarray(values), np.asarray(lines)], axis=1)
    return whole, np.asarray(predictions[0]), np.asarray(jacobian)


def evaluate_slopes(problem: Problem, u: np.ndarray, m: np.ndarray, rate: np.ndarray) -> CostEvaluation:
    """Cost and slopes of the equation of motion at smoothed m (W, 3, T) and its rate, for u (W, p)."""
    return jax.tree.map(np.array, _slopes(problem, u, m, rate))


def in_widths(count: int) -> list[np.ndarray]:
    """The numbers below `count` in rows of `WIDTH`, the last one filled up with its last."""
    rows = [np.arange(first, first + WIDTH) for first in range(0, count, WIDTH)]
    return [np.minimum(row, count - 1) for row in rows]
