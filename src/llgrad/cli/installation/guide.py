"""`llgrad guide`: how this version is used, for programs that write code, and the docstring of any public name."""

from __future__ import annotations

import importlib
import inspect
from importlib.resources import files
from typing import Annotated, Any

import typer

from llgrad.cli.output import JsonOption, command_line, print_json
from llgrad.core.run_record import run_record, version

NameArgument = Annotated[
    str | None, typer.Argument(help="A public name or a room, such as lg.fit or lg.fitting, to be explained instead.")
]


def guide(name: NameArgument = None, json: JsonOption = False) -> None:
    """How this version of llgrad is used, in two pages: for programs that write code, and for people in a hurry.

    With a name, its signature and docstring: llgrad guide lg.orbits.Orbit.
    """
    text = whole_guide() if name is None else explained(name)
    if json:
        print_json(run_record("guide", command=command_line()) | {"name": name, "text": text})
    else:
        print(text)


def whole_guide() -> str:
    """The guide, with its version before it and the list of rooms behind it."""
    text = files("llgrad.cli.installation").joinpath("guide.md").read_text(encoding="utf-8")
    rooms = "\n".join(f"- `lg.{room}`: {first}" for room, first in _rooms())
    return (
        f"# llgrad {version()}: a guide for programs that write code\n{text}\n## Where names are\n"
        f"At the top of `lg` is what is typed most; every public name is in one room.\n\n{rooms}\n"
    )


def explained(name: str) -> str:
    """Signature and docstring of a public name, or what a room is for and its names."""
    parts = name.removeprefix("llgrad.").removeprefix("lg.").split(".")
    value: Any = importlib.import_module("llgrad")
    for part in parts:
        if part.startswith("_") or part not in dir(value):
            raise ValueError(f"{name} is no public name of llgrad; {_near(parts[-1])}")
        value = getattr(value, part)
    about = inspect.getdoc(value) or ""
    if inspect.ismodule(value):
        return f"lg.{'.'.join(parts)}: {about}\n\n" + "\n".join(sorted(value.__all__, key=str.lower))
    signature = str(inspect.signature(value)) if callable(value) else ""
    return f"lg.{'.'.join(parts)}{signature}\n\n{about}"


def _rooms() -> list[tuple[str, str]]:
    """Every room, with the first line of what it is for."""
    rooms = importlib.import_module("llgrad").ROOMS
    return [
        (room, (inspect.getdoc(importlib.import_module(f"llgrad.{room}")) or "").partition("\n")[0]) for room in rooms
    ]


def _near(word: str) -> str:
    """Where a name is that was looked for elsewhere."""
    rooms = importlib.import_module("llgrad").ROOMS
    found = [
        f"lg.{room}.{one}"
        for room in rooms
        for one in importlib.import_module(f"llgrad.{room}").__all__
        if word.lower() in one.lower()
    ]
    return f"there is {', '.join(found[:8])}" if found else f"the rooms are {', '.join(f'lg.{room}' for room in rooms)}"
