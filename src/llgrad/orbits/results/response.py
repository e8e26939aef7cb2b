"""How a cycle answers a small push that varies in time: the linearised motion, solved by Fourier series.

A push g(t) e^{iΩt}, g of the orbit's period, makes a deviation q(t) e^{iΩt} with dq/dt + iΩ q = A q + g, A = ∂f/∂y on
the orbit. With M states evenly round it, d/dt is a matrix, exact for M/2 harmonics. Off the sphere of a unit vector the
equation is continued by one that comes back to it, so that no direction is left in which nothing happens.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.record import is_concrete
from llgrad.orbits.flow import Flow

RESOLVED: Final = 1e-11
"""Harmonics below this part of the largest are none; the equation along the orbit has those of their products."""
ROUNDING: Final = 1e-11
"""A mean over the orbit that is smaller than this part of what is averaged is rounding: a symmetry makes it 0."""
FEWEST: Final = 16
LARGEST: Final = 1600
"""Numbers in a solution: a matrix of its square is solved."""


class Periodic(NamedTuple):
    """The linearised motion at M states round an orbit."""

    states: Any
    """(M, n)"""
    period: Any
    """[ns]"""
    slopes: Any
    """f (M, n) [1/ns]"""
    matrix: Any
    """d/dt − A (M n, M n), complex [1/ns]."""


def periodic_of(flow: Flow, states: Any, period: Any, stride: int) -> Periodic:
    """The linearised motion round an orbit (N, n), at every so-many-th state."""
    states = states[::stride]
    count, n = states.shape

    def rate(y: Any) -> Any:
        return on_sphere(flow, y)

    blocks = jax.vmap(jax.jacfwd(rate))(states)
    waves = jnp.fft.fftfreq(count, 1 / count) * (2j * jnp.pi / period)
    turn = jnp.fft.ifft(waves[:, None] * jnp.fft.fft(jnp.eye(count, dtype=states.dtype), axis=0), axis=0)
    matrix = jnp.einsum("ab,ij->aibj", turn, jnp.eye(n, dtype=states.dtype))
    matrix = matrix.at[jnp.arange(count), :, jnp.arange(count), :].add(-blocks)
    return Periodic(states, period, jax.vmap(flow.slope)(states), matrix.reshape(count * n, count * n))


def on_sphere(flow: Flow, y: Any, inputs: Any = None) -> Any:
    """f(y) with a pull back to the spheres, at the rate of the motion: the same on them."""
    slope = flow.slope(y, inputs)
    rate = jax.lax.stop_gradient(jnp.sqrt(jnp.sum(slope**2)))
    parts = flow.parts(y)
    pull = [jnp.zeros_like(part) for part in parts]
    for spin in flow.equation.layout.spins:
        excess = (1 - sum(parts[i] ** 2 for i in spin)) / 2
        for i in spin:
            pull[i] = rate * excess * parts[i]
    return slope + flow.joined(pull)


def stride_of(states: Any) -> int:
    """Every so-many-th state (N, n) is enough for the harmonics that an orbit has; one, where they are not known.

    Raises ValueError for a state of so many numbers that no matrix of them is solved.
    """
    count, n = states.shape
    known, stride = jax.lax.stop_gradient(states), 1
    if is_concrete(known):
        size = np.abs(np.fft.rfft(np.asarray(known), axis=0)).max(1)
        last = int(np.flatnonzero(size > RESOLVED * size.max())[-1])
        while count % (2 * stride) == 0 and count // (2 * stride) >= max(4 * last, FEWEST):
            stride *= 2
    if count // stride * n > LARGEST:
        raise ValueError(
            f"a state of {n} numbers has no spectra and no second-order locking here: {count // stride} × {n} unknowns "
            f"are more than {LARGEST}"
        )
    return stride


def answer(motion: Periodic, omega: Any, push: Any) -> Any:
    """q (M, n) of a push g (M, n) at Ω [rad/ns]."""
    size = motion.matrix.shape[0]
    shifted = motion.matrix + 1j * omega * jnp.eye(size)
    return jnp.linalg.solve(shifted, push.reshape(size).astype(shifted.dtype)).reshape(push.shape)


def listeners(motion: Periodic, omega: Any, weights: Any) -> Any:
    """p (K, M, n) with Σ w·q = Σ p·g for the answer q to any push g at Ω, w = `weights` (K, M, n)."""
    size = motion.matrix.shape[0]
    shifted = (motion.matrix + 1j * omega * jnp.eye(size)).T
    return jnp.linalg.solve(shifted, weights.reshape(-1, size).T.astype(shifted.dtype)).T.reshape(weights.shape)


def phase_of(motion: Periodic) -> Any:
    """The phase response Z (M, n) of the continued equation: d/dt Z = −Z A, Z·f = 1."""
    size = motion.matrix.shape[0]
    along = motion.slopes.reshape(size) / len(motion.states)
    bordered = jnp.zeros((size + 1, size + 1), motion.matrix.dtype)
    bordered = bordered.at[:size, :size].set(motion.matrix.T).at[:size, size].set(along).at[size, :size].set(along)
    solved = jnp.linalg.solve(bordered, jnp.zeros(size + 1, motion.matrix.dtype).at[size].set(1.0))
    return solved[:size].reshape(motion.states.shape).real


def mean_of(values: Any) -> Any:
    """The mean of values (M,) round an orbit, 0 where it is nothing but rounding."""
    mean = jnp.mean(values)
    size = jax.lax.stop_gradient(jnp.mean(jnp.abs(values)))
    return jnp.where(jax.lax.stop_gradient(jnp.abs(mean)) > ROUNDING * size, mean, 0.0 * mean)


def half_frequency(flow: Flow, motion: Periodic, drive: dict[str, Any]) -> tuple[Any, Any]:
    """(shift, lock) of a drive Σ_c h_c cos(ω t/2) at half the orbit's frequency, by second-order averaging: the phase
    obeys dφ/dt = ω (1 + shift) + ω Re(lock e^{i(φ − 2 ω_d t)}).

    With q the answer to the drive, f_yy and so on the second derivatives on the orbit, and both parts periodic:
    shift = ⟨Z·(f_yy[q, q*] + 2 Re f_yu[q*] + f_uu)⟩/4 and the conjugate of lock = ⟨Z·(f_yy[q, q] + 2 f_yu[q] + f_uu)
    e^{iωt}⟩/4.
    """
    names, values = list(drive), [jnp.asarray(value, motion.matrix.dtype) for value in drive.values()]

    def push_of(y: Any) -> Any:
        return sum(value * flow.by_input(y, name) for name, value in zip(names, values, strict=True))

    omega = 2 * jnp.pi / motion.period
    q = answer(motion, omega / 2, jax.vmap(push_of)(motion.states))

    def second(y: Any, q: Any) -> tuple[Any, Any]:
        zero = jnp.zeros((), y.dtype)

        def along(dy: Any, du: list[Any]) -> Any:
            """d/dε f at y + ε dy, u + ε du, as a function of where."""
            return lambda y, *u: jax.jvp(
                lambda y, *u: on_sphere(flow, y, dict(zip(names, u, strict=True))), (y, *u), (dy, *du)
            )[1]

        def twice(a: Any, b: Any) -> Any:
            (dy1, du1), (dy2, du2) = a, b
            return jax.jvp(along(dy1, du1), (y, *[zero] * len(names)), (dy2, *du2))[1]

        re, im = (q.real, [v.real for v in values]), (q.imag, [v.imag for v in values])
        rr, ri, ii = twice(re, re), twice(re, im), twice(im, im)
        return rr + ii, rr - ii + 2j * ri

    even, turning = jax.vmap(second)(motion.states, q)
    phase = phase_of(motion)
    count = len(motion.states)
    wave = jnp.exp(2j * jnp.pi * jnp.arange(count) / count)
    shift = mean_of(jnp.sum(phase * even, 1)) / 4
    return shift, jnp.conj(mean_of(jnp.sum(phase * turning, 1) * wave)) / 4
