"""`llgrad equilibria`: where a device rests, whether it stays there, and how it rings."""

from __future__ import annotations

from llgrad.cli.device_options import (
    CurrentOption,
    DeviceArgument,
    FieldOption,
    SetOption,
    WithinOption,
    device_with,
    field_values,
    ranges_within,
    values_given,
)
from llgrad.cli.output import ForceOption, JsonOption, PlotOption, check_outputs, command_line, deliver
from llgrad.cli.progress import working
from llgrad.orbits.equilibria.equilibria import equilibria as search
from llgrad.orbits.equilibria.result import Equilibria


def equilibria(
    device: DeviceArgument,
    current: CurrentOption = None,
    field: FieldOption = None,
    set_: SetOption = None,
    within: WithinOption = None,
    plot: PlotOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Find every state in which a device can rest: its stability, energy, frequency and width of its line.

    `llgrad equilibria kubota2013 --field 200Oe --current 0.3mA`
    """
    outputs = check_outputs(None, (), plot, ("equilibria",), force)
    model = device_with(device, values_given({"current": current}, field_values(field, None, None, None), set_))
    box = ranges_within(within)
    found = working("searching", lambda _: search(model, within=box))
    deliver(
        found, found.to_json() | {"command": command_line()}, {"equilibria": lambda: _picture(found)}, outputs, json
    )


def _picture(found: Equilibria) -> object:
    from llgrad import plot

    return plot.equilibria(found)
