"""The free parameters of `llgrad fit`: their bounds, and where they start, as values of the device, of its drive, or of
the recorder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from llgrad.cli.device_options import names_in, quantity, unit_of
from llgrad.core.record import set_leaf
from llgrad.devices.bounds import Bound, between
from llgrad.drives.drive import Drive
from llgrad.fitting.assembly import units_of
from llgrad.fitting.targets.recording import LINE, OF_FIELD, TILTS, Model, recorder_name

STARTED: Final = ("delay", "bandwidth")
"""What of a recorder has a start of its own."""


class FitStarts(NamedTuple):
    """The starts by what they are of."""

    device: dict[str, str]
    """As they were written, for `device_with`."""
    delay: float
    """[s]; 0 where none is given."""
    bandwidth: float | None
    """[Hz]."""
    drive: Drive | None
    """The drive, its free values at their starts."""


def starts_of(starts: Mapping[str, str], free: str, model: Model, drive: Drive | None) -> FitStarts:
    """The starts, each of a parameter that is free.

    Raises ValueError for an unknown name, one that is not free (a start would hold it there), and one that has no start
    of its own.
    """
    names, units = names_in("--free", free), units_of(model, drive)
    of_device, recorder = {}, {}
    for name, text in starts.items():
        parts = [f"{name}.{axis}" for axis in "xyz"]
        if not all(part in units for part in parts):
            parts = [name]
        unit = unit_of(parts[0], units)
        if name in TILTS:
            raise ValueError(f"--start {name}: it is a tilt from the state that --m0 gives, and starts at 0; give --m0")
        if recorder_name(model, name) in OF_FIELD:
            raise ValueError(f"--start {name}: it starts at 0; leave it out")
        if recorder_name(model, name) in (*LINE, "line_width"):
            raise ValueError(f"--start {name}: it has no start, as it follows from the data; leave it out")
        if held := [part for part in parts if part not in names]:
            other = f"hold it at that value with --set {name}={text}"
            if name in STARTED or name.startswith("drive."):
                other = "leave it out"
            raise ValueError(f"--start {name}: {held[0]} is not free; add it to --free, or {other}")
        if name in STARTED:
            recorder[name] = quantity(f"--start {name}", text, unit)
        elif name.startswith("drive."):
            drive = set_leaf(drive, name.removeprefix("drive."), quantity(f"--start {name}", text, unit))
        else:
            of_device[name] = text
    return FitStarts(of_device, recorder.get("delay", 0.0), recorder.get("bandwidth"), drive)


def free_of(free: str, bounds: Mapping[str, str], model: Model, drive: Drive | None) -> dict[str, Bound | None]:
    """The free parameters, each with the bound that was given for it; None stands for its default."""
    names = names_in("--free", free)
    units = units_of(model, drive)
    limits = {name: _bound(name, text, unit_of(name, units)) for name, text in bounds.items()}
    if unknown := [name for name in limits if name not in names]:
        raise ValueError(f"--bounds {unknown[0]}: it is not free; add it to --free, or leave its bound out")
    for name in names:
        unit_of(name, units)
    return {name: limits.get(name) for name in names}


def _bound(name: str, text: str, unit: str) -> Bound:
    low, colon, high = text.partition(":")
    if not colon:
        raise ValueError(f"--bounds {name}={text}: expected NAME=LOW:HIGH, such as current=0.1mA:5mA")
    option = f"--bounds {name}"
    return between(quantity(option, low.strip(), unit), quantity(option, high.strip(), unit))
