"""`llgrad follow`: how fixed points and cycles move with one number of a device, begin and vanish."""

from __future__ import annotations

import pathlib
from typing import Annotated

import typer

from llgrad.cli.device_options import (
    CurrentOption,
    DeviceArgument,
    FieldOption,
    SetOption,
    WithinOption,
    device_with,
    field_values,
    quantity,
    ranges_within,
    unit_of,
    values_given,
)
from llgrad.cli.output import ForceOption, JsonOption, PlotOption, check_outputs, command_line, deliver
from llgrad.cli.progress import working
from llgrad.core.record import leaf_units
from llgrad.orbits.branches.follow import follow as trace
from llgrad.orbits.branches.result import Branches


def follow(
    device: DeviceArgument,
    parameter: Annotated[str, typer.Argument(help="What is changed: current, field.z, alpha, …")],
    start: Annotated[str, typer.Argument(help="Its first value, with its unit: 0mA.")],
    stop: Annotated[str, typer.Argument(help="Its last value: 5mA.")],
    current: CurrentOption = None,
    field: FieldOption = None,
    set_: SetOption = None,
    within: WithinOption = None,
    cycles: Annotated[bool, typer.Option(help="Whether cycles are followed too.")] = True,
    doublings: Annotated[int, typer.Option(help="How many times branches of doubled cycles are followed.")] = 0,
    observable: Annotated[
        str | None, typer.Option(help="What the extremes of a cycle are told of: x, y, z, or a name in the state.")
    ] = None,
    out: Annotated[
        pathlib.Path | None, typer.Option(metavar="FILE", help="Write all points (.npz .csv .json).")
    ] = None,
    plot: PlotOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Follow equilibria and limit cycles over a range of one number: onsets (Hopf), folds, hysteresis, doublings.

    `llgrad follow kubota2013 current 0mA 5mA --field 200Oe`
    """
    outputs = check_outputs(out, (".npz", ".csv", ".json"), plot, ("branches",), force)
    values = values_given({"current": current}, field_values(field, None, None, None), set_)
    if parameter in values:
        raise ValueError(
            f"{parameter} is followed from {start} to {stop}, and {values[parameter]} is given for it; leave it out"
        )
    model = device_with(device, values)
    unit = unit_of(parameter, leaf_units(model))
    ends = [quantity(parameter, text, unit) for text in (start, stop)]
    settings = {"within": ranges_within(within), "cycles": cycles, "doublings": doublings, "observable": observable}
    found = working("following", lambda _: trace(model, parameter, *ends, **settings))
    entry = found.to_json() | {"command": command_line()}
    deliver(found, entry, {"branches": lambda: _picture(found)}, outputs, json, found.save)


def _picture(found: Branches) -> object:
    from llgrad import plot

    return plot.branches(found)
