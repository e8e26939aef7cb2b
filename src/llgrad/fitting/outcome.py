"""What a fit found, told: the judgement of each recording, standard errors, verdicts, predictions."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import jax
import numpy as np

from llgrad.core.arguments.doors import by_door
from llgrad.core.units import show
from llgrad.datasets.peaks import correlation_factor
from llgrad.datasets.trace import Trace
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.fitting.answers.clusters import clustered_jacobian
from llgrad.fitting.answers.explanation.judge import judged
from llgrad.fitting.answers.explanation.sentences import speaking
from llgrad.fitting.answers.explanation.shape import is_correlated
from llgrad.fitting.answers.linear import LinearAnswer, linear_at
from llgrad.fitting.answers.quality import GROWN, PART, Quality, half_period, is_lost, quality, width_of
from llgrad.fitting.answers.result import FitResult, FittedProblem
from llgrad.fitting.answers.symmetry import symmetries
from llgrad.fitting.answers.uncertainty import Uncertainty, doubts, uncertainty
from llgrad.fitting.assembly import PreparedFit, units_of
from llgrad.fitting.loops.doubting import doubtful_loops
from llgrad.fitting.loops.measured import MeasuredLoop, SwitchingFields
from llgrad.fitting.methods.base import Begin, Log, Method, MethodEnd
from llgrad.fitting.methods.least_squares import LevenbergMarquardt
from llgrad.fitting.orbits.following import doubtful_orbits
from llgrad.fitting.orbits.recording import TableRecording
from llgrad.fitting.orbits.spectra import SpectrumRecording
from llgrad.fitting.problem import Problem
from llgrad.fitting.systems.answers import at_references, noise_said, positive_of, start_sizes
from llgrad.fitting.targets.checks import hears_noise
from llgrad.fitting.targets.experiment import Experiment, samples_of
from llgrad.fitting.targets.recording import Recording, lines_said
from llgrad.fitting.targets.recording import RecordingSetup as BoundTo
from llgrad.fitting.targets.sampling import unseen_orbits
from llgrad.fitting.targets.starting import plain_numbers
from llgrad.fitting.targets.traces import TraceRecording
from llgrad.observables.line_width import LineWidth

UNFINISHED: Final = "the search ended before it converged: the standard errors hold at a minimum only"

UNSEEN: Final = ", to an orbit that the samples cannot show"
UNSTEADY: Final = ", to an orbit that is not steady"


def result_of(
    prepared: PreparedFit,
    problem: Problem,
    found: MethodEnd,
    method: Method,
    model: Oscillator | System,
    experiments: tuple[Experiment, ...],
    log: Log,
) -> FitResult:
    best = int(np.argmin(found.cost))
    linear = linear_at(problem, found.u[best], found.m0[best])
    near = bool(found.converged[best]) or isinstance(method, LevenbergMarquardt)
    first_part = _first_part(problem, found, best, linear, log) if near else None
    measured, scale = _quality(problem, experiments, linear, first_part)
    measured, several, ending = _doubted(problem, found, best, measured, log)
    jacobian = _jacobian(problem, linear, scale)
    sure = _as_sure_as(uncertainty(linear.names, linear.values, jacobian, start_sizes(problem)), measured)
    units = {name: unit for e in experiments for name, unit in units_of(model, e.drive).items()}
    names, bounds = linear.names, dict(zip(problem.names, problem.bounds, strict=True))
    values = at_references(problem, found.m0[best], names, linear.values)
    bound_to, widths = _bound(problem, linear, found.m0[best]), tuple(map(width_of, experiments, measured))
    said = [*several, *_said(prepared, problem, model)]
    said += _sentences(experiments, measured, widths) if near else []
    said += () if found.converged[best] else (UNFINISHED,)
    at_bound = {name: name in bounds and bounds[name].at_edge(values[name]) for name in names}
    told = (*speaking(measured, experiments), *doubts(names, values, sure, at_bound, measured, positive_of(problem)))
    return FitResult(
        values=values,
        errors={name: float(error) for name, error in zip(names, sure.errors, strict=True)},
        units={name: linear.units.get(name) or units[name.split("[")[0]] for name in names},
        start=at_references(prepared.problem, prepared.m0, prepared.problem.names, prepared.values),
        at_bound=at_bound,
        status=_status(found, best, measured) + ending,
        converged=bool(found.converged[best]) and not found.interrupted and not ending,
        verdict=(*told, *said),
        names=names,
        correlation=sure.correlation,
        quality=measured,
        noise=_noise(experiments[0], problem.recordings[0], measured[0], scale[0]),
        history=log.history,
        simulations=log.simulations,
        seconds=0.0,
        method=type(method).__name__,
        model=plain_numbers(bound_to[0].model),
        m0=tuple(tuple(map(float, jax.tree.leaves(b.m0))) for b in bound_to),
        experiments=experiments,
        predictions=tuple(map(_columns, experiments, problem.recordings, linear.predictions)),
        line_widths=widths,
        solution=_solution(problem, found, best, scale),
    )


def _said(prepared: PreparedFit, problem: Problem, model: Oscillator | System) -> tuple[str, ...]:
    """What was done with gain and offset, what cannot be told apart, and which noise was left out."""
    heard = any(map(hears_noise, problem.recordings))
    return (*lines_said(problem), *symmetries(problem, bool(prepared.unknown)), *noise_said(model, heard))


def _as_sure_as(sure: Uncertainty, measured: tuple[Quality, ...]) -> Uncertainty:
    """The errors where the model explains the data; where it does not, they mean nothing and are infinite."""
    return sure._replace(errors=np.full(sure.errors.shape, np.inf)) if is_lost(measured) else sure


def _bound(problem: Problem, linear: LinearAnswer, m0: np.ndarray) -> list[BoundTo]:
    """What each recording is simulated with at the answer."""
    return [r.bind(linear.values[: len(problem.names)], m0[r.row]) for r in problem.recordings]


def _doubted(
    problem: Problem, found: MethodEnd, best: int, measured: tuple[Quality, ...], log: Log
) -> tuple[tuple[Quality, ...], tuple[str, ...], str]:
    """The qualities with what is to be doubted of the fitted orbits, what else attracts, and the end of the status."""
    place = problem, found.u[best], found.m0[best]
    sure = tuple(one.chi2_per_freedom is not None for one in measured)
    unseen = unseen_orbits(*place)
    unsteady, several = ((None,) * len(measured), ()) if found.interrupted else doubtful_orbits(*place, sure, log)
    beyond, jumps = ((None,) * len(measured), ()) if found.interrupted else _of_loops(*place)
    said = tuple(
        one._replace(
            warnings=(*(s for s in sentences if s), *one.warnings), doubtful=one.doubtful or bool(sentences[-1])
        )
        for one, *sentences in zip(measured, unseen, unsteady, beyond, strict=True)
    )
    return said, (*several, *jumps), UNSEEN if any(unseen) else UNSTEADY if any(unsteady) else ""


def _of_loops(problem: Problem, u: np.ndarray, m0: np.ndarray) -> tuple[tuple[str | None, ...], tuple[str, ...]]:
    """What is to be doubted of the branches of fitted loops, and said of them."""
    return doubtful_loops(problem, problem.values_at(u))


def _sentences(
    experiments: tuple[Experiment, ...], measured: tuple[Quality, ...], widths: tuple[LineWidth | None, ...]
) -> list[str]:
    """What is to be known of each recording: how it was cut, and its frequency and line width."""
    said = []
    for experiment, one, width in zip(experiments, measured, widths, strict=True):
        if experiment.segment is not None and isinstance(experiment.data, Trace):
            count = experiment.data.t.size // samples_of(experiment.data, experiment.segment)
            said.append(
                f"fitted in {count} pieces of {show(experiment.segment, 's')}, each from a starting state of its own; "
                "the standard errors come from the scatter between them"
            )
        elif one.growth is not None and one.growth > GROWN and isinstance(experiment.data, Trace):
            piece = float(f"{half_period(experiment.data):.2g}")
            option = f"--segment {show(piece, 's').replace(' ', '')}"
            said.append(f"to fit it in pieces of half a period: {by_door(f'segment={piece:g}', option)}")
        if width is not None:
            said.append(f"the trace itself: {width!r}")
    return said


def _noise(experiment: Experiment, recording: Recording, measured: Quality, scale: float) -> float:
    """The noise that was given, or the rms of the residuals corrected for the parameters that were fitted."""
    if experiment.noise is not None:
        return experiment.noise
    weight = 1.0 if isinstance(recording, SpectrumRecording) else float(np.ravel(recording.sigma)[0])
    return float(scale) * weight


def _solution(problem: Problem, found: MethodEnd, best: int, scale: np.ndarray) -> FittedProblem:
    """The problem with its noise as weights, and where its minimum is."""
    first, recordings = 0, []
    for recording in problem.recordings:
        recordings.append(dataclasses.replace(recording, sigma=recording.sigma * scale[first]))
        first += recording.data.size
    return FittedProblem(dataclasses.replace(problem, recordings=tuple(recordings)), found.u[best], found.m0[best])


def _first_part(problem: Problem, found: MethodEnd, best: int, linear: LinearAnswer, log: Log) -> float | None:
    """Where the residuals of a single trace are correlated: their rms in a fit of its first part, begun at the
    answer."""
    recording = problem.recordings[0]
    if len(problem.recordings) > 1 or not isinstance(recording, TraceRecording) or found.interrupted:
        return None
    if not is_correlated(linear.residuals[0], float(np.std(np.asarray(recording.data)))):
        return None
    short = problem.until(problem.span / PART)
    if short.size <= len(problem.names) or short.size == problem.size:
        return None
    method = LevenbergMarquardt(grow=False, iterations=30)
    again = method.search(short, Begin(found.u[best][None], found.m0[best][None]), log)
    return float(np.sqrt(again.cost[0] / short.size)) * float(np.ravel(recording.sigma)[0])


def _quality(
    problem: Problem, experiments: tuple[Experiment, ...], linear: LinearAnswer, first_part: float | None
) -> tuple[tuple[Quality, ...], np.ndarray]:
    """The quality of each recording, and the standard deviation of each residual (M,) in units of its σ."""
    measured, scales, first = [], [], 0
    total = sum(residuals.size for residuals in linear.residuals)
    for recording, experiment, residuals in zip(problem.recordings, experiments, linear.residuals, strict=True):
        share = len(linear.names) * residuals.size / total
        spread = float(np.std(np.asarray(recording.data))) or 1.0
        spectral = isinstance(recording, SpectrumRecording)
        sigma, noise = np.broadcast_to(np.asarray(recording.sigma), residuals.shape), experiment.noise
        weighted, weights = (residuals / sigma * (noise or 1.0), noise) if spectral else (residuals, sigma)
        given = None if recording.clusters or noise is None else weights
        scatter = (noise or 0.0) if spectral else 0.0
        counted = bool(recording.clusters) or spectral
        used, slopes = max(round(share), 1), linear.jacobian[first : first + residuals.size]
        first += residuals.size
        told = quality(weighted, given, used, spread, first_part, counted, scatter)
        measured.append(judged(told, experiment, residuals, sigma, slopes, used))
        if experiment.noise is None:
            unit = residuals / np.asarray(recording.sigma)
            scale = float(np.sqrt(np.sum(unit**2) / max(residuals.size - share, 1)))
        else:
            scale = 1.0
        if spectral:
            scale *= correlation_factor(np.ravel(residuals / recording.sigma)) ** 0.5
        scales.append(np.full(residuals.size, max(scale, 1e-300)))
    return tuple(measured), np.concatenate(scales)


def _jacobian(problem: Problem, linear: LinearAnswer, scale: np.ndarray) -> np.ndarray:
    """The Jacobian that gives the covariance: residuals are independent, but for those in one piece of a trace."""
    jacobian = linear.jacobian / scale[:, None]
    if not any(recording.clusters for recording in problem.recordings):
        return jacobian
    rows = zip(linear.residuals, problem.recordings, strict=True)
    residuals = np.concatenate([(r / np.asarray(recording.sigma)).ravel() for r, recording in rows])
    sizes = [(recording.data.size, recording.clusters) for recording in problem.recordings]
    return clustered_jacobian(jacobian, residuals / scale, sizes)


def _status(found: MethodEnd, best: int, measured: tuple[Quality, ...]) -> str:
    many = f", best of {len(found.u)} starts" if len(found.u) > 1 else ""
    if found.interrupted:
        return f"{found.interrupted}: the best so far{many}"
    if not found.converged[best]:
        return f"ended before it converged{many}"
    return f"converged{many}, but the model does not explain the data" if is_lost(measured) else f"converged{many}"


def _columns(experiment: Experiment, recording: Recording, predicted: np.ndarray) -> dict[str, Any]:
    data = experiment.data
    if isinstance(recording, TableRecording):
        return dict(zip(recording.quantities, recording.grid(predicted).T, strict=True))
    if isinstance(data, (MeasuredLoop, SwitchingFields)):
        return {data.quantity: predicted[:, 0]}
    names = tuple(data.columns) if isinstance(data, Trace) else ("density",)
    return {name: predicted[:, i] for i, name in enumerate(names)}
