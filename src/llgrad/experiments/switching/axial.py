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
    half: float

    def gathered(self, values: np.ndarray) -> np.ndarray:
        """∫ from −1 to each node."""
        whole = (self.weights * values).sum(axis=1)
        before = np.concatenate([[0.0], np.cumsum(whole)[:-1]])
        return before[:, None] + self.half * values @ self.inside.T

    def left(self, values: np.ndarray) -> np.ndarray:
        """∫ from each node to 1, without a difference of large numbers."""
        whole = (self.weights * values).sum(axis=1)
        after = np.concatenate([np.cumsum(whole[::-1])[::-1][1:], [0.0]])
        return after[:, None] + self.half * values @ self.inside[::-1, ::-1].T


def panels() -> Panels:
    """Gauss–Legendre nodes on equal panels."""
    x, w = legendre.leggauss(POINTS)
    fit = np.linalg.inv(legendre.legvander(x, POINTS - 1))
    raised = np.stack([legendre.legval(x, legendre.legint(row, lbnd=-1)) for row in np.eye(POINTS)])
    edges = np.linspace(-1, 1, PANELS + 1)
    half = 1 / PANELS
    middle = (edges[1:] + edges[:-1]) / 2
    return Panels(middle[:, None] + half * x, np.broadcast_to(half * w, (PANELS, POINTS)), raised.T @ fit, half)


class Valleys(NamedTuple):
    """The potential of a device at its bias: equilibrium is P ∝ exp(−V)."""

    grid: Panels
    potential: np.ndarray
    """V at the nodes, 0 at its lowest."""
    tops: np.ndarray
    """u of the unstable states between the poles."""
    slope: np.ndarray
    """A at the nodes [1/ns]."""


def valleys_of(axial: Axial, inputs: dict[str, Any] | None = None) -> Valleys:
    """The potential V(u) = −∫A/(k (1 − u²)) du, in units of k_B T: of a spin torque along z too."""
    grid = panels()
    slope = drift(axial, grid.u.ravel(), inputs).reshape(grid.u.shape)
    potential = -grid.gathered(slope / (axial.diffusion * (1 - grid.u**2)))
    flat_u, flat = grid.u.ravel(), slope.ravel()
    rising = np.flatnonzero((flat[:-1] < 0) & (flat[1:] >= 0))
    tops = [_root(axial, flat_u[i], flat_u[i + 1], inputs) for i in rising]
    return Valleys(grid, potential - potential.min(), np.array(tops), slope)


def _root(axial: Axial, low: float, high: float, inputs: dict[str, Any] | None) -> float:
    from scipy.optimize import brentq

    found: Any = brentq(lambda u: float(drift(axial, np.array([u]), inputs)[0]), low, high, xtol=1e-15)
    return float(found)


def relaxation_rate(axial: Axial, inputs: dict[str, Any] | None = None) -> float:
    """The smallest eigenvalue λ₁ [1/ns] of the Fokker–Planck operator but 0, to near rounding whatever the barrier.

    By inverse iteration, as integrals of positive numbers: f′ = −e^V/(k (1 − u²)) ∫ e^{−V} g du makes f of g with
    L† f = −g, and λ₁ = ⟨g f⟩/⟨f f⟩ where they have become one function.
    """
    valleys = valleys_of(axial, inputs)
    grid, v = valleys.grid, valleys.potential
    weight = np.exp(-v)
    total = (grid.weights * weight).sum()

    def mean(values: np.ndarray) -> float:
        return float((grid.weights * weight * values).sum() / total)

    g, rate, new = grid.u - mean(grid.u), 0.0, 0.0
    for _ in range(200):
        low, high = grid.gathered(weight * g), -grid.left(weight * g)
        smaller = np.where(np.abs(low) < np.abs(high), low, high)
        f = grid.gathered(-np.exp(v) * smaller / (axial.diffusion * (1 - grid.u**2)))
        f = -(f - mean(f)) if mean((f - mean(f)) * g) < 0 else f - mean(f)
        new = mean(g * f) / mean(f * f)
        g = f / np.sqrt(mean(f * f))
        if abs(new - rate) < 1e-14 * new:
            break
        rate = new
    return new


def occupations(valleys: Valleys) -> np.ndarray:
    """Probability of each valley (from −z to z) in equilibrium."""
    ends = np.concatenate([[-1.0], valleys.tops, [1.0]])
    return np.array([_share(valleys, low, high) for low, high in itertools.pairwise(ends)])


def _share(valleys: Valleys, low: float, high: float) -> float:
    """Part of the equilibrium between two u."""
    from scipy.interpolate import CubicSpline  # slow to import, and rarely needed

    grid, weight = valleys.grid, np.exp(-valleys.potential)
    up_to = grid.gathered(weight).ravel()
    u = grid.u.ravel()
    total = float((grid.weights * weight).sum())
    curve = CubicSpline(np.concatenate([[-1.0], u, [1.0]]), np.concatenate([[0.0], up_to, [total]]))
    return float((curve(high) - curve(low)) / total)
