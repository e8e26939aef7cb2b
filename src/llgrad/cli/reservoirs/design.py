"""`llgrad reservoir … --design`: the fitted reservoir in files for programs and for people."""

from __future__ import annotations

import pathlib
from typing import Annotated, Any, Final

import numpy as np
import typer

from llgrad.cli.output import command_line
from llgrad.cli.reservoirs.running import CAPACITY, TaskAnswer
from llgrad.core.files import check_target
from llgrad.reservoir.bench import at_resolution, save_reservoir, save_reservoir_tables

FILE: Final = "design.json"
TABLES: Final = ("time_line.csv", "drive.csv", "readout.csv")


DesignOption = Annotated[
    pathlib.Path | None,
    typer.Option(metavar="DIR", help="Write the fitted reservoir as a bench design: design.json and tables."),
]
DacBitsOption = Annotated[int | None, typer.Option(help="Resolution of the bench's converters, with the sign.")]


def check_design(folder: pathlib.Path | None, bits: int | None, task: str, force: bool) -> None:
    """Raise, before the work, for options that do not fit, and files that could not be written after it."""
    if folder is None:
        if bits is not None:
            raise ValueError("--dac-bits is the resolution of a bench; add --design DIR")
        return
    if task == CAPACITY:
        raise ValueError(f"--design is of a read-out that was fitted, and {CAPACITY} has none; give another task")
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file, expected the name of a folder for the design")
    for name in (FILE, *TABLES) if folder.exists() else ():
        try:
            check_target(folder / name, force)
        except FileExistsError:
            raise FileExistsError(
                f"{folder / name} exists already and is kept; choose another --design, or add --force"
            ) from None


def written(folder: pathlib.Path, found: TaskAnswer, bits: int | None, force: bool) -> tuple[str, dict[str, Any]]:
    """(what is said, the same for JSON) of the design, once it is written: of a bench with converters of so many bits
    the settings are rounded, and what that costs is told. What is fitted is the first half of the task.
    """
    fit, rest = found.task.split(0.5)
    reservoir = found.reservoir.fit(fit.signal, fit.target)
    lines, entry = [], {}
    if bits is not None:
        coarse = at_resolution(reservoir, bits)
        errors = [float(np.mean(one.errors(rest.signal, rest.target))) for one in (reservoir, coarse)]
        lines.append(f"  on the rest: NRMSE {errors[0]:.4g} as found, {errors[1]:.4g} with settings of {bits} bits")
        entry = {"bits": bits, "nrmse": errors[0], "nrmse_on_bench": errors[1]}
        reservoir = coarse
    folder.mkdir(parents=True, exist_ok=True)
    save_reservoir(folder / FILE, reservoir, overwrite=force, command=command_line())
    files = [folder / FILE, *save_reservoir_tables(folder, reservoir, overwrite=force)]
    return "\n" + "\n".join([*lines, *(f"wrote {file}" for file in files)]), {
        "design": entry | {"files": [str(file) for file in files]}
    }
