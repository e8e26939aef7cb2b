"""`fit`: convert, check, guess, search, and say how sure the answer is."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.doors import by_door
from llgrad.core.trajectory import SystemTrajectory, Trajectory
from llgrad.core.units import show
from llgrad.datasets.frequencies import FrequencyTable
from llgrad.datasets.peaks import correlation_factor
from llgrad.datasets.trace import Trace
from llgrad.devices.bounds import Bound
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.drives.base import Waveform
from llgrad.drives.drive import Drive
from llgrad.fitting.accuracy import steps_anew, with_steps
from llgrad.fitting.answers.clusters import clustered_jacobian
from llgrad.fitting.answers.explanation.judge import judged
from llgrad.fitting.answers.explanation.sentences import speaking
from llgrad.fitting.answers.explanation.shape import is_correlated
from llgrad.fitting.answers.linear import Linear, linear_at
from llgrad.fitting.answers.quality import GROWN, PART, Quality, half_period, is_lost, quality, width_of
from llgrad.fitting.answers.result import FitResult, Solution
from llgrad.fitting.answers.symmetry import symmetries
from llgrad.fitting.answers.uncertainty import Uncertainty, doubts, uncertainty
from llgrad.fitting.arguments import check_pieces, check_time_limit, check_used
from llgrad.fitting.assembly import Prepared, as_experiments, named, prepare, units_of
from llgrad.fitting.methods.base import Begin, Log, Method, Progress, Search
from llgrad.fitting.methods.guesses import Guess, with_guesses
from llgrad.fitting.methods.least_squares import LevenbergMarquardt
from llgrad.fitting.methods.starts import Starts, draw_starts
from llgrad.fitting.orbits.following import doubtful_orbits, search_on_orbits
from llgrad.fitting.orbits.looking import near_each, on_orbits
from llgrad.fitting.orbits.recording import OrbitRecording, TableRecording
from llgrad.fitting.orbits.spectra import SpectrumRecording
from llgrad.fitting.orbits.table import OrbitTable
from llgrad.fitting.problem import Problem
from llgrad.fitting.stages import beginning, near_the_lines, search_in_segments
from llgrad.fitting.systems.answers import at_references, noise_said, positive_of, start_sizes
from llgrad.fitting.targets.checks import check_dependence, check_targets
from llgrad.fitting.targets.experiment import Experiment, samples_of
from llgrad.fitting.targets.recording import Bound as BoundTo
from llgrad.fitting.targets.recording import Recording, lines_said
from llgrad.fitting.targets.sampling import unseen_orbits
from llgrad.fitting.targets.starting import is_start, plain_numbers
from llgrad.fitting.targets.traces import TraceRecording
from llgrad.kernels.steppers import Stepper
from llgrad.observables.line_width import LineWidth
from llgrad.observables.spectrum import Spectrum
from llgrad.solve.accuracy import checked_accuracy, stepper_for
from llgrad.solve.task import Engine

UNFINISHED: Final = "the search ended before it converged: the standard errors hold at a minimum only"

UNSEEN: Final = ", to an orbit that the samples cannot show"
UNSTEADY: Final = ", to an orbit that is not steady"


def fit(
    model: Oscillator | System,
    data: Trace
    | Trajectory
    | SystemTrajectory
    | FrequencyTable
    | OrbitTable
    | Spectrum
    | Experiment
    | Sequence[Experiment],
    *,
    free: Mapping[str, Bound | None] | Iterable[str],
    method: Method = LevenbergMarquardt(),
    guess: Guess | None = None,
    starts: Starts = Starts(),
    key: Any = None,
    m0: Any = None,
    drive: Drive | Mapping[str, Waveform] | None = None,
    noise: float | None = None,
    dt: float | None = None,
    accuracy: float | None = None,
    stepper: Stepper | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
    time_limit: float | None = None,
    segment: float | None = None,
) -> FitResult:
    """Find parameters of a device, its drive and its starting state from recordings, by least squares.

    Computes in float64 whatever the process default is. The starting values are those of `model` and `drive`.

    Args:
        model: the device, with the known values, and the start of the free ones.
        data: a trace (any of mx, my, mz, or a voltage), a `Trajectory` (its t and m), a table of frequencies, a power
            spectrum, or several `Experiment`s that share parameters. A voltage of a device without a junction is fitted
            up to a gain and an offset, which are found too, as is the line width of a spectrum. That of a device with a
            junction is the junction's own, unless "gain" and "offset" are free.
        free: what to find, by the path of the leaf ("alpha", "current", "field.z", "drive.current.amplitude", "delay",
            "bandwidth", "gain", "offset"; "terms.0.values" for all numbers of a table, "terms.0.values.3" for one),
            each with its bound: `positive()`, `between(low, high)`, `unbounded(scale)`, None for its default; or the
            names alone. A delay stays within its bound, or within 1 ns and twice its start.
        method: `LevenbergMarquardt()`, `GradientDescent()` (the paper's way) or `GridSearch()`.
        guess: what is done before the search: `Guess(slopes=…, screen=…)`. None takes the method's own: the equation's
            slopes and a screening for least squares, the screening alone for the others.
        starts: `Starts(count, spread)` draws more starts around the given one; all run in one batch and the best is
            kept.
        key: a `jax.random.key` for the starts and the screening; the screening has a default.
        m0: state at the first sample, (3,), taken as exact. None takes the first row where mx, my and mz are all
            recorded, and else searches for it; its tilts are then fitted as nuisance parameters ("m0.polar",
            "m0.azimuthal").
        noise: standard deviation of a recorded value, where it is known.
        dt: time step [s]; None chooses it from the fields.
        accuracy: largest error |Δm| of the last state of a trace, in place of `dt`, as for `simulate`. The step is
            chosen at the start, and anew where it is too long at the answer; the verdict says so.
        progress: called with a dictionary (stage, iteration, cost, fraction) after each iteration.
        time_limit: seconds after which the best so far is returned, marked "out of time"; Ctrl-C does the same.
        segment: length [s] of the pieces, about a period, in which a trace is fitted whose phase diffuses (thermal
            noise in the device). Each piece has a starting state of its own, profiled out; the standard errors come
            from the scatter between the pieces.

    Raises:
        ValueError: for an unknown parameter, a bound that excludes the start, too few samples, or a start that cannot
            be simulated; and for an argument that would change nothing.
    """
    began = time.perf_counter()
    check_time_limit(time_limit)
    if accuracy is not None:
        stepper = stepper or stepper_for(checked_accuracy(accuracy, dt, None, engine))
    log = Log(progress, lambda: time_limit is not None and time.perf_counter() - began > time_limit)
    with jax.enable_x64(True):
        experiments = as_experiments(data, m0=m0, drive=drive, noise=noise, segment=segment)
        free, experiments = named(model, free, experiments)
        check_pieces(model, experiments, free)
        begun = tuple(beginning(experiment) for experiment in experiments)
        prepared = prepare(model, begun, free, dt=dt, stepper=stepper, engine=engine)
        if accuracy is not None:
            prepared = prepared._replace(problem=with_steps(prepared.problem, prepared.values, prepared.m0, accuracy))
        check_used(prepared, method, guess, starts, key)
        u = draw_starts(prepared.problem, prepared.values, starts, key)
        check_targets(prepared.problem, begun, free)
        prepared = _on_orbits(prepared, log)
        check_dependence(prepared.problem, prepared.values, prepared.m0)
        begin = _begun(prepared, u, log)
        begin = _guessed(prepared, begin, guess or Guess(slopes=method.from_slopes), key, log)
        found = method.search(prepared.problem, near_the_lines(prepared.problem, begin, log), log)
        _check_simulated(prepared, begin, found)
        if any(experiment.segment is not None for experiment in experiments):
            whole = _on_orbits(prepare(model, experiments, free, dt=dt, stepper=stepper, engine=engine), log)
            prepared, found = search_in_segments(prepared, found, whole, log)
        problem, found = search_on_orbits(prepared.problem, prepared.values, found, log)
        problem, found, said = (problem, found, ()) if accuracy is None else steps_anew(problem, found, accuracy, log)
        problem, found = _reweighted(problem, experiments, found, log)
        result = _result(prepared, problem, found, method, model, experiments, log)
    result = dataclasses.replace(result, verdict=(*result.verdict, *said))
    return dataclasses.replace(result, seconds=time.perf_counter() - began)


def _on_orbits(prepared: Prepared, log: Log) -> Prepared:
    """Begun on orbits. Raises ValueError where a recording has none at all at the start."""
    problem, orbits = on_orbits(prepared.problem, prepared.values, prepared.m0, log)
    if any(not one.moving.any() for one in orbits):
        raise ValueError(_not_simulated(problem, prepared.values))
    return prepared._replace(problem=problem)


def _begun(prepared: Prepared, u: np.ndarray, log: Log) -> Begin:
    """The starts u (S, p), each with the orbits of its own."""
    m0 = np.repeat(prepared.m0[None], len(u), axis=0)
    alone = len(u) == 1 or not any(prepared.problem.near)
    return Begin(u, m0, near=None if alone else near_each(prepared.problem, u, m0, log))


def _guessed(prepared: Prepared, begin: Begin, guess: Guess, key: Any, log: Log) -> Begin:
    """The starts with the guesses; the starts alone where that is stopped: the search then ends at once too."""
    with log.stoppable():
        return with_guesses(prepared, begin, guess, jax.random.key(0) if key is None else key, log)
    return begin


def _check_simulated(prepared: Prepared, begin: Begin, found: Search) -> None:
    """Raise ValueError where no start could be simulated."""
    if np.isfinite(found.cost).any():
        return
    raise ValueError(_not_simulated(prepared.problem, np.asarray(prepared.problem.physical(jnp.asarray(begin.u[0])))))


def _not_simulated(problem: Problem, values: np.ndarray) -> str:
    named = [(n, v) for n, v in zip(problem.names, values, strict=True) if not is_start(n)]
    orbits = any(isinstance(recording, OrbitRecording) for recording in problem.recordings)
    rest = ", or comes to rest, where it has no frequency; start from a larger current or a smaller damping"
    return (
        f"the start ({', '.join(f'{name} = {value:g}' for name, value in named)}) cannot be simulated: the run is not "
        f"finite{rest if orbits else '; choose another start or a smaller dt'}"
    )


def _reweighted(
    problem: Problem, experiments: tuple[Experiment, ...], found: Search, log: Log
) -> tuple[Problem, Search]:
    """Where several recordings are fitted and the noise of some is unknown, weigh them by their residuals and
    polish."""
    if len(experiments) == 1 or all(e.noise is not None for e in experiments) or found.interrupted:
        return problem, found
    best = int(np.argmin(found.cost))
    for _ in range(2):
        linear = linear_at(problem, found.u[best], found.m0[best])
        recordings = []
        for recording, experiment, residuals in zip(problem.recordings, experiments, linear.residuals, strict=True):
            known = np.asarray(recording.sigma)
            least = 1e-12 * float(np.abs(recording.data).max()) / float(known.max())
            rms = max(float(np.sqrt(np.mean((residuals / known) ** 2))), least)
            sigma = recording.sigma if experiment.noise else recording.sigma * rms
            recordings.append(dataclasses.replace(recording, sigma=sigma))
        problem = dataclasses.replace(problem, recordings=tuple(recordings))
        polish = LevenbergMarquardt(grow=False)
        found = polish.search(problem, Begin(found.u[best][None], found.m0[best][None]), log)
        best = 0
    return problem, found


def _result(
    prepared: Prepared,
    problem: Problem,
    found: Search,
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
    said = [*several, *lines_said(problem), *symmetries(problem, bool(prepared.unknown)), *noise_said(model)]
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


def _as_sure_as(sure: Uncertainty, measured: tuple[Quality, ...]) -> Uncertainty:
    """The errors where the model explains the data; where it does not, they mean nothing and are infinite."""
    return sure._replace(errors=np.full(sure.errors.shape, np.inf)) if is_lost(measured) else sure


def _bound(problem: Problem, linear: Linear, m0: np.ndarray) -> list[BoundTo]:
    """What each recording is simulated with at the answer."""
    found = jnp.asarray(linear.values[: len(problem.names)])
    return [r.bind(found, jnp.asarray(m0[r.row])) for r in problem.recordings]


def _doubted(
    problem: Problem, found: Search, best: int, measured: tuple[Quality, ...], log: Log
) -> tuple[tuple[Quality, ...], tuple[str, ...], str]:
    """The qualities with what is to be doubted of the fitted orbits, what else attracts, and the end of the status."""
    place = problem, found.u[best], found.m0[best]
    sure = tuple(one.chi2_per_freedom is not None for one in measured)
    unseen = unseen_orbits(*place)
    unsteady, several = ((None,) * len(measured), ()) if found.interrupted else doubtful_orbits(*place, sure, log)
    said = tuple(
        one._replace(warnings=(*(s for s in sentences if s), *one.warnings))
        for one, *sentences in zip(measured, unseen, unsteady, strict=True)
    )
    return said, several, UNSEEN if any(unseen) else UNSTEADY if any(unsteady) else ""


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


def _solution(problem: Problem, found: Search, best: int, scale: np.ndarray) -> Solution:
    """The problem with its noise as weights, and where its minimum is."""
    first, recordings = 0, []
    for recording in problem.recordings:
        recordings.append(dataclasses.replace(recording, sigma=recording.sigma * scale[first]))
        first += recording.data.size
    return Solution(dataclasses.replace(problem, recordings=tuple(recordings)), found.u[best], found.m0[best])


def _first_part(problem: Problem, found: Search, best: int, linear: Linear, log: Log) -> float | None:
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
    problem: Problem, experiments: tuple[Experiment, ...], linear: Linear, first_part: float | None
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


def _jacobian(problem: Problem, linear: Linear, scale: np.ndarray) -> np.ndarray:
    """The Jacobian that gives the covariance: residuals are independent, but for those in one piece of a trace."""
    jacobian = linear.jacobian / scale[:, None]
    if not any(recording.clusters for recording in problem.recordings):
        return jacobian
    rows = zip(linear.residuals, problem.recordings, strict=True)
    residuals = np.concatenate([(r / np.asarray(recording.sigma)).ravel() for r, recording in rows])
    sizes = [(recording.data.size, recording.clusters) for recording in problem.recordings]
    return clustered_jacobian(jacobian, residuals / scale, sizes)


def _status(found: Search, best: int, measured: tuple[Quality, ...]) -> str:
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
    names = tuple(data.columns) if isinstance(data, Trace) else ("density",)
    return {name: predicted[:, i] for i, name in enumerate(names)}
