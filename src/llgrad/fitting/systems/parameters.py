"""The parameters of a system of one's own: bounds, units, checks, and how fast it turns."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from llgrad.core.record import get_leaf, is_concrete, leaf_units
from llgrad.core.vector import Vec3
from llgrad.datasets.frequencies import FrequencyTable
from llgrad.datasets.peaks import peak_of
from llgrad.datasets.trace import Trace
from llgrad.devices.bounds import TYPICAL, Bound, Unbounded
from llgrad.devices.system import System
from llgrad.drives.base import DRIVEN, Waveform
from llgrad.fitting.orbits.tables.table import OrbitTable, as_orbit_table
from llgrad.fitting.recordings import RunStepping, suggested_step
from llgrad.fitting.targets.experiment import Experiment
from llgrad.fitting.targets.recording import PREFIX, Model
from llgrad.fitting.targets.sampling import rough_frequency
from llgrad.fitting.targets.starting import START, form_of, is_start, states_of
from llgrad.observables.signal import FEWEST_SAMPLES
from llgrad.observables.spectrum import Spectrum
from llgrad.solve.saving import Every
from llgrad.solve.systems import drive_of_system

PASSED: Final = 512
"""So many states of a run tell how large the components are."""


def declared_bound(system: System, path: str, unit: str, start: float) -> Bound:
    """The bound that a parameter was declared with; else none, on the scale of its start.

    Raises ValueError where that is zero and nobody knows its size.
    """
    record, bound = system, None
    for part in path.split("."):
        fields = {f.name: f for f in dataclasses.fields(record)} if dataclasses.is_dataclass(record) else {}
        bound = fields[part].metadata.get("bound", bound) if part in fields else bound
        record = get_leaf(record, part)
    if isinstance(bound, Bound):
        return bound
    size = abs(start) or _size_of_neighbours(system, path) or TYPICAL.get(unit, 0.0)
    if not size:
        raise ValueError(
            f"{path} starts at 0 {unit}, and nobody knows the size of a change that matters; give one: "
            f"free={{{path!r}: lg.systems.unbounded(scale)}}, or declare it: lg.quantity({unit!r}, bound=…)"
        )
    return Unbounded(size)


def _size_of_neighbours(system: System, path: str) -> float:
    """The largest of the other components of the same vector, or of the other numbers of a table."""
    vector, _, _ = path.rpartition(".")
    beside = get_leaf(system, vector) if vector else None
    if isinstance(beside, np.ndarray):
        return float(np.abs(beside).max())
    if not isinstance(beside, Vec3):
        return 0.0
    return max((abs(float(c)) for c in (beside.x, beside.y, beside.z) if is_concrete(c)), default=0.0)


def units_of_drive(system: System, drive: Mapping[str, Waveform]) -> dict[str, str]:
    """The unit of every leaf of the waveforms, by its path: {"push.amplitude": "1/s", …}."""
    return {
        f"{name}.{path}": system.inputs.get(name, "1") if unit == DRIVEN else unit
        for name, waveform in drive.items()
        for path, unit in leaf_units(waveform).items()
    }


def check_system(system: System, experiment: Experiment) -> None:
    """Raise ValueError, in one sentence, for a system that a fit cannot name the parameters of, and for an experiment
    that is none of it."""
    name = type(system).__name__
    for path in leaf_units(system):
        if taken := [prefix for prefix in (START, "drive.", PREFIX) if path.startswith(prefix)]:
            raise ValueError(
                f"{name} has a parameter {path!r}, and in a fit names that begin with {taken[0]!r} are taken; give the "
                "field another name"
            )
    drive_of_system(system, experiment.drive)
    data, known = experiment.data, system.signals(system.start())
    if not isinstance(data, Trace):
        return
    if experiment.segment is not None:
        raise ValueError(f"segment= is for a device, and {name} is a system of your own; fit its whole trace")
    for column, unit in data.units.items():
        if column not in known:
            raise ValueError(
                f"the trace has the column {column!r}, which is no signal of {name}: it has {', '.join(known)}; choose "
                f"columns with trace.select(…), or declare an output {column!r}"
            )
        if unit != system.outputs.get(column, "1"):
            raise ValueError(
                f"the column {column!r} of the trace is in {unit}, and {name} gives it in "
                f"{system.outputs.get(column, '1')}; declare its unit in outputs = {{{column!r}: {unit!r}}}"
            )


def check_starts(free: Mapping[str, Any]) -> None:
    """Raise ValueError for a bound of a part of a system's starting state."""
    if bounded := [name for name, bound in free.items() if is_start(name) and bound is not None]:
        raise ValueError(
            f"{bounded[0]} is a part of the starting state, which is searched for without a bound; give None, or let "
            "`start` follow from a parameter of the system, which may have one"
        )


def rate_of_system(system: System, experiment: Experiment) -> float:
    """How fast the state turns [rad/s]: what the system says itself, or the fastest line of the recording."""
    fastest = system.fastest()
    if fastest is not None and is_concrete(fastest):
        return float(fastest)
    data = experiment.data
    if isinstance(data, (FrequencyTable, OrbitTable)):
        measured = as_orbit_table(data).measured
        return 2 * math.pi * float(np.nanmax(measured.get("frequency", np.array([1e9]))))
    if isinstance(data, Spectrum):
        return 2 * math.pi * peak_of(data).frequency
    moving = [values for values in data.columns.values() if np.ptp(values) > 0]
    if data.t.size < FEWEST_SAMPLES or not moving:
        return 2 * math.pi / float(data.t[-1] - data.t[0])
    even = np.linspace(data.t[0], data.t[-1], data.t.size)
    return 2 * math.pi * max(rough_frequency(np.interp(even, data.t, values), data.dt) for values in moving)


def sizes_of(model: Model, experiment: Experiment, state: np.ndarray, grid: RunStepping) -> np.ndarray | None:
    """States (K, n) that a system passes in the time of a trace; None for a device, whose states are directions."""
    data = experiment.data
    if not isinstance(model, System) or not isinstance(data, Trace):
        return None
    step = grid.dt or suggested_step(model, experiment.drive, grid.stepper)
    duration = float(data.t[-1] - data.t[0]) + experiment.delay
    every = max(1, math.ceil(duration / step / PASSED))
    settings: dict[str, Any] = {"drive": experiment.drive, "stepper": grid.stepper, "engine": grid.engine}
    return states_of(model, form_of(model), state, settings | {"duration": duration, "dt": step, "save": Every(every)})
