"""A fit as a function: unbounded parameters in, residuals out. Every method works on `evaluate`."""

from __future__ import annotations

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.devices.bounds import Bound
from llgrad.fitting.targets.recording import Recording
from llgrad.fitting.targets.traces import TraceRecording


class Problem(eqx.Module):
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
        return jnp.ones(len(self.names), bool)

    def physical(self, u: Any) -> Any:
        """Physical values (p,) [SI] of the unbounded parameters."""
        return jnp.stack([bound.physical(u[i]) for i, bound in enumerate(self.bounds)])

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
        return dataclasses.replace(
            self, recordings=tuple(dataclasses.replace(r, near=one) if one else r for r, one in pairs)
        )

    def followed(self, u: Any, m0: Any, horizon: Any, near: tuple[Any, ...]) -> tuple[Any, Any, tuple[Any, ...]]:
        """What `residuals` gives with orbits found near others, and these."""
        values, parts = self.physical(u), []
        for recording, one in zip(self.recordings, near, strict=True):
            parts.append(recording.followed(values, m0[recording.row], horizon, one))
        residuals, fine, near = zip(*parts, strict=True)
        return jnp.concatenate(residuals), jnp.stack([jnp.asarray(one) for one in fine]).all(), near

    def until(self, horizon: float) -> Problem:
        """The problem with every trace cut after `horizon` [s], and without the tables: cheaper to simulate."""
        cut = tuple(r.until(horizon) for r in self.recordings if isinstance(r, TraceRecording))
        return dataclasses.replace(self, recordings=cut) if cut else self


class Evaluation(eqx.Module):
    """Cost Σr², gradient Jᵀr and JᵀJ of a batch of parameter sets: shapes (S,), (S, p), (S, p, p); and the orbits that
    were found for each, from which the next ones are."""

    cost: Any
    gradient: Any
    curvature: Any
    near: tuple[Any, ...] = ()


def evaluate(problem: Problem, u: Any, m0: Any, horizon: Any, near: tuple[Any, ...] | None = None) -> Evaluation:
    """Value and forward sensitivities of a batch u (S, p), m0 (S, R, 3), with orbits found near others (S, …) or near
    the problem's own: one simulation, or one shooting, and p tangents each."""
    return _evaluate(problem, u, m0, horizon, repeated(problem, len(u)) if near is None else near)


@eqx.filter_jit
def _evaluate(problem: Problem, u: Any, m0: Any, horizon: Any, near: tuple[Any, ...]) -> Evaluation:
    def one(u: Any, m0: Any, near: tuple[Any, ...]) -> Evaluation:
        def f(u: Any) -> tuple[Any, Any]:
            r, fine, found = problem.followed(u, m0, horizon, near)
            return r, (r, fine, found)

        jacobian, (r, fine, found) = jax.jacfwd(f, has_aux=True)(u)
        fine = fine & jnp.isfinite(r).all() & jnp.isfinite(jacobian).all()
        return Evaluation(jnp.where(fine, r @ r, jnp.inf), jacobian.T @ r, jacobian.T @ jacobian, found)

    return jax.vmap(one)(u, m0, near)


def repeated(problem: Problem, count: int) -> tuple[Any, ...]:
    """The problem's own orbits for each of a batch."""
    return jax.tree.map(lambda leaf: np.broadcast_to(np.asarray(leaf), (count, *leaf.shape)), problem.near)


def taken(near: tuple[Any, ...], which: np.ndarray) -> tuple[Any, ...]:
    """The orbits of some starts."""
    return jax.tree.map(lambda leaf: leaf[which], near)


def costs(problem: Problem, u: Any, m0: Any, horizon: Any, near: tuple[Any, ...] | None = None) -> Any:
    """Costs Σr² (S,) of a batch u (S, p), m0 (S, R, 3), without sensitivities: one simulation, or one shooting,
    each."""
    return _costs(problem, u, m0, horizon, repeated(problem, len(u)) if near is None else near)


@eqx.filter_jit
def _costs(problem: Problem, u: Any, m0: Any, horizon: Any, near: tuple[Any, ...]) -> Any:
    def one(u: Any, m0: Any, near: tuple[Any, ...]) -> Any:
        r, fine, _ = problem.followed(u, m0, horizon, near)
        return jnp.where(fine & jnp.isfinite(r).all(), r @ r, jnp.inf)

    return jax.vmap(one)(u, m0, near)


@eqx.filter_jit
def residuals_and_slopes(problem: Problem, u: Any, m0: Any) -> tuple[Any, Any]:
    """Residuals (M,) on the whole traces, and their Jacobian (M, p) with respect to the *physical* values, at one u."""

    def f(u: Any) -> tuple[Any, Any]:
        r, _ = problem.residuals(u, m0, jnp.inf)
        return r, r

    jacobian, r = jax.jacfwd(f, has_aux=True)(u)
    slopes = jnp.stack([jax.grad(bound.physical)(u[i]) for i, bound in enumerate(problem.bounds)])
    return r, jacobian / slopes[None, :]
