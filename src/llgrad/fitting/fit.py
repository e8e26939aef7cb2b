"""`fit`: convert, check, guess, search, and say how sure the answer is."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np
from jaxtyping import ArrayLike, Float, Key, PyTree

from llgrad.core.interrupts import ends_at_ctrl_c
from llgrad.core.speed.starting import check_platform
from llgrad.devices.bounds import Bound
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.drives.base import Waveform
from llgrad.drives.drive import Drive
from llgrad.fitting.accuracy import steps_anew, with_steps
from llgrad.fitting.answers.linear import linear_at
from llgrad.fitting.answers.result import FitResult
from llgrad.fitting.arguments import check_pieces, check_search, check_used, checked_free
from llgrad.fitting.assembly import PreparedFit, as_experiments, named, prepare
from llgrad.fitting.loops.following import search_over_edges
from llgrad.fitting.loops.recording import LoopRecording
from llgrad.fitting.methods.base import Begin, Log, Method, MethodEnd, Progress
from llgrad.fitting.methods.guesses import Guess, with_guesses
from llgrad.fitting.methods.least_squares import LevenbergMarquardt
from llgrad.fitting.methods.starts import Starts, draw_starts
from llgrad.fitting.orbits.following import search_on_orbits
from llgrad.fitting.orbits.looking import near_each, on_orbits
from llgrad.fitting.orbits.recording import OrbitRecording
from llgrad.fitting.outcome import result_of
from llgrad.fitting.problem import Problem
from llgrad.fitting.stages import beginning, near_the_lines, search_in_segments
from llgrad.fitting.targets.checks import check_dependence, check_targets
from llgrad.fitting.targets.experiment import Experiment, Recorded
from llgrad.fitting.targets.starting import is_start
from llgrad.kernels.steppers import Stepper
from llgrad.solve.accuracy import checked_accuracy, stepper_for
from llgrad.solve.task import Engine


@ends_at_ctrl_c
def fit(
    model: Oscillator | System,
    data: Recorded,
    *,
    free: Mapping[str, Bound | None] | Iterable[str],
    method: Method = LevenbergMarquardt(),
    guess: Guess | None = None,
    starts: Starts = Starts(),
    key: Key[jax.Array, ""] | None = None,
    m0: PyTree[Float[ArrayLike, "..."]] = None,
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
        progress: called with a dictionary (stage, iteration, cost, fraction) after each iteration; a KeyboardInterrupt
            that it raises gives the best so far, marked "interrupted".
        time_limit: seconds after which the best so far is returned, marked "out of time". Ctrl-C raises
            `lg.solvers.Interrupted`, whose `result` is the best so far.
        segment: length [s] of the pieces, about a period, in which a trace is fitted whose phase diffuses (thermal
            noise in the device). Each piece has a starting state of its own, profiled out; the standard errors come
            from the scatter between the pieces.

    Raises:
        ValueError: for an unknown parameter, a bound that excludes the start, too few samples, or a start that cannot
            be simulated; and for an argument that would change nothing.

    >>> import llgrad as lg
    >>> sto = lg.presets.kubota2013()
    >>> trace = lg.trace_of(lg.simulate(sto, duration=1e-9, dt=2e-12, save=lg.Every(5)))
    >>> result = lg.fit(sto.replace(alpha=0.006), trace, free=["alpha"], dt=2e-12)
    >>> round(result.values["alpha"], 5), result.converged
    (0.005, True)
    """
    check_platform()
    began, given = time.perf_counter(), stepper
    check_search(method, stepper, guess, starts, time_limit)
    if accuracy is not None:
        stepper = stepper or stepper_for(checked_accuracy(accuracy, dt, None, engine))
    log = Log(progress, lambda: time_limit is not None and time.perf_counter() - began > time_limit)
    with jax.enable_x64(True):
        experiments = as_experiments(data, m0=m0, drive=drive, noise=noise, segment=segment)
        free, experiments = named(model, checked_free(free), experiments)
        check_pieces(model, experiments, free, {"dt": dt, "stepper": given, "engine": engine})
        begun = tuple(beginning(experiment) for experiment in experiments)
        prepared = prepare(model, begun, free, dt=dt, stepper=stepper, engine=engine)
        if accuracy is not None:
            prepared = prepared._replace(problem=with_steps(prepared.problem, prepared.values, prepared.m0, accuracy))
        check_used(prepared, method, guess, starts, key)
        check_targets(prepared.problem, begun, free)
        prepared = _on_orbits(prepared, log)
        check_dependence(prepared.problem, prepared.values, prepared.m0)
        begin = _begun(prepared, draw_starts(prepared.problem, prepared.values, starts, key), log)
        begin = _guessed(prepared, begin, guess or Guess(slopes=method.from_slopes), key, log)
        found = method.search(prepared.problem, near_the_lines(prepared.problem, begin, log), log)
        _check_simulated(prepared, begin, found)
        if any(experiment.segment is not None for experiment in experiments):
            whole = _on_orbits(prepare(model, experiments, free, dt=dt, stepper=stepper, engine=engine), log)
            prepared, found = search_in_segments(prepared, found, whole, log)
        problem, found = _searched_on(prepared, found, log)
        problem, found, said = (problem, found, ()) if accuracy is None else steps_anew(problem, found, accuracy, log)
        problem, found = _reweighted(problem, experiments, found, log)
        result = result_of(prepared, problem, found, method, model, experiments, log)
    return dataclasses.replace(result, verdict=(*result.verdict, *said), seconds=time.perf_counter() - began)


