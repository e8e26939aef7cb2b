"""From experiments and the names of what is free to a `Problem`: units, bounds, starts, starting states, time grids."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.record import get_leaf, is_concrete, leaf_units, set_leaf
from llgrad.core.units import show
from llgrad.datasets.frequencies import FrequencyTable
from llgrad.datasets.peaks import peak_of
from llgrad.datasets.trace import Trace
from llgrad.devices.bounds import Bound, default_bound
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.ranges import direction
from llgrad.drives.drive import Drive
from llgrad.fitting.problem import Problem
from llgrad.fitting.targets.experiment import Experiment, samples_of
from llgrad.fitting.targets.recording import RECORDER, TILTS, Recording, with_free_leaves
from llgrad.fitting.targets.segmented import SegmentedRecording
from llgrad.fitting.targets.spectra import SpectrumRecording, around_its_line
from llgrad.fitting.targets.tables import TableRecording
from llgrad.fitting.targets.traces import TraceRecording, grid_of_trace
from llgrad.kernels.steppers import RK4, Stepper
from llgrad.observables.spectrum import Spectrum
from llgrad.solve.start import start_of
from llgrad.solve.step_size import ANGLE, check_dt, largest_rate, suggest_dt
from llgrad.solve.task import Engine

MOST_STEPS: Final = 3_000_000
"""Steps of one run above which a start is refused: its fields are a mistake in a unit or a power of ten."""

FINER: Final = 0.4
"""A fit's step, as a fraction of the suggested one: the integration error must stay below the data's information."""

SETTLING: Final = 600.0
"""How long an orbit settles before its frequency is measured, in periods of the fastest precession."""


class Prepared(NamedTuple):
    """A problem, and where its search begins."""

    problem: Problem
    values: np.ndarray
    """Starting values (p,) [SI]."""
    m0: np.ndarray
    """Reference starting states (R, 3)."""
    unknown: tuple[int, ...]
    """Rows of the starting states that nobody knows: they are searched for."""


def units_of(model: Oscillator, drive: Drive | None = None) -> dict[str, str]:
    """The unit of everything that can be a free parameter, by its name."""
    of_drive = {f"drive.{path}": unit for path, unit in drive.units().items()} if drive else {}
    return (
        leaf_units(model)
        | of_drive
        | dict.fromkeys(TILTS, "rad")
        | {"delay": "s", "bandwidth": "Hz", "line_width": "Hz"}
    )


def as_experiments(data: Any, **common: Any) -> tuple[Experiment, ...]:
    """What the user gave as a tuple of experiments."""
    if isinstance(data, Experiment):
        return (_with_errors(data),)
    if isinstance(data, (Trace, FrequencyTable, Spectrum)):
        return (_with_errors(Experiment(data, **common)),)
    experiments = tuple(data)
    if not experiments or not all(isinstance(one, Experiment) for one in experiments):
        raise ValueError("a fit needs a Trace, a FrequencyTable, a Spectrum, an Experiment, or a list of Experiments")
    if any(value is not None for value in common.values()):
        raise ValueError("with Experiments, give m0, drive and noise to each of them")
    return tuple(_with_errors(one) for one in experiments)


def _with_errors(experiment: Experiment) -> Experiment:
    """The experiment, its noise that of its table's errors where they are known and it says none, its trace whole
    pieces."""
    if experiment.segment is not None and isinstance(experiment.data, Trace):
        count = samples_of(experiment.data, experiment.segment)
        return dataclasses.replace(experiment, data=experiment.data.first(experiment.data.t.size // count * count))
    if isinstance(experiment.data, Spectrum):
        return dataclasses.replace(experiment, data=around_its_line(experiment.data)[0])
    errors = experiment.data.errors if isinstance(experiment.data, FrequencyTable) else None
    if errors is None or experiment.noise is not None:
        return experiment
    return dataclasses.replace(experiment, noise=float(np.sqrt(np.mean(errors**2))))


class _Parameters:
    """The vector of parameters as it is put together: names, bounds, starting values, and places in each experiment."""

    def __init__(self, free: Mapping[str, Bound | None]):
        self.free = dict(free)
        self.bounds: dict[str, Bound] = {}
        self.values: list[float] = []
        self.units: dict[str, str] = {}

    def place(self, path: str, suffix: str, start: Any, unit: str) -> int:
        """The index of a parameter, added where it is new. Raises ValueError where its bound excludes its start."""
        name = path + suffix
        if name not in self.bounds:
            if not is_concrete(start) or np.ndim(start):
                raise ValueError(f"{name} = {start!r} is not one number, so it cannot be a free parameter")
            bound = self.free.get(name) or self.free.get(path) or default_bound(path, unit, float(start))
            if not bound.contains(float(start)):
                raise ValueError(
                    f"the start {name} = {float(start):g} {unit} is outside its bound ({bound.describe(unit)}); "
                    "move the start or widen the bound"
                )
            self.bounds[name], self.units[name] = bound, unit
            self.values.append(float(start))
        return list(self.bounds).index(name)


def prepare(
    model: Oscillator,
    experiments: tuple[Experiment, ...],
    free: Mapping[str, Bound | None] | Iterable[str] | str,
    *,
    dt: float | None = None,
    stepper: Stepper | None = None,
    engine: Engine | None = None,
) -> Prepared:
    """The problem of a fit. Raises ValueError for an unknown parameter, a bound that excludes the start, too few
    samples."""
    if not isinstance(model, Oscillator):
        raise ValueError(f"a fit needs an Oscillator, got {type(model).__name__}; see llgrad.presets")
    given = dict(free) if isinstance(free, Mapping) else dict.fromkeys([free] if isinstance(free, str) else free)
    if not given:
        raise ValueError("no free parameter: name at least one, such as free=['alpha', 'current', 'field.z']")
    _check_names(model, experiments, given)
    parameters, stepper = _Parameters(given), stepper or RK4()
    devices = [_set(model, experiment) for experiment in experiments]
    many, unknown, references = len(experiments) > 1, [], []
    places = []
    for row, (device, experiment) in enumerate(zip(devices, experiments, strict=True)):
        label = f"[{experiment.label or row + 1}]" if many else ""
        state, fitted, known = _reference_state(device, experiment)
        references.append(state)
        unknown += [] if known else [row]
        paths = [*(path for path in given if _has(path, experiment)), *(t for t in fitted if t not in given)]
        places.append(_places(parameters, device, experiment, paths, label))
    rates = [_rate(d, e.drive, p, parameters) for d, e, p in zip(devices, experiments, places, strict=True)]
    if dt is not None:
        for device, experiment in zip(devices, experiments, strict=True):
            check_dt(dt, device, experiment.drive, stepper)
    recordings = tuple(
        _recording(device, experiment, place, row, rate, dt, stepper, engine)
        for row, (device, experiment, place, rate) in enumerate(zip(devices, experiments, places, rates, strict=True))
    )
    bounds = jax.tree.map(jnp.asarray, tuple(parameters.bounds.values()))
    problem = Problem(recordings, bounds, tuple(parameters.bounds), jnp.asarray(max(rates)))
    if problem.size <= len(problem.names):
        raise ValueError(
            f"the data have {problem.size} values for {len(problem.names)} free parameters; record more samples"
        )
    return Prepared(problem, np.array(parameters.values), np.array(references), tuple(unknown))


def _has(path: str, experiment: Experiment) -> bool:
    """Whether a parameter belongs to an experiment: a drive's, a delay and a filter only to one that has it."""
    if path in (*TILTS, "delay") and experiment.segment is not None:
        return False
    if path in (*TILTS, "delay") or path.startswith("drive."):
        return isinstance(experiment.data, Trace) and (not path.startswith("drive.") or experiment.drive is not None)
    if path == "line_width":
        return isinstance(experiment.data, Spectrum)
    return path != "bandwidth" or experiment.bandwidth is not None


