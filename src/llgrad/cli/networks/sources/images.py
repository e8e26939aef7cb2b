"""Which images a command works on: named on the command line, or by the run that was begun with them."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple, Protocol

import typer

from llgrad.cli.networks.sources.signals import SignalSource
from llgrad.cli.networks.sources.targets import TargetSource
from llgrad.datasets.images.images import ImageSet
from llgrad.datasets.images.load import load_images

DATASET_HELP = (
    "digits, mnist, fashion-mnist, or an .npz file with images and labels of your own; or signals: a folder or .zip of "
    "WAV files LABEL_SPEAKER_INDEX.wav, an .npz with signals and labels, or a .csv; or signals with targets at each "
    "frame, or any signal with --ahead: an .npz or a .csv."
)
DataDirOption = Annotated[
    pathlib.Path | None, typer.Option(metavar="DIR", help="Folder of the IDX files of mnist and fashion-mnist.")
]


class ImageSource(NamedTuple):
    """Where images come from."""

    dataset: str
    data_dir: pathlib.Path | None
    split: int
    permuted: int | None = None
    """The seed of the order of the pixels; None leaves them."""

    def load(self) -> ImageSet:
        """The images. Raises ValueError, in one sentence, where they cannot be had."""
        images = load_images(self.dataset, self.data_dir, self.split)
        return images if self.permuted is None else images.permuted(self.permuted)

    def notes(self) -> dict[str, Any]:
        """What the run writes down, so that it finds its images again from any folder."""
        is_file = pathlib.Path(self.dataset).is_file()
        return {
            "source": os.path.abspath(self.dataset) if is_file else self.dataset,
            "data_dir": None if self.data_dir is None else os.path.abspath(self.data_dir),
            "split": self.split,
            **({} if self.permuted is None else {"permuted": self.permuted}),
        }


class BegunRun(Protocol):
    """A run, or what was made of one: its path and its record, which says with which images it was begun."""

    @property
    def path(self) -> pathlib.Path: ...

    @property
    def entry(self) -> Mapping[str, Any]: ...


Source = ImageSource | SignalSource | TargetSource


def source_of(run: BegunRun, dataset: str | None = None, data_dir: pathlib.Path | None = None) -> Source:
    """The images, or signals, of a run; what is given here goes before what the run has written down."""
    begun = run.entry.get("images", {})
    known = begun.get("source") or begun.get("name")
    if not isinstance(known, str):
        raise ValueError(f"{run.path} does not say which images it was begun with; its record is damaged")
    for rule, kind in (("test_rule", SignalSource), ("target_rule", TargetSource)):
        if rule not in begun:
            continue
        if data_dir is not None:
            raise ValueError(f"{run.path} was begun with signals, and --data-dir is for images; leave it out")
        return kind.of_notes(begun, dataset)
    noted = begun.get("data_dir")
    folder = pathlib.Path(noted) if data_dir is None and noted is not None else data_dir
    return ImageSource(dataset or known, folder, int(begun.get("split") or 0), begun.get("permuted"))
