"""What `llgrad map` and `llgrad sweep` are given: ranges among the values of a device, and quantities with their
options."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import typer

from llgrad.cli.device_options import check_apart, device_with, field_values, quantity, values_given
from llgrad.cli.drive_options import weak_drive
from llgrad.devices.system import System
from llgrad.drives.drive import CHANNEL_UNITS
from llgrad.experiments.sweeps.axes import names_of, read_range
from llgrad.orbits.results.named import QUANTITIES

RangeOrCurrent = Annotated[str | None, typer.Option(help="Direct current, a value or a range: 0:5mA:101.")]
RangeOrField = Annotated[
    str | None,
    typer.Option(
        help="Applied field along z, 200Oe, or a range: 0:500Oe:101; along a direction: 0:500Oe:101 at 90deg,0deg."
    ),
]
RangeOrAlpha = Annotated[str | None, typer.Option(help="Gilbert damping, a value or a range: 0.001:0.1:51:log.")]
RangeOrTemperature = Annotated[str | None, typer.Option(help="Temperature, a value or a range: line width.")]
RangesAmongSet = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Any value of the device, or a range of it: --set H_k=1.6T:2.2T:31, field.polar=0deg:90deg:91.",
    ),
]
QuantityOption = Annotated[
    list[str] | None,
    typer.Option(
        "--quantity",
        metavar="NAME",
        help=f"What is computed, once for each: {', '.join(QUANTITIES)}. "
        "Default: frequency, power or amplitude, line width, return rate.",
    ),
]
LockOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CHANNEL=AMPLITUDE", help="A weak drive, such as field_x=0.1Oe: the locking range beside the rest."
    ),
]
RatioOption = Annotated[
    float | None, typer.Option(help="The drive's frequency over the oscillator's: 1 (default), 2, … or 0.5.")
]
LoadOption = Annotated[str | None, typer.Option(help="Load into which the power goes, such as 50Ohm (default).")]
HarmonicOption = Annotated[int | None, typer.Option(min=1, help="Harmonic whose power or amplitude it is.")]
InputOption = Annotated[
    str | None, typer.Option("--input", help="Input by which the frequency is differentiated (sensitivity).")
]
AccuracyOption = Annotated[float, typer.Option(help="Largest relative error of period and states.")]
ChaosOption = Annotated[
    str | None,
    typer.Option(
        help="Length of a run, such as 200ns, for the Lyapunov exponent where there is neither orbit nor rest."
    ),
]
OutOption = Annotated[
    pathlib.Path | None,
    typer.Option(metavar="FILE", help="Write all numbers: .npz, or .csv with a row for each point."),
]


class MapRequest(NamedTuple):
    """A device, and what of it is varied."""

    device: Any
    parameters: dict[str, Any]
    """Values (P,) in SI by name."""


def asked(
    name: str, current: str | None, field: str | None, shortcuts: Mapping[str, str | None], set_: list[str] | None
) -> MapRequest:
    """The device and its ranges. Raises ValueError for a quantity or a range that is none."""
    direction = None
    if field is not None and ":" in field and " at " in field:
        strength, _, direction = field.partition(" at ")
        fields = {"field": strength}
    else:
        fields = field_values(field, None, None, None)
    texts = values_given({"current": current, **shortcuts}, fields, set_)
    ranges = {key: text for key, text in texts.items() if ":" in text}
    fixed = {key: text for key, text in texts.items() if key not in ranges}
    if direction is not None:
        fixed["field"] = f"{texts['field'].split(':')[1]} at {direction}"
    device = device_with(name, fixed)
    units = names_of(device)
    for key in ranges:
        if key not in units:
            device_with(name, {key: ranges[key].split(":")[1]})  # says what is wrong with the name
            raise ValueError(f"{key} cannot be varied; it can be {', '.join(units)}")
    return MapRequest(device, {key: read_range(text, units[key], key) for key, text in ranges.items()})


def quantities_of(
    device: Any,
    names: list[str],
    lock: list[str] | None,
    ratio: float | None,
    load: str | None,
    harmonic: int | None,
    input: str | None,
) -> dict[str, dict[str, Any]]:
    """Quantities of a device with their options, and of a drive the locking range beside them.

    Raises ValueError for an option that none of the quantities takes.
    """
    drive = weak_drive(lock, device.inputs if isinstance(device, System) else CHANNEL_UNITS)
    check_apart("--quantity", names)
    options: dict[str, tuple[str, Any]] = {
        "drive": ("--lock", drive or None),
        "ratio": ("--ratio", ratio),
        "load": ("--load", None if load is None else quantity("--load", load, "Ω")),
        "harmonic": ("--harmonic", harmonic),
        "input": ("--input", input),
    }
    found: dict[str, dict[str, Any]] = {name: {} for name in names}
    if drive and "locking" not in found:
        found["locking"] = {}
    for option, (flag, value) in options.items():
        takers = [name for name in found if name in QUANTITIES and option in QUANTITIES[name].takes]
        if value is not None and not takers:
            those = ", ".join(name for name, entry in QUANTITIES.items() if option in entry.takes)
            raise ValueError(f"{flag} is an option of {those}; name one by --quantity")
        for name in takers:
            found[name] |= {} if value is None else {option: value}
    return found
