"""Devices and their values on the command line: a preset or a file, and quantities with units."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from llgrad.core.record import leaf_units, set_leaf
from llgrad.core.units import parse
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.ranges import direction

SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any value of the device, with its unit: --set H_k=18616Oe."),
]
StateOption = Annotated[
    str | None,
    typer.Option(
        "--m0", metavar="THETA,PHI", help="Starting state by its angles: 10deg,0deg. Default: 1° off the axis."
    ),
]
DEVICE_HELP = "A preset (see llgrad devices), or a .json or .toml file."


def with_values(device: Oscillator, values: Mapping[str, str]) -> Oscillator:
    """The device with quantities such as {"current": "2.5mA"} put in, all checked together."""
    units = leaf_units(device)
    for name, text in values.items():
        device = set_leaf(device, name, quantity(name, text, unit_of(name, units)))
    return device.replace()


def assignments(option: str, texts: Iterable[str] | None) -> dict[str, str]:
    """{"alpha": "0.01"} of ["alpha=0.01"], as an option that may be repeated gives it."""
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise ValueError(f"{option} {text!r}: expected NAME=VALUE, such as {option} alpha=0.01")
        found[name.strip()] = value.strip()
    return found


def unit_of(name: str, units: Mapping[str, str]) -> str:
    """The unit of a parameter. Raises ValueError, with the nearest name, for an unknown one."""
    if name not in units:
        near = difflib.get_close_matches(name, units, n=1)
        guess = f" (did you mean {near[0]!r}?)" if near else ""
        raise ValueError(f"unknown parameter {name!r}{guess}; it can be {', '.join(units)}")
    return units[name]


def quantity(name: str, text: str, unit: str) -> float:
    """The SI value of a quantity, with the name of the option or parameter in the error."""
    try:
        value = parse(text, unit)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if not math.isfinite(value):
        raise ValueError(f"{name}: {text!r} is not a finite number; expected a quantity in {unit}")
    return value


def starting_state(text: str | None) -> Any:
    """m0 of "10deg,0deg", or None."""
    if text is None:
        return None
    angles = text.split(",")
    if len(angles) != 2:
        raise ValueError(f"--m0 {text!r}: expected two angles, such as --m0 10deg,0deg")
    theta, phi = (quantity("--m0", angle, "rad") for angle in angles)
    return direction(theta, phi)
