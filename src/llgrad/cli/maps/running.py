"""How `llgrad map` and `llgrad sweep` look at their points, and what they leave behind."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import typer

from llgrad.cli.device_options import quantity, start_of
from llgrad.cli.maps.options import MapRequest
from llgrad.cli.output import INTERRUPTED, Outputs, check_outputs, command_line, print_json, save_pictures, say
from llgrad.cli.progress import Report, working
from llgrad.devices.oscillator import Oscillator
from llgrad.experiments.sweeps.axes import axes_of
from llgrad.experiments.sweeps.measuring import wanted_of
from llgrad.experiments.sweeps.record import Map, save_map
from llgrad.experiments.sweeps.regions import Region
from llgrad.experiments.sweeps.sweep import sweep
from llgrad.solve.parts.telling import seconds

ENDINGS: Final = (".npz", ".csv")
STOPPING: Final = "stopping with what there is"
OTHER: Final = {1: "llgrad map is for two", 2: "llgrad sweep is for one"}


class Ready(NamedTuple):
    """What is to be looked at, all of it checked."""

    device: Any
    parameters: dict[str, Any]
    settings: dict[str, Any]
    outputs: Outputs


def prepared(
    given: MapRequest,
    count: int,
    wanted: Mapping[str, Any],
    m0: str | None,
    accuracy: float,
    chaos: str | None,
    out: pathlib.Path | None,
    plot: pathlib.Path | None,
    force: bool,
) -> Ready:
    """Check all before the work begins. Raises ValueError for another number of ranges than `count`."""
    device, parameters = given
    if len(parameters) != count:
        names = ", ".join(parameters) or "none"
        raise ValueError(
            f"{len(parameters)} ranges are given ({names}), expected {count}: FIRST:LAST:NUMBER, such as "
            f"--current 0:5mA:101{'; ' + OTHER[count] if len(parameters) in (1, 2) else ''}"
        )
    axes_of(device, parameters)
    quantities = wanted_of(wanted, device, _temperatures(device, parameters))
    names = ("sweep",) if count == 1 else ("regions", *quantities)
    outputs = check_outputs(out, ENDINGS, plot, names, force)
    settings = {"quantities": quantities, "m0": start_of(device, m0), "accuracy": accuracy}
    settings["chaos"] = None if chaos is None else quantity("--chaos", chaos, "s")
    return Ready(device, parameters, settings, outputs)


def usual_of(given: MapRequest) -> list[str]:
    """The quantities that are computed where none is named."""
    return list(wanted_of(None, given.device, _temperatures(*given)))


def _temperatures(device: Any, parameters: Mapping[str, Any]) -> np.ndarray | None:
    """The temperatures [K] that are looked at; None of a system, which tells its noises itself."""
    if "temperature" not in parameters and not isinstance(device, Oscillator):
        return None
    return np.atleast_1d(np.asarray(parameters.get("temperature", getattr(device, "temperature", 0.0)), float))


def looked(ready: Ready) -> Map:
    """The map, with a bar, and Ctrl-C that keeps what there is."""

    def run(report: Report) -> Map:
        def tell(told: dict[str, Any]) -> None:
            left = "" if told["left"] is None else f"{seconds(told['left'])} left"
            report({"fraction": told["fraction"], "remark": left})

        return sweep(ready.device, ready.parameters, progress=tell, **ready.settings)

    return working("looking for orbits", run, True, stopping=STOPPING)


def figures_of_map(found: Map) -> dict[str, Any]:
    """The phase diagram, and one picture of each quantity."""
    names: tuple[str | None, ...] = (None, *found.quantities)
    return {name or "regions": partial(_diagram, found, name) for name in names}


def figure_of_sweep(found: Map) -> dict[str, Any]:
    """All quantities in one picture."""
    return {"sweep": partial(_sweep, found)}


def _diagram(found: Map, name: str | None) -> object:
    from llgrad import plot

    return plot.phase_diagram(found, name)


def _sweep(found: Map) -> object:
    from llgrad import plot

    return plot.sweep(found)


def leave(found: Map, text: str, figures: Mapping[str, Any], outputs: Outputs, json: bool) -> None:
    """Write the files, tell, and end with a status that says whether all was looked at."""
    if outputs.out is not None:
        save_map(found, outputs.out, outputs.overwrite, command_line())
    save_pictures(outputs, figures)
    if json:
        print_json(found.to_json() | {"command": command_line(), "files": [str(file) for file in outputs.written()]})
    else:
        print(text)
        for file in outputs.written():
            print(f"wrote {file}")
    if (found.regions == Region.NOT_COMPUTED).any():
        say("interrupted; what was not looked at is left open")
        raise typer.Exit(INTERRUPTED)
