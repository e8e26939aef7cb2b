"""The picture of a spectrum: power spectral density against frequency, with the strongest line marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from llgrad.core.trajectory import SystemTrajectory
from llgrad.core.units import show_with_error
from llgrad.datasets.peaks import Peak, line_in
from llgrad.observables.oscillation import Oscillation, oscillation_of
from llgrad.observables.spectrum import Spectrum
from llgrad.observables.spectrum import spectrum as density_of
from llgrad.plot.sources import Plotted, signals_of
from llgrad.plot.style import BLUE, COMPONENTS, GREY, colours, figure, label_of, legend_above, named
from llgrad.plot.style import title as write_title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DECADES: Final = 12
"""The density axis shows so many powers of ten below the highest point,"""
BELOW: Final = 3
"""but so many below the median of a spectrum at most."""
HARMONICS: Final = 10
"""The frequency axis ends at so many times the fastest line, or where the spectrum does."""


class _Curve(NamedTuple):
    """One signal's spectrum, and the oscillations in it; of a spectrum alone, its line."""

    found: Spectrum
    marked: Sequence[Oscillation | Peak]


def spectrum(source: Plotted | Spectrum, segments: int = 1, title: str = "Spectrum") -> Figure:
    """Power spectral density of m·p of a Trajectory, of what `trace` draws of a run of a `System`, or of every column
    of a Trace, on a logarithmic axis.

    The line that is marked, and its width where noise gives it one, is that of `frequency` and `line_width`.

    Args:
        source: Trajectory (of an array: one line for each oscillator), run of a system or one signal of it, Trace, or
            a Spectrum.
        segments: averaged segments of Welch's method; more of them, less noise and less resolution.
        title: what is written above it.

    >>> import numpy as np, llgrad as lg
    >>> found = lg.spectrum(0.01 * np.sin(2 * np.pi * 2e9 * 1e-11 * np.arange(2000)), dt=1e-11)
    >>> lg.plot.spectrum(found).axes[0].get_yscale()
    'log'
    """
    if not isinstance(segments, int):
        raise ValueError(f"segments = {segments!r}, expected a whole number, one or more")
    curves = _curves(source, segments)
    with figure(4.4) as drawn:
        axes = drawn.subplots()
        top = max(float(np.max(curve.found.density[..., 1:])) for curve in curves.values())
        floor = min(float(np.median(curve.found.density[..., 1:])) for curve in curves.values())
        own = colours(curves)
        for name, curve in curves.items():
            rows, label = np.atleast_2d(curve.found.density), f"{label_of(name)}: {_told(curve)}"
            for row in rows:
                colour = own[name] if len(curves) > 1 else COMPONENTS.get(name, BLUE)
                f = curve.found.frequency[1:] / 1e9
                axes.plot(f, row[1:], color=colour, alpha=1 / len(rows) ** 0.3, label=label)
                label = None
            _mark(axes, curve)
        first = next(iter(curves.values())).found
        axes.set_yscale("log")
        axes.set_ylim(max(top / 10**DECADES, floor / 10**BELOW), top * 3)
        axes.set_xlim(0, _end(curves, float(first.frequency[-1])) / 1e9)
        axes.set_xlabel("frequency (GHz)")
        axes.set_ylabel(named("power spectral density", first.unit))
        write_title(axes, title)
        legend_above(axes, len(curves))
    return drawn


def _curves(source: Any, segments: int) -> dict[str, _Curve]:
    if isinstance(source, Spectrum):
        if source.samples is None:
            rows = [Spectrum(source.frequency, row, source.unit) for row in np.atleast_2d(source.density)]
            return {"strongest line": _Curve(source, [peak for row in rows if (peak := line_in(row)) is not None])}
        values, dt = source.samples
        return {"strongest line": _Curve(source, [oscillation_of(row, dt) for row in np.atleast_2d(values)])}
    if isinstance(source, SystemTrajectory) or hasattr(source, "columns"):
        system = isinstance(source, SystemTrajectory)
        signals = signals_of(source) if system else [source.select(name) for name in source.columns]
        traces = {name: signal for signal in signals for name in signal.columns}
        units = {unit for signal in signals for unit in signal.units.values()}
        if system and len(units) > 1:
            names = ", ".join(traces)
            raise ValueError(
                f"the signals {names} have several units ({', '.join(sorted(units))}), and a spectrum one axis; choose "
                f"one, as in spectrum(run.signal({next(iter(traces))!r}))"
            )
        return {name: _curve(one, segments) for name, one in traces.items()}
    return {r"$m\cdot p$": _curve(source, segments)}


def _curve(source: Any, segments: int) -> _Curve:
    found = density_of(source, segments=segments)
    samples: Any = found.samples
    values, dt = samples
    return _Curve(found, [oscillation_of(source)] if values.ndim == 1 else [oscillation_of(row, dt) for row in values])


def _told(curve: _Curve) -> str:
    """The line in words; of an array, the median over its oscillators."""
    lines = [one for one in curve.marked if np.isfinite(one.frequency)]
    if not lines:
        return "no line"
    if len(lines) > 1:
        return f"{np.median([one.frequency for one in lines]) / 1e9:.4g} GHz (median)"
    (one,) = lines
    error, width, width_error = _width(one)
    if error is None:
        return f"{one.frequency / 1e9:.4g} GHz"
    told = show_with_error(one.frequency, error, "Hz")
    return told if width is None else f"{told}, line width {show_with_error(width, width_error, 'Hz')}"


def _width(one: Oscillation | Peak) -> tuple[float | None, float | None, float]:
    """Error of the frequency, line width and its error [Hz]; None where there is none."""
    line = one.line if isinstance(one, Oscillation) else one
    if line is None:
        return None, None, 0.0
    return line.frequency_error, None if line.notes else line.line_width, line.line_width_error


def _mark(axes: Any, curve: _Curve) -> None:
    for one in curve.marked:
        if np.isfinite(one.frequency):
            axes.axvline(one.frequency / 1e9, color=GREY, linewidth=0.8, linestyle=":")
            _, width, _ = _width(one)
            if width is not None and len(curve.marked) == 1:
                low, high = (one.frequency - width / 2) / 1e9, (one.frequency + width / 2) / 1e9
                axes.axvspan(low, high, color=GREY, alpha=0.25, linewidth=0)


def _end(curves: dict[str, _Curve], nyquist: float) -> float:
    """Where the axis ends [Hz]: all of the spectrum, unless narrow lines lie in its beginning."""
    lines = [one for curve in curves.values() for one in curve.marked]
    narrow = [one.frequency for one in lines if np.isfinite(one.frequency) and _width(one)[1] is None]
    broad = [width + one.frequency for one in lines if (width := _width(one)[1]) is not None]
    if len(narrow) + len(broad) < len(lines) or not lines:
        return nyquist
    return min(nyquist, HARMONICS * max(narrow + broad))
