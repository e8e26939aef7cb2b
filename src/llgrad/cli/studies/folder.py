"""`llgrad fit FOLDER`: every file of a folder is fitted."""

from __future__ import annotations

import pathlib
from typing import Any, Final

import typer

from llgrad.cli.answers.report import check_report
from llgrad.cli.device_options import assignments, names_in
from llgrad.cli.given import given, refuse
from llgrad.cli.studies.command import carry_out
from llgrad.cli.studies.spec import fits_of
from llgrad.studies.study import BATCH

SERVED: Final = {
    *("trace", "device", "free", "start", "bounds", "set_", "columns", "read", "m0", "noise", "accuracy", "segment"),
    *("out", "plot", "report", "json", "force", "retry_failed"),
}
"""The options of `llgrad fit` that a folder takes."""


def fit_folder(context: typer.Context, folder: pathlib.Path) -> None:
    """Fit every file of a folder with the options of `llgrad fit`, as a study of one setting."""
    used = given(context)
    refuse(context, used.keys() - SERVED, f"is for one recording, and {folder} is a folder; leave it out")
    asked: dict[str, Any] = {name: context.params[name] for name in SERVED}
    if asked["device"] is None or asked["free"] is None:
        missing = "--device" if asked["device"] is None else "--free"
        raise ValueError(
            f"a fit of {folder} needs {missing}: llgrad fit {folder} --device kubota2013 --free alpha,current"
        )
    check_report(asked["report"], asked["force"])
    entry: dict[str, Any] = {
        "device": asked["device"],
        "free": names_in("--free", asked["free"]),
        "files": str(folder.absolute()),
        "set": assignments("--set", asked["set_"]),
        "start": assignments("--start", asked["start"]),
        "bounds": assignments("--bounds", asked["bounds"]),
        "read": assignments("--read", asked["read"]),
    }
    entry |= {name: asked[name] for name in ("noise", "accuracy", "segment", "m0") if asked[name] is not None}
    if asked["columns"] is not None:
        entry["columns"] = [name.strip() for name in asked["columns"].split(",")]
    out = asked["out"] or pathlib.Path(f"{folder.resolve().name}-study")
    how = {"workers": None, "threads": 1, "cluster": None, "batch": BATCH, "retry_failed": asked["retry_failed"]}
    carry_out(fits_of(entry, pathlib.Path()), out, how, asked["report"], asked["plot"], asked["json"], asked["force"])
