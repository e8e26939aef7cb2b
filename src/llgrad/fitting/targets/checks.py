"""What would make a fit useless, said in a sentence before any long work: a constant trace, one that is sampled too
slowly, a free parameter that nothing depends on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import jax.numpy as jnp
import numpy as np

from llgrad.core.status import Outcome
from llgrad.core.units import show
from llgrad.datasets.frequencies import FrequencyTable
from llgrad.datasets.trace import Trace
from llgrad.fitting.answers.linear import linear_at
from llgrad.fitting.problem import Problem
from llgrad.fitting.targets.experiment import Experiment
from llgrad.fitting.targets.recording import TILTS
from llgrad.fitting.targets.tables import TableRecording
from llgrad.fitting.targets.traces import TraceRecording
from llgrad.observables.frequency import frequency
from llgrad.observables.signal import FEWEST_SAMPLES
from llgrad.solve.simulate import simulate
from llgrad.solve.step_size import largest_rate

CONSTANT: Final = 1e-12
"""A column whose values differ by less than this part of their size is constant."""
INTERVALS: Final = 64
"""Sampling intervals over which the start is simulated to find its frequency."""
ANGLE: Final = 0.05
"""Largest turn [rad] of m in a step of this simulation."""
MOST_STEPS: Final = 20_000
MOVES: Final = 1e-3
"""A component of m that changes by less than this does not oscillate."""


def check_targets(
    problem: Problem,
    values: np.ndarray,
    m0: np.ndarray,
    experiments: tuple[Experiment, ...],
    free: Iterable[str],
) -> None:
    """Raise ValueError, in one sentence, where the data cannot answer what is asked.

    Args:
        problem: the fit.
        values: starting values (p,) [SI] of its parameters.
        m0: reference starting states (R, 3).
        experiments: the recordings' own, in their order.
        free: the names that were given as free.
    """
    names = [free] if isinstance(free, str) else list(free)
    for experiment in experiments:
        _check_data(experiment)
    _check_places(problem, names)
    for recording, experiment in zip(problem.recordings, experiments, strict=True):
        if isinstance(recording, TraceRecording) and isinstance(experiment.data, Trace):
            _check_sampling(recording, experiment, values, m0)
    _check_dependence(problem, values, m0)


def _called(experiment: Experiment) -> str:
    return f"the trace {experiment.label!r}" if experiment.label else "the trace"


def _check_data(experiment: Experiment) -> None:
    """A trace in which every column is constant holds no motion; a table is measured without a drive."""
    if not isinstance(experiment.data, Trace):
        if experiment.drive is not None:
            word = "a table of frequencies" if isinstance(experiment.data, FrequencyTable) else "a spectrum"
            raise ValueError(f"{word} is that of free oscillations, without a drive; leave it out")
        return
    columns, units = experiment.data.columns, experiment.data.units
    if all(np.ptp(values) <= CONSTANT * np.abs(values).max() for values in columns.values()):
        found = ", ".join(f"{name} = {show(float(values[0]), units[name])}" for name, values in columns.items())
        raise ValueError(
            f"{_called(experiment)} is constant ({found}): nothing moves in it, so it fixes no parameter; "
            "is it the right column, and was the device above its threshold?"
        )


def _check_places(problem: Problem, free: list[str]) -> None:
    """Parameters that, by what they are, belong to no recording."""
    placed = {path for recording in problem.recordings for path, _ in recording.places}
    for name in (name.split("[")[0] for name in free):
        if name == "temperature":
            raise ValueError(
                "temperature is free, but a fit follows orbits without thermal noise, which do not depend on it; "
                "leave it out"
            )
        if name not in placed:
            raise ValueError(f"{name} is free, but it belongs to a trace, and there is none that has it; leave it out")
        if all(isinstance(r, TableRecording) and r.setting == name for r in problem.recordings):
            raise ValueError(f"{name} is free, but it is what the table sweeps: its values are given; leave it out")


def _check_sampling(recording: TraceRecording, experiment: Experiment, values: np.ndarray, m0: np.ndarray) -> None:
    """The device, at its start, must oscillate below the Nyquist frequency of the trace, 1/(2 dt)."""
    t = np.asarray(recording.t)
    interval = float(np.diff(t).min())
    bound = recording.bind(jnp.asarray(values), jnp.asarray(m0[recording.row]))
    rate = largest_rate(bound.model, bound.drive)
    if rate * interval < np.pi:
        return  # nothing in this device is as fast
    step = min(ANGLE / rate, interval / 4)
    duration = min(INTERVALS * interval, float(t[-1]), MOST_STEPS * step)
    run = simulate(bound.model, duration=duration, dt=step, m0=bound.m0, drive=bound.drive, throw=False)
    found = _frequency(recording, run) if run.status.code == Outcome.FINISHED else None
    if found is not None and found > 1 / (2 * interval):
        raise ValueError(
            f"{_called(experiment)} is sampled every {_short(interval, 's')}, too slowly: at its start the device "
            f"oscillates at {_short(found, 'Hz')}, which needs samples at most {_short(0.5 / found, 's')} apart "
            "(Nyquist); record faster, or correct the start"
        )


def _frequency(recording: TraceRecording, run: Any) -> float | None:
    """Frequency [Hz] of what the trace records, m·p for a voltage; None where it does not oscillate."""
    m, p = np.asarray(run.m, dtype=float), recording.model.polariser
    along = m @ np.array([float(component) for component in (p.x, p.y, p.z)])
    signals = [along if name == "voltage" else m[:, "xyz".index(name[-1])] for name in recording.columns]
    largest = max(signals, key=np.ptp)
    if largest.size < FEWEST_SAMPLES or np.ptp(largest) < MOVES:
        return None
    return float(frequency(largest, dt=run.dt))


def _short(value: float, unit: str) -> str:
    return show(float(f"{value:.3g}"), unit)


def _check_dependence(problem: Problem, values: np.ndarray, m0: np.ndarray) -> None:
    """No slope may be exactly zero at the start: the search would never move that parameter."""
    u = np.array([bound.free(float(value)) for bound, value in zip(problem.bounds, values, strict=True)])
    slopes = linear_at(problem, u, m0).jacobian[:, : len(problem.names)]
    if not np.isfinite(slopes).all():
        return  # the start cannot be simulated, which the search will say
    for name, column in zip(problem.names, slopes.T, strict=True):
        path = name.split("[")[0]
        if not column.any() and path not in TILTS:
            raise ValueError(f"{name} is free, but at the start the target does not depend on it{_why(path, problem)}")


def _why(path: str, problem: Problem) -> str:
    model = problem.recordings[0].model
    if path.startswith("junction."):
        return ": it acts on a voltage, and none is fitted; leave it out"
    if path in ("polarization", "lambda_", "field_like", "polariser") and np.all(np.asarray(model.current) == 0):
        return ": its current is zero; give the device its current, or leave the parameter out"
    return " at all; leave it out, or start elsewhere"
