"""What is kept of each of many fits: its numbers and what is said of them, without the curves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from llgrad.fitting.answers.result import FitResult


class FitSummary(NamedTuple):
    """One of many fits. Dictionaries are keyed by parameter name; numbers are in SI, as those of a `FitResult`.

    >>> import llgrad as lg
    >>> device = lg.presets.kubota2013().replace(current=0.6e-3)
    >>> runs = [lg.simulate(device.replace(alpha=a), duration=1e-9, dt=2e-12, m0=(0.6, 0, 0.8)) for a in (0.008, 0.01)]
    >>> found = lg.fitting.fit_each(device, map(lg.trace_of, runs), free=["alpha"])
    >>> [(one.explained, one.units["alpha"]) for one in found]
    [(True, '1'), (True, '1')]
    """

    values: dict[str, float]
    errors: dict[str, float]
    """Standard errors; infinite where the data do not fix the parameter, or the model does not explain them."""
    correlation: tuple[tuple[float, ...], ...]
    """Correlations (p, p) of the errors, in the order of `values`."""
    units: dict[str, str]
    at_bound: dict[str, bool]
    status: str
    converged: bool
    explained: bool
    """Whether the model explains the data, if only in part."""
    in_part: bool
    """Whether it explains them in part only."""
    explanation: str
    """Whether the model explains the data, in a sentence."""
    verdict: tuple[str, ...]
    r_squared: float | None
    residual_rms: float
    noise: float


def summary_of(result: FitResult) -> FitSummary:
    """The same of a whole `FitResult` of one recording."""
    one = result.quality[0]
    return FitSummary(
        values=result.values,
        errors=result.errors,
        correlation=tuple(map(tuple, np.asarray(result.correlation, float).tolist())),
        units=result.units,
        at_bound=result.at_bound,
        status=result.status,
        converged=result.converged,
        explained=result.explained,
        in_part=one.doubtful and not one.failure,
        explanation=result.explanation[0],
        verdict=result.verdict,
        r_squared=one.r_squared,
        residual_rms=one.rms,
        noise=result.noise,
    )
