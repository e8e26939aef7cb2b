"""The Fokker–Planck equation of one magnetisation on the sphere, in spherical harmonics: any device of one layer.

    ∂P/∂t = −∇·(A P) + k ∇²P,   k = α γ k_B T/((1 + α²) Ms V),

A the rate of m without noise. It asks for no symmetry and no energy: wells may differ, the damping may be low, and a
spin torque may act. Source: W. F. Brown, Phys. Rev. 130, 1677 (1963), in two coordinates; A is the equation of motion.

A density is a sum of f_lm = P_l|m|(u) e^{imφ}/√(2π), u = m_z, with coefficients c, and the operator a sparse matrix: of
an A whose components are polynomials of m, each couples to few.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.constants import BOLTZMANN
from llgrad.devices.oscillator import Oscillator
from llgrad.orbits.flow import Flow, flow_of

FEWEST, MOST = 16, 160
"""Largest l that is taken."""
PER_WIDTH: Final = 4.7
"""Largest l, times the least width of a well [rad]: its rates are then known to eight digits."""
FEWER: Final = 0.8
"""Part of an order at which the rates are found too, for what they are exact to."""
AZIMUTHS: Final = 32
NODES: Final = 12
"""Nodes of u beyond the largest l."""
SMALL: Final = 1e-13
"""Numbers below this, relative to the largest, are rounding."""
TERMS: Final = 20
"""Of the series of an exponential of a matrix of norm 2."""
BESIDE: Final = 2
"""Vectors beyond those that are asked for."""
MOST_TURNS: Final = 60
STEADY: Final = 1e-9
"""Relative change of an eigenvalue by the last turn."""
AGREEING: Final = 2e-3
"""Change of the rates by the last fifth of the harmonics that is no matter: what is left of them is far less."""


class SphereBasis(NamedTuple):
    """Harmonics up to an l, at nodes of u."""

    l: np.ndarray
    """(N,)"""
    m: np.ndarray
    u: np.ndarray
    weights: np.ndarray
    values: list[np.ndarray]
    """Of each |m|, P_l|m| (L − |m| + 1, U)."""
    slopes: list[np.ndarray]

    @property
    def order(self) -> int:
        """The largest l."""
        return int(self.l[-1])

    def rows(self, m: int) -> np.ndarray:
        """The places of an m, by rising l."""
        l = np.arange(abs(m), self.order + 1)
        return l * l + l + m

    def at(self, states: np.ndarray) -> np.ndarray:
        """conj f_lm (W, N) at states (W, 3): the coefficients of a density that is all at one place."""
        values = _legendre(self.order, np.clip(states[:, 2], -1, 1))
        azimuth = np.arctan2(states[:, 1], states[:, 0])
        found = np.empty((len(states), len(self.l)), complex)
        for m in range(-self.order, self.order + 1):
            turned = np.exp(-1j * m * azimuth) / np.sqrt(2 * np.pi)
            found[:, self.rows(m)] = (values[abs(m)] * turned).T
        return found


def basis_of(order: int) -> SphereBasis:
    """The harmonics up to an l."""
    u, weights = np.polynomial.legendre.leggauss(order + NODES)
    pairs = [(l, m) for l in range(order + 1) for m in range(-l, l + 1)]
    values = _legendre(order, u)
    slopes = []
    for m, part in enumerate(values):
        l = np.arange(m, order + 1)[:, None]
        before = np.vstack([np.zeros_like(u), part[:-1]])
        factor = np.sqrt((2 * l + 1) / np.maximum(2 * l - 1, 1) * (l * l - m * m))
        slopes.append((factor * before - l * u * part) / (1 - u * u))
    l, m = np.array(pairs).T
    return SphereBasis(l, m, u, weights, values, slopes)


def _legendre(order: int, u: np.ndarray) -> list[np.ndarray]:
    """Associated Legendre functions of each m ≥ 0, of unit square integral."""
    found, across = [], np.sqrt(1 - u * u)
    highest = np.full_like(u, np.sqrt(0.5))
    for m in range(order + 1):
        if m:
            highest = np.sqrt((2 * m + 1) / (2 * m)) * across * highest
        rows = [highest]
        for l in range(m + 1, order + 1):
            scale = np.sqrt((4 * l * l - 1) / (l * l - m * m))
            before = rows[-2] * np.sqrt(((l - 1) ** 2 - m * m) / (4 * (l - 1) ** 2 - 1)) if l > m + 1 else 0.0
            rows.append(scale * (u * rows[-1] - before))
        found.append(np.array(rows))
    return found


class Sphere(NamedTuple):
    """A device of one layer at a temperature."""

    flow: Flow
    diffusion: float
    """k [1/ns]."""

    def operator(self, basis: SphereBasis, inputs: Mapping[str, float] | None = None) -> Any:
        """dc/dt = M c, with inputs by name: M (N, N) [1/ns], sparse. Its first row is zero: nothing is lost."""
        from scipy import sparse

        azimuth = 2 * np.pi * np.arange(AZIMUTHS) / AZIMUTHS
        along, round_z = _rates(self, basis.u, azimuth, inputs)
        terms = [np.fft.fft(part, axis=1) / AZIMUTHS for part in (along, round_z)]
        sizes = np.maximum(*(np.abs(part).max(axis=0) / max(np.abs(part).max(), 1e-300) for part in terms))
        rows, columns, entries = [], [], []
        for n in np.flatnonzero(sizes > SMALL).tolist():
            n = n - AZIMUTHS if n > AZIMUTHS // 2 else n
            for m in range(-basis.order, basis.order + 1):
                if abs(m - n) > basis.order:
                    continue
                acts = terms[0][:, n] * basis.slopes[abs(m)] - 1j * m * terms[1][:, n] * basis.values[abs(m)]
                block = (acts * basis.weights) @ basis.values[abs(m - n)].T
                places = np.meshgrid(basis.rows(m), basis.rows(m - n), indexing="ij")
                kept = np.abs(block) > SMALL * np.abs(block).max(initial=1e-300)
                rows.append(places[0][kept])
                columns.append(places[1][kept])
                entries.append(block[kept])
        size = len(basis.l)
        places = np.concatenate(rows), np.concatenate(columns)
        pushed = sparse.coo_matrix((np.concatenate(entries), places), shape=(size, size))
        return (pushed - sparse.diags(self.diffusion * basis.l * (basis.l + 1.0))).tocsc()


def carried(first: Any, second: Any, density: np.ndarray, length: float) -> np.ndarray:
    """A density (N,) after a length [ns], with the operator at the two Gauss nodes of it: Magnus, fourth order."""
    size = length * max(abs(first).sum(axis=0).max(), abs(second).sum(axis=0).max())
    steady = first is second
    parts = max(math.ceil(size / 2), 1)

    def exponent(v: np.ndarray) -> np.ndarray:
        a = first @ v
        if steady:
            return a * length
        b = second @ v
        return (a + b) * (length / 2) - (first @ b - second @ a) * (math.sqrt(3) / 12 * length**2)

    for _ in range(parts):
        term = density
        for order in range(1, TERMS):
            term = exponent(term) / (parts * order)
            density = density + term
    return density


def sphere_of(device: Any) -> Sphere | None:
    """The device, where it is one magnetisation; else None."""
    if not isinstance(device, Oscillator):
        return None
    with jax.enable_x64(True):
        flow = flow_of(device)
    energy = BOLTZMANN * float(device.temperature)
    k = energy * device.alpha * device.gamma * 1e-9 / ((1 + device.alpha**2) * device.Ms * device.volume)
    return Sphere(flow, float(k))


def _rates(
    sphere: Sphere, u: np.ndarray, azimuth: np.ndarray, inputs: Mapping[str, float] | None
) -> tuple[np.ndarray, np.ndarray]:
    """du/dt and dφ/dt (U, F) [1/ns] without noise."""
    across = np.sqrt(1 - u * u)[:, None]
    m = np.stack(np.broadcast_arrays(across * np.cos(azimuth), across * np.sin(azimuth), u[:, None]), axis=-1)
    with jax.enable_x64(True):
        given = {name: jnp.asarray(float(value)) for name, value in (inputs or {}).items()}
        found = np.asarray(_slopes(sphere.flow, jnp.asarray(m.reshape(-1, 3)), given)).reshape(m.shape)
    turned = (m[..., 0] * found[..., 1] - m[..., 1] * found[..., 0]) / across**2
    return found[..., 2], turned


@eqx.filter_jit
def _slopes(flow: Flow, states: Any, inputs: dict[str, Any]) -> Any:
    return jax.vmap(lambda m: flow.slope(m, inputs))(states)


class SlowModes(NamedTuple):
    """What is left of a device's motion when each well has come to its own equilibrium."""

    basis: SphereBasis
    rates: np.ndarray
    """From each well to each other (W, W) [1/ns], the diagonal minus the sum of its row."""
    fate: np.ndarray
    """(N, W): fateᵀ c is the part of a density that goes to each well."""
    resting: np.ndarray
    """(N, W): the density of each well at rest."""
    gap: float
    """How many times faster the next motion is than the slowest jump that is told."""


