"""How much a trace at each of many settings would tell: its Fisher information JᵀJ/σ², all settings in one batch."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.rechecking import rechecked
from llgrad.core.record import get_leaf, set_leaf
from llgrad.core.status import Outcome
from llgrad.core.vector import Vec3
from llgrad.datasets.trace import Trace
from llgrad.devices.oscillator import Oscillator
from llgrad.fitting.assembly import prepare
from llgrad.fitting.planning.known import KnownParameters
from llgrad.fitting.recordings import FINER
from llgrad.fitting.targets.experiment import Experiment
from llgrad.fitting.targets.recording import LINE, TILTS
from llgrad.fitting.targets.traces import TraceRecording
from llgrad.solve.saving import End
from llgrad.solve.simulate import simulate
from llgrad.solve.start import default_start
from llgrad.solve.step_size import suggest_dt
from llgrad.solve.task import Engine

BATCH: Final = 64
"""Settings that are simulated at once."""


class Recorder(NamedTuple):
    """How every candidate would be recorded."""

    duration: float
    """[s]"""
    interval: float
    """Time between two samples [s]."""
    noise: float
    """Standard deviation of a recorded value."""
    columns: tuple[str, ...]
    settling: float
    """Time [s] from the default start to the first sample; 0 records the transient itself."""
    gain: float = 1.0
    """Of a voltage: the factor of that of the junction, or the volts for each unit of m·p of a device without one."""


class Fisher(NamedTuple):
    """JᵀJ/σ² of K candidates with respect to the physical values of `paths`, two tilts, and what is unknown of gain and
    offset."""

    whole: np.ndarray
    """(K, q, q)"""
    paths: tuple[str, ...]
    fine: np.ndarray
    """Whether the run went well (K,)."""
    simulations: int

    def told(self, known: KnownParameters, apart: Sequence[str]) -> np.ndarray:
        """Information (K, p, p) on the relative changes of the known parameters; what a trace has for itself, `apart`
        and its start, gain and offset, is marginalised."""
        places = np.array([i for i, name in enumerate(known.names) if name not in apart])
        kept = [self.paths.index(known.names[i]) for i in places]
        own = [i for i in range(self.whole.shape[1]) if i >= len(self.paths) or self.paths[i] in apart]
        total = np.zeros((len(self.whole), len(known.names), len(known.names)))
        scale = known.scale[places]
        total[:, places[:, None], places[None, :]] = _marginal(self.whole, kept, own) * np.outer(scale, scale)
        return total


def fisher_of(
    known: KnownParameters,
    names: tuple[str, ...],
    grid: np.ndarray,
    recorder: Recorder,
    engine: Engine | None,
    report: Callable[[float], None],
) -> Fisher:
    """Simulate the settings grid (K, len(names)) with their sensitivities; `report` is told the fraction done."""
    paths = tuple(dict.fromkeys([*known.names, *known.apart, *names]))
    recording = _template(known, paths, names, grid, recorder, engine)
    values = np.tile([float(get_leaf(known.model, path)) for path in paths] + [0.0, 0.0], (len(grid), 1))
    values[:, [paths.index(name) for name in names]] = grid
    parts, fine = [], []
    size = min(BATCH, len(grid))
    for first in range(0, len(grid), size):
        rows = np.arange(first, first + size) % len(grid)  # the last batch is filled up: its size is compiled in
        found = _fisher(recording, jnp.asarray(values[rows]), recorder.settling, recorder.gain)
        parts.append(np.asarray(found[0])[: len(grid) - first])
        fine.append(np.asarray(found[1])[: len(grid) - first])
        report(min(1.0, (first + size) / len(grid)))
    runs = 3 + len(paths) + (recorder.settling > 0)  # the run, its tangents, and the settling
    return Fisher(np.concatenate(parts), paths, np.concatenate(fine), len(grid) * runs)


def corners(model: Oscillator, settings: Mapping[str, Sequence[float] | np.ndarray]) -> list[Oscillator]:
    """The device at the edges of the grid, its ranges checked."""
    found = []
    for edge in itertools.product(*({min(values), max(values)} for values in settings.values())):
        device = model
        for name, value in zip(settings, edge, strict=True):
            device = set_leaf(device, name, float(value))
        found.append(rechecked(device))
    return found


def _template(
    known: KnownParameters,
    paths: tuple[str, ...],
    names: tuple[str, ...],
    grid: np.ndarray,
    recorder: Recorder,
    engine: Engine | None,
) -> TraceRecording:
    """One recording for all candidates: everything that differs between them is free in it."""
    edges = {name: (float(grid[:, i].min()), float(grid[:, i].max())) for i, name in enumerate(names)}
    dt = FINER * min(suggest_dt(device) for device in corners(known.model, edges))
    t = np.arange(round(recorder.duration / recorder.interval) + 1) * recorder.interval
    trace = Trace(t, {name: np.zeros(t.size) for name in recorder.columns})
    held = dict(zip(LINE, known.held, strict=True)) if "voltage" in recorder.columns else {}
    experiment = Experiment(trace, m0=(0.0, 0.0, 1.0), noise=recorder.noise, **held)
    found = [name for name, value in held.items() if value is None]
    prepared = prepare(known.model, (experiment,), [*paths, *TILTS, *found], dt=dt, engine=engine)
    recording = prepared.problem.recordings[0]
    if not isinstance(recording, TraceRecording):
        raise TypeError(f"a trace gave a {type(recording).__name__}")
    return recording


@eqx.filter_jit
def _fisher(recording: TraceRecording, values: Any, settling: float, gain: float) -> tuple[Any, Any]:
    """JᵀJ/σ² of each row of values (S, p) with respect to the physical values, and whether the run went well."""
    place = recording.voltage_column
    unknown = [LINE.index(name) for name in recording.free_line]

    def one(values: Any) -> tuple[Any, Any]:
        m0, settled = _start(recording, values, settling)

        def f(values: Any) -> tuple[Any, Any]:
            columns, fine = recording.signals(recording.bind(values, m0))
            signal = jnp.stack(columns, axis=1)
            scaled = signal if place is None else signal.at[:, place].multiply(gain)
            return scaled / recording.sigma, (signal / recording.sigma, fine)

        slopes, (signal, fine) = jax.jacfwd(f, has_aux=True)(values)
        if place is not None:
            line = jnp.zeros((*signal.shape, 2)).at[:, place, 0].set(signal[:, place])
            line = line.at[:, place, 1].set(1 / recording.sigma[:, place])
            slopes = jnp.concatenate([slopes, line[:, :, np.array(unknown, int)]], axis=2)
        slopes = slopes.reshape(-1, slopes.shape[-1])
        fine = fine & settled & jnp.isfinite(slopes).all()
        return jnp.where(fine, slopes.T @ slopes, jnp.zeros(())), fine

    return jax.vmap(one)(values)


def _start(recording: TraceRecording, values: Any, settling: float) -> tuple[Any, Any]:
    """The state (3,) at the first sample, and whether the run up to it went well. It carries no sensitivity: the start
    is unknown."""
    model = jax.lax.stop_gradient(recording.bind(values, jnp.array([0.0, 0.0, 1.0])).model)
    state: Vec3 = default_start(model)
    if not settling:
        return state.stack(), jnp.asarray(True)
    run = simulate(
        model, duration=settling, dt=recording.step, m0=state, save=End(), stepper=recording.stepper,
        engine=recording.engine, throw=False,
    )  # fmt: skip
    return run.m[-1], run.status.code == Outcome.FINISHED


def _marginal(information: np.ndarray, kept: list[int], others: list[int]) -> np.ndarray:
    """Information (K, p, p) on some parameters where the others are unknown: the Schur complement."""
    size = np.sqrt(np.einsum("kii->ki", information))
    size = np.where(size > 0, size, 1.0)
    unit = information / (size[:, :, None] * size[:, None, :])
    inner = np.linalg.pinv(unit[:, others][:, :, others], rcond=1e-13, hermitian=True)
    cross = unit[:, kept][:, :, others]
    left = unit[:, kept][:, :, kept] - cross @ inner @ cross.transpose(0, 2, 1)
    return left * size[:, kept][:, :, None] * size[:, kept][:, None, :]
