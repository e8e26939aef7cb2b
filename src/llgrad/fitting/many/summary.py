"""What is kept of each of many fits: its numbers and what is said of them, without the curves."""

from __future__ import annotations

from typing import NamedTuple

from llgrad.fitting.answers.result import FitResult


class FitSummary(NamedTuple):
    """One of many fits. Dictionaries are keyed by parameter name; numbers are in SI, as those of a `FitResult`."""

    values: dict[str, float]
    errors: dict[str, float]
    """Standard errors; infinite where the data do not fix the parameter, or the model does not explain them."""
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
