"""`llgrad plan`: which current and field to measure next."""

from __future__ import annotations

import json as json_text
import pathlib
from typing import Annotated, Any

import numpy as np
import typer

from llgrad.cli.commands.completing import presets
from llgrad.cli.device_options import (
    DEVICE_HELP,
    SetOption,
    assignments,
    names_in,
    oscillator_with,
    quantity,
    unit_of,
)
from llgrad.cli.output import (
    ForceOption,
    JsonOption,
    PlotOption,
    check_outputs,
    command_line,
    print_json,
    save_pictures,
)
from llgrad.cli.progress import working
from llgrad.core.files import unicode_text, write_json
from llgrad.core.record import leaf_units
from llgrad.devices.oscillator import Oscillator
from llgrad.fitting.planning.known import KnownParameters, known_from_file
from llgrad.fitting.planning.plan import plan as plan_traces

RANGE = "LOW:HIGH:COUNT"


def plan(
    source: Annotated[
        str, typer.Argument(help=f"The result of a fit (.json), or a device: {DEVICE_HELP}", autocompletion=presets)
    ],
    currents: Annotated[str | None, typer.Option(metavar=RANGE, help="Candidate currents: 1mA:3mA:5.")] = None,
    fields: Annotated[str | None, typer.Option(metavar=RANGE, help="Candidate fields along z: 0Oe:3kOe:7.")] = None,
    vary: Annotated[
        list[str] | None, typer.Option(metavar=f"NAME={RANGE}", help="Another setting: field.x=0mT:50mT:3.")
    ] = None,
    free: Annotated[str | None, typer.Option(help="For a device: what is unknown, such as alpha,current.")] = None,
    set_: SetOption = None,
    noise: Annotated[
        str | None, typer.Option(help="Noise of a recorded value: 0.01 (of m) or 0.1mV. Default: the fit's.")
    ] = None,
    duration: Annotated[str, typer.Option(help="Recorded time of each candidate.")] = "20ns",
    every: Annotated[str, typer.Option(help="Time between two samples.")] = "10ps",
    columns: Annotated[str | None, typer.Option(help="What is recorded: mx,my,mz or voltage.")] = None,
    settling: Annotated[str, typer.Option(help="Time before the first sample; 0s records the transient.")] = "60ns",
    apart: Annotated[str | None, typer.Option(help="Free parameters that each trace has for itself.")] = None,
    out: Annotated[pathlib.Path | None, typer.Option(metavar="FILE", help="Write the plan: .json.")] = None,
    plot: PlotOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Find the current and field whose trace would shrink the worst uncertainty most."""
    outputs = check_outputs(out, (".json",), plot, ("plan",), force)
    known = _source(source, assignments("--set", set_), free)
    model = known.model if isinstance(known, KnownParameters) else known
    settings: dict[str, Any] = {
        "free": _words("--free", free) or (),
        "duration": quantity("--duration", duration, "s"),
        "interval": quantity("--every", every, "s"),
        "noise": None if noise is None else quantity("--noise", noise, "V" if noise.strip()[-1:].isalpha() else "1"),
        "columns": _words("--columns", columns),
        "settling": quantity("--settling", settling, "s"),
        "apart": _words("--apart", apart) or (),
    }
    grid = _grid(model, currents, fields, assignments("--vary", vary))
    found = working("planning", lambda report: plan_traces(known, grid, progress=report, **settings))
    entry = found.to_json() | {"command": command_line()}
    if outputs.out is not None:
        write_json(outputs.out, entry, outputs.overwrite)
    save_pictures(outputs, {"plan": lambda: _picture(found)})
    if json:
        print_json(entry)
        return
    print(found)
    for file in outputs.written():
        print(f"wrote {file}")


def _source(name: str, values: dict[str, str], free: str | None) -> KnownParameters | Oscillator:
    """What the file of a fit holds, or a device whose free parameters are named."""
    if _is_fit(name):
        if values:
            raise ValueError(f"--set is for a device; {name} is the result of a fit, and its values are those found")
        if free:
            raise ValueError(f"--free is for a device; the parameters of {name} are those that were fitted")
        return known_from_file(name)
    device = oscillator_with(name, values, "a plan foresees what traces of one magnetisation tell")
    if free is None:
        raise ValueError("--free is missing: for a device, name what is unknown, such as --free alpha,current,field.z")
    for word in _words("--free", free) or ():
        unit_of(word, leaf_units(device))
    return device


def _is_fit(name: str) -> bool:
    """Whether a name is that of a JSON file with the result of a fit; every other mistake in it is told by its
    reader."""
    path = pathlib.Path(name)
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    try:
        entry = json_text.loads(unicode_text(path.read_bytes()))
    except ValueError:
        return False
    return isinstance(entry, dict) and entry.get("format") == "llgrad.fit"


def _grid(model: Oscillator, currents: str | None, fields: str | None, others: dict[str, str]) -> dict[str, np.ndarray]:
    """The candidate values of each setting that was named."""
    given = {"current": ("--currents", currents), "field.z": ("--fields", fields)}
    given |= {name: (f"--vary {name}", text) for name, text in others.items()}
    grid = {name: (option, text) for name, (option, text) in given.items() if text is not None}
    if not grid:
        raise ValueError("no candidates: give --currents 1mA:3mA:5, --fields 0Oe:3kOe:7, or both")
    units = leaf_units(model)
    return {name: _values(option, text, unit_of(name, units)) for name, (option, text) in grid.items()}


def _values(option: str, text: str, unit: str) -> np.ndarray:
    """Evenly spaced values of LOW:HIGH:COUNT, or those of a list with commas."""
    parts = text.split(":")
    if len(parts) == 1:
        return np.array([quantity(option, one, unit) for one in text.split(",")])
    if len(parts) != 3 or not parts[2].strip().isdigit() or not 1 < int(parts[2]) <= 1000:
        raise ValueError(f"{option} {text}: expected LOW:HIGH:COUNT, such as 1mA:3mA:5, or values with commas")
    low, high = (quantity(option, part, unit) for part in parts[:2])
    if not low < high:
        raise ValueError(f"{option} {text}: expected a lower value before a higher one")
    return np.linspace(low, high, int(parts[2]))


def _words(option: str, text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(names_in(option, text))


def _picture(found: Any) -> Any:
    from llgrad.plot.pages.plans import plan

    return plan(found)
