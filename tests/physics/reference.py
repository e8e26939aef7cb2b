"""The reference device, its steady-precession theory, and how the tests measure a frequency.

Theory: T. Taniguchi et al., Appl. Phys. Express 6, 123003 (2013). a = applied field, b = H_k − µ0 Ms, in tesla.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize

import llgrad as lg
from llgrad.core.constants import MU_0
from llgrad.core.record import set_leaf
from llgrad.physics.slonczewski import torque_per_ampere

STO = lg.presets.kubota2013()
B = STO.H_k - MU_0 * STO.Ms
"""Effective perpendicular anisotropy H_k − µ0 Ms of the reference device [T]."""

TORQUE = torque_per_ampere(STO.polarization, STO.Ms, STO.volume)
"""Spin torque per ampere of the reference device [T/A]."""


def with_leaves(device: Any, **leaves: Any) -> Any:
    """A device with leaves changed by path, `field_z=` for "field.z"; traced values pass."""
    for name, value in leaves.items():
        path = name if hasattr(device, name) else name.replace("_", ".", 1)
        device = set_leaf(device, path, value)
    return device


def critical_current(a: float) -> float:
    """I_c [A], where the precession sets in: γ-free, the limit θ → 0 of the balance of torque and damping."""
    return 2 * STO.alpha * (a + B) / (STO.lambda_ * TORQUE)


def balance_current(u: float, a: float) -> float:
    """I(θ) [A] at which the torque feeds a precession at u = cosθ as much as the damping takes."""
    sin2 = 1 - u * u
    feed = u / (STO.lambda_ * sin2) * (1 / math.sqrt(1 - STO.lambda_**2 * sin2) - 1)
    return STO.alpha * (a + B * u) / (TORQUE * feed)


def orbit(current: float, a: float) -> tuple[float, float]:
    """(f [Hz], cosθ) of the steady precession that the theory predicts."""
    u = scipy.optimize.brentq(lambda u: balance_current(u, a) - current, 0.02, 1 - 1e-6)
    return STO.gamma / (2 * math.pi) * (a + B * u), u


def largest_current(a: float) -> float:
    """I_max [A], above which the oscillation dies."""
    return a * math.sqrt(1 - STO.lambda_**2) / TORQUE


def frequency(signal: np.ndarray, dt: float) -> float:
    """Mean frequency [Hz] between the first and the last upward crossing of the mean; 0 with fewer than three."""
    signal = np.asarray(signal) - np.mean(signal)
    up = np.flatnonzero((signal[:-1] < 0) & (signal[1:] >= 0))
    if len(up) < 3:
        return 0.0
    crossings = up + signal[up] / (signal[up] - signal[up + 1])
    return (len(up) - 1) / ((crossings[-1] - crossings[0]) * dt)


def batch(run: Any, **leaves: np.ndarray) -> Any:
    """`run(device)` for each row of the leaves' values, in one compiled batch."""
    columns = {name: jnp.asarray(column) for name, column in leaves.items()}
    return jax.jit(jax.vmap(lambda row: run(with_leaves(STO, **row))))(columns)
