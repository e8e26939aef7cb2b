"""`--intervals` of `llgrad fit`: how far each parameter may go by the likelihood itself."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from llgrad.cli.progress import Report, working
from llgrad.core.units import show
from llgrad.fitting.answers.intervals import intervals
from llgrad.fitting.answers.result import FitResult

IntervalsOption = Annotated[
    bool,
    typer.Option(
        "--intervals", help="95 % intervals by the likelihood, where errors are no longer small; more simulations."
    ),
]


def intervals_of(result: FitResult) -> dict[str, Any]:
    """The part of the result's JSON that tells them: of each parameter in SI, or why there are none."""

    def search(tell: Report) -> dict[str, tuple[float, float]]:
        return intervals(result, progress=tell)

    try:
        found = working("intervals", search)
    except ValueError as error:
        return {"intervals_95": None, "no_intervals": str(error)}
    return {
        "intervals_95": {
            name: {"low": low, "high": high, "unit": result.units[name]} for name, (low, high) in found.items()
        }
    }


def say_intervals(entry: dict[str, Any]) -> None:
    """Print what `intervals_of` gave."""
    if entry["intervals_95"] is None:
        print(f"no intervals: {entry['no_intervals']}")
        return
    rows = [
        (name, show(edge["low"], edge["unit"]), show(edge["high"], edge["unit"]))
        for name, edge in entry["intervals_95"].items()
    ]
    wide = max(len(name) for name, *_ in rows)
    print("95 % by the likelihood:")
    for name, low, high in rows:
        print(f"{name.ljust(wide)}  {low} to {high}")