def _places(
    parameters: _Parameters, device: Oscillator, experiment: Experiment, paths: list[str], label: str
) -> tuple[tuple[str, int], ...]:
    units = units_of(device, experiment.drive)
    found = []
    for path in paths:
        if path in TILTS:
            start: Any = 0.0
        elif path == "line_width":
            start = peak_of(experiment.data).line_width if isinstance(experiment.data, Spectrum) else None
        elif path in RECORDER:
            start = getattr(experiment, path)
        elif path.startswith("drive."):
            start = get_leaf(experiment.drive, path.removeprefix("drive."))
        else:
            start = get_leaf(device, path)
        own = path in experiment.apart or path in (*TILTS, "line_width") or path in experiment.settings
        found.append((path, parameters.place(path, label if own else "", start, units[path])))
    return tuple(found)


def _check_names(model: Oscillator, experiments: tuple[Experiment, ...], given: Mapping[str, Any]) -> None:
    units: dict[str, str] = {}
    for experiment in experiments:
        units |= units_of(model, experiment.drive)
    for name in itertools.chain(given, *(experiment.apart for experiment in experiments)):
        if name.split("[")[0] not in units:
            raise ValueError(f"unknown parameter {name!r}; the free parameters can be {', '.join(units)}")
    if "bandwidth" in given and all(experiment.bandwidth is None for experiment in experiments):
        raise ValueError("bandwidth is free but has no start; give the experiment one, such as bandwidth=1e9")


