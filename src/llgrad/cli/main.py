"""The command line: the group of all commands, and how each ends.

A user's mistake is one sentence on stderr and exit status 2; a run that failed, and a fit whose model does not explain
its data, is a sentence and 1; Ctrl-C is 130.
A traceback means a mistake in llgrad.
"""

from __future__ import annotations

import gc
import os
import platform
import sys
import warnings
from importlib.metadata import version as version_of
from typing import Annotated, Any, Final

from llgrad.core.speed.importing import without_collections

with without_collections():
    import typer

    from llgrad.cli.commands.completing import VARIABLE, prepare
    from llgrad.cli.commands.table import CommandGroup
    from llgrad.cli.compilation import prefer_processors
    from llgrad.cli.networks.learning.processes import leaving
    from llgrad.cli.output import FAILED_RUN, INTERRUPTED, say
    from llgrad.core.arguments.doors import command_line
    from llgrad.core.run_record import version
    from llgrad.core.speed.starting import platform_fault
    from llgrad.core.status import SimulationError

BAD_INPUT: Final = 2
BATCHES: Final = ("train", "evaluate")
"""Commands that run hundreds of arrays at once, which a GPU does faster than the processors."""

_ClickException: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
"""The base of every mistake in the use of options; typer has it from click, or brings its own."""


class Commands(CommandGroup):
    """The group of commands, with mistakes turned into sentences."""

    def main(self, *args: Any, **options: Any) -> Any:
        options |= {"standalone_mode": False, "complete_var": VARIABLE}
        prepare()
        try:
            sys.exit(super().main(*args, **options) or 0)
        except _ClickException as error:
            sys.exit(_end(_misuse(error), BAD_INPUT))
        except typer.Abort:
            sys.exit(_end("interrupted; nothing was written", INTERRUPTED))
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(FAILED_RUN)

    def invoke(self, ctx: Any) -> Any:
        try:
            with command_line():
                return super().invoke(ctx)
        except (BrokenPipeError, typer.Exit, typer.Abort):  # the latter are RuntimeErrors
            raise
        except SimulationError as error:
            raise typer.Exit(_end(f"the run failed: {error}", FAILED_RUN)) from None
        except OSError as error:
            raise typer.Exit(_end(_sentence(error), BAD_INPUT)) from None
        except ValueError as error:
            raise typer.Exit(_end(str(error), BAD_INPUT)) from None
        except (MemoryError, RuntimeError, AssertionError) as error:
            if fault := _too_large(error) or platform_fault():
                raise typer.Exit(_end(fault, BAD_INPUT)) from None
            raise
        except KeyboardInterrupt:
            raise typer.Exit(_end("interrupted; nothing was written", INTERRUPTED)) from None


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Simulate spin-torque oscillators, and find their parameters from recorded traces.",
    epilog="Quantities carry units: --current 2.5mA --field 200Oe --duration 20ns.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"llgrad {version()} (Python {platform.python_version()}, jax {version_of('jax')})")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def llgrad(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())
    elif context.invoked_subcommand in BATCHES:
        warnings.filterwarnings("ignore", message="coupled arrays have native kernels on the CPU only")
    elif context.invoked_subcommand != "doctor":  # which tells what JAX finds
        prefer_processors()


def main() -> None:
    """Entry point of `llgrad` and `python -m llgrad`."""
    gc.freeze()  # what is imported lives until the end: looking through it for garbage takes a tenth of a second
    with leaving():
        app()


def _end(sentence: str, status: int) -> int:
    say(sentence)
    return status


def _too_large(error: BaseException) -> str:
    """A sentence where NumPy's or XLA's memory was not enough."""
    if not isinstance(error, MemoryError) and "RESOURCE_EXHAUSTED" not in str(error):
        return ""
    said = str(error).removeprefix("RESOURCE_EXHAUSTED: ").partition("\n")[0].rstrip(".")
    return f"this needs more memory than there is{f' ({said})' if said else ''}; ask for less at once"


def _misuse(error: Any) -> str:
    """What is wrong with the words of a line, and whose help tells more."""
    command = getattr(error.ctx, "info_name", None)
    whose = f"llgrad {command}" if getattr(error.ctx, "parent", None) else "llgrad"
    return f"{error.format_message().removesuffix('.')} (see {whose} --help)"


def _sentence(error: OSError) -> str:
    """What an error of the file system means: ours are sentences already, the system's are words and a file."""
    if error.errno is None:
        return str(error)
    return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
