"""`llgrad show`: what a file of data holds, before anything is fitted to it."""

from __future__ import annotations

import pathlib
from typing import Annotated

import typer

from llgrad.cli.output import FAILED_RUN, ForceOption, JsonOption, PlotOption, check_outputs, command_line, deliver
from llgrad.datasets.recordings.contents import Contents, contents


def show(
    file: Annotated[pathlib.Path, typer.Argument(help="A file of data: text, arrays, an instrument's, S parameters.")],
    plot: PlotOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Tell what a file of data holds: channels, units, times, and what a reader would need to be told.

    The exit status is 1 where a reader would need to be told something. `llgrad show scope.trc --plot pictures`
    """
    outputs = check_outputs(None, (), plot, ("contents",), force)
    found = contents(file)
    deliver(found, found.to_json() | {"command": command_line()}, {"contents": lambda: _picture(found)}, outputs, json)
    if found.needs:
        raise typer.Exit(FAILED_RUN)


def _picture(found: Contents) -> object:
    from llgrad import plot

    return plot.contents(found)
