"""`llgrad train`: a network of oscillators that learns to recognise images."""

from __future__ import annotations

import contextlib
import math
import pathlib
import signal as signals
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

import typer

from llgrad.cli.device_options import quantity
from llgrad.cli.networks.defaults import Defaults, defaults_of
from llgrad.cli.networks.imperfections import (
    BitsOption,
    FlickerOption,
    JitterOption,
    ReadNoiseOption,
    RiseTimeOption,
    SpreadOption,
    TemperatureOption,
)
from llgrad.cli.networks.learning import options
from llgrad.cli.networks.learning.network import flag, network_of
from llgrad.cli.networks.learning.processes import ProcessesOption, joined, silent_loss
from llgrad.cli.networks.pictures import clear_pictures, draw_pictures
from llgrad.cli.networks.sources.beside import NOTHING, beside
from llgrad.cli.networks.sources.images import DATASET_HELP, ImageSource, source_of
from llgrad.cli.networks.sources.signals import PART, SignalSource, augmentation_of, is_signals
from llgrad.cli.networks.sources.targets import OF_REGRESSION, TargetSource, is_regression
from llgrad.cli.networks.subject import Subject
from llgrad.cli.output import INTERRUPTED, ForceOption, JsonOption, command_line, fresh_folder, print_json, say
from llgrad.cli.progress import Report, working
from llgrad.datasets.samples.kinds import Samples, SampleSet
from llgrad.datasets.samples.targets import TargetSet
from llgrad.training.files.run_folder import check_new, open_run
from llgrad.training.processes.joining import leave
from llgrad.training.processes.processes import Processes
from llgrad.training.recipe import Recipe
from llgrad.training.stopping import Ending
from llgrad.training.train import Trained, resume
from llgrad.training.train import train as train_network

FREE: Final = ("dataset", "data_dir", "resume", "time_limit", "processes", "no_pictures", "json")
"""What may be given with --resume; the rest was chosen when the run was begun."""

OF_NEIGHBOURS: Final = ("patch", "shift", "rotation", "zoom", "mirror")
"""Options that mean nothing where the pixels beside each other are not neighbours in the image."""
OF_IMAGES: Final = ("data_dir", "frames", *OF_NEIGHBOURS, "permuted")
FOREIGN: Final[Mapping[str, tuple[str, ...]]] = {
    "images": ("test", "front", "augment", *OF_REGRESSION),
    "signals": (*OF_IMAGES, *OF_REGRESSION),
    "signals with targets": (*OF_IMAGES, "front", "augment", "split", "label_smoothing"),
}
"""What is for the others, by the names of the arguments."""

STEPS_OF_TARGETS: Final = 8
"""In an epoch of few signals with targets."""

OF_RECIPE: Final = ("epochs", "batch", "learning_rate", "shift", "mirror", "weight_decay", "seed")
"""What goes into the recipe as it is."""
PARTS: Final = ("validation", "label_smoothing", "zoom")
"""Parts of a whole in the recipe."""


