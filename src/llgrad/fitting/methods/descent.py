"""Gradient descent: the method of the paper."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.numbers import checked_count
from llgrad.core.record import as_count
from llgrad.fitting.methods.base import Begin, Log, Method, MethodEnd
from llgrad.fitting.methods.convergence import at_minimum
from llgrad.fitting.methods.windows import cut_problem, growing_windows
from llgrad.fitting.problem import CostEvaluation, Problem, evaluate, repeated

if TYPE_CHECKING:
    import optax


class GradientDescent(Method):
    """Any optax optimiser on the mean squared error, by the exact gradient through the dynamics.

    The steps are shared out evenly over windows that grow to the whole trace, half of them kept for the whole trace;
    `grow=False` is the plain method. Source: Imai, Liu, Akashi, Nakajima, Appl. Phys. Lett. (2025).

    >>> import llgrad as lg, optax
    >>> method = lg.fitting.GradientDescent(optax.adam(0.01), steps=500)  # lg.fit(…, method=method)
    >>> method.steps, method.grow
    (500, True)
    """

    optimiser: optax.GradientTransformation | None = eqx.field(static=True, default=None)
    """None: Adam whose learning rate falls from 0.02 to 0 along a cosine on each window."""
    steps: int = eqx.field(static=True, default=2000, converter=as_count)
    """Number of steps in all."""
    grow: bool = eqx.field(static=True, default=True)
    """Whether to begin with a short window."""

    def __check_init__(self) -> None:
        checked_count("steps of a GradientDescent", self.steps, 1)

    def search(self, problem: Problem, begin: Begin, log: Log) -> MethodEnd:
        windows = growing_windows(problem, self.grow, begin.horizon)
        early = self.steps // 2 // max(len(windows) - 1, 1) if len(windows) > 1 else 0
        best, current = _Best(begin.u, begin.near or repeated(problem, begin.size)), jnp.asarray(begin.u)
        with log.stoppable():
            for number, horizon in enumerate(windows):
                last = number == len(windows) - 1
                steps = self.steps - early * (len(windows) - 1) if last else early
                place = (number, len(windows), steps)
                current = self._window(problem, current, begin.m0, horizon, place, best, log)
        best.offer(current, evaluate(problem, current, begin.m0, np.inf, best.last))
        log.count(begin.size, begin.u.shape[1])
        return MethodEnd(best.u, begin.m0, best.cost, best.at_minimum(problem), log.stopped, best.near)

    def _window(
        self,
        whole: Problem,
        current: Any,
        m0: np.ndarray,
        horizon: float,
        place: tuple[int, int, int],
        best: _Best,
        log: Log,
    ) -> Any:
        import optax  # slow to import

        number, count, steps = place
        problem = cut_problem(whole, horizon)
        optimiser = self.optimiser or optax.adam(optax.cosine_decay_schedule(0.02, max(steps, 1)))
        state = jax.vmap(optimiser.init)(current)
        for iteration in range(steps):
            value = evaluate(problem, current, m0, np.float64(horizon), best.last if problem is whole else None)
            log.count(len(current), current.shape[1])
            if not np.isfinite(np.asarray(value.cost)).any():
                break
            if problem is whole:
                best.last = value.near
            if math.isinf(horizon):
                best.offer(current, value)
            size = sum(float(r.mask(horizon).sum()) * r.data.shape[1] for r in problem.recordings)
            gradient = jnp.where(jnp.isfinite(value.cost)[:, None], 2 * value.gradient / size, 0.0)
            current, state = _advance(optimiser, current, state, gradient)
            fraction = (number + (iteration + 1) / steps) / count
            stage = f"window {number + 1} of {count}"
            log.note(fraction, stage=stage, iteration=iteration, cost=float(jnp.min(value.cost)))
        return current


class _Best:
    """The best parameters seen on the whole trace, for each start."""

    def __init__(self, u: np.ndarray, near: tuple[Any, ...]):
        self.u = np.array(u, dtype=float)
        self.near, self.last = jax.tree.map(np.array, near), near
        self.cost = np.full(len(u), np.inf)
        self.gradient = np.full(self.u.shape, np.inf)
        self.curvature = np.zeros((*self.u.shape, self.u.shape[1]))

    def offer(self, u: Any, value: CostEvaluation) -> None:
        """Take the parameters of the starts whose cost is lower than before."""
        better = np.asarray(value.cost) < self.cost
        pairs = (
            (self.u, u),
            (self.cost, value.cost),
            (self.gradient, value.gradient),
            (self.curvature, value.curvature),
        )
        for mine, theirs in pairs:
            mine[better] = np.asarray(theirs)[better]
        for mine, theirs in zip(jax.tree.leaves(self.near), jax.tree.leaves(value.near), strict=True):
            mine[better] = np.asarray(theirs)[better]

    def at_minimum(self, problem: Problem) -> np.ndarray:
        """Whether each start is at a minimum."""
        return at_minimum(problem, self.u, CostEvaluation(self.cost, self.gradient, self.curvature))


@eqx.filter_jit
def _advance(optimiser: optax.GradientTransformation, u: Any, state: Any, gradient: Any) -> tuple[Any, Any]:
    """One step of every start. Optimisers are other people's code: they are not held to strict type promotion."""
    import optax

    with jax.numpy_dtype_promotion("standard"):
        updates, state = jax.vmap(optimiser.update)(gradient, state, u)
        return optax.apply_updates(u, updates), state
