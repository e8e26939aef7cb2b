"""What `llgrad evaluate` and `llgrad design` work on: the folder of a run, or a design that was exported from one."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import jax

from llgrad.cli.networks.sources.images import source_of
from llgrad.core.files import read_json
from llgrad.datasets.samples.kinds import Samples, SampleSet
from llgrad.datasets.signals.frames.augment import SignalAugmentation
from llgrad.networks.bench.design import Design
from llgrad.networks.bench.files import KIND, design_of
from llgrad.networks.network import Network
from llgrad.networks.trained.classifier import OscillatorClassifier
from llgrad.training.files.run_folder import RUN, check_same
from llgrad.training.recipe import Recipe
from llgrad.training.train import load_run

DESIGN: Final = "design.json"


class Subject(NamedTuple):
    """A network that was trained, and the record of its run or design."""

    path: pathlib.Path
    network: Network | Design
    entry: Mapping[str, Any]

    @property
    def origin(self) -> dict[str, Any]:
        """Seed and hash of the images."""
        return {name: self.entry.get(name) for name in ("seed", "data_hash")}

    @property
    def augmentation(self) -> SignalAugmentation | None:
        """How its training changed signals; None where it did not, and of a design, which does not tell."""
        recipe = self.entry.get("recipe")
        return None if recipe is None else Recipe.from_json(recipe).augmentation

    def test_images(self, data_dir: pathlib.Path | None = None) -> Samples:
        """The test images of the set that it was trained on, once they are known to be the same."""
        return self.data(data_dir).test

    def data(self, data_dir: pathlib.Path | None = None) -> SampleSet:
        """The set that it was trained on, once it is known to be the same."""
        data = source_of(self, data_dir=data_dir).load()
        check_same(self.path, self.entry, data, "trained on", "give")
        return data

    def design(self) -> Design:
        """The network in physical numbers. Raises ValueError where it has no oscillators."""
        if isinstance(self.network, Design):
            return self.network
        if not isinstance(self.network, OscillatorClassifier):
            kind = type(self.network).__name__
            raise ValueError(f"{self.path} holds a {kind}, which has no oscillators to set up")
        begun = self.entry.get("images", {})
        if not ("scale" in begun and "classes" in begun):
            raise ValueError(f"{self.path / RUN} is damaged: it does not say the scale and the classes of its images")
        with jax.enable_x64(False):
            return self.network.design().with_images(begun["scale"], begun["classes"])


def load_subject(path: pathlib.Path) -> Subject:
    """What is in a folder of a run or of a design, or in the JSON file of a design.

    Raises FileNotFoundError or ValueError, in one sentence, where it is none of them, or damaged.
    """
    if (path / RUN).is_file():
        folder, network = load_run(path)
        return Subject(path, network, folder.entry)
    file = path / DESIGN if path.is_dir() else path
    if not file.is_file():
        lacks = f"is no folder of a run or of a design: it has neither {RUN} nor {DESIGN}"
        raise FileNotFoundError(f"{path} {lacks if path.is_dir() else 'does not exist'}")
    entry = read_json(file, KIND)
    return Subject(path, design_of(file, entry), entry)
