"""`llgrad optimise`: the best device within what may be chosen and what must hold."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import jax
import typer

from llgrad.cli.device_options import (
    AlphaOption,
    CurrentOption,
    DeviceArgument,
    FieldOption,
    SetOption,
    assignments,
    device_with,
    field_values,
    values_given,
)
from llgrad.cli.drive_options import weak_drive
from llgrad.cli.given import given, refuse
from llgrad.cli.output import ForceOption, JsonOption, PlotOption, check_outputs, command_line, deliver
from llgrad.cli.progress import Report, working
from llgrad.drives.drive import CHANNEL_UNITS
from llgrad.optimising.aims import Aim, maximise, measure_of, minimise
from llgrad.optimising.front import POINTS, pareto_front
from llgrad.optimising.optimise import STARTS
from llgrad.optimising.optimise import optimise as search
from llgrad.optimising.robust import DRAWS, Expected, Worst
from llgrad.orbits.results.named import QUANTITIES

_AIM: Final = "A number of the orbit (line_width, power, …) or a parameter. Two aims: a front."
_HELD: Final = re.compile(r"\s*([^\s=<>≤≥]+)\s*(<=|>=|=|≤|≥|<|>)\s*(\S.*)")


def optimise(
    context: typer.Context,
    device: DeviceArgument,
    to_minimise: Annotated[
        list[str] | None, typer.Option("--minimise", "--minimize", metavar="NAME", help=_AIM)
    ] = None,
    to_maximise: Annotated[
        list[str] | None, typer.Option("--maximise", "--maximize", metavar="NAME", help=_AIM)
    ] = None,
    free: Annotated[
        list[str] | None, typer.Option(metavar="NAME=LOW:HIGH", help="What may be chosen: field.z=0:5kOe. Repeat it.")
    ] = None,
    hold: Annotated[
        list[str] | None,
        typer.Option(metavar="LIMIT", help="What must hold: 'frequency=6GHz±1MHz', 'noise_ratio<=0.1'. Repeat it."),
    ] = None,
    lock: Annotated[
        list[str] | None, typer.Option(metavar="CHANNEL=AMPLITUDE", help="The drive of 'locking': field_x=0.1Oe.")
    ] = None,
    channel: Annotated[
        str | None, typer.Option("--input", help="The input of 'sensitivity': current, field_z.")
    ] = None,
    spread: Annotated[
        list[str] | None, typer.Option(metavar="NAME=SIZE", help="Standard deviations: alpha=5%, H_k=5mT. Repeat it.")
    ] = None,
    worst: Annotated[bool, typer.Option("--worst", help="The worst over the spread, in place of the mean.")] = False,
    draws: Annotated[int, typer.Option(help="Devices that are drawn for the spread.")] = DRAWS,
    starts: Annotated[int, typer.Option(help="Searches, side by side.")] = STARTS,
    points: Annotated[int, typer.Option(help="Points of the front between two aims.")] = POINTS,
    seed: Annotated[int, typer.Option(help="Of the starts and of the spread.")] = 0,
    current: CurrentOption = None,
    field: FieldOption = None,
    alpha: AlphaOption = None,
    temperature: Annotated[str | None, typer.Option(help="Temperature, such as 300K: line width and noise.")] = None,
    set_: SetOption = None,
    out: Annotated[
        pathlib.Path | None, typer.Option(help="Write the result here (.json); it is a device file.")
    ] = None,
    plot: PlotOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Find the device of which a number is smallest or largest, and what that hangs on.

    `llgrad optimise kubota2013 --temperature 300K --minimise line_width --free field.z=0:5kOe --free H_k=1.6T:2.2T
    --free current=0:3mA --hold "frequency=6GHz±1MHz"`
    """
    options = _options(lock, channel)
    aims = [
        *(_aim(minimise, n, options) for n in to_minimise or ()),
        *(_aim(maximise, n, options) for n in to_maximise or ()),
    ]
    if len(aims) not in (1, 2):
        raise ValueError(f"{len(aims)} aims, expected --minimise NAME or --maximise NAME, or two of them for a front")
    is_front = len(aims) == 2
    _check_unused(context, aims, is_front, spread)
    pictures = ("front",) if is_front else ("optimum", "sensitivities")
    outputs = check_outputs(out, (".json",), plot, pictures, force)
    shortcuts = {"current": current, "alpha": alpha, "temperature": temperature}
    model = device_with(device, values_given(shortcuts, field_values(field, None, None, None), set_))
    ranges, limits = assignments("--free", free), _limits(hold, options)
    over = _over(assignments("--spread", spread), worst, draws, seed)

    def task(report: Report) -> Any:
        if is_front:
            return pareto_front(model, aims, ranges, limits, points=points, starts=starts, seed=seed)
        return search(model, aims[0], ranges, limits, over=over, starts=starts, seed=seed, progress=report)

    found = working("optimising", task)
    deliver(found, found.to_json() | {"command": command_line()}, _figures(found), outputs, json)


