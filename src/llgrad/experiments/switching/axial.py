"""The Fokker–Planck equation of a device that is symmetric about z: one coordinate, u = m_z, and no runs.

    ∂P/∂t = −∂(A P)/∂u + k ∂/∂u[(1 − u²) ∂P/∂u],   k = α γ k_B T/((1 + α²) Ms V),

where A(u) = du/dt without noise. Source: W. F. Brown, Phys. Rev. 130, 1677 (1963); here A is taken from the equation of
motion itself, spin torque, terms and all.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from numpy.polynomial import legendre

from llgrad.core.constants import BOLTZMANN
from llgrad.devices.oscillator import Oscillator
from llgrad.orbits.flow import Flow, flow_of

SYMMETRIC: Final = 1e-9
"""Largest change of A with the azimuth, relative to its largest value."""
AZIMUTHS: Final = (0.0, 0.7, 2.1, 3.9)
POINTS: Final = 16
PANELS: Final = 256
"""Nodes of a panel, and panels, of integrals over u."""
HALVINGS: Final = 12
"""Of the panels at the poles: a well of 10⁶ k_B T is resolved."""
HIGH: Final = 40.0
"""A barrier [k_B T] over which the slowest eigenfunction is a step to rounding."""
DEEP: Final = 300.0
"""Depth [k_B T] of a well from which on its depth does not matter to the other's rate, by e^−DEEP."""


class Axial(NamedTuple):
    """A device that is symmetric about z, at a temperature."""

    flow: Flow
    diffusion: float
    """k [1/ns]."""


def axial_of(device: Any, inputs: Mapping[str, float] | None = None) -> Axial | None:
    """The device, where it is an Oscillator whose motion along z does not depend on the azimuth, with inputs of these
    sizes either; else None."""
    if not isinstance(device, Oscillator):
        return None
    with jax.enable_x64(True):
        flow = flow_of(device)
        u = np.linspace(-0.9, 0.9, 7)
        for given in ({}, dict(inputs or {})):
            found = np.array([_drifts(flow, u, azimuth, given) for azimuth in AZIMUTHS])
            if np.ptp(found, axis=0).max() > SYMMETRIC * np.abs(found).max():
                return None
    d = device
    k = BOLTZMANN * float(d.temperature) * d.alpha * d.gamma * 1e-9 / ((1 + d.alpha**2) * d.Ms * d.volume)
    return Axial(flow, float(k))


@eqx.filter_jit
def _drifts(flow: Flow, u: Any, azimuth: Any, inputs: dict[str, Any]) -> Any:
    """du/dt (U,) [1/ns] at u (U,), with inputs by name."""

    def one(u: Any) -> Any:
        across = jnp.sqrt(1 - u * u)
        return flow.slope(jnp.stack([across * jnp.cos(azimuth), across * jnp.sin(azimuth), u]), inputs)[2]

    return jax.vmap(one)(jnp.asarray(u))


def drift(axial: Axial, u: np.ndarray, inputs: dict[str, Any] | None = None) -> np.ndarray:
    """A(u) [1/ns], with inputs by name."""
    with jax.enable_x64(True):
        given = {name: jnp.asarray(float(value)) for name, value in (inputs or {}).items()}
        return np.asarray(_drifts(axial.flow, u, 0.3, given))


