"""`llgrad guide`: how this version is used, for programs that write code, and the docstring of any public name."""

from __future__ import annotations

import ast
import difflib
import functools
import importlib
import inspect
import itertools
import textwrap
from importlib.resources import files
from typing import Annotated, Any, TypeGuard

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
    """Signature and docstring of a public name, of a member of a class, or what a room is for and its names."""
    parts = [] if name in ("lg", "llgrad") else name.removeprefix("llgrad.").removeprefix("lg.").split(".")
    owner: Any = None
    value: Any = importlib.import_module("llgrad")
    for part in parts:
        if part not in _members(value):
            raise ValueError(f"{name} is no public name of llgrad; {_near(part, value)}")
        owner, value = value, _member(value, part, name)
    title = ".".join(["lg", *parts])
    if inspect.ismodule(value):
        return f"{title}: {inspect.getdoc(value) or ''}\n\n" + "\n".join(sorted(value.__all__, key=str.lower))
    if isinstance(value, ast.AnnAssign):
        return f"{title}{ast.unparse(value).removeprefix(parts[-1])}\n\n{_about_field(owner, value)}"
    return f"{title}{_signature(value)}\n\n{inspect.getdoc(value) or 'Nothing is written about it.'}"


def _members(value: Any) -> list[str]:
    """The public names of a module, or of a class with its fields; nothing else has any."""
    if inspect.ismodule(value):
        return value.__all__
    names = [*dir(value), *_fields(value)] if inspect.isclass(value) else []
    return [name for name in dict.fromkeys(names) if not name.startswith("_")]


def _member(value: Any, part: str, name: str) -> Any:
    """What stands under a name. Raises ValueError where a library that it needs is not installed."""
    if inspect.isclass(value) and part in (fields := _fields(value)):
        return fields[part]
    try:
        return getattr(value, part)
    except ImportError as error:
        if error.name is not None:  # no sentence of ours
            raise
        raise ValueError(f"{name} cannot be told: {error}") from None


def _fields(kind: type) -> dict[str, ast.AnnAssign]:
    """The fields of a record as its source has them: those without a default are no attributes of the class."""
    return {node.target.id: node for base in reversed(_written(kind)) for node in _body(base) if _is_field(node)}


def _written(kind: type) -> list[type]:
    """The class and those above it whose source is here."""
    return [base for base in kind.__mro__ if base.__module__.startswith("llgrad.")]


@functools.cache
def _body(kind: type) -> list[ast.stmt]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    return tree.body if isinstance(tree, ast.ClassDef) else []


def _is_field(node: ast.stmt) -> TypeGuard[Any]:
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)


def _about_field(kind: type, field: ast.AnnAssign) -> str:
    """The text below a field, or what the docstring of its class says of it."""
    for base in _written(kind):
        body = _body(base)
        for node, below in itertools.pairwise(body):
            match below:
                case ast.Expr(value=ast.Constant(value=str(text))) if node is field:
                    return inspect.cleandoc(text)
        if field in body:
            return f"A field of {base.__name__}:\n\n{inspect.getdoc(base) or ''}"
    return ""


def _signature(value: Any) -> str:
    """How it is called; nothing for what is not, or is written in C."""
    try:
        return str(inspect.signature(value)) if callable(value) else ""
    except ValueError:
        return ""


def _rooms() -> list[tuple[str, str]]:
    """Every room, with the first line of what it is for."""
    rooms = importlib.import_module("llgrad").ROOMS
    return [
        (room, (inspect.getdoc(importlib.import_module(f"llgrad.{room}")) or "").partition("\n")[0]) for room in rooms
    ]


def _near(word: str, owner: Any) -> str:
    """What there is for a name that is not: names like it of the class, or in any room."""
    if not inspect.ismodule(owner):
        members = _members(owner)
        near = difflib.get_close_matches(word, members, n=3) or members
        return f"it has {', '.join(near[:8])}" if near else "what stands before it has none"
    rooms = importlib.import_module("llgrad").ROOMS
    homes = {f"lg.{room}.{one}": one for room in rooms for one in importlib.import_module(f"llgrad.{room}").__all__}
    close = difflib.get_close_matches(word, homes.values(), n=3)
    found = [home for home, one in homes.items() if (len(word) > 2 and word.lower() in one.lower()) or one in close]
    found.sort(key=lambda home: -difflib.SequenceMatcher(None, word.lower(), homes[home].lower()).ratio())
    return f"there is {', '.join(found[:8])}" if found else f"the rooms are {', '.join(f'lg.{room}' for room in rooms)}"
