"""The picture of a spectrum: power spectral density against frequency, with the strongest line marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from llgrad.observables.frequency import frequency
from llgrad.observables.spectrum import Spectrum
from llgrad.observables.spectrum import spectrum as density_of
from llgrad.plot.style import BLUE, COMPONENTS, GREY, LABELS, figure, legend_above, named, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HARMONICS: Final = 10
"""The frequency axis ends at so many times the strongest line, or where the spectrum does."""

DECADES: Final = 12
"""The density axis shows so many powers of ten below the highest point."""


def spectrum(source: Any, segments: int = 1) -> Figure:
    """Power spectral density of m·p of a Trajectory, or of every column of a Trace, on a logarithmic axis.

    Args:
        source: Trajectory (of an array: one line for each oscillator), Trace, or a Spectrum.
        segments: averaged segments of Welch's method; more of them, less noise and less resolution.
    """
    lines = _lines(source, segments)
    first = next(iter(lines.values()))[0]
    strongest = {name: _peak(found, exact) for name, (found, exact) in lines.items()}
    with figure(4.4) as drawn:
        axes = drawn.subplots()
        top = max(float(np.max(found.density[..., 1:])) for found, _ in lines.values())
        for name, (found, _) in lines.items():
            rows = np.atleast_2d(found.density)
            label = f"{LABELS.get(name, name)}: {strongest[name] / 1e9:.4g} GHz"
            for row in rows:
                colour = COMPONENTS.get(name, BLUE)
                axes.plot(found.frequency[1:] / 1e9, row[1:], color=colour, alpha=1 / len(rows) ** 0.3, label=label)
                label = None
            axes.axvline(strongest[name] / 1e9, color=GREY, linewidth=0.8, linestyle=":")
        axes.set_yscale("log")
        axes.set_ylim(top / 10**DECADES, top * 3)
        axes.set_xlim(0, min(float(first.frequency[-1]), HARMONICS * max(strongest.values())) / 1e9)
        axes.set_xlabel("frequency (GHz)")
        axes.set_ylabel(named("power spectral density", first.unit))
        title(axes, "Spectrum")
        legend_above(axes, len(lines))
    return drawn


def _lines(source: Any, segments: int) -> dict[str, tuple[Spectrum, Any]]:
    """For each curve its spectrum, and the frequency of its strongest tone where the samples are at hand."""
    if isinstance(source, Spectrum):
        return {"strongest line": (source, None)}
    if hasattr(source, "columns"):
        traces = {name: source.select(name) for name in source.columns}
        return {name: (density_of(one, segments=segments), frequency(one)) for name, one in traces.items()}
    return {r"$m\cdot p$": (density_of(source, segments=segments), frequency(source))}


def _peak(found: Spectrum, exact: Any) -> float:
    """Frequency [Hz] of the strongest line; of an array, the median over its oscillators."""
    if exact is None:
        exact = found.frequency[1:][np.argmax(found.density[..., 1:], axis=-1)]
    return float(np.nanmedian(np.asarray(exact)))