def train(
    dataset: Annotated[str | None, typer.Argument(help=DATASET_HELP)] = None,
    data_dir: options.DataOption = None,
    split: options.SplitOption = None,
    permuted: options.PermutedOption = None,
    test: options.TestOption = None,
    front: options.FrontOption = None,
    ahead: options.AheadOption = None,
    piece: options.PieceOption = None,
    validation: options.ValidationOption = None,
    shift: options.ShiftOption = None,
    rotation: options.RotationOption = None,
    zoom: options.ZoomOption = None,
    mirror: options.MirrorOption = False,
    augment: options.AugmentOption = None,
    network: options.KindOption = None,
    oscillators: options.OscillatorsOption = None,
    device: options.DeviceOption = None,
    frames: options.FramesOption = None,
    duration: options.DurationOption = None,
    dt: options.DtOption = None,
    readouts: options.ReadoutsOption = None,
    frames_read: options.FramesReadOption = None,
    every: options.EveryOption = None,
    washout: options.WashoutOption = None,
    pooling: options.PoolingOption = None,
    segment: options.SegmentOption = None,
    truncate: options.TruncateOption = None,
    patch: options.PatchOption = None,
    signal: options.SignalOption = None,
    input: options.InputOption = None,
    couple: options.CoupleOption = None,
    setting: options.SettingOption = None,
    no_coupling: options.NoCouplingOption = False,
    also: options.AlsoOption = None,
    only: options.OnlyOption = None,
    max_field: options.MaxFieldOption = None,
    max_current: options.MaxCurrentOption = None,
    max_coupling: options.MaxCouplingOption = None,
    epochs: options.EpochsOption = None,
    batch: options.BatchOption = None,
    learning_rate: options.LearningRateOption = None,
    label_smoothing: options.SmoothingOption = None,
    weight_decay: options.DecayOption = None,
    seed: options.SeedOption = None,
    spread: SpreadOption = None,
    temperature: TemperatureOption = None,
    read_noise: ReadNoiseOption = None,
    bits: BitsOption = None,
    rise_time: RiseTimeOption = None,
    jitter: JitterOption = None,
    flicker: FlickerOption = None,
    out: options.OutOption = None,
    resume: options.ResumeOption = None,
    time_limit: options.TimeLimitOption = None,
    no_pictures: options.NoPicturesOption = False,
    processes: ProcessesOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Train a network of coupled oscillators on images or signals, and test it once at the end.

    Signals with targets, or with --ahead what comes next of any signal, are a regression: numbers at each frame.

    Ctrl-C saves and stops; --resume goes on, also after a run was killed, to the same bits as if nothing had happened.

    With imperfections, training sees another array for every batch, and learns to bear them.

    To compare with: --network tanh, --network softmax, --only readout, --no-coupling.
    """
    given = {name: value for name, value in locals().items() if value is not None and value is not False}
    limit = None if time_limit is None else quantity("--time-limit", time_limit, "s")
    folder = resume or out or fresh_folder(f"llgrad-{pathlib.Path(dataset or 'run').stem}")
    together = joined(processes, folder, [] if resume or out else ["--out", str(folder)])
    leads = together is None or together.leads
    if resume is not None:
        fixed = [name for name in given if name not in FREE]
        result, data = _resume(resume, dataset, data_dir, limit, fixed, together)
    elif dataset is None:
        raise ValueError("which images? llgrad train digits, llgrad train mnist --data-dir DIR, or signals in a folder")
    else:
        source = _source(dataset, given)
        defaults = defaults_of(dataset, isinstance(source, TargetSource))
        recipe = _recipe(defaults, given, limit)
        if leads:
            _check_new(folder, force)
        data = source.load()
        if isinstance(data, TargetSet) and "batch" not in given:
            recipe = recipe.replace(batch=min(recipe.batch, max(1, len(data.train) // STEPS_OF_TARGETS)))
        begun = network_of(defaults, given, data, recipe.seed)
        about = {"notes": source.notes(), "command": command_line(), "overwrite": force, "processes": together}
        if leads:
            clear_pictures(folder)
        result = _working(
            lambda tell: train_network(begun, data, recipe, out=folder, progress=tell, **about),
            isinstance(data, TargetSet),
        )
    if together is not None:
        leave()
    if leads:
        _deliver(result, json, [] if no_pictures else _draw(result, data.test), data)


def _source(dataset: str, given: Mapping[str, Any]) -> ImageSource | SignalSource | TargetSource:
    """Where the images, or signals, come from. Raises ValueError for an option that is for the others."""
    kind = "signals with targets" if is_regression(dataset, given) else "signals" if is_signals(dataset) else "images"
    if idle := [name for name in FOREIGN[kind] if name in given]:
        whose = next(other for other in FOREIGN if idle[0] not in FOREIGN[other])
        raise ValueError(f"{flag(idle[0])} is for {whose}, and these are {kind}; leave it out")
    split, test = given.get("split", 0), given.get("test", PART)
    if kind == "signals with targets":
        return TargetSource(dataset, test, given.get("ahead"), given.get("piece"))
    if kind == "signals":
        return SignalSource(dataset, test, tuple(given.get("front", ())), split)
    return ImageSource(dataset, given.get("data_dir"), split, given.get("permuted"))


def _check_new(folder: pathlib.Path, force: bool) -> None:
    try:
        check_new(folder, force)
    except FileExistsError:
        raise FileExistsError(
            f"{folder} holds a run already and is kept; go on with it by --resume {folder}, choose another --out, "
            "or add --force"
        ) from None


def _recipe(defaults: Defaults, given: Mapping[str, Any], limit: float | None) -> Recipe:
    """The recipe of the defaults with what was given in their place."""
    changes = {name: given[name] for name in OF_RECIPE if name in given}
    if "permuted" in given:
        if idle := [name for name in OF_NEIGHBOURS if name in given]:
            raise ValueError(f"{flag(idle[0])} is for pixels in their places, and --permuted moves them; leave it out")
        changes["shift"] = 0
    for name in PARTS:
        if name in given:
            changes[name] = quantity(flag(name), given[name], "1")
    if "augment" in given:
        changes["augmentation"] = augmentation_of(given["augment"])
    if "rotation" in given:
        changes["rotation"] = math.degrees(quantity("--rotation", given["rotation"], "rad"))
    return defaults.recipe.replace(time_limit=limit, **changes)


def _resume(
    path: pathlib.Path,
    dataset: str | None,
    data_dir: pathlib.Path | None,
    limit: float | None,
    fixed: Sequence[str],
    together: Processes | None,
) -> tuple[Trained, SampleSet]:
    """(how it went, the images or signals) of a run that goes on."""
    run = open_run(path)
    if fixed:
        raise ValueError(f"{flag(fixed[0])} cannot be changed in a run that was begun; leave it out with --resume")
    data = source_of(run, dataset, data_dir).load()
    about = {"time_limit": limit, "processes": together}
    return _working(lambda tell: resume(path, data, progress=tell, **about), isinstance(data, TargetSet)), data


def _working(task: Any, regression: bool) -> Trained:
    """The run, with a bar that shows loss, accuracy and the time left."""

    def shown(tell: Report) -> Trained:
        return task(lambda entry: tell({"fraction": entry["fraction"], "remark": remark(entry, regression)}))

    with _terminated_like_ctrl_c(), silent_loss():
        return working(
            "training", shown, interruptible=True, stopping="stopping after this step", kept="what was saved is kept"
        )


def remark(entry: Mapping[str, Any], regression: bool = False) -> str:
    """What stands beside the bar: epoch, loss, accuracy, and what is left; of a regression its NRMSE."""
    parts = [f"epoch {entry['epoch']}/{entry['epochs']}"]
    if regression:
        parts += [] if entry.get("loss") is None else [f"NRMSE {math.sqrt(entry['loss']):.4f}"]
    elif entry.get("loss") is not None:
        parts += [f"loss {entry['loss']:.4f}", f"accuracy {entry['accuracy']:.1%}"]
    if (accuracy := entry.get("validation_accuracy")) is not None:
        parts.append(
            f"validation {math.sqrt(max(0, 1 - accuracy)):.4f}" if regression else f"validation {accuracy:.1%}"
        )
    if (left := entry.get("seconds_left")) is not None:
        parts.append(f"{left:.0f} s left")
    return ", ".join(parts)


@contextlib.contextmanager
def _terminated_like_ctrl_c() -> Iterator[None]:
    """A batch system that ends a job says so by SIGTERM first: the run is saved, as by Ctrl-C."""
    before = signals.signal(signals.SIGTERM, signals.default_int_handler)
    try:
        yield
    finally:
        signals.signal(signals.SIGTERM, before)


def _draw(result: Trained, images: Samples) -> list[pathlib.Path]:
    """The pictures of a run that was tested just now. One that cannot be written costs nothing but itself."""
    if result.test is None or result.folder is None:
        return []
    try:
        return draw_pictures(Subject(result.folder, result.network, open_run(result.folder).entry), result.test, images)
    except OSError as error:
        say(f"the run is saved, its pictures are not: {error}; llgrad evaluate {result.folder} --pictures draws them")
        return []


def _deliver(result: Trained, json: bool, pictures: Sequence[pathlib.Path], data: SampleSet) -> None:
    """Print how the run went and where its files are; a run that was interrupted ends with the status of Ctrl-C."""
    linear = beside(data, result.network, result.recipe.augmentation) if result.ending is Ending.finished else NOTHING
    if json:
        print_json(
            {
                **result.result,
                **linear.entry,
                "run": str(result.folder),
                "pictures": [str(file) for file in pictures],
            }
        )
    else:
        print(result)
        for line in linear.words:
            print(line)
        if pictures:
            print(f"pictures: {pictures[0].parent}")
        if result.ending is not Ending.finished:
            print(f"saved; go on with: llgrad train --resume {result.folder}")
    if result.ending is Ending.interrupted:
        raise typer.Exit(INTERRUPTED)
