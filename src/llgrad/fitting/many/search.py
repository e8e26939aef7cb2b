"""The search of `LevenbergMarquardt`, of many traces side by side: a lane whose search ends takes the next trace.

Each search begins at the given start where that explains most of the whole trace, and else where the equation of
motion fits the recorded slopes, where all of m is recorded. It goes through growing windows from the longest that is
explained for the most part: a window has no false minimum between such a place and its answer. (Of two sines of one
size over the time T, 1 − Σr²/Σd² = 2 sinc(δf T) − 1 is negative outside of the main lobe, |δf| T < 1, and in a lobe
beside it below −0.5.) The searches that have farthest to go are the first to have a lane, so that lanes are seldom
empty.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from llgrad.fitting.many.batch import WIDTH, Batch, evaluate_lanes, evaluate_slopes, in_widths
from llgrad.fitting.methods.convergence import Place, is_minimum, needed_parameters
from llgrad.fitting.methods.guesses import Guess, has_slopes, smoothed
from llgrad.fitting.methods.least_squares import LevenbergMarquardt, SearchState
from llgrad.fitting.methods.windows import growing_windows
from llgrad.fitting.problem import CostEvaluation
from llgrad.fitting.targets.starting import is_start

MOSTLY: Final = 0.25
"""Part of the signal's power that is left where most of a window is explained."""
ROUNDS: Final = 40
"""Steps at most of a fit of slopes."""
LOOK, BEGIN, GO = 0, 1, 2
"""What a lane evaluates: the whole trace, to see whether it is explained; the first point of a window; a trial."""


class LanesEnd(NamedTuple):
    """Where the search of each trace ended."""

    u: np.ndarray
    """(F, p)."""
    cost: np.ndarray
    """(F,)."""
    converged: np.ndarray
    """Whether it is a minimum (F,)."""
    mostly: np.ndarray
    """Whether most of the whole trace is explained (F,)."""
    edges: np.ndarray
    """Which parameters are at an edge of their bound (F, p)."""


class _Windows:
    """The windows that grow to the whole trace, and which of them are explained."""

    def __init__(self, batch: Batch, grow: bool):
        self.horizons = np.array(growing_windows(batch.problem, grow))
        self.last = len(self.horizons) - 1
        samples = np.sum(np.asarray(batch.recording.t) <= self.horizons[:, None], axis=1)
        self.ends, self.powers = samples - 1, batch.powers_until(samples)

    def explained(self, traces: np.ndarray, cost: np.ndarray, parts: np.ndarray) -> np.ndarray:
        """The longest window (S,) of which most is explained, or −1, by the cost of whole traces and its parts
        (S, T)."""
        costs = np.cumsum(parts, axis=1)[:, self.ends]
        costs[:, -1] = cost
        explained = np.isfinite(cost)[:, None] & (costs < MOSTLY * self.powers[traces])
        return np.where(explained.any(axis=1), self.last - np.argmax(explained[:, ::-1], axis=1), -1)


class _Begin(NamedTuple):
    """Where the search of each trace begins: u (F, p), what its whole trace gives there, and in which window (F,)."""

    u: np.ndarray
    value: CostEvaluation
    window: np.ndarray


def search_lanes(batch: Batch, method: LevenbergMarquardt) -> LanesEnd:
    """Search for the parameters of every trace."""
    windows = _Windows(batch, method.grow)
    return _Lanes(batch, method, windows, _beginning(batch, windows)).run()


def _beginning(batch: Batch, windows: _Windows) -> _Begin:
    """The given start, or where the equation of motion fits the slopes, where the given one explains too little."""
    every = np.arange(len(batch.data))
    u = np.repeat(batch.start[None], len(every), axis=0)
    value, window = _whole_traces(batch, windows, every, u)
    others = np.flatnonzero(window < windows.last)
    if others.size and Guess().slopes and has_slopes(batch.prepared):
        u[others] = starting_points(batch, others)
        again, window[others] = _whole_traces(batch, windows, others, u[others])
        for mine, theirs in zip(_parts(value), _parts(again), strict=True):
            mine[others] = theirs
    return _Begin(u, value, np.maximum(window, 0))


