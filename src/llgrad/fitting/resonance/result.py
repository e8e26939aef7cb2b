"""What `fit_resonance` found: it prints as a report and goes to JSON with the run record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import equinox as eqx
import numpy as np

from llgrad.core.files import write_json
from llgrad.core.run_record import hash_of, run_record
from llgrad.datasets.sweeps import Sweeps
from llgrad.fitting.resonance.comparison import GeometryFit
from llgrad.fitting.resonance.damping import WidthLaw
from llgrad.fitting.resonance.evidence import Variation
from llgrad.fitting.resonance.lorentzian import Background, FieldWindow, Line
from llgrad.fitting.resonance.report import report
from llgrad.fitting.resonance.shapes.choice import ShapeChoice
from llgrad.fitting.resonance.shapes.shape import PEAK_TO_PEAK


class ResonanceResult(eqx.Module):
    """Lines, geometries and damping of a set of sweeps. Numbers are in SI; γ' = γ/2π is in Hz/T.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> H, rng = np.linspace(0.0, 0.6, 301), np.random.default_rng(0)
    >>> def sweep(f):  # a line at f = γ/2π (H + 0.1 T)
    ...     x = (H - f / 28e9 + 0.1) / (0.01 * f / 28e9 + 1e-3)
    ...     return lg.data.Sweep(f, H, 1e-6 / (1 + x**2) + 1e-9 * rng.standard_normal(301))
    >>> found = lg.fit_resonance(lg.data.Sweeps([sweep(f) for f in (6e9, 8e9, 10e9, 12e9, 14e9, 16e9)]))
    >>> len(found.lines), bool(found.alpha_spread[0] <= found.alpha[0] <= found.alpha_spread[1])
    (6, True)
    """

    sweeps: Sweeps
    window: FieldWindow
    background: Background
    choice: ShapeChoice
    """The shape of the lines, and what speaks for it."""
    fitted: tuple[Line, ...]
    """The line of every sweep with enough points, usable or not."""
    lines: tuple[Line, ...]
    """Those that the geometries are fitted to."""
    left_out: dict[float, str]
    """Why a sweep is not used, by its frequency [Hz]."""
    fits: tuple[GeometryFit, ...]
    """Every geometry, the best by AICc first."""
    verdict: tuple[str, ...]
    width_lines: tuple[Line, ...]
    """The lines that α comes from."""
    width_remark: str | None
    alpha_remark: str | None
    """What speaks against α; None where nothing does."""
    law: WidthLaw
    variations: tuple[Variation, ...]
    seconds: float

    @property
    def alpha(self) -> tuple[float, float]:
        """α and its standard error, with γ' of the best geometry."""
        return self.law.alpha(self.fits[0].gamma)

    @property
    def alpha_spread(self) -> tuple[float, float]:
        """The smallest and the largest α over all windows and backgrounds."""
        values = [variation.alpha for variation in self.variations] or [self.alpha[0]]
        return min(values), max(values)

    def __str__(self) -> str:
        return report(self)

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        """A dictionary that begins with the versioned run record; `core.files.plain` makes it JSON."""
        columns = [column for sweep in self.sweeps.sweeps for column in (sweep.field, sweep.voltage)]
        record = run_record("resonance", data_hash=hash_of([self.sweeps.frequencies, *columns]), dtype="float64")
        alpha, error = self.alpha
        return record | {
            "data": {"notes": list(self.sweeps.notes), "field_unit": self.sweeps.field_unit}
            | {"signal_unit": self.sweeps.signal_unit},
            "window": {"low": self.window.low, "high": self.window.high, "unit": "T"},
            "background": self.background.name.lower(),
            "shape": _shape(self),
            "lines": [
                _line(line, line in self.lines, line in self.width_lines, self.sweeps.signal_unit)
                for line in self.fitted
            ],
            "left_out": [{"frequency": f, "unit": "Hz", "reason": reason} for f, reason in self.left_out.items()],
            "geometries": [_geometry(fit, self) for fit in self.fits],
            "verdict": list(self.verdict),
            "alpha": {"value": alpha, "error": error, "unit": "1", "spread": list(self.alpha_spread)}
            | {"interval_95": list(self.law.interval(self.fits[0].gamma)), "remark": self.alpha_remark},
            "width_law": {
                "inhomogeneous_half_width": _number(self.law.intercept, self.law.intercept_error, "T"),
                "slope": _number(self.law.slope, self.law.slope_error, "T/Hz"),
                "chi2_per_degree_of_freedom": self.law.chi2,
                "remark": self.width_remark,
            },
            "variations": [
                {
                    "window_low": v.low,
                    "left_out_of_each_sweep": v.part,
                    "background": v.background.name.lower(),
                    "alpha": _number(v.alpha, v.alpha_error, "1"),
                    "delta_aicc": v.delta_aicc,
                }
                for v in self.variations
            ],
            "seconds": self.seconds,
        }

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the result as JSON; the file appears whole or not at all. An existing file is kept unless
        `overwrite`."""
        write_json(path, self.to_json(), overwrite)
        return Path(path)


def _number(value: float, error: float, unit: str) -> dict[str, Any]:
    return {"value": value, "error": error, "unit": unit}


def _shape(result: ResonanceResult) -> dict[str, Any]:
    choice = result.choice
    return {
        "name": choice.shape.value,
        "forced": choice.forced,
        "delta_aicc_of_the_other": choice.margin,
        "lines": choice.evidence,
        "modulation": {"value": choice.modulation, "unit": "T"},
        "said": list(choice.sentences(result.sweeps)),
    }


def _line(line: Line, used: bool, used_for_alpha: bool, unit: str) -> dict[str, Any]:
    return {
        "frequency": {"value": line.frequency, "unit": "Hz"},
        "resonance": _number(line.resonance, line.resonance_error, "T"),
        "half_width": _number(line.half_width, line.half_width_error, "T"),
        "symmetric": {"value": line.symmetric, "unit": unit},
        "antisymmetric": {"value": line.antisymmetric, "unit": unit},
        "peak_to_peak": _number(PEAK_TO_PEAK * line.half_width, PEAK_TO_PEAK * line.half_width_error, "T"),
        "mixing_angle": {"value": line.mixing, "unit": "rad"},
        "r_squared": line.r_squared,
        "points": int(line.sweep.field.size),
        "used": used,
        "used_for_alpha": used_for_alpha,
    }


def _geometry(fit: GeometryFit, result: ResonanceResult) -> dict[str, Any]:
    names = fit.geometry.symbols
    alpha, error = result.law.alpha(fit.gamma)
    return {
        "name": fit.geometry.name,
        "formula": fit.geometry.formula,
        "gamma": _number(2 * np.pi * fit.gamma, 2 * np.pi * fit.gamma_error, "rad/(T s)"),
        "fields": {n: _number(v, e, "T") for n, v, e in zip(names, fit.fields, fit.field_errors, strict=True)},
        "alpha": _number(alpha, error, "1"),
        "rms": {"value": fit.rms, "unit": "Hz"},
        "aicc": fit.aicc,
        "bic": fit.bic,
        "delta_aicc": fit.aicc - result.fits[0].aicc,
        "delta_bic": fit.bic - min(other.bic for other in result.fits),
        "at_bound": fit.at_bound,
    }
