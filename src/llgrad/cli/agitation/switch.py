"""`llgrad switch`: how surely and how fast a pulse switches a device."""

from __future__ import annotations

import pathlib
from typing import Annotated, Any, Final, NamedTuple, cast

import jax
import typer

from llgrad.cli.device_options import (
    AlphaOption,
    CurrentOption,
    DeviceArgument,
    FieldOption,
    SetOption,
    StateOption,
    device_with,
    field_values,
    quantity,
    starting_state,
    values_given,
)
from llgrad.cli.output import ForceOption, JsonOption, PlotOption, check_outputs, command_line, deliver
from llgrad.cli.progress import Report, working
from llgrad.devices.oscillator import Oscillator
from llgrad.drives.base import Waveform
from llgrad.drives.drive import CHANNEL_UNITS, Drive
from llgrad.drives.gaussian import REACH, GaussianPulse
from llgrad.drives.pulse import Pulse
from llgrad.drives.step import EDGE
from llgrad.experiments.sweeps.axes import read_range
from llgrad.experiments.switching.result import Switching
from llgrad.experiments.switching.switching import RUNS
from llgrad.experiments.switching.switching import switching as run
from llgrad.physics.stacks.stack import Stack

RISE: Final = 50e-12
ROOM: Final = 300.0
SHAPES: Final = ("pulse", "gaussian")


class _Asked(NamedTuple):
    waveform: Waveform
    scan: dict[str, Any]


def switch(
    device: DeviceArgument,
    pulse: Annotated[
        list[str],
        typer.Option(
            metavar="CHANNEL=[SHAPE:]AMPLITUDE,WIDTH[,RISE]",
            help="current=1mA,2ns,50ps or field_z=gaussian:50mT,1ns. Amplitude and width may be ranges: "
            "current=0.1:1mA:10,2ns. Repeat it for several at once.",
        ),
    ],
    current: CurrentOption = None,
    field: FieldOption = None,
    alpha: AlphaOption = None,
    temperature: Annotated[
        str | None, typer.Option(help="Temperature. Default: the device's own, or 300K where it has none.")
    ] = None,
    set_: SetOption = None,
    m0: StateOption = None,
    runs: Annotated[int, typer.Option(help="Noisy runs at each point.")] = RUNS,
    wait: Annotated[str | None, typer.Option(help="Time after the pulse. Default: two decay times.")] = None,
    dt: Annotated[str | None, typer.Option(help="Time step. Default: from the fields.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the thermal noise.")] = 0,
    out: Annotated[pathlib.Path | None, typer.Option(metavar="FILE", help="Write the result (.json).")] = None,
    plot: PlotOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Switch a device by a pulse in thousands of noisy runs: probability, error rate, switching times.

    `llgrad switch bit.toml --pulse current=20uA:100uA:9,1ns --runs 10000 --plot pictures`
    """
    outputs = check_outputs(out, (".json",), plot, ("switching",), force)
    shortcuts = {"current": current, "alpha": alpha}
    model = device_with(device, values_given(shortcuts, field_values(field, None, None, None), set_))
    channels, scan = _drive(pulse)
    settings: dict[str, Any] = {"runs": runs, "m0": starting_state(m0), "scan": scan, "key": jax.random.key(seed)}
    warm = None if temperature is None else quantity("--temperature", temperature, "K")
    settings["temperature"] = warm if warm is not None or getattr(model, "temperature", None) else ROOM
    settings |= {
        name: None if text is None else quantity(f"--{name}", text, "s") for name, text in (("wait", wait), ("dt", dt))
    }

    def task(report: Report) -> Switching:
        return run(
            cast(Oscillator | Stack, model),
            Drive(**channels),
            progress=lambda told: report({"fraction": told["fraction"]}),
            **settings,
        )

    found = working("switching", task)
    entry = found.to_json() | {"command": command_line(), "seed": seed}
    deliver(found, entry, {"switching": lambda: _picture(found)}, outputs, json)


def _picture(found: Switching) -> object:
    from llgrad import plot

    return plot.switching(found)


def _drive(texts: list[str]) -> tuple[dict[str, Waveform], dict[str, Any]]:
    """The waveforms by their channels, and what of them is scanned."""
    channels: dict[str, Waveform] = {}
    scan: dict[str, Any] = {}
    for text in texts:
        channel, equals, rest = text.partition("=")
        if not equals or channel not in CHANNEL_UNITS:
            known = ", ".join(CHANNEL_UNITS)
            raise ValueError(f"--pulse {text!r}: expected CHANNEL=AMPLITUDE,WIDTH, the channel one of {known}")
        if channel in channels:
            raise ValueError(f"--pulse {text!r}: {channel} has a pulse already; give it once")
        asked = _pulse(text, channel, rest)
        channels[channel] = asked.waveform
        scan |= {f"{channel}.{name}": values for name, values in asked.scan.items()}
    return channels, scan


def _pulse(text: str, channel: str, rest: str) -> _Asked:
    shape, colon, values = rest.partition(":")
    shape, values = (shape, values) if colon and shape.isalpha() else ("pulse", rest)
    if shape not in SHAPES:
        raise ValueError(f"--pulse {text!r}: unknown shape {shape!r}; it can be {', '.join(SHAPES)}")
    parts = [part.strip() for part in values.split(",")]
    if not 2 <= len(parts) <= (3 if shape == "pulse" else 2):
        rise = ", and a rise time" if shape == "pulse" else ""
        raise ValueError(f"--pulse {text!r}: a {shape} takes amplitude and width{rise}, got {len(parts)} values")
    scan: dict[str, Any] = {}
    numbers = {}
    for name, part, unit in zip(("amplitude", "width"), parts, (CHANNEL_UNITS[channel], "s"), strict=False):
        if ":" in part:
            scan[name] = read_range(part, unit, f"--pulse {text!r}: {name}")
        numbers[name] = float(max(scan[name], key=abs)) if name in scan else quantity(f"--pulse {text!r}", part, unit)
    if shape == "gaussian":
        return _Asked(GaussianPulse(centre=REACH * numbers["width"], **numbers), scan)
    rise = quantity(f"--pulse {text!r}", parts[2], "s") if len(parts) > 2 else RISE
    return _Asked(Pulse(start=EDGE * rise, rise_time=rise, **numbers), scan)
