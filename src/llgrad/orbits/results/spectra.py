"""Noise and modulation of an orbit at an offset from its frequency: linear response, first order in the noise.

The fundamental of an observable is a(t) cos(ωt + φ(t)). A white noise of unit strength on the column G_j(t) makes, with
p the listener of amplitude or phase at the offset, S(f) = 2 Σ_j ⟨|p·G_j|²⟩: what noise near every harmonic does.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from llgrad.core.speed.quick import quick_jit
from llgrad.orbits.flow import Flow
from llgrad.orbits.results.precision import precise
from llgrad.orbits.results.response import Periodic, listeners, periodic_of
from llgrad.orbits.results.signals import Observable, seen_of


class PhaseNoise(NamedTuple):
    """Spectral densities, one-sided, at offsets f from the carrier."""

    f: Any
    """Offset frequency (F,) [Hz]."""
    phase: Any
    """S_φ (F,) [rad²/Hz]."""
    amplitude: Any
    """S_a (F,) [1/Hz], of the relative amplitude."""
    line_width: Any
    """Line width [Hz] of the white noise."""

    @property
    @precise
    def dbc(self) -> Any:
        """L(f) (F,) [dBc/Hz], of one side band: S_φ/2, which near the carrier goes over into the top of the line."""
        near = self.f**2 / (self.f**2 + (self.line_width / 2) ** 2)
        return 10 * jnp.log10(self.phase / 2 * near)


class Modulation(NamedTuple):
    """What a slow, small change u(t) of an input does, at modulation frequencies f."""

    f: Any
    """(F,) [Hz]."""
    frequency: Any
    """Change of the frequency (F,), complex [Hz per unit of the input]."""
    amplitude: Any
    """Relative change of the amplitude (F,), complex [per unit of the input]."""


def _observed(flow: Flow, states: Any, period: Any, observable: Observable, stride: int) -> tuple[Periodic, Any]:
    """The linearised motion, and what hears amplitude and phase (2, M, n)."""
    motion = periodic_of(flow, states, period, stride)
    seen = seen_of(flow, motion.states, observable)
    weights = seen.demodulation()[:, None] * seen.slopes / len(motion.states)
    return motion, jnp.stack([weights.real, weights.imag])


@quick_jit
def noise_densities(
    flow: Flow, states: Any, period: Any, observable: Observable, f: Any, flicker: dict[str, Any], stride: int
) -> tuple[Any, Any]:
    """S_φ [rad²/Hz] and S_a [1/Hz] at offsets f (F,) [Hz]: of the white noises, and of noise S_u = strength/f on
    inputs."""
    motion, weights = _observed(flow, states, period, observable, stride)
    columns = jax.vmap(flow.by_noise)(motion.states)

    def at(f: Any) -> Any:
        omega, found = 2e-9 * jnp.pi * f, []
        for p in listeners(motion, omega, weights) * len(motion.states):
            white = jnp.sum(jnp.abs(jnp.einsum("kn,knj->kj", p, columns)) ** 2) / len(motion.states)
            total = 2e-9 * white
            for name, strength in flicker.items():
                push = jax.vmap(lambda y, name=name: flow.by_input(y, name))(motion.states)
                total += strength / f * jnp.abs(jnp.mean(jnp.sum(p * push, 1))) ** 2
            found.append(total)
        return jnp.stack(found)

    amplitude, phase = jax.lax.map(at, f).T
    return phase, amplitude


@quick_jit
def modulation_at(
    flow: Flow, states: Any, period: Any, observable: Observable, f: Any, name: str, stride: int
) -> tuple[Any, Any]:
    """Change of frequency [Hz/unit] and relative amplitude [1/unit] (F,), complex, by an input at f (F,) [Hz]."""
    motion, weights = _observed(flow, states, period, observable, stride)
    push = jax.vmap(lambda y: flow.by_input(y, name))(motion.states)

    def at(f: Any) -> Any:
        omega = 2e-9 * jnp.pi * f
        amplitude, phase = jnp.sum(listeners(motion, omega, weights) * push, (1, 2))
        return jnp.stack([1j * f * phase, amplitude])

    frequency, amplitude = jax.lax.map(at, f).T
    return frequency, amplitude
