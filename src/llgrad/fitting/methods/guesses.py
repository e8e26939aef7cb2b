"""Guesses before the search: from the slopes where all of m is recorded, and by screening where it is not."""

from __future__ import annotations

import math
from typing import Any, Final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.numbers import checked_count, checked_size
from llgrad.core.record import as_count, as_number
from llgrad.core.vector import Vec3
from llgrad.devices.oscillator import Oscillator
from llgrad.fitting.assembly import PreparedFit
from llgrad.fitting.methods.base import Begin, Log
from llgrad.fitting.methods.starts import reaches
from llgrad.fitting.problem import Problem, costs
from llgrad.fitting.targets.recording import recorder_path
from llgrad.fitting.targets.starting import is_start
from llgrad.fitting.targets.traces import TraceRecording
from llgrad.observables.frequency import best_frequency
from llgrad.physics.equation import equation_of_motion

BATCH: Final = 1024
"""Runs of one batch of a screening."""

DELAYS: Final = 512
"""Runs of a screening of delays alone."""


class Guess(eqx.Module):
    """What is done before the search, to begin near the truth.

    `slopes`: where mx, my and mz are all recorded, fit the recorded dm/dt with the equation of motion, without a
    simulation, and add the result as a start. `screen`: where the state at the first sample is unknown or a delay is
    free, simulate so many random devices (within ±`spread` of the start), states and delays over the first periods and
    keep the best `keep`.

    >>> import llgrad as lg
    >>> guess = lg.fitting.Guess(screen=1024, keep=8, spread=0.3)  # lg.fit(…, guess=guess)
    >>> guess.slopes, guess.screen
    (True, 1024)
    """

    slopes: bool = eqx.field(static=True, default=True)
    screen: int = eqx.field(static=True, default=4096, converter=as_count)
    keep: int = eqx.field(static=True, default=16, converter=as_count)
    spread: float = eqx.field(static=True, default=0.5, converter=as_number)
    periods: float = eqx.field(static=True, default=1.5, converter=as_number)
    """Length of the screened window, in periods of the data."""

    def __check_init__(self) -> None:
        checked_count("screen of a Guess", self.screen, 0)
        checked_count("keep of a Guess", self.keep, 1)
        checked_size("spread of a Guess", self.spread, 10.0)
        checked_size("periods of a Guess", self.periods)


def with_guesses(prepared: PreparedFit, begin: Begin, guess: Guess, key: Any, log: Log) -> Begin:
    """The starts, with those that the guesses give."""
    problem = prepared.problem
    if is_screened(prepared, guess):
        return _screened(prepared, begin, guess, key, log)
    if guess.slopes and has_slopes(prepared):
        matched = match_slopes(problem, begin.u[0])
        log.note(0.0, stage="slopes", iteration=0, cost=float("nan"))
        return begin._replace(u=np.concatenate([begin.u, matched[None]]), m0=np.concatenate([begin.m0, begin.m0[:1]]))
    return begin


def is_screened(prepared: PreparedFit, guess: Guess) -> bool:
    """Whether random states, or delays, are simulated before the search."""
    return bool(guess.screen and (prepared.unknown or _delays(prepared.problem)))


def has_slopes(prepared: PreparedFit) -> bool:
    """Whether all of m is recorded, so that the equation of motion can be fitted to it."""
    return all(_is_complete(recording) for recording in prepared.problem.recordings)


def _delays(problem: Problem) -> list[int]:
    """Which parameters are delays: the cost has a minimum in each period of them, so they are looked for."""
    delay = recorder_path(problem.recordings[0].model, "delay")
    return [i for i, name in enumerate(problem.names) if name.split("[")[0] == delay]


def _is_complete(recording: Any) -> bool:
    return (
        isinstance(recording, TraceRecording)
        and isinstance(recording.model, Oscillator)
        and {"mx", "my", "mz"} <= set(recording.columns)
        and recording.t.size > 8
    )


# ---------------------------------------------------------------- screening


