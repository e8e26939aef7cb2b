"""One line and its background in a power spectrum of known statistics, by Whittle's likelihood, with intervals.

A reading I of a periodogram scatters about the density S as S times an exponential variable (as a gamma variable of
shape n for an average of n). A Lorentzian line of width Δ at f is expected as

    S(ν) = h L(ν − f; Δ)/L(0; Δ) + b,    L(δ; Δ) = 2 Re ∫₀¹ (1 − τ) e^(−πΔTτ − 2πiδTτ) dτ

in a record of length T: narrow lines are as wide as the record makes them, and Δ is the width of the line itself. No
window is applied: readings 1/T apart are then independent, and leakage is in L. The posterior of f, ln Δ and ln b/h,
for a prior that is even in them and in ln h (over which the integral is closed), is summed on grids. Its quantiles are
the intervals. (Lines that are not resolved: see `FLAT`.)

Sources: P. Whittle, Ark. Mat. 2, 423 (1953); E. R. Anderson, T. L. Duvall, S. M. Jefferies, Astrophys. J. 364, 699
(1990), for lines in periodograms; A. M. Sykulski et al., Biometrika 106, 251 (2019), for the expected periodogram.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

FALSE_ALARM: Final = 1e-3
"""The probability that a line is seen in a spectrum that has none."""
REACH: Final = 12.0
"""The background is taken within so many line widths of the line,"""
OCTAVE: Final = 0.6
"""and within this part of its frequency: the next harmonic, and what lies about zero, are another matter."""
MOST: Final = 10.0
"""Largest background, relative to the line."""
CLEAN: Final = 3e-3
"""Where the background is less than this part of the line, its far wings would decide, and they are no Lorentzian's:"""
CORE: Final = 3.0
"""only so many line widths are used then, with no more background than that,"""
CORE_FEWEST: Final = 8
"""and at least so many readings to each side."""
SEARCHES: Final = 6
WINGS: Final = 3.0
"""Of a line that is broader than that, so many widths are needed."""
FEWEST: Final = 24
"""But always so many readings to each side,"""
MORE: Final = 60
"""and so many where the next harmonic is farther."""
GROUPS: Final = 150
"""So many readings at most: more are averaged with their neighbours."""
GRID: Final = (21, 19, 11)
"""Frequencies, widths and backgrounds."""
ROUNDS: Final = 4
NARROWEST: Final = 1e-9
"""The smallest width of the grid, in resolutions."""
FLAT: Final = 0.3
"""The prior is even in the logarithm of widths above, and in the width below so many resolutions: a line that is not
resolved has an upper bound that depends on no smallest width."""
NOISE_EVIDENCE: Final = 0.85
"""The evidence that noise shows once in 1/p spectra of N readings, over ln(N/p); by simulation."""


class Statistics(NamedTuple):
    """How the readings of a spectrum scatter."""

    averages: float
    """Independent periodograms that were averaged."""
    resolution: float
    """1/T [Hz] of each, T its length."""


class LineFit(NamedTuple):
    """The posterior of a line: grids and weights of sum 1, and how sure it is that there is one."""

    frequencies: np.ndarray
    frequency_weights: np.ndarray
    widths: np.ndarray
    width_weights: np.ndarray
    height: float
    background: float
    evidence: float
    """Logarithm of the likelihood ratio to a flat spectrum."""
    needed: float
    """What noise exceeds with the probability `FALSE_ALARM`."""

    @property
    def frequency(self) -> float:
        """Median [Hz]."""
        return float(quantiles(self.frequencies, self.frequency_weights, 0.5))

    @property
    def width(self) -> float:
        """Median [Hz]."""
        return float(np.exp(quantiles(np.log(self.widths), self.width_weights, 0.5)))

    @property
    def found(self) -> bool:
        """Whether the line stands out of the noise."""
        return self.evidence > self.needed


