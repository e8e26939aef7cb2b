"""From experiments and the names of what is free to a `Problem`: units, bounds, starts, starting states, time grids."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.doors import by_door
from llgrad.core.arguments.kinds import check_kind
from llgrad.core.rechecking import rechecked
from llgrad.core.record import get_leaf, is_concrete, is_table, leaf_units, listed, set_leaf, with_entries
from llgrad.core.trajectory import SystemTrajectory, Trajectory
from llgrad.core.units import show
from llgrad.datasets.frequencies import FrequencyTable
from llgrad.datasets.peaks import peak_of
from llgrad.datasets.trace import Trace
from llgrad.devices.bounds import Between, Bound, Positive, Unbounded, default_bound
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.drives.drive import Drive, check_drive
from llgrad.fitting.loops.measured import MeasuredLoop, OfLoop, SwitchingFields
from llgrad.fitting.loops.reading_out import check_read_out
from llgrad.fitting.orbits.spectra import around_its_line
from llgrad.fitting.orbits.tables.table import OrbitTable, as_orbit_table
from llgrad.fitting.problem import Problem
from llgrad.fitting.recordings import Free, RunStepping, check_noise, derives_width, recording_of, reference_state
from llgrad.fitting.systems.parameters import (
    check_starts,
    check_system,
    declared_bound,
    rate_of_system,
    sizes_of,
    units_of_drive,
)
from llgrad.fitting.targets.experiment import Experiment, samples_of
from llgrad.fitting.targets.recording import LINE, OF_FIELD, RECORDER, Driven, Model, recorder_name, recorder_path
from llgrad.fitting.targets.starting import form_of, is_start, starts_by_itself
from llgrad.kernels.steppers import RK4, Stepper
from llgrad.observables.spectrum import Spectrum
from llgrad.solve.step_size import check_dt, largest_rate
from llgrad.solve.task import Engine

LEAD: Final = 1e-9
"""Time [s] that is simulated for a delay without a bound, beside twice its start."""


PART: Final = 0.1
"""Of the largest field, or of a radian: by which the field of a loop may usually be off."""


class PreparedFit(NamedTuple):
    """A problem, and where its search begins."""

    problem: Problem
    values: np.ndarray
    """Starting values (p,) [SI]."""
    m0: np.ndarray
    """Reference starting states (R, 3)."""
    unknown: tuple[int, ...]
    """Rows of the starting states that nobody knows: they are searched for."""
    passed: tuple[np.ndarray | None, ...] = ()
    """States (K, n) that the system of each experiment passes, where its start is free."""


def units_of(model: Model, drive: Driven = None, column: str = "V") -> dict[str, str]:
    """The unit of everything that can be a free parameter, by its name; `column` is that of a system's only signal."""
    if isinstance(drive, Drive):
        of_drive = drive.units()
    else:
        of_drive = units_of_drive(model, drive) if isinstance(model, System) and drive else {}
    volts = isinstance(model, Oscillator) and model.junction is None
    recorder = {"delay": "s", "bandwidth": "Hz", "line_width": "Hz", "gain": "V" if volts else "1", "offset": column}
    recorder |= OF_FIELD
    return (
        leaf_units(model)
        | {f"drive.{path}": unit for path, unit in of_drive.items()}
        | {name: move.unit for name, move in form_of(model).moves.items()}
        | {recorder_path(model, name): unit for name, unit in recorder.items()}
    )


def as_experiments(data: Any, **common: Any) -> tuple[Experiment, ...]:
    """What the user gave as a tuple of experiments; `common` are settings of the experiment that data alone make."""
    kinds = Trace, FrequencyTable, OrbitTable, Spectrum, OfLoop, Trajectory, SystemTrajectory
    if isinstance(data, kinds):
        return (_with_errors(Experiment(data, **common)),)
    check_kind("data", data, (Experiment, Iterable), "give (model, data), the device first")
    parts = (data,) if isinstance(data, Experiment) else tuple(data)
    experiments = tuple(Experiment(one) if isinstance(one, kinds) else one for one in parts)
    if not experiments or not all(isinstance(one, Experiment) for one in experiments):
        raise ValueError(
            "a fit needs a Trace, a Trajectory, a FrequencyTable, an OrbitTable, a Spectrum, a MeasuredLoop, an "
            "Experiment, or a list of these"
        )
    if given := [name for name, value in common.items() if value is not None]:
        raise ValueError(
            f"{', '.join(f'{name}=' for name in given)} of a fit of Experiments would change none of them; give it to "
            f"each: Experiment(data, {given[0]}=…)"
        )
    labels = [one.label for one in experiments if one.label]
    if twice := [label for label in labels if labels.count(label) > 1]:
        raise ValueError(
            f"two experiments have the label {twice[0]!r}, which names their parameters; give each its own"
        )
    return tuple(_with_errors(one) for one in experiments)


