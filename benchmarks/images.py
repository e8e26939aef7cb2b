"""Coupled arrays that recognise images: the figures of README, one case after the other, each beside its bar.

Run:  python benchmarks/images.py [--case mnist --case tanh …] [--seeds 3] [--data ../shared/data] [--out images.json]

The test images are used once, by the network of the last epoch. Every row of a case is one JSON line in --out, so that
a long run that is stopped keeps what it measured.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import llgrad as lg
from benchmarks.finished import finished
from benchmarks.measure import paired
from llgrad.cli.networks.defaults import defaults_of
from llgrad.cli.networks.learning.network import network_of
from llgrad.cli.networks.learning.options import NetworkKind
from llgrad.datasets.images.images import ImageSet
from llgrad.networks.bench.timeline import Frames
from llgrad.networks.imperfections import Imperfections
from llgrad.networks.network import Network
from llgrad.networks.robustness import accuracy_of_arrays
from llgrad.training.recipe import Recipe
from llgrad.training.step import TrainingStep

EPOCHS_AGAINST = 30
"""Of training against imperfections, in which an epoch takes twice as long."""
HARSH = Imperfections(spread=0.1, temperature=300.0, rise_time=50e-12, jitter=5e-12)


class Case(NamedTuple):
    """Images, the options of `llgrad train` besides them, by the names of its arguments, what differs from the usual
    recipe for these images, and the bar for the mean accuracy (None where there is none).
    """

    images: str
    given: dict[str, Any]
    changed: dict[str, Any]
    bar: float | None = None

    @property
    def recipe(self) -> Recipe:
        return defaults_of(self.images).recipe.replace(**self.changed)

    def network(self, data: ImageSet, seed: int) -> Network:
        """As the command makes it."""
        return network_of(defaults_of(self.images), self.given, data, seed)


MNIST = Case("mnist", {"oscillators": "256"}, {}, 0.99)
CHANGED = {"epochs": 60, "rotation": 10.0, "zoom": 0.1}
"""Images turned and resized besides: fixed before the test, after a look at 10,000 held back (25 epochs: 99.16 %)."""
FEW_ROWS = {"epochs": 10, "shift": 1, "rotation": 10.0}
CASES: dict[str, Case] = {
    "digits": Case("digits", {}, {}, 0.98),
    "mnist": MNIST,
    "mnist-changed": MNIST._replace(changed=CHANGED, bar=0.993),
    "mnist-64": Case(
        "mnist",
        {"oscillators": "64", "duration": "0.44ns", "dt": "27.5ps", "readouts": 4},
        {"epochs": 100, "label_smoothing": 0.05},
        0.985,
    ),
    "fashion": Case("fashion-mnist", {"oscillators": "256"}, {"epochs": 60, "mirror": True}, 0.907),
    "rows": Case(
        "mnist",
        {"oscillators": "128", "frames": Frames.ROWS},
        {"epochs": 20, "shift": 1, "rotation": 10.0, "validation": 0.1},
        0.987,
    ),
    "few": Case("mnist", {"oscillators": "32"}, {}),
    "few-frozen": Case("mnist", {"oscillators": "32", "only": "input,readout"}, {}),
    "few-rows": Case("mnist", {"oscillators": "32", "frames": Frames.ROWS}, FEW_ROWS),
    "few-rows-frozen": Case("mnist", {"oscillators": "32", "frames": Frames.ROWS, "only": "input,readout"}, FEW_ROWS),
    "frozen": Case("mnist", {"only": "input,readout"}, {}),
    "reservoir": Case("mnist", {"only": "readout"}, {}),
    "uncoupled": Case("mnist", {"no_coupling": True}, {}),
    "tanh-changed": Case("mnist", {"network": NetworkKind.TANH}, CHANGED),
    "tanh": Case("mnist", {"network": NetworkKind.TANH}, {}),
    "softmax": Case("mnist", {"network": NetworkKind.SOFTMAX}, {"shift": 0}),  # it fits shifted images worse
}


def load(name: str, folder: pathlib.Path, split: int) -> ImageSet:
    """A set of images; digits have a split of their own for each seed."""
    return lg.load_images(name, split=split) if name == "digits" else lg.load_images(name, folder / name)


def run_case(name: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Train and test one network."""
    case = CASES[name]
    data = load(case.images, options.data, seed)
    recipe = case.recipe.replace(seed=seed, **({"epochs": options.epochs} if options.epochs else {}))
    network = case.network(data, seed)
    start = time.perf_counter()
    done = finished(lg.train(network, data, recipe, out=kept(options, name, seed), overwrite=True))
    seconds = time.perf_counter() - start
    return {
        "case": name,
        "seed": seed,
        "epochs": recipe.epochs,
        "accuracy": done.accuracy,
        "training_accuracy": done.history[-1]["accuracy"],
        "seconds": round(seconds, 1),
    }


