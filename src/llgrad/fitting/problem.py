"""A fit as a function: unbounded parameters in, residuals out. Every method works on `evaluate`."""

from __future__ import annotations

import dataclasses
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.held import held_jit, held_of, with_parts
from llgrad.core.speed.plain_methods import PlainMethods
from llgrad.devices.bounds import Bound
from llgrad.fitting.targets.recording import Recording
from llgrad.fitting.targets.sought import Sought
from llgrad.fitting.targets.traces import TraceRecording

REMEMBERED: Final = 4
"""So many of the last parameters of a problem are remembered with their physical values."""


class Problem(PlainMethods):
    """Residuals of one or more recordings as a function of the unbounded parameters u (p,) and the starting states (R,
    3).

    A starting state is a reference that the free tilts turn; each start of a search may have its own.
    """

    recordings: tuple[Recording, ...]
    bounds: tuple[Bound, ...]
    """With arrays for their numbers, as `rate` is one: other starts of the same fit need not be compiled anew."""
    names: tuple[str, ...] = eqx.field(static=True)
    rate: Any
    """Largest precession rate γ|B| [rad/s] near the start: the fastest thing to follow."""

    @property
    def size(self) -> int:
        """Number of recorded values."""
        return sum(recording.data.size for recording in self.recordings)

    @property
    def span(self) -> float:
        """Time [s] of the longest trace."""
        return max((float(r.t[-1]) for r in self.recordings if isinstance(r, TraceRecording)), default=0.0)

    @property
    def searched(self) -> Any:
        """Which parameters (p,) a search moves, as booleans."""
        return np.ones(len(self.names), bool)

    def physical(self, u: Any) -> Any:
        """Physical values (p,) [SI] of the unbounded parameters."""
        return jnp.stack([bound.physical(u[i]) for i, bound in enumerate(self.bounds)])

    def physical_with_slopes(self, u: Any) -> tuple[np.ndarray, np.ndarray]:
        """These, and the slope (p,) of each by its own u, of a known u."""
        u = np.asarray(u, float)
        held, key = held_of(self, _without_recordings, ("recordings", "rate")), u.tobytes()
        if key not in held.known:
            held.known[key] = tuple(np.asarray(leaf) for leaf in _physical(held, u))
            for old in list(held.known)[:-REMEMBERED]:
                held.known.pop(old, None)
        return held.known[key]

    def free(self, values: Any) -> np.ndarray:
        """The unbounded parameters u (p,) of known physical values."""
        return np.array([bound.free(float(value)) for bound, value in zip(self.bounds, values, strict=True)])

    def values_at(self, u: Any) -> np.ndarray:
        """Physical values (p,) [SI] of a known u (p,)."""
        return self.physical_with_slopes(u)[0]

    def residuals(self, u: Any, m0: Any, horizon: Any) -> tuple[Any, Any]:
        """Residuals in units of their σ, (M,), zero after the horizon [s]; and whether every run went well."""
        values = self.physical(u)
        parts = [recording.residuals(values, m0[recording.row], horizon) for recording in self.recordings]
        return jnp.concatenate([r for r, _ in parts]), jnp.stack([jnp.asarray(fine) for _, fine in parts]).all()

    @property
    def near(self) -> tuple[Any, ...]:
        """The orbits that those of each recording are found near; nothing for a trace."""
        return tuple(getattr(recording, "near", ()) for recording in self.recordings)

    def near_to(self, near: tuple[Any, ...]) -> Problem:
        """The problem with other orbits to start from, one tuple for each recording."""
        pairs = zip(self.recordings, near, strict=True)
        return with_parts(self, recordings=tuple(with_parts(r, near=one) if one else r for r, one in pairs))

    def until(self, horizon: float) -> Problem:
        """The problem with every trace cut after `horizon` [s], and without the tables: cheaper to simulate."""
        cut = tuple(r.until(horizon) for r in self.recordings if isinstance(r, TraceRecording))
        return dataclasses.replace(self, recordings=cut) if cut else self

    @property
    def sought(self) -> tuple[tuple[int, Sought], ...]:
        """The recordings of orbits and of states at rest, each with its number."""
        return tuple((i, r) for i, r in enumerate(self.recordings) if isinstance(r, Sought))

    @property
    def in_time(self) -> Problem:
        """The problem of what is simulated, without that of orbits and states at rest."""
        kept = tuple(r for r in self.recordings if not isinstance(r, Sought))
        return dataclasses.replace(self, recordings=kept)


def _without_recordings(problem: Problem) -> Problem:
    return dataclasses.replace(problem, recordings=(), rate=())


@held_jit
def _physical(problem: Problem, u: Any) -> tuple[Any, Any]:
    slopes, values = jax.jacfwd(lambda u: (problem.physical(u),) * 2, has_aux=True)(u)
    return values, jnp.diag(slopes)


