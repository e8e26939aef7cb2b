"""The picture of a training: loss and error rate against the epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llgrad.plot.style import BLUE, VERMILION, figure, legend_above, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOSSES = {"loss": ("training", BLUE), "validation_loss": ("validation", VERMILION)}
ACCURACIES = {"accuracy": ("training", BLUE), "validation_accuracy": ("validation", VERMILION)}


def learning_curves(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Cross entropy and error rate, of training and validation images, after every epoch.

    Args:
        rows: one for each epoch, with "epoch", "loss" and, where they were measured, "accuracy", "validation_loss",
            "validation_accuracy" (the lines of a run's metrics.jsonl).
    """
    if not rows:
        raise ValueError("this run has no finished epoch to draw")
    with figure(5.6) as drawn:
        top, bottom = drawn.subplots(2, 1, sharex=True)
        for axes, names, convert in ((top, LOSSES, float), (bottom, ACCURACIES, _error)):
            for name, (label, colour) in names.items():
                points = [(row["epoch"], convert(row[name])) for row in rows if row.get(name) is not None]
                if points:
                    axes.plot(*zip(*points, strict=True), "o-", markersize=3.5, color=colour, label=label)
            axes.set_yscale("log")
        top.set_ylabel("cross entropy")
        bottom.set_ylabel("error rate (%)")
        bottom.set_xlabel("epoch")
        bottom.locator_params(axis="x", integer=True)
        title(top, "Learning")
        legend_above(top, 2)
    return drawn


def _error(accuracy: float) -> float:
    """Per cent wrong; a perfect epoch is drawn at a hundredth of a per cent."""
    return max(100 * (1 - accuracy), 0.01)
