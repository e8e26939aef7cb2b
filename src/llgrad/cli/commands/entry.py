"""Where `llgrad` and `python -m llgrad` begin: at the commands, or, where a shell completes a line, at their names."""

from __future__ import annotations

import os

from llgrad.cli.commands.completing import VARIABLE, begun, prepare


def main() -> None:
    """Entry point of `llgrad` and `python -m llgrad`."""
    if VARIABLE in os.environ and not begun().startswith("-"):
        from llgrad.cli.commands.table import CommandGroup

        prepare()
        CommandGroup(name="llgrad").main(prog_name="llgrad", complete_var=VARIABLE)
    from llgrad.cli.main import main as run

    run()
