"""`--report` of `llgrad fit`: the whole answer on one page."""

from __future__ import annotations

import pathlib
from typing import Annotated, Any

import typer

from llgrad.cli.output import check_outputs, command_line
from llgrad.cli.progress import working
from llgrad.fitting.answers.profile import Profile, profile
from llgrad.fitting.answers.result import FitResult
from llgrad.fitting.targets.recording import TILTS

ReportOption = Annotated[
    pathlib.Path | None,
    typer.Option("--report", metavar="FILE", help="Write all of it as one page: .html, readable without a network."),
]
ProfilesOption = Annotated[
    bool, typer.Option("--profiles/--no-profiles", help="Profiles for the report; they take more simulations.")
]


def check_report(path: pathlib.Path | None, force: bool) -> None:
    """Raise, before the fit, where the page could not be written after it."""
    if path is not None and path.suffix.lower() != ".html":
        raise ValueError(f"--report {path}: expected a name that ends in .html")
    check_outputs(path, (".html",), None, (), force)


def write_report(
    path: pathlib.Path,
    result: FitResult,
    *,
    source: str,
    with_profiles: bool,
    intervals: dict[str, Any],
    force: bool,
) -> None:
    """Find the profiles that are wanted, draw the page and write it; with what `intervals_of` gave, if anything."""
    profiles, remark = _profiles(result) if with_profiles else ([], "")
    from llgrad.plot.pages.report import report, save_report

    edges = {name: (edge["low"], edge["high"]) for name, edge in (intervals.get("intervals_95") or {}).items()}
    why = f"There are no intervals: {intervals['no_intervals']}." if "no_intervals" in intervals else ""
    text = report(
        result,
        profiles=profiles,
        intervals=edges,
        remark=" ".join(part for part in (remark, why) if part),
        command=command_line(),
        source=source,
    )
    save_report(text, path, force)


def _profiles(result: FitResult) -> tuple[list[Profile], str]:
    """The profile of every parameter that was searched for; none, and why, where the fit has no minimum."""
    if not result.converged:
        return [], f"There are no profiles: the fit has no minimum to profile ({result.status})."
    if not result.explained:
        return [], "There are no profiles: the model does not explain the data."
    names = [n for n in result.names if n in result.start and n.split("[")[0] not in TILTS]

    def all_of_them(tell: Any) -> list[Profile]:
        found = []
        for number, name in enumerate(names):
            tell({"fraction": number / len(names), "stage": name})
            found.append(profile(result, name))
        return found

    try:
        return working("profiles", all_of_them), ""
    except ValueError as error:
        return [], f"There are no profiles: {error}."
