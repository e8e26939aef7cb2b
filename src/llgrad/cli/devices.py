"""`llgrad devices`: the presets, or the card of one device."""

from __future__ import annotations

import inspect
from typing import Annotated

import typer

from llgrad.cli.device_options import DEVICE_HELP
from llgrad.cli.output import JsonOption, command_line, print_json
from llgrad.core.run_record import run_record
from llgrad.devices import presets
from llgrad.devices.files import load_device


def devices(
    device: Annotated[str | None, typer.Argument(help=f"{DEVICE_HELP} Without it: the list of presets.")] = None,
    json: JsonOption = False,
) -> None:
    """List the presets, or print the card of one device with all its values and units.

    `llgrad devices kubota2013 --json > mine.json` makes a file to edit, and to simulate: `llgrad simulate mine.json`.
    """
    if device is not None:
        found = load_device(device)
        if json:
            print_json(run_record("device", device=found, command=command_line()))
        else:
            print(f"{device}: {found}")
        return
    about = {name: (inspect.getdoc(make) or "").splitlines()[0] for name, make in presets.PRESETS.items()}
    if json:
        print_json(run_record("devices", command=command_line()) | {"devices": about})
    else:
        width = max(map(len, about))
        print("\n".join(f"{name:<{width}}  {text}" for name, text in about.items()))
