"""The picture of a fit: data with the fitted curve, and the residuals below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from llgrad.plot.sources import Columns, columns_of
from llgrad.plot.style import COMPONENTS, GREY, LABELS, figure, legend_above, named, scaled, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def fit(result: Any) -> Figure:
    """Recorded values (dots) and fitted curve (line) of every column, with the residuals below.

    Args:
        result: FitResult.
    """
    data = columns_of(result.data)
    names = list(result.prediction)
    units = sorted({data.unit(name) for name in names})
    with figure(1.2 + 1.6 * len(names) + 1.3 * len(units)) as drawn:
        heights = [1.6] * len(names) + [1.3] * len(units)
        all_axes = drawn.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        t, time_unit = scaled(data.t, "s")
        for axes, name in zip(all_axes, names, strict=False):
            _curve(axes, t, data, name, np.asarray(result.prediction[name], float))
        for axes, unit in zip(all_axes[len(names) :], units, strict=True):
            _residuals(axes, t, data, {n: result.prediction[n] for n in names if data.unit(n) == unit})
        all_axes[-1].set_xlabel(named("time", time_unit))
        all_axes[-1].set_xlim(t[0], t[-1])
        drawn.align_ylabels(list(all_axes))
        title(all_axes[0], "Recorded trace and fitted model")
        legend_above(all_axes[0], 2)
    return drawn


def _curve(axes: Any, t: np.ndarray, data: Columns, name: str, predicted: np.ndarray) -> None:
    both, unit = scaled(np.stack([data.values[name], predicted]), data.unit(name))
    axes.plot(t, both[0], ".", color=COMPONENTS.get(name, GREY), markersize=6, alpha=0.5, label="recorded")
    axes.plot(t, both[1], color="black", linewidth=0.9, label="fitted")
    axes.set_ylabel(named(LABELS.get(name, name), unit))


def _residuals(axes: Any, t: np.ndarray, data: Columns, predictions: dict[str, Any]) -> None:
    differences = np.stack([data.values[name] - np.asarray(values, float) for name, values in predictions.items()])
    unit = data.unit(next(iter(predictions)))
    values, unit = scaled(differences, unit) if unit else _thousandths(differences)
    for name, row in zip(predictions, values, strict=True):
        axes.plot(t, row, ".", color=COMPONENTS.get(name, GREY), markersize=3)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_ylabel(named("residual", unit))


def _thousandths(values: np.ndarray) -> tuple[np.ndarray, str]:
    """Small pure numbers by a power of a thousand, so that the axis needs no offset text."""
    largest = float(np.max(np.abs(values), initial=0.0))
    if not 0 < largest < 0.1:
        return values, ""
    exponent = 3 * int(np.floor(np.log10(largest) / 3 + 1e-9))
    return values / 10.0**exponent, f"$10^{{{exponent}}}$"
