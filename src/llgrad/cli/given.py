"""Which options were given, so that one that would do nothing is refused instead of dropped."""

from __future__ import annotations

from collections.abc import Collection

import typer


def given(context: typer.Context) -> dict[str, str]:
    """The options that stand on the command line: {argument of the command's function: flag}."""
    flags = {
        parameter.name: max(parameter.opts, key=len)
        for parameter in context.command.params
        if parameter.name is not None
    }
    return {name: flag for name, flag in flags.items() if _source(context, name) == "COMMANDLINE"}


def refuse(context: typer.Context, unused: Collection[str], why: str) -> None:
    """Raise ValueError, in one sentence, for the first of the `unused` options that was given; `why` says for what it
    is, or what is missing: "--seed is …"."""
    for name, flag in given(context).items():
        if name in unused:
            raise ValueError(f"{flag} {why}")


def _source(context: typer.Context, name: str) -> str | None:
    source = context.get_parameter_source(name)
    return None if source is None else source.name
