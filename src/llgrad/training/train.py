"""`train` and `resume`: check, make or open the folder of the run, train, save, and test once at the end."""

from __future__ import annotations

import dataclasses
import math
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import numpy as np

from llgrad.core.arguments.kinds import check_kind, checked_path
from llgrad.core.files import read_json, write_json
from llgrad.core.interrupts import Interrupted
from llgrad.core.run_record import run_record
from llgrad.core.speed.starting import check_platform
from llgrad.datasets.samples.kinds import SETS, Samples, SampleSet, held_back, noun_of, size_in_words
from llgrad.datasets.samples.targets import TargetSignals
from llgrad.datasets.signals.frames.augment import SignalAugmentation
from llgrad.datasets.signals.signals import Signals
from llgrad.networks.files import load_network, network_from_spec, save_network
from llgrad.networks.network import Network
from llgrad.networks.prediction import targets_of
from llgrad.networks.trained.regressor import OscillatorRegressor
from llgrad.training.evaluation import Evaluation, evaluate, in_words
from llgrad.training.files.checkpoint import network_of, position_of, read_checkpoint, save_checkpoint, save_start
from llgrad.training.files.history import History, read_metrics
from llgrad.training.files.run_folder import METRICS, RunFolder, create_run, open_run
from llgrad.training.files.saving import saving
from llgrad.training.loop import Hooks, Position, Progress, TrainingLoop
from llgrad.training.processes.processes import Processes, ProcessLost
from llgrad.training.processes.shared import SharedStep, SharedStop, agreed
from llgrad.training.recipe import Recipe
from llgrad.training.step import TrainingStep
from llgrad.training.stopping import Ending, Stop, TrainingError


@dataclasses.dataclass(frozen=True)
class Trained:
    """A network that was trained, and how it went.

    >>> import llgrad as lg
    >>> digits = lg.load_images("digits")
    >>> small = lg.data.ImageSet("some digits", digits.train.take(range(256)), digits.test, {})
    >>> network = lg.networks.SoftmaxNetwork.create((8, 8), 10)
    >>> trained = lg.train(network, small, lg.Recipe(epochs=10, batch=64, learning_rate=0.1))
    >>> trained.ending, trained.history[-1]["loss"] < trained.history[0]["loss"]
    (<Ending.finished: 'finished'>, True)
    """

    network: Network
    ending: Ending
    """How the run came to its end; only a finished one is tested."""
    accuracy: float | None
    """Part of the test images that the network of the last epoch recognises; None where the run is not finished."""
    result: dict[str, Any]
    """What result.json holds."""
    history: list[dict[str, Any]]
    """The summaries of the epochs."""
    recipe: Recipe
    folder: pathlib.Path | None
    test: Evaluation | None = None
    """What the network makes of the test images; None where this sitting did not test it."""

    def __str__(self) -> str:
        last = self.history[-1] if self.history else {}
        lines = [f"{self.ending} after {last.get('epoch', 0)} of {self.recipe.epochs} epochs, "
                 f"{self.result['seconds']:.1f} s"]  # fmt: skip
        if last.get("loss") is not None:
            seen = " (augmented)" if self.recipe.augments else ""
            lines.append(f"training: loss {last['loss']:.4f}, {self._told(last['accuracy'])}{seen}")
        if "validation_accuracy" in last:
            lines.append(f"validation: {self._told(last['validation_accuracy'])}")
        if self.result["rejected"]:
            lines.append(f"left out: {self.result['rejected']} steps whose loss or gradient was not finite")
        if self.accuracy is not None:
            test = self.result["test"]
            lines.append(f"test: {in_words(test)}")
        if self.folder is not None:
            lines.append(f"run: {self.folder}")
        return "\n".join(lines)

    __repr__ = __str__

    def _told(self, accuracy: float) -> str:
        """An accuracy in words; of a regression, where it is a part of a variance, the NRMSE."""
        if isinstance(self.network, OscillatorRegressor):
            return f"NRMSE {math.sqrt(max(0.0, 1 - accuracy)):.4f}"
        return f"accuracy {accuracy:.2%}"


