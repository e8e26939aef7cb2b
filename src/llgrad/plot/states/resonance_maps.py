"""Resonance maps: absorbed power or rectified voltage over field and frequency, with the modes as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.experiments.resonances.resonance_map import ResonanceMap
from llgrad.plot.style import GREY, figure, legend_above, named, scaled, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def resonance_map(found: ResonanceMap) -> Figure:
    """The absorbed power, and below it the spin-diode voltage where there is one, in colours, with the frequencies of
    the modes as dashed lines and jumps as dotted ones.

    Args:
        found: what `lg.experiments.resonance_map` found.

    >>> import llgrad as lg
    >>> film = lg.Oscillator(Ms=1e6, volume=1e-24, alpha=0.01, H_k=0.1, demag=(0.0, 0.0, 0.0))
    >>> found = lg.experiments.resonance_map(film, 0.3, 0.1, [6e9, 8e9], steps=4)
    >>> lg.plot.resonance_map(found).axes[0].get_ylabel()
    'frequency (GHz)'
    """
    check_kind("found", found, ResonanceMap, "give what lg.experiments.resonance_map found")
    panels = [("absorbed power", found.power, "W", "viridis")] if found.power.any() else []
    if found.voltage is not None and found.voltage.any():
        panels.append(("rectified voltage", found.voltage, "V", "RdBu_r"))
    order = np.argsort(found.fields)
    fields, field_unit = scaled(found.fields[order], "T")
    largest = np.abs(found.fields).max()
    factor = float(np.abs(fields).max() / largest)
    f, unit = scaled(found.frequencies, "Hz")
    jumps = [jump.value * factor for jump in found.loop.jumps]
    cuts = np.searchsorted(fields, jumps)
    modes = found.loop.frequencies[0][order] * float(f[-1] / found.frequencies[-1])
    at, modes = np.insert(fields, cuts, jumps), np.insert(modes, cuts, np.nan, axis=0)
    with figure(1.0 + 3.2 * max(len(panels), 1)) as drawn:
        for axes, (what, values, of, colours) in zip(
            drawn.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0], panels, strict=True
        ):
            told, shown = scaled(values[:, order], of)
            edge = float(np.abs(told).max())
            ends = {"vmin": -edge, "vmax": edge} if colours == "RdBu_r" else {}
            image = axes.pcolormesh(fields, f, told, cmap=colours, shading="nearest", rasterized=True, **ends)
            drawn.colorbar(image, ax=axes, label=named(what, shown), pad=0.02)
            line = "white" if colours == "viridis" else "black"
            axes.plot(at, modes, "--", color=line, linewidth=0.8, alpha=0.8)
            for jump in jumps:
                axes.axvline(jump, color=line, linestyle=":", linewidth=1.0)
            axes.set_ylim(f.min(), f.max())
            axes.set_ylabel(named("frequency", unit))
            axes.grid(False)
        axes = drawn.axes[0]
        drawn.axes[max(len(panels) - 1, 0)].set_xlabel(named("field", field_unit))
        axes.plot([], [], "--", color=GREY, linewidth=1.0, label="mode")
        if jumps:
            axes.plot([], [], ":", color=GREY, linewidth=1.2, label="jump")
        legend_above(axes, 2)
        title(axes, "Resonance")
    return drawn
