"""The picture of an array's settings: the coupling matrix, and how training moved fields, currents and dampings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from llgrad.plot.style import BLUE, GREY, figure, legend_above, named, scaled, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = {"field": ("field along z", "T"), "current": ("current", "A"), "alpha": ("damping α", "1")}


def settings(before: Any, after: Any) -> Figure:
    """The trained coupling matrix, and histograms of field, current and damping before and after training.

    Args:
        before: Settings of an array at the start.
        after: Settings of the same array, trained.
    """
    with figure(6.4) as drawn:
        panels = drawn.subplots(2, 2)
        _coupling(drawn, panels[0, 0], after.coupling)
        for axes, (name, (label, unit)) in zip(panels.ravel()[1:], SHOWN.items(), strict=True):
            both, unit = scaled(np.stack([getattr(before, name), getattr(after, name)]), unit)
            _histograms(axes, both)
            axes.set_xlabel(named(label, unit))
            axes.set_ylabel("oscillators")
        legend_above(panels[0, 1], 2)
    return drawn


def _coupling(drawn: Any, axes: Any, coupling: Any) -> None:
    values, unit = scaled(coupling, "T")
    limit = float(np.quantile(np.abs(values), 0.995)) or 1.0
    image = axes.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    axes.grid(False)
    axes.set_xlabel("from oscillator")
    axes.set_ylabel("to oscillator")
    drawn.colorbar(image, ax=axes, label=named("coupling field", unit))
    title(axes, "Coupling")


def _histograms(axes: Any, both: np.ndarray) -> None:
    low, high = float(both.min()), float(both.max())
    if high - low <= 1e-9 * max(abs(high), abs(low), 1e-30):
        low, high = low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0)
    edges = np.linspace(low, high, 41)
    axes.hist(both[0], edges, color=GREY, alpha=0.5, label="before")
    axes.hist(both[1], edges, color=BLUE, alpha=0.7, label="trained")
