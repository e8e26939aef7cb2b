"""The picture of a training: loss and error rate against the epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llgrad.plot.style import BLUE, GREY, VERMILION, figure, legend_above, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SEEN = {"training": ("loss", "accuracy", BLUE), "validation": ("validation_loss", "validation_accuracy", VERMILION)}


def learning_curves(rows: Sequence[Mapping[str, Any]], least_loss: float = 0.0, regression: bool = False) -> Figure:
    """Cross entropy and error rate, of training and validation images, after every epoch; of a regression the mean
    square error over the variance of the targets, and its root, the NRMSE.

    Args:
        rows: one for each epoch, with "epoch", "loss" and, where they were measured, "accuracy", "validation_loss",
            "validation_accuracy" (the lines of a run's metrics.jsonl, or `Trained.history`).
        least_loss: the least training loss that there can be, which is not 0 where the targets are smoothed.
        regression: whether numbers were wanted, and no classes.

    >>> import llgrad as lg
    >>> rows = [{"epoch": 1, "loss": 1.2, "accuracy": 0.7}, {"epoch": 2, "loss": 0.6, "accuracy": 0.9}]
    >>> [axes.get_ylabel() for axes in lg.plot.learning_curves(rows).axes]
    ['cross entropy (nat)', 'error rate (%)']
    """
    if not rows:
        raise ValueError("this run has no finished epoch to draw")
    with figure(5.6) as drawn:
        top, bottom = drawn.subplots(2, 1, sharex=True)
        errors: dict[str, list[tuple[float, float]]] = {}
        for label, (loss, accuracy, colour) in SEEN.items():
            _draw(top, [(row["epoch"], row[loss]) for row in rows if row.get(loss) is not None], colour, label)
            missed = [(row["epoch"], 1 - row[accuracy]) for row in rows if row.get(accuracy) is not None]
            errors[label] = [(epoch, max(0, part) ** 0.5 if regression else 100 * part) for epoch, part in missed]
        none = _place_of_none([error for points in errors.values() for _, error in points])
        for label, points in errors.items():
            _draw(bottom, [(epoch, max(error, none)) for epoch, error in points], SEEN[label][2], label)
        if least_loss:
            top.axhline(least_loss, color=GREY, linestyle="--", linewidth=1, label="least with smoothed targets")
        _plain_numbers(top, 0.0)
        _plain_numbers(bottom, none)
        top.set_ylabel("mean square error / variance" if regression else "cross entropy (nat)")
        bottom.set_ylabel("NRMSE" if regression else "error rate (%)")
        bottom.set_xlabel("epoch")
        bottom.locator_params(axis="x", integer=True, min_n_ticks=1)
        epochs = [row["epoch"] for row in rows]
        if len(set(epochs)) == 1:
            bottom.set_xlim(epochs[0] - 1, epochs[0] + 1)
        title(top, "Learning")
        legend_above(top, 3)
    return drawn


def _draw(axes: Any, points: list[tuple[float, float]], colour: str, label: str) -> None:
    if points:
        axes.plot(*zip(*points, strict=True), "o-", markersize=3.5, color=colour, label=label)


def _place_of_none(errors: list[float]) -> float:
    """Where on a logarithmic axis to draw an epoch without errors: at the power of ten below the smallest error."""
    found = [error for error in errors if error > 1e-9]
    return 10.0 ** math.floor(math.log10(min(found) / 2)) if found else 0.1


def _steps(ratio: float) -> tuple[float, ...]:
    """Where numbers stand in a decade, of an axis that goes over such a ratio."""
    return (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0) if ratio < 5 else (1.0, 2.0, 5.0) if ratio < 100 else (1.0,)


def _plain_numbers(axes: Any, none: float) -> None:
    """A logarithmic axis with the numbers 1, 2, 5, 10 …, or powers of ten if there are many; 0 at the place of none."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=_steps(high / low)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: "0" if value <= 1.001 * none else f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
