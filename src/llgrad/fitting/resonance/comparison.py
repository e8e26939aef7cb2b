"""Geometries against each other on one set of resonance fields: parameters, residuals, AICc and BIC, and a verdict."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from llgrad.fitting.resonance.geometries import GEOMETRIES, Geometry

NO_SUPPORT: Final = 10.0
"""ΔAICc beyond which a model has essentially no support: K. P. Burnham and D. R. Anderson, Model Selection and
Multimodel Inference, 2nd ed. (2002), p. 70."""

SMALLEST_GAMMA: Final = 14e9
LARGEST_GAMMA: Final = 56e9
"""γ' [Hz/T] of g from 1 to 4. An electron's is 28.02 (CODATA 2018), and layers of 3d metals lie within 10 % of it."""
FREE_ELECTRON: Final = 28.02495e9
"""γ' = g_e µ_B/h [Hz/T] of a free electron: CODATA 2018, E. Tiesinga et al., Rev. Mod. Phys. 93, 025010 (2021)."""
SURE: Final = 3.0
"""How many standard errors γ' must be off to be refused."""


class GeometryFit(NamedTuple):
    """A geometry fitted to resonance fields, in SI."""

    geometry: Geometry
    gamma: float
    """γ' = γ/2π [Hz/T]."""
    gamma_error: float
    fields: tuple[float, ...]
    """Anisotropy fields [T], as `geometry.symbols` names them."""
    field_errors: tuple[float, ...]
    """Standard errors [T]; NaN where the parameter lies at its bound."""
    parameters: np.ndarray
    """Search parameters."""
    residuals: np.ndarray
    """Measured minus fitted frequencies [Hz]."""
    rms: float
    """Root mean square of the residuals [Hz]."""
    aicc: float
    bic: float
    at_bound: bool
    """Whether a field lies at its bound, where the geometry is no better than a simpler one."""

    def frequency(self, field: np.ndarray) -> np.ndarray:
        """f [Hz] at fields [T]."""
        return 1e9 * self.geometry.frequency(self.parameters, field)


def fit_geometry(geometry: Geometry, fields: np.ndarray, frequencies: np.ndarray) -> GeometryFit:
    """Least squares of the residuals in frequency, unweighted; standard errors from the scatter.

    `fields` (n,) [T], `frequencies` (n,) [Hz]; n must exceed the number of parameters by two. AICc = n ln(Σr²/n) + 2k +
    2k(k + 1)/(n − k − 1), BIC = n ln(Σr²/n) + k ln n, with k counting the noise as a parameter.
    """
    import scipy.optimize  # slow to import

    f = frequencies / 1e9
    slope, offset = np.polyfit(fields, f, 1)
    start = np.array(geometry.start(slope, -offset / slope))
    scale = np.abs(start)
    low = np.array([0.0, -np.inf if len(start) == 3 else 0.0, 0.0][: len(start)])
    found = scipy.optimize.least_squares(
        lambda p: geometry.frequency(p * scale, fields) - f,
        start / scale,
        jac="3-point",
        bounds=(low, np.inf),
        xtol=1e-14,
        ftol=1e-14,
        gtol=1e-14,
    )
    p, n, k = found.x * scale, f.size, start.size + 1
    at_bound = bool((found.x - low)[1:].min() < 1e-3)
    kept = (found.x - low > 1e-3) | ~np.isfinite(low)
    jacobian = (found.jac / scale)[:, kept]
    noise2 = 2 * found.cost / (n - start.size)
    covariance = np.zeros((p.size, p.size))
    covariance[np.ix_(kept, kept)] = noise2 * np.linalg.pinv(jacobian.T @ jacobian)
    mean_square = max(2 * found.cost / n, 1e-30)
    log = n * np.log(mean_square)
    return GeometryFit(
        geometry=geometry,
        gamma=1e9 * p[0],
        gamma_error=1e9 * covariance[0, 0] ** 0.5,
        fields=tuple(float(field) for field in geometry.fields(p)),
        field_errors=_field_errors(geometry, p, covariance, kept),
        parameters=p,
        residuals=-1e9 * found.fun,
        rms=1e9 * mean_square**0.5,
        aicc=float(log + 2 * k + 2 * k * (k + 1) / (n - k - 1)),
        bic=float(log + k * np.log(n)),
        at_bound=at_bound,
    )


