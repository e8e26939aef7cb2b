"""What the demo tells: true and found values, and what each method cost against a grid of the same accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llgrad.core.units import show, show_with_error
from llgrad.fitting.answers.result import FitResult
from llgrad.fitting.methods.grid import grid_simulations

COARSE: Final = "coarse grid"


def comparison(
    truth: Mapping[str, float], results: Mapping[str, FitResult], points: int, rate: float
) -> dict[str, Any]:
    """True and found values [SI] and costs, and the size of the grid that is as accurate as the first method.

    `rate`: simulations of a grid in a second, once everything is compiled.
    """
    first = next(iter(results.values()))
    spans = {name: (0.5 * first.start[name], 1.5 * first.start[name]) for name in truth}
    full = grid_simulations(spans, {name: first.errors[name] for name in truth})
    return {
        "truth": dict(truth),
        "start": {name: first.start[name] for name in truth},
        "methods": {
            label: {
                "values": {name: result.values[name] for name in truth},
                "errors": None if label == COARSE else {name: result.errors[name] for name in truth},
                "relative_error": {name: result.values[name] / truth[name] - 1 for name in truth},
                "simulations": result.simulations,
                "seconds": result.seconds,
                "status": result.status,
            }
            for label, result in results.items()
        },
        "grid": {
            "points": points,
            "spans": spans,
            "simulations_for_the_accuracy_of_the_first_method": full,
            "simulations_per_second": rate,
            "seconds_that_would_take": full / rate,
        },
    }


def table(truth: Mapping[str, float], results: Mapping[str, FitResult], compared: Mapping[str, Any]) -> str:
    """The comparison in words and numbers, for a terminal."""
    first = next(iter(results.values()))
    rows = [["", "true", "start", *results]]
    for name, value in truth.items():
        unit = first.units[name]
        row = [name, show(value, unit), show(first.start[name], unit)]
        for label, result in results.items():
            found, error = result.values[name], result.errors[name]
            at_minimum = result.converged and label != COARSE
            row.append(show_with_error(found, error, unit) if at_minimum else show(found, unit))
        rows.append(row)
    worst = {label: max(map(abs, m["relative_error"].values())) for label, m in compared["methods"].items()}
    rows.append(["largest error", "", "", *(f"{100 * worst[label]:.2g} %" for label in results)])
    rows.append(["simulations", "", "", *(f"{result.simulations:,}" for result in results.values())])
    rows.append(["seconds", "", "", *(f"{result.seconds:.1f}" for result in results.values())])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join([*lines, "", *_remarks(compared["grid"])])


def _remarks(grid: Mapping[str, Any]) -> list[str]:
    full = float(f"{grid['simulations_for_the_accuracy_of_the_first_method']:.2g}")
    rate = float(f"{grid['simulations_per_second']:.2g}")
    return [
        "± is one standard error, given where the method reached a minimum.",
        "The tilt of the starting state, which the first noisy row does not fix, is fitted as well.",
        "A simulation is one run of the trace; each derivative with respect to a parameter counts as one more.",
        "A grid as accurate as the first method (within its standard errors, over ±50 % of the start) needs",
        f"{full:,.0f} simulations: computed, not run, because it would take {_long(grid['seconds_that_would_take'])}",
        f"at the rate of a second run of the coarse grid ({grid['points']} points for each parameter), when all was",
        f"compiled: {rate:,.0f} simulations a second on this machine.",
    ]


def _long(seconds: float) -> str:
    for unit, size in (("years", 3.156e7), ("days", 86400.0), ("hours", 3600.0)):
        if seconds > 2 * size:
            return f"about {float(f'{seconds / size:.2g}'):,.0f} {unit}"
    return f"{seconds:.0f} s"
