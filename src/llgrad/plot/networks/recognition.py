"""The pictures of what a network recognises: the confusion matrix, and examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import ArrayLike, Float, Int

from llgrad.plot.style import GREY, VERMILION, figure, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def confusion(
    labels: Int[ArrayLike, " n"], predictions: Int[ArrayLike, " n"], classes: Sequence[str], what: str = "images"
) -> Figure:
    """How many images of each class (rows) were taken for which (columns).

    The colour is the share of the class on a logarithmic scale, so that rare mistakes are seen.

    Args:
        labels: (n,) integers.
        predictions: (n,) integers.
        classes: names of the classes.
        what: what was recognised, "images" or "signals".

    >>> import llgrad as lg
    >>> figure = lg.plot.confusion([0, 0, 1, 1], [0, 0, 1, 0], ["zero", "one"])
    >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
    ['zero', 'one']
    """
    count = len(classes)
    table = np.zeros((count, count), int)
    np.add.at(table, (np.asarray(labels), np.asarray(predictions)), 1)
    share = table / np.maximum(table.sum(1, keepdims=True), 1)
    with figure(6.6) as drawn:
        axes = drawn.subplots()
        axes.imshow(np.log10(np.maximum(share, 1e-4)), cmap="Blues", vmin=-4, vmax=0.6)
        for row, column in zip(*np.nonzero(table), strict=True):
            colour = "white" if share[row, column] > 0.1 else "black"
            axes.text(column, row, f"{table[row, column]}", ha="center", va="center", color=colour, fontsize=9)
        rotation = 0 if max(map(len, classes)) <= 3 else 45
        axes.set_xticks(range(count), classes, rotation=rotation, ha="center" if not rotation else "right")
        axes.set_yticks(range(count), classes)
        axes.set_xlabel("recognised as")
        axes.set_ylabel(f"{what.removesuffix('s')} of")
        axes.grid(False)
        right = np.trace(table) / max(table.sum(), 1)
        title(axes, f"{100 * right:.2f} % of {table.sum():,} {what} recognised")
    return drawn


def examples(
    images: Float[ArrayLike, "n H W"],
    labels: Int[ArrayLike, " n"],
    predictions: Int[ArrayLike, " n"],
    probabilities: Float[ArrayLike, " n"],
    classes: Sequence[str],
) -> Figure:
    """Images with what the network takes them for; mistakes in red, with the right class.

    Args:
        images: (n, H, W) in [0, 1]; 24 are drawn, of which at most half are mistakes.
        labels: (n,) integers.
        predictions: (n,) integers.
        probabilities: (n,) of the class predicted.
        classes: names of the classes.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> images = np.linspace(0, 1, 4 * 64).reshape(4, 8, 8)
    >>> figure = lg.plot.examples(images, [0, 0, 1, 1], [0, 0, 1, 0], [0.9, 0.8, 0.9, 0.6], ["zero", "one"])
    >>> len(figure.axes) >= 4
    True
    """
    labels, predictions, shown, chances = map(np.asarray, (labels, predictions, images, probabilities))
    if not len(labels):
        raise ValueError("there is no image to draw")
    wrong, right = np.flatnonzero(labels != predictions), np.flatnonzero(labels == predictions)
    chosen = [*wrong[:12], *right][:24]
    with figure(6.0) as drawn:
        all_axes = drawn.subplots(4, 6).ravel()
        drawn.suptitle("What the network takes images for, and with which probability", x=0.01, ha="left", fontsize=12)
        for axes in all_axes[len(chosen) :]:
            axes.axis("off")
        for axes, index in zip(all_axes, chosen, strict=False):
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set(visible=True, color=GREY, linewidth=0.5)
            axes.imshow(shown[index], cmap="gray_r", vmin=0, vmax=1)
            text = f"{classes[int(predictions[index])]}, {100 * float(chances[index]):.0f} %"
            mistaken = labels[index] != predictions[index]
            if mistaken:
                text += f"\n(is {classes[int(labels[index])]})"
            axes.set_title(text, fontsize=9, color=VERMILION if mistaken else "black")
    return drawn
