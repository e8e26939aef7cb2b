"""A fit as a function: unbounded parameters in, residuals out. Every method works on `evaluate`."""

from __future__ import annotations

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

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

    def until(self, horizon: float) -> Problem:
        """The problem with every trace cut after `horizon` [s], and without the tables: cheaper to simulate."""
        cut = tuple(r.until(horizon) for r in self.recordings if isinstance(r, TraceRecording))
        return dataclasses.replace(self, recordings=cut) if cut else self


class Evaluation(eqx.Module):
    """Cost Σr², gradient Jᵀr and JᵀJ of a batch of parameter sets: shapes (S,), (S, p), (S, p, p)."""

    cost: Any
    gradient: Any
    curvature: Any


@eqx.filter_jit
def evaluate(problem: Problem, u: Any, m0: Any, horizon: Any) -> Evaluation:
    """Value and forward sensitivities of a batch u (S, p), m0 (S, R, 3): one simulation and p tangents each."""

    def one(u: Any, m0: Any) -> Evaluation:
        def f(u: Any) -> tuple[Any, Any]:
            r, fine = problem.residuals(u, m0, horizon)
            return r, (r, fine)

        jacobian, (r, fine) = jax.jacfwd(f, has_aux=True)(u)
        fine = fine & jnp.isfinite(r).all() & jnp.isfinite(jacobian).all()
        return Evaluation(jnp.where(fine, r @ r, jnp.inf), jacobian.T @ r, jacobian.T @ jacobian)

    return jax.vmap(one)(u, m0)


@eqx.filter_jit
def costs(problem: Problem, u: Any, m0: Any, horizon: Any) -> Any:
    """Costs Σr² (S,) of a batch u (S, p), m0 (S, R, 3), without sensitivities: one simulation each."""

    def one(u: Any, m0: Any) -> Any:
        r, fine = problem.residuals(u, m0, horizon)
        return jnp.where(fine & jnp.isfinite(r).all(), r @ r, jnp.inf)

    return jax.vmap(one)(u, m0)


@eqx.filter_jit
def residuals_and_slopes(problem: Problem, u: Any, m0: Any) -> tuple[Any, Any]:
    """Residuals (M,) on the whole traces, and their Jacobian (M, p) with respect to the *physical* values, at one u."""

    def f(u: Any) -> tuple[Any, Any]:
        r, _ = problem.residuals(u, m0, jnp.inf)
        return r, r

    jacobian, r = jax.jacfwd(f, has_aux=True)(u)
    slopes = jnp.stack([jax.grad(bound.physical)(u[i]) for i, bound in enumerate(problem.bounds)])
    return r, jacobian / slopes[None, :]
