"""`llgrad resonance`: ferromagnetic resonance and spin diode over field and frequency."""

from __future__ import annotations

import pathlib
from typing import Annotated, cast

import numpy as np
import typer

from llgrad.cli.device_options import DeviceArgument, SetOption, assignments, device_with, quantity, vector
from llgrad.cli.output import ForceOption, JsonOption, PlotOption, check_outputs, command_line, deliver
from llgrad.cli.progress import working
from llgrad.cli.states.loop import ends_of, pair_of
from llgrad.core.vector import Vec3
from llgrad.experiments.loops.loop import STEPS
from llgrad.experiments.loops.swept import Device
from llgrad.experiments.rectification import Microwave
from llgrad.experiments.resonances.resonance_map import ResonanceMap, resonance_map

POINTS = 201


def resonance(
    device: DeviceArgument,
    field: Annotated[str, typer.Option(help="Range of the field along --angle, in the order of the sweep: 3kOe:0Oe.")],
    frequency: Annotated[str, typer.Option(help="Range of the microwave: 1GHz:20GHz.")],
    angle: Annotated[
        str, typer.Option(metavar="THETA,PHI", help="Axis of the field, from z and from x: 90deg,0deg is x.")
    ] = "0deg,0deg",
    microwave_field: Annotated[
        str | None, typer.Option(help="Amplitude of the microwave field, a vector: 0Oe,1Oe,0Oe.")
    ] = None,
    microwave_current: Annotated[str | None, typer.Option(help="Amplitude of the microwave current: 10uA.")] = None,
    steps: Annotated[int, typer.Option(help="Steps of the field.")] = STEPS,
    points: Annotated[int, typer.Option(help="Number of frequencies.")] = POINTS,
    set_: SetOption = None,
    out: Annotated[pathlib.Path | None, typer.Option(metavar="FILE", help="Write the map (.npz .json).")] = None,
    plot: PlotOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Map ferromagnetic resonance and spin-diode voltage over field and frequency, along one slow sweep of the field.

    `llgrad resonance saf.json --field 3kOe:0Oe --angle 90deg,0deg --frequency 1GHz:20GHz --plot pictures`
    """
    outputs = check_outputs(out, (".npz", ".json"), plot, ("resonance",), force)
    if points < 2:
        raise ValueError(f"--points {points}: expected a number of frequencies, from 2")
    model = device_with(device, assignments("--set", set_))
    fields, f = ends_of("field", field, "T"), ends_of("frequency", frequency, "Hz")
    polar, azimuth = (quantity("--angle", part, "rad") for part in pair_of(angle))
    sent = None
    if microwave_field is not None or microwave_current is not None:
        b = Vec3(0.0, 0.0, 0.0) if microwave_field is None else vector("--microwave-field", microwave_field, "T")
        i = 0.0 if microwave_current is None else quantity("--microwave-current", microwave_current, "A")
        sent = Microwave(current=i, field=b)
    settings = {"angle": (polar, azimuth), "microwave": sent, "steps": steps}
    swept = cast(Device, model)
    found = working(
        "sweeping", lambda _: resonance_map(swept, fields[0], fields[1], np.linspace(f[0], f[1], points), **settings)
    )
    entry = found.to_json() | {"command": command_line()}
    deliver(found, entry, {"resonance": lambda: _picture(found)}, outputs, json, found.save)


def _picture(found: ResonanceMap) -> object:
    from llgrad import plot

    return plot.resonance_map(found)
