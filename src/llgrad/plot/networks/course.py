"""The pictures of a network on a signal: input, states and answers over time, and what one pulse changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.arguments.kinds import check_parts
from llgrad.networks.memory import PulseResponse
from llgrad.plot.style import BLUE, GREY, colours, figure, legend_above, named, scaled, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_LINES: Final = 5
"""Features, or answers, that are drawn as lines; more of them are rows of a map."""
COLOURS: Final = {"before": GREY, "trained": BLUE}
BINS: Final = 20


def signal_course(
    times: Float[ArrayLike, " T"],
    states: Float[ArrayLike, "T N"],
    signal: Float[ArrayLike, "K F"],
    answers: Float[ArrayLike, "K O"],
    names: Sequence[str],
    wanted: Float[ArrayLike, "K O"] | None = None,
    what: str = "$m_x$",
    most: float = 1.0,
) -> Figure:
    """A signal, one component of the state of every oscillator, and the answers after each frame, one below the other.

    Args:
        times: of the states, from the start of the signal, evenly spaced (T,) [s].
        states: (T, N).
        signal: (K, F): its frames follow each other over the same time.
        answers: (K, O): numbers, or the probabilities of classes.
        names: of the answers (O,).
        wanted: (K, O) of a regression, not a number where nothing is read; None for classes.
        what: the component that is shown.
        most: its size at the ends of the colours.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> figure = lg.plot.signal_course(
    ...     1e-10 * np.arange(20), np.zeros((20, 4)), np.zeros((10, 1)), np.zeros((10, 1)), ["y"], np.ones((10, 1))
    ... )
    >>> [axes.get_ylabel() for axes in figure.axes][:3]
    ['input', 'oscillator', 'y']
    """
    (t, unit), states, signal, answers = scaled(times, "s"), *map(np.asarray, (states, signal, answers))
    if states.shape[:1] != t.shape or signal.ndim != 2 or answers.shape != (len(signal), len(names)) or t.size < 2:
        raise ValueError(
            f"times {t.shape}, states {states.shape}, signal {signal.shape} and answers {answers.shape}: expected "
            f"(T,), (T, N), (K, F) and (K, {len(names)})"
        )
    edges = np.linspace(t[0], t[-1], len(signal) + 1)
    with figure(6.4) as drawn:
        panels = drawn.subplots(3, 1, sharex=True, height_ratios=[1, 1.6, 1.3])
        _input(drawn, panels[0], edges, signal)
        extent = (t[0], t[-1], states.shape[1] + 0.5, 0.5)
        image = panels[1].imshow(
            states.T, "RdBu_r", aspect="auto", extent=extent, vmin=-most, vmax=most, interpolation="none"
        )
        panels[1].grid(False)
        panels[1].locator_params(axis="y", integer=True)
        panels[1].set_ylabel("oscillator")
        drawn.colorbar(image, ax=panels[1], label=what, ticks=[-most, 0, most], format="%.3g")
        _answers(drawn, panels[2], edges, answers, tuple(names), wanted)
        panels[2].set_xlabel(named("time", unit))
        panels[2].set_xlim(t[0], t[-1])
    return drawn


def _input(drawn: Any, axes: Any, edges: np.ndarray, signal: np.ndarray) -> None:
    if signal.shape[1] <= MOST_LINES:
        for number, row in enumerate(signal.T):
            axes.stairs(row, edges, baseline=None, color=list(colours(map(str, range(MOST_LINES))).values())[number])
        axes.set_ylabel("input")
        return
    extent = (edges[0], edges[-1], signal.shape[1] + 0.5, 0.5)
    image = axes.imshow(signal.T, "viridis", aspect="auto", extent=extent, interpolation="none")
    axes.grid(False)
    axes.set_ylabel("feature")
    drawn.colorbar(image, ax=axes, label="input")


def _answers(
    drawn: Any, axes: Any, edges: np.ndarray, answers: np.ndarray, names: tuple[str, ...], wanted: Any
) -> None:
    if wanted is None and len(names) > MOST_LINES:
        extent = (edges[0], edges[-1], len(names) - 0.5, -0.5)
        image = axes.imshow(answers.T, "Blues", aspect="auto", extent=extent, vmin=0, vmax=1, interpolation="none")
        axes.grid(False)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylabel("answer")
        drawn.colorbar(image, ax=axes, label="probability")
        return
    shown, ends = names[:MOST_LINES], edges[1:]
    for number, (name, colour) in enumerate(colours(shown).items()):
        label = name if wanted is None else "answer" if len(shown) == 1 else f"{name}, answer"
        axes.plot(ends, answers[:, number], color=colour, label=label)
        if wanted is not None:
            target = "wanted" if len(shown) == 1 else None
            axes.plot(ends, np.asarray(wanted)[:, number], "--", color="black", linewidth=1, label=target)
    axes.set_ylabel("probability" if wanted is None else shown[0] if len(shown) == 1 else "answer")
    legend_above(axes, min(len(shown) * (1 if wanted is None else 2), 6))


def pulse_response(before: PulseResponse | None, after: PulseResponse) -> Figure:
    """What one pulse in the input changes, before and after training: the deviation of each oscillator over time, and
    how long each remembers.

    Args:
        before: what `lg.networks.pulse_response` tells of the array at the start, or None where it is not known.
        after: the same of the trained array.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> times = np.linspace(0, 5e-9, 51)
    >>> found = lg.networks.PulseResponse(times, np.exp(-times[:, None] / np.array([1e-9, 2e-9])), 1e-10)
    >>> [axes.get_xlabel() for axes in lg.plot.pulse_response(None, found).axes]
    ['time since the pulse (ns)', 'time constant (ns)']
    """
    for name, given in (("after", after), ("before", after if before is None else before)):
        check_parts(name, given, ("times", "deviations", "time_constants"), "what lg.networks.pulse_response tells")
    sets = {"trained": after} if before is None else {"before": before, "trained": after}
    with figure(4.4) as drawn:
        course, histogram = drawn.subplots(1, 2, width_ratios=[1.3, 1])
        _, unit = scaled(after.times, "s")
        factor = scaled(after.times, "s")[0][-1] / after.times[-1]
        top = max(float(one.deviations.max()) for one in sets.values())
        for label, one in sets.items():
            size = np.maximum(one.deviations, 1e-5 * top)
            course.plot(factor * one.times, size, color=COLOURS[label], linewidth=0.5, alpha=0.25)
            course.plot(factor * one.times, np.median(size, axis=1), color=COLOURS[label], linewidth=2, label=label)
        course.axvspan(0, factor * after.pulse, color="#dddddd", linewidth=0)
        course.set_yscale("log")
        course.set_ylim(0.8e-5 * top, 1.5 * top)
        course.set_xlabel(named("time since the pulse", unit))
        course.set_ylabel("deviation of each oscillator, and median")
        title(course, "One pulse")
        legend_above(course, 2)
        _constants(histogram, {label: factor * one.time_constants for label, one in sets.items()}, unit)
    return drawn


def _constants(axes: Any, sets: dict[str, np.ndarray], unit: str) -> None:
    """Histograms of time constants over the same bins; how many remember longer than was looked at stands above."""
    known = [values[np.isfinite(values)] for values in sets.values()]
    every = np.concatenate(known)
    if every.size:
        bins = np.linspace(0.0, 1.02 * every.max(), BINS + 1)
        for (label, values), colour in zip(sets.items(), map(COLOURS.get, sets), strict=True):
            axes.hist(values[np.isfinite(values)], bins, color=colour, alpha=0.6, label=label)
    longer = [f"{label}: {int(np.isinf(v).sum())} of {v.size}" for label, v in sets.items() if np.isinf(v).any()]
    if longer:
        axes.set_ylim(0, 1.4 * max(axes.get_ylim()[1], 1.0))
        text = "longer than shown:\n" + "\n".join(longer)
        axes.text(0.97, 0.97, text, transform=axes.transAxes, ha="right", va="top", fontsize=9)
    axes.locator_params(axis="y", integer=True)
    axes.set_xlabel(named("time constant", unit))
    axes.set_ylabel("oscillators")
    title(axes, "Memory")