def _field_errors(geometry: Geometry, p: np.ndarray, covariance: np.ndarray, kept: np.ndarray) -> tuple[float, ...]:
    """Errors of the reported fields from those of the search parameters; NaN where these lie at a bound."""
    if not kept.all():
        return (float("nan"),) * len(geometry.symbols)
    columns = []
    for index in range(p.size):
        step = np.zeros(p.size)
        step[index] = 1e-5 * abs(p[index])
        up, down = (np.array(geometry.fields(p + sign * step)) for sign in (1, -1))
        columns.append((up - down) / (2 * step[index]))
    slope = np.stack(columns, axis=1)
    return tuple(float(v) ** 0.5 for v in np.diag(slope @ covariance @ slope.T))


def fewest_lines(geometries: tuple[Geometry, ...] = GEOMETRIES) -> int:
    """The number of lines below which AICc is not defined for the largest geometry."""
    return max(len(geometry.symbols) for geometry in geometries) + 4


def compare(
    fields: np.ndarray, frequencies: np.ndarray, geometries: tuple[Geometry, ...] = GEOMETRIES
) -> tuple[GeometryFit, ...]:
    """Every geometry, the best by AICc first. Raises ValueError for too few lines."""
    needed = fewest_lines(geometries)
    if len(fields) < needed:
        raise ValueError(
            f"{len(fields)} usable lines are too few to compare geometries; expected at least {needed}: "
            "record more frequencies, or widen the fitted fields"
        )
    fits = [fit_geometry(geometry, fields, frequencies) for geometry in geometries]
    return tuple(sorted(fits, key=lambda fit: fit.aicc))


def check_gamma(fit: GeometryFit, field_unit: str) -> None:
    """Raise ValueError where γ' of the best geometry is that of no electron, which a wrong unit makes it."""
    low, high = fit.gamma - SURE * fit.gamma_error, fit.gamma + SURE * fit.gamma_error
    if high >= SMALLEST_GAMMA and low <= LARGEST_GAMMA:
        return
    ratio = fit.gamma / FREE_ELECTRON
    times = f"{ratio:.3g} times" if ratio > 1 else f"1/{1 / ratio:.3g} of"
    raise ValueError(
        f"the lines give γ' = {fit.gamma / 1e9:.3g} GHz/T, {times} that of an electron (28 GHz/T), so a unit must be "
        f"wrong: the fields were read in {field_unit} (give field_unit=, --field-unit), or the frequencies are not "
        "those of the microwave"
    )


def departs(geometry: Geometry, fields: np.ndarray, frequencies: np.ndarray, field: float, frequency: float) -> float:
    """Probability that one more line lies as far as it does from the curve through the others (two-sided t test)."""
    import scipy.stats  # slow to import

    fit = fit_geometry(geometry, fields, frequencies)
    p, freedom = fit.parameters, fields.size - fit.parameters.size
    steps = 1e-5 * np.maximum(np.abs(p), 1e-6)

    def slope(at: np.ndarray) -> np.ndarray:
        return np.stack(
            [
                (geometry.frequency(p + e, at) - geometry.frequency(p - e, at)) / (2 * e[i])
                for i, e in enumerate(np.diag(steps))
            ],
            axis=1,
        )

    design, here = slope(fields), slope(np.array([field]))[0]
    spread = here @ np.linalg.pinv(design.T @ design) @ here
    noise = np.sqrt((fit.residuals @ fit.residuals) / freedom)
    away = abs(frequency - fit.frequency(np.array([field]))[0])
    return float(2 * scipy.stats.t.sf(away / (noise * np.sqrt(1 + spread)), freedom))
