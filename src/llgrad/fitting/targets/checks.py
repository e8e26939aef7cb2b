"""What would make a fit useless, said in a sentence before any long work: a trace at rest, one that is no unit vector,
a free parameter that nothing depends on."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

import numpy as np

from llgrad.core.units import show, show_with_error
from llgrad.datasets.trace import Trace
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.fitting.answers.linear import linear_at
from llgrad.fitting.orbits.recording import OrbitRecording, TableRecording
from llgrad.fitting.problem import Problem
from llgrad.fitting.targets.experiment import Experiment
from llgrad.fitting.targets.recording import LINE, OF_FIELD, Recording, recorder_name, recorder_path
from llgrad.fitting.targets.starting import is_start

CONSTANT: Final = 1e-12
"""A column whose values differ by less than this part of their size is constant."""
SCALED: Final = 0.05
"""|m| may be so far from 1, beside what its noise makes, and change by so much."""
CHANCE: Final = 1e-2
"""Probability of white noise below which a line in a periodogram is one."""
FEWEST: Final = 32
"""Samples below which noise is not told from a signal."""


def check_targets(problem: Problem, experiments: tuple[Experiment, ...], free: Iterable[str]) -> None:
    """Raise ValueError, in one sentence, where the data cannot answer what is asked.

    Args:
        problem: the fit.
        experiments: the recordings' own, in their order.
        free: the names that were given as free.
    """
    names = [free] if isinstance(free, str) else list(free)
    for experiment in experiments:
        check_data(experiment)
    _check_places(problem, names)


def _called(experiment: Experiment) -> str:
    return f"the trace {experiment.label!r}" if experiment.label else "the trace"


def check_data(experiment: Experiment) -> None:
    """A trace in which every column is constant, or noise, holds no motion."""
    if not isinstance(experiment.data, Trace):
        return
    columns, units = experiment.data.columns, experiment.data.units
    still = "nothing moves in it, so it fixes nothing; is it the right column, and was the device above threshold?"
    if all(np.ptp(values) <= CONSTANT * np.abs(values).max() for values in columns.values()):
        found = ", ".join(f"{name} = {show(float(values[0]), units[name])}" for name, values in columns.items())
        raise ValueError(f"{_called(experiment)} is constant ({found}): {still}")
    if all(_is_white(values) for values in columns.values()):
        found = ", ".join(
            f"{name} = {show_with_error(float(values.mean()), float(values.std()), units[name])}"
            for name, values in columns.items()
        )
        raise ValueError(f"{_called(experiment)} is white noise around rest ({found}): {still}")


def _is_white(values: np.ndarray) -> bool:
    """Whether no line stands out of the periodogram, by Fisher's test: P(largest share > g) ≤ n (1 − g)ⁿ⁻¹."""
    power = np.abs(np.fft.rfft(values - values.mean())[1:]) ** 2
    if values.size < FEWEST or not power.any():
        return False
    share = float(power.max() / power.sum())
    return power.size * (1 - share) ** (power.size - 1) > CHANCE


def check_length(trace: Trace) -> None:
    """Raise ValueError where (mx, my, mz) is no unit vector, by more than noise makes it."""
    length = np.sqrt(sum(trace.columns[name] ** 2 for name in ("mx", "my", "mz")))
    middle, scatter = float(np.median(length)), float(np.std(np.diff(length))) / math.sqrt(2)
    slow = math.sqrt(max(float(np.var(length)) - scatter**2, 0.0))
    if abs(middle - 1) <= SCALED + 1.5 * scatter**2 and slow <= SCALED:
        return
    advice = (
        f"multiply the three columns by {1 / middle:.4g}, if one factor was lost"
        if slow <= 0.2 * SCALED * middle
        else "its length changes, as that of an average over directions does; divide each row by its length to fit the "
        "direction alone"
    )
    raise ValueError(
        f"(mx, my, mz) has the length {length.min():.3g} to {length.max():.3g}, in the middle {middle:.3g}, expected "
        f"about 1; is the trace a unit vector? {advice}"
    )


def hears_noise(recording: Recording) -> bool:
    """Whether what was recorded depends on the strength of the model's noise."""
    return isinstance(recording, OrbitRecording) and recording.of_noise


def _check_places(problem: Problem, free: list[str]) -> None:
    """Parameters that, by what they are, belong to no recording."""
    placed = {path for recording in problem.recordings for path, _ in recording.places}
    model = problem.recordings[0].model
    line = [recorder_path(model, name) for name in LINE]
    for name in (name.split("[")[0] for name in free):
        if name == "temperature" and isinstance(model, Oscillator) and not any(map(hears_noise, problem.recordings)):
            raise ValueError(
                "temperature is free, but a fit follows orbits without thermal noise, which do not depend on it; "
                "leave it out"
            )
        if name in line and not any(name in recording.free_line for recording in problem.recordings):
            raise ValueError(f"{name} is free, but it belongs to a voltage or a loop, and none is fitted; leave it out")
        if recorder_name(model, name) in OF_FIELD and name not in placed:
            raise ValueError(
                f"{name} is free, but it belongs to the field of a measured loop, and none is fitted; leave it out"
            )
        if name not in (*placed, *line):
            raise ValueError(f"{name} is free, but it belongs to a trace, and there is none that has it; leave it out")
        if all(isinstance(r, TableRecording) and name in r.paths for r in problem.recordings):
            raise ValueError(f"{name} is free, but it is what the table sweeps: its values are given; leave it out")


def check_dependence(problem: Problem, values: np.ndarray, m0: np.ndarray) -> None:
    """Raise ValueError where a slope is exactly zero at the start: the search would never move that parameter."""
    slopes = linear_at(problem, problem.free(values), m0).jacobian[:, : len(problem.names)]
    if not np.isfinite(slopes).all():
        return  # the start cannot be simulated, which the search will say
    for name, column in zip(problem.names, slopes.T, strict=True):
        path = name.split("[")[0]
        if not column.any() and not is_start(path):
            raise ValueError(f"{name} is free, but at the start the target does not depend on it{_why(path, problem)}")


def _why(path: str, problem: Problem) -> str:
    model = problem.recordings[0].model
    if isinstance(model, System):
        left_out = ": a fit follows orbits without noise" if model.noises else " at all"
        return f"{left_out}; leave it out, or start elsewhere"
    if path.startswith("junction."):
        return ": it acts on a voltage, and none is fitted; leave it out"
    if path in ("polarization", "lambda_", "field_like", "polariser") and np.all(np.asarray(model.current) == 0):
        return ": its current is zero; give the device its current, or leave the parameter out"
    return " at all; leave it out, or start elsewhere"
