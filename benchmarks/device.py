"""The reference device as each candidate needs it, and the constants of the runs."""

from __future__ import annotations

import numpy as np

import llgrad as lg
from llgrad.core.constants import MU_0
from llgrad.physics.equation import equation_of_motion
from llgrad.physics.slonczewski import torque_per_ampere

STO = lg.presets.kubota2013()
DT = 1e-12
START = lg.Vec3(0.6, 0.0, 0.8)


def equation():
    """The right-hand side that every JAX candidate integrates."""
    return equation_of_motion(STO)


def parameters(lanes: int) -> np.ndarray:
    """(6, lanes) for limit.cpp: field, torque s·I [T], damping, anisotropy [T], λ, γ [rad/(T ns)]; fields differ."""
    torque = torque_per_ampere(STO.polarization, STO.Ms, STO.volume) * STO.current
    anisotropy = STO.H_k - MU_0 * STO.Ms
    values = [STO.field.z, torque, STO.alpha, anisotropy, STO.lambda_, STO.gamma * 1e-9]
    table = np.repeat(np.array(values, dtype=float)[:, None], lanes, axis=1)
    table[0] = fields(lanes)
    return table


def fields(lanes: int) -> np.ndarray:
    """Applied fields [T] of many trajectories."""
    return np.linspace(0.9, 1.1, lanes) * STO.field.z if lanes > 1 else np.array([STO.field.z])
