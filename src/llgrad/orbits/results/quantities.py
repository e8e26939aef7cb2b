"""The numbers of an orbit, as functions of its flow: what `Orbit` tells."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.orbits.cycle.linear import return_rate_of
from llgrad.orbits.cycle.solving import Closed
from llgrad.orbits.flow import Flow
from llgrad.orbits.results.locking import Locking, locking_from
from llgrad.orbits.results.response import half_frequency, mean_of, periodic_of
from llgrad.orbits.results.signals import Observable, seen_of

SLOW: Final = 0.25
"""A mode is the one slow one where all others decay by a factor more than this in the time in which it decays by e."""
WIDE: Final = 1.0
NARROW: Final = 0.1
FALLEN: Final = 1 / math.sqrt(2)
FLAT: Final = 1e-12
"""Directions whose products, each of length 1, have no larger determinant than this lie in fewer dimensions."""
UNMOVED: Final = 1e-9
"""A response to a slow change that is smaller than this part of the largest at any moment is none."""


@quick_jit
def phase_response(flow: Flow, closed: Closed, name: str) -> Any:
    """ω R (N,) [rad/s per unit]."""
    pushed = jax.vmap(lambda y: flow.by_input(y, name))(closed.states)
    return 2e9 * jnp.pi / closed.period * jnp.sum(closed.linear.phase * pushed, 1)


@quick_jit
def diffusion(flow: Flow, closed: Closed) -> Any:
    """[rad²/s]"""
    columns = jax.vmap(flow.by_noise)(closed.states)
    heard = jnp.einsum("kn,knj->kj", closed.linear.phase, columns)
    return (2 * jnp.pi / closed.period) ** 2 * jnp.mean(jnp.sum(heard**2, 1)) * 1e9


@quick_jit
def linear_width(flow: Flow, closed: Closed) -> Any:
    """Line width [Hz] of a phase response that is as short as the noise allows with Z·f = 1: 1/(f·(G Gᵀ)⁻¹·f)."""
    return _shortest(flow, closed) * (2 * jnp.pi / closed.period) ** 2 * 1e9 / (2 * jnp.pi)


def _shortest(flow: Flow, closed: Closed) -> Any:
    """⟨1/(f·(G Gᵀ)⁻¹·f)⟩ [ns], of white noise columns G in the directions in which a state can move; NaN where these
    do not span them all."""

    def one(y: Any) -> Any:
        basis = flow.basis(y)
        columns = basis.T @ flow.by_noise(y)
        along = basis.T @ flow.slope(y)
        return 1 / jnp.sum(along * jnp.linalg.solve(columns @ columns.T, along))

    reached = noise_reaches(*jax.lax.stop_gradient((flow, closed)))
    return jnp.where(reached, jnp.mean(jax.vmap(one)(closed.states)), jnp.nan)


@quick_jit
def noise_reaches(flow: Flow, closed: Closed) -> Any:
    """Whether the columns of white noise span all directions in which a state can move, whatever their units."""

    def spanned(y: Any) -> Any:
        columns = flow.basis(y).T @ flow.by_noise(y)
        product = columns @ columns.T
        size = jnp.sqrt(jnp.diag(product))
        return jnp.linalg.det(product / (size[:, None] * size)) > FLAT

    return jnp.all(jax.vmap(spanned)(closed.states))


def reason_against_split(diffusion: float, reached: bool) -> str:
    """Why a line width is not divided into a linear one and what conversion adds; empty where it is."""
    if diffusion == 0:
        return "there is no noise; give the device a temperature, or the system noises"
    if not reached:
        return "the noise does not act on every number of the state, and the split is known where it does"
    return ""


@quick_jit
def nonlinearity(flow: Flow, closed: Closed, observable: Observable) -> Any:
    """ν: √(Δf/Δf_linear − 1), with the sign of df/dp."""
    heard = jnp.einsum("kn,knj->kj", closed.linear.phase, jax.vmap(flow.by_noise)(closed.states))
    excess = jnp.mean(jnp.sum(heard**2, 1)) / _shortest(flow, closed) - 1
    positive = excess > 0
    size = jnp.where(positive, jnp.sqrt(jnp.where(positive, excess, 1.0)), 0.0)
    size = jnp.where(jnp.isnan(excess), jnp.nan, size)
    return size * jnp.sign(jax.lax.stop_gradient(frequency_by_power(flow, closed, observable)))


@quick_jit
def frequency_by_power(flow: Flow, closed: Closed, observable: Observable) -> Any:
    """df/d(ln p) [Hz] along the slow mode: its phase φ and relative amplitude a decay together at Γ, so δω = −Γ φ and
    δ ln p = 2 a."""
    seen = seen_of(flow, closed.states, observable)
    rate = return_rate_of(closed.linear, closed.period)
    mode = _slow_mode(flow, closed, rate)
    heard = jnp.mean(seen.demodulation() * jnp.sum(seen.slopes * mode, 1))
    return -rate * heard.imag / (2 * heard.real) * 1e9 / (2 * jnp.pi)


def _slow_mode(flow: Flow, closed: Closed, rate: Any) -> Any:
    """The periodic part (N, n) of the deviation that decays slowest, v(t) e^{−Γt}; of any length."""
    chain = closed.chain
    count = len(chain.along)
    first = _right_vector(closed)
    growth = jnp.exp(rate * closed.period / count)
    dual = jnp.einsum("kni,kn->ki", chain.basis, closed.linear.phase)

    def advance(v: Any, now: Any) -> tuple[Any, Any]:
        step, z, along = now
        v = growth * (step @ v)
        v = v - along * jnp.sum(z * v)  # what rounding has put along the orbit would grow
        return v, v

    after = jax.tree.map(lambda leaf: jnp.roll(leaf, -1, 0), (dual, chain.along))
    _, later = jax.lax.scan(advance, first, (chain.steps, *after))
    modes = jnp.concatenate([first[None], later[:-1]])
    return jnp.einsum("kni,ki->kn", chain.basis, modes)


def _right_vector(closed: Closed) -> Any:
    """The direction (d,) at the first state that the slow mode has, with Z·v = 0."""
    linear, chain = closed.linear, closed.chain
    phase = chain.basis[0].T @ linear.phase[0]
    if len(phase) == 2:
        return jnp.stack([-phase[1], phase[0]]) / jnp.sqrt(jnp.sum(phase**2))
    slowest = jnp.exp(-return_rate_of(linear, closed.period) * closed.period)
    d = len(phase)
    guess = jax.lax.stop_gradient(_eigenvector(linear.monodromy, phase, slowest))
    # one bordered solve makes the vector of the value a smooth function
    matrix = jnp.zeros((d + 1, d + 1), phase.dtype)
    matrix = matrix.at[:d, :d].set(linear.monodromy - slowest * jnp.eye(d)).at[:d, d].set(guess).at[d, :d].set(guess)
    return jnp.linalg.solve(matrix, jnp.zeros(d + 1, phase.dtype).at[d].set(1.0))[:d]


def _eigenvector(monodromy: Any, phase: Any, value: Any) -> Any:
    values, vectors = jnp.linalg.eig(monodromy)
    vector = vectors[:, jnp.argmin(jnp.abs(values - value))]
    return (vector / vector[jnp.argmax(jnp.abs(vector))]).real


def reason_against_slow_mode(multipliers: np.ndarray) -> str:
    """Why the power has not one slow mode; empty where it has."""
    if not multipliers.size:
        return "nothing returns to this orbit"
    first = multipliers[0]
    if abs(first.imag) > 1e-6 * abs(first) or first.real <= 0:
        return (
            f"the largest return multiplier is {first:.6g}, no real positive number, so the power rings as it returns"
        )
    if multipliers.size > 1 and math.log(abs(first)) < SLOW * math.log(max(abs(multipliers[1]), 1e-300)):
        return (
            f"the return multipliers {first.real:.4g} and {multipliers[1]:.4g} are near each other: more than one mode"
        )
    return ""


@quick_jit
def harmonics(flow: Flow, closed: Closed, observable: Observable) -> Any:
    """C_k (N/2 + 1,), complex."""
    return seen_of(flow, closed.states, observable).harmonics


@quick_jit
def locking(
    flow: Flow, closed: Closed, drive: Mapping[str, Any], ratio: float, observable: Observable, stride: int
) -> Locking:
    """How the orbit locks to a drive."""
    count = len(closed.states)
    seen = seen_of(flow, closed.states, observable).harmonics[1]
    rate = return_rate_of(closed.linear, closed.period)
    if ratio == 0.5:
        shift, lock = half_frequency(flow, periodic_of(flow, closed.states, closed.period, stride), dict(drive))
        return locking_from(ratio, closed.period, shift, lock, seen, rate)
    pushed = sum(
        jnp.conj(value) * jax.vmap(lambda y, name=name: flow.by_input(y, name))(closed.states)
        for name, value in drive.items()
    )
    wave = jnp.exp(-2j * jnp.pi * ratio * jnp.arange(count) / count)
    lock = mean_of(jnp.sum(closed.linear.phase * pushed, 1) * wave)
    return locking_from(ratio, closed.period, 0.0, lock, seen, rate)


def bandwidth(swing: Callable[[Any], Any], highest: float, name: str, largest: float) -> float:
    """The modulation frequency [Hz] at which the response to an input has fallen by 3 dB from that of a slow change;
    `largest`: what the input does to the frequency [Hz per unit] where on the orbit it does most."""
    f = np.geomspace(1e-4 * highest, highest / 2, 60)
    size = np.abs(np.asarray(swing(f)))
    if not size[0] > UNMOVED * largest:
        raise ValueError(
            f"a slow change of {name} does not change the frequency here, so that its modulation has no bandwidth; "
            "take another input"
        )
    below = np.flatnonzero(size < FALLEN * size[0])
    if not below.size or below[0] == 0:
        return math.inf
    low, high = f[below[0] - 1], f[below[0]]
    for _ in range(40):
        middle = math.sqrt(low * high)
        fell = abs(complex(np.asarray(swing(np.asarray([middle])))[0])) < FALLEN * size[0]
        low, high = (low, middle) if fell else (middle, high)
    return math.sqrt(low * high)


def sentence_of_width(width: float, rate: float) -> str:
    """Whether a line width [Hz] from first order in the noise holds, against Γ [1/s]."""
    if width == 0:
        return "no noise: the line has no width; give the device a temperature"
    if rate <= 0:
        return "this orbit repels: no oscillator stays on it, so there is no line"
    share = 2 * math.pi * width / rate
    if share > WIDE:
        return (
            f"first order in the noise does not hold: the width, {width / 1e6:.4g} MHz, is {share:.3g} times Γ/2π "
            f"({rate / (2e6 * math.pi):.4g} MHz); simulate with noise instead"
        )
    if share > NARROW:
        return (
            f"first order: it is the slope of the phase's spread after 1/Γ; the spectral line is narrower, for the "
            f"width is {share:.2g} times Γ/2π"
        )
    return f"first order holds: the width is {share:.2g} times Γ/2π"


def card(orbit: Any) -> str:
    """What an orbit tells, as text."""
    multipliers = np.asarray(orbit.multipliers)
    shown = ", ".join(f"{v.real:.6g}" if abs(v.imag) < 1e-12 else f"{v:.6g}" for v in multipliers[:4])
    lines = [
        f"Orbit of {type(orbit.model).__name__}: f = {float(orbit.frequency) / 1e9:.7g} GHz, "
        f"T = {float(orbit.period) * 1e9:.7g} ns, {len(orbit.closed.states)} states",
        f"  return rate Γ = {float(orbit.return_rate) / 1e9:.7g} /ns, multipliers {shown or 'none'}",
    ]
    if float(orbit.diffusion) > 0:
        lines.append(f"  line width {float(orbit.line_width) / 1e6:.6g} MHz ({orbit.line_width_holds})")
    if orbit.note:
        lines.append(f"  {orbit.note}")
    return "\n".join(lines)
