"""Commands as their sources write them down: names and words of their options, without importing what they do.

A shell that completes `--fi` waits for the answer, and importing a command imports JAX, which takes a second.
"""

from __future__ import annotations

import ast
import functools
import inspect
import pathlib
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Final, NamedTuple

import typer

ROOT: Final = pathlib.Path(__file__).parents[3]
"""Where the package `llgrad` lies."""


class Written(NamedTuple):
    """A piece of source, and the module in which its names are looked up."""

    module: str
    node: Any


def sketch(name: str, module: str) -> Callable[..., None]:
    """A function with the options of a command that does nothing: what typer needs to know which there are.

    Raises LookupError where they are written in another way than is read here.
    """
    made = _function(name, module)
    parameters = [
        found for one in _arguments(made.node) if (found := _parameter(Written(made.module, one))) is not None
    ]

    def command(**given: Any) -> None:
        """Only its parameters are wanted."""

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    command.__doc__ = ast.get_docstring(made.node)
    return command


@functools.cache
def tree_of(module: str) -> ast.Module:
    """The source of a module of the package."""
    return ast.parse(ROOT.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8"))


def _function(name: str, module: str) -> Written:
    """The function of a command: of its name, or the one within a function that made it."""
    for node in tree_of(module).body:
        match node:
            case ast.FunctionDef(name=found) if found.rstrip("_") == name:
                return Written(module, node)
            case ast.Assign(targets=[ast.Name(id=found)], value=ast.Call(func=ast.Name(id=maker))) if (
                found.rstrip("_") == name
            ):
                outer = _function(maker, module).node
                return Written(module, next(one for one in outer.body if isinstance(one, ast.FunctionDef)))
    raise LookupError(f"{module} has no function {name}")


def _arguments(function: ast.FunctionDef) -> Iterator[tuple[ast.arg, Any]]:
    """Each argument with the source of its default, or None."""
    given = function.args.args
    yield from zip(given, [None] * (len(given) - len(function.args.defaults)) + function.args.defaults, strict=True)


def _parameter(written: Written) -> inspect.Parameter | None:
    """An argument as typer reads it; None for typer's own context. Raises LookupError for one of another form."""
    argument, default = written.node
    match _followed(Written(written.module, argument.annotation)):
        case Written(_, ast.Attribute(attr="Context")):
            return None
        case Written(module, ast.Subscript(slice=ast.Tuple(elts=[kind, ast.Call(func=made) as call]))):
            texts = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            words = [text for text in texts if text.startswith("-")]
            options: dict[str, Any] = {
                one.arg: _text(Written(module, one.value))
                for one in call.keywords
                if one.arg in ("help", "rich_help_panel")
            }
            if isinstance(made, ast.Name):  # a function of its module that makes an option, and is given its help
                options["help"] = next((text for text in texts if text not in words), None)
            what: Any = typer.Argument if isinstance(made, ast.Attribute) and made.attr == "Argument" else typer.Option
            annotation = Annotated[_kind(ast.unparse(kind)), what(*words, **options)]
            value = inspect.Parameter.empty if default is None else False if "bool" in ast.unparse(kind) else None
            return inspect.Parameter(argument.arg, inspect.Parameter.KEYWORD_ONLY, default=value, annotation=annotation)
    raise LookupError(f"{written.module}: {argument.arg} is written in a way that is not read here")


def _kind(written: str) -> Any:
    """The type of a value as far as it decides how words are parsed: a flag, one word, or several."""
    if "bool" in written:
        return bool
    return list[str] | None if written.startswith("list[") else str | None


def _followed(written: Written) -> Written:
    """What a name stands for, in its module or in the one that it is imported from."""
    module, node = written
    while True:
        match node:
            case ast.Name(id=name):
                module, node = _meaning(module, name)
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner != "typer":
                module, node = _meaning(f"{_home(module, owner)}.{owner}", name)
            case _:
                return Written(module, node)


def _home(module: str, name: str) -> str:
    """From where a module imports a name. Raises LookupError where it does not."""
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.ImportFrom) and node.module and any(one.name == name for one in node.names):
            return node.module
    raise LookupError(f"{module} has no {name}")


def _meaning(module: str, name: str) -> Written:
    """Where a name gets its value. Raises LookupError for one of another package."""
    if not module.startswith("llgrad."):
        raise LookupError(f"{module} is not read here")
    for node in tree_of(module).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                return Written(module, value)
            case ast.AnnAssign(target=ast.Name(id=found), value=value) if found == name:
                return Written(module, value)
    return _meaning(_home(module, name), name)


def _text(written: Written) -> str | None:
    """A text that is written down, or put together of such; None for one that is computed."""
    match _followed(written):
        case Written(_, ast.Constant(value=str(text))):
            return text
        case Written(module, ast.JoinedStr(values=parts)):
            nodes = [part.value if isinstance(part, ast.FormattedValue) else part for part in parts]
            texts = [_text(Written(module, node)) for node in nodes]
            return None if None in texts else "".join(filter(None, texts))
    return None
