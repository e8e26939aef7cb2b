"""What every picture shares: size, fonts, colours that colour-blind readers can tell apart, and axes with units.

Figures are made without pyplot, so nothing global changes. matplotlib is imported when the first figure is made.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH: Final = 7.5
DPI: Final = 120
"""Inches and dots per inch: every picture is 900 pixels wide."""

BLUE, VERMILION, GREEN, ORANGE, PURPLE = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7"
"""From the palette of M. Okabe and K. Ito, Color Universal Design (2008)."""
GREY: Final = "#666666"

COMPONENTS: Final = {"mx": BLUE, "my": VERMILION, "mz": GREEN, "voltage": PURPLE}
PREFIXES: Final = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P"}
_OTHERS: Final = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, "#56B4E9", "#000000")
LABELS: Final = {"mx": "$m_x$", "my": "$m_y$", "mz": "$m_z$", "voltage": "voltage"}

_SETTINGS: Final[dict[Any, Any]] = {
    "font.size": 11,
    "axes.labelsize": 11,
    "axes.titlesize": 12,
    "legend.fontsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "lines.linewidth": 1.3,
    "legend.frameon": False,
    "figure.dpi": DPI,
    "figure.constrained_layout.use": True,
    "path.simplify": True,
}


@contextlib.contextmanager
def figure(height: float = 4.2) -> Iterator[Figure]:
    """A new figure, 900 pixels wide, drawn in llgrad's style while the block lasts."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_SETTINGS):
        yield Figure(figsize=(WIDTH, height))


def scaled(values: Any, unit: str) -> tuple[np.ndarray, str]:
    """Values and unit with the prefix that makes the largest one easy to read: 2e-8 "s" → 20 "ns", 2e8 "1/s" → 200
    "1/µs"."""
    array = np.asarray(values, dtype=float)
    largest = float(np.nanmax(np.abs(array), initial=0.0))
    if unit in ("", "1") or largest == 0.0 or not np.isfinite(largest):
        return array, "" if unit == "1" else unit
    exponent = min(max(3 * int(np.floor(np.log10(largest) / 3 + 1e-9)), -15), 12)
    if unit.startswith("1/") and unit[2:].isalpha():
        return array / 10.0**exponent, f"1/{PREFIXES[-exponent]}{unit[2:]}"
    return array / 10.0**exponent, PREFIXES[exponent] + unit


def named(quantity: str, unit: str) -> str:
    """An axis label: "time (ns)"."""
    return f"{quantity} ({unit})" if unit else quantity


def label_of(name: str) -> str:
    """What a column is called in a picture: one that is counted by its place is a component.

    >>> label_of("mx"), label_of("m.x"), label_of("free.x"), label_of("0")
    ('$m_x$', '$m_x$', 'free.x', 'component 0')
    """
    name = name.replace(".", "") if name in ("m.x", "m.y", "m.z") else name
    return LABELS.get(name, f"component {name}" if name.isdigit() else name)


def colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each column: its own for a component of m or a voltage, one after the other for those of a
    system."""
    own = [name for name in names if name not in COMPONENTS]
    return {name: COMPONENTS[name] for name in names if name in COMPONENTS} | {
        name: _OTHERS[i % len(_OTHERS)] for i, name in enumerate(own)
    }


def in_order(number: int, count: int) -> Any:
    """The colour of the number-th of `count` ordered things, from dark to light."""
    import matplotlib

    return matplotlib.colormaps["viridis"](0.9 * number / max(count - 1, 1))


def legend_above(axes: Axes, columns: int) -> None:
    """The legend in one row above the axes, where it covers no data."""
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=columns, borderaxespad=0.2, handlelength=1.6)


def title(axes: Axes, text: str) -> None:
    """The title on the left, so that the legend has the right."""
    axes.set_title(text, loc="left")