def _screened(prepared: PreparedFit, begin: Begin, guess: Guess, key: Any, log: Log) -> Begin:
    problem = prepared.problem
    horizon = _first_periods(problem, guess.periods)
    short = problem.until(horizon)
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)).astype(np.uint32))
    u, m0 = _candidates(prepared, begin, guess, rng)
    found = []
    for first in range(0, len(u), BATCH):
        part = slice(first, first + BATCH)
        found.append(np.asarray(costs(short, u[part], m0[part], np.inf)))
        log.count(len(found[-1]))
        log.note(0.0, stage="screening", iteration=first // BATCH, cost=float(np.min(np.concatenate(found))))
    best = np.argsort(np.concatenate(found))[: guess.keep]
    return Begin(u[best], m0[best], horizon)


def _first_periods(problem: Problem, periods: float) -> float:
    """The window [s] of so many periods of the data, at least the first few samples."""
    ends = []
    for recording in problem.recordings:
        if isinstance(recording, TraceRecording):
            t = np.asarray(recording.t)
            if t.size < 16:
                return math.inf
            grid = np.linspace(0, t[-1], t.size)
            signal = np.interp(grid, t, np.asarray(recording.data)[:, 0])
            f = float(best_frequency(jnp.asarray(signal), dt=float(grid[1])))
            ends.append(max(periods / max(f, 1e6), float(t[12])))
    return max(ends, default=math.inf)


def _candidates(
    prepared: PreparedFit, begin: Begin, guess: Guess, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Random devices (n, p) and starting states (n, R, 3); the given starts come first."""
    problem, count = prepared.problem, guess.screen if prepared.unknown else min(guess.screen, DELAYS)
    values = np.tile(prepared.values, (count, 1))
    moving = np.array([not is_start(name) for name in problem.names])
    reach = guess.spread * reaches(problem, prepared.values)[moving]
    values[:, moving] += reach * rng.uniform(-1, 1, (count, int(moving.sum())))
    for i in _delays(problem):  # anywhere in what is simulated, for the given device (in half of them) and for others
        low, high = problem.bounds[i].limits
        values[: count // 2] = prepared.values
        values[:, i] = low + (high - low) * rng.permutation((np.arange(count) + 0.5) / count)
    u = np.tile(begin.u[0], (count, 1))
    for i in np.flatnonzero(moving):
        bound, start = problem.bounds[i], prepared.values[i]
        u[:, i] = [bound.free(v) if bound.contains(v) else bound.free(start) for v in values[:, i]]
    m0 = np.tile(prepared.m0, (count, 1, 1))
    for recording in problem.recordings:
        if recording.row in prepared.unknown:
            half = count // 8  # an eighth keeps the default starting state
            passed = prepared.passed[recording.row]
            if passed is None:
                m0[half:, recording.row] = _states(recording, count - half, rng)
            else:
                m0[half:, recording.row] = _passed(recording, passed)[rng.integers(len(passed), size=count - half)]
    u[: begin.size], m0[: begin.size] = begin.u, begin.m0
    return u, m0


def _passed(recording: Any, passed: np.ndarray) -> np.ndarray:
    """The states (K, n) that a system passes, with the components that were recorded at the first sample."""
    states = passed.copy()
    for place, name in enumerate(recording.form.names):
        if name in recording.columns:
            states[:, place] = float(recording.data[0, recording.columns.index(name)])
    return states


def _states(recording: Any, count: int, rng: np.random.Generator) -> np.ndarray:
    """Random unit vectors that have the components recorded at the first sample."""
    free = rng.normal(size=(count, 3))
    known = {
        "xyz".index(name[-1]): float(recording.data[0, i])
        for i, name in enumerate(recording.columns)
        if name != "voltage"
    }
    for axis in known:
        free[:, axis] = 0.0
    rest = math.sqrt(max(1 - sum(v * v for v in known.values()), 1e-6))
    free *= rest / np.linalg.norm(free, axis=1, keepdims=True)
    for axis, value in known.items():
        free[:, axis] = value
    return free / np.linalg.norm(free, axis=1, keepdims=True)


# ---------------------------------------------------------------- slopes


def match_slopes(problem: Problem, u: np.ndarray, iterations: int = 40) -> np.ndarray:
    """Unbounded parameters (p,) whose equation of motion fits the recorded slopes best, beginning at u.

    dm/dt + γ m × B(m) − α m × dm/dt = 0 holds at every sample and is linear in the damping, the fields and the current:
    nothing oscillates in it, so the start may be far off. dm/dt comes from a local polynomial, much shorter than a
    period.
    """
    moving = np.array([not is_start(name) for name in problem.names])
    slopes = [_smooth(r, float(problem.rate)) for r in problem.recordings]
    best, damping = np.array(u, dtype=float), 1e-3
    r, J = (np.asarray(x) for x in _slope_residuals(problem, best, slopes))
    for _ in range(iterations):
        H, g = J[:, moving].T @ J[:, moving], J[:, moving].T @ r
        step = np.linalg.lstsq(H + damping * np.diag(np.diag(H) + 1e-300), -g, rcond=None)[0]
        trial = best.copy()
        trial[moving] += np.clip(step, -1.0, 1.0)
        new, slope = (np.asarray(x) for x in _slope_residuals(problem, trial, slopes))
        if not (np.isfinite(new).all() and new @ new <= r @ r):
            damping *= 10
            if damping > 1e8:
                break
            continue
        done = r @ r - new @ new <= 1e-10 * (r @ r)
        best, r, J, damping = trial, new, slope, max(damping / 10, 1e-15)
        if done:
            break
    return best


def _smooth(recording: Any, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Smoothed m (3, T) and dm/dt (3, T) [1/ns] of a complete trace."""
    t, data = np.asarray(recording.t), np.asarray(recording.data)
    m = np.stack([data[:, recording.columns.index(name)] for name in ("mx", "my", "mz")])
    grid = np.linspace(0, t[-1], t.size)
    even = np.stack([np.interp(grid, t, c) for c in m]) if not np.allclose(t, grid, rtol=0, atol=1e-3 * grid[1]) else m
    return smoothed(even, float(grid[1]), rate)


def smoothed(m: np.ndarray, dt: float, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """m (…, 3, T), evenly spaced by dt [s], smoothed, and dm/dt [1/ns], by a local quartic over a twelfth of a period.

    `rate` [rad/s] is that of the fastest precession.
    """
    import scipy.signal  # slow to import

    count = m.shape[-1]
    samples = 2 * math.pi / rate / 12 / dt
    window = min(max(5, 2 * int(samples / 2) + 1), count - 1 + count % 2)
    smooth = np.asarray(scipy.signal.savgol_filter(m, window, 4))
    slope = np.asarray(scipy.signal.savgol_filter(m, window, 4, deriv=1, delta=dt * 1e9))
    return smooth / np.linalg.norm(smooth, axis=-2, keepdims=True), slope


@eqx.filter_jit
def _slope_residuals(problem: Problem, u: Any, slopes: Any) -> tuple[Any, Any]:
    """Residuals of the implicit equation at every sample, and their Jacobian."""

    def f(u: Any) -> tuple[Any, Any]:
        r = slope_residuals(problem, u, slopes)
        return r, r

    jacobian, r = jax.jacfwd(f, has_aux=True)(u)
    return r, jacobian


def slope_residuals(problem: Problem, u: Any, slopes: Any) -> Any:
    """Residuals of the implicit equation at every sample, for smoothed m and dm/dt of each recording."""
    values, parts = problem.physical(u), []
    for recording, (m, slope) in zip(problem.recordings, slopes, strict=True):
        bound = recording.bind(values, jnp.array([0.0, 0.0, 1.0]))
        equation = equation_of_motion(bound.model)
        times = getattr(recording, "t", None)
        drive = None if bound.drive is None else bound.drive.sample(times).filled()
        state, dm = Vec3(*m), Vec3(*slope)
        field = Vec3(0.0, 0.0, 0.0) if drive is None else drive.field
        current, time = 0.0 if drive is None else drive.current, 0.0 if times is None else times * 1e9
        B = equation.effective_field(state, field, current, time)
        residual = dm + state.cross(B) * equation.gamma - state.cross(dm) * equation.alpha
        parts += [residual.x, residual.y, residual.z]
    return jnp.concatenate(parts)
