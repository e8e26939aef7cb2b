"""The imperfections of real arrays on the command line, and the table of what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer

from llgrad.cli.device_options import quantity
from llgrad.core.units import show
from llgrad.networks.imperfections import Imperfections
from llgrad.networks.robustness import QUANTILES, Robustness


def _option(about: str, **more: Any) -> Any:
    """An option in one group of the help."""
    return typer.Option(help=about, rich_help_panel="Imperfections of real arrays", **more)


SpreadOption = Annotated[
    str | None, _option("Spread (1σ) of field, current, damping, coupling and input gain: 10%.", metavar="PART")
]
TemperatureOption = Annotated[str | None, _option("Temperature of the oscillators: 300K.")]
ReadNoiseOption = Annotated[str | None, _option("Noise (1σ) of a read-out, over its full scale: 1%.", metavar="PART")]
BitsOption = Annotated[int | None, _option("Resolution of the converters that set the knobs.")]
RiseTimeOption = Annotated[str | None, _option("10–90 % rise time of the input: 50ps.", metavar="TIME")]
JitterOption = Annotated[str | None, _option("Error (1σ) of the time of an edge: 5ps.", metavar="TIME")]
FlickerOption = Annotated[
    str | None, _option("1/f noise of each input (1σ of an octave), over the largest input: 0.5%.", metavar="PART")
]
ArraysOption = Annotated[int | None, typer.Option(min=1, help="How many arrays are drawn. Default: 20.")]
SeedOption = Annotated[int | None, typer.Option(min=0, help="Seed of the drawn arrays. Default: 0.")]

UNITS: Final = {"spread": "1", "temperature": "K", "read_noise": "1", "rise_time": "s", "jitter": "s", "flicker": "1"}


WORDS: Final = {"read_noise": "read-out noise", "flicker": "1/f noise"}


def imperfections_of(texts: Mapping[str, str | None], bits: int | None) -> Imperfections | None:
    """The imperfections that were asked for; None where there are none."""
    given: dict[str, Any] = {
        name: quantity(f"--{name.replace('_', '-')}", text, UNITS[name])
        for name, text in texts.items()
        if text is not None
    }
    return Imperfections(bits=bits, **given) if given or bits is not None else None


def described(imperfections: Imperfections) -> str:
    """The imperfections in words: "spread 10 %, temperature 300 K"."""
    parts = [
        f"{WORDS.get(name, name.replace('_', ' '))} " + (f"{100 * value:g} %" if unit == "1" else show(value, unit))
        for name, unit in UNITS.items()
        if (value := getattr(imperfections, name))
    ]
    return ", ".join([*parts, *([] if imperfections.bits is None else [f"{imperfections.bits} bits"])])


def table(rows: Sequence[Robustness]) -> str:
    """Accuracies (%) of drawn arrays, a line for each spread."""
    heads = ["spread", "arrays", "mean", "std", *(f"{100 * level:g} %" for level in QUANTILES), "worst"]
    lines = [heads]
    for row in rows:
        entry = row.to_json()
        values = [entry["mean"], entry["std"], *entry["quantiles"].values(), entry["worst"]]
        lines.append(
            [f"{100 * entry['spread']:g} %", str(entry["arrays"]), *(f"{100 * value:.2f}" for value in values)]
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
    )
