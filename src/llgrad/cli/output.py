"""What a command prints, and the files that it may write: all checked before the work begins."""

from __future__ import annotations

import itertools
import json
import os
import pathlib
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Final, NamedTuple

import jax
import typer

from llgrad.core.files import check_target, plain, write_json

FAILED_RUN: Final = 1
"""Exit status of a run that failed, and of a fit whose model does not explain its data."""
INTERRUPTED: Final = 130
"""Exit status after Ctrl-C."""

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else there.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]
RetryOption = Annotated[
    bool,
    typer.Option(
        "--retry-failed",
        help="Of a study: do the rows that failed anew, and no others; --force then replaces files alone.",
    ),
]
PlotOption = Annotated[
    pathlib.Path | None, typer.Option("--plot", metavar="DIR", help="Write the pictures into this folder (PNG).")
]


class Outputs(NamedTuple):
    """The files that a command was asked to write."""

    out: pathlib.Path | None
    pictures: dict[str, pathlib.Path]
    """File of each picture by its name."""
    overwrite: bool

    def written(self) -> list[pathlib.Path]:
        """Every file, for the user to find."""
        return [*([] if self.out is None else [self.out]), *self.pictures.values()]


def check_outputs(
    out: pathlib.Path | None,
    endings: Iterable[str],
    folder: pathlib.Path | None,
    pictures: Iterable[str],
    force: bool,
    *,
    option: str = "--plot",
) -> Outputs:
    """The files to write, if all of them can be: an existing file, a missing folder or a wrong ending is an error now.

    Nothing is made yet: `save_pictures` makes the folder of the pictures, which `option` names.
    Raises FileExistsError, FileNotFoundError, PermissionError, ValueError.
    """
    if out is not None:
        if out.suffix.lower() not in endings:
            raise ValueError(f"--out {out}: expected a name that ends in {' or '.join(endings)}")
        _check(out, force)
    if folder is None:
        return Outputs(out, {}, force)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{option} {folder} is a file, expected the name of a folder")
    files = {name: folder / f"{name}.png" for name in pictures}
    if folder.exists():
        for file in files.values():
            _check(file, force)
    elif not os.access(next(parent for parent in folder.absolute().parents if parent.exists()), os.W_OK):
        raise PermissionError(f"the folder {folder} cannot be made: permission denied")
    return Outputs(out, files, force)


def _check(file: pathlib.Path, force: bool) -> None:
    try:
        check_target(file, force)
    except FileExistsError:
        raise FileExistsError(f"{file} exists already and is kept; choose another name, or add --force") from None


def save_pictures(outputs: Outputs, figures: Mapping[str, Any]) -> None:
    """Draw and write the pictures asked for: `figures` holds a function without arguments for each name."""
    if not outputs.pictures:
        return
    from llgrad.plot.saving import save

    with jax.enable_x64(True):
        next(iter(outputs.pictures.values())).parent.mkdir(parents=True, exist_ok=True)
        for name, file in outputs.pictures.items():
            save(figures[name](), file, outputs.overwrite)


def fresh_folder(name: str) -> pathlib.Path:
    """The first of name, name-2, name-3, … that does not exist."""
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(path for path in map(pathlib.Path, names) if not path.exists())


def print_json(entry: Mapping[str, Any]) -> None:
    """The one JSON object of a command."""
    print(json.dumps(plain(entry), indent=2, ensure_ascii=False, allow_nan=False))


def say(sentence: str) -> None:
    """A sentence for the user, on stderr, on one line whatever it quotes."""
    print(f"llgrad: {' '.join(sentence.split())}", file=sys.stderr)


def command_line() -> str:
    """The command as it was given, for the run record."""
    return shlex.join(["llgrad", *sys.argv[1:]])


def deliver(
    result: Any,
    entry: Mapping[str, Any],
    figures: Mapping[str, Any],
    outputs: Outputs,
    json: bool,
    save: Callable[..., object] | None = None,
) -> None:
    """Write the files of a result, then tell: its JSON, or its text and the files written.

    `save` writes it where there are more ways than JSON: save(path, overwrite=…).
    """
    if outputs.out is not None and save is not None:
        save(outputs.out, overwrite=outputs.overwrite)
    elif outputs.out is not None:
        write_json(outputs.out, entry, outputs.overwrite)
    save_pictures(outputs, {name: draw for name, draw in figures.items() if name in outputs.pictures})
    if json:
        print_json(entry)
        return
    print(result)
    for file in outputs.written():
        print(f"wrote {file}")
