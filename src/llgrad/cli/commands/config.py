"""`--config FILE.toml` of every command: its words from a file, as though they stood on the command line."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand

from llgrad.cli.commands.words import PlainWords

ConfigOption = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        expose_value=False,
        help="Take what is not given here from this file (.toml): the same words, without their dashes.",
    ),
]
NOT_IN_A_FILE: Final = ("config", "help")
GIVEN: Final = (str, bool, list, tuple)
"""What the parser has of a word that was given; of one that was not it has None, or a mark of its own."""


class Configured(PlainWords, TyperCommand):
    """A command whose words may come from a file; what is given on the line wins.

    The words of both are parsed as one line, which is also the one that the run record tells: a file has no way of its
    own to be read, checked or refused, and the record needs no file.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.params.append(_option())

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        files = sum(word.partition("=")[0] == "--config" for word in args)
        line, rest, order = self.make_parser(ctx).parse_args(args=list(args))
        if ctx.resilient_parsing or line.get("help"):
            return super().parse_args(ctx, args)
        _check_once(order)
        file = line.pop("config", None)
        line = {name: value for name, value in line.items() if isinstance(value, GIVEN) and value != ()}
        if not isinstance(file, str):
            self._check_whole(ctx, line, "")
            return super().parse_args(ctx, args)
        if files > 1:
            raise ValueError("--config is given twice; put the words of both files into one")
        found = values_of(file, known_of(self.get_params(ctx)), f"llgrad {ctx.info_name}")
        self._check_whole(ctx, found | line, file)
        words = [*_words(self.get_params(ctx), found | line), *rest]
        sys.argv = [sys.argv[0], ctx.info_name, *words]
        try:
            return super().parse_args(ctx, words)
        except typer.BadParameter as error:
            if getattr(error.param, "name", None) in found.keys() - line.keys():
                error.message = f"{error.message} (from {file})"
            raise

    def _check_whole(self, ctx: Any, values: Mapping[str, Any], file: str) -> None:
        """Raise ValueError where something is missing: typer names the first of it only, and not the command."""
        missing = [one for one in self.get_params(ctx) if one.required and one.name not in values]
        if missing:
            *most, last = [max(one.opts, key=len) for one in missing]
            listed = f"{', '.join(most)} and {last}" if most else last
            place = f', on the line or as {_word(missing[0])} = "…" in {file}' if file else ""
            raise ValueError(f"llgrad {ctx.info_name} needs {listed}{place} (see llgrad {ctx.info_name} --help)")


def _check_once(given: list[Any]) -> None:
    """Raise ValueError for an option with one value that is given twice: the parser would keep the last one. A flag
    says the same however often."""
    for one in given:
        single = one.param_type_name == "option" and not (one.multiple or one.is_flag or one.name in NOT_IN_A_FILE)
        if single and sum(other is one for other in given) > 1:
            raise ValueError(f"{max(one.opts, key=len)} is given twice, and takes one value; give it once")


def values_of(file: str, known: Mapping[str, Any], command: str) -> dict[str, Any]:
    """What a file gives, by the names of a command's parameters: a text, a list of texts, or true and false of a flag.

    `known` has the parameters by their words. Raises OSError for a file that cannot be read, ValueError for one that is
    no TOML, for an unknown word and for a value of a wrong kind.
    """
    from llgrad.core.files import (
        strict_toml,
        unicode_text,
    )  # here, as it imports JAX, without which names are completed

    try:
        with open(file, "rb") as stream:
            entries = strict_toml(unicode_text(stream.read()))
    except ValueError as error:
        raise ValueError(f'--config {file} is no TOML ({error}); expected lines such as field = "200Oe"') from None
    found: dict[str, Any] = {}
    for key, value in entries.items():
        word = key.replace("_", "-")
        if word not in known:
            near = difflib.get_close_matches(word, known, n=3)
            guess = f" (did you mean {' or '.join(map(repr, near))}?)" if near else ""
            words = dict.fromkeys(map(_word, known.values()))
            raise ValueError(f"{file}: unknown word {key!r}{guess}; {command} takes {', '.join(words)}")
        name = known[word].name
        if name in found:
            raise ValueError(f"{file} gives {word} twice, with - and with _; give it once")
        found[name] = _value(file, key, value, known[word])
    return found


def known_of(parameters: list[Any]) -> dict[str, Any]:
    """The parameters of a command by their words: `sine-current` of --sine-current, `device` of the argument DEVICE.

    An option of two spellings (--minimise, --minimize) is here by both, the one that is shown first.
    """
    return {word: one for one in parameters if one.name not in NOT_IN_A_FILE for word in _spellings(one)}


def _spellings(parameter: Any) -> list[str]:
    """The words of a parameter: all but its single letters."""
    longest = sorted(parameter.opts, key=len, reverse=True)
    return [word.lstrip("-").replace("_", "-") for word in longest if word.startswith("--") or len(longest) == 1]


def _word(parameter: Any) -> str:
    return _spellings(parameter)[0]


def _value(file: str, key: str, value: Any, parameter: Any) -> Any:
    """The value as the parser of the command line would have it. Raises ValueError for one of a wrong kind."""
    if getattr(parameter, "is_flag", False):
        if isinstance(value, bool):
            return value
        raise ValueError(f"{file}: {key} = {value!r}, expected true or false")
    repeated = getattr(parameter, "multiple", False) or parameter.nargs == -1
    if repeated and isinstance(value, dict) and "=" in (parameter.metavar or ""):
        return [f"{name}={_text(file, f'{key}.{name}', one)}" for name, one in leaves_of(value)]
    if repeated and isinstance(value, list):
        return [_text(file, key, one) for one in value]
    if isinstance(value, list):
        raise ValueError(f'{file}: {key} is a list, and is given once; expected one text, such as {key} = "a,b"')
    return [_text(file, key, value)] if repeated else _text(file, key, value)


def leaves_of(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values of a table by their dotted names: TOML reads field.z = … as a table in a table."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from leaves_of(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _text(file: str, key: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    shown = {True: "true", False: "false"}[value] if isinstance(value, bool) else f"a {_kind(value)}"
    raise ValueError(f'{file}: {key} is {shown}, expected a text or a number, such as {key} = "…"')


def _kind(value: Any) -> str:
    return {dict: "table", list: "list"}.get(type(value), "date or time")


def _words(parameters: list[Any], values: Mapping[str, Any]) -> list[str]:
    """The command line that gives these values: options first, then arguments."""
    options: list[str] = []
    arguments: list[str] = []
    for one in parameters:
        value = values.get(one.name)
        if value is None:
            continue
        parts = list(value) if isinstance(value, list | tuple) else [value]
        if one.param_type_name == "argument":
            arguments += parts
        elif one.is_flag:
            flags = one.opts if value else one.secondary_opts
            options += [max(flags, key=len)] if flags else []
        else:
            options += [f"{max(one.opts, key=len)}={part}" for part in parts]
    marked = any(part.startswith("-") for part in arguments)
    return [*options, *(["--"] if marked else []), *arguments]


def _option() -> Any:
    """The option itself, as typer makes it of its annotation."""
    alone = typer.Typer(add_completion=False)

    @alone.command()
    def holder(config: ConfigOption = None) -> None:
        """Only its parameter is wanted."""

    return typer.main.get_command(alone).params[0]
