"""The front between two aims."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.units import show
from llgrad.optimising.front import Front
from llgrad.plot.style import BLUE, GREY, figure, in_order, named, scaled, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST: Final = 8
"""Free parameters that are drawn."""
LOG: Final = 10.0
"""Values that span more than this go on a logarithmic axis."""


def front(found: Front) -> Figure:
    """The Pareto front of two aims, and the free parameters along it, in parts of what they span.

    Args:
        found: what `lg.optimising.pareto_front` found.

    >>> import llgrad as lg
    >>> def heat(sto):
    ...     return sto.current**2
    >>> def pull(sto):
    ...     return sto.current * sto.polarization
    >>> front = lg.optimising.pareto_front(
    ...     lg.presets.kubota2013(), [lg.minimise(heat), lg.maximise(pull)], {"current": ("1mA", "3mA")}, points=3
    ... )
    >>> len(lg.plot.front(front).axes)
    2
    """
    check_kind("found", found, Front, "give what lg.optimising.pareto_front found")
    first, second = (scaled([one.values[i] for one in found.points], found.units[i]) for i in (0, 1))
    names = list(found.parameter_units)[:MOST]
    with figure(6.0) as drawn:
        above, below = drawn.subplots(2, 1, sharex=True, height_ratios=(1.3, 1.0))
        above.plot(second[0], first[0], "-", color=GREY, linewidth=0.8)
        above.plot(second[0], first[0], "o", color=BLUE, markersize=6)
        for (values, _), scale in ((first, above.set_yscale), (second, above.set_xscale)):
            if (values > 0).all() and values.max() > LOG * values.min():
                scale("log")
        above.set_ylabel(named(f"{found.senses[0]} {found.names[0].replace('_', ' ')}", first[1]))
        below.set_xlabel(named(f"{found.senses[1]} {found.names[1].replace('_', ' ')}", second[1]))
        title(above, "Front: none is better in both")
        for place, name in enumerate(names):
            values = np.array([one.parameters[name] for one in found.points])
            low, high = values.min(), values.max()
            part = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
            unit = found.parameter_units[name]
            told = f"{name}: {show(float(low), unit)}" + (f" to {show(float(high), unit)}" if high > low else "")
            below.plot(second[0], part, "o-", color=in_order(place, len(names)), markersize=4, label=told)
        below.set_ylabel("part of its span")
        below.set_ylim(-0.08, 1.08)
        drawn.legend(*below.get_legend_handles_labels(), loc="outside lower center", ncols=min(2, len(names)))
    return drawn