def _with_errors(experiment: Experiment) -> Experiment:
    """The experiment, its noise that of its table's errors where they are known and it says none, its trace whole
    pieces."""
    if experiment.segment is not None and isinstance(experiment.data, Trace):
        count = samples_of(experiment.data, experiment.segment)
        return dataclasses.replace(experiment, data=experiment.data.first(experiment.data.t.size // count * count))
    if isinstance(experiment.data, Spectrum):
        return dataclasses.replace(experiment, data=around_its_line(experiment.data)[0])
    if experiment.noise is None and isinstance(experiment.data, SwitchingFields):
        return dataclasses.replace(experiment, noise=float(np.sqrt(np.mean(experiment.data.errors**2))))
    if experiment.noise is not None or not isinstance(experiment.data, (FrequencyTable, OrbitTable)):
        return experiment
    table = as_orbit_table(experiment.data)
    if len(table.measured) > 1:
        return dataclasses.replace(experiment, noise=1.0)  # of numbers in units of their errors
    known = [values[np.isfinite(table.measured[name])] for name, values in table.errors.items()]
    return dataclasses.replace(experiment, noise=float(np.sqrt(np.mean(known[0] ** 2)))) if known else experiment


def named(
    model: Model, free: Any, experiments: tuple[Experiment, ...]
) -> tuple[Mapping[str, Bound | None] | tuple[str, ...], tuple[Experiment, ...]]:
    """What is free, and apart, by the names of numbers: a table's own name stands for all of its. Raises ValueError for
    what is no device."""
    _check_model(model)
    apart = [dataclasses.replace(one, apart=with_entries(model, one.apart)) for one in experiments]
    return with_entries(model, free), tuple(apart)


def _check_model(model: Any) -> None:
    if not isinstance(model, (Oscillator, System)):
        raise ValueError(f"a fit needs an Oscillator or a System, got {type(model).__name__}; see llgrad.presets")


class _Parameters:
    """The vector of parameters as it is put together: names, bounds, starting values, and places in each experiment."""

    def __init__(self, free: Mapping[str, Bound | None]):
        self.free = dict(free)
        self.bounds: dict[str, Bound] = {}
        self.values: list[float] = []
        self.units: dict[str, str] = {}
        self.given: dict[str, float] = {}

    def place(self, path: str, suffix: str, start: Any, unit: str, default: Bound) -> int:
        """The index of a parameter, added where it is new. Raises ValueError where its bound excludes its start, and
        where it has another start already."""
        name = path + suffix
        if name not in self.bounds:
            bound = self.free.get(name) or self.free.get(path) or default
            inside = bound.inside(float(start))
            if not bound.contains(inside):
                raise ValueError(
                    f"the start {name} = {float(start):g} {unit} is outside its bound ({bound.describe(unit)}); "
                    "move the start or widen the bound"
                )
            self.bounds[name], self.units[name], self.given[name] = bound, unit, float(start)
            self.values.append(inside)
        if self.given[name] != float(start):
            raise ValueError(
                f"{name} is one parameter of several experiments, which start it at {self.given[name]:g} and at "
                f"{float(start):g} {unit}; start it alike, or give each its own: Experiment(…, apart=({path!r},))"
            )
        return list(self.bounds).index(name)


def prepare(
    model: Model,
    experiments: tuple[Experiment, ...],
    free: Mapping[str, Bound | None] | Iterable[str] | str,
    *,
    dt: float | None = None,
    stepper: Stepper | None = None,
    engine: Engine | None = None,
) -> PreparedFit:
    """The problem of a fit. Raises ValueError for an unknown parameter, a bound that excludes the start, too few
    samples."""
    _check_model(model)
    given = dict(free) if isinstance(free, Mapping) else dict.fromkeys([free] if isinstance(free, str) else free)
    if not given:
        raise ValueError("no free parameter: name at least one, such as free=['alpha', 'current', 'field.z']")
    _check_names(model, experiments, given)
    parameters, stepper = _Parameters(given), stepper or RK4()
    devices, grid = [_set(model, experiment) for experiment in experiments], RunStepping(dt, stepper, engine)
    unknown, references, places, passed = [], [], [], []
    by_itself = starts_by_itself(model, _own_paths(model, given))
    for row, (device, experiment) in enumerate(zip(devices, experiments, strict=True)):
        label = f"[{experiment.label or row + 1}]" if len(experiments) > 1 else ""
        derived = derives_width(device, experiment, given)
        state, fitted, known = reference_state(device, experiment, by_itself, derived)
        passed.append(sizes_of(device, experiment, state, grid) if any(map(is_start, fitted)) else None)
        references.append(state)
        unknown += [] if known else [row]
        names = [n.removesuffix(label) if label else n for n in given if "[" not in n or (label and n.endswith(label))]
        paths = [path for path in dict.fromkeys([*names, *fitted]) if _has(path, device, experiment)]
        places.append(_places(parameters, device, experiment, paths, label, passed[-1]))
    if absent := [name for name in given if "[" in name and name not in parameters.bounds]:
        raise ValueError(f"{absent[0]!r} is free, but no experiment has it; there are {', '.join(parameters.bounds)}")
    rates = [_rate(d, e, p, parameters) for d, e, p in zip(devices, experiments, places, strict=True)]
    if dt is not None:
        for device, experiment in zip(devices, experiments, strict=True):
            if isinstance(device, Oscillator):
                check_dt(dt, device, _drive(experiment), stepper)
    bounds = list(parameters.bounds.values())
    recordings = tuple(
        recording_of(device, experiment, row, rate, grid, Free(given, place, bounds, by_itself))
        for row, (device, experiment, place, rate) in enumerate(zip(devices, experiments, places, rates, strict=True))
    )
    problem = Problem(
        recordings, jax.tree.map(jnp.asarray, tuple(bounds)), tuple(parameters.bounds), jnp.asarray(max(rates))
    )
    if problem.size <= len(problem.names):
        raise ValueError(
            f"the data have {problem.size} values for {len(problem.names)} free parameters; record more samples"
        )
    return PreparedFit(problem, np.array(parameters.values), np.array(references), tuple(unknown), tuple(passed))


def _drive(experiment: Experiment) -> Drive | None:
    """The drive of a device. Raises ValueError for that of a system."""
    return check_drive(experiment.drive)


def _own_paths(model: Model, names: Iterable[str]) -> list[str]:
    """The leaves of the model itself among free names, without the labels of experiments."""
    units = leaf_units(model)
    return [path for path in dict.fromkeys(name.split("[")[0] for name in names) if path in units]


def _has(path: str, model: Model, experiment: Experiment) -> bool:
    """Whether a parameter belongs to an experiment: a drive's, a delay and a filter only to one that has it. Gain and
    offset are none of the search: they follow from the others."""
    name = recorder_name(model, path)
    if name in LINE:
        return False
    begins = is_start(path) or name == "delay"
    if begins and experiment.segment is not None:
        return False
    if begins or path.startswith("drive."):
        return isinstance(experiment.data, Trace) and (not path.startswith("drive.") or experiment.drive is not None)
    if name == "line_width" or name in OF_FIELD:
        return isinstance(experiment.data, Spectrum if name == "line_width" else OfLoop)
    return name != "bandwidth" or experiment.bandwidth is not None


def _places(
    parameters: _Parameters,
    device: Model,
    experiment: Experiment,
    paths: list[str],
    label: str,
    passed: np.ndarray | None,
) -> tuple[tuple[str, int], ...]:
    units = units_of(device, experiment.drive)
    found = []
    for path in paths:
        name = recorder_name(device, path)
        if is_start(path):
            start: Any = 0.0
        elif name == "line_width":
            start = peak_of(experiment.data).line_width if isinstance(experiment.data, Spectrum) else None
        elif name in OF_FIELD:
            start = 0.0
        elif name in RECORDER:
            start = getattr(experiment, name)
        elif path.startswith("drive."):
            start = get_leaf(experiment.drive, path.removeprefix("drive."))
        else:
            start = get_leaf(device, path)
        if not is_concrete(start) or np.ndim(start):
            raise ValueError(f"{path} = {start!r} is not one number, so it cannot be a free parameter")
        apart = is_start(path) or name == "line_width" or path in (*experiment.apart, *experiment.settings)
        suffix = label if apart or path + label in parameters.free else ""
        size = 1.0 if name != "field_offset" else float(np.abs(experiment.data.field).max())  # pyright: ignore
        default = (
            Unbounded(PART * size) if name in OF_FIELD else _default(path, units[path], float(start), device, passed)
        )
        found.append((path, parameters.place(path, suffix, start, units[path], default)))
    return tuple(found)


def _default(path: str, unit: str, start: float, device: Model, passed: np.ndarray | None) -> Bound:
    """The bound of a parameter without one. A delay stays within the time that is simulated."""
    if name := recorder_name(device, path):
        return Between(0.0, 2 * start + LEAD) if name == "delay" else Positive()
    if is_start(path) and passed is not None and (move := form_of(device).moves[path]).angle is None:
        return Unbounded(float(np.abs(passed[:, move.place]).max()) or 1.0)
    if isinstance(device, System) and not is_start(path) and not path.startswith("drive."):
        return declared_bound(device, path, unit, start)
    vector, _, axis = path.rpartition(".")
    beside = axis in ("x", "y", "z") and not path.startswith("drive.") and not is_start(path)
    others = [get_leaf(device, f"{vector}.{other}") for other in "xyz"] if beside else []
    others += list(get_leaf(device, vector)) if axis.isdigit() and is_table(device, vector) else []
    return default_bound(path, unit, start, tuple(float(other) for other in others if is_concrete(other)))


def _check_names(model: Model, experiments: tuple[Experiment, ...], given: Mapping[str, Any]) -> None:
    units: dict[str, str] = {}
    for experiment in experiments:
        check_system(model, experiment) if isinstance(model, System) else _drive(experiment)
    if isinstance(model, System):
        check_starts(given)
    for experiment in experiments:
        units |= units_of(model, experiment.drive)
    for name in itertools.chain(given, *(experiment.apart for experiment in experiments)):
        if name.split("[")[0] not in units:
            raise ValueError(f"unknown parameter {name!r}; the free parameters can be {listed(units)}")
    apart = [name for experiment in experiments for name in experiment.apart]
    if apart and len(experiments) == 1:
        raise ValueError(f"apart = {apart[0]!r}, but there is no other experiment to share it with; leave apart out")
    if bound := [name for name in apart if name not in given]:
        raise ValueError(f"apart = {bound[0]!r} is not free; the free parameters are {', '.join(given)}")
    delay, bandwidth = (recorder_path(model, name) for name in ("delay", "bandwidth"))
    limits = given.get(delay)
    if limits is not None and not 0 <= limits.limits[0] < limits.limits[1] < math.inf:
        raise ValueError(
            f"the bound of {delay} is {limits.describe('s')}, expected between(low, high) from 0 s on: the device is "
            "simulated from the start to the end of it"
        )
    line = [recorder_path(model, name) for name in LINE]
    if limited := [name for name in given if name in line and given[name] is not None]:
        raise ValueError(f"{limited[0]} follows from the other parameters in closed form, without a bound; give None")
    if bandwidth in given and all(experiment.bandwidth is None for experiment in experiments):
        option = by_door("the experiment one, such as bandwidth=1e9", "one, such as --start bandwidth=1GHz")
        raise ValueError(f"{bandwidth} is free but has no start; give {option}")


def _set(model: Model, experiment: Experiment) -> Model:
    """The device as it was set in an experiment."""
    units = leaf_units(model)
    for path, value in experiment.settings.items():
        if path not in units:
            raise ValueError(f"the setting {path!r} is none of the device's: {listed(units)}")
        model = set_leaf(model, path, float(value))
    table = as_orbit_table(experiment.data) if isinstance(experiment.data, (FrequencyTable, OrbitTable)) else None
    if table is not None:
        for setting in table.settings:
            if setting not in units:
                raise ValueError(f"the table's setting {setting!r} is none of the device's: {listed(units)}")
        check_noise(model, table)
    if isinstance(experiment.data, OfLoop):
        loop = experiment.data if isinstance(experiment.data, MeasuredLoop) else experiment.data.loop
        check_read_out(model, loop)
    in_time = isinstance(experiment.data, Trace)
    if in_time and isinstance(model, Oscillator) and is_concrete(model.temperature) and float(model.temperature) > 0:
        raise ValueError(
            f"temperature = {show(float(model.temperature), 'K')}, but a fit follows orbits without thermal noise; set "
            "it to 0 K, and fit a trace that noise has disturbed in segments of half a period"
        )
    return rechecked(model)


def _rate(model: Model, experiment: Experiment, places: tuple[tuple[str, int], ...], parameters: _Parameters) -> float:
    """The largest precession rate [rad/s] at the start and at one and a half times the starting field and current; of
    a system what it says itself, or what its recording shows."""
    if not isinstance(experiment.data, Trace):
        return 1.0  # nothing is stepped through
    if isinstance(model, System):
        return rate_of_system(model, experiment)
    wider, drive = model, _drive(experiment)
    for path, index in places:
        if path == "current" or path.startswith(("field.", "terms.")):
            wider = set_leaf(wider, path, 1.5 * parameters.values[index])
    return max(largest_rate(model, drive), largest_rate(wider, drive))
