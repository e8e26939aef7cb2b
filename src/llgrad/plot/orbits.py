"""The picture of an orbit: the path of the magnetisation on the unit sphere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from llgrad.plot.sources import columns_of
from llgrad.plot.style import BLUE, GREEN, ORANGE, PURPLE, VERMILION, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POINTS: Final = 20_000
"""More samples than these are thinned: a denser line shows no more."""

ELEVATION, AZIMUTH = 22.0, 35.0
"""Where the viewer stands [deg]."""

_LINES: Final = (BLUE, ORANGE, PURPLE, "#56B4E9", "#F0E442")


def orbit(source: Any) -> Figure:
    """The orbit on the unit sphere, with its start and its end; of an array, the first five oscillators.

    What lies behind the sphere is drawn pale.

    Args:
        source: Trajectory, (T, 3) or (T, N, 3), or a Trace with mx, my and mz.
    """
    data = columns_of(source)
    if not {"mx", "my", "mz"} <= set(data.values):
        raise ValueError(f"an orbit needs mx, my and mz, this trace has {', '.join(data.values)}; draw it with trace()")
    m = np.stack([data.values[name] for name in ("mx", "my", "mz")], axis=-1)
    m = m[:, None] if m.ndim == 2 else m
    paths = [m[:: max(1, len(m) // POINTS), i] for i in range(min(m.shape[1], len(_LINES)))]
    with figure(6.6) as drawn:
        drawn.set_layout_engine("none")
        axes: Any = drawn.add_axes((0.0, -0.03, 1.0, 1.0), projection="3d", computed_zorder=False)
        _globe(axes)
        for i, path in enumerate(paths):
            _line(axes, path, color=_LINES[i], linewidth=1.3, label=f"oscillator {i}" if len(paths) > 1 else "orbit")
        for place, colour, marker, label in ((0, GREEN, "o", "start"), (-1, VERMILION, "s", "end")):
            ends = m[place, : len(paths)].T
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
