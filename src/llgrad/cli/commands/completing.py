"""What a shell is told when it completes a line: typer's own answers, without importing what they do not need."""

from __future__ import annotations

import ast
import os
import pathlib
from typing import Final

from typer.core import TyperCommand

VARIABLE: Final = "_LLGRAD_COMPLETE"
"""The environment variable by which a shell's script asks, and what typer reads: complete_bash, …"""


def prepare() -> None:
    """Have typer know its shells, where one asks; `typer.Typer(add_completion=False)` leaves them out."""
    if VARIABLE in os.environ:
        from typer.completion import completion_init  # pyright: ignore[reportPrivateImportUsage]

        completion_init()


def begun() -> str:
    """The last word of the line that a shell asks about."""
    return _line().rpartition(" ")[2]


def has_command() -> bool:
    """Whether the line has a command before its last word."""
    words = _line().split(" ")
    return len(words) > 2 and not words[1].startswith("-")


def _line() -> str:
    return os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS", "")


def placeholder(name: str, module: str) -> TyperCommand:
    """A command that has only a name and what it is for, read from its source: importing all takes a second."""
    file = pathlib.Path(__file__).parents[1].joinpath(*module.split(".")).with_suffix(".py")
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef(name=found) if found.rstrip("_") == name:
                return TyperCommand(name, help=ast.get_docstring(node))
            case ast.Assign(targets=[ast.Name(id=found)], value=ast.Call(args=[*_, ast.Constant(value=str(text))])) if (
                found.rstrip("_") == name
            ):
                return TyperCommand(name, help=text)
    return TyperCommand(name)


def presets(incomplete: str) -> list[str]:
    """The presets that a word begins; where there is none the shell goes on with the names of files."""
    from llgrad.physics.presets.named import names

    return [name for name in names() if name.startswith(incomplete)]
