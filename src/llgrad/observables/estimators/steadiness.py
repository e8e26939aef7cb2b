"""What a steady amplitude does to the frequency of a line that Whittle's likelihood gives, and mixed intervals.

Whittle's likelihood takes a signal for Gaussian. Of an oscillator of steady amplitude, whose phase diffuses, it finds
the frequency without bias, but with another variance, by the sandwich (Godambe's information): I⁻¹ (I + K) I⁻¹, where
K is what the fourth cumulant of the signal adds to the variance of the score. The score is J = ∫ g(ν) P(ν) dν with
g = (∂S/∂f)/S², in time G(τ) = i τ e^(−cγτ)/(4c), c² = 1 + h/b, γ = πΔ. For a phase of Brownian motion, Clark's and
Ocone's formula gives the variance of J without simulation: per time, it is 2γ E ξ² of

    ξ = 2 Re i ∫₀^∞ H(a) e^(iφ(0) − iφ(−a)) da,    H(a) = ∫₀^∞ G(a + b) e^(−γb) db

Without noise the frequency's variance is twice that of a Gaussian signal, Δ/(2πT), the best there is: the mean
frequency of a phase that walks with ⟨δφ²⟩ = 2πΔT has the variance 2πΔT/(2πT)². Noise as strong as the line (b = h)
leaves 3 % of the excess. The width has the same formula with the score of ln Δ that the unknown height and background
leave, which is even in ν − f: then K < 0, for a steady amplitude does not scatter the power, by which Whittle's
likelihood doubts the width of a Gaussian signal. Of a wide band at 20 dB (b/h = 0.01) the width's variance is 0.61 of
that which the likelihood gives, at 10 dB 0.87.

Sources: V. P. Godambe, Ann. Math. Stat. 31, 1208 (1960); D. Ocone, Stochastics 12, 161 (1984).
"""

from __future__ import annotations

import math

import numpy as np


def excess(ratio: float) -> float:
    """K/I of the frequency of a steady oscillator, of a background b/h = `ratio` of the line; 1 without, 0 in noise.

    >>> [round(excess(ratio), 2) for ratio in (1e-6, 0.01, 0.1, 1.0)]
    [1.0, 0.64, 0.27, 0.03]
    """
    ratio = min(max(ratio, 1e-6), 1e6)
    c = math.sqrt(1 + 1 / ratio)
    k = 1 / (1 + c)

    def moment(rate: float) -> float:
        """∫₀^∞ (a + k)(a + 2k) e^(−rate a) da."""
        return 2 / rate**3 + 3 * k / rate**2 + 2 * k**2 / rate

    steady = 2 * 4 * k**3 * (moment(2 * c) + moment(2 * c + 4)) / (16 * c**2)
    angle = (np.arange(2000) + 0.5) / 2000 * math.pi / 2
    x = math.sqrt(c) * np.tan(angle)  # between the scales 1 and c
    measure = 2 * (math.pi / 2 / 2000) * math.sqrt(c) / np.cos(angle) ** 2 / (2 * math.pi)
    score = x**2 / (x**2 + c**2) ** 2 / (1 + x**2) ** 2
    line, both = np.sum(measure * 4 * score / (x**2 + c**2) ** 2), np.sum(measure * 4 * ratio**2 * score)
    return float((steady - line) / both)


def width_excess(ratio: float, reach: float) -> float:
    """K/I of ln Δ of a steady oscillator, of a background b/h = `ratio`, in a band of `reach` half widths to each side.

    >>> [round(width_excess(ratio, 24.0), 2) for ratio in (0.001, 0.01, 0.1, 1.0)]
    [-0.53, -0.39, -0.13, -0.01]
    """
    ratio, reach = min(max(ratio, 1e-3), 1e3), min(max(reach, 2.0), 24.0)
    u = np.linspace(-reach, reach, 601)  # in half widths
    bell = 1 / (1 + u**2)
    density = bell + ratio
    slope, others = 2 * u**2 * bell**2 / density, np.stack([bell, np.ones_like(u)], axis=1) / density[:, None]
    score = (slope - others @ np.linalg.lstsq(others, slope, rcond=None)[0]) / density
    a = (np.arange(400) + 0.5) * 0.03  # in 1/γ
    response = (np.exp(1j * np.outer(a, u)) @ (score / (1 - 1j * u))).real * 0.03  # H(a)
    earlier = np.minimum(a[:, None], a)
    sines = np.exp(-np.abs(a[:, None] - a)) * (1 - np.exp(-4 * earlier)) / 2  # ⟨sin θ(a) sin θ(b)⟩ of the phase
    spacing = float(u[1] - u[0]) / (2 * math.pi)
    steady = 8 * float(response @ sines @ response) * spacing**2
    line, both = (4 * spacing * float(np.sum(score**2 * part**2)) for part in (bell, density))
    return (steady - line) / both


def interval_error(variances: np.ndarray, weights: np.ndarray) -> float:
    """1/1.96 of what a mixture of normal distributions of mean zero exceeds once in twenty times, to either side.

    >>> round(interval_error(np.array([4.0]), np.array([1.0])), 3)
    2.0
    """
    scales = np.sqrt(2 * np.maximum(variances, 0)) + 1e-300
    low, high = 0.0, 5 * float(scales.max())
    for _ in range(60):
        middle = (low + high) / 2
        inside = sum(w * math.erf(middle / scale) for w, scale in zip(weights, scales, strict=True))
        low, high = (middle, high) if inside < 0.95 else (low, middle)
    return high / 1.96
