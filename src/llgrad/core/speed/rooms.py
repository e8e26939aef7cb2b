"""Rooms of public names, each imported when it is first asked for."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import sys
import types
from typing import Any

from llgrad.core.speed.importing import without_collections


class Room(types.ModuleType):
    """A module whose public names are where its block `if TYPE_CHECKING:` imports them from, for readers, for type
    checkers, and for itself alike: one list.

    A public name that is also that of a module beside it, as `llgrad.fitting.fit`, is the public one; `import` would
    put the module in its place.
    """

    __all__: list[str]

    def __getattr__(self, name: str) -> Any:
        if name not in self.__all__:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        with without_collections():
            value = getattr(importlib.import_module(_homes(self)[name]), name)
        self.__dict__[name] = value
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        if not (isinstance(value, types.ModuleType) and name in self.__all__):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.__all__})


@functools.cache
def _homes(room: types.ModuleType) -> dict[str, str]:
    """The module of each public name of a room."""
    blocks = [node for node in ast.parse(inspect.getsource(room)).body if isinstance(node, ast.If)]
    imports = [node for node in blocks[0].body if isinstance(node, ast.ImportFrom)]
    return {one.name: node.module or "" for node in imports for one in node.names}


def as_room(name: str) -> None:
    """Make a module of that name a room, at its end."""
    sys.modules[name].__class__ = Room