def _options(lock: list[str] | None, channel: str | None) -> dict[str, dict[str, Any]]:
    """What the numbers of an orbit that need it are given, by their names."""
    drive = weak_drive(lock)
    if channel is not None and channel not in CHANNEL_UNITS:
        raise ValueError(f"--input {channel}: unknown channel; it can be {', '.join(CHANNEL_UNITS)}")
    found: dict[str, dict[str, Any]] = {"locking": {"drive": drive}} if drive else {}
    return found | ({"sensitivity": {"input": channel}} if channel else {})


def _aim(way: Callable[..., Aim], name: str, options: Mapping[str, Mapping[str, Any]]) -> Aim:
    return way(name, **_given_to(name, options))


def _given_to(name: str, options: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """The options of a number. Raises ValueError, with the flag, where it has not what it needs."""
    found = options.get(name, {})
    if name in QUANTITIES and (missing := [need for need in QUANTITIES[name].needs if need not in found]):
        flags = {"drive": "--lock field_x=0.1Oe", "input": "--input current"}
        raise ValueError(f"{name} needs {flags.get(missing[0], missing[0])}")
    return found


def _limits(texts: list[str] | None, options: Mapping[str, Mapping[str, Any]]) -> dict[Any, str]:
    found: dict[Any, str] = {}
    for text in texts or ():
        parts = _HELD.fullmatch(text)
        if parts is None:
            raise ValueError(
                f"--hold {text!r}: expected 'frequency=6GHz±1MHz', 'frequency=5GHz:6GHz' or 'noise_ratio<=0.1'"
            )
        name, sign, rest = parts.groups()
        given_ = _given_to(name, options)
        what = measure_of("--hold", name, "", given_) if given_ else name
        if what in found:
            raise ValueError(f"--hold {name} comes twice; give both ends together: '{name}=LOW:HIGH'")
        found[what] = rest if sign == "=" else sign + rest
    return found


def _over(spread: dict[str, str], worst: bool, draws: int, seed: int) -> Expected | None:
    if not spread:
        return None
    return (Worst if worst else Expected)(spread, jax.random.key(seed), draws)


def _check_unused(context: typer.Context, aims: list[Aim], is_front: bool, spread: list[str] | None) -> None:
    """Raise ValueError for an option that would do nothing."""
    if not is_front:
        refuse(context, ("points",), "is for a front between two aims; leave it out")
    else:
        refuse(context, ("spread", "worst", "draws"), "is for one aim, and a front has two; leave it out")
    if not spread:
        refuse(context, ("worst", "draws"), "is for a spread; add --spread alpha=5%")
    names = {aim.measure.name for aim in aims}
    texts = " ".join(given_ for given_ in context.params.get("hold") or ())
    for option, name in (("lock", "locking"), ("channel", "sensitivity")):
        if option in given(context) and name not in names and name not in texts:
            refuse(context, (option,), f"is for {name}, which is neither an aim nor held; leave it out")


def _figures(found: Any) -> dict[str, Any]:
    from llgrad import plot

    return {
        "optimum": lambda: plot.optimum(found),
        "sensitivities": lambda: plot.sensitivities(found),
        "front": lambda: plot.front(found),
    }
