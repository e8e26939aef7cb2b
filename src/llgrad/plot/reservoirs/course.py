"""A reservoir at work: the signal, what is read, and the answers, one below the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.plot.style import BLUE, GREY, VERMILION, figure, legend_above, title
from llgrad.reservoir.estimator import Reservoir
from llgrad.reservoir.tasks.task import SignalTask

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TARGETS = 3
"""Most targets that are drawn."""


def reservoir(found: Reservoir, task: SignalTask, symbols: int = 60) -> Figure:
    """The last symbols of a task: the signal, the readings (each node of each oscillator a row, brought to its mean and
    deviation), and target and answer.

    Args:
        found: a fitted reservoir. task: what `narma` and its like make. symbols: how many are drawn.

    >>> import llgrad as lg
    >>> device = lg.presets.kubota2013().replace(current=0.0, alpha=0.05, field=(0, 0, 0.3))
    >>> reservoir = lg.reservoir.Reservoir(device, hold=1e-9, input="field_x", gain=0.1, nodes=10, washout=20)
    >>> task = lg.reservoir.narma(2, length=300, seed=1)
    >>> len(lg.plot.reservoir(reservoir.fit(task.signal, task.target), task).axes)
    4
    """
    check_kind("found", found, Reservoir, "give a Reservoir that was fitted")
    check_kind("task", task, SignalTask, "give what narma and its like make")
    states = found.states(task.signal)
    answers = np.asarray(found.readout_(states))
    shown = slice(max(0, len(task) - symbols), len(task))
    t = np.arange(len(task))[shown]
    count = min(TARGETS, task.target.shape[1])
    places = np.linspace(0, task.target.shape[1] - 1, count).round().astype(int)
    with figure(4.4 + 1.3 * count) as drawn:
        panels = drawn.subplots(2 + count, 1, sharex=True, height_ratios=[1, 2, *[1.2] * count])
        for row in task.signal[shown].T:
            panels[0].step(t, row, where="mid", color=GREY)
        panels[0].set_ylabel("signal")
        title(panels[0], f"{task.name}: {task.about}")
        scaled = (states[shown] - states.mean(axis=0)) / np.maximum(states.std(axis=0), 1e-300)
        edges = (t[0] - 0.5, t[-1] + 0.5, states.shape[1] + 0.5, 0.5)
        image = panels[1].imshow(
            scaled.T, aspect="auto", cmap="RdBu_r", vmin=-3, vmax=3, extent=edges, interpolation="nearest"
        )
        panels[1].locator_params(axis="y", integer=True, min_n_ticks=1)
        panels[1].set_ylabel("reading")
        drawn.colorbar(image, ax=panels[1], label="from its mean, in\nits deviations", extend="both")
        panels[1].grid(False)
        for axes, place in zip(panels[2:], places, strict=True):
            axes.plot(t, task.target[shown, place], color=BLUE, label="target")
            axes.plot(t, answers[shown, place], "--", color=VERMILION, label="answer")
            axes.set_ylabel(_label(task, int(place)))
        legend_above(panels[2], 2)
        panels[-1].set_xlabel("symbol")
    return drawn


def _label(task: SignalTask, place: int) -> Any:
    label = task.labels[place] if task.labels else ""
    return f"delay {label}" if label.isdigit() else label
