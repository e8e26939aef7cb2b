"""Hysteresis loops: magnetisation, resistance and mode frequencies against what is swept, with every jump."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.units import show
from llgrad.experiments.loops.result import Loop
from llgrad.experiments.loops.walking import LONGEST_MOVE
from llgrad.plot.style import BLUE, GREY, VERMILION, figure, legend_above, named, scaled, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = (VERMILION, BLUE)
"""Of the sweep, and of the way back."""


def loop(found: Loop | Sequence[Loop]) -> Figure:
    """M along the field, the resistance where there is one, and the frequencies of the modes; full lines are where a
    state is followed, dotted ones its jumps.

    Args:
        found: what `lg.experiments.loop` found; several loops over one parameter are drawn below each other.

    >>> import llgrad as lg
    >>> film = lg.Oscillator(Ms=1e6, volume=1e-24, alpha=0.05, H_k=0.1, demag=(0.0, 0.0, 0.0))
    >>> found = lg.experiments.loop(film, "field", 0.2, -0.2, angle=(0.7853981633974483, 0.0))
    >>> lg.plot.loop(found).axes[-1].get_xlabel()
    'field (mT)'
    """
    loops: list[Any] = [*found] if isinstance(found, (list, tuple)) and found else [found]
    for one in loops:
        check_kind("found", one, Loop, "give what lg.experiments.loop found")
    if len({one.parameter for one in loops}) > 1:
        raise ValueError("these loops are over different parameters; draw those of one parameter together")
    kinds = _kinds(loops)
    count = len(kinds) if len(loops) == 1 else len(loops)
    with figure(1.2 + 2.2 * count) as drawn:
        panels = drawn.subplots(count, 1, sharex=True, squeeze=False)[:, 0]
        for i, axes in enumerate(panels):
            one, kind = (loops[0], kinds[i]) if len(loops) == 1 else (loops[i], kinds[0])
            _panel(axes, one, kind)
            if len(loops) > 1:
                polar, azimuth = np.rad2deg(one.angle)
                axes.text(0.01, 0.95, f"({polar:.4g}°, {azimuth:.4g}°)", transform=axes.transAxes, va="top")
        panels[-1].set_xlabel(named(loops[0].parameter, _swept(loops[0])[1]))
        for way, text in enumerate(("sweep", "back")[: len(loops[0].values)]):
            panels[0].plot([], [], color=COLOURS[way], label=text)
        if any(_places(one, way) for one in loops for way in range(len(one.values))):
            panels[0].plot([], [], ":", color=GREY, label="jump")
        legend_above(panels[0], 3)
        title(panels[0], _title(loops))
    return drawn


def _title(loops: list[Loop]) -> str:
    if len(loops) > 1 or len(loops[0].values) < 2:
        return "Loops" if len(loops) > 1 else "Sweep"
    first, second = loops[0].coercive
    if not np.isfinite([first, second]).all() or loops[0].parameter != "field":
        return "Loop"
    return f"Loop, coercive field {show(float(f'{abs(second - first) / 2:.4g}'), 'T')}"


def _kinds(loops: list[Loop]) -> list[str]:
    """What there is to draw: R first where a current is swept."""
    found = ["along"]
    if loops[0].resistance is not None:
        found = ["along", "resistance"] if loops[0].parameter == "field" else ["resistance", "along"]
    return [*found, *(["frequency"] if np.isfinite(loops[0].frequencies).any() else [])]


def _panel(axes: Axes, one: Loop, kind: str) -> None:
    """One quantity of both sweeps."""
    x, _ = _swept(one)
    values, label = _of(one, kind)
    for way in range(len(one.values)):
        places, forwards = _places(one, way), np.sign(x[way, -1] - x[way, 0])
        cuts = [int(np.searchsorted(forwards * x[way], forwards * place)) for place in places]
        for column in values[way].T:
            for begin, end in zip([0, *cuts], [*cuts, x.shape[1]], strict=True):
                axes.plot(x[way, begin:end], column[begin:end], "-", color=COLOURS[way], linewidth=1.4)
            for place, cut in zip(places, cuts, strict=True):
                if 0 < cut < x.shape[1] and kind != "frequency":
                    across = [x[way, cut - 1], place, place, x[way, cut]]
                    axes.plot(across, np.repeat(column[cut - 1 : cut + 1], 2), ":", color=COLOURS[way])
    if kind == "frequency":
        for way in range(len(one.values)):
            for place in _places(one, way):
                axes.axvline(place, color=COLOURS[way], linestyle=":", linewidth=0.8)
    axes.set_ylabel(label)
    if kind == "frequency":
        axes.set_ylim(bottom=0)


def _swept(one: Loop) -> tuple[np.ndarray, str]:
    return (np.rad2deg(one.values), "°") if one.unit == "rad" else scaled(one.values, one.unit)


def _places(one: Loop, way: int) -> list[float]:
    """Where a sweep jumps, on the axis: where a state goes on in another direction only, its line goes on too."""
    largest = np.unravel_index(np.abs(one.values).argmax(), one.values.shape)
    factor = float(_swept(one)[0][largest] / one.values[largest])
    jumps = [jump for jump in one.jumps if jump.way == way and np.abs(jump.after - jump.before).max() > LONGEST_MOVE]
    return [jump.value * factor for jump in jumps]


def _of(one: Loop, kind: str) -> tuple[np.ndarray, str]:
    """Values (W, P, K) and a label."""
    if kind == "along":
        return one.along[..., None], "$M/M_s$ along\nthe field"
    if kind == "resistance" and one.resistance is not None:
        told, unit = scaled(one.resistance, "Ω")
        return told[..., None], named("resistance", unit)
    told, unit = scaled(one.frequencies, "Hz")
    return told, named("modes", unit)
