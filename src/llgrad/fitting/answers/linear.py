"""The problem made linear at its answer: residuals, predictions, and slopes with respect to every physical value."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.fitting.problem import Problem
from llgrad.fitting.targets.recording import Recording
from llgrad.fitting.targets.sought import Sought


class LinearAnswer(NamedTuple):
    """At one answer. The parameters are the problem's, then what is free of gain and offset of each voltage."""

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


def linear_at(problem: Problem, u: np.ndarray, m0: np.ndarray) -> LinearAnswer:
    """Linearise at unbounded parameters u (p,) and reference states m0 (R, 3)."""
    values, lines, predictions, jacobian = (
        _with_sought(problem, u, m0) if problem.sought else _linearise(problem, u, m0)
    )
    names, units = names_with_lines(problem)
    predicted = tuple(np.asarray(p) for p in predictions)
    residuals = tuple(p - np.asarray(r.data) for p, r in zip(predicted, problem.recordings, strict=True))
    return LinearAnswer(names, units, np.concatenate([values, lines]), residuals, np.asarray(jacobian), predicted)


def names_with_lines(problem: Problem) -> tuple[tuple[str, ...], dict[str, str]]:
    """The parameters of a problem and what is free of gain and offset of each voltage, and the units of the latter."""
    names, units = list(problem.names), {}
    for recording in _scaled(problem):
        suffix = f"[{recording.label}]" if len(problem.recordings) > 1 else ""
        names += [f"{name}{suffix}" for name in recording.free_line]
        units |= {f"{name}{suffix}": unit for name, unit in recording.line_units.items()}
    return tuple(names), units


def _scaled(problem: Problem) -> list[Recording]:
    """The recordings with an unknown gain and offset, in order."""
    return [r for r in problem.recordings if r.scaled_column is not None]


def _with_sought(problem: Problem, u: np.ndarray, m0: np.ndarray) -> tuple[Any, Any, list[Any], Any]:
    """What `_linearise` gives where there are orbits or states at rest too, whose slopes come with them."""
    values, _ = problem.physical_with_slopes(u)
    simulated, moved = iter(()), np.zeros((0, len(values)))
    own, others = iter(()), 0
    if len(problem.sought) < len(problem.recordings):
        _, lines, predictions, moved = _linearise(problem.in_time, u, m0)
        simulated, own = iter(predictions), iter(np.asarray(lines))
    found, rows, all_lines, first, used = [], [], [], 0, len(values)
    for recording in problem.recordings:
        count = len(recording.free_line)
        if isinstance(recording, Sought):
            seen = recording.seen_on_line(values, m0[recording.row], recording.near)
            found.append(seen.predicted)
            slopes, extra, line = seen.slopes[:, : len(values)], seen.slopes[:, len(values) :], seen.values
        else:
            found.append(next(simulated))
            part = np.asarray(moved)[first : first + recording.data.size]
            slopes, extra = part[:, : len(values)], part[:, used : used + count]
            line = np.array([next(own) for _ in range(count)])
            first, used = first + recording.data.size, used + count
        rows.append((slopes, extra, others))
        all_lines.append(line)
        others += count
    whole = [
        np.concatenate([s, np.zeros((len(s), at)), extra, np.zeros((len(s), others - at - extra.shape[1]))], axis=1)
        for s, extra, at in rows
    ]
    return values, np.concatenate(all_lines), found, np.concatenate(whole)


@eqx.filter_jit
def _linearise(problem: Problem, u: Any, m0: Any) -> tuple[Any, Any, Any, Any]:
    return linearised(problem, u, m0)


def linearised(problem: Problem, u: Any, m0: Any) -> tuple[Any, Any, Any, Any]:
    """Values, gains and offsets, predictions and slopes of what is simulated; to be compiled by who calls it."""
    values = problem.physical(u)
    found = [r.line(r.bind(values, m0[r.row])) for r in _scaled(problem)]
    lines = jnp.concatenate(found) if found else jnp.zeros(0)

    def predict(x: Any) -> tuple[Any, Any]:
        residuals, predictions, _ = residuals_at(problem, x, m0)
        return residuals, predictions

    jacobian, predictions = jax.jacfwd(predict, has_aux=True)(jnp.concatenate([values, lines]))
    return values, lines, predictions, jacobian


def residuals_at(problem: Problem, x: Any, m0: Any) -> tuple[Any, list[Any], Any]:
    """Residuals over their σ (M,), predictions, and whether every run went well, at physical values x (q,) [SI].

    x is the problem's own parameters (p,), then what is free of gain and offset of each voltage.
    """
    first = len(problem.names)
    values = x[:first]
    predictions, residuals, runs = [], [], []
    for recording in problem.recordings:
        bound = recording.bind(values, m0[recording.row])
        if recording.scaled_column is not None:
            after = first + len(recording.free_line)
            (predicted, fine), first = recording.predict_on_line(bound, x[first:after]), after
        else:
            predicted, fine = recording.predict(bound, jnp.ones(recording.data.shape[:1], bool))
        predictions.append(predicted)
        residuals.append(((predicted - recording.data) / recording.sigma).ravel())
        runs.append(jnp.asarray(fine))
    return jnp.concatenate(residuals), predictions, jnp.stack(runs).all()
