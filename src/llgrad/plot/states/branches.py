"""The bifurcation diagram: fixed points against a number of the device, with what happens to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from llgrad.plot.style import BLUE, GREEN, GREY, ORANGE, VERMILION, figure, legend_above, named, scaled, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKS: Final = {"Hopf": (VERMILION, "o"), "fold": (ORANGE, "^"), "branch point": (GREEN, "D")}
"""Colour and marker of each kind of critical point."""


def branches(found: Any) -> Figure:
    """The branches of fixed points over a number, full where stable and dashed where not, with their critical points.

    The first and the last number of the state are drawn: of a macrospin m_x and m_z.

    Args:
        found: Branches.
    """
    rows = [0, len(found.names) - 1]
    ends = np.concatenate([branch.values for branch in found.branches])
    _, unit = scaled(ends, found.unit)
    largest = np.abs(ends).max()
    factor = float(scaled([largest], found.unit)[0][0] / largest) if largest else 1.0
    with figure(5.2) as drawn:
        panels = drawn.subplots(2, 1, sharex=True)
        for axes, row in zip(panels, rows, strict=True):
            for branch in found.branches:
                x, y = branch.values * factor, branch.y[:, row]
                axes.plot(x, y, "--", color=GREY, linewidth=0.9)
                axes.plot(x, np.where(branch.stable, y, np.nan), color=BLUE, linewidth=1.8)
            for kind, (colour, marker) in MARKS.items():
                points = [(p.held * factor, p.y[row]) for p in found.thresholds if p.kind == kind]
                if points:
                    axes.plot(*zip(*points, strict=True), marker, color=colour, label=kind, zorder=5, markersize=7)
            axes.set_ylabel(found.names[row])
        panels[0].plot([], [], color=BLUE, linewidth=1.8, label="stable")
        panels[0].plot([], [], "--", color=GREY, linewidth=0.9, label="unstable")
        panels[1].set_xlabel(named(found.parameter, unit))
        legend_above(panels[0], 5)
        title(panels[0], "Equilibria")
    return drawn
