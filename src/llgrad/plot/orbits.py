"""The picture of an orbit: the path of the magnetisation on the unit sphere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import jax
import numpy as np

from llgrad.core.trajectory import SystemSignal, SystemTrajectory
from llgrad.core.vector import Vec3
from llgrad.devices.states.components import component_names
from llgrad.devices.system import System
from llgrad.plot.sources import Plotted, columns_of
from llgrad.plot.style import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    VERMILION,
    figure,
    label_of,
    legend_above,
    named,
    scaled,
    title,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POINTS: Final = 20_000
"""More samples than these are thinned: a denser line shows no more."""

ELEVATION, AZIMUTH = 22.0, 35.0
"""Where the viewer stands [deg]."""

_LINES: Final = (BLUE, ORANGE, PURPLE, "#56B4E9", "#F0E442")


def orbit(source: Plotted) -> Figure:
    """The orbit on the unit sphere, with its start and its end; of an array, the first five oscillators.

    What lies behind the sphere is drawn pale. Of a run of a `System` the path of each unit vector of its state is
    drawn, or, of a state of two numbers, their path in the plane.

    Args:
        source: Trajectory, (T, 3) or (T, N, 3), run of a system, or a Trace with mx, my and mz.

    >>> import llgrad as lg
    >>> run = lg.simulate(lg.presets.kubota2013(), duration=1e-9, dt=2e-12)
    >>> len(lg.plot.orbit(run).axes)
    1
    """
    if isinstance(source, SystemTrajectory):
        return _of_system(source)
    data = columns_of(source)
    if not {"mx", "my", "mz"} <= set(data.values):
        raise ValueError(f"an orbit needs mx, my and mz, this trace has {', '.join(data.values)}; draw it with trace()")
    m = np.stack([data.values[name] for name in ("mx", "my", "mz")], axis=-1)
    m = m[:, None] if m.ndim == 2 else m
    paths = [m[:: max(1, len(m) // POINTS), i] for i in range(min(m.shape[1], len(_LINES)))]
    return _on_the_sphere(paths, [f"oscillator {i}" for i in range(len(paths))] if len(paths) > 1 else ["orbit"])


def _of_system(run: SystemTrajectory) -> Figure:
    if np.ndim(run.t) != 1:
        raise ValueError(f"t has the shape {np.shape(run.t)}, expected (T,); plot one run of a batch at a time")
    if not isinstance(run.model, System):
        raise ValueError(
            f"an orbit is that of one system, and this is a run of {run.model.count}; draw it with trace()"
        )
    names, leaves = component_names(run.state), [np.asarray(leaf, float) for leaf in jax.tree.leaves(run.state)]
    places, place = [], 0
    for node in jax.tree.leaves(run.state, is_leaf=lambda node: isinstance(node, Vec3)):
        places += [place] if isinstance(node, Vec3) else []
        place += len(jax.tree.leaves(node))
    thinned = slice(None, None, max(1, leaves[0].size // POINTS))
    if places:
        paths = [np.stack(leaves[k : k + 3], axis=1)[thinned] for k in places[: len(_LINES)]]
        return _on_the_sphere(paths, [names[k].removesuffix("x").removesuffix(".") or "orbit" for k in places])
    if len(names) != 2:
        raise ValueError(
            f"an orbit is that of unit vectors, or of a state of two numbers, and this one has {', '.join(names)}; "
            "draw it with trace()"
        )
    return _in_the_plane([run.signal(name) for name in names], thinned)


def _in_the_plane(signals: list[SystemSignal], thinned: slice) -> Figure:
    path = [np.asarray(signal.values, float)[thinned] for signal in signals]
    units = {signal.unit for signal in signals}
    both, unit = scaled(np.stack(path), units.pop()) if len(units) == 1 else (np.stack(path), None)
    with figure(6.0) as drawn:
        axes = drawn.subplots()
        axes.plot(*both, color=BLUE, linewidth=1.1, label="orbit")
        for at, colour, marker, label in ((0, GREEN, "o", "start"), (-1, VERMILION, "s", "end")):
            axes.plot(both[0][at], both[1][at], marker, color=colour, markersize=7, label=label, markeredgecolor="k")
        for signal, write in zip(signals, (axes.set_xlabel, axes.set_ylabel), strict=True):
            write(named(label_of(signal.name), ("" if signal.unit == "1" else signal.unit) if unit is None else unit))
        if unit is not None:
            axes.set_aspect("equal", adjustable="datalim")
        title(axes, "Orbit")
        legend_above(axes, 3)
    return drawn


def _on_the_sphere(paths: list[np.ndarray], names: list[str]) -> Figure:
    with figure(6.6) as drawn:
        drawn.set_layout_engine("none")
        axes: Any = drawn.add_axes((0.0, -0.03, 1.0, 1.0), projection="3d", computed_zorder=False)
        _globe(axes)
        for i, path in enumerate(paths):
            _line(axes, path, color=_LINES[i], linewidth=1.3, label=names[i])
        for place, colour, marker, label in ((0, GREEN, "o", "start"), (-1, VERMILION, "s", "end")):
            ends = np.stack([path[place] for path in paths]).T
            axes.scatter(
                *ends, color=colour, s=45, marker=marker, label=label, depthshade=False, edgecolors="k", zorder=9
            )
        drawn.legend(*axes.get_legend_handles_labels(), loc="upper right", bbox_to_anchor=(0.99, 0.97))
        drawn.text(0.03, 0.95, "Orbit on the unit sphere", fontsize=12, va="center")
    return drawn


def _line(axes: Any, path: np.ndarray, *, label: str | None = None, **style: Any) -> None:
    """A path (T, 3) on the sphere: full in front, pale behind."""
    elevation, azimuth = np.radians(ELEVATION), np.radians(AZIMUTH)
    towards = (np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation))
    front = (path @ np.array(towards) >= -0.02)[:, None]
    axes.plot(*path.T, **style | {"alpha": 0.3 * style.get("alpha", 1.0)})
    axes.plot(*np.where(front, path, np.nan).T, label=label, zorder=5, **style)


def _globe(axes: Any) -> None:
    """Meridians, parallels, a stronger equator, and the three axes with their names."""
    around = np.linspace(0, 2 * np.pi, 241)
    faint = {"color": "#999999", "linewidth": 0.5, "alpha": 0.8}
    for azimuth in np.arange(0, np.pi, np.pi / 6):
        meridian = [np.sin(around) * np.cos(azimuth), np.sin(around) * np.sin(azimuth), np.cos(around)]
        _line(axes, np.stack(meridian, axis=-1), **faint)
    for polar in np.arange(np.pi / 6, np.pi - 0.1, np.pi / 6):
        equator = abs(polar - np.pi / 2) < 1e-9
        ring = [np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.full_like(around, np.cos(polar))]
        _line(axes, np.stack(ring, axis=-1), **faint | ({"color": "#555555", "linewidth": 1.0} if equator else {}))
    for i, name in enumerate("xyz"):
        tip = np.eye(3)[i]
        axes.plot(*np.stack([tip, 1.22 * tip], axis=-1), color="black", linewidth=1.0, zorder=6)
        axes.text(*(1.34 * tip), f"$m_{name}$", ha="center", va="center", zorder=7)
    axes.set_box_aspect((1, 1, 1), zoom=1.32)
    axes.view_init(elev=ELEVATION, azim=AZIMUTH)
    for name in "xyz":
        getattr(axes, f"set_{name}lim")(-1.1, 1.1)
    axes.set_axis_off()
