"""One line and its background in a power spectrum of known statistics, by Whittle's likelihood, with intervals.

A reading I of a periodogram scatters about the density S as S times an exponential variable (as a gamma variable of
shape n for an average of n). A Lorentzian line of width Δ at f is expected as

    S(ν) = h L(ν − f; Δ)/L(0; Δ) + b,    L(δ; Δ) = 2 Re ∫₀¹ (1 − τ) e^(−πΔTτ − 2πiδTτ) dτ

in a record of length T: narrow lines are as wide as the record makes them, and Δ is the width of the line itself. No
window is applied: readings 1/T apart are then independent, and leakage is in L. The posterior of f, ln Δ and ln b/h,
is summed on grids (that over ln h is closed). Its prior is even in f, ln h and ln b/h, and in ln Δ the square root of
the information on it that the unknown height and background leave, with which the quantiles of the posterior cover
best (it vanishes as Δ T where a line is not resolved: that has an upper bound which depends on no smallest width).
Whether there is a line at all is told by the likelihood ratio of a box of readings to its surroundings, whose
distribution in noise is simulated.

Sources: P. Whittle, Ark. Mat. 2, 423 (1953); E. R. Anderson, T. L. Duvall, S. M. Jefferies, Astrophys. J. 364, 699
(1990), for lines in periodograms; R. Tibshirani, Biometrika 76, 604 (1989), for the prior; A. M. Sykulski et al.,
Biometrika 106, 251 (2019), for the expected periodogram.
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
NARROWEST: Final = 1e-4
"""The smallest width of the grid, in resolutions."""
SLOPES: Final = (1.05, 1.35, 3.1)
"""The evidence that noise shows once in 1/p spectra of N readings is 1.05 ln 1/p + 1.35 ln N − 3.1, by simulation of
up to 20,000 exponential spectra of 16 to 16,000 readings each; of 16,000 it is 0.5 less."""
FEWEST_READINGS: Final = 8
ASIDE: Final = 12
"""At least so many readings to each side are a box's surroundings."""


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
    reach: float
    """Half of the band [Hz] whose readings were used."""

    @property
    def frequency(self) -> float:
        """Median [Hz]."""
        return float(quantiles(self.frequencies, self.frequency_weights, 0.5))

    @property
    def width(self) -> float:
        """Median [Hz]."""
        return float(np.exp(quantiles(np.log(self.widths), self.width_weights, 0.5)))


def quantiles(values: np.ndarray, weights: np.ndarray, probabilities: Any) -> np.ndarray:
    """Quantiles of a distribution on a grid; each value stands for the cell about it."""
    edges = np.concatenate([[values[0]], (values[1:] + values[:-1]) / 2, [values[-1]]])
    return np.interp(probabilities, np.concatenate([[0.0], np.cumsum(weights)]), edges)


def fit_line(f: np.ndarray, density: np.ndarray, statistics: Statistics) -> LineFit | None:
    """The line that stands out most in readings (F,) at evenly spaced frequencies [Hz]; None where noise alone may be.

    Fewer than `FEWEST_READINGS` show no line.
    """
    if f.size < FEWEST_READINGS:
        return None
    density = np.maximum(density, 1e-30 * float(density.max()))
    start = strongest_box(density)
    if start.evidence * statistics.averages < evidence_of_noise(f.size):
        return None
    spacing = float(f[1] - f[0])
    center, width = float(f[0] + spacing * start.center), spacing * start.width
    center, width = _likeliest(_around(f, density, center, width, REACH, statistics), center, width, statistics)
    reach, most = REACH, MOST
    readings = _around(f, density, center, width, reach, statistics)
    found = _posterior(readings, center, width, statistics, most)
    for _ in range(SEARCHES - 1):
        before, (center, width) = (width, reach), found.best
        if found.background < CLEAN and width > 0.5 * statistics.resolution:
            reach, most = CORE, CLEAN
        if 0.6 < width / before[0] < 1.6 and reach == before[1]:
            break
        readings = _around(f, density, center, width, reach, statistics)
        found = _posterior(readings, center, width, statistics, most)
    return found.fit(float(readings.f[-1] - readings.f[0]) / 2)


def evidence_of_noise(size: int) -> float:
    """The evidence of the strongest box that noise of so many readings exceeds with the probability `FALSE_ALARM`."""
    return SLOPES[0] * math.log(1 / FALSE_ALARM) + SLOPES[1] * math.log(size) - SLOPES[2]


def _likeliest(readings: _Readings, center: float, width: float, statistics: Statistics) -> tuple[float, float]:
    """Place and width of the likeliest line about a box, on a coarse grid: a narrow line hides in a broad box."""
    unit = statistics.resolution
    edges = (
        _within(readings, center, max(width, 1.5 * unit)),
        (math.log(0.2 * unit), math.log(max(4 * width, 3 * unit))),
        (math.log(1e-4), math.log(MOST)),
    )
    found = _on_grid(readings, edges, unit)
    k = int(np.argmax(found.weights.sum(axis=(0, 2))))  # a spike of noise is likelier than a line, but holds less
    return float(found.f[int(np.argmax(found.weights[:, k].sum(axis=1)))]), float(found.widths[k])


