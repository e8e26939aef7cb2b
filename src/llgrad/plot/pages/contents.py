"""The picture of what a file holds: a panel for each channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from llgrad.core.arguments.kinds import check_parts
from llgrad.core.units import unit_factor
from llgrad.datasets.recordings.contents import Contents, Row
from llgrad.datasets.tables.symbols import symbol_of
from llgrad.plot.style import BLUE, figure, named, scaled, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANELS: Final = 8
"""Channels that are drawn."""


def contents(found: Contents) -> Figure:
    """Every channel, column or array of a file against its times, the first 100,000 samples of each; of a file without
    times against the number of the sample.

    Args:
        found: Contents, as `contents` of the file gives it.

    >>> import llgrad as lg
    >>> from pathlib import Path
    >>> _ = Path("scope.csv").write_text("t (ns),CH1 (mV)\\n0,1\\n1,2\\n2,3\\n")
    >>> lg.plot.contents(lg.data.contents("scope.csv")).axes[0].get_ylabel()
    'CH1 (mV)'
    """
    check_parts("found", found, ("rows", "needs"), "the Contents of a file")
    rows = [row for row in found.rows if row.size > 1 and row.kind != "time"][:PANELS] or list(found.rows[:PANELS])
    with figure(1.6 + 1.5 * max(len(rows), 1)) as drawn:
        all_axes = drawn.subplots(max(len(rows), 1), 1, squeeze=False)[:, 0]
        for axes, row in zip(all_axes, rows, strict=False):
            _panel(axes, row)
        more = f", the first {len(rows)} of {len(found.rows)}" if len(rows) < len(found.rows) else ""
        title(all_axes[0], f"{found.kind}{more}")
    return drawn


def _panel(axes: Any, row: Row) -> None:
    x, y, across, unit = row.preview()
    x, across = _scaled(x, across)
    y, unit = _scaled(y, unit)
    axes.plot(x, y, color=BLUE, linewidth=0.9)
    axes.set_ylabel(named(row.name[-24:], unit or ("unit not said" if row.unit is None else "")))
    axes.set_xlabel(named({"s": "time", "Hz": "frequency"}.get(_si(across), "sample" if not across else ""), across))


def _si(unit: str) -> str:
    symbol = symbol_of(unit) if unit else None
    return unit_factor(symbol)[0] if symbol else ""


def _scaled(values: np.ndarray, unit: str) -> tuple[np.ndarray, str]:
    """Numbers and their unit with a prefix that makes them short; as they are where the unit is not known."""
    symbol = symbol_of(unit) if unit else None
    if symbol is None or not np.isfinite(values).any():
        return values, unit
    si, factor = unit_factor(symbol)
    return scaled(values * factor, si) if si != "1" else (values, unit)
