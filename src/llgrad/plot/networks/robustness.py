"""The picture of robustness: the accuracy of drawn arrays against the spread of their settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from llgrad.plot.style import BLUE, GREY, figure, legend_above, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def robustness_curve(
    spreads: Sequence[float], accuracies: Sequence[Any], ideal: float, what: str = "test accuracy"
) -> Figure:
    """Mean accuracy of drawn arrays against their spread, one standard deviation either way, and every array.

    Args:
        spreads: relative spread of the settings (1σ), (S,).
        accuracies: for each spread the accuracies of its arrays (arrays,), from 0 to 1.
        ideal: accuracy of the network as it was meant.
        what: the name of the accuracy.
    """
    x, values = 100 * np.asarray(spreads, float), [100 * np.asarray(found, float) for found in accuracies]
    means, deviations = (np.array([statistic(found) for found in values]) for statistic in (np.mean, np.std))
    with figure(4.4) as drawn:
        axes = drawn.subplots()
        for place, found in zip(x, values, strict=True):
            axes.plot(np.full(len(found), place), found, ".", markersize=3, color=GREY, alpha=0.5)
        axes.fill_between(x, means - deviations, means + deviations, color=BLUE, alpha=0.2, linewidth=0)
        axes.plot(x, means, "o-", markersize=4, color=BLUE, label="mean of drawn arrays")
        axes.axhline(100 * ideal, color="black", linestyle="--", linewidth=1, label="as designed")
        axes.set_xlabel("spread of the settings, 1σ (%)")
        axes.set_ylabel(f"{what} (%)")
        title(axes, "Robustness")
        legend_above(axes, 2)
    return drawn