class _Readings(NamedTuple):
    f: np.ndarray
    density: np.ndarray
    shape: float
    """Shape of the gamma distribution of one reading, as it counts in the likelihood."""


def _within(readings: _Readings, center: float, reach: float) -> tuple[float, float]:
    """The frequencies about a place that there are: the line of a drift would lie at zero or below."""
    low, high = float(readings.f[0]), float(readings.f[-1])
    center = min(max(center, low), high)
    return max(center - reach, low), min(center + reach, high)


class LineBox(NamedTuple):
    """The box of readings that stands out most of its surroundings."""

    center: float
    width: float
    """Both counted in readings."""
    evidence: float
    """Logarithm of the likelihood ratio of two levels, of the box and of its surroundings, to a single one."""


def strongest_box(density: np.ndarray) -> LineBox:
    """What stands out most of readings (F,): the start of the fit, and the proof that there is a line."""
    total, floor = np.concatenate([[0.0], np.cumsum(density)]), 1e-30 * float(density.max())
    size, best, found, width = density.size, -np.inf, (0, 1), 1.0
    while width <= max(size / 3, 1):
        w, aside = int(width), max(3 * int(width), ASIDE)
        first = np.arange(0, size - w + 1)
        low, high = np.maximum(first - aside, 0), np.minimum(first + w + aside, size)
        inside = (total[first + w] - total[first]) / w
        around = (total[high] - total[low] - w * inside) / np.maximum(high - low - w, 1)
        level = (total[high] - total[low]) / (high - low)
        inside, around, level = (np.log(np.maximum(part, floor)) for part in (inside, around, level))
        gain = (high - low) * level - w * inside - (high - low - w) * around
        evidence = np.where(inside > around, gain, -np.inf)
        place = int(np.argmax(evidence))
        if evidence[place] > best:
            best, found = float(evidence[place]), (place, w)
        width = max(width * 1.5, width + 1)
    place, w = found
    part = slice(max(place - w // 2, 0), place + w + w // 2 + 1)
    excess = np.maximum(density[part] - np.median(density[part]), 0)
    center = float(np.average(np.arange(size)[part], weights=excess)) if excess.any() else place + (w - 1) / 2
    return LineBox(center, max(w / 1.5, 0.5), best)


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
    at: tuple[int, ...]
    """The likeliest."""
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

    def fit(self, reach: float) -> LineFit:
        """As the rest of the library takes it."""
        return LineFit(
            self.f,
            self.weights.sum(axis=(1, 2)),
            self.widths,
            self.weights.sum(axis=(0, 2)),
            self.level,
            self.level * self.background,
            reach,
        )


Edges = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]


def _posterior(readings: _Readings, center: float, width: float, statistics: Statistics, most: float) -> _Posterior:
    """Grids that are drawn closer round by round."""
    unit = statistics.resolution
    least = max(min(float(readings.density.min() / readings.density.max()), most) / 10, 1e-30)
    edges: Edges = (
        _within(readings, center, max(width, 1.5 * unit)),
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
    weights = np.exp(likely - likely.max()) * _prior(readings, float(np.median(f)), widths, ratios, unit)[None]
    at = tuple(int(i) for i in np.unravel_index(int(np.argmax(likely)), likely.shape))
    return _Posterior(f, widths, ratios, weights / weights.sum(), at, float(mean[at]))


def _prior(readings: _Readings, center: float, widths: np.ndarray, ratios: np.ndarray, unit: float) -> np.ndarray:
    """Square root of the information on ln Δ (W, R) that height and background, both unknown, leave."""

    def line(widths: np.ndarray) -> np.ndarray:
        distance = readings.f - center
        return (
            np.maximum(line_shape(distance, widths[:, None], unit), 0) / line_shape(np.zeros(1), widths, unit)[:, None]
        )

    model = line(widths)[:, None, :] + ratios[:, None]
    slope = (line(widths * 1.01) - line(widths / 1.01))[:, None, :] / (2 * math.log(1.01)) / model
    share = ratios[:, None] / model
    slope, share = (part - part.mean(axis=-1, keepdims=True) for part in (slope, share))
    common = (slope * share).sum(axis=-1) / np.maximum((share**2).sum(axis=-1), 1e-300)
    return np.sqrt(((slope - common[..., None] * share) ** 2).sum(axis=-1)) + 1e-300


def _closer(found: _Posterior) -> Edges:
    """The edges between which the posterior is not negligible."""

    def inside(grid: np.ndarray, axes: tuple[int, int]) -> tuple[float, float]:
        marginal = found.weights.sum(axis=axes)
        likely = np.flatnonzero(marginal > 1e-4 * marginal.max())
        return float(grid[max(likely[0] - 1, 0)]), float(grid[min(likely[-1] + 1, grid.size - 1)])

    return inside(found.f, (1, 2)), inside(np.log(found.widths), (0, 2)), inside(np.log(found.ratios), (0, 1))