def train(
    network: Network,
    data: SampleSet,
    recipe: Recipe = Recipe(),
    *,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    notes: Mapping[str, Any] | None = None,
    command: str | None = None,
    processes: Processes | None = None,
) -> Trained:
    """Train a network on images or signals by gradient descent, in float32, and test it once at the end.

    A step whose loss or gradient is not finite changes nothing and is told in the history; ten in a row end the run.
    Ctrl-C, SIGTERM and the recipe's time limit end it between two steps: what was reached is saved, and `resume` goes
    on to the same bits as if nothing had happened. A signal then raises `lg.solvers.Interrupted`, a KeyboardInterrupt
    whose `result` is what was reached, so that a script of several runs ends (with `processes`, all of them return
    instead).

    Args:
        network: where training begins.
        data: images, signals or signals with targets: those to train, and those to test that are used at the end only.
        recipe: epochs, batch, learning rate and the rest.
        out: folder of the run; None keeps all in memory.
        overwrite: whether a run that is in the folder is replaced.
        progress: called after each step with a dictionary (epoch, epochs, step, steps, loss, accuracy, fraction,
            seconds_left); a KeyboardInterrupt that it raises stops the run, and what was reached is returned.
        notes: more about the images for run.json, such as where they came from.
        command: the command line, for run.json.
        processes: those that `jax.distributed` has joined, to share every batch out; each of them calls this function
            with the same arguments, and only the first one writes files and tests the network. None trains in this
            process alone.

    Raises:
        ValueError: for images that the network or the recipe cannot take.
        FileExistsError: where `out` holds a run.
        TrainingError: where the loss stays not finite, or another process is lost.
        OSError: where a file cannot be written; the checkpoint before it is kept.
        Interrupted: at Ctrl-C and SIGTERM, once everything is saved.

    >>> import llgrad as lg
    >>> digits = lg.load_images("digits")
    >>> small = lg.data.ImageSet("some digits", digits.train.take(range(256)), digits.test, {})
    >>> network = lg.networks.SoftmaxNetwork.create((8, 8), 10)
    >>> trained = lg.train(network, small, lg.Recipe(epochs=10, batch=64, learning_rate=0.1))
    >>> trained.accuracy > 0.8, len(trained.history)
    (True, 10)
    """
    check_kind("data", data, SETS, "give what lg.load_images gives, or a lg.data.SignalSet")
    check_platform()
    images, held_out = _check(network, data, recipe)
    network = agreed(network, recipe, data, processes)
    folder = None
    if out is not None and (processes is None or processes.leads):
        about = {"notes": notes, "command": command, "overwrite": overwrite}
        folder = create_run(pathlib.Path(out), network, recipe, data, **about)
    with jax.enable_x64(False):
        step = _step(network, recipe, images, processes)
        at = Position(step.begin())
        history = History(None if folder is None else folder.metrics)
        if folder is not None:
            history.begin(folder.record("metrics"))
            save_start(folder.start, folder.record("start"), network)
            save_checkpoint(folder.checkpoint, folder.record("checkpoint"), step, at)
        return _go_on(step, at, images, held_out, data, history, folder, progress)


