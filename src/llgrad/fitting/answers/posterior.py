"""The posterior of a fit by sampling: what a covariance says where the valley around the minimum is no ellipsoid.

The noise is Gaussian, of the strength that the fit was given or has estimated; every parameter is equally likely
wherever its bound lets it be. The no-U-turn sampler begins at the fit and walks in coordinates in which the fit's
covariance is a sphere. blackjax samples; `pip install 'llgrad[posterior]'` installs it.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Key

from llgrad.core.arguments.numbers import checked_count
from llgrad.core.units import show_with_error
from llgrad.fitting.answers.linear import residuals_at
from llgrad.fitting.answers.result import FitResult, minimum_of
from llgrad.fitting.methods.base import Progress
from llgrad.fitting.problem import Problem

FIRST_STEP: Final = 0.5
"""Length of a leapfrog step, in standard errors, before the warm-up tunes it."""

SCATTER: Final = 0.5
"""Standard errors by which the chains begin apart: near a bound, more would put them where they stay for long."""

BLOCKS: Final = 10
"""Parts in which the draws are made, between which progress is told."""

MIXED: Final = 1.02
"""Spread between the chains, relative to that within each (R̂), above which they have not met."""


class Posterior(NamedTuple):
    """Draws from the posterior of a fit, in SI.

    >>> import numpy as np, llgrad as lg
    >>> chains = 0.005 + 1e-4 * np.random.default_rng(0).normal(size=(4, 1000, 1))
    >>> found = lg.fitting.Posterior(("alpha",), {"alpha": "1"}, chains, np.ones(1), np.array([4000.0]), divergent=0)
    >>> [round(end, 4) for end in found.interval("alpha")], round(found.deviation("alpha"), 4)
    ([0.0048, 0.0052], 0.0001)
    """

    names: tuple[str, ...]
    units: dict[str, str]
    draws: np.ndarray
    """(chains, draws, q), the parameters in the order of `names`."""
    r_hat: np.ndarray
    """Spread between the chains, relative to that within each, (q,): 1 where they agree."""
    effective: np.ndarray
    """So many independent draws would be as good, (q,)."""
    divergent: int
    """Draws whose trajectory failed: more than a few, and the walls of a bound or of a valley were not explored."""
    caveat: str = ""
    """What is to be said before its intervals, where the model explains the data in part only."""

    def of(self, name: str) -> np.ndarray:
        """All draws of one parameter, (chains · draws,)."""
        if name not in self.names:
            raise ValueError(f"{name!r} was not sampled; the parameters are {', '.join(self.names)}")
        return self.draws[..., self.names.index(name)].ravel()

    def mean(self, name: str) -> float:
        """Posterior mean."""
        return float(self.of(name).mean())

    def deviation(self, name: str) -> float:
        """Posterior standard deviation."""
        return float(self.of(name).std(ddof=1))

    def interval(self, name: str, probability: float = 0.95) -> tuple[float, float]:
        """The interval that holds this probability, as likely above it as below."""
        if not 0 < probability < 1:
            raise ValueError(f"interval({probability}): expected a probability such as 0.95")
        outside = (1 - probability) / 2
        low, high = np.quantile(self.of(name), [outside, 1 - outside])
        return float(low), float(high)

    @property
    def covariance(self) -> np.ndarray:
        """(q, q), in the order of `names`."""
        return np.atleast_2d(np.cov(self.draws.reshape(-1, len(self.names)).T))

    def __str__(self) -> str:
        rows = [
            f"{name}  {show_with_error(self.mean(name), self.deviation(name), self.units[name])}" for name in self.names
        ]
        chains, draws, _ = self.draws.shape
        rows.append(f"{chains} chains of {draws} draws; at least {self.effective.min():.0f} independent ones")
        if self.r_hat.max() > MIXED:
            rows.append(f"the chains have not met (R̂ = {self.r_hat.max():.2f}): draw more, or warm up longer")
        return "\n".join([*([self.caveat] if self.caveat else []), *rows])


class _Space(NamedTuple):
    """Coordinates z (q,) in which the fit is at 0 and its covariance is the unit matrix."""

    problem: Problem
    m0: Any
    centre: Any
    """Unbounded parameters, then gains and offsets, at the fit (q,)."""
    factor: Any
    """Cholesky factor (q, q) of their covariance."""

    def physical(self, z: Any) -> tuple[Any, Any]:
        """Physical values (q,) [SI], and the logarithm of |dx/dz| up to a constant."""
        u = self.centre + self.factor @ z
        own = len(self.problem.bounds)
        slopes = [jax.grad(bound.physical)(u[i]) for i, bound in enumerate(self.problem.bounds)]
        volume = sum((jnp.log(jnp.abs(slope)) for slope in slopes), jnp.asarray(0.0))
        return jnp.concatenate([self.problem.physical(u), u[own:]]), volume

    def log_density(self, z: Any) -> Any:
        """Logarithm of the posterior density of z, up to a constant."""
        x, volume = self.physical(z)
        residuals, _, fine = residuals_at(self.problem, x, self.m0)
        value = volume - jnp.sum(residuals**2) / 2
        return jnp.where(fine & jnp.isfinite(value), value, -jnp.inf)


def posterior(
    result: FitResult,
    *,
    key: Key[jax.Array, ""],
    draws: int = 1000,
    chains: int = 4,
    warmup: int = 300,
    progress: Progress | None = None,
) -> Posterior:
    """Draw from the posterior of a fit, p(x | data) ∝ exp(−½ Σ (prediction − data)²/σ²) inside the bounds.

    Computes in float64 whatever the process default is. All chains run in one batch.

    Args:
        result: a fit that converged, whose data fix every parameter.
        key: a `jax.random.key`.
        draws: draws kept of each chain.
        chains: number of chains, two or more; they begin scattered about the fit by half a standard error.
        warmup: draws for tuning, not kept.
        progress: called with a dictionary (stage, fraction) after each tenth of the draws.

    Raises:
        ImportError: without blackjax.
        ValueError: for a fit without a minimum, in pieces, or with a parameter that the data do not fix.

    Source: M. D. Hoffman, A. Gelman, J. Mach. Learn. Res. 15, 1593 (2014).

    >>> import jax, llgrad as lg
    >>> sto = lg.presets.kubota2013()
    >>> trace = lg.trace_of(lg.simulate(sto, duration=1e-9, dt=2e-12, save=lg.Every(5)))
    >>> result = lg.fit(sto.replace(alpha=0.006), trace, free=["alpha"], dt=2e-12)
    >>> lg.fitting.posterior(result, key=jax.random.key(0), chains=1)  # four, if not given; that takes 10 s
    Traceback (most recent call last):
        ...
    ValueError: chains = 1, expected a whole number, 2 or more
    """
    blackjax = _blackjax()
    draws, chains = checked_count("draws", draws, BLOCKS), checked_count("chains", chains, 2)
    warmup, key = checked_count("warmup", warmup, 50), _checked_key(key)
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        space = _space(result)
        start, tune, walk = jax.random.split(key, 3)
        scattered = SCATTER * jax.random.normal(start, (chains, len(result.names)))
        warm = blackjax.window_adaptation(blackjax.nuts, space.log_density, initial_step_size=FIRST_STEP)
        tuned, _ = jax.jit(lambda k, z: warm.run(k, z, num_steps=warmup))(tune, scattered[0])
        # The scattered beginnings need to forget where they began: a tenth of the draws are not kept.
        found, divergent = _walk(blackjax, space, tuned.parameters, scattered, walk, draws, progress)
        r_hat, effective = (
            np.atleast_1d(np.asarray(measure(found)))
            for measure in (blackjax.diagnostics.potential_scale_reduction, blackjax.diagnostics.effective_sample_size)
        )
        physical = np.asarray(jax.jit(jax.vmap(jax.vmap(lambda z: space.physical(z)[0])))(found))
    return Posterior(result.names, result.units, physical, r_hat, effective, divergent, result.caveat)


def _walk(
    blackjax: Any, space: _Space, tuned: Any, z: Any, key: Any, draws: int, progress: Progress | None
) -> tuple[Any, int]:
    """Draws (chains, draws, q) in the coordinates z, and how many were divergent."""
    sampler = blackjax.nuts(space.log_density, **tuned)
    size = -(-draws // BLOCKS)

    @jax.jit
    def block(state: Any, key: Any) -> tuple[Any, tuple[Any, Any]]:
        def step(state: Any, key: Any) -> tuple[Any, tuple[Any, Any]]:
            state, about = jax.vmap(sampler.step)(jax.random.split(key, z.shape[0]), state)
            return state, (state.position, about.is_divergent)

        return jax.lax.scan(step, state, jax.random.split(key, size))

    state, kept, divergent = jax.vmap(sampler.init)(z), [], 0
    for number in range(BLOCKS + 1):
        state, (positions, failed) = block(state, jax.random.fold_in(key, number))
        if number:
            kept.append(positions)
            divergent += int(failed.sum())
        if progress is not None:
            progress({"stage": "sampling", "fraction": (number + 1) / (BLOCKS + 1)})
    return jnp.swapaxes(jnp.concatenate(kept)[:draws], 0, 1), divergent


def _checked_key(key: Any) -> Any:
    """A key for random numbers. Raises ValueError for anything else, such as a bare seed."""
    try:
        jax.random.key_data(key)
    except TypeError:
        raise ValueError(f"key = {key!r}, expected a key for random numbers; give key=jax.random.key(0)") from None
    return key


def _space(result: FitResult) -> _Space:
    """The coordinates of a fit. Raises ValueError where it has no minimum that a covariance describes."""
    problem, u, m0 = minimum_of(result, "posterior", "sample around")
    errors = np.array([result.errors[name] for name in result.names])
    open_ended = [name for name, error in zip(result.names, errors, strict=True) if not np.isfinite(error)]
    if open_ended:
        raise ValueError(
            f"the data do not fix {', '.join(open_ended)}, so the posterior has no end there; give bounds that close "
            "it, or leave parameters out"
        )
    lines = np.array([result.values[name] for name in result.names[len(problem.names) :]])
    slopes = [float(jax.grad(bound.physical)(jnp.asarray(v))) for bound, v in zip(problem.bounds, u, strict=True)]
    deviation = errors / np.concatenate([np.abs(slopes), np.ones(lines.size)])
    signs = np.concatenate([np.sign(slopes), np.ones(lines.size)])
    covariance = np.asarray(result.correlation) * np.outer(deviation * signs, deviation * signs)
    factor = np.diag(deviation) @ np.linalg.cholesky(covariance / np.outer(deviation, deviation))
    return _Space(problem, jnp.asarray(m0), jnp.asarray(np.concatenate([u, lines])), jnp.asarray(factor))


def _blackjax() -> Any:
    try:
        import blackjax  # pyright: ignore[reportMissingImports]  # an extra, and slow to import
    except ImportError:
        raise ImportError(
            "a posterior is sampled by blackjax, which is not installed; pip install 'llgrad[posterior]'"
        ) from None
    return blackjax
