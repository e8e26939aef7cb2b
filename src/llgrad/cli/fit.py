"""`llgrad fit`: parameters of a device from a recorded trace."""

from __future__ import annotations

import enum
import pathlib
from typing import Annotated, Any, Final

import jax
import typer

from llgrad.cli.device_options import (
    DEVICE_HELP,
    SetOption,
    StateOption,
    assignments,
    quantity,
    starting_state,
    unit_of,
    with_values,
)
from llgrad.cli.drive_options import CsvOption, DriveOption, SineCurrentOption, drive_of
from llgrad.cli.output import (
    ForceOption,
    JsonOption,
    Outputs,
    PlotOption,
    check_outputs,
    command_line,
    print_json,
    save_pictures,
)
from llgrad.cli.progress import working
from llgrad.core.files import write_json
from llgrad.core.units import show
from llgrad.datasets.reader import read_trace
from llgrad.datasets.trace import Trace
from llgrad.devices.files import load_device
from llgrad.devices.oscillator import Oscillator
from llgrad.drives.drive import Drive
from llgrad.fitting.answers.result import FitResult
from llgrad.fitting.assembly import units_of
from llgrad.fitting.bounds import Bound, between
from llgrad.fitting.fit import fit as fit_trace
from llgrad.fitting.methods.base import Method
from llgrad.fitting.methods.descent import GradientDescent
from llgrad.fitting.methods.grid import GridSearch
from llgrad.fitting.methods.least_squares import LevenbergMarquardt
from llgrad.fitting.methods.starts import Starts
from llgrad.solve.step_size import suggest_dt

MOST_STEPS: Final = 1_000_000
"""A start that takes more time steps than these is refused."""


class MethodName(enum.StrEnum):
    """The methods by their words."""

    lm = "lm"
    adam = "adam"
    grid = "grid"

    def method(self) -> Method:
        """The method with its default settings."""
        return {"lm": LevenbergMarquardt, "adam": GradientDescent, "grid": GridSearch}[self.value]()


def fit(
    trace: Annotated[pathlib.Path, typer.Argument(help="CSV file with a header such as: t (ns),mx,my,mz.")],
    device: Annotated[str, typer.Option(help=f"The device with its known values. {DEVICE_HELP}")],
    free: Annotated[str, typer.Option(help="What to find: alpha,current,field.z.")],
    start: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Where to start: alpha=0.01. Default: the device's value."),
    ] = None,
    bounds: Annotated[
        list[str] | None, typer.Option(metavar="NAME=LOW:HIGH", help="Where a free value may lie: current=0.1mA:5mA.")
    ] = None,
    set_: SetOption = None,
    columns: Annotated[
        str | None, typer.Option(help="Columns to fit: mx,my,mz or voltage. Default: all of them.")
    ] = None,
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
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Find parameters of a device from a trace; print values with standard errors and what the data can tell apart."""
    outputs = check_outputs(out, (".json",), plot, ("fit", "history"), force)
    data = read_trace(trace, None if columns is None else [name.strip() for name in columns.split(",")])
    applied = drive_of(drive, sine_current, drive_csv)
    values = assignments("--set", set_) | assignments("--start", start)
    model = with_values(load_device(device), values)
    _check_size(model, applied, data)
    settings: dict[str, Any] = {
        "free": _free(free, assignments("--bounds", bounds), model, applied),
        "method": method.method(),
        "starts": Starts(count=starts, spread=spread),
        "key": jax.random.key(seed),
        "m0": starting_state(m0),
        "drive": applied,
    }
    result = working("fitting", lambda report: fit_trace(model, data, progress=report, **settings))
    _report(result, seed if starts > 1 else None, outputs, json)


def _check_size(model: Oscillator, drive: Drive | None, data: Trace) -> None:
    """A start whose fields are enormous would be integrated for hours; it is a mistake in a unit or a power of ten."""
    step = suggest_dt(model, drive)
    steps = float(data.t[-1] - data.t[0]) / step
    if steps > MOST_STEPS:
        raise ValueError(
            f"the start cannot be simulated: its field is so large that this trace takes {steps:.2g} steps of "
            f"{show(step, 's')}; check the values of --start, --set and the device"
        )


def _free(free: str, bounds: dict[str, str], model: Oscillator, drive: Drive | None) -> dict[str, Bound | None]:
    """The free parameters, each with the bound that was given for it; None stands for its default."""
    names = [name.strip() for name in free.split(",") if name.strip()]
    units = units_of(model, drive)
    limits = {name: _bound(name, text, unit_of(name, units)) for name, text in bounds.items()}
    if unknown := [name for name in limits if name not in names]:
        raise ValueError(f"--bounds {unknown[0]}: it is not free; add it to --free, or leave its bound out")
    for name in names:
        unit_of(name, units)
    return {name: limits.get(name) for name in names}


def _bound(name: str, text: str, unit: str) -> Bound:
    low, colon, high = text.partition(":")
    if not colon:
        raise ValueError(f"--bounds {name}={text}: expected NAME=LOW:HIGH, such as current=0.1mA:5mA")
    option = f"--bounds {name}"
    return between(quantity(option, low.strip(), unit), quantity(option, high.strip(), unit))


def _report(result: FitResult, seed: int | None, outputs: Outputs, json: bool) -> None:
    """Write the files, then tell."""
    entry = result.to_json() | {"command": command_line(), "seed": seed}
    if outputs.out is not None:
        write_json(outputs.out, entry, outputs.overwrite)
    save_pictures(outputs, _figures(result))
    if json:
        print_json(entry)
        return
    print(result)
    for file in outputs.written():
        print(f"wrote {file}")


def _figures(result: FitResult) -> dict[str, Any]:
    from llgrad import plot

    return {"fit": lambda: plot.fit(result), "history": lambda: plot.history(result)}
