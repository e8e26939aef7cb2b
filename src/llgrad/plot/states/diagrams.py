"""Pictures of maps: the phase diagram over two parameters, and quantities over one."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.experiments.sweeps.axes import Axis
from llgrad.experiments.sweeps.record import Map
from llgrad.experiments.sweeps.regions import NAMES, WITH_ORBIT, Region
from llgrad.orbits.results.locking import WEAK
from llgrad.orbits.results.named import QUANTITIES
from llgrad.plot.style import BLUE, GREY, VERMILION, figure, named, scaled, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS: Final[dict[Region, str]] = {
    Region.NOT_COMPUTED: "#ffffff",
    Region.OSCILLATES: "#7db8da",
    Region.BISTABLE: "#9fd8b8",
    Region.REST: "#e4e4e4",
    Region.BELOW: "#f3e3c3",
    Region.DEATH: "#d9c7d8",
    Region.WRONG_SIGN: "#f2c9b5",
    Region.NEITHER: "#e69f00",
    Region.LOST: "#555555",
    Region.UNRESOLVED: "#a0522d",
}
"""Of each region: muted, so that lines and points stand out."""
WIDE: Final = 100.0
"""Positive numbers over more than this factor are drawn by their logarithm."""
ENLARGED: Final = 3
"""Markers of the legend are so many times those of the picture."""
WIDTHS: Final = ("line_width", "linear_width")
BROAD: Final = 20
"""Letters in a line of a label beside one of several panels."""


def phase_diagram(found: Map, quantity: str | None = None, log: bool | None = None) -> Figure:
    """The phase diagram of a map over two parameters: its regions in colours, with the Hopf lines; or, where a quantity
    is named, that quantity where there is an orbit, over the regions in which there is none.

    Of a line width the dashed line is where it equals Γ/2π: on its far side it is no line width.

    Args:
        found: what `lg.sweep` found over two parameters.
        quantity: the name of a quantity in it; None draws the regions only.
        log: whether colours go by the logarithm; by default where the numbers span more than a factor of 100.

    Raises ValueError for a map over one parameter, for a quantity that was not computed, and for a logarithm of numbers
    that are not positive.

    >>> import llgrad as lg
    >>> sto = lg.presets.kubota2013()
    >>> found = lg.sweep(sto, {"current": "0.2mA:1mA:3", "field.z": "10mT:30mT:2"}, quantities="frequency")
    >>> lg.plot.phase_diagram(found, "frequency").axes[0].get_ylabel()
    'field.z (mT)'
    """
    check_kind("found", found, Map, "give what lg.sweep found")
    if len(found.axes) != 2:
        raise ValueError("a phase diagram has two parameters, and this map has one; see llgrad.plot.sweep")
    values = None if quantity is None else _checked(found, quantity)
    with figure(5.0) as drawn:
        axes = drawn.add_subplot()
        factors = [_factor(axis) for axis in found.axes]
        edges = [_edges(axis) / factor for axis, (factor, _) in zip(found.axes, factors, strict=True)]
        present = _regions(axes, found, edges, faint=values is not None)
        if quantity is not None and values is not None:
            _image(drawn, axes, found, quantity, values, edges, log)
        _lines(axes, found, [factor for factor, _ in factors])
        if quantity in WIDTHS and (found.noise_ratio > 1).any() and (found.noise_ratio <= 1).any():
            centres = [axis.values / factor for axis, (factor, _) in zip(found.axes, factors, strict=True)]
            _border(axes, centres, found.noise_ratio)
        for axis, (_, unit), name in zip(found.axes, factors, "xy", strict=True):
            getattr(axes, f"set_{name}label")(named(axis.name, unit))
            if axis.logarithmic and (axis.values > 0).all():
                getattr(axes, f"set_{name}scale")("log")
        axes.set_xlim(*sorted(edges[0][[0, -1]]))
        axes.set_ylim(*sorted(edges[1][[0, -1]]))
        axes.grid(False)
        _legend(axes, present if values is None else [r for r in present if r not in WITH_ORBIT])
        text = "Phase diagram" if quantity is None else QUANTITIES[quantity].what
        title(axes, text[0].upper() + text[1:])
    return drawn


def sweep(found: Map) -> Figure:
    """The quantities of a map over one parameter, one panel each, over the regions in colours; dotted lines are Hopf
    points, and open circles numbers of first order where it does not hold: line widths above Γ/2π, and locking ranges
    that are too wide for theory.

    Args:
        found: what `lg.sweep` found over one parameter.

    Raises ValueError for a map over two.

    >>> import llgrad as lg
    >>> found = lg.sweep(lg.presets.kubota2013(), {"current": "0.2mA:1mA:5"}, quantities="frequency")
    >>> lg.plot.sweep(found).axes[0].get_xlabel()
    'current (mA)'
    """
    check_kind("found", found, Map, "give what lg.sweep found")
    if len(found.axes) != 1:
        raise ValueError("a sweep has one parameter, and this map has two; see llgrad.plot.phase_diagram")
    (axis,) = found.axes
    factor, unit = _factor(axis)
    x, edges = axis.values / factor, _edges(axis) / factor
    count = len(found.quantities)
    with figure(1.4 + 1.9 * count) as drawn:
        panels = np.atleast_1d(drawn.subplots(count, 1, sharex=True))
        for axes, (name, values) in zip(panels, found.quantities.items(), strict=True):
            for i, region in enumerate(found.regions.tolist()):
                axes.axvspan(*edges[i : i + 2], color=COLOURS[Region(region)], alpha=0.45, linewidth=0)
            told, prefixed = scaled(values, QUANTITIES[name].unit)
            axes.plot(x, told, ".-", color=BLUE, markersize=4)
            rough = _beyond_first_order(found, name)
            axes.plot(x[rough], told[rough], "o", color=BLUE, markerfacecolor="white", markersize=5)
            for onset in found.onsets.values[:, 0] / factor:
                axes.axvline(onset, color="black", linestyle=":", linewidth=1.2)
            what = textwrap.fill(QUANTITIES[name].what, BROAD)
            axes.set_ylabel(f"{what}\n({prefixed})" if prefixed else what)
            if _is_wide(values):
                axes.set_yscale("log")
        panels[-1].set_xlabel(named(axis.name, unit))
        panels[-1].set_xlim(*sorted(edges[[0, -1]]))
        if axis.logarithmic and (axis.values > 0).all():
            panels[-1].set_xscale("log")
        if found.onsets.values.size:
            panels[0].plot([], [], ":", color="black", linewidth=1.2, label="Hopf")
        if any(_beyond_first_order(found, name).any() for name in found.quantities):
            look = {"color": BLUE, "markerfacecolor": "white", "markersize": 5 / ENLARGED}
            panels[0].plot([], [], "o", label="beyond first order", **look)
        _legend(panels[0], [Region(number) for number in np.unique(found.regions).tolist()])
        title(panels[0], "Sweep")
    return drawn


def _beyond_first_order(found: Map, quantity: str) -> np.ndarray:
    """Where a number of a sweep is of first order in a noise or a drive that is not weak."""
    if quantity in WIDTHS:
        return found.noise_ratio > 1
    if quantity == "locking" and "return_rate" in found.quantities:
        return 2 * np.pi * found["locking"] >= WEAK * found["return_rate"]
    return np.zeros(found.regions.shape, bool)


def _border(axes: Axes, centres: list[np.ndarray], ratio: np.ndarray) -> None:
    """The line on which the line width is Γ/2π, where it runs between points of the map."""
    look = {"linestyles": "--", "linewidths": 1.2}
    lines = axes.contour(*centres, np.ma.masked_invalid(ratio.T), [1.0], colors=VERMILION, **look)
    if any(len(path) for path in lines.get_paths()):
        axes.plot([], [], "--", color=VERMILION, label="line width = Γ/2π")


def _checked(found: Map, quantity: str) -> np.ndarray:
    if quantity not in found.quantities:
        raise ValueError(f"{quantity!r} was not computed; there are {', '.join(found.quantities)}")
    return found.quantities[quantity]


def _factor(axis: Axis) -> tuple[float, str]:
    """What the values of an axis are divided by, and the unit that is left."""
    if axis.unit == "rad":
        return np.pi / 180, "°"
    largest = float(np.abs(axis.values).max())
    shown, unit = scaled([largest], axis.unit)
    return largest / float(shown[0]), unit


def _edges(axis: Axis) -> np.ndarray:
    """The borders (P + 1,) of cells round values."""
    log = axis.logarithmic and bool((axis.values > 0).all())
    values = np.log(axis.values) if log else axis.values
    middle = (values[1:] + values[:-1]) / 2
    whole = np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])
    return np.exp(whole) if log else whole


def _regions(axes: Axes, found: Map, edges: list[np.ndarray], faint: bool) -> list[Region]:
    """The regions as a background; which there are."""
    from matplotlib.colors import ListedColormap

    present = [Region(number) for number in np.unique(found.regions).tolist()]
    numbers = np.searchsorted([int(region) for region in present], found.regions)
    shades = ListedColormap([COLOURS[region] for region in present])
    axes.pcolormesh(
        *edges, numbers.T, cmap=shades, vmin=-0.5, vmax=len(present) - 0.5, alpha=0.6 if faint else 1.0, linewidth=0
    )
    return present


def _image(
    drawn: Figure, axes: Axes, found: Map, quantity: str, values: np.ndarray, edges: list[Any], log: bool | None
) -> None:
    """A quantity in colours, with its bar."""
    from matplotlib.colors import LogNorm

    told, unit = scaled(values, QUANTITIES[quantity].unit)
    known = told[np.isfinite(told)]
    if not known.size:
        return
    log = _is_wide(values) if log is None else log
    if log and (known <= 0).any():
        raise ValueError(f"{quantity} is not positive everywhere, so that it has no logarithm; draw it with log=False")
    norm = LogNorm(known.min(), known.max()) if log else None
    image = axes.pcolormesh(*edges, np.ma.masked_invalid(told).T, cmap="viridis", norm=norm, linewidth=0)
    drawn.colorbar(image, ax=axes, label=named(QUANTITIES[quantity].what, unit), pad=0.02)


def _is_wide(values: np.ndarray) -> bool:
    known = values[np.isfinite(values)]
    return bool(known.size and known.min() > 0 and known.max() > WIDE * known.min())


def _lines(axes: Axes, found: Map, factors: list[float]) -> None:
    """The Hopf points, which lie so near to each other that they look like lines."""
    points, mild = found.onsets.values / np.array(factors), found.onsets.supercritical
    for chosen, colour, text in ((mild, "black", "Hopf"), (~mild, VERMILION, "Hopf, subcritical")):
        if chosen.any():
            axes.plot(*points[chosen].T, ".", color=colour, markersize=2.5, label=text)


def _legend(axes: Axes, present: list[Region]) -> None:
    """What the colours and lines are, below the title's line, outside the data."""
    from matplotlib.patches import Patch

    patches = [Patch(facecolor=COLOURS[region], edgecolor=GREY, linewidth=0.5) for region in present]
    lines, texts = axes.get_legend_handles_labels()
    handles, labels = [*patches, *lines], [*(NAMES[region] for region in present), *texts]
    if handles:
        axes.figure.legend(handles, labels, loc="outside lower center", ncols=3, markerscale=ENLARGED)  # type: ignore[attr-defined]
