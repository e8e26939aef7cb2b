"""The folder of a run, and what is in it: each file has one purpose, and each begins with the versioned run record.

run.json          what the run is: recipe, network, images (by their hash), versions, command; written first
metrics.jsonl     what happened, a line for each epoch
start.npz         the network before the first step
checkpoint.npz    the whole state, to go on from
network.json      the network as it is at the end of the run, or where it was stopped
result.json       how the run ended, and once it is finished the accuracy on the test images
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any, Final

from llgrad.core.files import read_json, write_json
from llgrad.core.run_record import run_record
from llgrad.datasets.samples.kinds import SampleSet, data_hash, noun_of, size_in_words
from llgrad.networks.network import Network
from llgrad.training.files.saving import saving
from llgrad.training.recipe import Recipe

RUN: Final = "run.json"
METRICS: Final = "metrics.jsonl"
START: Final = "start.npz"
CHECKPOINT: Final = "checkpoint.npz"
NETWORK: Final = "network.json"
RESULT: Final = "result.json"
FILES: Final = (RUN, METRICS, START, CHECKPOINT, NETWORK, RESULT)


class RunFolder:
    """The paths of a run's files, and its record, run.json."""

    def __init__(self, path: pathlib.Path, entry: dict[str, Any]):
        self.path, self.entry = path, entry
        self.metrics, self.start, self.checkpoint = path / METRICS, path / START, path / CHECKPOINT
        self.network, self.result = path / NETWORK, path / RESULT

    @property
    def recipe(self) -> Recipe:
        """How the run trains."""
        try:
            return Recipe.from_json(self.entry["recipe"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{self.path / RUN} is damaged: its recipe cannot be read: {error}") from None

    @property
    def origin(self) -> dict[str, Any]:
        """Seed, hash of the images and command of the run."""
        return {name: self.entry.get(name) for name in ("seed", "data_hash", "command")}

    def record(self, kind: str) -> dict[str, Any]:
        """The first entries of a file of this run."""
        return run_record(kind, dtype=self.entry.get("dtype"), **self.origin)

    def clear(self) -> None:
        """Take away what a run has at its end only, and what a killed one left half-written, before it goes on."""
        self.network.unlink(missing_ok=True)
        self.result.unlink(missing_ok=True)
        for name in map(pathlib.Path, FILES):
            for left in self.path.glob(f".{name.stem}-????????{name.suffix}"):
                left.unlink(missing_ok=True)

    def check_images(self, data: SampleSet) -> None:
        """Raises ValueError, in one sentence, where these are not the images that the run began with."""
        check_same(self.path, self.entry, data, "begun with", "resume it with")


def check_same(path: pathlib.Path, entry: Mapping[str, Any], data: SampleSet, done: str, then: str) -> None:
    """Raises ValueError, in one sentence, where data are not those that the entry of a run or a design tells of."""
    begun, kind, shape = entry.get("images", {}), noun_of(data), data.train.shape
    if list(shape) != list(begun.get("shape", ())):
        unit = size_in_words(data.train).partition(" ")[2]
        raise ValueError(
            f"{path} was {done} {kind} of {'×'.join(map(str, begun.get('shape', ())))} {unit}, and these have "
            f"{shape[0]}×{shape[1]}; {then} the {kind} of {begun.get('name')}"
        )
    if data_hash(data) != entry.get("data_hash"):
        split = f" (split {begun['split']})" if "split" in begun else ""
        raise ValueError(
            f"{path} was {done} other {kind} of {begun.get('name')}{split}: the hash of these is another one; {then} "
            f"the same {kind}"
        )


def create_run(
    path: pathlib.Path,
    network: Network,
    recipe: Recipe,
    data: SampleSet,
    *,
    notes: Mapping[str, Any] | None = None,
    command: str | None = None,
    overwrite: bool = False,
) -> RunFolder:
    """Make the folder of a new run, with its run.json. Files of a run that was there go, if `overwrite`; others stay.

    Raises FileExistsError where the folder holds a run and `overwrite` is false, NotADirectoryError for a file.
    """
    check_new(path, overwrite)
    path.mkdir(parents=True, exist_ok=True)
    for name in (RESULT, NETWORK, CHECKPOINT, START, METRICS):
        (path / name).unlink(missing_ok=True)
    record = run_record("run", seed=recipe.seed, data_hash=data_hash(data), dtype="float32", command=command)
    images = {
        "name": data.name,
        "kind": noun_of(data),
        "shape": list(data.train.shape),
        "classes": list(data.train.classes),
        "scale": getattr(data.train, "scale", 1.0),
        "train": len(data.train),
        "test": len(data.test),
        "sha256": data.sha256,
        **(notes or {}),
    }
    entry = record | {"images": images, "recipe": recipe.to_json(), "network": network.spec()}
    with saving(path / RUN):
        write_json(path / RUN, entry, overwrite=True)
    return RunFolder(path, entry)


def check_new(path: pathlib.Path, overwrite: bool = False) -> None:
    """Raises an error, in one sentence, where a new run cannot begin in this folder: ask before a long preparation."""
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"{path} is a file, expected the name of a folder for the run")
    held = [name for name in FILES if (path / name).exists()]
    if held and not overwrite:
        raise FileExistsError(
            f"{path} holds a run already ({held[0]}) and is kept; resume it, choose another folder, or ask for it to "
            "be replaced"
        )


def open_run(path: pathlib.Path) -> RunFolder:
    """The folder of a run that was begun. Raises FileNotFoundError or ValueError, in one sentence, where it is none."""
    if not path.is_dir():
        raise FileNotFoundError(f"the run {path} does not exist: there is no such folder")
    if not (path / RUN).is_file():
        raise FileNotFoundError(f"{path} is no folder of a run: it has no {RUN}")
    return RunFolder(path, read_json(path / RUN, "run"))