class CostEvaluation(NamedTuple):
    """Cost Σr², gradient Jᵀr and JᵀJ of a batch of parameter sets: shapes (S,), (S, p), (S, p, p); and the orbits that
    were found for each, from which the next ones are."""

    cost: Any
    gradient: Any
    curvature: Any
    near: tuple[Any, ...] = ()


def evaluate(problem: Problem, u: Any, m0: Any, horizon: Any, near: tuple[Any, ...] | None = None) -> CostEvaluation:
    """Value and forward sensitivities of a batch u (S, p), m0 (S, R, 3), with orbits found near others (S, …) or near
    the problem's own: one simulation, or one shooting, and p tangents each."""
    near = repeated(problem, len(u)) if near is None else near
    if not problem.sought:
        return _evaluate(problem, u, m0, horizon)
    alone = len(problem.sought) == len(problem.recordings)
    parts = [] if alone else [_evaluate(problem.in_time, u, m0, horizon)]
    if np.isinf(horizon):
        found, near = _of_sought(problem, np.asarray(u), np.asarray(m0), near)
        parts.append(found)
    cost, gradient, curvature = (
        sum(np.asarray(part) for part in both)
        for both in zip(*((one.cost, one.gradient, one.curvature) for one in parts), strict=True)
    )
    return CostEvaluation(cost, gradient, curvature, near)


@eqx.filter_jit
def _evaluate(problem: Problem, u: Any, m0: Any, horizon: Any) -> CostEvaluation:
    return jax.vmap(lambda u, m0: evaluation_in_time(problem, u, m0, horizon))(u, m0)


def evaluation_in_time(problem: Problem, u: Any, m0: Any, horizon: Any) -> CostEvaluation:
    """Of one set of parameters u (p,), m0 (R, 3), of what is simulated; to be compiled by who calls it."""
    return evaluation_with_residuals(problem, u, m0, horizon)[0]


def evaluation_with_residuals(problem: Problem, u: Any, m0: Any, horizon: Any) -> tuple[CostEvaluation, Any]:
    """The same, and the residuals (M,)."""

    def f(u: Any) -> tuple[Any, Any]:
        r, fine = problem.residuals(u, m0, horizon)
        return r, (r, fine)

    jacobian, (r, fine) = jax.jacfwd(f, has_aux=True)(u)
    fine = fine & jnp.isfinite(r).all() & jnp.isfinite(jacobian).all()
    return CostEvaluation(jnp.where(fine, r @ r, jnp.inf), jacobian.T @ r, jacobian.T @ jacobian), r


def _of_sought(
    problem: Problem, u: np.ndarray, m0: np.ndarray, near: tuple[Any, ...]
) -> tuple[CostEvaluation, tuple[Any, ...]]:
    """The part of the recordings of orbits and of states at rest, and the orbits."""
    found = [list(taken(near, s)) for s in range(len(u))]
    pairs = [problem.physical_with_slopes(one) for one in u]
    values = np.array([one for one, _ in pairs])
    seen = []
    for number, recording in problem.sought:
        seen.append(recording.seen_of_each(values, m0[:, recording.row], [one[number] for one in found]))
        for mine, one in zip(found, seen[-1], strict=True):
            mine[number] = one.near
    each = []
    for (_, stretch), *parts in zip(pairs, *seen, strict=True):
        r, jacobian = (
            np.concatenate(all_of) for all_of in zip(*((p.residuals, p.slopes * stretch) for p in parts), strict=True)
        )
        fine = np.isfinite(r).all() and np.isfinite(jacobian).all()
        each.append(CostEvaluation(r @ r if fine else np.inf, jacobian.T @ r, jacobian.T @ jacobian))
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *map(tuple, found))
    return jax.tree.map(lambda *leaves: np.stack(leaves), *each), stacked


def repeated(problem: Problem, count: int) -> tuple[Any, ...]:
    """The problem's own orbits for each of a batch."""
    return jax.tree.map(lambda leaf: np.broadcast_to(np.asarray(leaf), (count, *leaf.shape)), problem.near)


def taken(near: tuple[Any, ...], which: Any) -> tuple[Any, ...]:
    """The orbits of some starts, or of one."""
    return jax.tree.map(lambda leaf: leaf[which], near)


def costs(problem: Problem, u: Any, m0: Any, horizon: Any, near: tuple[Any, ...] | None = None) -> Any:
    """Costs Σr² (S,) of a batch u (S, p), m0 (S, R, 3), without sensitivities: one simulation each; of orbits with
    them, by the same program as `evaluate`."""
    if problem.sought:
        return evaluate(problem, u, m0, horizon, near).cost
    return _costs(problem, u, m0, horizon)


@eqx.filter_jit
def _costs(problem: Problem, u: Any, m0: Any, horizon: Any) -> Any:
    def one(u: Any, m0: Any) -> Any:
        r, fine = problem.residuals(u, m0, horizon)
        return jnp.where(fine & jnp.isfinite(r).all(), r @ r, jnp.inf)

    return jax.vmap(one)(u, m0)
