"""Levenberg–Marquardt on forward sensitivities: the default method."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import equinox as eqx
import jax
import numpy as np

from llgrad.core.arguments.numbers import checked_count, checked_size
from llgrad.core.record import as_count, as_number
from llgrad.fitting.methods.base import Begin, Log, Method, MethodEnd
from llgrad.fitting.methods.convergence import at_minimum
from llgrad.fitting.methods.windows import cut_problem, growing_windows
from llgrad.fitting.problem import CostEvaluation, Problem, evaluate, repeated, taken

KEEP: Final = 4
"""Screened starts that go on from the short windows, simulated on their own, to the whole trace."""

SAME: Final = 1e-3
"""Unbounded parameters that differ by less have come to the same place."""

LARGEST_STEP: Final = 0.7
"""Largest change of an unbounded parameter in one iteration (a relative change, for most bounds)."""


class LevenbergMarquardt(Method):
    """Damped Gauss–Newton steps (JᵀJ + μ diag JᵀJ) δ = −Jᵀr on windows that grow to the whole trace.

    One simulation with p tangents gives the residuals and their whole Jacobian. All starts advance in one batched run.
    Of the starts that a screening gave, only the best few go on to the long windows. It has converged where
    `at_minimum` says so, not where its steps have become small.
    Source: J. J. Moré, Lecture Notes in Mathematics 630, 105 (1978).

    >>> import llgrad as lg
    >>> method = lg.fitting.LevenbergMarquardt(iterations=20, grow=False)  # lg.fit(…, method=method)
    >>> method.iterations, lg.fitting.LevenbergMarquardt().iterations
    (20, 100)
    """

    from_slopes: ClassVar[bool] = True
    iterations: int = eqx.field(static=True, default=100, converter=as_count)
    """Largest number of iterations on the whole trace."""
    stage_iterations: int = eqx.field(static=True, default=40, converter=as_count)
    """Largest number of iterations on each shorter window."""
    tolerance: float = eqx.field(static=True, default=1e-10, converter=as_number)
    """The search of a start ends when its step is smaller than this, relative to the parameters' scale."""
    grow: bool = eqx.field(static=True, default=True)
    """Whether to begin with a short window (False: one shot on the whole trace)."""

    def __check_init__(self) -> None:
        checked_count("iterations of LevenbergMarquardt", self.iterations, 1)
        checked_count("stage_iterations of LevenbergMarquardt", self.stage_iterations, 1)
        checked_size("tolerance of LevenbergMarquardt", self.tolerance, 1.0)

    def search(self, problem: Problem, begin: Begin, log: Log) -> MethodEnd:
        windows = growing_windows(problem, self.grow, begin.horizon)
        state, kept = SearchState(begin.u, begin.near or repeated(problem, begin.size)), np.arange(begin.size)
        with log.stoppable():
            for number, horizon in enumerate(windows):
                if begin.horizon and number and _is_longer(problem, windows[number - 1], horizon):
                    best = _best_few(state)
                    state, kept = SearchState(state.u[best], taken(state.near, best)), kept[best]
                given = begin._replace(u=begin.u[kept], m0=begin.m0[kept])
                self._window(problem, state, given, horizon, (number, len(windows)), log)
        if log.stopped:
            state.restart(_evaluate(problem, state.u, begin.m0[kept], np.inf, state.near))
        converged = at_minimum(problem, state.u, state.value)
        return MethodEnd(state.u, begin.m0[kept], state.cost, converged, log.stopped, state.near)

    def _window(
        self, whole: Problem, state: SearchState, given: Begin, horizon: float, place: tuple[int, int], log: Log
    ) -> None:
        number, count = place
        log.check()
        last = number == count - 1
        problem = cut_problem(whole, horizon)
        tangents, m0 = state.u.shape[1], given.m0
        near = None if problem is not whole else state.near
        state.restart(_evaluate(problem, state.u, m0, horizon, near))
        log.count(len(state.u), tangents)
        if number:  # noise in a short window may have led away from a good start
            value = _evaluate(problem, given.u, m0, horizon, near)
            state.take(value.cost < state.cost, given.u, value)
            log.count(len(state.u), tangents)
        smallest = max(self.tolerance, *(recording.resolution for recording in problem.recordings))
        for iteration in range(self.iterations if last else self.stage_iterations):
            trial, active = state.propose()
            if not active.any():
                break
            value = _evaluate(problem, trial, m0, horizon, None if near is None else state.near)
            state.judge(trial, value, active, smallest if last else 1e-3)
            log.count(int(active.sum()), tangents)
            fraction = (number + min(1.0, (iteration + 1) / 20)) / count
            log.note(
                fraction, stage=f"window {number + 1} of {count}", iteration=iteration, cost=float(state.cost.min())
            )


