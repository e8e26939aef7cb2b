"""What the searches of a batch found, told trace by trace as a fit tells it: errors, judgement, verdict."""

from __future__ import annotations

import numpy as np

from llgrad.devices.oscillator import Oscillator
from llgrad.fitting.answers.explanation.judge import judged
from llgrad.fitting.answers.explanation.sentences import explanation, speaking
from llgrad.fitting.answers.linear import names_with_lines
from llgrad.fitting.answers.quality import is_lost, quality
from llgrad.fitting.answers.symmetry import symmetries
from llgrad.fitting.answers.uncertainty import doubts, uncertainty
from llgrad.fitting.assembly import units_of
from llgrad.fitting.many.batch import Batch, in_widths, linearise_lanes
from llgrad.fitting.many.search import LanesEnd
from llgrad.fitting.many.summary import FitSummary
from llgrad.fitting.targets.recording import lines_said
from llgrad.fitting.targets.sampling import unseen_orbits


class _Common:
    """What is the same for every trace of a batch."""

    def __init__(self, batch: Batch, model: Oscillator):
        problem, recording = batch.problem, batch.recording
        self.names, of_lines = names_with_lines(problem)
        units = units_of(model, batch.experiments[0].drive)
        self.units = {name: of_lines.get(name) or units[name] for name in self.names}
        self.noise = batch.experiments[0].noise
        self.sigma = np.asarray(recording.sigma)
        self.said = (*lines_said(problem), *symmetries(problem, bool(batch.prepared.unknown)))
        interval = float(np.asarray(recording.t)[1])
        self.fast = 2 * float(problem.rate) * interval >= np.pi
        """Whether an orbit may be faster than the samples can show."""


def summaries_of(batch: Batch, found: LanesEnd, model: Oscillator) -> list[FitSummary]:
    """The summary of every trace."""
    common, told = _Common(batch, model), []
    for rows in in_widths(len(batch.data)):
        values, predictions, jacobian = linearise_lanes(batch, rows, found.u[rows])
        for lane, trace in enumerate(rows[: len(batch.data) - len(told)]):
            told.append(_summary(batch, common, found, int(trace), values[lane], predictions[lane], jacobian[lane]))
    return told


def _summary(
    batch: Batch,
    common: _Common,
    found: LanesEnd,
    trace: int,
    values: np.ndarray,
    predicted: np.ndarray,
    jacobian: np.ndarray,
) -> FitSummary:
    experiment, data, names = batch.experiments[trace], batch.data[trace], common.names
    residuals, sigma, used = predicted - data, common.sigma, len(names)
    spread = float(np.std(data)) or 1.0
    told = quality(residuals, None if common.noise is None else sigma, used, spread, None)
    measured = (judged(told, experiment, residuals, sigma, jacobian, used),)
    scale = 1.0 if common.noise else float(np.sqrt(np.sum((residuals / sigma) ** 2) / max(residuals.size - used, 1)))
    sure = uncertainty(names, values, jacobian / max(scale, 1e-300))
    if is_lost(measured):
        sure = sure._replace(errors=np.full(sure.errors.shape, np.inf))
    by_name = dict(zip(names, map(float, values), strict=True))
    at_bound = dict.fromkeys(names, False) | dict(zip(names, found.edges[trace].tolist(), strict=False))
    unseen = unseen_orbits(batch.of_lane(trace), found.u[trace], batch.m0[trace]) if common.fast else ()
    measured = tuple(
        one._replace(warnings=(*(s for s in unseen if s), *one.warnings), doubtful=one.doubtful or any(unseen))
        for one in measured
    )
    one, converged = measured[0], bool(found.converged[trace]) and not any(unseen)
    verdict = (
        *speaking(measured, (experiment,)),
        *doubts(names, by_name, sure, at_bound, measured),
        *common.said,
    )
    return FitSummary(
        values=by_name,
        errors=dict(zip(names, map(float, sure.errors), strict=True)),
        correlation=tuple(map(tuple, sure.correlation.tolist())),
        units=common.units,
        at_bound=at_bound,
        status="converged" if converged else "ended before it converged",
        converged=converged,
        explained=not is_lost(measured),
        in_part=one.doubtful and not one.failure,
        explanation=explanation(measured, (experiment,))[0],
        verdict=verdict,
        r_squared=one.r_squared,
        residual_rms=one.rms,
        noise=common.noise if common.noise is not None else scale,
    )
