"""The power spectrum of a signal, with its unit, as a spectrum analyser shows it."""

from __future__ import annotations

from typing import Final

import equinox as eqx
import numpy as np
from jaxtyping import Float

from llgrad.core.trajectory import SystemTrajectory
from llgrad.observables.receiver import Receiver
from llgrad.observables.signal import FEWEST_SAMPLES, HasColumns, Source, signal_of

FLOOR: Final = 1e-300
"""Smallest power [W] that is written in decibels."""


class Spectrum(eqx.Module):
    """A one-sided power spectral density: its integral over frequency is the variance of the signal.

    >>> import numpy as np, llgrad as lg
    >>> t = 1e-11 * np.arange(2000)
    >>> found = lg.spectrum(0.01 * np.sin(2 * np.pi * 2e9 * t), dt=1e-11)
    >>> round(float(found.frequency[found.density.argmax()]) / 1e9, 2), found.resolution
    (2.0, 50000000.0)
    """

    frequency: np.ndarray
    """Frequencies [Hz], (F,)."""
    density: np.ndarray
    """Density in `unit`, (…, F)."""
    unit: str = eqx.field(static=True)
    """V²/Hz for a voltage, 1/Hz for a component of m."""
    receiver: Receiver | None = eqx.field(static=True, default=None)
    """What an analyser's levels went through, where the density was found from them."""
    understood: tuple[str, ...] = eqx.field(static=True, default=())
    """How the file was understood that this was read from."""
    samples: tuple[Float[np.ndarray, "*batch T"], float] | None = None
    """The samples (…, T) from which it was computed, and the time [s] between two; None where it was measured."""

    @property
    def resolution(self) -> float:
        """Distance of two frequencies [Hz]."""
        return float(self.frequency[1] - self.frequency[0])

    def dbm(self, bandwidth: float = 1.0, load: float = 50.0) -> np.ndarray:
        """Power into a load [dBm] in each `bandwidth` [Hz]: 10 lg(density · bandwidth/load/1 mW), (…, F).

        For a voltage at the load, as `load_voltage` gives. With the default bandwidth it is dBm per hertz.
        """
        self._need_volts("dBm")
        return 10 * np.log10(np.maximum(self.density * (bandwidth / load), FLOOR) / 1e-3)

    def per_current_squared(self, current: float) -> np.ndarray:
        """Density in nV²/Hz per mA² of direct current [A], the unit in which nano-oscillators are compared, (…, F)."""
        self._need_volts("nV²/Hz per mA²")
        if current == 0:
            raise ValueError("current = 0 A: a density per mA² needs the direct current of the measurement, in ampere")
        return self.density * (1e18 / (current * 1e3) ** 2)

    def _need_volts(self, wanted: str) -> None:
        if self.unit != "V²/Hz":
            raise ValueError(
                f"a spectrum in {self.unit} cannot be given in {wanted}; take the spectrum of a voltage, with unit='V'"
            )

    def __repr__(self) -> str:
        first, last = self.frequency[0] / 1e9, self.frequency[-1] / 1e9
        found = (
            f"Spectrum: {first:.4g} to {last:.4g} GHz in steps of {self.resolution / 1e6:.4g} MHz, density "
            f"in {self.unit}"
        )
        return "; ".join([found, *self.understood])


def spectrum(source: Source, dt: float | None = None, *, unit: str | None = None, segments: int = 1) -> Spectrum:
    """Power spectral density by Welch's method (Hann window, half overlapping segments, each without its mean).

    `source`: a `Trajectory` (m·p is taken), the `signal(name)` of a run of a `System`, a `Trace` of one column, or
    samples (…, T), time last, with `dt` [s]. `unit` of the samples: "V" gives V²/Hz; by default 1, or that of the
    trace's column. More `segments` give less noise and a coarser resolution of (segments + 1)/(2 T dt), the distance of
    two frequencies; the window makes a pure tone 1.44 of it wide (half maximum), with an equivalent noise bandwidth of
    1.5. Computed by NumPy: not differentiable.

    Raises ValueError for a missing `dt`, fewer than 8 samples (per segment), a value that is not finite, a constant
    signal.
    Source: P. D. Welch, IEEE Trans. Audio Electroacoust. 15, 70 (1967).

    >>> noise = np.random.default_rng(0).normal(scale=1e-3, size=100_000)
    >>> found = spectrum(noise, dt=1e-11, unit="V", segments=99)
    >>> found
    Spectrum: 0 to 50 GHz in steps of 50 MHz, density in V²/Hz
    >>> bool(abs(found.density.sum() * found.resolution / 1e-6 - 1) < 0.02)
    True
    """
    source = source.signal() if isinstance(source, SystemTrajectory) else source
    signal = signal_of(source, dt)
    values, dt = np.asarray(signal.values, dtype=float), float(signal.dt)
    length = 2 * values.shape[-1] // (segments + 1) if segments >= 1 else 0
    if length < FEWEST_SAMPLES:
        raise ValueError(
            f"segments = {segments} leaves {length} samples to a segment, expected at least {FEWEST_SAMPLES}; "
            "use another number of segments or a longer signal"
        )
    import scipy.signal  # half a second, which only a spectrum should cost

    frequency, density = scipy.signal.welch(values, 1 / dt, "hann", length, length // 2, detrend="constant", axis=-1)
    if unit is None:
        unit = source.units[next(iter(source.columns))] if isinstance(source, HasColumns) else "1"
    return Spectrum(frequency, density, "1/Hz" if unit == "1" else f"{unit}²/Hz", samples=(values, dt))
