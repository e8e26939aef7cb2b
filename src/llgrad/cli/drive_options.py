"""Drives on the command line: a channel, a waveform's name, and its quantities in order."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Annotated, Final

import typer

from llgrad.cli.device_options import assignments, quantity
from llgrad.datasets.reader import read_waveform
from llgrad.drives.base import DRIVEN, Waveform
from llgrad.drives.chirp import Chirp
from llgrad.drives.constant import Constant
from llgrad.drives.drive import CHANNEL_UNITS, Drive
from llgrad.drives.pulse import Pulse
from llgrad.drives.sine import Sine
from llgrad.drives.step import Step

KINDS: Final[dict[str, type[Waveform]]] = {
    "constant": Constant,
    "step": Step,
    "pulse": Pulse,
    "sine": Sine,
    "chirp": Chirp,
}

DriveOption = Annotated[
    list[str] | None,
    typer.Option(
        "--drive",
        metavar="CHANNEL=KIND:VALUES",
        help="Add to current or field: current=sine:0.1mA,1.5GHz, field_x=pulse:50Oe,1ns,0.5ns, current=csv:FILE.",
    ),
]
SineCurrentOption = Annotated[
    str | None,
    typer.Option("--sine-current", metavar="AMPLITUDE,FREQUENCY", help="Short for --drive current=sine:…"),
]
CsvOption = Annotated[
    str | None, typer.Option("--drive-csv", metavar="FILE", help="Short for --drive current=csv:FILE.")
]


def weak_drive(texts: list[str] | None, units: Mapping[str, str] = CHANNEL_UNITS) -> dict[str, float]:
    """Amplitudes in SI by channel, of --lock CHANNEL=AMPLITUDE; `units` of all channels."""
    found = {}
    for channel, text in assignments("--lock", texts).items():
        if channel not in units:
            raise ValueError(f"--lock {channel}: unknown channel; it can be {', '.join(units) or 'none'}")
        found[channel] = quantity(f"--lock {channel}", text, units[channel])
    return found


def drive_of(drives: Iterable[str] | None, sine_current: str | None, csv: str | None) -> Drive | None:
    """The drive that the options describe, waveforms of one channel added; None where there are none."""
    channels = waveforms_of(drives, sine_current, csv, CHANNEL_UNITS)
    return Drive(**channels) if channels else None


def waveforms_of(
    drives: Iterable[str] | None, sine_current: str | None, csv: str | None, units: Mapping[str, str]
) -> dict[str, Waveform]:
    """The waveforms that the options describe, by channel, those of one channel added; `units` of all channels."""
    texts = list(drives or ())
    texts += [] if sine_current is None else [f"current=sine:{sine_current}"]
    texts += [] if csv is None else [f"current=csv:{csv}"]
    channels: dict[str, Waveform] = {}
    for text in texts:
        channel, waveform = _read(text, units)
        channels[channel] = channels[channel] + waveform if channel in channels else waveform
    return channels


def _read(text: str, units: Mapping[str, str]) -> tuple[str, Waveform]:
    channel, equals, rest = text.partition("=")
    kind, colon, values = rest.partition(":")
    if not equals or not colon:
        raise ValueError(f"drive {text!r}: expected CHANNEL=KIND:VALUES, such as current=sine:0.1mA,1.5GHz")
    if channel not in units:
        raise ValueError(f"drive {text!r}: unknown channel {channel!r}; it can be {', '.join(units) or 'none'}")
    unit = units[channel]
    if kind == "csv":
        return channel, read_waveform(values, unit)
    if kind not in KINDS:
        raise ValueError(f"drive {text!r}: unknown waveform {kind!r}; it can be {', '.join(KINDS)}, csv")
    fields = dataclasses.fields(KINDS[kind])
    needed = [field for field in fields if field.default is dataclasses.MISSING]
    given = values.split(",")
    if not len(needed) <= len(given) <= len(fields):
        expected = ", ".join(field.name if field in needed else f"[{field.name}]" for field in fields)
        raise ValueError(f"drive {text!r}: a {kind} takes {expected}, got {len(given)} values")
    numbers = {}
    for field, value in zip(fields, given, strict=False):
        written = field.metadata["unit"]
        numbers[field.name] = quantity(f"drive {text!r}", value.strip(), unit if written == DRIVEN else written)
    return channel, KINDS[kind](**numbers)
