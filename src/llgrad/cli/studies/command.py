"""`llgrad study`: thousands of fits, simulations, maps or evaluations, from a file."""

from __future__ import annotations

import os
import pathlib
from typing import Annotated, Any, Final

import typer

from llgrad.cli.output import (
    FAILED_RUN,
    INTERRUPTED,
    ForceOption,
    JsonOption,
    PlotOption,
    RetryOption,
    check_outputs,
    command_line,
    print_json,
    save_pictures,
    say,
)
from llgrad.cli.progress import Report, working
from llgrad.cli.studies.spec import read_spec
from llgrad.solve.parts.telling import seconds
from llgrad.studies.result import Study
from llgrad.studies.store import check_libraries
from llgrad.studies.study import BATCH, load_study
from llgrad.studies.study import study as done
from llgrad.studies.work import Work

PICTURES: Final = ("distributions",)

WorkersOption = Annotated[
    int | None, typer.Option(min=0, help="Processes; 0 does all in this one. Default: one for each processor.")
]
SchedulerOption = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler that has workers: tcp://host:8786.")
]
PageOption = Annotated[
    pathlib.Path | None,
    typer.Option("--report", metavar="FILE", help="Write all of it as one page: .html, readable without a network."),
]


def study(
    context: typer.Context,
    spec: Annotated[pathlib.Path, typer.Argument(help="What is done, to which devices, files and settings: .toml.")],
    out: Annotated[
        pathlib.Path | None, typer.Option(metavar="DIR", help="Folder of the study. Default: the name of the file.")
    ] = None,
    workers: WorkersOption = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each worker.")] = 1,
    scheduler: SchedulerOption = None,
    batch: Annotated[int, typer.Option(min=1, help="Largest number of rows that a worker does at a time.")] = BATCH,
    retry_failed: RetryOption = False,
    report: PageOption = None,
    plot: PlotOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Do thousands of fits, simulations, maps or evaluations on the workers of Dask; one row each in a Parquet file.

    What was killed or interrupted is resumed by the same command: rows that are there are not done again, unless
    --force has the study done anew, or --retry-failed those that failed. Rows that failed say why; where there are any,
    the exit status is 1.
    """
    if not spec.is_file():
        raise FileNotFoundError(f"{spec} is no file, expected the .toml of a study")
    if scheduler is not None and context.get_parameter_source("workers").name == "COMMANDLINE":  # pyright: ignore
        raise ValueError("--workers starts processes here, and --scheduler has its own; give one of them")
    how = {"workers": workers, "threads": threads, "cluster": scheduler, "batch": batch, "retry_failed": retry_failed}
    carry_out(read_spec(spec), out or pathlib.Path(spec.stem), how, report, plot, json, force)


def carry_out(
    work: Work,
    folder: pathlib.Path,
    how: dict[str, Any],
    report: pathlib.Path | None,
    plot: pathlib.Path | None,
    json: bool,
    force: bool,
) -> None:
    """Do the work with a bar, then tell, draw and write. Raises Exit where a row failed or the work was interrupted."""
    check_libraries(with_workers=how["workers"] != 0)
    if report is not None and report.suffix.lower() != ".html":
        raise ValueError(f"--report {report}: expected a name that ends in .html")
    check_outputs(report, (".html",), None, (), force)
    outputs = check_outputs(None, (), plot, PICTURES, force)
    boards: set[str] = set()

    def run(tell: Report) -> tuple[Study, bool]:
        def told(entry: dict[str, Any]) -> None:
            if entry["dashboard"] and not (entry["waiting"] or json or boards):
                boards.add(entry["dashboard"])
                say(f"workers at work: {entry['dashboard']}")
            if entry["waiting"]:
                say(entry["waiting"])
            left = "" if entry["left"] is None else f", {seconds(entry['left'])} left"
            failed = f", {entry['failed']} failed" if entry["failed"] else ""
            tell({"fraction": entry["fraction"], "remark": f"{entry['done']} of {entry['of']}{failed}{left}"})

        try:
            anew = force and not how["retry_failed"]
            return done(work, folder, overwrite=anew, progress=told, command=command_line(), **how), False
        except KeyboardInterrupt:
            return load_study(folder), True

    found, interrupted = working(
        "studying", run, True, stopping="stopping with the rows that are done", kept="the rows that were done are kept"
    )
    _leave(found, report, outputs, json, force)
    if interrupted:
        say("interrupted; the same command goes on")
        raise typer.Exit(INTERRUPTED)
    if found.failures:
        name, sentence = next(iter(found.failures.items()))
        rows = f"{len(found.failures)} of {len(found)} rows failed (--retry-failed does them again)"
        say(f"{rows}; {name}: {sentence}")
        raise typer.Exit(FAILED_RUN)


def _leave(found: Study, report: pathlib.Path | None, outputs: Any, json: bool, force: bool) -> None:
    from llgrad import plot

    if outputs.pictures and found.good.any():
        save_pictures(outputs, {"distributions": lambda: plot.distributions(found)})
    if report is not None:
        plot.save_report(plot.study_page(found), report, force)
    files = [*outputs.written(), *([] if report is None else [report])]
    if json:
        print_json(found.to_json() | {"files": [os.fspath(file) for file in files]})
        return
    print(found)
    for file in files:
        print(f"wrote {file}")