def _searched_on(prepared: PreparedFit, found: MethodEnd, log: Log) -> tuple[Problem, MethodEnd]:
    """The search gone on along orbits, and over the edges of loops."""
    problem, found = search_on_orbits(prepared.problem, prepared.values, found, log)
    return problem, search_over_edges(problem, found, log)


def _on_orbits(prepared: PreparedFit, log: Log) -> PreparedFit:
    """Begun on orbits. Raises ValueError where a recording has none at all at the start, or where a device that has
    a loop does not rest."""
    for _, recording in prepared.problem.sought:
        if isinstance(recording, LoopRecording):
            recording.check(prepared.values)
    begun = prepared.problem.values_at(prepared.problem.free(prepared.values))  # rounded as the search has them
    problem, orbits = on_orbits(prepared.problem, begun, prepared.m0, log)
    if any(not one.moving.any() for one in orbits):
        raise ValueError(_not_simulated(problem, prepared.values))
    return prepared._replace(problem=problem)


def _begun(prepared: PreparedFit, u: np.ndarray, log: Log) -> Begin:
    """The starts u (S, p), each with the orbits of its own."""
    m0 = np.repeat(prepared.m0[None], len(u), axis=0)
    alone = len(u) == 1 or not any(prepared.problem.near)
    return Begin(u, m0, near=None if alone else near_each(prepared.problem, u, m0, log))


def _guessed(prepared: PreparedFit, begin: Begin, guess: Guess, key: Any, log: Log) -> Begin:
    """The starts with the guesses; the starts alone where that is stopped: the search then ends at once too."""
    with log.stoppable():
        return with_guesses(prepared, begin, guess, jax.random.key(0) if key is None else key, log)
    return begin


def _check_simulated(prepared: PreparedFit, begin: Begin, found: MethodEnd) -> None:
    """Raise ValueError where no start could be simulated."""
    if np.isfinite(found.cost).any():
        return
    raise ValueError(_not_simulated(prepared.problem, prepared.problem.values_at(begin.u[0])))


def _not_simulated(problem: Problem, values: np.ndarray) -> str:
    named = [(n, v) for n, v in zip(problem.names, values, strict=True) if not is_start(n)]
    orbits = any(isinstance(recording, OrbitRecording) for recording in problem.recordings)
    rest = ", or comes to rest, where it has no frequency; start from a larger current or a smaller damping"
    return (
        f"the start ({', '.join(f'{name} = {value:g}' for name, value in named)}) cannot be simulated: the run is not "
        f"finite{rest if orbits else '; choose another start or a smaller dt'}"
    )


def _reweighted(
    problem: Problem, experiments: tuple[Experiment, ...], found: MethodEnd, log: Log
) -> tuple[Problem, MethodEnd]:
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
