"""How the numbers of a study are distributed, with the mean and the spread of the devices themselves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.plot.style import BLUE, VERMILION, figure, named, scaled, title
from llgrad.studies.populations.population import Population
from llgrad.studies.result import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW: Final = 2
"""Panels side by side."""


def distributions(found: Study) -> Figure:
    """A histogram of every number over the good rows; the line is the normal distribution of the true values, the
    errors of the measurements taken out.

    Args:
        found: what `lg.studies.study` found.

    Raises ValueError where no row has a number.

    >>> import llgrad as lg
    >>> cases = [{"x": 0.1 * n} for n in range(12)]
    >>> work = lg.studies.Evaluations(lambda x: {"square": x**2}, cases, described={"square": "1"})
    >>> len(lg.plot.distributions(lg.studies.study(work, "histogram", workers=0)).axes)
    1
    """
    check_kind("found", found, Study, "give what lg.studies.study found")
    names = [name for name in found.units if np.isfinite(found.numbers(name)[0]).any()]
    if not names:
        raise ValueError("no row of the study has a number to draw; look at found.failures")
    populations = found.populations
    rows = math.ceil(len(names) / ROW)
    with figure(0.6 + 2.3 * rows) as drawn:
        panels = drawn.subplots(rows, min(ROW, len(names)), squeeze=False).ravel()
        for axes, name in zip(panels, names, strict=False):
            _panel(axes, found.numbers(name)[0], name, found.units[name], populations.get(name))
        for axes in panels[len(names) :]:
            axes.set_axis_off()
        title(panels[0], f"{int(found.good.sum())} of {len(found)} devices")
    return drawn


def _panel(axes: Axes, values: np.ndarray, name: str, unit: str, known: Population | None) -> None:
    values = values[np.isfinite(values)]
    shown, prefixed = scaled(values, unit)
    factor = float(np.abs(shown).max() / np.abs(values).max()) if np.abs(values).max() > 0 else 1.0
    counts, edges, _ = axes.hist(shown, bins=max(6, min(30, round(2 * len(shown) ** 0.5))), color=BLUE, alpha=0.75)
    axes.locator_params(axis="x", nbins=5)
    if known is not None and known.spread > 0:
        x = np.linspace(edges[0], edges[-1], 200)
        mean, spread = known.mean * factor, known.spread * factor
        density = np.exp(-0.5 * ((x - mean) / spread) ** 2) / (spread * math.sqrt(2 * math.pi))
        axes.plot(x, density * np.sum(counts) * (edges[1] - edges[0]), color=VERMILION)
    axes.set_xlabel(named(name, prefixed))
    axes.set_ylabel("devices")
