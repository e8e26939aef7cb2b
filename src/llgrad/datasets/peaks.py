"""The strongest line of a power spectrum: its frequency and its width, by a Lorentzian, with errors."""

from __future__ import annotations

from typing import Any, Final

import equinox as eqx
import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.units import show, show_with_error
from llgrad.observables.line_width import LineWidth, line_of
from llgrad.observables.spectrum import Spectrum

Window = tuple[float, float]
FEWEST_POINTS: Final = 8
REWEIGHTED: Final = 6
"""How often the line is fitted, each time with the noise that the last one leaves."""
SURE: Final = 5.0
"""A line that is this many of its standard errors high is one."""
FAR: Final = 12.0
"""Readings this many times above the scatter elsewhere are a line, however little is known of its height."""
REACH: Final = 15.0
"""How far from the line the spectrum is used, in line widths."""


class Peak(eqx.Module):
    """A line S(f) = background + height/(1 + (2(f − frequency)/line_width)²), with standard errors; in SI.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> f = np.linspace(1e9, 2e9, 501)
    >>> line = 5e-17 / (1 + (2 * (f - 1.6e9) / 2e7) ** 2)
    >>> peak = lg.data.peak_of(lg.observables.Spectrum(f, line + 1e-19 * np.sin(np.arange(501)), "V²/Hz"))
    >>> round(peak.frequency / 1e9, 3), round(peak.line_width / 1e6, 1)  # GHz, MHz
    (1.6, 20.0)
    """

    frequency: float
    frequency_error: float
    line_width: float
    """Full width at half maximum [Hz]."""
    line_width_error: float
    height: float
    """In the unit of the spectrum."""
    background: float
    power: float
    """The area π/2 · height · line_width: the variance that the line carries."""
    unit: str = eqx.field(static=True)
    notes: tuple[str, ...] = eqx.field(static=True)

    def __call__(self, frequency: Any) -> np.ndarray:
        """The fitted density at frequencies [Hz]."""
        return _line(np.array([self.frequency, self.line_width, self.height, self.background]), np.asarray(frequency))

    def __repr__(self) -> str:
        found = show_with_error(self.frequency, self.frequency_error, "Hz")
        width = show_with_error(self.line_width, self.line_width_error, "Hz")
        return "; ".join([f"Peak: {found}, line width {width}", *self.notes])


def peak_of(spectrum: Spectrum, window: Window | None = None) -> Peak:
    """The strongest line of a spectrum: a Lorentzian in power on a constant background.

    A spectrum that was computed from samples (`lg.spectrum`) has known statistics: its line is that of `line_width`, by
    Whittle's likelihood, whatever the number of segments. A measured spectrum is fitted by weighted least squares: the
    noise of a reading is found from the residuals, a constant part and one that grows with the density, as a
    receiver's and a random signal's do; neighbouring readings that are correlated (a window function) widen the errors.

    Args:
        spectrum: of one signal, (F,).
        window: frequencies (low, high) [Hz] that are used. None takes the strongest line and its surroundings.

    Raises:
        ValueError: for several signals, too few readings, a density that is negative throughout, or no line.

    >>> f, noise = np.linspace(1e9, 2e9, 501), np.random.default_rng(0).normal(size=501)
    >>> peak_of(Spectrum(f, 1e-19 * noise + 5e-17 / (1 + (2 * (f - 1.6e9) / 2e7) ** 2), "V²/Hz"))
    Peak: 1.59999... ± 0.00001... GHz, line width 19.9... ± 0.03... MHz
    """
    check_kind("spectrum", spectrum, Spectrum, "give what lg.data.read_spectrum or lg.spectrum gives")
    f, density = _readings(spectrum, window)
    found = _found(f, density, spectrum, window)
    if found is None and spectrum.samples is not None:
        values, step = spectrum.samples
        line = line_of(values, step, window)
        if line.changes:
            raise ValueError("; ".join(line.notes))
    if found is None:
        raise ValueError(
            f"no line stands out of the spectrum from {show(float(f[0]), 'Hz')} to {show(float(f[-1]), 'Hz')}; "
            "give the window where it lies, or average more spectra"
        )
    return found


