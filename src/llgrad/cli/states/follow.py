"""`llgrad follow`: how fixed points move with one number of a device, and where a cycle begins or they vanish."""

from __future__ import annotations

from typing import Annotated

import typer

from llgrad.cli.device_options import (
    DEVICE_HELP,
    CurrentOption,
    FieldOption,
    SetOption,
    assignments,
    device_with,
    field_values,
    quantity,
    unit_of,
)
from llgrad.cli.output import ForceOption, JsonOption, PlotOption, check_outputs, command_line, deliver
from llgrad.cli.progress import working
from llgrad.core.record import leaf_units
from llgrad.orbits.branches.follow import follow as trace
from llgrad.orbits.branches.result import Branches


def follow(
    device: Annotated[str, typer.Argument(help=DEVICE_HELP)],
    parameter: Annotated[str, typer.Argument(help="What is changed: current, field.z, alpha, …")],
    start: Annotated[str, typer.Argument(help="Its first value, with its unit: 0mA.")],
    stop: Annotated[str, typer.Argument(help="Its last value: 5mA.")],
    current: CurrentOption = None,
    field: FieldOption = None,
    set_: SetOption = None,
    plot: PlotOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Follow every equilibrium over a range of one number: onsets of oscillation (Hopf), folds, crossings.

    `llgrad follow kubota2013 current 0mA 5mA --field 200Oe`
    """
    outputs = check_outputs(None, (), plot, ("branches",), force)
    values = ({} if current is None else {"current": current}) | field_values(field, None, None, None)
    model = device_with(device, values | assignments("--set", set_))
    unit = unit_of(parameter, leaf_units(model))
    ends = [quantity(parameter, text, unit) for text in (start, stop)]
    found = working("following", lambda _: trace(model, parameter, *ends))
    deliver(found, found.to_json() | {"command": command_line()}, {"branches": lambda: _picture(found)}, outputs, json)


def _picture(found: Branches) -> object:
    from llgrad import plot

    return plot.branches(found)