def slow_modes(sphere: Sphere, states: np.ndarray, order: int) -> SlowModes:
    """The slow motions among wells with stable states (W, 3), by harmonics up to an l.

    The eigenfunctions of the backward operator are constant in each well, but for e^{−barrier}: with their values Φ at
    the states, and the eigenvalues −λ, the rates are Φ diag(−λ) Φ⁻¹.
    """
    from scipy.sparse.linalg import splu

    basis, count = basis_of(order), len(states)
    whole = sphere.operator(basis)
    inner, source = whole[1:, 1:].tocsc(), np.asarray(whole[1:, [0]].todense())[:, 0]
    factors, size = splu(inner), len(basis.l) - 1
    pairs = [_slowest(lambda v, how=how: factors.solve(v, trans=how), size, count) for how in ("N", "T")]
    (values, right), (_, left) = pairs
    slow = values[: count - 1]
    at_rest = np.concatenate([[1.0], factors.solve(-source)])  # M c = 0 with c₀ = 1
    at_rest /= np.sqrt(4 * np.pi)
    right = np.column_stack([at_rest, np.vstack([np.zeros(count - 1), right[:, : count - 1]])])
    left = left[:, : count - 1]
    constant = np.zeros(size + 1, complex)
    constant[0] = np.sqrt(4 * np.pi)
    left = np.column_stack([constant, np.vstack([(source @ left) / slow, left])])
    shape = basis.at(states) @ left
    fate = left @ np.linalg.inv(shape)
    rates = (shape @ np.diag(np.concatenate([[0.0], slow])) @ np.linalg.inv(shape)).real
    resting = right @ np.linalg.inv(fate.T @ right)
    return SlowModes(basis, rates, fate, resting, float(values[count - 1].real / slow[-1].real))