def resume(
    run: str | os.PathLike[str],
    data: SampleSet,
    *,
    time_limit: float | None = None,
    progress: Progress | None = None,
    processes: Processes | None = None,
) -> Trained:
    """Go on with a run that was stopped or killed, from its checkpoint, to the same bits as if it never had been.

    A finished run is read, not tested again.

    Args:
        run: its folder.
        data: the images that it began with.
        time_limit: seconds for this sitting; None for no limit.
        progress: as in `train`.
        processes: as in `train`; their number may be another one than before, which changes the last digits.

    Raises:
        FileNotFoundError: where there is no run, or no checkpoint of it.
        ValueError: for other images, or a damaged or later file.

    >>> import llgrad as lg
    >>> digits = lg.load_images("digits")
    >>> small = lg.data.ImageSet("some digits", digits.train.take(range(256)), digits.test, {})
    >>> network = lg.networks.SoftmaxNetwork.create((8, 8), 10)
    >>> recipe = lg.Recipe(epochs=10, batch=64, learning_rate=0.1)
    >>> trained = lg.train(network, small, recipe, out="run")
    >>> lg.training.resume("run", small).accuracy == trained.accuracy  # a finished run is read
    True
    """
    check_kind("data", data, SETS, "give what lg.load_images gives, or a lg.data.SignalSet")
    folder = open_run(checked_path("run", run))
    folder.check_images(data)
    recipe = folder.recipe.replace(time_limit=time_limit)
    if (done := _finished(folder, recipe)) is not None:
        return done
    if not folder.checkpoint.is_file():
        raise FileNotFoundError(f"{folder.path} has no checkpoint: it ended before its first one; begin it again")
    with jax.enable_x64(False):
        record, arrays = read_checkpoint(folder.checkpoint)
        if record.get("data_hash") != folder.entry.get("data_hash"):
            raise ValueError(f"{folder.checkpoint} is of another run than the run.json beside it")
        network = network_of(folder.checkpoint, arrays, network_from_spec(folder.entry["network"]))
        images, held_out = _check(network, data, recipe)
        network = agreed(network, recipe, data, processes, record["place"])
        step = _step(network, recipe, images, processes)
        at = position_of(folder.checkpoint, record, arrays, step)
        if processes is not None and not processes.leads:
            return _go_on(step, at, images, held_out, data, History(), None, progress)
        history = History(folder.metrics)
        history.resume(at.step)
        folder.clear()
        return _go_on(step, at, images, held_out, data, history, folder, progress)


def load_run(run: str | os.PathLike[str]) -> tuple[RunFolder, Network]:
    """(folder, network) of a run that has ended, or was stopped. Raises FileNotFoundError where it has not."""
    folder = open_run(pathlib.Path(run))
    if not folder.network.is_file():
        raise FileNotFoundError(f"{folder.path} has no network.json: it was killed, or is still running; resume it")
    return folder, load_network(folder.network)


def _check(network: Network, data: SampleSet, recipe: Recipe) -> tuple[Samples, Samples | None]:
    """(training images, validation images), once everything is known to fit together."""
    check_kind("network", network, Network, "give (network, data)")
    check_kind("recipe", recipe, Recipe, "give (network, data, recipe)")
    images, held_out = data.train, None
    if recipe.validation:
        images, held_out = held_back(images, recipe.validation, recipe.seed)
    kind = noun_of(data)
    if recipe.batch > len(images):
        raise ValueError(
            f"batch = {recipe.batch}, expected at most the {len(images)} {kind} that there are to train on"
        )
    if kind != "images" and recipe.moves_images:
        raise ValueError("shift, rotation, zoom and mirror move images, and these are signals; leave them out")
    if recipe.augmentation is not None:
        _check_augmentation(recipe.augmentation, images)
    if recipe.shift >= min(images.shape):
        raise ValueError(f"shift = {recipe.shift} pixels, expected less than the {min(images.shape)} of an image")
    if recipe.label_smoothing and isinstance(images, TargetSignals):
        raise ValueError("label_smoothing is for classes, and these signals have targets; leave it out")
    if not isinstance(images, TargetSignals) and np.unique(images.labels).size < 2:
        raise ValueError(f"the {kind} to train on are of one class, expected at least two")
    for part in (images, *([] if held_out is None else [held_out]), data.test):
        _check_answers(network, part)
    return images, held_out


def _check_augmentation(augmentation: SignalAugmentation, samples: Samples) -> None:
    """Raise ValueError for samples that cannot be changed as signals are."""
    if not isinstance(samples, Signals):
        what = "images" if noun_of(samples) == "images" else "signals with a target at each frame"
        raise ValueError(f"augmentation changes signals that have one class each, and these are {what}; leave it out")
    if augmentation.feature_mask > samples.features:
        raise ValueError(
            f"feature_mask = {augmentation.feature_mask}, expected at most the {samples.features} features of a frame"
        )


