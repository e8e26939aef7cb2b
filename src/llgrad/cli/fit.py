"""`llgrad fit`: parameters of a device from a recorded trace."""

from __future__ import annotations

import enum
import pathlib
from typing import Annotated, Any, Final

import jax
import typer

from llgrad.cli.answers.intervals import IntervalsOption, intervals_of, say_intervals
from llgrad.cli.answers.line import fit_line
from llgrad.cli.answers.reading import after_saying, data_unit, read_data
from llgrad.cli.answers.report import ProfilesOption, ReportOption, check_report, write_report
from llgrad.cli.answers.resonance import (
    BackgroundName,
    BackgroundOption,
    FieldUnitOption,
    FrequenciesOption,
    MaxFieldOption,
    MinFieldOption,
    ModulationOption,
    ShapeName,
    ShapeOption,
    VoltageUnitOption,
    fit_resonance,
)
from llgrad.cli.answers.starts import free_of, starts_of
from llgrad.cli.commands.completing import presets
from llgrad.cli.compilation import prefer_gpu_for
from llgrad.cli.device_options import (
    DEVICE_HELP,
    AccuracyOption,
    SetOption,
    StateOption,
    assignments,
    device_with,
    quantity,
    start_of,
)
from llgrad.cli.drive_options import CsvOption, DriveOption, SineCurrentOption, drive_of
from llgrad.cli.given import given, refuse
from llgrad.cli.output import (
    FAILED_RUN,
    ForceOption,
    JsonOption,
    PlotOption,
    RetryOption,
    check_outputs,
    command_line,
    deliver,
    say,
)
from llgrad.cli.progress import Report, working
from llgrad.core.units import show
from llgrad.datasets.sweeps import looks_like_sweeps
from llgrad.datasets.touchstone.reader import is_touchstone
from llgrad.datasets.trace import Trace
from llgrad.fitting.answers.result import FitResult
from llgrad.fitting.fit import fit as fit_trace
from llgrad.fitting.methods.base import Method
from llgrad.fitting.methods.descent import GradientDescent
from llgrad.fitting.methods.grid import GridSearch
from llgrad.fitting.methods.least_squares import LevenbergMarquardt
from llgrad.fitting.methods.starts import Starts
from llgrad.fitting.targets.experiment import Experiment

FOR_EVERY_FILE: Final = {"trace", "columns", "out", "plot", "json", "force"}
FOR_S_PARAMETERS: Final = {"trace", "read", "out", "json", "force"}
FOR_SWEEPS: Final = {
    *("field_unit", "voltage_unit", "min_field", "max_field", "frequencies"),
    *("background", "shape", "modulation"),
}
FOR_FOLDERS: Final = {"retry_failed"}
"""The options of `llgrad fit` by what they are for; all others are for the fit of a device."""

StartOption = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="Where a free value starts: alpha=0.01. Default: the device's, or 0 s."),
]
BoundsOption = Annotated[
    list[str] | None, typer.Option(metavar="NAME=LOW:HIGH", help="Where a free value may lie: current=0.1mA:5mA.")
]
ColumnsOption = Annotated[
    str | None,
    typer.Option(
        help="Columns to fit: mx,my,mz, voltage, a channel: CH2, or by place: '#3'; of field sweeps, X. Default: all."
    ),
]


ReadOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="How the file is read. A table: setting=field.z, peak=G1; more than frequencies: "
        "quantities=frequency,line_width,power. A spectrum: level=Max, rbw=1MHz, averaging=log, "
        "filter=flat. A measured loop, of a resistance or M: loop=resistance, "
        "angle=90deg,0deg. S parameters: port=2, window=4GHz:6GHz.",
    ),
]
NoiseOption = Annotated[
    str | None, typer.Option(metavar="NOISE", help="Standard deviation of a recorded value: 0.01, 0.1mV, 5MHz.")
]
TimeLimitOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="Return the best so far after this time: 60s.")
]
SegmentOption = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Fit pieces of this length, each from its own state, about half a period: 1ns."),
]


class MethodName(enum.StrEnum):
    """The methods by their words."""

    lm = "lm"
    adam = "adam"
    grid = "grid"

    def method(self) -> Method:
        """The method with its default settings."""
        return {"lm": LevenbergMarquardt, "adam": GradientDescent, "grid": GridSearch}[self.value]()