def _is_longer(problem: Problem, before: float, horizon: float) -> bool:
    """Whether longer runs are simulated for a window than for the one before."""
    return cut_problem(problem, horizon).span > cut_problem(problem, before).span


def _best_few(state: SearchState) -> np.ndarray:
    """The indices of the best starts, those first that differ from all better ones."""
    order, far, near = np.argsort(state.cost), [], []
    for i in order:
        apart = all(np.abs(state.u[i] - state.u[j]).max() > SAME for j in far)
        (far if apart else near).append(int(i))
    return np.array([*far, *near][:KEEP])


def _evaluate(problem: Problem, u: np.ndarray, m0: np.ndarray, horizon: float, near: Any) -> CostEvaluation:
    value = evaluate(problem, u, m0, np.float64(horizon), near)
    return jax.tree.map(np.array, value)


class SearchState:
    """Parameters, costs, dampings and orbits of all starts during the search."""

    def __init__(self, u: np.ndarray, near: tuple[Any, ...]):
        self.u = np.array(u, dtype=float)
        self.size = len(self.u)
        self.cost = np.full(self.size, np.inf)
        self.damping = np.full(self.size, 1e-3)
        self.settled = np.zeros(self.size, bool)
        self.moved = np.full(self.size, np.inf)
        """The last step (S,), where it was taken."""
        self.near = jax.tree.map(np.array, near)
        self.value = CostEvaluation(self.cost, np.zeros_like(self.u), np.zeros((self.size, *self.u.shape[1:] * 2)))

    def restart(self, value: CostEvaluation) -> None:
        """Begin a new window from the same parameters."""
        self.value, self.cost = value, value.cost
        self.begin(np.ones(self.size, bool), self.u, value)

    def begin(self, which: np.ndarray, u: np.ndarray, value: CostEvaluation) -> None:
        """Begin some of the searches anew, at the parameters of their rows in u."""
        self.take(which, u, value)
        self.damping[which] = 1e-3
        self.settled[which] = False
        self.moved[which] = np.inf

    def propose(self) -> tuple[np.ndarray, np.ndarray]:
        """The next parameters of every start, and which starts still move."""
        active = ~self.settled & np.isfinite(self.cost) & (self.damping < 1e10)
        trial = self.u.copy()
        if active.any():
            curvature, gradient = self.value.curvature[active], self.value.gradient[active]
            diagonal = np.einsum("sii->si", curvature)
            floor = 1e-15 * diagonal.max(axis=1, keepdims=True) + 1e-300
            damped = curvature + np.einsum(
                "si,ij->sij",
                self.damping[active, None] * np.maximum(diagonal, floor) + floor,
                np.eye(diagonal.shape[1]),
            )
            step = -np.linalg.solve(damped, gradient[..., None])[..., 0]
            longest = np.abs(step).max(axis=1, keepdims=True)
            trial[active] += step * np.minimum(1.0, LARGEST_STEP / np.maximum(longest, 1e-300))
        return trial, active

    def judge(self, trial: np.ndarray, value: CostEvaluation, active: np.ndarray, tolerance: Any) -> None:
        """Take the trials that lower the cost; relax their damping and raise that of the others.

        A search has settled where its step, or what two steps q = |δ|/|δ'| say is left, |δ| q/(1 − q), is small: the
        next one would show no more than that (E. Hairer, G. Wanner, Solving Ordinary Differential Equations II, §IV.8).
        """
        better = active & (value.cost <= self.cost)
        moved = np.abs(trial - self.u).max(axis=1) / (1 + np.abs(self.u).max(axis=1))
        falls = np.minimum(moved / np.maximum(self.moved, 1e-300), 1 - 1e-9)
        left = np.where(better & np.isfinite(self.moved), moved * falls / (1 - falls), np.inf)
        self.settled |= active & (np.minimum(moved, left) < tolerance)
        self.moved = np.where(active, np.where(better, moved, np.inf), self.moved)
        self.take(better, trial, value)
        self.damping = np.where(
            better, np.maximum(self.damping / 5, 1e-12), np.where(active, self.damping * 4, self.damping)
        )

    def take(self, better: np.ndarray, u: np.ndarray, value: CostEvaluation) -> None:
        """Go on from other parameters where they are better."""
        for mine, theirs in (
            (self.u, u),
            (self.cost, value.cost),
            (self.value.gradient, value.gradient),
            (self.value.curvature, value.curvature),
        ):
            mine[better] = theirs[better]
        self._follow(better, value)

    def _follow(self, which: np.ndarray, value: CostEvaluation) -> None:
        """Go on from the orbits that were found, where the window has any."""
        if jax.tree.structure(value.near) == jax.tree.structure(self.near):
            for mine, theirs in zip(jax.tree.leaves(self.near), jax.tree.leaves(value.near), strict=True):
                mine[which] = theirs[which]
