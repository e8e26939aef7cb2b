"""The fit of a measured loop: what was read at each field, up and down, with the fitted branches and the residuals."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from llgrad.plot.style import BLUE, GREY, VERMILION, legend_above, named, scaled, title

MOST_CURVES: Final = 4
"""So many curves are drawn at most, each in a panel of its own."""
NAMES: Final = {
    "resistance": "resistance",
    "along": "$M/M_s$ along the field",
    "moment": "moment",
    "voltage": "voltage",
}


def height(data: Any) -> float:
    """Height [inches] of the picture of a loop."""
    return 2.6 + 2.0 * min(len(getattr(data, "curves", ())), MOST_CURVES)


def measured_loop(drawn: Any, data: Any, prediction: Any, words: str) -> None:
    """A loop into a figure, or a part of one: a panel for each curve, and the residuals of all."""
    curves = data.curves[:MOST_CURVES]
    panels = drawn.subplots(len(curves) + 1, 1, sharex=True, squeeze=False, height_ratios=[2.0] * len(curves) + [1.2])
    x, field_unit = scaled(data.field, "T")
    unit = "" if data.unit == "1" else data.unit
    both, shown = scaled(np.stack([data.values, np.asarray(prediction[data.quantity], float)]), unit)
    rest, rest_unit = (
        scaled(both[0] - both[1], "") if not unit else scaled(data.values - prediction[data.quantity], unit)
    )
    for axes, (first, stop) in zip(panels[:, 0], curves, strict=False):
        rows = np.arange(first, stop)
        growing = _growing(data.field[first:stop])
        for up, colour, label in ((False, VERMILION, "field falling"), (True, BLUE, "field rising")):
            own = rows[growing == up]
            if own.size:
                axes.plot(x[own], both[0][own], "o", color=colour, markersize=4, alpha=0.7, label=label)
            panels[-1, 0].plot(x[own], rest[own], ".", color=colour, markersize=4)
        axes.plot(x[rows], both[1][rows], color="black", linewidth=1.0, label="fitted")
        axes.set_ylabel(named(NAMES.get(str(data.quantity), str(data.quantity)), shown))
        polar, azimuth = np.rad2deg(data.angles[first])
        words_beside = f"({polar:.4g}°, {azimuth:.4g}°)"
        axes.text(1.01, 0.5, words_beside, transform=axes.transAxes, rotation=-90, va="center", color=GREY)
    panels[-1, 0].axhline(0, color=GREY, linewidth=0.8)
    panels[-1, 0].set_ylabel(named("residual", rest_unit))
    panels[-1, 0].set_xlabel(named("field", field_unit))
    title(panels[0, 0], words or "Measured loop (points) and fitted device (line)")
    legend_above(panels[0, 0], 3)
    drawn.align_ylabels(list(panels[:, 0]))


def switching_fields(drawn: Any, data: Any, prediction: Any, words: str) -> None:
    """The fields at which a loop jumps with their errors, and those at which the fitted branches end."""
    axes, number = drawn.subplots(), np.arange(1, data.fields.size + 1)
    told, unit = scaled(np.stack([data.fields, np.asarray(prediction[data.quantity], float), data.errors]), "T")
    axes.errorbar(number, told[0], told[2], marker="o", linestyle="none", color=BLUE, capsize=2.5, label="measured")
    axes.plot(number, told[1], "_", color="black", markersize=14, label="fitted")
    axes.set_xticks(number)
    axes.set_xlabel("jump")
    axes.set_ylabel(named("switching field", unit))
    title(axes, words or "Measured and fitted switching fields")
    legend_above(axes, 2)


def _growing(fields: np.ndarray) -> np.ndarray:
    """Whether the field rises to each row (K,), or from the first."""
    steps = np.diff(fields)
    return np.append(steps[:1], steps) > 0
