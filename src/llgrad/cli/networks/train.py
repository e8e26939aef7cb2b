"""`llgrad train`: a network of oscillators that learns to recognise images."""

from __future__ import annotations

import contextlib
import math
import pathlib
import signal
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import jax
import typer

from llgrad.cli.device_options import DEVICE_HELP, quantity
from llgrad.cli.networks.defaults import DEVICE, Defaults, defaults_of
from llgrad.cli.networks.images import DATASET_HELP, DataDirOption, Source, source_of
from llgrad.cli.output import ForceOption, JsonOption, command_line, fresh_folder, print_json
from llgrad.cli.progress import Report, working
from llgrad.datasets.images.images import ImageSet
from llgrad.devices.files import load_device
from llgrad.networks.trained.classifier import OscillatorClassifier
from llgrad.training.files.run_folder import check_new, open_run
from llgrad.training.recipe import Recipe
from llgrad.training.stopping import Ending
from llgrad.training.train import Trained, resume
from llgrad.training.train import train as train_network

INTERRUPTED = 130


def train(
    dataset: Annotated[str | None, typer.Argument(help=DATASET_HELP)] = None,
    data_dir: DataDirOption = None,
    out: Annotated[
        pathlib.Path | None, typer.Option(metavar="RUN", help="Folder of the run. Default: llgrad-digits, …-2, …")
    ] = None,
    resume: Annotated[
        pathlib.Path | None, typer.Option(metavar="RUN", help="Go on with a run that was stopped or killed.")
    ] = None,
    oscillators: Annotated[
        str | None, typer.Option(metavar="N", help="Oscillators; 128,64 for two arrays in sequence.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="How often every training image is seen.")] = None,
    batch: Annotated[int | None, typer.Option(help="Images in a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Largest step of the optimiser.")] = None,
    shift: Annotated[int | None, typer.Option(help="Move training images by up to so many pixels.")] = None,
    rotation: Annotated[
        str | None, typer.Option(metavar="ANGLE", help="Turn training images by up to this: 10deg.")
    ] = None,
    validation: Annotated[
        str | None, typer.Option(metavar="PART", help="Hold back a part of the training images: 10%.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of weights, order and augmentation.")] = None,
    split: Annotated[int | None, typer.Option(min=0, help="Which images are kept to test, for digits.")] = None,
    device: Annotated[str | None, typer.Option(help=f"What all oscillators are like. {DEVICE_HELP}")] = None,
    duration: Annotated[
        str | None, typer.Option(metavar="TIME", help="How long the array sees an image: 0.44ns.")
    ] = None,
    dt: Annotated[str | None, typer.Option("--dt", metavar="TIME", help="Time step: 20ps.")] = None,
    time_limit: Annotated[
        str | None, typer.Option(metavar="TIME", help="Save and stop after this time, to be resumed: 600s.")
    ] = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Train a network of coupled oscillators on images, and test it once at the end.

    Ctrl-C saves and stops; --resume goes on, also after a run was killed, to the same bits as if nothing had happened.
    """
    of_recipe = {"epochs": epochs, "batch": batch, "learning_rate": learning_rate, "shift": shift, "seed": seed}
    texts = {"rotation": rotation, "validation": validation}
    of_network = {"oscillators": oscillators, "device": device, "duration": duration, "dt": dt}
    limit = None if time_limit is None else quantity("--time-limit", time_limit, "s")
    if resume is not None:
        fixed = {"out": out, "split": split, "force": force or None, **of_recipe, **texts, **of_network}
        result = _resume(resume, dataset, data_dir, limit, fixed)
    elif dataset is None:
        raise ValueError("which images? llgrad train digits, or llgrad train mnist --data-dir DIR")
    else:
        defaults = defaults_of(dataset)
        recipe = _recipe(defaults, of_recipe, texts, limit)
        folder = out or fresh_folder(f"llgrad-{pathlib.Path(dataset).stem}")
        _check_new(folder, force)
        source = Source(dataset, data_dir, split or 0)
        data = source.load()
        network = _network(defaults, of_network, data, recipe.seed)
        about = {"notes": source.notes(), "command": command_line(), "overwrite": force}
        result = _working(lambda tell: train_network(network, data, recipe, out=folder, progress=tell, **about))
    _deliver(result, json)


def _check_new(folder: pathlib.Path, force: bool) -> None:
    try:
        check_new(folder, force)
    except FileExistsError:
        raise FileExistsError(
            f"{folder} holds a run already and is kept; go on with it by --resume {folder}, choose another --out, "
            "or add --force"
        ) from None


def _recipe(
    defaults: Defaults, given: Mapping[str, Any], texts: Mapping[str, str | None], limit: float | None
) -> Recipe:
    """The recipe of the defaults with what was given in their place."""
    changes = {name: value for name, value in given.items() if value is not None}
    if (rotation := texts["rotation"]) is not None:
        changes["rotation"] = math.degrees(quantity("--rotation", rotation, "rad"))
    if (validation := texts["validation"]) is not None:
        changes["validation"] = quantity("--validation", validation, "1")
    return defaults.recipe.replace(time_limit=limit, **changes)


def _network(defaults: Defaults, given: Mapping[str, str | None], data: ImageSet, seed: int) -> OscillatorClassifier:
    """A network of oscillators with random weights for these images."""
    counts, text = defaults.oscillators, given["oscillators"]
    if text is not None:
        if not all(part.strip().isdecimal() for part in text.split(",")):
            raise ValueError(f"--oscillators {text}: expected a whole number, or one for each array, such as 128,64")
        counts = tuple(int(part) for part in text.split(","))
    times = {name: quantity(f"--{name}", text, "s") for name in ("duration", "dt") if (text := given[name]) is not None}
    with jax.enable_x64(False):
        return OscillatorClassifier.create(
            load_device(given["device"] or DEVICE),
            shape=data.train.shape,
            classes=len(data.train.classes),
            key=jax.random.key(seed),
            oscillators=counts,
            hold=times.get("duration", defaults.duration),
            dt=times.get("dt"),
        )


def _resume(
    path: pathlib.Path,
    dataset: str | None,
    data_dir: pathlib.Path | None,
    limit: float | None,
    fixed: Mapping[str, Any],
) -> Trained:
    run = open_run(path)
    if given := [name for name, value in fixed.items() if value is not None]:
        raise ValueError(
            f"--{given[0].replace('_', '-')} cannot be changed in a run that was begun; leave it out with --resume"
        )
    data = source_of(run, dataset, data_dir).load()
    return _working(lambda tell: resume(path, data, time_limit=limit, progress=tell))


def _working(task: Any) -> Trained:
    """The run, with a bar that shows loss, accuracy and the time left."""

    def shown(tell: Report) -> Trained:
        return task(lambda entry: tell({"fraction": entry["fraction"], "remark": remark(entry)}))

    with _terminated_like_ctrl_c():
        return working(
            "training", shown, interruptible=True, stopping="stopping after this step", kept="what was saved is kept"
        )


def remark(entry: Mapping[str, Any]) -> str:
    """What stands beside the bar: epoch, loss, accuracy, and what is left."""
    parts = [f"epoch {entry['epoch']}/{entry['epochs']}"]
    if entry.get("loss") is not None:
        parts += [f"loss {entry['loss']:.4f}", f"accuracy {entry['accuracy']:.1%}"]
    if entry.get("validation_accuracy") is not None:
        parts.append(f"validation {entry['validation_accuracy']:.1%}")
    if (left := entry.get("seconds_left")) is not None:
        parts.append(f"{left:.0f} s left")
    return ", ".join(parts)


@contextlib.contextmanager
def _terminated_like_ctrl_c() -> Iterator[None]:
    """A batch system that ends a job says so by SIGTERM first: the run is saved, as by Ctrl-C."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _deliver(result: Trained, json: bool) -> None:
    """Print how the run went and where its files are; a run that was interrupted ends with the status of Ctrl-C."""
    if json:
        print_json({**result.result, "run": str(result.folder)})
    else:
        print(result)
        if result.ending is not Ending.finished:
            print(f"saved; go on with: llgrad train --resume {result.folder}")
    if result.ending is Ending.interrupted:
        raise typer.Exit(INTERRUPTED)
