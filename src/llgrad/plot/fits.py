"""The picture of a fit: data with the fitted curve, and the residuals below, for each kind of recording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from llgrad.core.arguments.kinds import check_parts
from llgrad.core.record import leaf_units
from llgrad.core.units import show
from llgrad.datasets.frequencies import FrequencyTable
from llgrad.fitting.answers.explanation.sentences import in_short
from llgrad.fitting.loops.measured import MeasuredLoop, SwitchingFields
from llgrad.fitting.orbits.tables.table import OrbitTable
from llgrad.observables.spectrum import Spectrum
from llgrad.orbits.results.named import QUANTITIES
from llgrad.plot.sources import PlottedColumns, columns_of
from llgrad.plot.states.measured import height, measured_loop, switching_fields
from llgrad.plot.style import BLUE, colours, figure, label_of, legend_above, named, scaled, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST: Final = 8
"""So many experiments are drawn at most."""
MOST_GROUPS: Final = 4
"""So many values of other settings have a colour of their own."""
MIXED: Final = "recorded, at several settings"
"""Where they are more, and no line is drawn between points of different ones."""


class Fitted(Protocol):
    """What is drawn of a fit: what was recorded, and what the fit makes of it, as a `FitResult` has them."""

    @property
    def data(self) -> Any:
        """One recording."""
        ...

    @property
    def prediction(self) -> Any:
        """Its values by the fit, by name."""
        ...


def fit(result: Fitted) -> Figure:
    """Recorded values (dots) and fitted curve (line), with the residuals below; several experiments one below another.

    Of a trace every column is drawn; of a loop each curve; of a table of frequencies the error bars too; of a spectrum
    the densities on a logarithmic axis. Of more than eight experiments the first eight are drawn. The title says how
    much of the data the model explains.

    Args:
        result: FitResult.

    >>> import llgrad as lg
    >>> sto = lg.presets.kubota2013()
    >>> trace = lg.trace_of(lg.simulate(sto, duration=1e-9, dt=2e-12, save=lg.Every(5)))
    >>> result = lg.fit(sto.replace(alpha=0.006), trace, free=["alpha"], dt=2e-12)
    >>> len(lg.plot.fit(result).axes)  # a panel and its residuals, of each column
    4
    """
    check_parts("result", result, ("data", "prediction"), "the FitResult that lg.fit gives")
    several: Any = result
    experiments, measured = getattr(result, "experiments", ()), getattr(result, "quality", ())
    units = leaf_units(several.model) if getattr(result, "model", None) is not None else {}
    if len(experiments) < 2:
        with figure(_height(result.data)) as drawn:
            _draw(drawn, result.data, result.prediction, units, in_short(measured[0]) if measured else "")
        return drawn
    shown = list(zip(experiments, several.predictions, strict=True))[:MOST]
    heights = [_height(one.data) for one, _ in shown]
    with figure(sum(heights)) as drawn:
        parts = np.ravel(np.asarray(drawn.subfigures(len(shown), 1, height_ratios=heights)))
        for number, (part, (one, prediction)) in enumerate(zip(parts, shown, strict=True)):
            settings = ", ".join(f"{name} = {show(value, units.get(name, ''))}" for name, value in one.settings.items())
            words = f"{one.label or number + 1}" + (f": {settings}" if settings else "")
            words += f"\n{in_short(measured[number])}" if measured else ""
            _draw(part, one.data, prediction, units, words)
    return drawn


def _height(data: Any) -> float:
    """Height [inches] of the picture of one recording."""
    if isinstance(data, OrbitTable):
        return 1.2 + 2.0 * len(data.measured)
    if isinstance(data, (MeasuredLoop, SwitchingFields)):
        return height(data)
    if not hasattr(data, "columns"):
        return 5.0
    columns = columns_of(data)
    return 1.2 + 1.6 * len(columns.values) + 1.3 * len({columns.unit(name) for name in columns.values})


def _draw(drawn: Any, data: Any, prediction: Mapping[str, Any], units: Mapping[str, str], words: str) -> None:
    """One recording into a figure, or a part of one; `words` is its title where it has one of its own."""
    if isinstance(data, OrbitTable):
        _orbits(drawn, data, prediction, units, words)
    elif isinstance(data, MeasuredLoop):
        measured_loop(drawn, data, prediction, words)
    elif isinstance(data, SwitchingFields):
        switching_fields(drawn, data, prediction, words)
    elif isinstance(data, FrequencyTable):
        _table(drawn, data, prediction, units.get(data.setting, _usual(data.setting)), words)
    elif isinstance(data, Spectrum):
        _spectrum(drawn, data, prediction, words)
    else:
        _trace(drawn, columns_of(data), prediction, words)


def _usual(setting: str) -> str:
    if setting == "temperature":
        return "K"
    return "A" if setting == "current" else "T" if setting.startswith(("field", "H_k")) else ""


def _trace(drawn: Any, data: PlottedColumns, prediction: Mapping[str, Any], words: str) -> None:
    names = list(prediction)
    units = sorted({data.unit(name) for name in names})
    heights = [1.6] * len(names) + [1.3] * len(units)
    all_axes = drawn.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    t, time_unit = scaled(data.t, "s")
    own = colours(names)
    for axes, name in zip(all_axes, names, strict=False):
        _curve(axes, t, data, name, np.asarray(prediction[name], float), own[name])
    for axes, unit in zip(all_axes[len(names) :], units, strict=True):
        _residuals(axes, t, data, {n: prediction[n] for n in names if data.unit(n) == unit}, own)
    all_axes[-1].set_xlabel(named("time", time_unit))
    all_axes[-1].set_xlim(t[0], t[-1])
    drawn.align_ylabels(list(all_axes))
    title(all_axes[0], words or "Recorded trace and fitted model")
    legend_above(all_axes[0], 2)


def _table(drawn: Any, data: FrequencyTable, prediction: Mapping[str, Any], unit: str, words: str) -> None:
    """Frequencies with their errors and the fitted ones against the setting, and the differences below."""
    x, unit = scaled(data.values, unit)
    order = np.argsort(x)
    fitted = np.ravel(np.asarray(prediction["frequency"], float))
    frequencies, frequency_unit = scaled(np.stack([data.frequencies, fitted]), "Hz")
    factor = frequencies[0, 0] / data.frequencies[0]
    errors = np.zeros_like(data.frequencies) if data.errors is None else data.errors
    stacked, residual_unit = scaled(np.stack([data.frequencies - fitted, errors]), "Hz")
    above, below = drawn.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    bars: dict[str, Any] = {"color": BLUE, "elinewidth": 1.2, "linestyle": "none", "marker": "o"}
    bars["capsize"] = 0 if data.errors is None else 2.5
    above.plot(x[order], frequencies[1][order], color="black", linewidth=1.0, label="fitted", zorder=1)
    above.errorbar(x, frequencies[0], errors * factor, markersize=4.5, alpha=0.8, label="recorded", **bars)
    below.axhline(0, color="black", linewidth=0.8)
    below.errorbar(x, stacked[0], stacked[1], markersize=4, alpha=0.8, **bars)
    above.set_ylabel(named("frequency", frequency_unit))
    below.set_ylabel(named("residual", residual_unit))
    below.set_xlabel(named(data.setting, unit))
    title(above, words or "Recorded and fitted frequencies")
    legend_above(above, 2)
    drawn.align_ylabels([above, below])


def _orbits(drawn: Any, data: OrbitTable, prediction: Mapping[str, Any], units: Mapping[str, str], words: str) -> None:
    """Each quantity with its errors, and what was fitted, against the first setting that varies: a colour for each
    value of the others, where these are few."""
    setting = next((name for name, values in data.settings.items() if np.ptp(values) > 0), next(iter(data.settings)))
    x, unit = scaled(data.settings[setting], units.get(setting, _usual(setting)))
    groups = _groups(data, setting, units)
    every = drawn.subplots(len(data.measured), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, values) in zip(every, data.measured.items(), strict=True):
        errors = data.errors.get(name, np.zeros_like(values))
        stacked = np.stack([values, np.asarray(prediction[name], float), errors])
        shown = np.where(np.isfinite(stacked), stacked, 0.0)
        factor_of, own = scaled(shown, QUANTITIES[name].unit) if QUANTITIES[name].unit != "dBm" else (shown, "dBm")
        recorded, fitted, bars = np.where(np.isfinite(stacked), factor_of, np.nan)
        for (label, rows), colour in zip(groups.items(), colours(list(groups)).values(), strict=True):
            ordered = rows[np.argsort(x[rows], kind="stable")]
            ordered = ordered[np.isfinite(fitted[ordered])]
            style = {"linestyle": "", "marker": "x"} if label == MIXED else {"linestyle": "-", "marker": "."}
            axes.plot(
                x[ordered], fitted[ordered], color="black" if len(groups) == 1 else colour, linewidth=1.0, markersize=3,
                zorder=3, label="fitted" if len(groups) == 1 else None, **style,
            )  # fmt: skip
            axes.errorbar(
                x[rows], recorded[rows], bars[rows], markersize=4.5, alpha=0.8, color=colour, elinewidth=1.2,
                linestyle="none", marker="o", label=label,
            )  # fmt: skip
        axes.set_ylabel(named(QUANTITIES[name].what, own))
    every[-1].set_xlabel(named(setting, unit))
    title(every[0], words or "Recorded orbits (points) and fitted model (lines)")
    legend_above(every[0], max(len(groups), 2))
    drawn.align_ylabels(list(every))


def _groups(data: OrbitTable, setting: str, units: Mapping[str, str]) -> dict[str, np.ndarray]:
    """The rows of each combination of the other settings, by its name; all in one where there are many."""
    others = {name: values for name, values in data.settings.items() if name != setting and np.ptp(values) > 0}
    rows = np.arange(len(next(iter(data.settings.values()))))
    if not others:
        return {"recorded": rows}
    kinds, which = np.unique(np.stack(list(others.values()), axis=1), axis=0, return_inverse=True)
    if len(kinds) > MOST_GROUPS:
        return {MIXED: rows}
    names = [
        ", ".join(
            f"{name} = {show(float(value), units.get(name, _usual(name)))}"
            for name, value in zip(others, kind, strict=True)
        )
        for kind in kinds
    ]
    return {name: rows[np.ravel(which) == k] for k, name in enumerate(names)}


def _spectrum(drawn: Any, data: Spectrum, prediction: Mapping[str, Any], words: str) -> None:
    """Densities and the fitted line, and below the deviation of each reading from it in per cent."""
    f, unit = scaled(data.frequency, "Hz")
    fitted = np.ravel(np.asarray(prediction["density"], float))
    above, below = drawn.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    above.plot(f, data.density, ".", color=BLUE, markersize=4, alpha=0.6, label="recorded")
    above.plot(f, fitted, color="black", linewidth=1.1, label="fitted")
    above.set_yscale("log")
    below.plot(f, 100 * (data.density / fitted - 1), ".", color=BLUE, markersize=4, alpha=0.6)
    below.axhline(0, color="black", linewidth=0.8)
    above.set_ylabel(named("density", data.unit))
    below.set_ylabel("residual (%)")
    below.set_xlabel(named("frequency", unit))
    above.set_xlim(f[0], f[-1])
    title(above, words or "Recorded spectrum and fitted line")
    legend_above(above, 2)
    drawn.align_ylabels([above, below])


def _curve(axes: Any, t: np.ndarray, data: PlottedColumns, name: str, predicted: np.ndarray, colour: str) -> None:
    both, unit = scaled(np.stack([data.values[name], predicted]), data.unit(name))
    axes.plot(t, both[0], ".", color=colour, markersize=6, alpha=0.5, label="recorded")
    axes.plot(t, both[1], color="black", linewidth=0.9, label="fitted")
    axes.set_ylabel(named(label_of(name), unit))


def _residuals(
    axes: Any, t: np.ndarray, data: PlottedColumns, predictions: dict[str, Any], own: Mapping[str, str]
) -> None:
    differences = np.stack([data.values[name] - np.asarray(values, float) for name, values in predictions.items()])
    unit = data.unit(next(iter(predictions)))
    values, unit = scaled(differences, unit) if unit else _thousandths(differences)
    for name, row in zip(predictions, values, strict=True):
        axes.plot(t, row, ".", color=own[name], markersize=3)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_ylabel(named("residual", unit))


def _thousandths(values: np.ndarray) -> tuple[np.ndarray, str]:
    """Small pure numbers by a power of a thousand, so that the axis needs no offset text."""
    largest = float(np.max(np.abs(values), initial=0.0))
    if not 0 < largest < 0.1:
        return values, ""
    exponent = 3 * int(np.floor(np.log10(largest) / 3 + 1e-9))
    return values / 10.0**exponent, f"$10^{{{exponent}}}$"
