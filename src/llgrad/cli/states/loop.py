"""`llgrad loop`: hysteresis, angle scans and current-induced switching of a device at rest."""

from __future__ import annotations

import math
import pathlib
from typing import Annotated, Any, Final

import typer

from llgrad.cli.device_options import DeviceArgument, SetOption, assignments, device_with, quantity, unit_of
from llgrad.cli.output import ForceOption, JsonOption, PlotOption, check_outputs, command_line, deliver
from llgrad.cli.progress import working
from llgrad.core.rechecking import rechecked
from llgrad.core.record import leaf_units, set_leaf
from llgrad.experiments.loops.loop import STEPS, loops_of
from llgrad.experiments.loops.loop import loop as looped

RANGE: Final = ":"
LoopFieldOption = Annotated[
    str | None,
    typer.Option(help="Field along --angle: a range, -2kOe:2kOe, or one value, for a scan of something else."),
]
LoopCurrentOption = Annotated[str | None, typer.Option(help="Current: a range, -2mA:2mA, or one value.")]
AnglesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--angle",
        metavar="THETA,PHI",
        help="Axis of the field, from z and from x: 90deg,0deg is x. A range is a scan: 0deg:360deg,0deg. Repeatable.",
    ),
]


def loop(
    device: DeviceArgument,
    field: LoopFieldOption = None,
    angle: AnglesOption = None,
    current: LoopCurrentOption = None,
    sweep: Annotated[
        str | None, typer.Option(metavar="NAME=A:B", help="Any other number that is swept: --sweep voltage=-1V:1V.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Steps of each sweep.")] = STEPS,
    back: Annotated[bool, typer.Option(help="Whether it is swept back too.")] = True,
    set_: SetOption = None,
    out: Annotated[
        pathlib.Path | None, typer.Option(metavar="FILE", help="Write all points (.npz .csv .json).")
    ] = None,
    plot: PlotOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Sweep a field, an angle or a current slowly, and back: M and R, and where the device switches, exactly.

    `llgrad loop saf.json --field -2kOe:2kOe --angle 90deg,0deg`
    """
    outputs = check_outputs(out, (".npz", ".csv", ".json"), plot, ("loop",), force)
    model: Any = device_with(device, assignments("--set", set_))
    model, name, ends, angles = asked(model, field, angle, current, sweep)
    if out is not None and len(angles) > 1:
        raise ValueError("--out holds one loop; give one --angle, or --json for all of them")
    given: Any = angles if len(angles) > 1 else angles[0]
    found = working("sweeping", lambda _: looped(model, name, *ends, angle=given, steps=steps, back=back))
    several = loops_of(found)
    entry = {"loops": [one.to_json() for one in several]} if isinstance(found, list) else found.to_json()
    told = "\n".join(str(one) for one in several)
    entry = entry | {"command": command_line()}
    deliver(told, entry, {"loop": lambda: _picture(found)}, outputs, json, several[0].save)


def asked(
    model: Any, field: str | None, angles: list[str] | None, current: str | None, sweep: str | None
) -> tuple[Any, str, list[float], list[tuple[float, float]]]:
    """The device, what is swept, its ends, and the axes of the field. Raises ValueError unless one thing is swept."""
    pairs = [pair_of(text) for text in angles or ["0deg,0deg"]]
    ranges: dict[str, tuple[str, str]] = {}
    given: dict[str, str] = {}
    for name, text, unit in (("field", field, "T"), ("current", current, "A")):
        if text is not None:
            (ranges if RANGE in text else given)[name] = (text, unit) if RANGE in text else text  # type: ignore[assignment]
    for place, name in enumerate(("polar", "azimuth")):
        if any(RANGE in pair[place] for pair in pairs):
            if len(pairs) > 1:
                raise ValueError("--angle is given several times and one of them is a range; give a range alone")
            ranges[name] = (pairs[0][place], "rad")
    if sweep is not None:
        ((name, text),) = assignments("--sweep", [sweep]).items()
        if name in given:
            raise ValueError(f"{name} is swept by --sweep, and --{name} {given[name]} is one value of it; leave it out")
        ranges[name] = (text, unit_of(name, leaf_units(model)))
    if len(ranges) != 1:
        what = " and ".join(ranges) + " have" if ranges else "nothing has"
        raise ValueError(
            f"one thing is swept, and {what} a range; give one, such as --field -2kOe:2kOe, --current -2mA:2mA "
            "or --angle 0deg:360deg,0deg"
        )
    ((name, (text, unit)),) = ranges.items()
    axes = [tuple(0.0 if RANGE in part else quantity("--angle", part, "rad") for part in pair) for pair in pairs]
    if "current" in given:
        model = rechecked(set_leaf(model, "current", quantity("--current", given["current"], "A")))
    if "field" in given:
        if len(axes) > 1:
            raise ValueError("--field is one value and --angle is given several times; give a range of one of them")
        model = _placed(model, quantity("--field", given["field"], "T"), axes[0])
    return model, name, ends_of(name, text, unit), axes  # type: ignore[return-value]


def _placed(model: Any, strength: float, axis: Any) -> Any:
    polar, azimuth = axis
    across = strength * math.sin(polar)
    field = (across * math.cos(azimuth), across * math.sin(azimuth), strength * math.cos(polar))
    return model.replace(field=field)


def pair_of(text: str) -> tuple[str, str]:
    """Polar and azimuthal part of --angle; the azimuth is 0 where it is left out."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > 2 or not all(parts):
        raise ValueError(f"--angle {text!r}: expected a polar and an azimuthal angle, such as --angle 90deg,0deg")
    return parts[0], parts[1] if len(parts) == 2 else "0deg"


def ends_of(name: str, text: str, unit: str) -> list[float]:
    """The two ends of a range."""
    ends = text.split(RANGE)
    if len(ends) != 2 or not all(end.strip() for end in ends):
        raise ValueError(f"--{name} {text!r}: expected the two ends of a range, such as -2kOe:2kOe")
    return [quantity(f"--{name}", end, unit) for end in ends]


def _picture(found: Any) -> object:
    from llgrad import plot

    return plot.loop(found)
