"""Which commands there are, and the group that imports each when it is asked for. Nothing here imports JAX."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import typer
from typer.core import TyperGroup

from llgrad.cli.commands.completing import placeholder
from llgrad.cli.commands.config import Configured
from llgrad.cli.commands.panels import GROUPS, arranged
from llgrad.cli.commands.sketching import sketch
from llgrad.cli.commands.words import PlainWords
from llgrad.core.speed.importing import without_collections

COMMANDS: Final[Mapping[str, str]] = {name: module for group in GROUPS.values() for name, module in group.items()}
"""In which module of `llgrad.cli` each command is, in the order of the help."""


class CommandTable(Mapping[str, Any]):
    """The commands by name, each imported when it is asked for: importing all takes as long as a simulation."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            alone = typer.Typer(add_completion=False)
            alone.command(name, cls=Configured)(self._function(name))
            self._made[name] = arranged(typer.main.get_command(alone))
        return self._made[name]

    def _function(self, name: str) -> Any:
        with without_collections():
            module = importlib.import_module(f"llgrad.cli.{COMMANDS[name]}")
        gc.freeze()  # as in `main` of llgrad.cli.main
        return getattr(module, name, None) or getattr(module, f"{name}_")

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class SketchTable(CommandTable):
    """The commands with their options as their sources write them down, for a shell that asks for these."""

    def _function(self, name: str) -> Any:
        try:
            return sketch(name, f"llgrad.cli.{COMMANDS[name]}")
        except LookupError:
            return super()._function(name)


class CommandGroup(PlainWords, TyperGroup):
    """The group of commands by their names; a shell that asks for names is told them without importing a command."""

    def __init__(self, commands: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.commands: Any = commands or CommandTable()

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        self.commands = {name: placeholder(name, module) for name, module in COMMANDS.items()}
        return super().shell_complete(ctx, incomplete)
