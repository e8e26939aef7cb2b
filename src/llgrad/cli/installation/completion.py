"""`llgrad completion`: the script by which a shell completes commands, options and the names of presets."""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from llgrad.cli.commands.completing import VARIABLE
from llgrad.cli.output import JsonOption, command_line, print_json
from llgrad.core.run_record import run_record


class Shell(enum.StrEnum):
    """The shells by their names."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(help="For which shell.")],
    json: JsonOption = False,
) -> None:
    """Print the script by which a shell completes commands, options, their words, presets and files.

    bash, in ~/.bashrc: `eval "$(llgrad completion bash)"`; zsh, in ~/.zshrc, after compinit: `eval "$(llgrad completion
    zsh)"`; fish: `llgrad completion fish > ~/.config/fish/completions/llgrad.fish`.
    """
    from typer.completion import get_completion_script  # pyright: ignore[reportPrivateImportUsage]

    script = get_completion_script(prog_name="llgrad", complete_var=VARIABLE, shell=shell.value)
    if json:
        print_json(run_record("completion", command=command_line()) | {"shell": shell.value, "script": script})
    else:
        print(script)
