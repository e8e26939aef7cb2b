"""The pictures of a trained network, in the folder `pictures` of its run or design."""

from __future__ import annotations

import functools
import math
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import jax
import numpy as np

from llgrad.cli.networks.signal_pictures import names_of_targets, signal_pictures
from llgrad.cli.networks.subject import Subject
from llgrad.cli.output import Outputs, save_pictures
from llgrad.datasets.images.images import Images
from llgrad.datasets.samples.kinds import Samples, noun_of
from llgrad.datasets.samples.targets import TargetSignals
from llgrad.datasets.signals.signals import Signals
from llgrad.networks.bench.design import Design
from llgrad.networks.bench.settings import Settings
from llgrad.networks.course import courses
from llgrad.networks.files import network_from_spec
from llgrad.networks.trained.classifier import OscillatorClassifier
from llgrad.networks.trained.regressor import OscillatorRegressor
from llgrad.training.evaluation import Evaluation
from llgrad.training.files.checkpoint import read_start
from llgrad.training.files.history import read_metrics
from llgrad.training.files.run_folder import METRICS, START

FOLDER: Final = "pictures"
NAMES: Final = ("learning_curves", "confusion", "examples", "predictions", "response", "settings", "signal", "pulse")
"""The pictures; those of an array are numbered where there are many."""


def draw_pictures(subject: Subject, found: Evaluation, images: Samples) -> list[pathlib.Path]:
    """Draw everything that there is to see of a network, in place of earlier pictures; the files.

    Args:
        subject: the network, with the record of its run or design.
        found: what it makes of the test images.
        images: the test images.
    """
    figures = _of_recognition(found, images) | _of_training(subject)
    if isinstance(subject.network, (OscillatorClassifier, Design)):
        figures |= _of_oscillators(subject, images)
        if not isinstance(images, Images):
            figures |= signal_pictures(subject.design(), _start(subject), images)
    folder = _folder(subject.path)
    clear_pictures(subject.path)
    files = {name: folder / f"{name}.png" for name in sorted(figures)}
    save_pictures(Outputs(None, files, True), figures)
    return list(files.values())


def clear_pictures(path: pathlib.Path) -> None:
    """Take away the pictures of a run or design, and nothing else that is in their folder."""
    folder = _folder(path)
    for name in NAMES if folder.is_dir() else ():
        for file in [folder / f"{name}.png", *folder.glob(f"{name}-[0-9]*.png")]:
            file.unlink(missing_ok=True)


def _folder(path: pathlib.Path) -> pathlib.Path:
    return (path.parent if path.is_file() else path) / FOLDER


def _of_recognition(found: Evaluation, images: Samples) -> dict[str, Callable[[], Any]]:
    if isinstance(images, TargetSignals):
        return {"predictions": functools.partial(_predictions, found, images)}

    def examples(pixels: np.ndarray) -> Any:
        from llgrad.plot.networks.recognition import examples

        logits = found.logits.astype(float)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        sure = weights.max(axis=1) / weights.sum(axis=1)
        return examples(pixels, found.labels, found.predicted, sure, images.classes)

    def confusion() -> Any:
        from llgrad.plot.networks.recognition import confusion

        return confusion(found.labels, found.predicted, images.classes, noun_of(images))

    drawn = {"examples": functools.partial(examples, images.scaled())} if isinstance(images, Images) else {}
    return {"confusion": confusion} | drawn


def _predictions(found: Evaluation, signals: TargetSignals) -> Any:
    from llgrad.plot.networks.prediction import predictions

    return predictions(found.labels, found.logits, names_of_targets(signals))


def _of_training(subject: Subject) -> dict[str, Callable[[], Any]]:
    metrics = subject.path / METRICS
    rows = [row for row in read_metrics(metrics)[1] if "event" not in row] if metrics.is_file() else []
    if not rows:
        return {}

    def curves() -> Any:
        from llgrad.plot.networks.learning import learning_curves

        if isinstance(subject.network, OscillatorRegressor):
            return learning_curves(rows, regression=True)
        smoothing = subject.entry.get("recipe", {}).get("label_smoothing") or 0.0
        return learning_curves(rows, least_loss(smoothing, len(subject.entry["images"]["classes"])))

    return {"learning_curves": curves}


def least_loss(smoothing: float, classes: int) -> float:
    """The cross entropy of a network that knows targets of which a part is spread over all classes [nat]."""
    rest = smoothing / classes
    right = 1 - (classes - 1) * rest
    return -right * math.log(right) - (classes - 1) * rest * math.log(rest) if 0 < rest < right else 0.0


def _of_oscillators(subject: Subject, images: Samples) -> dict[str, Callable[[], Any]]:
    design = subject.design()
    given, shown, what = _first(images)
    before, found = _start(subject), courses(design, given)
    figures: dict[str, Callable[[], Any]] = {}

    def response(number: int) -> Any:
        from llgrad.plot.networks.response import response

        return response(found[number].times, found[number].m, shown, found[number].names, what)

    def settings(number: int) -> Any:
        from llgrad.plot.networks.settings import settings

        return settings(before.get(number), design.stages[number].settings)

    for number in range(len(design.stages)):
        end = "" if len(design.stages) == 1 else f"-{number + 1}"
        figures[f"response{end}"] = functools.partial(response, number)
        figures[f"settings{end}"] = functools.partial(settings, number)
    return figures


def _first(images: Samples) -> tuple[np.ndarray, np.ndarray, str]:
    """(what the network is given, how it is drawn, its name) of the first sample."""
    if isinstance(images, Images):
        return images.scaled(0), images.scaled(0), "Image"
    signal = images.one(0) if isinstance(images, Signals) else images.values[0]
    low, high = float(signal.min()), float(signal.max())
    return signal, (signal - low) / ((high - low) or 1.0), "Signal"


def _start(subject: Subject) -> Mapping[int, Settings]:
    """The settings of each array before training, where the run has kept them."""
    file = subject.path / START
    if not file.is_file():
        return {}
    with jax.enable_x64(False):
        network = read_start(file, network_from_spec(subject.entry["network"]))
        if not isinstance(network, OscillatorClassifier):
            return {}
        return {number: stage.settings for number, stage in enumerate(network.design().stages)}
