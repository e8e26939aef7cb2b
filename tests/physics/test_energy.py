"""Law: B = −∂E/∂m for every conservative term, and dE/dt = −(αγ/(1+α²)) |m × B|² ≤ 0 along a run.

E is the energy over Ms, in tesla.
"""

import jax
import numpy as np
import pytest
from tests.physics.terms import INPUTS, TERMS, array_of, random_states

import llgrad as lg
from llgrad.core.vector import unstack
from llgrad.physics.equation import equation_of_motion
from llgrad.solve.simulate import simulate

CONSERVATIVE = [name for name, member in TERMS.items() if member.energy is not None]
COUNT = 50


def tangential(v: np.ndarray, m: np.ndarray) -> np.ndarray:
    return v - m * np.sum(v * m, axis=0)


@pytest.mark.parametrize("name", CONSERVATIVE)
def test_the_field_is_the_slope_of_the_energy(name, rng):
    m = random_states(rng, COUNT)
    member = TERMS[name]
    slope = jax.vmap(jax.grad(lambda state: member.energy(member.term, state)))(m)
    states, field = array_of(m, COUNT), array_of(member.term.field(m, INPUTS), COUNT)
    difference = tangential(field + array_of(slope, COUNT), states)
    assert np.max(np.abs(difference)) < 1e-14 * max(1.0, np.max(np.abs(field)))


def test_the_torque_of_a_current_has_no_energy(rng):
    """A curl-free tangential field would do no work around a circle of latitude about p; the spin torque does."""
    term = TERMS["slonczewski"].term.replace(polariser=(0.0, 0.0, 1.0))
    azimuth = np.linspace(0, 2 * np.pi, 101)[:-1]
    m = lg.Vec3(0.6 * np.cos(azimuth), 0.6 * np.sin(azimuth), 0.8)
    field = array_of(term.field(m, INPUTS), 100)
    along = np.stack([-np.sin(azimuth), np.cos(azimuth), 0 * azimuth])
    assert abs(np.mean(np.sum(field * along, axis=0))) > 1e-3


@pytest.fixture(scope="module")
def relaxation():
    """A run with every conservative term at once and no current."""
    extra = tuple(TERMS[name].term for name in ("uniaxial", "user"))
    device = lg.presets.kubota2013().replace(
        current=0.0, alpha=0.1, H_k2=0.05, field=(0.01, -0.02, 0.02), demag=(0.05, 0.1, 0.85), terms=extra
    )
    return device, simulate(device, duration=3e-9, dt=0.25e-12, m0=lg.direction(2.4, 1.0))


def energy_of(device, m) -> np.ndarray:
    terms = equation_of_motion(device).terms
    energies = {type(member.term): member.energy for member in TERMS.values()}
    total = 0.0
    for term in terms:
        energy = energies[type(term)]
        total = total + (energy(term, m) if energy is not None else 0.0)
    return np.asarray(total)


def test_energy_never_increases(relaxation):
    device, run = relaxation
    energy = energy_of(device, unstack(run.m))
    assert energy[0] - energy[-1] > 0.05
    assert np.max(np.diff(energy)) < 1e-15


def test_energy_decays_at_the_rate_of_the_damping(relaxation):
    device, run = relaxation
    energy, m = energy_of(device, unstack(run.m)), unstack(run.m)
    field = equation_of_motion(device).effective_field(m, lg.Vec3(0.0, 0.0, 0.0), 0.0)
    loss = device.alpha * device.gamma / (1 + device.alpha**2) * np.asarray(m.cross(field).norm2())
    measured = -(energy[2:] - energy[:-2]) / (2 * run.dt)
    assert np.max(np.abs(measured - loss[1:-1])) < 1e-4 * np.max(loss)
