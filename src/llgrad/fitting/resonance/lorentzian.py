"""One resonance line: a symmetric and an antisymmetric part on a polynomial background, by least squares.

    V(H) = S Re g(x) + A Im g(x) + Σ_k c_k hᵏ,   x = (H − H_r)/w

g is the complex line of `shapes.shape`: a Lorentzian, 1/(1 − ix), so that S is the height of the symmetric part, or its
derivative by x, as a lock-in amplifier gives it for a modulated field. w is the half width at half maximum of the
symmetric Lorentzian in both cases; h is the field, −1 to 1 over the window. Spin-diode lines are such a sum of
Lorentzians: A. A. Tulapurkar et al., Nature 438, 339 (2005).
"""

from __future__ import annotations

import enum
import math
from typing import Any, Final, NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import ArrayLike, Bool, Float

from llgrad.datasets.sweeps import Sweep
from llgrad.fitting.resonance.shapes.shape import LineShape, line_shape, slopes

START_WIDTHS: Final = 7
"""Half widths that are tried as a start, from two points to half the window."""
STARTS_PER_WIDTH: Final = 1.5
"""Resonance fields that are tried in one half width, over the window and a quarter of it beyond each end."""


class Background(enum.IntEnum):
    """The degree of the polynomial below the line.

    >>> import llgrad as lg
    >>> int(lg.fitting.Background.QUADRATIC)
    2
    """

    CONSTANT = 0
    LINEAR = 1
    QUADRATIC = 2


class FieldWindow(NamedTuple):
    """The fields [T] that are fitted, ends included.

    >>> import llgrad as lg
    >>> lg.fitting.FieldWindow(low=0.25).holds([0.2, 0.3]).tolist()
    [False, True]
    """

    low: float = -np.inf
    high: float = np.inf

    def holds(self, field: Float[ArrayLike, "*M"]) -> Bool[np.ndarray, "*M"]:
        """Which fields lie inside."""
        fields = np.asarray(field)
        return (fields >= self.low) & (fields <= self.high)


EVERYTHING: Final = FieldWindow()
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
    """S, in the unit of the sweep."""
    antisymmetric: float
    """A, in the unit of the sweep."""
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
    explained: float = 1.0
    """Part of what the background leaves that the line explains, 0 to 1."""
    shape: LineShape = eqx.field(static=True, default=LineShape.LORENTZIAN)
    modulation: float = eqx.field(static=True, default=0.0)
    """Amplitude (half of peak to peak) of the field modulation that is in the shape [T]."""

    @property
    def cost(self) -> float:
        """Sum of the squared residuals, in units of the squared height of the sweep."""
        return float(((self.residuals / max(float(np.ptp(self.sweep.voltage)), 1e-300)) ** 2).sum())

    @property
    def mixing(self) -> float:
        """atan2(A, S) [rad]: 0 for a symmetric line (absorption), ±π/2 for an antisymmetric one (dispersion)."""
        return math.atan2(self.antisymmetric, self.symmetric)

    @property
    def residuals(self) -> np.ndarray:
        """Measured minus fitted voltages at the fields of `sweep`."""
        return self.sweep.voltage - self.curve

    @property
    def frequency(self) -> float:
        """Frequency [Hz] of the sweep."""
        return self.sweep.frequency


def fewest_points(background: Background) -> int:
    """The smallest number of points that a line with its errors can be fitted to."""
    return 4 + int(background) + 1 + 2