def line_in(spectrum: Spectrum) -> Peak | None:
    """As `peak_of`, of the whole spectrum; None where no line stands out."""
    return _found(*_readings(spectrum, None), spectrum, None)


def _readings(spectrum: Spectrum, window: Window | None) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies and densities that are used."""
    f, density = np.asarray(spectrum.frequency, dtype=float), np.asarray(spectrum.density, dtype=float)
    if density.ndim != 1:
        raise ValueError(f"the spectrum has the shape {density.shape}, expected that of one signal, (F,); choose one")
    inside = f > 0 if window is None else (f >= window[0]) & (f <= window[1])
    f, density = f[inside], density[inside]
    _check(f, density, window)
    return f, density


def _found(f: np.ndarray, density: np.ndarray, spectrum: Spectrum, window: Window | None) -> Peak | None:
    if spectrum.samples is not None:
        values, step = spectrum.samples
        line = line_of(values, step, window)
        return _of_line(line, spectrum.unit) if line.found else None
    start = _start(f, density)
    if window is None:
        near = np.abs(f - start[0]) <= max(REACH * start[1], 2 * FEWEST_POINTS * spectrum.resolution)
        f, density = f[near], density[near]
    values, errors = _fitted(f, density, start)
    if not _stands_out(f, density, values, errors):
        return None
    width = abs(values[1])
    notes = []
    if width < 1.5 * spectrum.resolution:
        notes.append(f"no wider than the resolution of {show(spectrum.resolution, 'Hz')}: the width is an upper bound")
    return Peak(
        frequency=float(values[0]),
        frequency_error=float(errors[0]),
        line_width=float(width),
        line_width_error=float(errors[1]),
        height=float(values[2]),
        background=float(values[3]),
        power=float(np.pi / 2 * values[2] * width),
        unit=spectrum.unit,
        notes=tuple(notes),
    )


def _of_line(line: LineWidth, unit: str) -> Peak:
    return Peak(
        frequency=line.frequency,
        frequency_error=line.frequency_error,
        line_width=line.line_width,
        line_width_error=line.line_width_error,
        height=2 * line.power / (np.pi * line.line_width),
        background=line.background,
        power=line.power,
        unit=unit,
        notes=line.notes,
    )


def _check(f: np.ndarray, density: np.ndarray, window: Window | None) -> None:
    if f.size < FEWEST_POINTS:
        where = "the spectrum" if window is None else f"the window from {window[0]:g} to {window[1]:g} Hz"
        raise ValueError(f"{where} has {f.size} readings, expected at least {FEWEST_POINTS}")
    if not np.isfinite(density).all():
        raise ValueError("the spectrum has a density that is not finite; remove the reading")
    if density.max() <= 0 or np.ptp(density) == 0:
        raise ValueError("the spectrum is flat: there is no line in it")


def _stands_out(f: np.ndarray, density: np.ndarray, values: np.ndarray, errors: np.ndarray) -> bool:
    """Whether a line is one: sure in its height, or far above the scatter of readings away from it.

    A spike of one or two readings is none, unless it is far above: the power of noise has such.
    """
    spacing = float(np.diff(f).min())
    away = density[np.abs(f - values[0]) > 3 * max(values[1], 2 * spacing)]
    far = density - values[3] > FAR * away.std() if away.size > FEWEST_POINTS else np.zeros(1, bool)
    if values[1] < 2.5 * spacing:
        return bool(far.any())
    return bool(values[2] > SURE * errors[2]) or int(far.sum()) >= 3


def _line(p: np.ndarray, f: np.ndarray) -> np.ndarray:
    return p[3] + p[2] / (1 + (2 * (f - p[0]) / p[1]) ** 2)


def _start(f: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Frequency, width, height and background: the best of many widths, each with its correlation to the spectrum."""
    floor = float(np.median(density))
    spacing = (f[-1] - f[0]) / (f.size - 1)
    best, found = -np.inf, np.array([f[0], spacing, 1.0, floor])
    for width in np.geomspace(2, max(f.size / 4, 3), 8):
        half = int(min(4 * width, (f.size - 1) // 2))
        bell = 1 / (1 + (2 * np.arange(-half, half + 1) / width) ** 2)
        bell = bell - bell.mean()
        match = np.convolve(density - floor, bell, mode="same") / np.sqrt(bell @ bell)
        place = int(np.argmax(match))
        if match[place] > best:
            best, height = match[place], max(match[place] / np.sqrt(bell @ bell), 1e-6 * float(np.ptp(density)))
            found = np.array([f[place], width * spacing, height, floor])
    return found


def _fitted(f: np.ndarray, density: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values (f, Δ, h, b), and their standard errors: the likelier of two fits, from a narrow and a wide start."""
    unit = np.array([start[1], start[1], start[2], start[2]])
    origin = np.array([start[0], 0.0, 0.0, 0.0])
    x, y = (f - start[0]) / start[1], density / start[2]
    fits = [_search(x, y, np.array([0.0, width, 1.0, start[3] / start[2]])) for width in (1.0, 4.0)]
    p, sigma, _ = min(fits, key=lambda fit: fit[2])
    jacobian = _slopes(p, x) / sigma[:, None]
    widened = y.size / max(y.size - p.size, 1) * correlation_factor((_line(p, x) - y) / sigma)
    errors = np.sqrt(np.diag(np.linalg.pinv(jacobian.T @ jacobian)) * widened)
    return p * unit + origin, errors * unit


def _search(x: np.ndarray, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Least squares, with the noise found anew after each: values, noise of each reading, −log likelihood."""
    import scipy.optimize  # slow to import, and only a fit needs it

    low = np.array([x[0], float(np.diff(x).min()), 0.0, -np.inf])
    high = np.array([x[-1], 2 * float(np.ptp(x)), np.inf, np.inf])
    p = np.clip(p, low + 1e-9, high - 1e-9)
    sigma, unlikely = _noise(_line(p, x) - y, _line(p, x))
    for _ in range(REWEIGHTED):
        slopes: Any = lambda p, s=sigma: _slopes(p, x) / s[:, None]  # noqa: E731  (scipy's stubs know only words)
        found = scipy.optimize.least_squares(
            lambda p, s=sigma: (_line(p, x) - y) / s, p, jac=slopes, bounds=(low, high)
        )
        p = found.x
        sigma, unlikely = _noise(_line(p, x) - y, _line(p, x))
    return p, sigma, unlikely


def _noise(rest: np.ndarray, line: np.ndarray) -> tuple[np.ndarray, float]:
    """Standard deviation of each reading, σ² = a + c S², and −log likelihood: the likeliest c/a of a grid."""
    ratios = np.concatenate([[0.0], np.geomspace(1e-4, 1e6, 41)])[:, None]
    shapes = 1 + ratios * line**2
    floors = np.maximum(np.mean(rest**2 / shapes, axis=1), 1e-30)
    unlikely = np.log(shapes).mean(axis=1) + np.log(floors)
    best = int(np.argmin(unlikely))
    return np.sqrt(floors[best] * shapes[best]), float(unlikely[best])


def _slopes(p: np.ndarray, x: np.ndarray) -> np.ndarray:
    u = 2 * (x - p[0]) / p[1]
    bell = 1 / (1 + u * u)
    by_u = -2 * p[2] * u * bell**2
    return np.column_stack([-2 / p[1] * by_u, -u / p[1] * by_u, bell, np.ones_like(x)])


def correlation_factor(z: np.ndarray) -> float:
    """How much more than independent readings these vary together: 1 + 2 Σ ρ_k over the next three."""
    if z.size < 30 or not z @ z > 0:
        return 1.0
    rho = [float(z[k:] @ z[:-k]) / float(z @ z) for k in (1, 2, 3)]
    return max(1.0, 1 + 2 * sum(r for r in rho if r > 2 / np.sqrt(z.size)))