def _check_answers(network: Network, samples: Samples) -> None:
    """Raise ValueError where a network cannot take the samples, or answers something else than what is wanted."""
    kind = noun_of(samples)
    with jax.enable_x64(False):
        one = jax.tree.map(lambda part: jax.ShapeDtypeStruct(part.shape, part.dtype), samples.batch(np.arange(1)))
        try:
            answers = eqx.filter_eval_shape(network, one).shape[1:]
        except TypeError as error:
            raise ValueError(f"the network cannot take {kind} of {size_in_words(samples)}: {error}") from None
    wanted, regression = len(samples.classes), isinstance(samples, TargetSignals)
    if (len(answers) == 2) != regression:
        raise ValueError(
            f"the network has {'an answer at each frame' if len(answers) == 2 else 'one answer to a signal'}, and the "
            f"{kind} have {'targets at each frame' if regression else 'one class each'}; give "
            f"{'an OscillatorRegressor' if regression else 'an OscillatorClassifier'}"
        )
    if answers[-1] != wanted:
        what = "targets" if regression else "classes"
        raise ValueError(f"the network has {answers[-1]} outputs and the {kind} {wanted} {what}; expected as many")
    if regression:
        targets_of(network, samples)


def _step(network: Network, recipe: Recipe, images: Samples, processes: Processes | None) -> TrainingStep:
    """The step of one process, or of several."""
    steps = len(images) // recipe.batch
    if processes is None:
        return TrainingStep(network, recipe, steps)
    return SharedStep(network, recipe, steps, processes)


def _go_on(
    step: TrainingStep,
    at: Position,
    images: Samples,
    held_out: Samples | None,
    data: SampleSet,
    history: History,
    folder: RunFolder | None,
    progress: Progress | None,
) -> Trained:
    """Train from a position, save where it ends, and test if it is the end."""

    def save(at: Position) -> None:
        if folder is not None:
            save_checkpoint(folder.checkpoint, folder.record("checkpoint"), step, at)

    processes, limit, failure = step.processes, step.recipe.time_limit, None
    stop = Stop(limit) if processes is None else SharedStop(processes, limit)
    with stop.listening():
        loop = TrainingLoop(step, images, held_out, Hooks(history.add, save, progress), stop)
        try:
            ending = loop.run(at)
        except ProcessLost:
            raise  # as if this process had been killed too: the last checkpoint stands
        except TrainingError as error:
            ending, failure = Ending.failed, error
        save(at)
    network = step.network(at.state)
    if folder is not None:
        with saving(folder.network):
            save_network(folder.network, network, overwrite=True, **folder.origin)
    tests = ending is Ending.finished and (processes is None or processes.leads)
    test = evaluate(network, data.test) if tests else None
    record = run_record("result", seed=step.recipe.seed, dtype="float32") if folder is None else folder.record("result")
    entry = record | _entry(ending, test, at, history, step)
    if folder is not None:
        with saving(folder.result):
            write_json(folder.result, entry, overwrite=True)
    if failure is not None:
        raise failure
    where = None if folder is None else folder.path
    accuracy = None if test is None else test.accuracy
    trained = Trained(network, ending, accuracy, entry, history.epochs, step.recipe, where, test)
    if ending is Ending.interrupted and stop.heard and processes is None:
        raise Interrupted(trained)
    return trained


def _entry(
    ending: Ending, test: Evaluation | None, at: Position, history: History, step: TrainingStep
) -> dict[str, Any]:
    """What there is to say at the end of a run."""
    return {
        "status": ending.value,
        "accuracy": None if test is None else test.accuracy,
        "test": None if test is None else test.to_json(),
        "epochs": at.step // step.epoch_steps,
        "steps": at.step,
        "last_epoch": history.epochs[-1] if history.epochs else None,
        "rejected": len(history.rows) - len(history.epochs),
        "trained_numbers": sum(leaf.size for leaf in jax.tree.leaves(at.state.trained)),
        "seconds": round(at.seconds, 3),
    }


def _finished(folder: RunFolder, recipe: Recipe) -> Trained | None:
    """The run as its files have it, where it is finished."""
    if not (folder.result.is_file() and folder.network.is_file()):
        return None
    result = read_json(folder.result, "result")
    if result.get("status") != Ending.finished:
        return None
    history = [row for row in read_metrics(folder.path / METRICS)[1] if "event" not in row]
    network = load_network(folder.network)
    return Trained(network, Ending.finished, result["accuracy"], result, history, recipe, folder.path)
