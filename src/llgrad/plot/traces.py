"""The picture of a trace: components of the magnetisation, or a voltage, against time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from llgrad.plot.sources import Plotted, PlottedColumns, columns_of
from llgrad.plot.style import COMPONENTS, colours, figure, label_of, legend_above, named, scaled, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAWN = 100
"""At most so many oscillators of an array are drawn."""


def trace(source: Plotted) -> Figure:
    """Every column of a Trajectory or a Trace against time. An array has one panel for each component.

    Of a run of a `System` its outputs are drawn, or, where it declares none, the components of its state: a panel for
    each unit, and for each part of the state ("free.x", "free.y", "free.z").

    Args:
        source: Trajectory, (T, 3) or (T, N, 3), run of a system or one signal of it, or Trace.

    >>> import llgrad as lg
    >>> run = lg.simulate(lg.presets.kubota2013(), duration=1e-9, dt=2e-12)
    >>> [line.get_label() for line in lg.plot.trace(run).axes[0].lines]
    ['$m_x$', '$m_y$', '$m_z$']
    """
    data = columns_of(source)
    if any(values.ndim == 2 for values in data.values.values()):
        return _array(data)
    panels = _panels(data)
    with figure(2.0 + 2.2 * len(panels)) as drawn:
        all_axes = drawn.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for axes, names in zip(all_axes, panels, strict=True):
            _panel(axes, data, names)
        all_axes[-1].set_xlabel(named("time", scaled(data.t, "s")[1]))
        title(all_axes[0], "Trace")
    return drawn


def _panels(data: PlottedColumns) -> list[list[str]]:
    """The columns by panels: pure numbers first, then by unit and by the part of a state that they belong to."""
    found: dict[tuple[str, str], list[str]] = {}
    for name in sorted(data.values, key=lambda name: data.unit(name) != ""):
        found.setdefault((data.unit(name), name.rpartition(".")[0]), []).append(name)
    return list(found.values())


def _panel(axes: Any, data: PlottedColumns, names: list[str]) -> None:
    t, _ = scaled(data.t, "s")
    stacked, unit = scaled(np.stack([data.values[name] for name in names]), data.unit(names[0]))
    own = colours(names)
    for name, values in zip(names, stacked, strict=True):
        axes.plot(t, values, color=own[name], label=label_of(name))
    axes.set_xlim(t[0], t[-1])
    if set(names) <= {"mx", "my", "mz"}:
        axes.set_ylabel("magnetisation (unit vector)")
        axes.set_ylim(-1.05, 1.05)
    else:
        axes.set_ylabel(named(label_of(names[0]) if len(names) == 1 else _common(names), unit))
    if len(names) > 1 or not unit:
        legend_above(axes, len(names))


def _common(names: list[str]) -> str:
    """What several columns of a panel are called."""
    part = names[0].rpartition(".")[0]
    return label_of(part) if part else "signals"


def _array(data: PlottedColumns) -> Figure:
    t, time_unit = scaled(data.t, "s")
    count = next(iter(data.values.values())).shape[1]
    with figure(7.0) as drawn:
        all_axes, own = drawn.subplots(len(data.values), 1, sharex=True, squeeze=False)[:, 0], colours(data.values)
        for axes, (name, values) in zip(all_axes, data.values.items(), strict=True):
            values, unit = scaled(values, data.unit(name))
            axes.plot(t, values[:, :DRAWN], color=own[name], alpha=max(0.1, min(0.7, 5 / count)), linewidth=0.8)
            axes.plot(t, values.mean(axis=1), color="black", label="mean of all")
            axes.set_ylabel(named(label_of(name), unit))
            if name in COMPONENTS:
                axes.set_ylim(-1.05, 1.05)
        all_axes[-1].set_xlabel(named("time", time_unit))
        all_axes[-1].set_xlim(t[0], t[-1])
        title(all_axes[0], f"Array of {count} oscillators" + (f", the first {DRAWN} drawn" if count > DRAWN else ""))
        legend_above(all_axes[0], 1)
    return drawn
