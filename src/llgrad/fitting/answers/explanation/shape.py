"""The shape of residuals: correlation, a line, a drift, outliers, a missing factor; and the length of a recorded m.

Each test has a known distribution where the residuals are independent and normal, so that good fits are accused as
rarely as `UNLIKELY` says; what is significant but small (`MATERIAL`) is left alone. `quality` judges by them.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

UNLIKELY: Final = 1e-4
"""Probability below which what a good fit might show by chance is taken as no chance."""

MATERIAL: Final = 0.1
"""Part of the residuals' power below which a line or a drift in them is left alone, whatever its significance: it
makes standard errors too small by a twentieth at most."""

CORRELATED: Final = 0.2
"""Autocorrelation of neighbouring residuals below which it is left alone: standard errors are √((1+ρ)/(1−ρ)) times
larger than those of independent residuals, 1.2 times here."""

FEWEST: Final = 30
"""Residuals below which correlation and outliers say nothing."""

ROUNDING: Final = 1e-6
"""Residuals below this part of the data's scale are the rounding of a noise-free trace."""


class ResidualLine(NamedTuple):
    """The strongest line of the residuals of one column."""

    frequency: float
    """In cycles per sample."""
    share: float
    """Its part of their power."""


def r_squared(data: np.ndarray, residuals: np.ndarray) -> float | None:
    """R² = 1 − Σr²/Σ(d − d̄)² of columns (T, C), each about its own mean; None where nothing varies."""
    total = float(np.sum((data - data.mean(axis=0)) ** 2))
    return 1 - float(np.sum(residuals**2)) / total if total > 0 else None


def correlation_of(residuals: np.ndarray) -> float:
    """Correlation of neighbouring residuals (T, C)."""
    centred = residuals - residuals.mean(axis=0)
    power = float(np.sum(centred**2))
    return float(np.sum(centred[1:] * centred[:-1])) / power if power > 0 and len(residuals) > 2 else 0.0


def is_correlated(residuals: np.ndarray, scale: float) -> bool:
    """Whether neighbouring residuals (T, C) are correlated, and not just the rounding of a noise-free trace.

    Independent ones have a correlation of zero mean and variance 1/(T C) (M. S. Bartlett, J. R. Stat. Soc. Suppl. 8,
    27 (1946)).
    """
    rms = float(np.sqrt(np.mean(residuals**2)))
    least = max(CORRELATED, normal_quantile() / math.sqrt(residuals.size))
    return residuals.size > FEWEST and rms > ROUNDING * scale and abs(correlation_of(residuals)) > least


def strongest_line(residuals: np.ndarray) -> ResidualLine | None:
    """The strongest line in the residuals (T,) of one column, where it is no chance.

    Of K ordinates of the periodogram of independent residuals the largest has more than the part g of their sum with a
    probability of at most K (1 − g)^(K−1) (R. A. Fisher, Proc. R. Soc. A 125, 54 (1929)).
    """
    size = residuals.size
    count = (size - 1) // 2
    if count < 8:
        return None
    power = np.abs(np.fft.rfft(residuals - residuals.mean())[1 : count + 1]) ** 2
    total = float(power.sum())
    if not total > 0:
        return None
    largest = int(np.argmax(power))
    share = float(power[largest]) / total
    chance = math.log(count) + (count - 1) * math.log1p(-min(share, 1 - 1e-12))
    return ResidualLine((largest + 1) / size, share) if share > MATERIAL and chance < math.log(UNLIKELY) else None


def is_noise(residuals: np.ndarray) -> bool:
    """Whether no column of the residuals (T, C) has a line or a drift in it."""
    return all(strongest_line(column) is None and not drift(column) for column in residuals.T)


def drift(residuals: np.ndarray) -> float:
    """The part of the power of the residuals (T,) that an offset and a drift along them are, or 0 where it may be
    chance."""
    size = residuals.size
    power = float(residuals @ residuals)
    if size < 4 or not power > 0:
        return 0.0
    x = np.arange(float(size)) - (size - 1) / 2  # orthogonal to a constant
    explained = float(residuals.sum()) ** 2 / size + float(x @ residuals) ** 2 / float(x @ x)
    return _part_of_no_chance(explained / power, 2, size - 2)


