"""`llgrad devices`: the presets, or the card of one device."""

from __future__ import annotations

import inspect
import itertools
import textwrap
from typing import Annotated, Final, NamedTuple

import typer

from llgrad.cli.commands.completing import presets
from llgrad.cli.device_options import DEVICE_HELP
from llgrad.cli.output import JsonOption, command_line, print_json
from llgrad.core.run_record import run_record
from llgrad.physics.presets.files import load_device
from llgrad.physics.presets.named import PRESETS

WIDTH: Final = 100
"""Of what is said of a preset."""


def devices(
    device: Annotated[
        str | None, typer.Argument(help=f"{DEVICE_HELP} Without it: the table of presets.", autocompletion=presets)
    ] = None,
    json: JsonOption = False,
) -> None:
    """List the presets by kind, with their sources, or print the card of one device with all its values and units.

    `llgrad devices kubota2013 --json > mine.json` makes a file to edit, and to simulate: `llgrad simulate mine.json`.
    """
    if device is not None:
        found = load_device(device)
        if json:
            print_json(run_record("device", device=found, command=command_line()))
        else:
            print(f"{device}: {found}")
        return
    if json:
        entry = {name: row._asdict() for name, row in _rows().items()}
        print_json(run_record("devices", command=command_line()) | {"devices": entry})
    else:
        print("\n".join(_lines(_rows())))


class PresetRow(NamedTuple):
    """What the table says of a preset."""

    kind: str
    record: str
    about: str
    source: str


def _rows() -> dict[str, PresetRow]:
    """The presets by kind, the kinds in the order in which they come first."""
    kinds = list(dict.fromkeys(preset.kind for preset in PRESETS.values()))
    found = {}
    for name, preset in sorted(PRESETS.items(), key=lambda item: kinds.index(item[1].kind)):
        about = (inspect.getdoc(preset.make) or "").split("\n\n")[0].replace("\n", " ")
        found[name] = PresetRow(preset.kind, type(preset.make()).__name__, about, preset.source)
    return found


def _lines(rows: dict[str, PresetRow]) -> list[str]:
    """A table: name, what it is, and under it the record and where its numbers were read."""
    lines: list[str] = []
    width = max(map(len, rows))
    for kind, members in itertools.groupby(rows.items(), key=lambda item: item[1].kind):
        lines += ["", kind]
        for name, row in members:
            about = [*textwrap.wrap(row.about, WIDTH), f"{row.record}; {row.source}"]
            lines += [
                f"  {label:<{width}}  {text}"
                for label, text in zip([name, *[""] * (len(about) - 1)], about, strict=True)
            ]
    return lines[1:]
