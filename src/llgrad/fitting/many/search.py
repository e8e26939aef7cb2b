"""The search of `LevenbergMarquardt`, of many traces side by side: a lane whose search ends takes the next trace.

Each search begins where the equation of motion fits the recorded slopes, where all of m is recorded. It goes through
growing windows only until it explains most of the whole trace: from there the whole trace has no false minimum between
it and the answer. (Of two sines of one size over the time T, 1 − Σr²/Σd² = 2 sinc(δf T) − 1 is negative outside of the
main lobe, |δf| T < 1, and in a lobe beside it below −0.5.)
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
from llgrad.fitting.targets.starting import is_start

MOSTLY: Final = 0.25
"""Part of the signal's power that is left where most of a trace is explained."""
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


def search_lanes(batch: Batch, method: LevenbergMarquardt) -> LanesEnd:
    """Search for the parameters of every trace."""
    return _Lanes(batch, method, starting_points(batch)).run()


def starting_points(batch: Batch) -> np.ndarray:
    """Unbounded starts (F, p): where the equation of motion fits the slopes, or the given one."""
    u = np.repeat(batch.start[None], len(batch.data), axis=0)
    if not (Guess().slopes and has_slopes(batch.prepared)):
        return u
    problem, recording = batch.problem, batch.recording
    place = [recording.columns.index(name) for name in ("mx", "my", "mz")]
    dt, rate = float(np.asarray(recording.t)[1]), float(problem.rate)
    m, slope = smoothed(np.moveaxis(batch.data[:, :, place], 1, 2), dt, rate)
    moving = np.flatnonzero([not is_start(name) for name in problem.names])
    for rows in in_widths(len(u)):
        u[rows] = _matched(batch, u[rows], m[rows], slope[rows], moving)
    return u


def _matched(batch: Batch, u: np.ndarray, m: np.ndarray, slope: np.ndarray, moving: np.ndarray) -> np.ndarray:
    """Damped Gauss–Newton steps on the residuals of the equation of motion, of a row of lanes."""
    some = np.ix_(np.arange(len(u)), moving, moving)
    value = evaluate_slopes(batch.problem, u, m, slope)
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
        new = evaluate_slopes(batch.problem, np.where(moves[:, None], trial, u), m, slope)
        better = moves & (new.cost <= value.cost)
        done = better & (value.cost - new.cost <= 1e-10 * value.cost)
        u[better] = trial[better]
        for mine, theirs in ((value.cost, new.cost), (value.gradient, new.gradient), (value.curvature, new.curvature)):
            mine[better] = theirs[better]
        damping = np.where(better, np.maximum(damping / 10, 1e-15), damping * 10)
        moves &= ~done & (damping < 1e8)
        if not moves.any():
            break
    return u


class _Lanes:
    """The lanes of a program, and the searches that wait for one."""

    def __init__(self, batch: Batch, method: LevenbergMarquardt, begun: np.ndarray):
        self.batch, self.method, self.begun = batch, method, begun
        self.windows = np.array(growing_windows(batch.problem, method.grow))
        self.last = len(self.windows) - 1
        self.power = batch.powers()
        self.tolerance = max(method.tolerance, batch.recording.resolution)
        count = len(begun)
        self.trace = np.minimum(np.arange(WIDTH), count - 1)
        self.busy = np.arange(WIDTH) < count
        self.next = min(WIDTH, count)
        self.stage, self.window, self.steps = (np.zeros(WIDTH, int) for _ in range(3))
        self.state = SearchState(begun[self.trace], ())
        self.u, self.cost, self.gradient = begun.copy(), np.full(count, np.inf), np.zeros(begun.shape)
        self.curvature = np.zeros((*begun.shape, begun.shape[1]))

    def run(self) -> LanesEnd:
        """Step all lanes until no trace waits and none is searched for."""
        while self.busy.any():
            self._step()
        return self._end()

    def _step(self) -> None:
        proposed, moves = self.state.propose()
        going = self.busy & (self.stage == GO)
        trial = np.where((going & moves)[:, None], proposed, self.state.u)
        horizon = np.where(self.stage == LOOK, math.inf, self.windows[self.window])
        value = evaluate_lanes(self.batch, self.trace, trial, horizon)
        look, begin = self.busy & (self.stage == LOOK), self.busy & (self.stage == BEGIN)
        found = look & ((value.cost < MOSTLY * self.power[self.trace]) | (self.window == self.last))
        self.window[found] = self.last
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
        self.busy[lane] = self.next < len(self.begun)
        if self.busy[lane]:
            self.trace[lane], self.next = self.next, self.next + 1
            self.state.u[lane] = self.begun[self.trace[lane]]
            self.stage[lane] = self.window[lane] = self.steps[lane] = 0

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
