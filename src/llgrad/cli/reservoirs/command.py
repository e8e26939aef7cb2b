"""`llgrad reservoir`: a task for an oscillator or an array, beside an echo-state network and what is linear."""

from __future__ import annotations

import pathlib
from typing import Annotated, Any, Final

import typer

from llgrad.cli.device_options import DeviceArgument, SetOption, assignments, device_with
from llgrad.cli.given import refuse
from llgrad.cli.output import ForceOption, JsonOption, PlotOption, check_outputs, command_line, deliver
from llgrad.cli.progress import Report, working
from llgrad.cli.reservoirs.design import DacBitsOption, DesignOption, check_design, written
from llgrad.cli.reservoirs.running import (
    CAPACITY,
    AskedTask,
    TaskAnswer,
    answered,
    array_of,
    check_task,
    reservoir_of,
)
from llgrad.reservoir.tasks.named import TASKS

TASK_HELP = f"{', '.join(TASKS)}, or {CAPACITY}: the information processing capacity."
PICTURES: Final = {CAPACITY: ("capacity",)} | dict.fromkeys(("stm", "parity"), ("reservoir", "capacity"))
"""Of tasks that have others than the usual one."""
TuneOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tune",
        metavar="NAME=LOW:HIGH",
        help="Tune by gradient between two values: gain=0T:50mT, current=0mA:1mA, mask=-2:2. Repeatable.",
    ),
]
ResumeOption = Annotated[
    pathlib.Path | None,
    typer.Option(metavar="FILE", help="Keep the search in this file (.npz); go on from it where it exists."),
]
OutOption = Annotated[pathlib.Path | None, typer.Option(metavar="FILE", help="Write all numbers (.json).")]


def reservoir(
    context: typer.Context,
    task: Annotated[str, typer.Argument(help=TASK_HELP)],
    device: DeviceArgument = "kubota2013",
    hold: Annotated[str, typer.Option(help="Time of a symbol: 5ns.")] = "5ns",
    input_: Annotated[
        str, typer.Option("--input", metavar="NAME", help="What the signal acts on: current, field_x, …")
    ] = "field_x",
    gain: Annotated[str, typer.Option(help="What acts per unit of the signal: 5mT.")] = "5mT",
    feedback: Annotated[str, typer.Option(help="What acts per unit of what was read before: 1mT.")] = "0",
    nodes: Annotated[int, typer.Option(help="Virtual nodes in a symbol.")] = 50,
    oscillators: Annotated[int, typer.Option(help="Oscillators of an array.")] = 1,
    coupling: Annotated[str, typer.Option(help="Spectral radius of the random coupling of an array: 10mT.")] = "0",
    read: Annotated[list[str] | None, typer.Option(help="Component that is read: mx. Repeatable.")] = None,
    noise: Annotated[float, typer.Option(help="Noise of a reading, in parts of the rms deviation.")] = 0.01,
    length: Annotated[int, typer.Option(help="Symbols; the first half is fitted, the rest tested.")] = 4000,
    seed: Annotated[int, typer.Option(help="Of signal, mask, coupling and noise.")] = 0,
    tune: TuneOption = None,
    steps: Annotated[int, typer.Option(help="Steps of the gradient.")] = 60,
    starts: Annotated[int, typer.Option(help="Starts that are followed side by side.")] = 4,
    resume: ResumeOption = None,
    set_: SetOption = None,
    out: OutOption = None,
    design: DesignOption = None,
    dac_bits: DacBitsOption = None,
    plot: PlotOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Give a task to a reservoir of oscillators, beside an echo-state network of equal size and noise, and what is
    linear: `llgrad reservoir narma10 kubota2013 --gain 5mT --tune gain=0T:50mT`.
    """
    check_task(task, length)
    if not tune:
        refuse(context, ("steps", "starts", "resume"), "is for a search; add --tune gain=0T:50mT")
    asked = AskedTask(task, length, seed, tuple(tune or ()), steps, starts, resume)
    check_design(design, dac_bits, task, force)
    pictures = PICTURES.get(task, ("reservoir",))
    outputs = check_outputs(out, (".json",), plot, pictures, force)
    model = array_of(device_with(device, assignments("--set", set_)), oscillators, coupling, seed)
    given = reservoir_of(
        model, hold=hold, input=input_, gain=gain, feedback=feedback, nodes=nodes, read=read, noise=noise, seed=seed
    )

    def work(report: Report) -> TaskAnswer:
        return answered(asked, given, report)

    found = working("computing", work, kept="the search is in --resume" if resume else "nothing was written")
    figures = {name: lambda name=name: _picture(found, name) for name in pictures}
    words, entry = ("", {}) if design is None else written(design, found, dac_bits, force)
    entry = found.to_json() | {"command": command_line()} | entry
    deliver(found.told() + words, entry, figures, outputs, json)


def _picture(found: TaskAnswer, name: str) -> Any:
    from llgrad.plot.reservoirs.capacity import capacity
    from llgrad.plot.reservoirs.course import reservoir as drawn

    told = found.capacity if name == "capacity" else None
    return drawn(found.reservoir, found.task) if told is None else capacity(told)
