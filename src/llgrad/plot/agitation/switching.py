"""The picture of switching: probability against the pulse, or times of one pulse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from llgrad.core.arguments.kinds import check_parts
from llgrad.experiments.switching.result import Switching
from llgrad.plot.style import BLUE, GREY, VERMILION, figure, legend_above, named, scaled, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 60


def switching(found: Switching) -> Figure:
    """Probability of switching against the scanned number of the pulse, with its 95 % interval, and the error rate on a
    logarithmic scale; over two numbers a map; of one pulse the distribution of switching times.

    Args:
        found: Switching.

    >>> import jax, llgrad as lg
    >>> bit = lg.Oscillator(
    ...     Ms=1e6, volume=5e-25, H_k=1.45, alpha=0.05, polariser=(0, 0, 1), polarization=0.6, temperature=300.0
    ... )
    >>> pulse = lg.Drive(current=lg.Pulse(amplitude=60e-6, start=0.1e-9, width=1e-9))
    >>> found = lg.experiments.switching(bit, pulse, runs=1000, key=jax.random.key(0))
    >>> lg.plot.switching(found).axes[0].get_xlabel()
    'switching time after the rise of the pulse (ns)'
    """
    check_parts("found", found, ("counts", "times", "axes"), "the Switching that lg.experiments.switching gives")
    if not found.axes:
        return _times(found)
    return _curve(found) if len(found.axes) == 1 else _map(found)


def _axis(axis: Any) -> tuple[np.ndarray, str]:
    values, unit = scaled(axis.values, axis.unit)
    return values, named(axis.name.replace(".", " "), unit)


def _curve(found: Any) -> Figure:
    (axis,) = found.axes
    values, label = _axis(axis)
    with figure(6.4) as drawn:
        upper, lower = drawn.subplots(2, sharex=True)
        for axes, rate, (low, high), colour in (
            (upper, found.probability, found.interval(), BLUE),
            (lower, found.error_rate, found.error_interval(), VERMILION),
        ):
            seen = rate > 0 if axes is lower else np.full(len(rate), True)
            bars = np.stack([rate - low, high - rate])[:, seen]
            axes.errorbar(
                values[seen], rate[seen], np.maximum(bars, 0), fmt="o-", color=colour, markersize=4, capsize=2
            )
            if not seen.all():
                label_of = "none seen: below this at 95 %"
                axes.plot(values[~seen], high[~seen], "v", color=GREY, label=label_of)
                legend_above(axes, 1)
        upper.set_ylabel("probability of switching")
        upper.set_ylim(-0.03, 1.03)
        lower.set_yscale("log")
        lower.set_ylabel("error rate")
        lower.set_xlabel(label)
        title(upper, f"Switching, {found.runs} runs at each point")
    return drawn


def _map(found: Any) -> Figure:
    (first, y_label), (second, x_label) = (_axis(axis) for axis in found.axes)
    with figure(5.2) as drawn:
        axes = drawn.subplots()
        colours = axes.pcolormesh(second, first, found.probability, vmin=0, vmax=1, shading="nearest", cmap="viridis")
        axes.grid(False)
        drawn.colorbar(colours, ax=axes, label="probability of switching")
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        title(axes, f"Switching, {found.runs} runs at each point")
    return drawn


def _times(found: Any) -> Figure:
    known = found.times[np.isfinite(found.times)]
    if not known.size:
        raise ValueError("no run switched, so that there are no switching times to draw")
    values, unit = scaled(known, "s")
    with figure(4.2) as drawn:
        axes = drawn.subplots()
        axes.hist(values, BINS, color=BLUE, alpha=0.85)
        middle = float(np.median(values))
        axes.axvline(middle, color=VERMILION, label=f"median {middle:.4g} {unit}")
        axes.set_xlabel(named("switching time after the rise of the pulse", unit))
        axes.set_ylabel("runs")
        title(axes, f"{known.size} of {found.runs} runs switched")
        legend_above(axes, 1)
    return drawn
