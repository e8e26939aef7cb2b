"""One resonance line: a symmetric and an antisymmetric Lorentzian on a polynomial background, by least squares.

    V(H) = S/(1 + x²) + A x/(1 + x²) + Σ_k c_k hᵏ,   x = (H − H_r)/w

w is the half width at half maximum of the symmetric part; h is the field, −1 to 1 over the window. Spin-diode lines are
such a sum: A. A. Tulapurkar et al., Nature 438, 339 (2005).
"""

from __future__ import annotations

import enum
from functools import partial
from typing import Any, Final, NamedTuple

import equinox as eqx
import numpy as np

from llgrad.datasets.sweeps import Sweep

STARTS: Final = 80
"""Resonance fields that are tried as a start, evenly over the window and a quarter of it beyond each end."""


class Background(enum.IntEnum):
    """The degree of the polynomial below the line."""

    CONSTANT = 0
    LINEAR = 1
    QUADRATIC = 2


class Window(NamedTuple):
    """The fields [T] that are fitted, ends included."""

    low: float = -np.inf
    high: float = np.inf

    def holds(self, field: Any) -> Any:
        """Which fields lie inside."""
        return (field >= self.low) & (field <= self.high)


EVERYTHING: Final = Window()
"""The whole sweep."""


class Line(eqx.Module):
    """The fitted line of one sweep, in SI, with standard errors from the scatter about it."""

    sweep: Sweep
    """The points that were fitted."""
    resonance: float
    """H_r [T]."""
    resonance_error: float
    half_width: float
    """w [T]."""
    half_width_error: float
    symmetric: float
    """S [V]."""
    antisymmetric: float
    """A [V]."""
    curve: np.ndarray
    """The fitted voltages [V] at the fields of `sweep`."""
    background: np.ndarray
    """The polynomial alone [V]."""
    r_squared: float
    """Part of the variance that the fit explains."""
    freedom: int
    """Points minus parameters."""
    gain: float
    """F = (reduction of Σr² by the line per its four parameters)/(noise²), against the background alone."""

    @property
    def frequency(self) -> float:
        """Frequency [Hz] of the sweep."""
        return self.sweep.frequency


def fewest_points(background: Background) -> int:
    """The smallest number of points that a line with its errors can be fitted to."""
    return 4 + int(background) + 1 + 2


def fit_line(sweep: Sweep, window: Window = EVERYTHING, background: Background = Background.LINEAR) -> Line:
    """The line of a sweep, from the best of many starts.

    The amplitudes and the background enter linearly, so at each start they come from one linear solve. Raises
    ValueError for too few points in the window.
    """
    import scipy.optimize  # slow to import

    inside = window.holds(sweep.field)
    if inside.sum() < fewest_points(background):
        raise ValueError(f"{int(inside.sum())} points lie in the window, expected at least {fewest_points(background)}")
    cut = Sweep(sweep.frequency, sweep.field[inside], sweep.voltage[inside])
    centre, half = (cut.field.max() + cut.field.min()) / 2, np.ptp(cut.field) / 2
    size = max(float(np.ptp(cut.voltage)), 1e-300)
    h, v = (cut.field - centre) / half, cut.voltage / size
    powers = h[:, None] ** np.arange(int(background) + 1)
    start = _best_start(h, v, powers)
    jacobian: Any = partial(_jacobian, h=h, powers=powers)  # scipy's stubs know only the words
    found = scipy.optimize.least_squares(
        lambda p: _model(p, h, powers) - v, start, jac=jacobian, method="lm", x_scale="jac"
    )
    p = found.x
    freedom = h.size - p.size
    noise2 = 2 * found.cost / freedom
    errors = np.sqrt(np.diag(noise2 * np.linalg.pinv(found.jac.T @ found.jac)))
    flat = v - powers @ np.linalg.lstsq(powers, v, rcond=None)[0]
    mirror = -1.0 if p[1] < 0 else 1.0  # (w, A) and (−w, −A) are the same line
    return Line(
        sweep=cut,
        resonance=float(centre + half * p[0]),
        resonance_error=float(half * errors[0]),
        half_width=float(half * abs(p[1])),
        half_width_error=float(half * errors[1]),
        symmetric=float(size * p[2]),
        antisymmetric=float(size * mirror * p[3]),
        curve=size * _model(p, h, powers),
        background=size * (powers @ p[4:]),
        r_squared=float(1 - 2 * found.cost / max(((v - v.mean()) ** 2).sum(), 1e-300)),
        freedom=freedom,
        gain=float((flat @ flat - 2 * found.cost) / 4 / max(noise2, 1e-300)),
    )


def _shapes(h: np.ndarray, centre: Any, width: Any) -> tuple[Any, Any, Any]:
    x = (h - centre) / width
    bell = 1 / (1 + x * x)
    return x, bell, x * bell


def _model(p: np.ndarray, h: np.ndarray, powers: np.ndarray) -> np.ndarray:
    _, bell, wave = _shapes(h, p[0], p[1])
    return p[2] * bell + p[3] * wave + powers @ p[4:]


def _jacobian(p: np.ndarray, h: np.ndarray, powers: np.ndarray) -> np.ndarray:
    x, bell, wave = _shapes(h, p[0], p[1])
    by_x = bell * bell * (p[3] * (1 - x * x) - 2 * p[2] * x)
    return np.column_stack([-by_x / p[1], -by_x * x / p[1], bell, wave, powers])


def _best_start(h: np.ndarray, v: np.ndarray, powers: np.ndarray) -> np.ndarray:
    """The best (H_r, w) of a grid, with its linear coefficients. Widths go from two points to half the window.

    With the background projected out of everything, each trial is a fit by two shapes, solved in closed form.
    """
    finest = min(4 / (h.size - 1), 0.25)
    widths, centres = np.meshgrid(np.geomspace(finest, 0.5, 7), np.linspace(-1.5, 1.5, STARTS))
    widths, centres = widths.reshape(-1, 1), centres.reshape(-1, 1)
    basis, _ = np.linalg.qr(powers)
    _, bell, wave = _shapes(h, centres, widths)
    bell, wave, rest = (part - (part @ basis) @ basis.T for part in (bell, wave, v))
    bell_v, wave_v = bell @ rest, wave @ rest
    bell2, wave2, both = (np.einsum("ij,ij->i", a, b) for a, b in ((bell, bell), (wave, wave), (bell, wave)))
    explained = bell_v**2 * wave2 - 2 * bell_v * wave_v * both + wave_v**2 * bell2
    best = int(np.argmax(explained / np.maximum(bell2 * wave2 - both**2, 1e-12 * bell2 * wave2)))
    centre, width = centres[best, 0], widths[best, 0]
    _, bell, wave = _shapes(h, centre, width)
    coefficients = np.linalg.lstsq(np.column_stack([bell, wave, powers]), v, rcond=None)[0]
    return np.concatenate([[centre, width], coefficients])