def quantiles(values: np.ndarray, weights: np.ndarray, probabilities: Any) -> np.ndarray:
    """Quantiles of a distribution on a grid; each value stands for the cell about it."""
    edges = np.concatenate([[values[0]], (values[1:] + values[:-1]) / 2, [values[-1]]])
    return np.interp(probabilities, np.concatenate([[0.0], np.cumsum(weights)]), edges)


def fit_line(f: np.ndarray, density: np.ndarray, statistics: Statistics) -> LineFit:
    """The line that stands out most in readings (F,) at evenly spaced frequencies [Hz]."""
    density = np.maximum(density, 1e-30 * float(density.max()))
    center, width = _start(density, statistics)
    spacing = float(f[1] - f[0])
    center, width = float(f[0] + spacing * center), spacing * width
    reach, evidence = REACH, -math.inf
    found = _posterior(_around(f, density, center, width, reach, statistics), center, width, statistics, MOST)
    for _ in range(SEARCHES):
        evidence = max(evidence, found.evidence)
        before, (center, width) = (width, reach), found.best
        if found.background < CLEAN and width > 0.5 * statistics.resolution:
            reach = CORE
        if 0.6 < width / before[0] < 1.6 and reach == before[1]:
            break
        most = MOST if reach == REACH else CLEAN
        found = _posterior(_around(f, density, center, width, reach, statistics), center, width, statistics, most)
    return found.fit(f.size)._replace(evidence=evidence)


class _Readings(NamedTuple):
    f: np.ndarray
    density: np.ndarray
    shape: float
    """Shape of the gamma distribution of one reading, as it counts in the likelihood."""


def _start(density: np.ndarray, statistics: Statistics) -> tuple[float, float]:
    """Place and width, in readings, of the box whose mean stands out most of its surroundings, by likelihood."""
    total, floor = np.concatenate([[0.0], np.cumsum(density)]), 1e-30 * float(density.max())
    size, best, found = density.size, -np.inf, (0.0, 1.0)
    width = 2.0
    while width <= max(size / 3, 2):
        w = int(width)
        first = np.arange(0, size - w + 1)
        inside = (total[first + w] - total[first]) / w
        low, high = np.maximum(first - 3 * w, 0), np.minimum(first + 4 * w, size)
        around = (total[high] - total[low] - w * inside) / np.maximum(high - low - w, 1)
        # likelihood ratio of two levels, one of the box and one of 6 w readings about it, to a single one
        level = (inside * w + around * (high - low - w)) / (high - low)
        inside, around, level = (np.log(np.maximum(part, floor)) for part in (inside, around, level))
        gain = (high - low) * level - w * inside - (high - low - w) * around
        evidence = np.where(inside > around, gain, -np.inf)
        place = int(np.argmax(evidence))
        if evidence[place] > best:
            best, found = float(evidence[place]), (place + (w - 1) / 2, float(w))
        width *= 1.5
    place, w = found
    part = slice(max(int(place - w), 0), int(place + w) + 1)
    excess = np.maximum(density[part] - np.median(density[part]), 0)
    center = float(np.average(np.arange(size)[part], weights=excess)) if excess.any() else place
    return center, max(w / 1.5, 0.5)


