"""What `llgrad simulate` tells of a run of a system: what each of its signals does, and its files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from json import dumps
from typing import Any, NamedTuple

import jax
import numpy as np

from llgrad.cli.output import Outputs
from llgrad.core.files import plain, write_npz
from llgrad.core.trajectory import SystemSignal, SystemTrajectory, Trajectory
from llgrad.core.units import show
from llgrad.datasets.reader import write_trace
from llgrad.datasets.trace import trace_of
from llgrad.devices.states.components import component_names
from llgrad.observables.oscillation import Oscillation, oscillation_of
from llgrad.observables.signal import FEWEST_SAMPLES

STILL = 1e-9
"""What varies by less than this part of its size is at rest."""


class Told(NamedTuple):
    """One signal of the last half of a run."""

    signal: SystemSignal
    mean: float
    motion: Oscillation | None
    """None where it rests, or where there are too few samples to tell."""

    def sentence(self) -> str:
        """What it does, and its mean."""
        unit = self.signal.unit
        does = "no oscillation" if self.motion is None else self.motion.sentence(self.signal.name, unit)
        mean = f"{self.mean:.4g}" if unit == "1" else show(float(f"{self.mean:.4g}"), unit)
        return f"{does if self.motion is not None else f'{self.signal.name}: {does}'}; mean {mean}"

    def entry(self) -> dict[str, Any]:
        """The same for a file: frequency [Hz] and amplitude (None where it has none), mean, unit."""
        motion = self.motion
        steady = motion is not None and math.isfinite(motion.frequency)
        return {
            "unit": self.signal.unit,
            "mean": self.mean,
            "frequency": motion.frequency if motion is not None and steady else None,
            "amplitude": motion.amplitude if motion is not None and math.isfinite(motion.amplitude) else None,
        }


def told_of(run: SystemTrajectory) -> list[Told]:
    """What each signal of the last half of a run does: the outputs, then the components of the state."""
    half = last_half_of_system(run)
    return [_told(half.signal(name)) for name in run.signals]


def _told(signal: SystemSignal) -> Told:
    values = np.asarray(signal.values, float)
    moves = values.size >= FEWEST_SAMPLES and np.ptp(values) > STILL * np.max(np.abs(values))
    return Told(signal, float(values.mean()), oscillation_of(signal) if moves else None)


def last_half_of_system(run: SystemTrajectory) -> SystemTrajectory:
    """The run without its first half, in which it may still settle."""
    half = np.shape(run.t)[0] // 2
    t, state = jax.tree.map(lambda array: np.asarray(array)[half:], (run.t, run.state))
    return SystemTrajectory(t, state, run.status, run.model, run.drive, run.stats)


def write_run(run: SystemTrajectory | Trajectory, record: Mapping[str, Any], outputs: Outputs) -> None:
    """Write a run with its record to the file that is asked for, .csv or .npz."""
    if outputs.out is None:
        return
    if outputs.out.suffix.lower() == ".csv":
        text = dumps(plain(record), ensure_ascii=False)
        note = f"simulated by {record['command']}\nrun record: {text}"
        columns = run.signals if isinstance(run, SystemTrajectory) else None
        write_trace(outputs.out, trace_of(run, columns), note, overwrite=outputs.overwrite)
    else:
        arrays = arrays_of(run) if isinstance(run, SystemTrajectory) else {"t": run.t, "m": run.m}
        write_npz(outputs.out, record, arrays, outputs.overwrite)


def arrays_of(run: SystemTrajectory) -> dict[str, Any]:
    """The arrays of a run by the names of a file: t, and each component of the state."""
    return {"t": run.t, **dict(zip(component_names(run.state), jax.tree.leaves(run.state), strict=True))}


def state_of(arrays: dict[str, Any], start: Any) -> Any:
    """The states in such arrays, in the form of a state in which the system begins."""
    return jax.tree.unflatten(jax.tree.structure(start), [arrays[name] for name in component_names(start)])
