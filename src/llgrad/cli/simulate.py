"""`llgrad simulate`: one run of one device."""

from __future__ import annotations

import enum
import math
import pathlib
from typing import Annotated, Any, Final, NamedTuple

import jax
import numpy as np
import typer

from llgrad.cli.answers.continuing import ContinueOption, checked_target, drive_entry, interrupted_run
from llgrad.cli.answers.signals import told_of, write_run
from llgrad.cli.device_options import (
    AccuracyOption,
    AlphaOption,
    CurrentOption,
    DeviceArgument,
    FieldOption,
    SetOption,
    StateOption,
    device_with,
    field_values,
    quantity,
    start_of,
    values_given,
)
from llgrad.cli.drive_options import CsvOption, DriveOption, SineCurrentOption, drive_of, waveforms_of
from llgrad.cli.output import (
    INTERRUPTED,
    ForceOption,
    JsonOption,
    Outputs,
    PlotOption,
    check_outputs,
    command_line,
    print_json,
    save_pictures,
    say,
)
from llgrad.cli.progress import Report, working
from llgrad.core.run_record import run_record
from llgrad.core.status import Outcome
from llgrad.core.trajectory import SystemTrajectory, Trajectory
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.kernels.steppers import RK4
from llgrad.observables.oscillation import Oscillation, oscillation_of
from llgrad.observables.signal import FEWEST_SAMPLES, cosine
from llgrad.solve.native import Native
from llgrad.solve.parts.telling import seconds
from llgrad.solve.saving import Every, Interval
from llgrad.solve.simulate import simulate as run_device
from llgrad.solve.step_size import suggest_dt
from llgrad.solve.systems import step_of_system
from llgrad.solve.task import Engine
from llgrad.solve.xla import XLA

STOPPING: Final = "stopping with what there is"
MOST_STATES: Final = 20_000_000
"""A command keeps at most so many states: about half a gigabyte."""


class EngineName(enum.StrEnum):
    """The engines by their words."""

    native = "native"
    xla = "xla"
    diffrax = "diffrax"

    def engine(self) -> Engine:
        """The engine, with its library loaded only where it is wanted."""
        match self:
            case EngineName.native:
                return Native()
            case EngineName.xla:
                return XLA()
            case EngineName.diffrax:
                from llgrad.solve.diffrax_engine import Diffrax

                return Diffrax()


