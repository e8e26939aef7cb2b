"""`llgrad fit` on a table of field sweeps: lines, geometry and damping."""

from __future__ import annotations

import enum
import pathlib
from typing import Annotated, Any

import numpy as np
import typer

from llgrad.cli.device_options import names_in, quantity
from llgrad.cli.output import check_outputs, command_line, deliver
from llgrad.datasets.sweeps import read_sweeps
from llgrad.fitting.resonance.analysis import fit_resonance as fit_sweeps
from llgrad.fitting.resonance.lorentzian import Background, FieldWindow
from llgrad.fitting.resonance.result import ResonanceResult
from llgrad.fitting.resonance.shapes.shape import LineShape

FieldUnitOption = Annotated[
    str | None,
    typer.Option("--field-unit", metavar="UNIT", help="Field sweeps: unit of the fields, if the file has none."),
]
VoltageUnitOption = Annotated[
    str | None,
    typer.Option("--voltage-unit", metavar="UNIT", help="Field sweeps: unit of the voltages, if the file has none."),
]
MinFieldOption = Annotated[
    str | None, typer.Option("--min-field", metavar="FIELD", help="Field sweeps: use fields from here: 2500Oe.")
]
MaxFieldOption = Annotated[
    str | None, typer.Option("--max-field", metavar="FIELD", help="Field sweeps: use fields up to here.")
]
FrequenciesOption = Annotated[
    str | None, typer.Option("--frequencies", metavar="LOW:HIGH", help="Field sweeps: use these only: 5GHz:17GHz.")
]


class BackgroundName(enum.StrEnum):
    """The backgrounds by their words."""

    constant = "constant"
    linear = "linear"
    quadratic = "quadratic"

    def background(self) -> Background:
        """The background of this name."""
        return Background[self.value.upper()]


BackgroundOption = Annotated[
    BackgroundName, typer.Option("--background", help="Field sweeps: what lies below each line.")
]


class ShapeName(enum.StrEnum):
    """The shapes of a line by their words."""

    evidence = "evidence"
    lorentzian = "lorentzian"
    derivative = "derivative"

    def shape(self) -> LineShape | None:
        """The shape of this name; None where the data choose."""
        return None if self is ShapeName.evidence else LineShape(self.value)


ShapeOption = Annotated[
    ShapeName, typer.Option("--shape", help="Field sweeps: shape of the lines; derivatives come from a lock-in.")
]
ModulationOption = Annotated[
    str | None,
    typer.Option(
        "--modulation", metavar="FIELD", help="Field sweeps, derivatives: amplitude (half peak to peak): 2Oe."
    ),
]

PICTURES = ("sweeps", "geometry", "widths")


def fit_resonance(
    path: pathlib.Path,
    *,
    field_unit: str | None = None,
    voltage_unit: str | None = None,
    columns: str | None = None,
    min_field: str | None = None,
    max_field: str | None = None,
    frequencies: str | None = None,
    background: BackgroundName = BackgroundName.linear,
    shape: ShapeName = ShapeName.evidence,
    modulation: str | None = None,
    out: pathlib.Path | None = None,
    plot: pathlib.Path | None = None,
    json: bool = False,
    force: bool = False,
) -> None:
    """Read a table of field sweeps, fit it, print the report (or JSON), and write the files asked for.

    `llgrad fit` calls it for a file that `datasets.sweeps.looks_like_sweeps` recognises. Quantities are texts with
    units, as they were given.
    """
    outputs = check_outputs(out, (".json",), plot, PICTURES, force)
    window = FieldWindow(
        -np.inf if min_field is None else quantity("--min-field", min_field, "T"),
        np.inf if max_field is None else quantity("--max-field", max_field, "T"),
    )
    allowed = None if frequencies is None else _range(frequencies)
    names = None if columns is None else names_in("--columns", columns)
    sweeps = read_sweeps(path, field_unit=field_unit, voltage_unit=voltage_unit, columns=names)
    amplitude = None if modulation is None else quantity("--modulation", modulation, "T")
    lines = {"background": background.background(), "shape": shape.shape(), "modulation": amplitude}
    result = fit_sweeps(sweeps, window=window, frequencies=allowed, **lines)
    deliver(result, result.to_json() | {"command": command_line()}, _figures(result), outputs, json)


def _range(text: str) -> tuple[float, float]:
    low, colon, high = text.partition(":")
    if not colon:
        raise ValueError(f"--frequencies {text}: expected LOW:HIGH, such as 5GHz:17GHz")
    return quantity("--frequencies", low.strip(), "Hz"), quantity("--frequencies", high.strip(), "Hz")


def _figures(result: ResonanceResult) -> dict[str, Any]:
    from llgrad.plot import resonances

    return {
        "sweeps": lambda: resonances.sweeps(result),
        "geometry": lambda: resonances.geometry(result),
        "widths": lambda: resonances.widths(result),
    }
