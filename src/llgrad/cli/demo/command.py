"""`llgrad demo`: a device's parameters from a trace by two methods, a grid search beside them; digits recognised."""

from __future__ import annotations

import pathlib
from typing import Annotated, Any, Final

import numpy as np
import typer

from llgrad.cli.demo.digits import RUN, recognise
from llgrad.cli.demo.report import comparison, table
from llgrad.cli.demo.teacher import TRUTH, teacher_device, teacher_trace
from llgrad.cli.output import (
    ForceOption,
    JsonOption,
    check_outputs,
    command_line,
    fresh_folder,
    print_json,
    save_pictures,
)
from llgrad.cli.progress import working
from llgrad.core.files import write_json
from llgrad.core.run_record import run_record
from llgrad.datasets.reader import read_trace, write_trace
from llgrad.datasets.trace import Trace
from llgrad.devices.oscillator import Oscillator
from llgrad.fitting.answers.result import FitResult
from llgrad.fitting.fit import fit
from llgrad.fitting.methods.base import Method
from llgrad.fitting.methods.descent import GradientDescent
from llgrad.fitting.methods.grid import GridSearch
from llgrad.fitting.methods.least_squares import LevenbergMarquardt
from llgrad.observables.signal import cosine
from llgrad.observables.spectrum import spectrum
from llgrad.solve.simulate import simulate
from llgrad.training.files.run_folder import check_new

EXAMPLE: Final = pathlib.Path("examples/teacher_trace.csv")

OFF: Final = {"field.z": 1.4, "current": 0.7, "alpha": 1.5}
"""Start over truth: 30 to 50 % off."""

GRID_POINTS: Final = 12
"""Points of the coarse grid for each parameter: a number for which no value of the grid is the true one."""

METHODS: Final[dict[str, Method]] = {
    "Levenberg-Marquardt": LevenbergMarquardt(),
    "Adam": GradientDescent(),
    "coarse grid": GridSearch(points=GRID_POINTS),
}
PICTURES: Final = ("trace", "fit", "orbit", "spectrum", "history", "history_adam")


def demo(
    out: Annotated[
        pathlib.Path | None,
        typer.Option(metavar="DIR", help="Folder for files and pictures. Default: llgrad-demo, or llgrad-demo-2, …"),
    ] = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Recover field, current and damping of an oscillator from a synthetic trace, and train an array on digits.

    It takes about a minute.
    """
    folder = out or fresh_folder("llgrad-demo")
    outputs = check_outputs(None, (), folder, PICTURES, force, option="--out")
    folder.mkdir(parents=True, exist_ok=True)
    check_outputs(folder / "fit.json", (".json",), None, (), force)
    run = folder / RUN
    check_new(run, force)
    file, trace = _trace(folder, force)
    tell = (lambda *_: None) if json else print
    tell(f"Trace: {file} (synthetic: the values to be found are known)")
    tell(f"       {trace}")
    start = _start()
    tell("Start: " + ", ".join(f"{name} {abs(OFF[name] - 1):.0%} off" for name in TRUTH) + "\n")
    results = {name: _fit(start, trace, name, method) for name, method in METHODS.items()}
    # The first run of the coarse grid compiles: how fast a grid goes is told by a second one.
    again = _fit(start, trace, "coarse grid, again", METHODS["coarse grid"])
    compared = comparison(TRUTH, results, GRID_POINTS, again.simulations / again.seconds)
    tell(table(TRUTH, results, compared))
    best = results["Levenberg-Marquardt"]
    write_json(folder / "fit.json", best.to_json() | {"command": command_line()}, force)
    save_pictures(outputs, _figures(trace, results))
    tell(f"\nWrote fit.json and {', '.join(f'{name}.png' for name in PICTURES)} into {folder}/")
    tell(f"The same fit by hand:\n  {_by_hand(file)}\n")
    text, digits = recognise(run, force)
    tell(text)
    tell(f"\nWrote the run and its pictures into {run}/\nThe same by hand:\n  llgrad train digits")
    if json:
        record = run_record("demo", device=start, data_hash=best.to_json()["data_hash"], command=command_line())
        print_json(record | compared | {"trace": str(file), "folder": str(folder), "digits": digits})


def _trace(folder: pathlib.Path, force: bool) -> tuple[pathlib.Path, Trace]:
    """The example's file where there is one, else the same trace made now and written into the folder."""
    if EXAMPLE.is_file():
        return EXAMPLE, read_trace(EXAMPLE)
    file = folder / EXAMPLE.name
    write_trace(file, working("simulating the trace", lambda _: teacher_trace()), overwrite=force)
    return file, read_trace(file)


def _start() -> Oscillator:
    wrong = {name: TRUTH[name] * OFF[name] for name in TRUTH}
    return teacher_device().replace(field=(0.0, 0.0, wrong["field.z"]), current=wrong["current"], alpha=wrong["alpha"])


def _by_hand(file: pathlib.Path) -> str:
    wrong = {name: TRUTH[name] * OFF[name] for name in TRUTH}
    return (
        f"llgrad fit {file} --device kubota2013 --free {','.join(TRUTH)} --start field.z={wrong['field.z'] * 1e3:g}mT "
        f"--start current={wrong['current'] * 1e3:g}mA --start alpha={wrong['alpha']:g}"
    )


def _fit(start: Oscillator, trace: Trace, name: str, method: Method) -> FitResult:
    return working(name, lambda report: fit(start, trace, free=tuple(TRUTH), method=method, progress=report))


def _figures(trace: Trace, results: dict[str, FitResult]) -> dict[str, Any]:
    from llgrad import plot

    best, adam = results["Levenberg-Marquardt"], results["Adam"]

    def steady() -> Any:
        """Spectrum of the fitted device's m·p once it has settled."""
        run = simulate(best.model, duration=200e-9)
        half = run.m.shape[0] // 2
        return plot.spectrum(spectrum(np.asarray(cosine(run))[half:], run.dt))

    return {
        "trace": lambda: plot.trace(trace),
        "fit": lambda: plot.fit(best),
        "orbit": lambda: plot.orbit(simulate(best.model, duration=20e-9)),
        "spectrum": steady,
        "history": lambda: plot.history(best),
        "history_adam": lambda: plot.history(adam),
    }
