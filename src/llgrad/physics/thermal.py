"""The thermal field of a macrospin."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from llgrad.core.constants import BOLTZMANN
from llgrad.core.speed.namespace import namespace
from llgrad.devices.oscillator import Oscillator


def thermal_sigma(device: Oscillator, dt: float) -> Any:
    """Standard deviation [T] of each component of the thermal field, held for one step of `dt` seconds: σ = √(2D/dt).

    ⟨h_i(t) h_j(t′)⟩ = 2D δ_ij δ(t − t′) with D = α k_B T/(γ Ms V), for the Gilbert form of the equation and
    Stratonovich's
    rule. Source: W. F. Brown, Phys. Rev. 130, 1677 (1963). Zero temperature gives zero, with a zero gradient.
    """
    return thermal_deviation(device, 0.0 if device.temperature is None else device.temperature, dt)


def thermal_deviation(body: Any, temperature: Any, dt: float) -> Any:
    """`thermal_sigma` of anything with Ms, volume, alpha and gamma, at a temperature [K]."""
    energy_field = BOLTZMANN * 1e18 * temperature / ((body.Ms * 1e-6) * (body.volume * 1e24))
    variance = 2 * body.alpha * energy_field / (body.gamma * 1e-9 * (dt * 1e9))
    hot = variance > 0
    xp = namespace(variance)
    return jnp.asarray(xp.where(hot, xp.sqrt(xp.where(hot, variance, 1.0)), 0.0), jnp.result_type(float))
