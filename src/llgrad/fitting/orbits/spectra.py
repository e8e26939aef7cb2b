"""A power spectrum as a target: a Lorentzian line at the frequency of the steady orbit."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.datasets.peaks import Peak, peak_of
from llgrad.fitting.orbits.cycles import RowFound
from llgrad.fitting.orbits.recording import OrbitRecording, number_of
from llgrad.fitting.orbits.shooting import OfOrbits
from llgrad.fitting.targets.measurement import best_line
from llgrad.fitting.targets.recording import RecordingSetup
from llgrad.observables.spectrum import Spectrum

REACH: Final = 15.0
"""How far from the line the spectrum is used, in line widths: other lines are another matter."""
FEWEST_READINGS: Final = 24
BLOCK: Final = 128
"""Readings come in whole blocks, so that spectra of one instrument share a compiled program."""


class SpectrumRecording(OrbitRecording):
    """Densities (F, 1) around one line: S(ν) = gain/(1 + (2(ν − f)/Δf)²) + floor.

    f is the frequency of the orbit, Δf that of its phase diffusion, where the device has a noise, or else the parameter
    "line_width"; gain and floor are profiled out in closed form. The
    reading of an averaged periodogram scatters in proportion to what it should be (χ² with two degrees of freedom for
    each average): `sigma` is that of the line that the data themselves show, times their relative noise.
    """

    frequencies: Any
    """[Hz], (F,)."""
    peak: Any
    """Frequency of the line as the data show it, and its standard error [Hz]."""
    peak_error: Any
    by_peak: Any
    """Whether only the frequency of the line counts: the way to it from far off, where the wings of a line say
    nothing."""
    derived: bool = eqx.field(static=True)
    """Whether Δf is that of the device's own noise."""

    @property
    def of_noise(self) -> bool:
        return self.derived

    def told(self, row: RowFound) -> Any:
        width = [number_of(row, "line_width", {})] if self.derived else []
        return jnp.stack([row.frequency, *width])

    def predicted(self, bound: RecordingSetup, told: Any) -> Any:
        found = told[0, 0]
        first = jnp.zeros_like(self.data).at[0].set(self.sigma[0] * ((found - self.peak) / self.peak_error))
        width = told[0, 1] if self.derived else bound.line_width
        line = 1 / (1 + (2 * (self.frequencies - found) / width) ** 2)
        gain, floor = best_line(line, self.data[:, 0], 1 / self.sigma[:, 0] ** 2)
        return jnp.where(self.by_peak, self.data + first, (gain * line + floor)[:, None])

    def predicted_with_slopes(self, given: tuple[Any, Any], told: Any, slopes: Any) -> tuple[np.ndarray, np.ndarray]:
        predicted, moved = _line(dataclasses.replace(self, near=()), *given, told, slopes)
        return np.asarray(predicted), np.asarray(moved)[:, 0]

    def distances(self, told: np.ndarray) -> np.ndarray:
        return ((told[:, 0] - float(self.peak)) / float(self.peak_error)) ** 2

    def bare(self) -> OfOrbits:
        return self._bare(frequencies=(), peak=(), peak_error=(), by_peak=())


@quick_jit
def _line(recording: SpectrumRecording, values: Any, m0: Any, told: Any, slopes: Any) -> tuple[Any, Any]:
    """The line (T, 1), and its slopes (T, 1, p), of an orbit that tells (1, C) with slopes (1, C, p)."""

    def at(change: Any) -> tuple[Any, Any]:
        line = recording.predicted(recording.bind(values + change, m0), told + slopes @ change)
        return line, line

    moved, line = jax.jacfwd(at, has_aux=True)(jnp.zeros_like(values))
    return line, moved


def around_its_line(spectrum: Spectrum) -> tuple[Spectrum, Peak]:
    """The readings around the strongest line, and that line. Raises ValueError where there is none, or too few."""
    density = np.asarray(spectrum.density, float)
    if density.ndim != 1:
        raise ValueError(f"the spectrum has the shape {density.shape}, expected that of one signal, (F,); choose one")
    peak = peak_of(spectrum)
    f = np.asarray(spectrum.frequency, float)
    distance = np.where(f > 0, np.abs(f - peak.frequency), np.inf)
    within = np.sum(distance <= max(REACH * peak.line_width, FEWEST_READINGS * spectrum.resolution))
    count = min(math.ceil(within / BLOCK) * BLOCK, np.sum(f > 0))
    near = np.sort(np.argsort(distance, kind="stable")[:count])
    return Spectrum(f[near], density[near], spectrum.unit), peak