def drifts(axial: Axial, u: np.ndarray, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """A (S, U) [1/ns] at u (U,), with inputs (S,) by name."""
    with jax.enable_x64(True):
        found = _many_drifts(axial.flow, u, 0.3, {name: jnp.asarray(value, float) for name, value in inputs.items()})
        return np.asarray(found)


_many_drifts = eqx.filter_jit(
    lambda flow, u, azimuth, inputs: jax.vmap(lambda given: _drifts(flow, u, azimuth, given))(inputs)
)


class Panels(NamedTuple):
    """Nodes and weights of integrals over u, and what a function at the nodes has gathered up to each."""

    u: np.ndarray
    """(P, n)."""
    weights: np.ndarray
    """(P, n)."""
    inside: np.ndarray
    """(n, n): from the left end of a panel to each of its nodes, in units of half its length."""
    half: np.ndarray
    """Half of the length of each (P, 1)."""

    def gathered(self, values: np.ndarray) -> np.ndarray:
        """∫ from −1 to each node."""
        whole = (self.weights * values).sum(axis=1)
        before = np.concatenate([[0.0], np.cumsum(whole)[:-1]])
        return before[:, None] + self.half * (values @ self.inside.T)

    def left(self, values: np.ndarray) -> np.ndarray:
        """∫ from each node to 1, without a difference of large numbers."""
        whole = (self.weights * values).sum(axis=1)
        after = np.concatenate([np.cumsum(whole[::-1])[::-1][1:], [0.0]])
        return after[:, None] + self.half * (values @ self.inside[::-1, ::-1].T)


def panels(inner: Any = ()) -> Panels:
    """Gauss–Legendre nodes on equal panels, halved again and again towards the poles, where cold wells are narrow; with
    an edge at each of the `inner` u."""
    x, w = legendre.leggauss(POINTS)
    fit = np.linalg.inv(legendre.legvander(x, POINTS - 1))
    raised = np.stack([legendre.legval(x, legendre.legint(row, lbnd=-1)) for row in np.eye(POINTS)])
    narrow = 2 / PANELS * 0.5 ** np.arange(1, HALVINGS + 1)
    edges = np.unique(np.concatenate([np.linspace(-1, 1, PANELS + 1), narrow - 1, 1 - narrow, np.asarray(inner)]))
    half = np.diff(edges)[:, None] / 2
    middle = (edges[1:] + edges[:-1])[:, None] / 2
    return Panels(middle + half * x, half * w, raised.T @ fit, half)


class Valleys(NamedTuple):
    """The potential of a device at its bias: equilibrium is P ∝ exp(−V)."""

    grid: Panels
    potential: np.ndarray
    """V at the nodes, 0 at its lowest."""
    tops: np.ndarray
    """u of the unstable states between the poles; edges of panels."""
    slope: np.ndarray
    """A at the nodes [1/ns]."""

    def sides(self) -> list[Any]:
        """The panels of each valley, from −z to z."""
        middle = self.grid.u.mean(axis=1)
        ends = [-1.0, *self.tops.tolist(), 1.0]
        return [(middle > low) & (middle < high) for low, high in itertools.pairwise(ends)]


def valleys_of(axial: Axial, inputs: dict[str, Any] | None = None) -> Valleys:
    """The potential V(u) = −∫A/(k (1 − u²)) du, in units of k_B T: of a spin torque along z too."""
    u = panels().u.ravel()
    slope = drift(axial, u, inputs)
    rising = np.flatnonzero((slope[:-1] < 0) & (slope[1:] >= 0))
    tops = np.array([_root(axial, u[i], u[i + 1], inputs) for i in rising])
    grid = panels(tops)
    slope = drift(axial, grid.u.ravel(), inputs).reshape(grid.u.shape)
    potential = -grid.gathered(slope / (axial.diffusion * (1 - grid.u**2)))
    return Valleys(grid, potential - potential.min(), tops, slope)


def _root(axial: Axial, low: float, high: float, inputs: dict[str, Any] | None) -> float:
    from scipy.optimize import brentq

    found: Any = brentq(lambda u: float(drift(axial, np.array([u]), inputs)[0]), low, high, xtol=1e-15)
    return float(found)


def relaxation_rate(axial: Axial, inputs: dict[str, Any] | None = None) -> float:
    """The smallest eigenvalue λ₁ [1/ns] of the Fokker–Planck operator but 0, to near rounding whatever the barrier.

    By inverse iteration, as integrals of positive numbers: f′ = −e^V/(k (1 − u²)) ∫ e^{−V} g du makes f of g with
    L† f = −g, and λ₁ = ⟨g f⟩/⟨f f⟩ where they have become one function. f is gathered from the pole of the deeper well,
    where it is as small as the other well is rare. A well deeper than `DEEP` might as well be that deep.
    """
    valleys = valleys_of(axial, inputs)
    grid = valleys.grid
    v = np.maximum(valleys.potential - valleys.potential.max(), -DEEP)
    weight = np.exp(-(v - v.min()))
    total, rising = (grid.weights * weight).sum(), np.exp(v - v.min()) / (axial.diffusion * (1 - grid.u**2))
    from_below = v[0, 0] <= v[-1, -1]

    def mean(values: np.ndarray) -> float:
        return float((grid.weights * weight * values).sum() / total)

    g, rate, new = _step(valleys, weight) if len(valleys.tops) == 1 else grid.u - mean(grid.u), 0.0, 0.0
    for _ in range(200):
        low, high = grid.gathered(weight * g), -grid.left(weight * g)
        smaller = np.where(np.abs(low) < np.abs(high), low, high)
        f = grid.gathered(-rising * smaller) if from_below else -grid.left(-rising * smaller)
        f = -(f - mean(f)) if mean((f - mean(f)) * g) < 0 else f - mean(f)
        new = mean(g * f) / mean(f * f)
        g = f / np.sqrt(mean(f * f))
        if abs(new - rate) < 1e-14 * new:
            break
        rate = new
    return new


def _step(valleys: Valleys, weight: np.ndarray) -> np.ndarray:
    """A function that has one value in each of two valleys, and the mean 0."""
    below, _ = valleys.sides()
    share = (valleys.grid.weights * weight).sum(axis=1)
    low, high = share[below].sum(), share[~below].sum()
    return np.where(below[:, None], -high, low) * np.ones_like(weight) / (low + high)


def log_occupations(valleys: Valleys) -> np.ndarray:
    """Logarithm of the probability of each valley (from −z to z) in equilibrium."""
    parts = np.array([_log_of_well(valleys, side) for side in valleys.sides()])
    return parts - np.logaddexp.reduce(parts)


def _log_of_well(valleys: Valleys, side: Any) -> float:
    """Logarithm of ∫ e^{−V} du over a valley."""
    v = valleys.potential[side]
    return float(np.log((valleys.grid.weights[side] * np.exp(v.min() - v)).sum()) - v.min())


def log_rates(axial: Axial, valleys: Valleys) -> np.ndarray:
    """Logarithm of the rates (2,) [1/ns] out of two valleys, the lower one first: their sum is λ₁, and detailed balance
    holds.

    Over a barrier above `HIGH` the slowest eigenfunction is a step, to e^−barrier, and one turn of the inverse
    iteration from there gives the flux through the top, in numbers that neither overflow nor vanish,

        1/Γ = ∫_well e^{−V} du · ∫ e^{V(u)}/(k (1 − u²)) S(u) du,

    S(u) the part of its own valley that is between u and its pole.
    """
    share = log_occupations(valleys)
    height = float(np.interp(valleys.tops[0], valleys.grid.u.ravel(), valleys.potential.ravel()))
    bottoms = [float(valleys.potential[side].min()) for side in valleys.sides()]
    if height - max(bottoms) < HIGH:
        return np.log(relaxation_rate(axial)) + share[::-1]
    grid, v, flux = valleys.grid, valleys.potential, 0.0
    for side, bottom, gather in zip(valleys.sides(), bottoms, (grid.gathered, grid.left), strict=True):
        weight = np.where(side[:, None], np.exp(np.minimum(bottom - v, 0.0)), 0.0)
        between = gather(weight) / (grid.weights * weight).sum()
        inner = np.exp(np.minimum(v - height, 0.0)) / (axial.diffusion * (1 - grid.u**2)) * between
        flux += float((grid.weights * inner)[side].sum())
    return np.array([-_log_of_well(valleys, side) - height - np.log(flux) for side in valleys.sides()])
