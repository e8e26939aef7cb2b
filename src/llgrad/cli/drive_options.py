"""Drives on the command line: a channel, a waveform's name, and its quantities in order."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

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

BETWEEN: Final = re.compile(rf"\s*\+\s*(?=(?:{'|'.join((*KINDS, 'csv'))}):)")
"""The + between two waveforms; others are part of a number or of a file's name."""
FURTHER: Final = re.compile(r"(?<![\d.][eE])(?<=[^\W\d])\+")
"""A + behind a unit."""

DriveOption = Annotated[
    list[str] | None,
    typer.Option(
        "--drive",
        metavar="CHANNEL=KIND:VALUES",
        help="Add to current or field: current=sine:0.1mA,1.5GHz, field_x=pulse:50Oe,1ns,0.5ns, current=csv:FILE; "
        "several of one channel add up, as in current=sine:0.1mA,1GHz+sine:0.1mA,1.1GHz.",
    ),
]
SineCurrentOption = Annotated[
    list[str] | None,
    typer.Option("--sine-current", metavar="AMPLITUDE,FREQUENCY", help="Short for --drive current=sine:…"),
]
CsvOption = Annotated[
    list[str] | None, typer.Option("--drive-csv", metavar="FILE", help="Short for --drive current=csv:FILE.")
]


def weak_drive(texts: list[str] | None, units: Mapping[str, str] = CHANNEL_UNITS) -> dict[str, float]:
    """Amplitudes in SI by channel, of --lock CHANNEL=AMPLITUDE; `units` of all channels."""
    found = {}
    for channel, text in assignments("--lock", texts).items():
        if channel not in units:
            raise ValueError(f"--lock {channel}: unknown channel; it can be {', '.join(units) or 'none'}")
        found[channel] = quantity(f"--lock {channel}", text, units[channel])
    return found


def drive_of(
    drives: Iterable[str] | None, sine_current: Iterable[str] | None, csv: Iterable[str] | None
) -> Drive | None:
    """The drive that the options describe, waveforms of one channel added; None where there are none."""
    channels = waveforms_of(drives, sine_current, csv, CHANNEL_UNITS)
    return Drive(**channels) if channels else None


def waveforms_of(
    drives: Iterable[str] | None,
    sine_current: Iterable[str] | None,
    csv: Iterable[str] | None,
    units: Mapping[str, str],
) -> dict[str, Waveform]:
    """The waveforms that the options describe, by channel, those of one channel added; `units` of all channels."""
    texts = [*(drives or ())]
    texts += [f"current=sine:{text}" for text in sine_current or ()]
    texts += [f"current=csv:{text}" for text in csv or ()]
    channels: dict[str, Waveform] = {}
    for text in texts:
        channel, equals, rest = text.partition("=")
        if not equals:
            raise ValueError(f"drive {text!r}: expected CHANNEL=KIND:VALUES, such as current=sine:0.1mA,1.5GHz")
        if channel not in units:
            raise ValueError(f"drive {text!r}: unknown channel {channel!r}; it can be {', '.join(units) or 'none'}")
        for part in BETWEEN.split(rest):
            waveform = _read(f"drive {text!r}", part, units[channel])
            channels[channel] = channels[channel] + waveform if channel in channels else waveform
    return channels


def _read(where: str, text: str, unit: str) -> Waveform:
    """The waveform of KIND:VALUES, its amplitude in `unit`."""
    kind, colon, values = (part.strip() for part in text.partition(":"))
    if not colon:
        raise ValueError(f"{where}: {text!r} is no KIND:VALUES, such as sine:0.1mA,1.5GHz; several are joined by +")
    if kind == "csv":
        return read_waveform(values, unit)
    if kind not in KINDS:
        raise ValueError(f"{where}: unknown waveform {kind!r}; it can be {', '.join(KINDS)}, csv")
    fields = {field.name: field for field in dataclasses.fields(KINDS[kind])}
    numbers = {}
    for name, value in _named(where, kind, values, fields).items():
        written = fields[name].metadata["unit"]
        numbers[name] = quantity(where, value, unit if written == DRIVEN else written)
    return KINDS[kind](**numbers)


def _named(where: str, kind: str, values: str, fields: Mapping[str, Any]) -> dict[str, str]:
    """The values of a waveform by the names of its quantities: in their order, and from some place on as NAME=VALUE."""
    needed = [name for name, field in fields.items() if field.default is dataclasses.MISSING]
    expected = ", ".join(name if name in needed else f"[{name}]" for name in fields)
    given = [value.strip() for value in values.split(",")]
    found: dict[str, str] = {}
    for place, value in enumerate(given):
        name, equals, named = (part.strip() for part in value.partition("="))
        if not equals and any("=" in before for before in given[:place]):
            raise ValueError(f"{where}: a {kind} takes {expected}; values without a name come before those with one")
        if not equals and place >= len(fields):
            raise ValueError(
                f"{where}: a {kind} takes {expected}, got {len(given)} values; a further waveform of this channel is "
                "joined by +"
            )
        name, value = (name, named) if equals else (list(fields)[place], value)
        if name not in fields or name in found:
            problem = "is given twice" if name in found else "is not among them"
            raise ValueError(f"{where}: a {kind} takes {expected}; {name} {problem}")
        if (split := FURTHER.search(value)) is not None:
            rest = value[split.end() :]
            raise ValueError(f"{where}: {value!r} is no quantity; a further waveform has its kind: …+{kind}:{rest},…")
        found[name] = value
    if missing := [name for name in needed if name not in found]:
        raise ValueError(f"{where}: a {kind} takes {expected}, got {len(given)} values; {missing[0]} is missing")
    return found
