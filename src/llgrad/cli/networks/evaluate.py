"""`llgrad evaluate`: how well a network recognises the test images, and how well real arrays would."""

from __future__ import annotations

import pathlib
from typing import Annotated, Any

import jax
import typer

from llgrad.cli.networks.imperfections import (
    ArraysOption,
    BitsOption,
    FlickerOption,
    JitterOption,
    ReadNoiseOption,
    RiseTimeOption,
    SeedOption,
    SpreadOption,
    TemperatureOption,
    described,
    imperfections_of,
    table,
)
from llgrad.cli.networks.pictures import draw_pictures
from llgrad.cli.networks.sources.beside import beside
from llgrad.cli.networks.sources.images import DataDirOption
from llgrad.cli.networks.subject import load_subject
from llgrad.cli.output import (
    ForceOption,
    JsonOption,
    PlotOption,
    check_outputs,
    command_line,
    print_json,
    save_pictures,
)
from llgrad.cli.progress import Report, working
from llgrad.core.record import to_json
from llgrad.core.run_record import run_record
from llgrad.datasets.samples.kinds import Samples
from llgrad.networks.bench.design import Design
from llgrad.networks.imperfections import Imperfections
from llgrad.networks.robustness import Robustness, robustness
from llgrad.networks.robustness import curve as robustness_curve
from llgrad.training.evaluation import Evaluation, in_words
from llgrad.training.evaluation import evaluate as evaluate_network


def evaluate(
    run: Annotated[
        pathlib.Path, typer.Argument(help="Folder of a run, from llgrad train, or of a design, from llgrad design.")
    ],
    data_dir: DataDirOption = None,
    spread: SpreadOption = None,
    temperature: TemperatureOption = None,
    read_noise: ReadNoiseOption = None,
    bits: BitsOption = None,
    rise_time: RiseTimeOption = None,
    jitter: JitterOption = None,
    flicker: FlickerOption = None,
    arrays: ArraysOption = None,
    curve: Annotated[bool, typer.Option("--curve", help="Accuracy from no spread to twice the given one.")] = False,
    seed: SeedOption = None,
    plot: PlotOption = None,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Draw the pictures of the run again, into its folder pictures.")
    ] = False,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Test a network on the test images, or signals, of the set that it was trained on.

    With a spread, noise or other imperfections, test many arrays drawn from them too.
    """
    texts = {"spread": spread, "temperature": temperature, "read_noise": read_noise}
    imperfections = imperfections_of(texts | {"rise_time": rise_time, "jitter": jitter, "flicker": flicker}, bits)
    _check_options(imperfections, {"arrays": arrays, "curve": curve or None, "seed": seed, "plot": plot})
    outputs = check_outputs(None, (), plot, ("robustness",), force)
    subject = load_subject(run)
    design = None if imperfections is None else subject.design()
    images = (data := subject.data(data_dir)).test
    found = working("testing", lambda _: evaluate_network(subject.network, images))
    linear = beside(data, subject.network, subject.augmentation)
    rows: list[Robustness] = []
    entry: dict[str, Any] = {**found.to_json(), **linear.entry}
    if design is not None and imperfections is not None:
        rows = _drawn(design, imperfections, images, arrays or 20, seed or 0, curve)
        save_pictures(outputs, {"robustness": lambda: _picture(rows, found)})
        robust: Any = [row.to_json() for row in rows] if curve else rows[0].to_json()
        entry |= {"imperfections": to_json(imperfections), "curve" if curve else "robustness": robust}
    drawn = draw_pictures(subject, found, images) if pictures else []
    if json:
        record = run_record("evaluation", dtype="float32", command=command_line(), **subject.origin)
        print_json(record | entry | {"run": str(run)})
        return
    print("\n".join([f"test: {in_words(entry)}, loss {found.loss:.4f}", *linear.words]))
    if imperfections is not None:
        what = "variance told" if found.is_regression else "accuracy"
        print(f"{what} (%) of arrays with {described(imperfections)}:\n{table(rows)}")
    for file in [*outputs.written(), *drawn]:
        print(f"wrote {file}")


def _check_options(imperfections: Imperfections | None, given: dict[str, Any]) -> None:
    """Raise ValueError for an option that would do nothing."""
    if imperfections is None and (idle := [name for name, value in given.items() if value is not None]):
        raise ValueError(f"--{idle[0]} is for arrays with imperfections; give one, such as --spread 10%")
    if given["curve"] and imperfections is not None and not imperfections.spread:
        raise ValueError("--curve is a curve of accuracy against spread; give the spread, such as --spread 10%")
    if given["plot"] is not None and not given["curve"]:
        raise ValueError("--plot draws the curve of accuracy against spread; add --curve")


def _drawn(
    design: Design, imperfections: Imperfections, images: Samples, arrays: int, seed: int, curve: bool
) -> list[Robustness]:
    """The accuracies of drawn arrays: for one spread, or along a curve."""

    def task(tell: Report) -> list[Robustness]:
        key, options = jax.random.key(seed), {"arrays": arrays, "told": lambda done: tell({"fraction": done})}
        if curve:
            return robustness_curve(design, imperfections, images, key=key, **options)
        return [robustness(design, imperfections, images, key=key, **options)]

    return working("drawing arrays", task)


def _picture(rows: list[Robustness], ideal: Evaluation) -> Any:
    from llgrad.plot.networks.robustness import robustness_curve as draw

    what = "variance of the test told" if ideal.is_regression else "test accuracy"
    return draw([row.imperfections.spread for row in rows], [row.accuracies for row in rows], ideal.accuracy, what)
