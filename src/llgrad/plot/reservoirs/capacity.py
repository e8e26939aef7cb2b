"""Capacities: by delay and degree, or of memory and parity by delay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.plot.style import BLUE, figure, in_order, title
from llgrad.reservoir.measures.information import InformationCapacity
from llgrad.reservoir.measures.memory import MemoryCapacity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMALL = 1e-3
"""Delays beyond the last one with so much are not drawn."""


def capacity(found: MemoryCapacity | InformationCapacity) -> Figure:
    """A capacity by delay: of an `information_capacity` the sums for each degree, stacked, by the largest delay of a
    product; of a `memory_capacity` r² of each delay.

    >>> import llgrad as lg
    >>> task = lg.reservoir.short_term_memory(length=400, delays=10, seed=1)
    >>> found = lg.reservoir.memory_capacity(lg.reservoir.LinearTaps(taps=6, washout=10), task)
    >>> lg.plot.capacity(found).axes[0].get_xlabel()
    'delay (symbols)'
    """
    check_kind("found", found, (InformationCapacity, MemoryCapacity), "give what measured it")
    with figure(3.8) as drawn:
        axes = drawn.subplots()
        if isinstance(found, MemoryCapacity):
            axes.bar(found.delays, found.values, color=BLUE)
            axes.set_ylabel("$r^2$")
            axes.set_xlabel("delay (symbols)")
        else:
            _stacked(axes, found)
        axes.locator_params(axis="x", integer=True, min_n_ticks=1)
        title(axes, _title(found))
    return drawn


def _title(found: Any) -> str:
    if isinstance(found, MemoryCapacity):
        return f"{found.name} capacity {found.total:.2f}"
    return f"capacity {found.total:.2f} of rank {found.rank}"


def _stacked(axes: Any, found: InformationCapacity) -> None:
    last = max([0, *(int(np.flatnonzero(row > SMALL).max(initial=0)) for row in found.by_delay.values())])
    below = np.zeros(last + 1)
    degrees = list(found.by_delay)
    for number, degree in enumerate(degrees):
        row = np.zeros(last + 1)
        given = found.by_delay[degree][: last + 1]
        row[: len(given)] = given
        axes.bar(np.arange(last + 1), row, bottom=below, color=in_order(number, len(degrees)), label=str(degree))
        below += row
    axes.set_xlabel("largest delay of a product (symbols)")
    axes.set_ylabel("capacity")
    axes.set_ylim(0, 1.05 * max(below.max(), 1e-3))
    axes.legend(title="degree", loc="upper left", bbox_to_anchor=(1.0, 1.0))