def fit_line(
    sweep: Sweep,
    window: FieldWindow = EVERYTHING,
    background: Background = Background.LINEAR,
    shape: LineShape = LineShape.LORENTZIAN,
    modulation: float = 0.0,
    near: Line | None = None,
) -> Line:
    """The line of a sweep, from the best of many starts, or from that of `near`.

    The amplitudes and the background enter linearly, so at each start they come from one linear solve. `modulation` [T]
    is the amplitude of the field modulation of a derivative line. Raises ValueError for too few points in the window.
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
    model = _Model(h, powers, shape, modulation / half)
    jacobian: Any = model.jacobian  # scipy's stubs know only the words
    tried = None if near is None else np.array([[(near.resonance - centre) / half], [near.half_width / half]])
    found = scipy.optimize.least_squares(
        lambda p: model.curve(p) - v, model.start(v, tried), jac=jacobian, method="lm", x_scale="jac"
    )
    p = found.x
    freedom = h.size - p.size
    noise2 = 2 * found.cost / freedom
    errors = np.sqrt(np.diag(noise2 * np.linalg.pinv(found.jac.T @ found.jac)))
    flat = v - powers @ np.linalg.lstsq(powers, v, rcond=None)[0]
    # (w, A) and (−w, −A) are the same Lorentzian, (w, S) and (−w, −S) the same derivative
    mirror = np.array([1.0, -1.0] if shape is LineShape.LORENTZIAN else [-1.0, 1.0]) if p[1] < 0 else np.ones(2)
    return Line(
        sweep=cut,
        resonance=float(centre + half * p[0]),
        resonance_error=float(half * errors[0]),
        half_width=float(half * abs(p[1])),
        half_width_error=float(half * errors[1]),
        symmetric=float(size * mirror[0] * p[2]),
        antisymmetric=float(size * mirror[1] * p[3]),
        curve=size * model.curve(p),
        background=size * (powers @ p[4:]),
        r_squared=float(1 - 2 * found.cost / max(((v - v.mean()) ** 2).sum(), 1e-300)),
        freedom=freedom,
        gain=float((flat @ flat - 2 * found.cost) / 4 / max(noise2, 1e-300)),
        explained=float(1 - 2 * found.cost / max(flat @ flat, 1e-300)),
        shape=shape,
        modulation=modulation,
    )


class _Model(NamedTuple):
    """The line over p = (H_r, w, S, A, c₀, …), fields in half windows and the voltage in its height."""

    h: np.ndarray
    powers: np.ndarray
    shape: LineShape
    modulation: float

    def curve(self, p: np.ndarray) -> np.ndarray:
        line = line_shape(self.shape, (self.h - p[0]) / p[1], self.modulation / p[1])
        return p[2] * line.real + p[3] * line.imag + self.powers @ p[4:]

    def jacobian(self, p: np.ndarray) -> np.ndarray:
        x, m = (self.h - p[0]) / p[1], self.modulation / p[1]
        line, (by_x, by_m) = line_shape(self.shape, x, m), slopes(self.shape, x, m)
        by_centre, by_width = -by_x / p[1], -(by_x * x + by_m * m) / p[1]
        nonlinear = [p[2] * slope.real + p[3] * slope.imag for slope in (by_centre, by_width)]
        return np.column_stack([*nonlinear, line.real, line.imag, self.powers])

    def start(self, v: np.ndarray, tried: np.ndarray | None = None) -> np.ndarray:
        """The best (H_r, w) of a grid, or of those tried (2, n), with its linear coefficients.

        With the background projected out of everything, each trial is a fit by two shapes, solved in closed form.
        """
        centres, widths = self._grid() if tried is None else tried[:, :, None]
        basis, _ = np.linalg.qr(self.powers)
        line = line_shape(self.shape, (self.h - centres) / widths, self.modulation / widths)
        first, second, rest = (part - (part @ basis) @ basis.T for part in (line.real, line.imag, v))
        with_v = first @ rest, second @ rest
        squares = [np.einsum("ij,ij->i", a, b) for a, b in ((first, first), (second, second), (first, second))]
        explained = with_v[0] ** 2 * squares[1] - 2 * with_v[0] * with_v[1] * squares[2] + with_v[1] ** 2 * squares[0]
        alone = squares[0] * squares[1]
        best = int(np.argmax(explained / np.maximum(alone - squares[2] ** 2, 1e-12 * alone + 1e-300)))
        columns = np.column_stack([line[best].real, line[best].imag, self.powers])
        return np.concatenate([centres[best], widths[best], np.linalg.lstsq(columns, v, rcond=None)[0]])

    def _grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Resonance fields and half widths of the starts, both (n, 1): narrow lines need closer ones."""
        tried = np.geomspace(min(4 / (self.h.size - 1), 0.25), 0.5, START_WIDTHS)
        centres = [np.linspace(-1.5, 1.5, 1 + math.ceil(3 * STARTS_PER_WIDTH / width)) for width in tried]
        widths = np.repeat(tried, [part.size for part in centres])
        return np.concatenate(centres)[:, None], widths[:, None]