def _set(model: Oscillator, experiment: Experiment) -> Oscillator:
    """The device as it was set in an experiment."""
    units = leaf_units(model)
    for path, value in experiment.settings.items():
        if path not in units:
            raise ValueError(f"the setting {path!r} is none of the device's: {', '.join(units)}")
        model = set_leaf(model, path, float(value))
    if isinstance(experiment.data, FrequencyTable) and experiment.data.setting not in units:
        raise ValueError(f"the table's setting {experiment.data.setting!r} is none of the device's: {', '.join(units)}")
    return model.replace()  # checks its ranges again


def _reference_state(model: Oscillator, experiment: Experiment) -> tuple[np.ndarray, tuple[str, ...], bool]:
    """The state at the first sample, what is always free beside it, and whether it is known (roughly, at least)."""
    if experiment.segment is not None:
        return np.array([0.0, 0.0, 1.0]), (), True
    if experiment.m0 is not None:
        state = start_of(model, experiment.m0)
        width = ("line_width",) if isinstance(experiment.data, Spectrum) else ()
        return np.array([float(c) for c in (state.x, state.y, state.z)]), width, True
    data = experiment.data
    if not isinstance(data, Trace):
        away = direction(1.0, 0.5)
        width = ("line_width",) if isinstance(data, Spectrum) else ()
        return np.array([away.x, away.y, away.z]), width, True
    if {"mx", "my", "mz"} <= set(data.columns):
        first = np.array([float(data.columns[name][0]) for name in ("mx", "my", "mz")])
        length = float(np.linalg.norm(first))
        if not 0.5 < length < 1.5:
            raise ValueError(
                f"the first sample (mx, my, mz) has the length {length:.3g}, expected about 1; is the trace "
                "a unit vector?"
            )
        return first / length, TILTS, True
    state = start_of(model, None)
    return np.array([float(c) for c in (state.x, state.y, state.z)]), TILTS, False


def _rate(
    model: Oscillator, drive: Drive | None, places: tuple[tuple[str, int], ...], parameters: _Parameters
) -> float:
    """The largest precession rate [rad/s] at the start and at one and a half times the starting field and current."""
    wider = model
    for path, index in places:
        if path == "current" or path.startswith(("field.", "terms.")):
            wider = set_leaf(wider, path, 1.5 * parameters.values[index])
    return max(largest_rate(model, drive), largest_rate(wider, drive))


