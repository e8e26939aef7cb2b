"""The pictures of a resonance fit: every sweep with its line, and what the lines say of geometry and damping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from llgrad.core.units import show_with_error
from llgrad.plot.style import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILION, figure, legend_above, named, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS: Final = (VERMILION, BLUE, GREEN, PURPLE, ORANGE)
STYLES: Final = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))


def sweeps(result: Any) -> Figure:
    """All sweeps with their fits, one above the other by frequency, each scaled to the same height.

    Args:
        result: ResonanceResult.
    """
    data = result.sweeps
    count = len(data)
    with figure(1.4 + 0.42 * max(count, 4)) as drawn:
        axes = drawn.subplots()
        fitted = {line.frequency: line for line in result.fitted}
        used = {line.frequency for line in result.lines}
        for number, sweep in enumerate(data.sweeps):
            _sweep(axes, number, sweep, fitted.get(sweep.frequency), sweep.frequency in used, data.tesla_per_unit)
        window = [edge / data.tesla_per_unit for edge in result.window if np.isfinite(edge)]
        for edge in window:
            axes.axvline(edge, color=GREY, linewidth=0.8, linestyle="--")
        axes.set_yticks(range(count), [f"{f / 1e9:g}" for f in data.frequencies])
        axes.set_ylim(-1.0, count - 0.1)
        axes.grid(False, axis="y")
        axes.set_ylabel("microwave frequency (GHz)")
        axes.set_xlabel(named("field", data.field_unit))
        title(axes, f"Field sweeps: {result.choice.shape.words}")
        _sweeps_legend(axes, bool(window))
    return drawn


def _sweep(axes: Any, number: int, sweep: Any, line: Any, used: bool, unit: float) -> None:
    inside = sweep if line is None else line.sweep
    middle, size = np.median(inside.voltage), max(np.ptp(inside.voltage), 1e-300) / 0.95
    values = (sweep.voltage - middle) / size
    near = np.abs(values) < 0.95  # what lies outside the window may be far larger than the line
    colour = BLUE if used else GREY
    axes.plot(sweep.field[near] / unit, number + values[near], ".", color=colour, markersize=2.5, alpha=0.6)
    if line is not None:
        axes.plot(
            line.sweep.field / unit,
            number + (line.curve - middle) / size,
            "-" if used else ":",
            color="black" if used else GREY,
            linewidth=0.9,
        )
    if used and line is not None:
        axes.plot(line.resonance / unit, number - 0.48, "^", color=VERMILION, markersize=4, clip_on=False)


def _sweeps_legend(axes: Any, window: bool) -> None:
    axes.plot([], [], ".", color=BLUE, label="measured")
    axes.plot([], [], "-", color="black", linewidth=0.9, label="fitted")
    axes.plot([], [], "^", color=VERMILION, markersize=4, label="resonance")
    axes.plot([], [], ".:", color=GREY, label="not used")
    if window:
        axes.plot([], [], "--", color=GREY, linewidth=0.8, label="window")
    legend_above(axes, 5)


def geometry(result: Any) -> Figure:
    """Frequency against resonance field with every geometry that is not at a bound, and the residuals below.

    Args:
        result: ResonanceResult.
    """
    unit = result.sweeps.tesla_per_unit
    h = np.array([line.resonance for line in result.lines])
    f = np.array([line.frequency for line in result.lines])
    with figure(6.4) as drawn:
        above, below = drawn.subplots(2, 1, sharex=True, height_ratios=[3, 2])
        field = np.linspace(0.0, 1.04 * h.max(), 400)
        for number, fit in enumerate(result.fits):
            if fit.at_bound and number > 0:
                continue  # the curve of a simpler geometry
            colour, style = COLOURS[number % 5], STYLES[number % 5]
            curve = fit.frequency(field) / 1e9
            label = f"{fit.geometry.name}: {fit.rms / 1e6:.3g} MHz rms"
            above.plot(field / unit, np.where(curve > 0, curve, np.nan), color=colour, linestyle=style, label=label)
            below.plot(h / unit, fit.residuals / 1e6, "o", color=colour, linestyle=style, markersize=3.5)
        above.plot(h / unit, f / 1e9, "o", color="black", markersize=4, label="measured", zorder=5)
        left_out = [line for line in result.fitted if line not in result.lines and 0 < line.resonance < h.max()]
        if left_out:
            places = [line.resonance / unit for line in left_out], [line.frequency / 1e9 for line in left_out]
            above.plot(*places, "x", color=GREY, markersize=5, label="not used")
        error = result.fits[0].gamma * np.array([line.resonance_error for line in result.lines]) / 1e6
        below.fill_between(h / unit, -error, error, color=GREY, alpha=0.2, linewidth=0, label="error of the fields")
        below.axhline(0, color="black", linewidth=0.8)
        below.legend(loc="best")
        above.legend(loc="upper left")
        above.set_ylim(0, 1.12 * f.max() / 1e9)
        above.set_ylabel("frequency (GHz)")
        below.set_ylabel("measured − fitted (MHz)")
        below.set_xlabel(named("resonance field", result.sweeps.field_unit))
        title(above, "Which geometry? Frequency against resonance field")
        drawn.align_ylabels([above, below])
    return drawn


def widths(result: Any) -> Figure:
    """Half width against frequency with the law that gives α, and α for every window and background.

    Args:
        result: ResonanceResult.
    """
    with figure(3.9) as drawn:
        left, right = drawn.subplots(1, 2, width_ratios=[5, 4])
        _width_law(left, result)
        _variations(right, result)
    return drawn


def _width_law(axes: Any, result: Any) -> None:
    unit = result.sweeps.tesla_per_unit
    for lines, colour, label in (
        ([line for line in result.lines if line not in result.width_lines], GREY, "not used for α"),
        (result.width_lines, BLUE, "used"),
    ):
        if lines:
            axes.errorbar(
                [line.frequency / 1e9 for line in lines],
                [line.half_width / unit for line in lines],
                [line.half_width_error / unit for line in lines],
                fmt="o",
                color=colour,
                markersize=4,
                capsize=2,
                linewidth=1,
                label=label,
            )
    f = np.array([0.0, 1.04 * result.lines[-1].frequency])
    low, high = result.width_lines[0].frequency, f[1]
    axes.plot(f / 1e9, result.law.half_width(f) / unit, "--", color=VERMILION, linewidth=0.9)
    inside = np.array([low, high])
    axes.plot(inside / 1e9, result.law.half_width(inside) / unit, color=VERMILION, label="$w_0 + α f/γ'$")
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.set_xlabel("frequency (GHz)")
    axes.set_ylabel(named("half width w", result.sweeps.field_unit))
    axes.legend(loc="lower right")
    alpha, error = result.alpha
    said = f"α = {show_with_error(alpha, error, '1')}"
    title(axes, f"Damping: {said}" if result.alpha_remark is None else "Damping: not fixed by these lines")


def _variations(axes: Any, result: Any) -> None:
    unit, name = result.sweeps.tesla_per_unit, result.sweeps.field_unit
    lows = list(dict.fromkeys((v.low, v.part) for v in result.variations))
    kinds = list(dict.fromkeys(v.background for v in result.variations))
    for kind, colour, shift in zip(kinds, (GREEN, BLUE, ORANGE), (-0.15, 0.0, 0.15), strict=False):
        mine = [v for v in result.variations if v.background is kind]
        axes.errorbar(
            [v.alpha for v in mine],
            [lows.index((v.low, v.part)) + shift for v in mine],
            xerr=[v.alpha_error for v in mine],
            fmt="o",
            color=colour,
            markersize=4,
            linewidth=1,
            label=kind.name.lower(),
        )
    axes.axvline(result.alpha[0], color=VERMILION, linewidth=0.9)
    names = [
        f"upper {1 - part:.0%}" if part else f"≥ {low / unit:.0f}" if np.isfinite(low) else "all" for low, part in lows
    ]
    axes.set_yticks(range(len(lows)), names)
    axes.set_ylim(-0.6, len(lows) + 0.9)
    axes.set_ylabel("part of each sweep used" if any(part for _, part in lows) else named("fields used", name))
    axes.set_xlabel("α")
    axes.locator_params(axis="x", nbins=4)
    axes.legend(loc="upper center", ncols=3, columnspacing=0.8, handletextpad=0.1, borderaxespad=0.1, fontsize=9)
    title(axes, "Other windows, backgrounds")
