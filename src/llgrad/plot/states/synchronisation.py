"""Phases of several oscillators beside each other, and their order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.experiments.synchronisation import Synchronisation
from llgrad.plot.style import GREY, colours, figure, legend_above, named, scaled, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def synchronisation(found: Synchronisation) -> Figure:
    """By how much each phase is ahead of the first's, and below it the phase order, against time.

    Args:
        found: what `synchronisation` found.

    >>> import llgrad as lg
    >>> run = lg.simulate(lg.presets.taniguchi2018(), duration=40e-9, dt=10e-12)
    >>> len(lg.plot.synchronisation(lg.experiments.synchronisation(run)).axes)
    2
    """
    check_kind("found", found, Synchronisation, "give what synchronisation found")
    moving = np.isfinite(found.frequencies)
    names = [name for name, moves in zip(found.signals, moving, strict=True) if moves]
    phases, own = found.phases[moving], colours(names)
    t, unit = scaled(found.t, "s")
    with figure(5.6) as drawn:
        ahead, order = drawn.subplots(2, 1, sharex=True)
        for name, values in zip(names, phases, strict=True):
            turns = (values - phases[0]) / math.tau
            turns = turns - np.round(turns[0])
            ahead.plot(t, turns, color=own[name], label=name)
        ahead.set_ylabel("ahead of the first (turns)")
        order.plot(t, np.abs(np.exp(1j * phases).mean(axis=0)) if len(phases) else np.full(t.shape, np.nan), color=GREY)
        order.set_ylim(-0.03, 1.03)
        order.set_ylabel("phase order")
        order.set_xlabel(named("time", unit))
        order.set_xlim(t[0], t[-1])
        if 0 < len(names) <= 6:
            legend_above(ahead, len(names))
        title(order, str(found))
        drawn.align_ylabels([ahead, order])
    return drawn
