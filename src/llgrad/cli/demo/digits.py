"""The part of the demo about digits: a network of oscillators, and what it is compared with, trained in one run."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any, Final

from llgrad.cli.networks.defaults import BY_SET
from llgrad.cli.networks.learning.network import network_of
from llgrad.cli.networks.learning.options import NetworkKind
from llgrad.cli.networks.pictures import clear_pictures, draw_pictures
from llgrad.cli.networks.sources.images import ImageSource
from llgrad.cli.networks.subject import Subject
from llgrad.cli.output import command_line
from llgrad.cli.progress import working
from llgrad.datasets.images.images import ImageSet
from llgrad.training.files.run_folder import open_run
from llgrad.training.train import Trained, train

RUN: Final = "digits"
"""Folder of the run, within the demo's."""

DEFAULTS: Final = BY_SET["digits"]

NETWORKS: Final[dict[str, dict[str, Any]]] = {
    "coupled oscillators": {},
    "the same array, only the read-out trained": {"only": "readout"},
    "linear softmax of the pixels": {"network": NetworkKind.SOFTMAX},
}
"""The options of each network; the first one is kept as a run."""


def recognise(folder: pathlib.Path, force: bool) -> tuple[str, dict[str, Any]]:
    """(what to tell, the same for JSON) of the networks trained on digits; the first one is a run, with pictures."""
    source = ImageSource("digits", None, 0)
    data, results = source.load(), {}
    for name, given in NETWORKS.items():
        own: dict[str, Any] = {} if results else {"out": folder, "notes": source.notes(), "overwrite": force}
        results[name] = _train(name, given, data, own)
    first = next(iter(results.values()))
    if first.test is not None:
        clear_pictures(folder)
        draw_pictures(Subject(folder, first.network, open_run(folder).entry), first.test, data.test)
    entry = {
        name: {
            "accuracy": result.accuracy,
            "trained_numbers": result.result["trained_numbers"],
            "seconds": result.result["seconds"],
        }
        for name, result in results.items()
    }
    return _table(entry, data), {"networks": entry, "run": str(folder)}


def _train(name: str, given: Mapping[str, Any], data: ImageSet, own: Mapping[str, Any]) -> Trained:
    network = network_of(DEFAULTS, given, data, DEFAULTS.recipe.seed)
    about = {"command": command_line(), **own}
    return working(
        f"digits: {name}",
        lambda tell: train(
            network, data, DEFAULTS.recipe, progress=lambda entry: tell({"fraction": entry["fraction"]}), **about
        ),
    )


def _table(entry: Mapping[str, Mapping[str, Any]], data: ImageSet) -> str:
    height, width = data.train.shape
    rows = [["", "test accuracy", "trained numbers", "seconds"]]
    for name, found in entry.items():
        accuracy = f"{100 * found['accuracy']:.2f} %"
        rows.append([name, accuracy, f"{found['trained_numbers']:,}", f"{found['seconds']:.1f}"])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
    head = f"Digits: {len(data.train):,} images to learn from, {len(data.test)} to test, {height}×{width} pixels"
    return "\n".join([head, lines[0], "-" * max(map(len, lines)), *lines[1:]])
