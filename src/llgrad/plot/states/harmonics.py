"""Harmonic Hall voltages against what is swept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.units import show
from llgrad.experiments.harmonics.result import HarmonicHall
from llgrad.plot.style import BLUE, GREY, VERMILION, figure, named, scaled, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SLIGHT = 1e-6
"""A part of a harmonic below this, of the other, is not drawn."""


def harmonics(found: HarmonicHall) -> Figure:
    """The first harmonic, and below it the second: what is in phase with the current, and what is out of phase; jumps
    are dotted.

    Args:
        found: what `harmonic_hall` found.

    >>> import llgrad as lg
    >>> film = lg.Layer("free", Ms=1e6, thickness=1e-9, area=1e-12, H_k=1.5, demag=(0, 0, 0), m=(0, 0, 1),
    ...     terms=(lg.physics.SpinOrbitTorque(1.0, field_like=0.5),))
    >>> film_of_bar = lg.readout.Film(200.0, (lg.readout.AHE(1.0), lg.readout.PHE(0.4)))
    >>> bar = lg.readout.HallBar(film_of_bar, length=20e-6, width=5e-6)
    >>> found = lg.experiments.harmonic_hall(lg.Stack(film, readouts=bar), "field", -0.05, 0.05, current=1e-3,
    ...     angle=(1.5707963267948966, 0.0), steps=2, m0={"free": lg.systems.Spin(0.0, 0.0, 1.0)})
    >>> len(lg.plot.harmonics(found).axes)
    2
    """
    check_kind("found", found, HarmonicHall, "give what harmonic_hall found")
    angle = found.loop.unit == "rad"
    x, unit = (np.rad2deg(found.values), "°") if angle else scaled(found.values, found.loop.unit)
    largest = int(np.abs(found.values).argmax())
    with figure(5.6) as drawn:
        panels = drawn.subplots(2, 1, sharex=True)
        for axes, word, harmonic in zip(panels, ("first", "second"), ("ωt", "2ωt"), strict=True):
            parts = {wave: np.asarray(getattr(found, f"{word}_{wave}")) for wave in ("sine", "cosine")}
            sizes = np.nan_to_num([np.abs(part) for part in parts.values()]).max(axis=1)
            told, of = scaled(np.array(list(parts.values())), "V")
            for values, size, wave, colour in zip(told, sizes, ("sin", "cos"), (BLUE, VERMILION), strict=True):
                if size > SLIGHT * sizes.max():
                    axes.plot(x, values, color=colour, label=f"{wave} {harmonic}")
            for number, jump in enumerate(found.loop.jumps):
                place, label = jump.value * x[largest] / found.values[largest], None if number else "jump"
                axes.axvline(place, color=GREY, linestyle=":", linewidth=1.0, label=label)
            if axes.get_legend_handles_labels()[0]:
                axes.legend(loc="best")
            axes.set_ylabel(named(f"{word} harmonic", of))
        panels[-1].set_xlabel(named({"polar": "polar angle"}.get(found.loop.parameter, found.loop.parameter), unit))
        title(panels[0], f"Harmonics of the Hall voltage, {show(float(f'{found.current:.4g}'), 'A')}")
        drawn.align_ylabels(panels)
    return drawn
