"""Pictures of an optimum: how it was found, and what it hangs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.units import show
from llgrad.optimising.answers.result import Optimum
from llgrad.plot.style import BLUE, GREEN, GREY, ORANGE, VERMILION, figure, legend_above, named, scaled, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST: Final = 14
"""Bars of sensitivities."""
MOST_FREE: Final = 8
LOG: Final = 10.0
"""Values that span more than this go on a logarithmic axis."""
FLAT: Final = 1e-3
"""Values that differ by less than this are drawn on an axis that spans twice as much of them: they are one value."""


def optimum(result: Optimum) -> Figure:
    """The searches of `lg.optimise`: where each began and ended in every free parameter, in parts of its range, and the
    best value within the limits against the number of evaluations.

    Args:
        result: what `lg.optimise` found.

    >>> import llgrad as lg
    >>> best = lg.optimise(
    ...     lg.presets.kubota2013(), lg.minimise(lambda sto: (sto.current - 1e-3) ** 2), {"current": (0, "0.8mA")}
    ... )
    >>> len(lg.plot.optimum(best).axes)
    2
    """
    check_kind("result", result, Optimum, "give what lg.optimise found")
    with figure(6.2) as drawn:
        above, below = drawn.subplots(2, 1, height_ratios=(1.0, 1.15))
        _history(above, result)
        _paths(below, result)
    return drawn


def _history(axes: Axes, result: Optimum) -> None:
    rows = [row for row in result.history if row["best"] is not None]
    values = np.array([row["best"] for row in rows] or [result.value], float)
    shown, unit = scaled(values, result.unit)
    x = np.array([row["evaluations"] for row in rows] or [result.evaluations])
    axes.step(x, shown, where="post", color=BLUE, marker="o" if len(x) < 60 else None, markersize=3.5)
    if (shown > 0).all() and shown.max() > LOG * shown.min():
        axes.set_yscale("log")
    elif np.ptp(shown) < FLAT * abs(shown[-1]):
        axes.set_ylim(*(shown.mean() + np.array([-1, 1]) * FLAT * abs(shown[-1])))
    axes.locator_params(axis="x", integer=True)
    axes.set_xlabel("evaluations")
    axes.set_ylabel(named(result.name.replace("_", " "), unit))
    title(axes, f"{result.sense} {result.name.replace('_', ' ')}: {show(result.value, result.unit)}")


def _paths(axes: Axes, result: Optimum) -> None:
    """Each start as an arrow in every parameter's column."""
    names = list(result.parameters)[:MOST_FREE]
    count = len(result.starts)
    for column, name in enumerate(names):
        one = result.parameters[name]
        for place, start in enumerate(result.starts):
            if start.how == "no number":
                continue
            begin, end = ((v[name] - one.low) / (one.high - one.low) for v in (start.begin, start.end))
            x = column + 0.62 * ((place + 0.5) / count - 0.5)
            colour = BLUE if start.how == "converged" else ORANGE
            axes.plot([x, x], [begin, end], color=colour, linewidth=0.9, alpha=0.7)
            axes.plot(x, begin, "o", color=colour, markersize=2.5, alpha=0.7, markerfacecolor="white")
        best = (one.value - one.low) / (one.high - one.low)
        axes.plot([column - 0.4, column + 0.4], [best, best], color=VERMILION, linewidth=1.6, zorder=1)
        axes.annotate(show(one.high, one.unit), (column, 1.03), ha="center", va="bottom", fontsize=9, color=GREY)
        axes.annotate(show(one.low, one.unit), (column, -0.03), ha="center", va="top", fontsize=9, color=GREY)
    axes.plot([], [], "o-", color=BLUE, markersize=3, markerfacecolor="white", label="start to end")
    if any(start.how not in ("converged", "no number") for start in result.starts):
        axes.plot([], [], "o-", color=ORANGE, markersize=3, markerfacecolor="white", label="no optimum")
    axes.plot([], [], color=VERMILION, label="best")
    axes.set_xticks(
        range(len(names)), [f"{name}\n{show(result.values[name], result.parameters[name].unit)}" for name in names]
    )
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_ylim(-0.16, 1.16)
    axes.set_yticks([0.0, 0.5, 1.0])
    axes.set_ylabel("part of the range")
    axes.grid(visible=False, axis="x")
    legend_above(axes, 3)
    title(axes, f"{count} starts")


def sensitivities(result: Optimum) -> Figure:
    """What an optimum hangs on: by how much the aim changes where a number of the device is 1 % larger, as it is set,
    and where all that is free is set anew within the limits.

    Args:
        result: what `lg.optimise` found.

    >>> import llgrad as lg
    >>> best = lg.optimise(
    ...     lg.presets.kubota2013(), lg.minimise(lambda sto: (sto.current - 1e-3) ** 2), {"current": (0, "0.8mA")}
    ... )
    >>> len(lg.plot.sensitivities(best).axes)
    1
    """
    check_kind("result", result, Optimum, "give what lg.optimise found")
    rows = [one for one in result.sensitivities if one.per_percent or one.best_per_percent][:MOST]
    if not rows:
        raise ValueError(f"nothing changes {result.name} to first order: there is no sensitivity to draw")
    plain, unit = scaled([one.per_percent for one in rows], result.unit)
    size = max(abs(one.per_percent) for one in rows)
    factor = np.abs(plain).max() / size if size else 1.0
    anew = np.array([one.best_per_percent for one in rows]) * factor
    y = np.arange(len(rows))[::-1]
    with figure(1.5 + 0.42 * len(rows)) as drawn:
        axes = drawn.subplots()
        axes.barh(y + 0.19, plain, 0.36, color=BLUE, label="as it is set")
        axes.barh(y - 0.19, anew, 0.36, color=GREEN, label="all set anew")
        axes.axvline(0.0, color=GREY, linewidth=0.8)
        axes.set_yticks(y, [f"{one.name} = {show(one.value, one.unit)}" for one in rows])
        for label, one in zip(axes.get_yticklabels(), rows, strict=True):
            label.set_fontweight("bold" if one.free else "normal")
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(f"change of {named(result.name.replace('_', ' '), unit)} per 1 %")
        axes.margins(x=0.08)
        legend_above(axes, 2)
        title(axes, "Sensitivities (free in bold)")
    return drawn
