"""The problem made linear at its answer: residuals, predictions, and slopes with respect to every physical value."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.fitting.problem import Problem
from llgrad.fitting.targets.measurement import best_line
from llgrad.fitting.targets.traces import TraceRecording


class Linear(NamedTuple):
    """At one answer. The parameters are the problem's, then gain and offset of each voltage whose scale is unknown."""

    names: tuple[str, ...]
    units: dict[str, str]
    """Of gain and offset only."""
    values: np.ndarray
    residuals: tuple[np.ndarray, ...]
    """Of each recording, (T, C), in the unit of the data."""
    jacobian: np.ndarray
    """Of all residuals over their σ, (M, q)."""
    predictions: tuple[np.ndarray, ...]
    """Of each recording, (T, C)."""


def linear_at(problem: Problem, u: np.ndarray, m0: np.ndarray) -> Linear:
    """Linearise at unbounded parameters u (p,) and reference states m0 (R, 3)."""
    values, lines, predictions, jacobian = _linearise(problem, u, m0)
    names, units = list(problem.names), {}
    for recording in _scaled(problem):
        suffix = f"[{recording.label}]" if len(problem.recordings) > 1 else ""
        names += [f"gain{suffix}", f"offset{suffix}"]
        units |= {f"gain{suffix}": "V", f"offset{suffix}": "V"}
    predicted = tuple(np.asarray(p) for p in predictions)
    residuals = tuple(p - np.asarray(r.data) for p, r in zip(predicted, problem.recordings, strict=True))
    return Linear(
        tuple(names), units, np.concatenate([values, np.ravel(lines)]), residuals, np.asarray(jacobian), predicted
    )


def _scaled(problem: Problem) -> list[TraceRecording]:
    """The recordings with an unknown gain and offset, in order."""
    return [r for r in problem.recordings if isinstance(r, TraceRecording) and r.scaled_column is not None]


@eqx.filter_jit
def _linearise(problem: Problem, u: Any, m0: Any) -> tuple[Any, Any, Any, Any]:
    values = problem.physical(u)
    lines = jnp.stack([_line(r, values, m0) for r in _scaled(problem)]) if _scaled(problem) else jnp.zeros((0, 2))

    def predict(x: Any) -> tuple[Any, Any]:
        left, lines_left = x[: values.size], x[values.size :].reshape(-1, 2)
        predictions, residuals, number = [], [], 0
        for recording in problem.recordings:
            bound = recording.bind(left, m0[recording.row])
            if isinstance(recording, TraceRecording) and (place := recording.scaled_column) is not None:
                columns, _ = recording.signals(bound)
                columns[place] = lines_left[number, 0] * columns[place] + lines_left[number, 1]
                predicted, number = jnp.stack(columns, axis=1), number + 1
            else:
                predicted, _ = recording.predict(bound, jnp.ones(recording.data.shape[:1], bool))
            predictions.append(predicted)
            residuals.append(((predicted - recording.data) / recording.sigma).ravel())
        return jnp.concatenate(residuals), predictions

    jacobian, predictions = jax.jacfwd(predict, has_aux=True)(jnp.concatenate([values, lines.ravel()]))
    return values, lines, predictions, jacobian


def _line(recording: TraceRecording, values: Any, m0: Any) -> Any:
    columns, _ = recording.signals(recording.bind(values, m0[recording.row]))
    place = recording.scaled_column or 0
    return jnp.stack(best_line(columns[place], recording.data[:, place], jnp.ones(recording.t.shape, bool)))
