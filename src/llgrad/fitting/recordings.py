"""From one experiment to what is fitted: its time grid, its weights, and the states that its runs begin from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import jax.numpy as jnp
import numpy as np

from llgrad.core.record import leaf_units
from llgrad.core.units import show
from llgrad.datasets.frequencies import FrequencyTable
from llgrad.datasets.peaks import peak_of
from llgrad.datasets.trace import Trace
from llgrad.devices.bounds import Bound
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.ranges import direction
from llgrad.fitting.targets.checks import check_length
from llgrad.fitting.targets.experiment import Experiment, samples_of
from llgrad.fitting.targets.recording import LINE, TILTS, Recording, with_free_leaves
from llgrad.fitting.targets.segmented import SegmentedRecording
from llgrad.fitting.targets.spectra import SpectrumRecording
from llgrad.fitting.targets.tables import TableRecording
from llgrad.fitting.targets.traces import TraceRecording, grid_of_trace
from llgrad.kernels.steppers import Stepper
from llgrad.observables.spectrum import Spectrum
from llgrad.solve.start import start_of
from llgrad.solve.step_size import ANGLE, suggest_dt
from llgrad.solve.task import Engine

MOST_STEPS: Final = 3_000_000
"""Steps of one run above which a start is refused: its fields are a mistake in a unit or a power of ten."""

FINER: Final = 0.4
"""A fit's step, as a fraction of the suggested one: the integration error must stay below the data's information."""

MEASURED: Final = 10.0
"""And for how long it is measured, in periods of the slowest frequency that was recorded."""

FINER_TURN: Final = 2.0
"""Steps of the closed orbit of the slowest frequency, over those of the run that leads to it: it is one period only."""

FEWEST_STEPS: Final = 128
"""Steps of a period."""

SETTLING: Final = 100.0
"""How long an orbit settles before its frequency is measured, in periods of the fastest precession."""


def reference_state(model: Oscillator, experiment: Experiment) -> tuple[np.ndarray, tuple[str, ...], bool]:
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
        check_length(data)
        first = np.array([float(data.columns[name][0]) for name in ("mx", "my", "mz")])
        length = float(np.linalg.norm(first))
        return first / length, TILTS, True
    state = start_of(model, None)
    return np.array([float(c) for c in (state.x, state.y, state.z)]), TILTS, False


class Grid(NamedTuple):
    """What a run is stepped with."""

    dt: float | None
    stepper: Stepper
    engine: Engine | None


class Free(NamedTuple):
    """What is free: the names as they were given, the places of one experiment's, and the bounds of all."""

    given: Mapping[str, Any]
    places: tuple[tuple[str, int], ...]
    bounds: Sequence[Bound]


def recording_of(model: Oscillator, experiment: Experiment, row: int, rate: float, grid: Grid, free: Free) -> Recording:
    """One experiment, ready to be fitted; `rate` [rad/s] is its fastest precession."""
    data, stepper = experiment.data, grid.stepper
    finer = min(FINER * ANGLE[stepper.tableau.order] / rate, suggest_dt(model, experiment.drive, stepper))
    free_model, free_drive = with_free_leaves(model, experiment.drive, [path for path, _ in free.places])
    gain, offset = _line(model, experiment, free.given)
    common: dict[str, Any] = {
        "model": free_model,
        "drive": free_drive,
        "delay": experiment.delay,
        "bandwidth": experiment.bandwidth,
        "gain": gain,
        "offset": offset,
        "places": free.places,
        "row": row,
        "label": experiment.label or str(row + 1),
        "stepper": stepper,
        "engine": grid.engine,
    }
    sigma = experiment.noise or 1.0
    if isinstance(data, FrequencyTable):
        return _table(data, common, sigma, grid.dt or 2.5 * finer, rate)
    if isinstance(data, Spectrum):
        return _spectrum(data, common, sigma, grid.dt or 2.5 * finer, rate)
    t = np.asarray(data.t, dtype=float) - float(data.t[0])
    values = np.stack([np.asarray(column, dtype=float) for column in data.columns.values()], axis=1)
    if experiment.segment is not None:
        return _segmented(data, values, common, sigma, experiment.segment, grid.dt or finer)
    even = bool(data.evenly_spaced) and experiment.bandwidth is None
    step, every, duration = grid_of_trace(t, even, data.dt, grid.dt or finer, _lead(experiment, free))
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


def _lead(experiment: Experiment, free: Free) -> float:
    """The longest delay [s] that the search may come to: so much longer is simulated."""
    place = dict(free.places).get("delay")
    return experiment.delay if place is None else free.bounds[place].limits[1]


def _line(model: Oscillator, experiment: Experiment, given: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Gain and offset of a voltage where they are held, None where they are found."""
    data = experiment.data
    if not isinstance(data, Trace) or "voltage" not in data.columns:
        return 1.0, 0.0
    held = []
    for name, own in zip(LINE, (1.0, 0.0), strict=True):
        value = getattr(experiment, name)
        if value is not None and name in given:
            raise ValueError(f"{name} is free, but the experiment holds it at {value:g}; leave one of the two out")
        found = name in given or model.junction is None
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


def _table(data: FrequencyTable, common: dict[str, Any], sigma: float, step: float, rate: float) -> TableRecording:
    errors = np.ones(data.values.size) if data.errors is None else data.errors
    weights = errors / np.sqrt(np.mean(errors**2))
    return TableRecording(
        **common,
        **_orbit(step, rate, float(data.frequencies.min()), data.values.size),
        data=jnp.asarray(data.frequencies)[:, None],
        sigma=jnp.asarray(sigma * weights)[:, None],
        setting=data.setting,
        unit=leaf_units(common["model"])[data.setting],
        settings=jnp.asarray(data.values),
    )


def _spectrum(data: Spectrum, common: dict[str, Any], noise: float, step: float, rate: float) -> SpectrumRecording:
    peak = peak_of(data)
    return SpectrumRecording(
        **common,
        **_orbit(step, rate, peak.frequency, 1),
        data=jnp.asarray(data.density)[:, None],
        sigma=jnp.asarray(noise * np.maximum(peak(data.frequency), 1e-3 * float(np.max(data.density))))[:, None],
        frequencies=jnp.asarray(data.frequency),
        settings=jnp.zeros(1),
        peak=jnp.asarray(peak.frequency),
        peak_error=jnp.asarray(peak.frequency_error),
        by_peak=False,
    )


def _orbit(step: float, rate: float, slowest: float, count: int) -> dict[str, Any]:
    """How long an orbit settles, and is measured: at least 10 periods of the slowest frequency [Hz] recorded."""
    period = 2 * np.pi / rate
    every = max(1, int(period / 16 / step))
    begun = direction(1.0, 0.5)
    sample = every * step
    return {
        "starts": jnp.tile(jnp.array([begun.x, begun.y, begun.z]), (count, 1)),
        "step": step,
        "save_every": every,
        "settled": int(SETTLING * period / sample),
        "measured": _rounded_up(max(MEASURED / slowest, MEASURED * period) / sample),
        "turn": 2 ** math.ceil(math.log2(max(FINER_TURN / slowest / step, FEWEST_STEPS))),
    }


def _rounded_up(count: float) -> int:
    """The next whole number of three binary digits and zeros: tables that differ by their noise share one program."""
    unit = 2 ** max(int(count).bit_length() - 3, 0)
    return int(-(-count // unit)) * unit