def _whole_traces(
    batch: Batch, windows: _Windows, traces: np.ndarray, u: np.ndarray
) -> tuple[CostEvaluation, np.ndarray]:
    """Of some traces (F,), each at its u (F, p): what they give, and the longest window that is explained (F,)."""
    found = CostEvaluation(np.zeros(len(u)), np.zeros(u.shape), np.zeros((*u.shape, u.shape[1])))
    window = np.zeros(len(u), int)
    for rows in in_widths(len(u)):
        lanes, parts = evaluate_lanes(batch, traces[rows], u[rows], np.full(WIDTH, math.inf))
        for mine, theirs in zip(_parts(found), _parts(lanes), strict=True):
            mine[rows] = theirs
        window[rows] = windows.explained(traces[rows], lanes.cost, parts)
    return found, window


def _parts(value: CostEvaluation) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return value.cost, value.gradient, value.curvature


def starting_points(batch: Batch, traces: np.ndarray) -> np.ndarray:
    """Unbounded parameters (F, p) at which the equation of motion fits the slopes of some traces (F,)."""
    u = np.repeat(batch.start[None], len(traces), axis=0)
    problem, recording = batch.problem, batch.recording
    place = [recording.columns.index(name) for name in ("mx", "my", "mz")]
    dt, rate = float(np.asarray(recording.t)[1]), float(problem.rate)
    m, slope = smoothed(np.moveaxis(batch.data[traces][:, :, place], 1, 2), dt, rate)
    moving = np.flatnonzero([not is_start(name) for name in problem.names])
    for rows in in_widths(len(u)):
        u[rows] = _matched(batch, u[rows], m[rows], slope[rows], moving)
    return u


def _matched(batch: Batch, u: np.ndarray, m: np.ndarray, slope: np.ndarray, moving: np.ndarray) -> np.ndarray:
    """Where the residuals of the equation of motion are least, of a row of lanes; what they do not fix stays near the
    given start: it is taken for right to a factor e or so, against residuals of the size that is left."""
    free, value = _descended(batch, u, m, slope, moving, np.zeros(len(u)))
    return _descended(batch, free, m, slope, moving, value.cost / (3 * m.shape[-1]))[0]


def _descended(
    batch: Batch, begun: np.ndarray, m: np.ndarray, slope: np.ndarray, moving: np.ndarray, pull: np.ndarray
) -> tuple[np.ndarray, CostEvaluation]:
    """Damped Gauss–Newton steps on these residuals, and on distances from the given start weighted by `pull` (S,)."""
    some, given = np.ix_(np.arange(len(begun)), moving, moving), batch.start[moving]

    def evaluated(u: np.ndarray) -> CostEvaluation:
        found, away = evaluate_slopes(batch.problem, u, m, slope), u[:, moving] - given
        found.gradient[:, moving] += pull[:, None] * away
        found.curvature[some] += pull[:, None, None] * np.eye(len(moving))
        return CostEvaluation(found.cost + pull * np.sum(away**2, axis=1), found.gradient, found.curvature)

    u, value = begun.copy(), evaluated(begun)
    damping, moves = np.full(len(u), 1e-3), np.ones(len(u), bool)
    for _ in range(ROUNDS):
        H, g = value.curvature[some], value.gradient[:, moving]
        diagonal = np.einsum("sii->si", H)
        floor = 1e-15 * diagonal.max(axis=1, keepdims=True) + 1e-300
        damped = H + np.einsum(
            "si,ij->sij", damping[:, None] * np.maximum(diagonal, floor) + floor, np.eye(len(moving))
        )
        trial = u.copy()
        trial[:, moving] += np.clip(-np.linalg.solve(damped, g[..., None])[..., 0], -1.0, 1.0)
        new = evaluated(np.where(moves[:, None], trial, u))
        better = moves & (new.cost <= value.cost)
        done = better & (value.cost - new.cost <= 1e-10 * value.cost)
        u[better] = trial[better]
        for mine, theirs in zip(_parts(value), _parts(new), strict=True):
            mine[better] = theirs[better]
        damping = np.where(better, np.maximum(damping / 10, 1e-15), damping * 10)
        moves &= ~done & (damping < 1e8)
        if not moves.any():
            break
    return u, value


