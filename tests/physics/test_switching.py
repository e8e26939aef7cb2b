"""Stoner–Wohlfarth: a perpendicular layer switches at b (cos^{2/3}ψ + sin^{2/3}ψ)^{−3/2}, ψ the field's angle."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.physics import reference

from llgrad.solve.saving import End
from llgrad.solve.simulate import simulate

ANGLES = (10.0, 30.0, 45.0, 60.0, 80.0)
BELOW, ABOVE = 0.995, 1.005


def switching_field(psi: float) -> float:
    c, s = np.cos(psi) ** (2 / 3), np.sin(psi) ** (2 / 3)
    return reference.B * (c + s) ** -1.5


def relaxed(strength, psi, m0):
    """The state that m0 relaxes to, with strong damping, in a field of this strength at ψ from −z."""
    device = reference.STO.replace(current=0.0, alpha=1.0)
    device = reference.with_leaves(device, field_x=strength * jnp.sin(psi), field_z=-strength * jnp.cos(psi))
    return simulate(device, duration=100e-9, dt=10e-12, m0=m0, save=End()).m[-1]


@pytest.fixture(scope="module")
def final_mz():
    """m_z after the field was raised from 0.9 H_sw to just below and just above H_sw: (angles, 2)."""
    psi = np.radians(ANGLES)
    fields = np.array([switching_field(p) for p in psi])
    relax = jax.jit(jax.vmap(relaxed))
    before = relax(0.9 * fields, psi, jnp.tile(jnp.array([0.01, 0.0, np.sqrt(1 - 1e-4)]), (len(psi), 1)))
    after = [relax(factor * fields, psi, before) for factor in (BELOW, ABOVE)]
    return np.stack([np.asarray(before), *map(np.asarray, after)])[:, :, 2]


@pytest.mark.parametrize("index", range(len(ANGLES)), ids=[f"{a:g}°" for a in ANGLES])
def test_switching_field(final_mz, index):
    early, below, above = final_mz[:, index]
    assert early > 0
    assert below > 0, f"switched at {BELOW} of the switching field"
    assert above < 0, f"not switched at {ABOVE} of the switching field"
