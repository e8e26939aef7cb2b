"""`llgrad harmonics`: first and second harmonic of the Hall voltage under an alternating current."""

from __future__ import annotations

import pathlib
from typing import Annotated

import typer

from llgrad.cli.device_options import DeviceArgument, SetOption, assignments, device_with, quantity
from llgrad.cli.output import ForceOption, JsonOption, PlotOption, check_outputs, command_line, deliver
from llgrad.cli.progress import working
from llgrad.cli.states.loop import AnglesOption, LoopFieldOption, asked
from llgrad.experiments.harmonics.harmonic_hall import harmonic_hall
from llgrad.experiments.harmonics.result import HarmonicHall
from llgrad.experiments.loops.loop import STEPS


def harmonics(
    device: DeviceArgument,
    current: Annotated[str, typer.Option(help="Amplitude of the current through the bar: 1mA.")],
    field: LoopFieldOption = None,
    angle: AnglesOption = None,
    frequency: Annotated[str, typer.Option(help="Of the current; 0Hz is the limit of a slow one.")] = "0Hz",
    signal: Annotated[
        str | None, typer.Option(help="The voltage that is read, where the device has several bars.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Steps of the sweep.")] = STEPS,
    set_: SetOption = None,
    out: Annotated[
        pathlib.Path | None, typer.Option(metavar="FILE", help="Write all points (.npz .csv .json).")
    ] = None,
    plot: PlotOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Harmonics of the Hall voltage of a device at rest under an alternating current, as a field or its angle is swept.

    `llgrad harmonics bar.json --current 1mA --field 1kOe --angle 90deg,0deg:360deg --plot pictures`
    """
    outputs = check_outputs(out, (".npz", ".csv", ".json"), plot, ("harmonics",), force)
    model = device_with(device, assignments("--set", set_))
    model, name, ends, axes = asked(model, field, angle, None, None)
    if len(axes) > 1:
        raise ValueError("--angle is given several times; give one axis, or a range of one of its angles")
    amplitude, f = quantity("--current", current, "A"), quantity("--frequency", frequency, "Hz")
    settings = {"current": amplitude, "frequency": f, "angle": axes[0], "signal": signal, "steps": steps}
    found = working("sweeping", lambda _: harmonic_hall(model, name, ends[0], ends[1], **settings))
    entry = found.to_json() | {"command": command_line()}
    deliver(found, entry, {"harmonics": lambda: _picture(found)}, outputs, json, found.save)


def _picture(found: HarmonicHall) -> object:
    from llgrad import plot

    return plot.harmonics(found)