def _recording(
    model: Oscillator,
    experiment: Experiment,
    places: tuple[tuple[str, int], ...],
    row: int,
    rate: float,
    dt: float | None,
    stepper: Stepper,
    engine: Engine | None,
) -> Recording:
    data = experiment.data
    finer = min(FINER * ANGLE[stepper.tableau.order] / rate, suggest_dt(model, experiment.drive, stepper))
    free_model, free_drive = with_free_leaves(model, experiment.drive, [path for path, _ in places])
    common: dict[str, Any] = {
        "model": free_model,
        "drive": free_drive,
        "delay": experiment.delay,
        "bandwidth": experiment.bandwidth,
        "places": places,
        "row": row,
        "label": experiment.label or str(row + 1),
        "stepper": stepper,
        "engine": engine,
    }
    sigma = experiment.noise or 1.0
    if isinstance(data, FrequencyTable):
        return _table(data, common, sigma, dt or 2.5 * finer, rate)
    if isinstance(data, Spectrum):
        return _spectrum(data, common, sigma, dt or 2.5 * finer, rate)
    t = np.asarray(data.t, dtype=float) - float(data.t[0])
    values = np.stack([np.asarray(column, dtype=float) for column in data.columns.values()], axis=1)
    if experiment.segment is not None:
        return _segmented(data, values, common, sigma, experiment.segment, dt or finer)
    delayed = "delay" in dict(places) or experiment.delay > 0
    lead = 2 * experiment.delay + 1e-9 if delayed else 0.0
    even = bool(data.evenly_spaced) and experiment.bandwidth is None
    step, every, duration = grid_of_trace(t, even, data.dt, dt or finer, lead)
    _check_steps(duration, step)
    return TraceRecording(
        **common,
        data=jnp.asarray(values),
        sigma=jnp.full(values.shape, sigma),
        t=jnp.asarray(t),
        columns=tuple(data.columns),
        step=step,
        save_every=every,
        duration=duration,
    )


def _check_steps(duration: float, step: float) -> None:
    if duration / step > MOST_STEPS:
        raise ValueError(
            "the start cannot be simulated: its field is so large that this trace takes "
            f"{duration / step:.2g} steps of {show(step, 's')}; check the values of the device and the start"
        )


def _segmented(
    data: Trace, values: np.ndarray, common: dict[str, Any], sigma: float, segment: float, step: float
) -> SegmentedRecording:
    """The pieces of a trace; `stages` finds where they start."""
    count = samples_of(data, segment)
    pieces = data.t.size // count
    values = values[: pieces * count]
    step, every, duration = grid_of_trace(data.t[:count], True, data.dt, step, 0.0)
    return SegmentedRecording(
        **common,
        data=jnp.asarray(values),
        sigma=jnp.full(values.shape, sigma),
        columns=tuple(data.columns),
        step=step,
        save_every=every,
        duration=duration,
        starts=jnp.tile(jnp.array([0.0, 0.0, 1.0]), (pieces, 1)),
    )


def _table(data: FrequencyTable, common: dict[str, Any], sigma: float, step: float, rate: float) -> TableRecording:
    errors = np.ones(data.values.size) if data.errors is None else data.errors
    weights = errors / np.sqrt(np.mean(errors**2))
    return TableRecording(
        **common,
        **_orbit(step, rate, float(data.frequencies.min())),
        data=jnp.asarray(data.frequencies)[:, None],
        sigma=jnp.asarray(sigma * weights)[:, None],
        setting=data.setting,
        settings=jnp.asarray(data.values),
    )


def _spectrum(data: Spectrum, common: dict[str, Any], noise: float, step: float, rate: float) -> SpectrumRecording:
    peak = peak_of(data)
    return SpectrumRecording(
        **common,
        **_orbit(step, rate, peak.frequency),
        data=jnp.asarray(data.density)[:, None],
        sigma=jnp.asarray(noise * np.maximum(peak(data.frequency), 1e-3 * float(np.max(data.density))))[:, None],
        frequencies=jnp.asarray(data.frequency),
        peak=jnp.asarray(peak.frequency),
        peak_error=jnp.asarray(peak.frequency_error),
        by_peak=False,
    )


def _orbit(step: float, rate: float, slowest: float) -> dict[str, Any]:
    """How long an orbit settles, and is measured: at least 20 periods of the slowest frequency [Hz] recorded."""
    period = 2 * np.pi / rate
    every = max(1, int(period / 16 / step))
    sample = every * step
    return {
        "step": step,
        "save_every": every,
        "settled": int(SETTLING * period / sample),
        "measured": _rounded_up(max(20 / slowest, 20 * period) / sample),
    }


def _rounded_up(count: float) -> int:
    """The next whole number of three binary digits and zeros: tables that differ by their noise share one program."""
    unit = 2 ** max(int(count).bit_length() - 3, 0)
    return int(-(-count // unit)) * unit
