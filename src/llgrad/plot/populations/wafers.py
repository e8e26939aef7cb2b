"""A number of every device where the device is on its wafer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.plot.style import GREY, VERMILION, figure, legend_above, named, scaled, title
from llgrad.studies.populations.population import outliers_of
from llgrad.studies.result import Study

WIDE: Final = 5.2
"""Inches of the map itself."""

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def wafer(found: Study, name: str) -> Figure:
    """A number by place: crosses are rows without one, rings are outliers.

    Args:
        found: what `lg.studies.study` found, with the columns x and y [m] (see `labels` of `lg.studies.Fits`).
        name: of the number, such as "alpha".

    Raises ValueError where there are no places, or no such number.

    >>> import llgrad as lg
    >>> places = [{"x": 1e-3 * n, "y": 1e-3 * k} for n in range(4) for k in range(4)]
    >>> work = lg.studies.Evaluations(lambda x, y: {"radius": (x**2 + y**2) ** 0.5}, places, described={"radius": "m"})
    >>> len(lg.plot.wafer(lg.studies.study(work, "wafer", workers=0), "radius").axes)
    2
    """
    check_kind("found", found, Study, "give what lg.studies.study found")
    if not is_placed(found):
        raise ValueError(
            "the study has no columns x and y of places; give them as labels: {'A1': {'x': 0.0, 'y': 1e-3}}"
        )
    if name not in found.units:
        raise ValueError(f"the study has no number {name!r} of a device; it has {', '.join(found.units)}")
    places, unit = scaled(np.stack([found["x"].astype(float), found["y"].astype(float)]), "m")
    values, errors = found.numbers(name)
    shown, prefixed = scaled(np.nan_to_num(values), found.units[name])
    there, far = np.isfinite(values), outliers_of(values, errors)
    near = shown[there & ~far] if (there & ~far).any() else shown[there]
    ends = (float(near.min()), float(near.max())) if near.size else (0.0, 1.0)
    pitch, (across, along) = _pitch(places), np.ptp(places, axis=1)
    inches = WIDE / (across + pitch)
    with figure(min(max(inches * (along + pitch) + 1.3, 2.2), 9.0)) as drawn:
        axes = drawn.subplots()
        size = min(max((0.8 * 72 * inches * pitch) ** 2, 4.0), 900.0)
        limits = {"cmap": "viridis", "vmin": ends[0], "vmax": ends[1]}
        points = axes.scatter(*places[:, there], c=shown[there], s=size, marker="s", **limits)
        if far.any():
            ring = {"facecolors": "none", "edgecolors": VERMILION, "linewidths": 2}
            axes.scatter(*places[:, far], s=size, label="outlier", **ring)
        if (~there).any():
            axes.scatter(*places[:, ~there], s=0.4 * size, marker="x", color=GREY, label="no value")
        drawn.colorbar(points, ax=axes, label=named(name, prefixed))
        axes.set_aspect("equal")
        axes.margins(0.5 * pitch / max(across, pitch), 0.5 * pitch / max(along, pitch))
        axes.set_xlabel(named("x", unit))
        axes.set_ylabel(named("y", unit))
        if far.any() or (~there).any():
            legend_above(axes, 2)
        title(axes, f"{name} over the wafer")
    return drawn


def _pitch(places: np.ndarray) -> float:
    """The distance of neighbours: the shortest between two columns or two rows."""
    steps = np.concatenate([np.diff(np.unique(np.round(row, 9))) for row in places])
    return float(steps.min()) if steps.size else 1.0


def is_placed(found: Study) -> bool:
    """Whether every row has a place."""
    columns = found.table.column_names
    if not {"x", "y"} <= set(columns):
        return False
    return all(value is not None for name in ("x", "y") for value in found.table[name].to_pylist())
