"""The bifurcation diagram: fixed points and cycles against a number of the device, with what happens to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.orbits.branches.cycles.result import CycleBranch
from llgrad.orbits.branches.result import Branch, Branches
from llgrad.plot.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    VERMILION,
    figure,
    label_of,
    legend_above,
    named,
    scaled,
    title,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKS: Final = {
    "Hopf": (VERMILION, "o"),
    "fold": (ORANGE, "^"),
    "branch point": (GREEN, "D"),
    "fold of cycles": (ORANGE, "v"),
    "period doubling": (PURPLE, "s"),
    "torus": (PURPLE, "*"),
    "branch point of cycles": (GREEN, "P"),
}
"""Colour and marker of each kind of critical point."""


def branches(found: Branches, *, observable: bool = False) -> Figure:
    """The branches of fixed points and of cycles over a number, full where stable, dashed where not, and dotted where
    deviations neither grow nor decay, with their critical points; of a cycle the least and the largest value on it, and
    below its frequency.

    The first and the last number of the state are drawn: of a macrospin m_x and m_z.

    Args:
        found: what `lg.follow` found.
        observable: whether the observable that `follow` was given is drawn instead of the numbers of the state.

    >>> import llgrad as lg
    >>> branches = lg.follow(lg.presets.kubota2013(), "current", 0.2e-3, 1e-3)
    >>> lg.plot.branches(branches).axes[-1].get_xlabel()
    'current (mA)'
    """
    check_kind("found", found, Branches, "give what lg.follow found")
    if observable and any(branch.observed is None for branch in found.branches):
        raise ValueError("observable=True needs an observable: lg.follow tells it where it follows cycles")
    if not (found.branches or found.cycles):
        raise ValueError("no branch was found, so there is nothing to draw; print what lg.follow found")
    rows: list[int | None] = [None] if observable else [*sorted({0, len(found.names) - 1})]
    ends = np.concatenate([branch.values for branch in (*found.branches, *found.cycles)])
    _, unit = scaled(ends, found.unit)
    largest = np.abs(ends).max()
    factor = float(scaled([largest], found.unit)[0][0] / largest) if largest else 1.0
    count = len(rows) + bool(found.cycles)
    with figure(1.2 + 2.1 * count) as drawn:
        panels = drawn.subplots(count, 1, sharex=True, squeeze=False)[:, 0]
        for axes, row in zip(panels, rows, strict=False):
            _states(axes, found, row, factor)
            axes.set_ylabel("observable" if row is None else label_of(found.names[row]))
        if found.cycles:
            _frequencies(panels[-1], found, factor)
        handles = _keys(panels, found)
        panels[-1].set_xlabel(named(found.parameter, unit))
        legend_above(panels[0], min(handles, 4))
        title(panels[0], "Branches" if found.cycles else "Equilibria")
    return drawn


def _states(axes: Axes, found: Branches, row: int | None, factor: float) -> None:
    """Fixed points, and the extremes of cycles, of one number of the state, or of the observable."""
    for branch in found.branches:
        y = branch.observed if row is None else branch.y[:, row]
        _line(axes, branch.values * factor, y, branch, BLUE)
    for branch in found.cycles:
        sides = (branch.low, branch.high) if row is None else (branch.lows[:, row], branch.highs[:, row])
        for y in sides:
            _line(axes, branch.values * factor, y, branch, VERMILION)
            for point in branch.critical:
                _mark(axes, point.kind, point.value * factor, y[point.place])
    for point in found.thresholds:
        if row is not None:
            _mark(axes, point.kind, point.held * factor, point.y[row])


def _frequencies(axes: Axes, found: Branches, factor: float) -> None:
    every = np.concatenate([branch.frequencies for branch in found.cycles])
    largest = every.max()
    times = float(scaled([largest], "Hz")[0][0] / largest)
    for branch in found.cycles:
        _line(axes, branch.values * factor, branch.frequencies * times, branch, VERMILION)
        for point in branch.critical:
            _mark(axes, point.kind, point.value * factor, point.frequency * times)
    axes.set_ylim(bottom=0.0)
    axes.set_ylabel(named("frequency", scaled([largest], "Hz")[1]))


def _line(axes: Axes, x: Any, y: Any, branch: Branch | CycleBranch, colour: str) -> None:
    neutral = branch.neutral & (branch.growing == 0)
    axes.plot(x, np.where(neutral, np.nan, y), "--", color=GREY if colour == BLUE else colour, linewidth=0.9)
    axes.plot(x, np.where(neutral, y, np.nan), ":", color=colour, linewidth=1.8)
    axes.plot(x, np.where(branch.stable, y, np.nan), color=colour, linewidth=1.8)


def _mark(axes: Axes, kind: str, x: float, y: float) -> None:
    colour, marker = MARKS[kind]
    axes.plot([x], [y], marker, color=colour, zorder=5, markersize=7)


def _keys(panels: Any, found: Branches) -> int:
    """What lines and marks are, for the legend above the first panel; how many."""
    of_cycles = [point.kind for branch in found.cycles for point in branch.critical]
    kinds = {point.kind for point in found.thresholds} | set(of_cycles)
    first = panels[0]
    count = 0
    for lines, word, colour in ((found.branches, "", BLUE), (found.cycles, " cycle", VERMILION)):
        neutral = [line.neutral & (line.growing == 0) for line in lines]
        stable = any(line.stable.any() for line in lines)
        unstable = any((~line.stable & ~still).any() for line, still in zip(lines, neutral, strict=True))
        faint = GREY if colour == BLUE else colour
        for there, name, style, shade, width in (
            (stable, "stable", "-", colour, 1.8),
            (unstable, "unstable", "--", faint, 0.9),
            (any(still.any() for still in neutral), "neutral", ":", colour, 1.8),
        ):
            if there:
                first.plot([], [], style, color=shade, linewidth=width, label=f"{name}{word}")
                count += 1
    for kind, (colour, marker) in MARKS.items():
        if kind in kinds:
            first.plot([], [], marker, color=colour, label=kind, markersize=7)
            count += 1
    return count
