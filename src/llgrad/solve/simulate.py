"""`simulate`: convert, check, run."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from functools import partial
from typing import Any, overload

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import ArrayLike, Float, Key, PyTree

from llgrad.core.interrupts import ends_at_ctrl_c
from llgrad.core.random import key_words
from llgrad.core.record import as_number, is_concrete, tables_of
from llgrad.core.speed.namespace import known, namespace
from llgrad.core.speed.starting import check_platform
from llgrad.core.status import Outcome, SimulationError, Status
from llgrad.core.trajectory import Stats, SystemTrajectory, Trajectory
from llgrad.core.vector import Vec3
from llgrad.devices.array import OscillatorArray
from llgrad.devices.arrays.mixing import links_of_coupling
from llgrad.devices.arrays.system_array import SystemArray
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.drives.base import Waveform
from llgrad.drives.drive import Drive, check_drive
from llgrad.kernels.machine.forks import check_process
from llgrad.kernels.steppers import RK4, Heun, Stepper
from llgrad.physics.equation import equation_of_motion
from llgrad.physics.thermal import thermal_sigma
from llgrad.solve.accuracy import ChosenGrid, Wanted, checked_accuracy, choose_step, cut, stepper_for
from llgrad.solve.native import Native
from llgrad.solve.parts.request import RunParts, checked_after
from llgrad.solve.parts.telling import Progress, Teller
from llgrad.solve.saving import End, Every, Interval, TimeGrid, grid_of
from llgrad.solve.start import start_of
from llgrad.solve.step_size import check_dt, suggest_dt
from llgrad.solve.systems import (
    caution_of,
    drive_of_system,
    groups_of,
    member_of,
    start_of_system,
    step_of_system,
    stepper_of_system,
    task_of_system,
    waveforms_of,
)
from llgrad.solve.task import Engine, KeptStates, Noise, Task


@overload
def simulate(
    model: Oscillator | OscillatorArray,
    *,
    duration: float,
    dt: float | None = ...,
    m0: PyTree[Float[ArrayLike, "..."]] = ...,
    drive: Drive | None = ...,
    accuracy: float | None = ...,
    save: Every | End | Interval = ...,
    stepper: Stepper | None = ...,
    engine: Engine | None = ...,
    key: Key[jax.Array, ""] | None = ...,
    throw: bool = ...,
    progress: Progress | None = ...,
    after: Trajectory | None = ...,
) -> Trajectory: ...
@overload
def simulate(
    model: System | SystemArray,
    *,
    duration: float,
    dt: float | None = ...,
    m0: PyTree[Float[ArrayLike, "..."]] = ...,
    drive: Mapping[str, Waveform] | None = ...,
    accuracy: float | None = ...,
    save: Every | End | Interval = ...,
    stepper: Stepper | None = ...,
    engine: Engine | None = ...,
    key: Key[jax.Array, ""] | None = ...,
    throw: bool = ...,
    progress: Progress | None = ...,
    after: SystemTrajectory | None = ...,
) -> SystemTrajectory: ...
def simulate(
    model: Oscillator | OscillatorArray | System | SystemArray,
    *,
    duration: float,
    dt: float | None = None,
    m0: PyTree[Float[ArrayLike, "..."]] = None,
    drive: Drive | Mapping[str, Waveform] | None = None,
    save: Every | End | Interval = Every(1),
    accuracy: float | None = None,
    stepper: Stepper | None = None,
    engine: Engine | None = None,
    key: Key[jax.Array, ""] | None = None,
    throw: bool = True,
    progress: Progress | None = None,
    after: Trajectory | SystemTrajectory | None = None,
) -> Trajectory | SystemTrajectory:
    """Integrate dm/dt = −γ/(1+α²) [m × B + α m × (m × B)] of an oscillator, or of an array of them; or dy/dt = f(y) of
    a `System` of your own, or of a `SystemArray` of such.

    Every leaf of `model`, `drive` and `m0` is differentiable, twice too (`jax.hessian`, `jax.jvp` of `jax.grad`), and
    may be batched by `jax.vmap`. Computes in JAX's
    default float type (float64 where `jax_enable_x64` is set or inside `jax.enable_x64(True)`).

    Args:
        model: the device, the array of N devices, the system, or the array of N systems.
        duration: simulated time [s].
        dt: largest time step [s]; the step used is the largest one below it that divides `duration` into a whole
            number of saving intervals (`stats.dt`). None chooses it from the largest field (`suggest_dt`); under `jit`
            and `grad` of the device it must be given.
        m0: starting state, (3,) or (N, 3), unit vectors. None starts 1° off the stable axis (see `default_start`);
            every run of an array starts anew from there. Of a system a state of the form of its `start`.
        drive: time-dependent current and field, added to the device's own; of a system waveforms by its inputs, or a
            Drive where it has current and field.
        save: `Every(k)` keeps the initial state and every k-th after it; `Interval(time)` those at every
            multiple of a time [s], between the steps too; `End()` keeps the end only.
        accuracy: largest error |Δm| of the end state, of an array of any member, in place of `dt`: the longest step
            whose error, estimated from a run with half of it, is below (`stats.error`). Of a system the error of each
            unit vector, and of what else has one unit, relative to its size. The step is a constant to derivatives;
            under `jit` and `vmap` of the device give `dt`.
        stepper: `RK4()`; with an accuracy `DormandPrince8()`, from 1e-4 on `Tsitouras5()`; with noise the default is
            `Heun()` (Stratonovich). From order five on, steps end at the knots of a drive (`Sampled`, `Chirp`) and are
            short in its edges (`Step`, `Pulse`) only; `stats.reason` says where they cannot.
        engine: `Native()` (compiled loops, the default, on processors and GPUs; what it cannot run, XLA does, and
            `stats` says why), `XLA()` or `Diffrax()`.
        key: a `jax.random.key`; turns the thermal field of `model.temperature` on. The noise is a function of (key,
            oscillator, step) alone.
        throw: raise SimulationError for a run that went wrong. Under tracing nothing is raised; see `run.status`.
        progress: True prints how far the run is, on stderr; a function is called with a dictionary: "fraction" of the
            steps, "time" and "duration" simulated [s], "elapsed" and "left" [s], the last None while it is not known.
            The run then goes in parts of about a tenth of a second. A KeyboardInterrupt of the function gives what was
            kept until then (where nothing was, it is raised), and `run.status` says so; Ctrl-C raises `Interrupted`,
            whose `result` that is. Adaptive steps (`Diffrax`) begin anew in each part.
        after: an interrupted run, of the same arguments: it is continued, with the bits of a run in one go.

    Returns:
        Trajectory with `t` (T,) [s] and `m` (T, 3) or (T, N, 3); of a system, or an array of systems, a
        SystemTrajectory.

    Raises:
        ValueError: for an argument that cannot be meant. SimulationError: for a run that went wrong. ForkedProcess: in
            a process forked after JAX had run, where it would hang. NoPlatform (a RuntimeError): where JAX does not
            start on what JAX_PLATFORMS names.

    >>> import llgrad as lg
    >>> run = lg.simulate(lg.presets.kubota2013(), duration=1e-9, dt=5e-12)
    >>> run.m.shape
    (201, 3)
    """
    check_process()
    check_platform()
    duration = _checked_duration(duration)
    drive = waveforms_of(model, drive)
    parts = RunParts(Teller(progress, duration), checked_after(after, model, drive), progress is not None)
    run: Any = _simulate_system if isinstance(model, (System, SystemArray)) else _simulate_device
    how = {"stepper": stepper, "engine": engine, "key": key, "throw": throw, "parts": parts}
    told = run if progress is None else ends_at_ctrl_c(run)
    return told(model, duration, dt, m0, drive, save, accuracy, **how)


def _simulate_device(
    model: Oscillator | OscillatorArray,
    duration: float,
    dt: Any,
    m0: Any,
    drive: Any,
    save: Every | End | Interval,
    accuracy: Any,
    *,
    stepper: Stepper | None,
    engine: Engine | None,
    key: Any,
    throw: bool,
    parts: RunParts,
) -> Trajectory:
    device = _check_model(model)
    drive = check_drive(drive)
    if accuracy is not None:
        accuracy = checked_accuracy(as_number(accuracy), dt, key, engine)
        stepper = stepper or stepper_for(accuracy)
    stepper = _check_stepper(stepper, device, key)
    engine, start = _check_engine(engine), start_of(model, m0)
    polynomial = _has_polynomial(model, stepper, key)

    def task_on(grid: TimeGrid, start: Vec3 = start, model: Any = model, drive: Drive | None = drive) -> Task:
        return task_of_device(model, _check_model(model), drive, stepper, grid, start, key)

    if accuracy is not None and duration:
        wanted = Wanted(task_on, model, drive, start, duration, save, polynomial)
        chosen = parts.step_before(wanted, engine) or choose_step(wanted, accuracy, engine, parts.heard)
    else:
        dt = suggest_dt(model, drive, stepper) if dt is None else check_dt(as_number(dt), model, drive, stepper)
        grid = grid_of(duration, dt, save, polynomial)
        chosen = cut(grid, drive, stepper.tableau.order, duration, engine, key)
    task = task_on(chosen.grid)
    return _trajectory(model, drive, task, parts.run(engine, task), throw, chosen)


def simulate_quietly(model: Oscillator | OscillatorArray | System | SystemArray, **settings: Any) -> Any:
    """`simulate`, without a key also of a system that declares a noise: what a fit follows."""
    if not isinstance(model, (System, SystemArray)):
        return simulate(model, **settings)
    usual = {"dt": None, "m0": None, "drive": None, "save": Every(1), "accuracy": None}
    given = usual | {"key": None, "stepper": None, "engine": None, "throw": True} | settings
    leading = (given.pop(name) for name in ("duration", *usual))
    parts = RunParts(Teller(None, settings["duration"]), None, False)
    return _simulate_system(model, *leading, quiet=True, parts=parts, **given)


def _has_polynomial(model: Oscillator | OscillatorArray, stepper: Stepper, key: Any) -> bool:
    """Whether states between the steps can be had: not of coupled arrays, and not with noise."""
    coupled = isinstance(model, OscillatorArray) and model.coupling is not None
    return stepper.tableau.dense is not None and not coupled and key is None


def _simulate_system(
    system: System | SystemArray,
    duration: Any,
    dt: Any,
    state: Any,
    drive: Any,
    save: Every | End | Interval,
    accuracy: Any,
    *,
    stepper: Stepper | None,
    engine: Engine | None,
    key: Any,
    throw: bool,
    parts: RunParts,
    quiet: bool = False,
) -> SystemTrajectory:
    if accuracy is not None:
        accuracy = checked_accuracy(as_number(accuracy), dt, key, engine)
        stepper = stepper or stepper_for(accuracy)
    stepper = stepper_of_system(system, stepper, key, quiet)
    waveforms, start = drive_of_system(system, drive), start_of_system(system, state)
    engine = _check_engine(engine)
    polynomial = stepper.tableau.dense is not None and key is None and isinstance(system, System)

    def task_on(grid: TimeGrid, start: Any = start, system: Any = system, waveforms: Any = waveforms) -> Task:
        return task_of_system(system, waveforms, stepper, grid, start, key)

    if accuracy is not None and duration:
        groups = groups_of(member_of(system), start)
        wanted = Wanted(task_on, system, waveforms, start, duration, save, polynomial, groups)
        chosen = parts.step_before(wanted, engine) or choose_step(wanted, accuracy, engine, parts.heard)
    else:
        step = step_of_system(system, waveforms, stepper, None if dt is None else as_number(dt))
        grid = grid_of(duration, step, save, polynomial)
        chosen = cut(grid, waveforms, stepper.tableau.order, duration, engine, key)
    task = task_on(chosen.grid)
    solution = parts.run(engine, task)
    states, bad_time = _joined(task, solution)
    times, status, stats = _told(task, solution, bad_time, throw, chosen)
    if not quiet and (caution := caution_of(system, states)):
        warnings.warn(caution, stacklevel=3)
    return SystemTrajectory(times, states, status, system, drive, stats)


def _check_engine(engine: Engine | None) -> Engine:
    if engine is not None and not isinstance(engine, Engine):
        raise ValueError(f"engine = {engine!r}, expected Native(), XLA() or Diffrax()")
    return engine or Native()


def task_of_device(
    model: Oscillator | OscillatorArray,
    device: Oscillator,
    drive: Drive | None,
    stepper: Stepper,
    grid: TimeGrid,
    m0: Vec3,
    key: Any,
) -> Task:
    """What an engine is given of a device, or of an array of them."""
    array = isinstance(model, OscillatorArray)
    links = links_of_coupling(model.coupling) if array and model.coupling is not None else None
    return Task(
        equation=equation_of_motion(device, *(((), ()) if links is None else (links.emits, links.receives))),
        m0=m0,
        mixing=None if links is None else links.mixing,
        drive=None if drive is None else drive.channels(),
        noise=None if key is None else Noise(thermal_sigma(device, grid.dt), *key_words(key)),
        stepper=stepper,
        grid=grid,
        count=model.count if array else None,
    )


def _trajectory(
    model: Any, drive: Drive | None, task: Task, solution: KeptStates, throw: bool, chosen: ChosenGrid
) -> Trajectory:
    m, bad_time = _joined(task, solution, stacked=True)
    times, status, stats = _told(task, solution, bad_time, throw, chosen)
    return Trajectory(times, m, status, model, drive, stats)


def _told(
    task: Task, solution: KeptStates, bad_time: Any, throw: bool, chosen: ChosenGrid
) -> tuple[Any, Status, Stats]:
    """Times, outcome and how it was computed. Raises SimulationError for a run that went wrong, where it shall."""
    grid, status = task.grid, Status(solution.code, bad_time)
    if throw and not status.traced and not status.ok and np.any(np.asarray(status.code) != Outcome.INTERRUPTED):
        raise SimulationError(status.sentence)
    times = np.arange(0 if grid.keep_initial else 1, grid.saves + 1) * grid.interval
    if solution.taken is not None:
        times = times[: len(times) - grid.saves + len(jax.tree.leaves(solution.m)[0])]
        times = times if grid.keep_initial else np.asarray([grid.time_after(solution.taken)])
    stepper = solution.stepper or type(task.stepper).__name__
    reason = "; ".join(filter(None, dict.fromkeys((solution.reason, chosen.reason))))
    stats = Stats(solution.engine, reason, stepper, grid.whole, grid.dt, grid.save_every, grid.samples, chosen.error)
    return jnp.asarray(times, task.dtype), status, stats


def _joined(task: Task, solution: KeptStates, stacked: bool = False) -> tuple[Any, Any]:
    """The states, the initial one first where it is kept, of a device `stacked` to (T, …, 3), and the time [s] of the
    first bad step."""
    grid, states, bad_step = task.grid, solution.m, solution.bad_step
    initial = task.m0 if grid.keep_initial else None
    if namespace(initial, states, bad_step) is np:
        states, bad_time = _join(np, known(initial), known(states), np.asarray(bad_step), grid.ends, stacked)
        return jax.device_put((states, bad_time))  # where jnp.asarray would compile something for each new shape
    return _join_traced(initial, states, bad_step, grid.ends, stacked)


def _join(xp: Any, initial: Any, states: Any, bad_step: Any, ends: Any, stacked: bool) -> tuple[Any, Any]:
    if initial is not None:
        states = jax.tree.map(lambda first, later: xp.concatenate([first[None], later]), initial, states)
    dtype = jax.tree.leaves(states)[0].dtype
    bad_time = xp.asarray(ends, dtype)[bad_step + 1] if np.ndim(ends) else (bad_step + 1).astype(dtype) * ends
    return xp.stack([states.x, states.y, states.z], axis=-1) if stacked else states, bad_time


_join_traced = jax.jit(partial(_join, jnp), static_argnums=4)


def _check_model(model: Any) -> Oscillator:
    if isinstance(model, OscillatorArray):
        return model.oscillator
    if not isinstance(model, Oscillator):
        raise ValueError(
            f"expected an Oscillator or an OscillatorArray, got {type(model).__name__}; see llgrad.presets"
        )
    leaves, tree = jax.tree.flatten(model)
    for leaf, table in zip(leaves, tables_of(tree), strict=True):
        if jnp.ndim(leaf) != table:
            raise ValueError(
                f"a value of the oscillator has the shape {jnp.shape(leaf)}, expected one number; for N coupled "
                "devices use OscillatorArray, for independent runs jax.vmap, and for a list of numbers that a term "
                "reads declare it with lg.systems.table(unit)"
            )
    return model


def _check_stepper(stepper: Stepper | None, device: Oscillator, key: Any) -> Stepper:
    if key is None and is_concrete(device.temperature) and np.any(np.asarray(device.temperature) > 0):
        raise ValueError(
            f"temperature = {float(np.max(device.temperature)):g} K needs random numbers; give "
            "key=jax.random.key(0), or set temperature=0"
        )
    return stepper or (RK4() if key is None else Heun())


def _checked_duration(given: Any) -> float:
    duration = as_number(given)
    if isinstance(duration, Tracer):
        raise ValueError("duration is traced; it sets the number of steps, so give a number known before the run")
    number = isinstance(duration, (int, float)) and not isinstance(duration, bool)
    if not number or not 0 <= duration < math.inf:
        raise ValueError(f"duration = {duration!r}, expected a time in seconds, zero or more, such as 20e-9")
    if duration > 1e-2:
        raise ValueError(
            f"duration = {duration:g} s is longer than any run of an oscillator; it is in seconds: 20 ns is 20e-9"
        )
    return float(duration)