def fit(
    context: typer.Context,
    trace: Annotated[
        pathlib.Path,
        typer.Argument(
            help="A trace (t (ns),mx,my,mz …), frequencies against a current or field, or field sweeps; or a folder: "
            "each of its files is fitted."
        ),
    ],
    device: Annotated[
        str | None, typer.Option(help=f"The device with its known values. {DEVICE_HELP}", autocompletion=presets)
    ] = None,
    free: Annotated[str | None, typer.Option(help="What to find: alpha,current,field.z.")] = None,
    start: StartOption = None,
    bounds: BoundsOption = None,
    set_: SetOption = None,
    columns: ColumnsOption = None,
    read: ReadOption = None,
    method: Annotated[
        MethodName, typer.Option(help="Levenberg-Marquardt, gradient descent (Adam), or grid search.")
    ] = MethodName.lm,
    starts: Annotated[int, typer.Option(min=1, help="Number of starts, all in one batch; the best is kept.")] = 1,
    spread: Annotated[float, typer.Option(help="Random starts lie within this part of the given one.")] = 0.5,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random starts.")] = 0,
    m0: StateOption = None,
    drive: DriveOption = None,
    sine_current: SineCurrentOption = None,
    drive_csv: CsvOption = None,
    out: Annotated[pathlib.Path | None, typer.Option(metavar="FILE", help="Write the result: .json.")] = None,
    plot: PlotOption = None,
    report: ReportOption = None,
    profiles: ProfilesOption = True,
    intervals: IntervalsOption = False,
    noise: NoiseOption = None,
    accuracy: AccuracyOption = None,
    time_limit: TimeLimitOption = None,
    segment: SegmentOption = None,
    field_unit: FieldUnitOption = None,
    voltage_unit: VoltageUnitOption = None,
    min_field: MinFieldOption = None,
    max_field: MaxFieldOption = None,
    frequencies: FrequenciesOption = None,
    background: BackgroundOption = BackgroundName.linear,
    shape: ShapeOption = ShapeName.evidence,
    modulation: ModulationOption = None,
    retry_failed: RetryOption = False,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Find parameters of a device from a recording; print whether the model explains it, values with standard errors,
    and what the data can tell apart.

    Where the model does not explain the data, that is said first and on stderr, and the exit status is 1.

    Field sweeps of a spin diode (pairs of columns, field and voltage) need no device: their lines give geometry and α.
    Nor do S parameters (Touchstone): the line that a port absorbs gives a frequency and a width.

    A folder is a study with a row for each file; the same command resumes it, with --retry-failed the rows that failed.
    """
    if trace.is_dir():
        from llgrad.cli.studies.folder import fit_folder

        fit_folder(context, trace)
        return
    refuse(context, FOR_FOLDERS, f"is for a folder, whose files are the rows of a study, and {trace} is none")
    prefer_gpu_for(starts)
    if is_touchstone(trace):
        unused = given(context).keys() - FOR_S_PARAMETERS
        refuse(context, unused, f"has no use where {trace} holds S parameters; leave it out")
        fit_line(trace, assignments("--read", read), out=out, json=json, force=force)
        return
    sweeps = looks_like_sweeps(trace)
    _check_options(context, trace, sweeps, starts)
    if sweeps:
        units = {"field_unit": field_unit, "voltage_unit": voltage_unit, "columns": columns}
        window = {"min_field": min_field, "max_field": max_field, "frequencies": frequencies}
        files = {"out": out, "plot": plot, "json": json, "force": force}
        lines = {"background": background, "shape": shape, "modulation": modulation}
        fit_resonance(trace, **units, **window, **lines, **files)
        return
    if device is None or free is None:
        missing = "--device" if device is None else "--free"
        raise ValueError(
            f"a fit of {trace} needs {missing}: llgrad fit {trace} --device kubota2013 --free alpha,current"
        )
    outputs = check_outputs(out, (".json",), plot, ("fit", "history"), force)
    check_report(report, force)
    values, applied = assignments("--set", set_), drive_of(drive, sine_current, drive_csv)
    known = device_with(device, values)
    data = read_data(trace, columns, assignments("--read", read), known)
    begun = starts_of(assignments("--start", start), free, known, applied)
    model, applied = device_with(device, values | begun.device), begun.drive
    warm = getattr(model, "temperature", None)
    if warm and isinstance(data, Trace):
        raise ValueError(
            f"{device} is at {show(warm, 'K')}, but a trace is followed without thermal noise; "
            "give --set temperature=0K, and where noise has disturbed it --segment with half its period"
        )
    settings: dict[str, Any] = {
        "free": free_of(free, assignments("--bounds", bounds), model, applied),
        "method": method.method(),
        "starts": Starts(count=starts, spread=spread),
        "key": jax.random.key(seed) if seed or starts > 1 else None,
        "accuracy": accuracy,
        "time_limit": None if time_limit is None else quantity("--time-limit", time_limit, "s"),
    }
    experiment = Experiment(
        data,
        m0=start_of(model, m0),
        drive=applied,
        noise=None if noise is None else quantity("--noise", noise, data_unit(data)),
        segment=None if segment is None else quantity("--segment", segment, "s"),
        delay=begun.delay,
        bandwidth=begun.bandwidth,
    )
    saying = after_saying(trace, data, quiet=json)

    def search(tell: Report) -> FitResult:
        return fit_trace(model, experiment, progress=saying(tell), **settings)

    result = working("fitting", search, interruptible=True)
    entry = result.to_json() | {"command": command_line(), "seed": seed if starts > 1 else None}
    told = intervals_of(result) if intervals else {}
    deliver(result, entry | told, _figures(result), outputs, json)
    if told and not json:
        say_intervals(told)
    if report is not None:
        write_report(report, result, source=trace.name, with_profiles=profiles, intervals=told, force=force)
        if not json:
            print(f"wrote {report}")
    if not result.explained:
        say(result.explanation[0])
        raise typer.Exit(FAILED_RUN)


def _check_options(context: typer.Context, trace: pathlib.Path, sweeps: bool, starts: int) -> None:
    """Raise ValueError for an option that would do nothing for this kind of file, or without another option."""
    used = given(context)
    if sweeps:
        unused = used.keys() - FOR_SWEEPS - FOR_EVERY_FILE
        refuse(context, unused, f"is for the fit of a device, and {trace} holds field sweeps; leave it out")
    else:
        refuse(context, FOR_SWEEPS, f"is for field sweeps, and {trace} holds none; leave it out")
    if starts == 1:
        refuse(context, ("spread", "seed"), "draws the starts after the first; add --starts 10, or leave it out")
    if "report" not in used:
        refuse(context, ("profiles",), "is for the report; add --report FILE, or leave it out")


def _figures(result: FitResult) -> dict[str, Any]:
    from llgrad import plot

    return {"fit": lambda: plot.fit(result), "history": lambda: plot.history(result)}