def smooth_part(residuals: np.ndarray, x: np.ndarray, degree: int, slopes: np.ndarray, freedom: int) -> float:
    """The part of the power of the residuals (M,) that a polynomial in x (M,) explains, or 0 where it may be chance.

    F test of a model to which the polynomial is added: its columns are taken orthogonal to the slopes (M, q) of the
    model, to which least squares has made the residuals orthogonal already. `freedom` is M − q.
    """
    position = (x - x.mean()) / (np.ptp(x) or 1.0)
    basis = np.stack([position**power for power in range(degree + 1)], axis=1)
    length = np.linalg.norm(slopes, axis=0)
    directions, sizes, _ = np.linalg.svd(slopes / np.where(length > 0, length, 1.0), full_matrices=False)
    known = directions[:, sizes > 1e-6 * max(float(sizes.max(initial=0.0)), 1e-300)]
    basis = basis - known @ (known.T @ basis)
    axes, sizes, _ = np.linalg.svd(basis, full_matrices=False)
    axes = axes[:, sizes > 1e-3]
    left = freedom - axes.shape[1]
    power = float(residuals @ residuals)
    if not axes.size or left < 2 or not power > 0:
        return 0.0
    return _part_of_no_chance(float(np.sum((axes.T @ residuals) ** 2)) / power, axes.shape[1], left)


def _part_of_no_chance(share: float, directions: int, left: float) -> float:
    """The part of the power that lies along so many directions, or 0 where it is small, or may be chance."""
    share = min(share, 1 - 1e-12)
    if share <= MATERIAL:
        return 0.0
    return share if f_tail(share / directions / ((1 - share) / left), directions, left) < UNLIKELY else 0.0


def outliers(residuals: np.ndarray) -> int:
    """How many residuals (T,) lie farther from the median than any of so many normal ones would.

    Their width is taken from the median of their distances, 1.4826 of which is a standard deviation (P. J. Huber,
    Robust Statistics (1981), §5.1); the distance allowed is that of one in T/`UNLIKELY`, and a tenth more, for a
    width from few residuals is uncertain.
    """
    distance = np.abs(residuals - np.median(residuals))
    width = 1.4826 * float(np.median(distance))
    if residuals.size < FEWEST or not width > 0:
        return 0
    allowed = normal_quantile(UNLIKELY / residuals.size) * (1.1 + 2 / math.sqrt(residuals.size))
    return int(np.sum(distance > allowed * width))


def missing_line(data: np.ndarray, predicted: np.ndarray) -> tuple[float, float, float]:
    """(gain, offset, part of the residuals' power that stays) of the straight line from predicted to recorded (T,)."""
    centred, wanted = predicted - predicted.mean(), data - data.mean()
    size = float(centred @ centred)
    left = float(np.sum((data - predicted) ** 2))
    if not (size > 0 and left > 0):
        return 1.0, 0.0, 1.0
    gain = float(centred @ wanted) / size
    offset = float(data.mean() - gain * predicted.mean())
    return gain, offset, float(np.sum((data - gain * predicted - offset) ** 2)) / left


def length_of(m: np.ndarray) -> tuple[float, float]:
    """Length of the vectors m (T, 3) without the part that their noise adds, and its standard error.

    Of m = L e + n with independent normal noise of variance x in each component, |m|² has the mean L² + 3x and the
    variance 4 L² x + 6 x²: two equations for L² and x.
    """
    square = np.sum(m**2, axis=1)
    mean, variance = float(square.mean()), float(square.var())
    noise = (4 * mean - math.sqrt(max(16 * mean**2 - 24 * variance, 0.0))) / 12
    length = math.sqrt(max(mean - 3 * noise, 1e-12))
    error = math.sqrt(variance / square.size) + 3 * variance * math.sqrt(2 / square.size) / (4 * mean)
    return length, error / (2 * length)


def normal_quantile(tail: float = UNLIKELY) -> float:
    """The distance, in standard deviations, that a normal number exceeds on either side with this probability."""
    import scipy.special  # slow to import

    return float(-scipy.special.ndtri(tail / 2))


def chi2_tail(chi2: float, freedom: float) -> tuple[float, float]:
    """The probabilities of a χ² as large as this or larger, and as small or smaller, with so many degrees of
    freedom."""
    import scipy.special  # slow to import

    half: Any = freedom / 2
    return float(scipy.special.gammaincc(half, chi2 / 2)), float(scipy.special.gammainc(half, chi2 / 2))


def chi2_edge(tail: float, freedom: float) -> float:
    """The χ² that a good fit exceeds with this probability."""
    import scipy.special  # slow to import

    return float(scipy.special.chdtri(freedom, tail))


def f_tail(ratio: float, above: float, below: float) -> float:
    """The probability of a ratio of variances as large as this or larger."""
    import scipy.special  # slow to import

    return float(scipy.special.fdtrc(above, below, max(ratio, 0.0)))