def kept(options: argparse.Namespace, name: str, seed: int) -> pathlib.Path | None:
    """The folder of a run, where runs are kept."""
    return None if options.runs is None else options.runs / f"{name}-{seed}"


def robust(seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Accuracy of 20 drawn arrays, of the network trained as it is and of the one trained against imperfections; what
    either loses is told against the first one without imperfections.
    """
    data = load("mnist", options.data, seed)
    recipe = MNIST.recipe.replace(seed=seed, **({"epochs": options.epochs} if options.epochs else {}))
    network = MNIST.network(data, seed)
    found: dict[str, Any] = {"case": "robust", "seed": seed}
    ideal = None
    for label, imperfections in (("plain", None), ("against", HARSH)):
        start = time.perf_counter()
        out = kept(options, "mnist" if imperfections is None else "robust", seed)
        if imperfections is None and out is not None and (out / "result.json").is_file():
            done = finished(lg.training.resume(out, data))
        else:
            seen = dataclasses.replace(network, imperfections=imperfections)
            epochs = recipe.epochs if imperfections is None else options.epochs or EPOCHS_AGAINST
            done = finished(lg.train(seen, data, recipe.replace(epochs=epochs), out=out, overwrite=True))
        with jax.enable_x64(False):
            design = done.network.design()
        drawn = accuracy_of_arrays(design, HARSH, data.test, arrays=20, key=jax.random.key(100 + seed))
        ideal = done.accuracy if ideal is None else ideal
        found[label] = {
            "epochs": done.recipe.epochs,
            "ideal": done.accuracy,
            "drawn_mean": float(np.mean(drawn)),
            "drawn_std": float(np.std(drawn, ddof=1)),
            "lost_points": 100 * (ideal - float(np.mean(drawn))),
            "seconds": round(time.perf_counter() - start, 1),
        }
    return found


def speed(options: argparse.Namespace) -> dict[str, Any]:
    """One training step of 128 oscillators and 50 RK4 steps, native against the XLA engine."""
    data = load("mnist", options.data, 0)
    case = Case("mnist", {"oscillators": "128", "duration": "0.44ns", "dt": "8.8ps", "readouts": 1}, {"batch": 256})
    recipe, network = case.recipe, case.network(data, 0)
    tasks, index = {}, np.arange(recipe.batch)
    with jax.enable_x64(False):
        for label, engine in (("native", lg.solvers.Native()), ("xla", lg.solvers.XLA())):
            step = TrainingStep(dataclasses.replace(network, engine=engine), recipe, len(data.train) // recipe.batch)
            tasks[label] = stepping(step, data.train.scaled(index), data.train.labels[index])
        seconds = paired(tasks, 5)
    return {"case": "speed", **seconds, "ratio": seconds["xla"] / seconds["native"], "bar": 3.0}


def stepping(step: Any, images: Any, labels: Any) -> Callable[[], Any]:
    """A call that takes one training step and waits for it."""
    state = [step.begin()]

    def call() -> Any:
        state[0], outcome = step(state[0], images, labels, 0)
        return outcome

    return call


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*CASES, "robust", "speed"]
    parser.add_argument("--case", action="append", choices=names, help="which cases; all where none is named")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=None, help="other than the case's own")
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("../shared/data"))
    parser.add_argument("--runs", type=pathlib.Path, default=None, help="keep the runs in this folder")
    parser.add_argument("--out", type=pathlib.Path, default=None)
    options = parser.parse_args()
    for name in options.case or names:
        if name == "speed":
            report(speed(options), options.out)
            continue
        one = robust if name == "robust" else (lambda seed, options, name=name: run_case(name, seed, options))
        rows: list[dict[str, Any]] = []
        try:
            for seed in range(options.first_seed, options.first_seed + options.seeds):
                rows.append(one(seed, options))
                report(rows[-1], options.out)
        finally:
            if name in CASES and rows:
                report_mean(name, rows)


def report(row: dict[str, Any], out: pathlib.Path | None) -> None:
    """One line, to the terminal and to the file."""
    print(json.dumps(row), flush=True)
    if out is not None:
        with out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def report_mean(name: str, rows: list[dict[str, Any]]) -> None:
    """Mean and spread over the seeds, beside the bar."""
    accuracies = np.array([row["accuracy"] for row in rows])
    spread = float(np.std(accuracies, ddof=1)) if len(rows) > 1 else float("nan")
    bar = CASES[name].bar
    verdict = "" if bar is None else f", bar {bar:.1%}: {'met' if accuracies.mean() >= bar else 'missed'}"
    longest = max(row["seconds"] for row in rows)
    print(f"{name}: {accuracies.mean():.2%} ± {spread:.2%} over {len(rows)} seeds, {longest:.0f} s at most{verdict}")


if __name__ == "__main__":
    main()
