"""The picture of a plan: the worst relative error that would be left, over the candidate settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from llgrad.plot.style import BLUE, GREY, VERMILION, figure, legend_above, named, scaled, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plan(found: Any) -> Figure:
    """A map over the first two settings (of more, the best over the others), or a curve over one. A candidate that
    leaves a parameter unfixed, or that could not be simulated, is blank.

    Args:
        found: Plan.
    """
    names = list(found.setting_units)[:2]
    axis = {name: np.unique([c.settings[name] for c in found.candidates]) for name in names}
    worst = np.full([values.size for values in axis.values()], np.nan)
    for candidate in found.candidates:
        place = tuple(int(np.searchsorted(axis[name], candidate.settings[name])) for name in names)
        if np.isfinite(candidate.worst):
            worst[place] = np.fmin(worst[place], 100 * candidate.worst)
    labels = {name: scaled(values, found.setting_units[name]) for name, values in axis.items()}
    best = [scaled_like(found.best.settings[name], axis[name], labels[name][0]) for name in names]
    now = 100 * float(found.relative.max())
    with figure(4.6) as drawn:
        axes = drawn.subplots()
        if len(names) == 1:
            axes.plot(labels[names[0]][0], worst, "o-", color=BLUE, label="with one more trace")
            if np.isfinite(now):
                axes.axhline(now, color=GREY, linestyle="--", linewidth=0.9, label="now")
            axes.set_yscale("log")
            axes.set_ylabel("worst relative error (%)")
            title(axes, "What to measure next")
            legend_above(axes, 2)
        else:
            _map(drawn, axes, [labels[name][0] for name in names], worst)
            axes.plot(*best, "*", color=VERMILION, markersize=15, markeredgecolor="white", clip_on=False)
            axes.set_ylabel(named(names[1], labels[names[1]][1]))
            shown = f"{now:.2g} %" if np.isfinite(now) else "not all fixed"
            title(axes, f"What to measure next (star); now {shown}")
        axes.set_xlabel(named(names[0], labels[names[0]][1]))
    return drawn


def scaled_like(value: float, values: np.ndarray, shown: np.ndarray) -> float:
    """A value in the unit in which `values` are `shown`."""
    return float(shown[int(np.searchsorted(values, value))])


def _map(drawn: Figure, axes: Any, places: list[np.ndarray], worst: np.ndarray) -> None:
    from matplotlib.colors import LogNorm

    finite = worst[np.isfinite(worst)]
    if not finite.size:
        raise ValueError("no candidate fixes every parameter: there is nothing to draw")
    low, high = float(finite.min()), float(finite.max())
    norm = LogNorm(low, high if high > low else 1.01 * low)
    axes.grid(False)
    drawn_map = axes.pcolormesh(*places, worst.T, norm=norm, cmap="viridis", shading="nearest")
    bar = drawn.colorbar(drawn_map, ax=axes, format="{x:g}")
    bar.ax.yaxis.set_minor_formatter("{x:g}")
    bar.set_label("worst relative error with this trace too (%)")
