"""The picture of a telegraph signal: the trace with its thresholds, and how long it dwells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.arguments.kinds import check_parts
from llgrad.observables.levels.telegraph import Telegraph
from llgrad.observables.signal import Source, signal_of
from llgrad.plot.style import BLUE, GREY, VERMILION, figure, legend_above, named, scaled, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 30
SHOWN = 60
"""So many mean dwells of a trace are drawn."""


def telegraph(found: Telegraph, source: Source | None = None, dt: Float[ArrayLike, ""] | None = None) -> Figure:
    """The distribution of the dwell times at both levels, on a logarithmic scale, beside the exponential of their mean;
    above it the beginning of the signal with its thresholds, where it is given.

    Args:
        found: Telegraph.
        source: the signal that it was made of, as in `lg.observables.telegraph`.
        dt: time between its samples [s], of an array.

    >>> import numpy as np, llgrad as lg
    >>> signal = np.repeat(np.tile([0.0, 1.0], 100), [30, 10] * 100) + 0.05 * np.sin(np.arange(4000))
    >>> found = lg.observables.telegraph(signal, dt=1e-9)
    >>> lg.plot.telegraph(found, signal, dt=1e-9).axes[-1].get_yscale()
    'log'
    """
    check_parts("found", found, ("upper", "lower", "thresholds"), "the Telegraph that lg.observables.telegraph gives")
    signal = None if source is None else signal_of(source, dt)
    with figure(4.2 if signal is None else 6.4) as drawn:
        rows = drawn.subplots(1 if signal is None else 2, squeeze=False)[:, 0]
        if signal is not None:
            _signal(rows[0], signal, found)
        axes = rows[-1]
        levels = (("upper level", found.upper, VERMILION), ("lower level", found.lower, BLUE))
        largest = max((float(level.dwells.max(initial=0.0)) for _, level, _ in levels), default=0.0)
        _, unit = scaled(largest, "s")
        factor = float(scaled(largest, "s")[0]) / largest if largest else 1.0
        for name, level, colour in levels:
            if not len(level.dwells):
                continue
            counts, edges = np.histogram(level.dwells, BINS, (0.0, largest))
            middle, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
            axes.plot(middle * factor, np.where(counts, counts, np.nan), "o", color=colour, markersize=4, label=name)
            expected = len(level.dwells) * width * level.rate * np.exp(-middle * level.rate)
            axes.plot(middle * factor, np.where(expected > 0.3, expected, np.nan), color=colour)
        axes.set_yscale("log")
        axes.set_xlabel(named("dwell time", unit))
        axes.set_ylabel("dwells")
        title(axes, "Dwell times, and exponentials of their mean")
        legend_above(axes, 2)
    return drawn


def _signal(axes: Any, signal: Any, found: Any) -> None:
    values = np.asarray(signal.values, float)
    values = values.reshape(-1, values.shape[-1])[0]
    means = [level.mean for level in (found.upper, found.lower) if np.isfinite(level.mean)]
    shown = min(len(values), max(int(SHOWN * max(means, default=np.inf) / found.dt), 2) if means else len(values))
    t, unit = scaled(np.arange(shown) * found.dt, "s")
    axes.plot(t, values[:shown], color=BLUE, linewidth=0.8)
    for threshold in found.thresholds:
        axes.axhline(threshold, color=GREY, linestyle="--", linewidth=1.0)
    axes.set_xlabel(named("time", unit))
    axes.set_ylabel("signal")
    title(axes, "Signal, and the thresholds of its levels")