def _slowest(solve: Any, size: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The eigenvalues next to 0 and their vectors (size, count), by inverse iteration of a few at once."""
    place = np.arange(size)[:, None]
    block = np.linalg.qr(np.cos(place * (1 + 0.37 * np.arange(count + BESIDE))) + 0j)[0]
    now, vectors = np.zeros(count, complex), block
    for _ in range(MOST_TURNS):
        turned = solve(block)
        inverse, mixed = np.linalg.eig(block.conj().T @ turned)
        slow = np.argsort(-np.abs(inverse))[:count]
        before, now, vectors = now, inverse[slow], turned @ mixed[:, slow]
        if (np.abs(now - before)[: count - 1] <= STEADY * np.abs(now)[: count - 1]).all():
            break
        block = np.linalg.qr(turned)[0]
    return np.asarray(1 / now), vectors


def converged_modes(sphere: Sphere, states: np.ndarray, slopes: np.ndarray) -> tuple[SlowModes, float] | None:
    """The slow motions by as many harmonics as wells with slopes (W, 2, 2) [1/ns] of the rate need, and the change by
    the last fifth of these, relative; None where rounding, or so narrow a well, leaves too much."""
    order = min(max(FEWEST, 8 + math.ceil(PER_WIDTH / _least_width(sphere, slopes))), MOST)
    for tried in sorted({min(order * part // 9, MOST) for part in (9, 12, 16, 22, 30)}):
        found, fewer = slow_modes(sphere, states, tried), slow_modes(sphere, states, int(FEWER * tried))
        one, two = -np.diag(fewer.rates), -np.diag(found.rates)
        change = float(np.max(np.abs(two - one) / np.maximum(np.abs(two), 1e-300)))
        if change < AGREEING and (two > 0).all():
            return found, change
    return None


def _least_width(sphere: Sphere, slopes: np.ndarray) -> float:
    """The least standard deviation [rad] of small deviations in any well: A Σ + Σ Aᵀ + 2k = 0."""
    from scipy.linalg import solve_continuous_lyapunov

    found = [solve_continuous_lyapunov(slope, -2 * sphere.diffusion * np.eye(2)) for slope in slopes]
    return float(np.sqrt(min(np.linalg.eigvalsh(one)[0] for one in found)))