def _around(
    f: np.ndarray, density: np.ndarray, center: float, width: float, reach: float, statistics: Statistics
) -> _Readings:
    """The readings about a line, averaged with their neighbours where there are many in its width."""
    spacing = float(f[1] - f[0])
    octave = max(OCTAVE * center, min(WINGS * width, 0.9 * center))
    fewest, more = (FEWEST, MORE) if reach == REACH else (CORE_FEWEST, CORE_FEWEST)
    distance = max(min(max(reach * width, more * spacing), octave), fewest * spacing)
    near = np.flatnonzero(np.abs(f - center) <= distance)
    size = int(max(1, min(width / spacing / 6, near.size / GROUPS * 2)))
    near = near[: near.size // size * size]
    return _Readings(
        f[near].reshape(-1, size).mean(axis=1),
        density[near].reshape(-1, size).mean(axis=1),
        size * statistics.averages,
    )


def line_shape(distance: np.ndarray, width: np.ndarray, resolution: float) -> np.ndarray:
    """L(δ; Δ)."""
    kappa = (math.pi * width + 2j * math.pi * distance) / resolution
    kappa = np.where(np.abs(kappa) < 1e-4, 1e-4, kappa)
    return 2 * ((1 - (1 - np.exp(-kappa)) / kappa) / kappa).real


class _Posterior(NamedTuple):
    """The posterior on its last grid."""

    f: np.ndarray
    widths: np.ndarray
    ratios: np.ndarray
    weights: np.ndarray
    evidence: float
    level: float

    @property
    def best(self) -> tuple[float, float]:
        """Medians of frequency and width."""
        weights = self.weights
        width = np.exp(quantiles(np.log(self.widths), weights.sum(axis=(0, 2)), 0.5))
        return float(quantiles(self.f, weights.sum(axis=(1, 2)), 0.5)), float(width)

    @property
    def background(self) -> float:
        """Median of the background, relative to the line."""
        return float(np.exp(quantiles(np.log(self.ratios), self.weights.sum(axis=(0, 1)), 0.5)))

    def fit(self, tried: int) -> LineFit:
        """As the rest of the library takes it; `tried` readings were searched for a line."""
        return LineFit(
            self.f,
            self.weights.sum(axis=(1, 2)),
            self.widths,
            self.weights.sum(axis=(0, 2)),
            self.level,
            self.level * self.background,
            self.evidence,
            NOISE_EVIDENCE * math.log(tried / FALSE_ALARM),
        )


Edges = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]


def _posterior(readings: _Readings, center: float, width: float, statistics: Statistics, most: float) -> _Posterior:
    """Grids that are drawn closer round by round."""
    unit = statistics.resolution
    reach = max(width, 1.5 * unit)
    least = max(min(float(readings.density.min() / readings.density.max()), most) / 10, 1e-30)
    edges: Edges = (
        (center - reach, center + reach),
        (math.log(NARROWEST * unit), math.log(max(6 * width, 3 * unit))),
        (math.log(least), math.log(most)),
    )
    found = _on_grid(readings, edges, unit)
    for _ in range(ROUNDS - 1):
        found = _on_grid(readings, _closer(found), unit)
    return found


def _on_grid(readings: _Readings, edges: Edges, unit: float) -> _Posterior:
    """The posterior between edges of the frequency, and of the logarithms of width and relative background."""
    count = readings.shape * readings.f.size
    f, widths, ratios = (np.linspace(*edge, number) for edge, number in zip(edges, GRID, strict=True))
    widths, ratios = np.exp(widths), np.exp(ratios)
    line = line_shape(readings.f[None, None, :] - f[:, None, None], widths[None, :, None], unit)
    line = np.maximum(line / line_shape(np.zeros(1), widths, unit)[None, :, None], 0)
    model = line[:, :, None, :] + ratios[None, None, :, None]
    mean = (readings.density / model).mean(axis=-1)
    likely = -count * np.log(mean) - count * np.log(model).mean(axis=-1)
    weights = np.exp(likely - likely.max()) * (widths / (widths + FLAT * unit))[None, :, None]
    flat = -count * math.log(float(readings.density.mean()))
    at = np.unravel_index(int(np.argmax(likely)), likely.shape)
    return _Posterior(f, widths, ratios, weights / weights.sum(), float(likely[at]) - flat, float(mean[at]))


def _closer(found: _Posterior) -> Edges:
    """The edges between which the posterior is not negligible."""

    def inside(grid: np.ndarray, axes: tuple[int, int]) -> tuple[float, float]:
        marginal = found.weights.sum(axis=axes)
        likely = np.flatnonzero(marginal > 1e-4 * marginal.max())
        return float(grid[max(likely[0] - 1, 0)]), float(grid[min(likely[-1] + 1, grid.size - 1)])

    return inside(found.f, (1, 2)), inside(np.log(found.widths), (0, 2)), inside(np.log(found.ratios), (0, 1))
