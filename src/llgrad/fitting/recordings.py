"""From one experiment to what is fitted: its time grid, its weights, and the states that its runs begin from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.doors import by_door
from llgrad.core.record import is_concrete, leaf_units
from llgrad.core.units import show
from llgrad.datasets.peaks import peak_of
from llgrad.datasets.trace import Trace
from llgrad.devices.bounds import Bound
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.ranges import direction
from llgrad.devices.system import System
from llgrad.fitting.loops.branches.memory import BranchMemory
from llgrad.fitting.loops.measured import MeasuredLoop, SwitchingFields
from llgrad.fitting.loops.reading_out import still
from llgrad.fitting.loops.recording import LoopRecording
from llgrad.fitting.loops.switching import SwitchingRecording
from llgrad.fitting.orbits.cycles import Near
from llgrad.fitting.orbits.looking import COUNT
from llgrad.fitting.orbits.recording import TableRecording
from llgrad.fitting.orbits.spectra import SpectrumRecording
from llgrad.fitting.orbits.tables.table import OF_NOISE, OrbitTable, as_orbit_table
from llgrad.fitting.targets.checks import check_length
from llgrad.fitting.targets.experiment import Experiment, samples_of
from llgrad.fitting.targets.recording import LINE, Driven, Model, Recording, recorder_path, with_free_leaves
from llgrad.fitting.targets.segmented import SegmentedRecording
from llgrad.fitting.targets.starting import StateForm, form_of, given_start
from llgrad.fitting.targets.traces import TraceRecording, grid_of_trace
from llgrad.kernels.steppers import Stepper
from llgrad.observables.spectrum import Spectrum
from llgrad.orbits.flow import flow_of
from llgrad.solve.step_size import ANGLE, suggest_dt
from llgrad.solve.systems import drive_of_system, step_of_system
from llgrad.solve.task import Engine

MOST_STEPS: Final = 3_000_000
"""Steps of one run above which a start is refused: its fields are a mistake in a unit or a power of ten."""

FINER: Final = 0.4
"""A fit's step, as a fraction of the suggested one: the integration error must stay below the data's information."""


def derives_width(model: Model, experiment: Experiment, given: Mapping[str, Any]) -> bool:
    """Whether the width of a spectrum's line is that of the model's own noise, and no parameter."""
    if not isinstance(experiment.data, Spectrum) or recorder_path(model, "line_width") in _plain(given):
        return False
    return bool(model.noises) if isinstance(model, System) else "temperature" in _plain(given) or _hot(model)


def _plain(names: Mapping[str, Any]) -> set[str]:
    """Names without the labels of experiments."""
    return {name.split("[")[0] for name in names}


def _hot(device: Oscillator) -> bool:
    return is_concrete(device.temperature) and float(np.min(np.asarray(device.temperature))) > 0


def check_noise(model: Model, table: OrbitTable) -> None:
    """Raise ValueError where a table holds what there is only with noise, and the model has none."""
    named = [name for name in table.measured if name in OF_NOISE]
    if not named:
        return
    if isinstance(model, System):
        if not model.noises:
            raise ValueError(
                f"the table has a {named[0]}, and {type(model).__name__} has no noise to make one; declare noises = …, "
                "or leave the column out"
            )
        return
    known = np.isfinite(np.stack([table.measured[name] for name in named])).any(axis=0)
    rows = np.broadcast_to(table.settings.get("temperature", np.asarray(model.temperature, float)), known.shape)
    cold = known & ~(rows > 0)
    if cold.any():
        where = f" in row {int(np.argmax(cold))}" if "temperature" in table.settings else ""
        raise ValueError(
            f"the table has a {named[0]} at temperature = 0 K{where}: without noise a line has no width; give the "
            f"device its temperature, {by_door('device.replace(temperature=300.0)', '--set temperature=300K')}, or the "
            "table a column of temperatures"
        )


def reference_state(
    model: Model, experiment: Experiment, by_itself: bool, derived: bool
) -> tuple[np.ndarray, tuple[str, ...], bool]:
    """The state at the first sample (n,), what is always free beside it, and whether it is known, roughly at least."""
    form, data = form_of(model), experiment.data
    width = (recorder_path(model, "line_width"),) if isinstance(data, Spectrum) and not derived else ()
    if experiment.m0 is not None:
        return form.numbers(given_start(model, experiment.m0)), width, True
    if isinstance(model, System):
        return _reference_of_system(model, form, experiment, by_itself, width)
    if experiment.segment is not None:
        return np.array([0.0, 0.0, 1.0]), (), True
    if not isinstance(data, Trace):
        away = direction(1.0, 0.5)
        return np.array([away.x, away.y, away.z]), width, True
    if {"mx", "my", "mz"} <= set(data.columns):
        check_length(data)
        first = np.array([float(data.columns[name][0]) for name in ("mx", "my", "mz")])
        length = float(np.linalg.norm(first))
        return first / length, tuple(form.moves), True
    return form.numbers(given_start(model, None)), tuple(form.moves), False


def _reference_of_system(
    model: System, form: StateForm, experiment: Experiment, by_itself: bool, width: tuple[str, ...]
) -> tuple[np.ndarray, tuple[str, ...], bool]:
    """Its own start, with the components that are recorded as the first row has them."""
    state, data = form.numbers(given_start(model, None)), experiment.data
    if by_itself or not isinstance(data, Trace):
        return state, width, True
    recorded = [name in data.columns for name in form.names]
    for place, name in enumerate(form.names):
        state[place] = data.columns[name][0] if recorded[place] else state[place]
    for place in form.spins:  # of one whose components are recorded in part, the screening finds the rest
        spin = state[place : place + 3]
        state[place : place + 3] = spin / max(float(np.linalg.norm(spin)), 1e-300)
    return state, tuple(form.moves), all(recorded)


class RunStepping(NamedTuple):
    """What a run is stepped with."""

    dt: float | None
    stepper: Stepper
    engine: Engine | None


class Free(NamedTuple):
    """What is free: the names as they were given, the places of one experiment's, and the bounds of all; and whether
    its run begins by itself."""

    given: Mapping[str, Any]
    places: tuple[tuple[str, int], ...]
    bounds: Sequence[Bound]
    by_itself: bool = False


def suggested_step(model: Model, drive: Driven, stepper: Stepper) -> float:
    """The step [s] that a simulation would take. Raises ValueError where nobody knows how fast a system turns."""
    if isinstance(model, System):
        return step_of_system(model, drive_of_system(model, drive), stepper, None)
    return suggest_dt(model, drive, stepper)  # pyright: ignore[reportArgumentType]  (a Drive, by `prepare`)


def recording_of(
    model: Model, experiment: Experiment, row: int, rate: float, grid: RunStepping, free: Free
) -> Recording:
    """One experiment, ready to be fitted; `rate` [rad/s] is its fastest precession."""
    data = experiment.data
    if isinstance(data, Trace):
        return _trace(model, data, experiment, row, rate, grid, free)
    common = _common(model, experiment, row, free)
    sigma = experiment.noise or 1.0
    if isinstance(data, Spectrum):
        return _spectrum(data, common, sigma, derives_width(model, experiment, free.given))
    if isinstance(data, (MeasuredLoop, SwitchingFields)):
        return _loop(model, data, common, sigma, experiment.m0)
    return _table(as_orbit_table(data), common, sigma)


def _common(model: Model, experiment: Experiment, row: int, free: Free) -> dict[str, Any]:
    """What recordings of all kinds have."""
    free_model, free_drive = with_free_leaves(model, experiment.drive, [path for path, _ in free.places])
    gain, offset = _line(model, experiment, free.given)
    return {
        "model": free_model,
        "drive": free_drive,
        "delay": experiment.delay,
        "bandwidth": experiment.bandwidth,
        "gain": gain,
        "offset": offset,
        "places": free.places,
        "row": row,
        "label": experiment.label or str(row + 1),
        "form": form_of(model),
        "by_itself": free.by_itself,
    }


def _trace(
    model: Model, data: Trace, experiment: Experiment, row: int, rate: float, grid: RunStepping, free: Free
) -> Recording:
    stepper = grid.stepper
    finer = grid.dt or min(
        FINER * ANGLE[stepper.tableau.order] / rate, suggested_step(model, experiment.drive, stepper)
    )
    common = _common(model, experiment, row, free) | {"stepper": stepper, "engine": grid.engine}
    sigma = experiment.noise or 1.0
    t = np.asarray(data.t, dtype=float) - float(data.t[0])
    values = np.stack([np.asarray(column, dtype=float) for column in data.columns.values()], axis=1)
    if experiment.segment is not None:
        return _segmented(data, values, common, sigma, experiment.segment, finer)
    even = bool(data.evenly_spaced) and experiment.bandwidth is None
    step, every, duration = grid_of_trace(t, even, data.dt, finer, _lead(model, experiment, free))
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


def _lead(model: Model, experiment: Experiment, free: Free) -> float:
    """The longest delay [s] that the search may come to: so much longer is simulated."""
    place = dict(free.places).get(recorder_path(model, "delay"))
    return experiment.delay if place is None else free.bounds[place].limits[1]


def _line(model: Model, experiment: Experiment, given: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Gain and offset of a voltage, or of the only column of a system, where they are held, None where they are
    found."""
    data, loop = experiment.data, isinstance(experiment.data, MeasuredLoop)
    if not loop and (not isinstance(data, Trace) or not (isinstance(model, System) or "voltage" in data.columns)):
        return 1.0, 0.0
    held, paths = [], [recorder_path(model, name) for name in LINE]
    if (
        isinstance(data, Trace)
        and isinstance(model, System)
        and len(data.columns) > 1
        and (one := [path for path in paths if path in given])
    ):
        raise ValueError(
            f"{one[0]} is free, but the trace has the columns {', '.join(data.columns)}, which one gain would scale "
            "alike; fit one column, or let an output of the system scale each"
        )
    for name, path, own in zip(LINE, paths, (1.0, 0.0), strict=True):
        value = getattr(experiment, name)
        if value is not None and path in given:
            raise ValueError(f"{path} is free, but the experiment holds it at {value:g}; leave one of the two out")
        found = path in given or (isinstance(model, Oscillator) and model.junction is None and not loop)
        held.append(value if value is not None else None if found else own)
    return held[0], held[1]


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