class _Lanes:
    """The lanes of a program, and the searches that wait for one."""

    def __init__(self, batch: Batch, method: LevenbergMarquardt, windows: _Windows, begun: _Begin):
        self.batch, self.method, self.windows, self.begun = batch, method, windows, begun
        self.last, self.power = windows.last, windows.powers[:, -1]
        self.tolerance = max(method.tolerance, batch.recording.resolution)
        count = len(begun.u)
        self.order = np.argsort(-np.where(np.isfinite(begun.value.cost), begun.value.cost / self.power, np.inf))
        """The traces, those first that are explained least."""
        self.trace, self.next = np.repeat(self.order[-1:], WIDTH), 0
        self.busy = np.zeros(WIDTH, bool)
        self.stage, self.window, self.steps = (np.zeros(WIDTH, int) for _ in range(3))
        self.state = SearchState(begun.u[self.trace], ())
        self.u, self.cost, self.gradient = begun.u.copy(), np.full(count, np.inf), np.zeros(begun.u.shape)
        self.curvature = np.zeros((*begun.u.shape, begun.u.shape[1]))
        for lane in range(WIDTH):
            self._take_next(lane)

    def run(self) -> LanesEnd:
        """Step all lanes until no trace waits and none is searched for."""
        while self.busy.any():
            self._step()
        return self._end()

    def _step(self) -> None:
        proposed, moves = self.state.propose()
        going = self.busy & (self.stage == GO)
        trial = np.where((going & moves)[:, None], proposed, self.state.u)
        horizon = np.where(self.stage == LOOK, math.inf, self.windows.horizons[self.window])
        value, parts = evaluate_lanes(self.batch, self.trace, trial, horizon)
        look, begin = self.busy & (self.stage == LOOK), self.busy & (self.stage == BEGIN)
        reached = self.windows.explained(self.trace, value.cost, parts)
        self.window[look] = np.maximum(self.window, reached)[look]
        found = look & (self.window == self.last)
        self.state.begin(found | begin, trial, value)
        self.stage[look] = BEGIN
        self.stage[found | begin] = GO
        self.steps[found | begin] = 0
        tolerance = np.where(self.window == self.last, self.tolerance, 1e-3)
        self.state.judge(trial, value, going & moves, tolerance)
        self.steps[going] += 1
        most = np.where(self.window == self.last, self.method.iterations, self.method.stage_iterations)
        for lane in np.flatnonzero(self.busy & (self.stage == GO)).tolist():
            if not self._moves(lane) or self.steps[lane] >= most[lane]:
                self._over(lane)

    def _moves(self, lane: int) -> bool:
        state = self.state
        return bool(~state.settled[lane] & np.isfinite(state.cost[lane]) & (state.damping[lane] < 1e10))

    def _over(self, lane: int) -> None:
        """A window of a lane is done: the next window, or the next trace."""
        if self.window[lane] < self.last:
            self.window[lane] += 1
            self.stage[lane] = LOOK
            return
        self._keep(lane)
        self._take_next(lane)

    def _take_next(self, lane: int) -> None:
        """Begin with the next trace, at the longest window that is explained already, or at the first."""
        self.busy[lane] = self.next < len(self.order)
        if not self.busy[lane]:
            return
        trace = self.trace[lane] = self.order[self.next]
        self.next, self.steps[lane] = self.next + 1, 0
        self.window[lane] = self.begun.window[trace]
        self.stage[lane] = GO if self.window[lane] == self.last else BEGIN
        cost, gradient, curvature = (part[self.trace] for part in _parts(self.begun.value))
        value = CostEvaluation(cost, gradient, curvature)
        self.state.begin(np.arange(WIDTH) == lane, self.begun.u[self.trace], value)

    def _keep(self, lane: int) -> None:
        state, trace = self.state, self.trace[lane]
        self.u[trace], self.cost[trace] = state.u[lane], state.cost[lane]
        self.gradient[trace], self.curvature[trace] = state.value.gradient[lane], state.value.curvature[lane]

    def _end(self) -> LanesEnd:
        batch, converged = self.batch, np.zeros(len(self.u), bool)
        edges, needed, size = batch.at_edges(batch.values(self.u)), needed_parameters(batch.problem), batch.problem.size
        for i in np.flatnonzero(np.isfinite(self.cost)):
            place = Place(self.u[i], float(self.cost[i]), self.gradient[i], self.curvature[i], edges[i])
            converged[i] = is_minimum(place, needed, float(self.power[i]), size)
        return LanesEnd(self.u, self.cost, converged, self.cost < MOSTLY * self.power, edges)
