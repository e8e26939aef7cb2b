"""The pictures that only a report has: frequencies, compared spectra, profiles, the residuals' correlation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from llgrad.datasets.trace import Trace
from llgrad.observables.frequency import frequency
from llgrad.observables.signal import FEWEST_SAMPLES
from llgrad.observables.spectrum import spectrum
from llgrad.plot.style import BLUE, COMPONENTS, GREY, VERMILION, colours, figure, label_of, legend_above, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LAGS: Final = 60
"""The residuals' correlation is drawn up to so many samples."""

MANY_PERIODS: Final = 15
"""A trace with more periods than these gets a second picture, of its last ones."""

ROUNDING: Final = 1e-12
"""What varies by less than this part of its size is constant, and has no spectrum."""

LAST_PERIODS: Final = 6


class View(NamedTuple):
    """One experiment of a result, as `plot.fit` takes it."""

    data: Any
    prediction: Mapping[str, Any]
    model: Any = None
    quality: tuple[Any, ...] = ()


def ending(view: View) -> View | None:
    """The last few periods of a trace that has too many for one picture; None where it has few."""
    first = next(iter(view.data.columns))
    if not view.data.evenly_spaced or view.data.t.size < 64 or np.ptp(view.data.columns[first]) == 0:
        return None
    periods = float(frequency(view.data.select(first))) * float(view.data.t[-1] - view.data.t[0])
    if not periods > MANY_PERIODS:
        return None
    last = slice(-max(int(view.data.t.size * LAST_PERIODS / periods), 32), None)
    cut = view.data.with_columns(view.data.t[last], {n: column[last] for n, column in view.data.columns.items()})
    return View(cut, {name: np.asarray(column)[last] for name, column in view.prediction.items()})


def spectra(view: View) -> Figure | None:
    """Power spectral density of data, fit and residuals, a panel for each column; None for an uneven or short trace."""
    data = view.data
    if not data.evenly_spaced or data.t.size < FEWEST_SAMPLES:
        return None
    names = [
        name for name in view.prediction if np.ptp(recorded := data.columns[name]) > ROUNDING * np.abs(recorded).max()
    ]
    if not names:
        return None
    with figure(1.2 + 2.3 * len(names)) as drawn:
        all_axes = drawn.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
        for axes, name in zip(all_axes, names, strict=True):
            _spectra(axes, data, name, np.asarray(view.prediction[name], float))
            axes.set_xlim(0, 0.5 / data.dt / 1e9)
        all_axes[-1].set_xlabel("frequency (GHz)")
        title(all_axes[0], "Power spectral density")
        legend_above(all_axes[0], 3)
    return drawn


def _spectra(axes: Any, data: Trace, name: str, fitted: np.ndarray) -> None:
    """One panel, from the highest line down to a little below the floor of the residuals."""
    recorded = data.columns[name]
    densities = []
    for label, values, style in (
        ("recorded", recorded, {"color": COMPONENTS.get(name, BLUE), "linewidth": 3.0, "alpha": 0.45}),
        ("fitted", fitted, {"color": "black", "linewidth": 1.0}),
        ("residual", recorded - fitted, {"color": GREY, "linewidth": 0.9}),
    ):
        if np.ptp(values) > ROUNDING * np.abs(values).max():
            found = spectrum(values, data.dt, unit=data.units[name])
            axes.plot(found.frequency[1:] / 1e9, found.density[1:], label=label, **style)
            axes.set_ylabel(f"{label_of(name)} ({found.unit})")
            densities.append(found.density[1:])
    top, floor = float(densities[0].max()), float(np.median(densities[-1]))
    axes.set_yscale("log")
    axes.set_ylim(max(min(floor / 30, top / 1e3), top / 1e14), top * 4)


def correlations(view: View) -> Figure | None:
    """Autocorrelation of the residuals against the lag, with the band of independent ones; None for a short trace."""
    columns = {n: np.asarray(view.data.columns[n] - np.asarray(p, float)) for n, p in view.prediction.items()}
    size = view.data.t.size
    if size < 4 * FEWEST_SAMPLES:
        return None
    own = colours(columns)
    lags = np.arange(1, min(LAGS, size // 4) + 1)
    with figure(2.8) as drawn:
        axes = drawn.subplots()
        band = 1.96 / np.sqrt(size)
        axes.axhspan(-band, band, color=GREY, alpha=0.15, linewidth=0)
        axes.axhline(0, color="black", linewidth=0.8)
        for name, residuals in columns.items():
            centred = residuals - residuals.mean()
            power = float(centred @ centred)
            if power > 0:
                found = [float(centred[lag:] @ centred[:-lag]) / power for lag in lags]
                axes.plot(lags, found, ".-", color=own[name], linewidth=0.8, label=label_of(name))
        axes.set_xlim(0, lags[-1] + 1)
        axes.set_xlabel("lag (samples)")
        axes.set_ylabel("autocorrelation")
        title(axes, "Are the residuals independent?")
        legend_above(axes, len(columns))
    return drawn


def profiles(found: Sequence[Any]) -> Figure:
    """Profiles of several parameters: Δχ² against the value, the parabola of the standard error, and the levels.

    Args:
        found: Profile of each.
    """
    columns = min(len(found), 3)
    rows = -(-len(found) // columns)
    with figure(0.5 + 2.7 * rows) as drawn:
        grid = drawn.subplots(rows, columns, squeeze=False)
        for axes, one in zip(grid.ravel(), found, strict=False):
            _profile(axes, one)
        for axes in grid.ravel()[len(found) :]:
            axes.set_axis_off()
        for axes in grid[:, 0]:
            axes.set_ylabel(r"$\Delta\chi^2$")
    return drawn


def _profile(axes: Any, one: Any) -> None:
    error = one.error if np.isfinite(one.error) and one.error > 0 else None
    width = error or float(np.ptp(one.values)) / 6
    x = (one.values - one.best) / width
    for probability in (0.68, 0.95):
        level, label = one.level(probability), f"{100 * probability:.0f} %"
        axes.axhline(level, color=GREY, linewidth=0.7, linestyle=":")
        axes.text(0.02, level + 0.12, label, transform=axes.get_yaxis_transform(), color=GREY, fontsize=8)
    if error:
        fine = np.linspace(x[0], x[-1], 121)
        axes.plot(fine, fine**2, color=GREY, linewidth=0.9, linestyle="--")
    axes.plot(x, one.delta_chi2, "o-", color=BLUE, markersize=3.5)
    if not one.settled.all():
        axes.plot(x[~one.settled], one.delta_chi2[~one.settled], "x", color=VERMILION, markersize=7)
    axes.set_ylim(0, max(min(float(np.max(one.delta_chi2, initial=0.0, where=np.isfinite(one.delta_chi2))), 12.0), 4.5))
    axes.set_xlabel("distance (standard errors)" if error else "distance (steps)", fontsize=9)
    axes.set_title(one.name, fontsize=11, loc="left")
