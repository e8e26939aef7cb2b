"""Where `llgrad` and `python -m llgrad` begin: at the commands, or, where a shell completes a line, at their names
and the words of their options."""

from __future__ import annotations

import os

from llgrad.cli.commands.completing import VARIABLE, begun, has_command, prepare


def main() -> None:
    """Entry point of `llgrad` and `python -m llgrad`."""
    if VARIABLE in os.environ and (option := begun().startswith("-")) <= has_command():
        from llgrad.cli.commands.table import CommandGroup, CommandTable, SketchTable

        prepare()
        table = SketchTable() if option else CommandTable()
        CommandGroup(name="llgrad", commands=table).main(prog_name="llgrad", complete_var=VARIABLE)
    from llgrad.cli.main import main as run

    run()