def simulate(
    device: DeviceArgument,
    current: CurrentOption = None,
    field: FieldOption = None,
    field_x: Annotated[str | None, typer.Option(help="Applied field along x.")] = None,
    field_y: Annotated[str | None, typer.Option(help="Applied field along y.")] = None,
    field_z: Annotated[str | None, typer.Option(help="Applied field along z; the same as --field.")] = None,
    alpha: AlphaOption = None,
    temperature: Annotated[str | None, typer.Option(help="Temperature, such as 300K: thermal noise.")] = None,
    set_: SetOption = None,
    duration: Annotated[str, typer.Option(help="Simulated time.")] = "20ns",
    dt: Annotated[str | None, typer.Option(help="Largest time step, such as 1ps. Default: from the fields.")] = None,
    accuracy: AccuracyOption = None,
    save_every: Annotated[int, typer.Option(min=1, help="Keep every k-th state.")] = 1,
    m0: StateOption = None,
    drive: DriveOption = None,
    sine_current: SineCurrentOption = None,
    drive_csv: CsvOption = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the thermal noise. Default: 0.")] = None,
    engine: Annotated[EngineName, typer.Option(help="What integrates the equation.")] = EngineName.native,
    out: Annotated[pathlib.Path | None, typer.Option(metavar="FILE", help="Write the run: .npz or .csv.")] = None,
    continue_: ContinueOption = False,
    plot: PlotOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Simulate a device, print what it does, and write the run and its pictures.

    Ctrl-C ends a run with what there is, and writes it.
    """
    shortcuts = {"current": current, "alpha": alpha, "temperature": temperature}
    model = device_with(device, values_given(shortcuts, field_values(field, field_x, field_y, field_z), set_))
    outputs = _outputs(out, plot, force, continue_)
    of_system = isinstance(model, System)
    warm = model.noises > 0 if of_system else bool(np.any(np.asarray(model.temperature) > 0))
    if seed is not None and not warm:
        raise ValueError("--seed sets the thermal noise, and this device is at 0 K; give --temperature 300K")
    settings: dict[str, Any] = {
        "duration": quantity("--duration", duration, "s"),
        "dt": None if dt is None else quantity("--dt", dt, "s"),
        "accuracy": accuracy,
        "m0": start_of(model, m0),
        "drive": waveforms_of(drive, sine_current, drive_csv, model.inputs) or None
        if of_system
        else drive_of(drive, sine_current, drive_csv),
        "engine": engine.engine(),
    }
    settings["save"] = _saving(model, settings, save_every)
    seed = (seed or 0) if warm else None
    if continue_ and outputs.out is not None:
        settings["after"] = interrupted_run(outputs.out, model, settings["drive"], seed)
    run = working("simulating", lambda report: _run(model, seed, report, settings), True, stopping=STOPPING)
    _report(run, device, seed, outputs, json)
    _end(run, outputs.out)


def _outputs(out: pathlib.Path | None, plot: pathlib.Path | None, force: bool, continued: bool) -> Outputs:
    """The files to write; one that is continued is read, and then replaced."""
    outputs = check_outputs(None if continued else out, (".npz", ".csv"), plot, ("trace", "orbit", "spectrum"), force)
    return outputs._replace(out=checked_target(out), overwrite=True) if continued else outputs


def _end(run: Trajectory | SystemTrajectory, out: pathlib.Path | None) -> None:
    """Say how an interrupted run can be continued, and exit."""
    if np.asarray(run.status.code) != Outcome.INTERRUPTED:
        return
    if out is None:
        say("interrupted; with --out run.npz the run could be continued")
    else:
        continued = "; the same command with --continue goes on" if out.suffix.lower() == ".npz" else ""
        say(f"interrupted; {out} holds what there is{continued}")
    raise typer.Exit(INTERRUPTED)


def _run(model: Any, seed: int | None, report: Report, settings: dict[str, Any]) -> Trajectory | SystemTrajectory:
    """The run, whose progress is reported."""

    def tell(told: dict[str, Any]) -> None:
        left = told["left"]
        report({"fraction": told["fraction"], "remark": "" if left is None else f"{seconds(left)} left"})

    return run_device(model, key=None if seed is None else jax.random.key(seed), progress=tell, **settings)


def _step(model: Oscillator | System, settings: dict[str, Any]) -> float:
    """The time step [s] as it is given, or the default one."""
    if settings["dt"]:
        return settings["dt"]
    if isinstance(model, System):
        return step_of_system(model, settings["drive"] or {}, RK4(), None)
    return suggest_dt(model, settings["drive"])


def _saving(model: Any, settings: dict[str, Any], save_every: int) -> Every | Interval:
    """Every so-many steps; with an accuracy as many states as steps of the default length would give."""
    dt = _step(model, settings)
    states = settings["duration"] / dt / save_every
    if dt > 0 and states > MOST_STATES:
        advice = math.ceil(settings["duration"] / dt / 1e6)
        raise ValueError(f"this run keeps {states:.3g} states; keep fewer, for example with --save-every {advice}")
    if settings["accuracy"] is None or not states > 0:
        return Every(save_every)
    return Interval(settings["duration"] / math.ceil(states))


class Answer(NamedTuple):
    """What is told of a run, and what is drawn of it."""

    summary: dict[str, Any]
    lines: list[str]
    drawn: Any
    """What a spectrum is drawn of; None where nothing oscillates."""


def _answer(run: Trajectory | SystemTrajectory) -> Answer:
    if isinstance(run, SystemTrajectory):
        signals = told_of(run)
        moving = [told.signal for told in signals if told.motion is not None]
        lines = ["last half of the run:", *(f"  {told.sentence()}" for told in signals)]
        found = {told.signal.name: told.entry() for told in signals}
        return Answer({"signals": found}, lines, moving[0] if moving else None)
    half = last_half(run)
    motion = motion_of(half)
    found = summary(half, motion)
    told = "no oscillation" if motion is None else motion.sentence("m·p")
    mean = ", ".join(f"{c:.4f}" for c in found["mean_m"])
    return Answer(found, [f"last half of the run: {told}; mean m = ({mean})"], None if motion is None else half)


def _record(run: Trajectory | SystemTrajectory, seed: int | None, answer: Answer) -> dict[str, Any]:
    dtype = str(jax.tree.leaves(run.m if isinstance(run, Trajectory) else run.state)[0].dtype)
    record = run_record("trajectory", device=run.model, seed=seed, dtype=dtype, command=command_line())
    return record | {
        "drive": drive_entry(run.drive),
        "status": run.status.sentence,
        "stats": run.stats._asdict() | {"error": None if run.stats.error is None else _finite(run.stats.error)},
        "summary": answer.summary,
    }


def _report(run: Trajectory | SystemTrajectory, name: str, seed: int | None, outputs: Outputs, json: bool) -> None:
    """Write the files, then tell."""
    with jax.enable_x64(True):
        answer = _answer(run)
        record = _record(run, seed, answer)
        write_run(run, record, outputs)
        kept = outputs if answer.drawn is not None else _without(outputs, "spectrum")
        save_pictures(kept, _figures(run, answer.drawn))
    if json:
        print_json(record | {"files": [str(file) for file in kept.written()]})
        return
    print(f"{name}: {run}")
    if (error := run.stats.error) is not None and math.isfinite(error):
        print(f"estimated error of the last state: {error:.1g}")
    print("\n".join(answer.lines))
    for file in kept.written():
        print(f"wrote {file}")


def last_half(run: Trajectory) -> Trajectory:
    """The run without its first half, in which it may still settle."""
    half = run.m.shape[0] // 2
    t: Any = np.asarray(run.t)[half:]
    m: Any = np.asarray(run.m)[half:]
    return Trajectory(t, m, run.status, run.model, run.drive, run.stats)


def motion_of(run: Trajectory) -> Oscillation | None:
    """What m·p does; None where it rests, or where there are too few states to tell."""
    signal = np.asarray(cosine(run))
    return oscillation_of(run) if len(signal) >= FEWEST_SAMPLES and np.ptp(signal) > 1e-9 else None


def summary(run: Trajectory, motion: Oscillation | None) -> dict[str, Any]:
    """What a run does: frequency [Hz] and amplitude of m·p (None where it has none), its line, its decay, mean of m."""
    found: dict[str, Any] = {"frequency": None, "amplitude": None, "mean_m": np.asarray(run.m).mean(axis=0).tolist()}
    if motion is None:
        return found
    if math.isfinite(motion.frequency):
        found["frequency"], found["amplitude"] = motion.frequency, _finite(motion.amplitude)
    if motion.line is not None and motion.line.found:
        found["line"] = motion.line.to_json()
    if motion.decay is not None:
        found["decay"] = {"amplitude": list(motion.decay), "to": motion.end}
    return found


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _without(outputs: Outputs, picture: str) -> Outputs:
    return outputs._replace(pictures={name: file for name, file in outputs.pictures.items() if name != picture})


def _figures(run: Trajectory | SystemTrajectory, drawn: Any) -> dict[str, Any]:
    from llgrad import plot

    return {
        "trace": lambda: plot.trace(run),
        "orbit": lambda: plot.orbit(run),
        "spectrum": lambda: plot.spectrum(drawn, title="Spectrum, last half"),
    }