def _table(data: OrbitTable, common: dict[str, Any], sigma: float) -> TableRecording:
    measured = np.stack(list(data.measured.values()), axis=1)
    rows, columns = np.nonzero(np.isfinite(measured))
    values = measured[rows, columns]
    errors = np.stack([data.errors.get(name, np.ones(len(measured))) for name in data.measured], axis=1)[rows, columns]
    scale, several = np.ones(measured.shape[1]), measured.shape[1] > 1
    for place in range(measured.shape[1]) if several else ():
        scale[place] = np.sqrt(np.mean(errors[columns == place] ** 2))
    weights = errors / (scale[columns] if several else np.sqrt(np.mean(errors**2)))
    units = leaf_units(common["model"])
    return TableRecording(
        **common,
        **_orbits(common["form"], len(measured)),
        data=(values / scale[columns])[:, None],
        sigma=(sigma * weights)[:, None],
        settings=np.stack(list(data.settings.values()), axis=1),
        paths=tuple(data.settings),
        units=tuple(units[path] for path in data.settings),
        quantities=tuple(data.measured),
        options=tuple(data.options[name] for name in data.measured),
        scale=scale,
        row_of=rows,
        column_of=columns,
    )


def _loop(
    model: Model, data: MeasuredLoop | SwitchingFields, common: dict[str, Any], sigma: float, m0: Any
) -> LoopRecording:
    flow, loop = flow_of(still(model)), data if isinstance(data, MeasuredLoop) else data.loop
    fields = {
        "near": (),
        "data": jnp.asarray(data.values)[:, None],
        "field": loop.field,
        "axes": np.array([loop.angles[first] for first, _ in loop.curves]),
        "curves": loop.curves,
        "quantity": loop.quantity,
        "unit": data.unit,
        "memory": BranchMemory(),
        "begun": None if m0 is None else tuple(map(float, jax.tree.leaves(given_start(model, m0)))),
        "size": float(np.ptp(loop.field)),
        "scale": flow.scale,
        "shape": flow.shape,
    }
    if isinstance(data, SwitchingFields):
        weights = data.errors / np.sqrt(np.mean(data.errors**2))
        return SwitchingRecording(**common, **fields, sigma=jnp.asarray(sigma * weights)[:, None], jumps=data.rows)
    return LoopRecording(**common, **fields, sigma=jnp.full((data.values.size, 1), sigma))


def _spectrum(data: Spectrum, common: dict[str, Any], noise: float, derived: bool) -> SpectrumRecording:
    peak = peak_of(data)
    return SpectrumRecording(
        **common,
        **_orbits(common["form"], 1),
        data=jnp.asarray(data.density)[:, None],
        sigma=jnp.asarray(noise * np.maximum(peak(data.frequency), 1e-3 * float(np.max(data.density))))[:, None],
        frequencies=jnp.asarray(data.frequency),
        settings=jnp.zeros((1, 0)),
        peak=jnp.asarray(peak.frequency),
        peak_error=jnp.asarray(peak.frequency_error),
        by_peak=jnp.asarray(False),
        paths=(),
        derived=derived,
    )


def _orbits(form: StateForm, count: int) -> dict[str, Any]:
    """Room for orbits, which are looked for before the search begins."""
    return {"near": Near(np.zeros((count, COUNT, len(form.names))), np.full(count, np.nan))}
