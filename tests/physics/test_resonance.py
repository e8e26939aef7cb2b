"""FMR: the small-angle frequency of every common geometry, and the field line width 2αω/γ."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.physics import reference

import llgrad as lg
from llgrad.core.constants import MU_0
from llgrad.core.vector import unstack
from llgrad.physics.equation import equation_of_motion
from llgrad.solve.saving import Every
from llgrad.solve.simulate import simulate

GAMMA, B = reference.STO.gamma, reference.B
M = 0.8
"""µ0 Ms [T] of the layers that have no anisotropy."""


class Geometry(NamedTuple):
    """Field [T], H_k [T], demagnetising factors, the equilibrium's elevation from x towards z [rad], and ω/γ [T]."""

    field: tuple[float, float, float]
    H_k: float
    factors: tuple[float, float, float]
    elevation: float
    expected: float


def ellipsoid(field, nx, ny, nz):
    return Geometry((field, 0, 0), 0.0, (nx, ny, nz), 0.0, math.sqrt((field + (ny - nx) * M) * (field + (nz - nx) * M)))


GEOMETRIES = {
    "easy axis, 200 Oe": Geometry((0, 0, 20e-3), M + B, (0, 0, 1), math.pi / 2, 20e-3 + B),
    "easy axis, 2 kOe": Geometry((0, 0, 0.2), M + B, (0, 0, 1), math.pi / 2, 0.2 + B),
    "in-plane field below b": Geometry(
        (15e-3, 0, 0), M + B, (0, 0, 1), math.acos(15e-3 / B), math.sqrt(B**2 - 15e-3**2)
    ),
    "in-plane field above b": Geometry((60e-3, 0, 0), M + B, (0, 0, 1), 0.0, math.sqrt(60e-3 * (60e-3 - B))),
    "in-plane film": Geometry((50e-3, 0, 0), 0.0, (0, 0, 1), 0.0, math.sqrt(50e-3 * (50e-3 + M))),
    "ellipsoid": ellipsoid(50e-3, 0.1, 0.25, 0.65),
}


def device_of(g: Geometry) -> lg.Oscillator:
    return lg.Oscillator(Ms=M / MU_0, volume=2e-23, alpha=0.0, gamma=GAMMA, H_k=g.H_k, demag=g.factors, field=g.field)


@pytest.fixture(scope="module")
def precessions():
    """30 ns of each geometry, started 0.1° off its equilibrium in the x–z plane, without damping."""
    devices = [device_of(g) for g in GEOMETRIES.values()]
    tilt = [g.elevation + math.radians(0.1) for g in GEOMETRIES.values()]
    start = jnp.array([[math.cos(e), 0.0, math.sin(e)] for e in tilt])
    stacked = jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf, float) for leaf in leaves]), *devices)
    run = jax.jit(jax.vmap(lambda d, m0: simulate(d, duration=30e-9, dt=1e-12, save=Every(5), m0=m0)))
    runs = run(stacked, start)
    return dict(zip(GEOMETRIES, np.asarray(runs.m), strict=True)), runs.dt


@pytest.mark.parametrize("name", GEOMETRIES)
def test_frequency(precessions, name):
    runs, dt = precessions
    expected = GAMMA * GEOMETRIES[name].expected / (2 * math.pi)
    assert reference.frequency(runs[name][:, 1], dt) == pytest.approx(expected, rel=2e-5)


def test_the_reference_device():
    for field, expected in ((20e-3, 1.7298e9), (0.2, 6.7833e9)):
        assert GAMMA * (field + B) / (2 * math.pi) == pytest.approx(expected, abs=5e4)


def absorption(a, alpha, omega: float):
    """Im χ at the field a along z for a field that turns with m, from the linearised equation of motion."""
    equation = equation_of_motion(reference.with_leaves(reference.STO, current=0.0, alpha=alpha, field_z=a))
    still, pole, nothing = lg.Vec3(0.0, 0.0, 0.0), jnp.array([0.0, 0.0, 1.0]), jnp.zeros(3)

    def slope(m, h):
        return equation(unstack(m), still + unstack(h), 0.0).stack()

    relaxation = jax.jacfwd(lambda m: slope(m, nothing))(pole)[:2, :2]
    drive = jax.jacfwd(lambda h: slope(pole, h))(nothing)[:2, :2]
    rate = 1j * omega * 1e-9 * jnp.eye(2, dtype=complex) + relaxation.astype(complex)
    response = jnp.linalg.solve(rate, drive.astype(complex) @ jnp.array([1, 1j]))
    return jnp.abs((response @ jnp.array([1, -1j])).imag)


@pytest.mark.parametrize("alpha", [0.002, 0.01])
def test_line_width(alpha):
    """Full width at half maximum in field at a fixed frequency, 2αω/γ."""
    resonance, omega = 0.3 - B, GAMMA * 0.3
    width = 2 * alpha * omega / GAMMA
    fields = resonance + np.linspace(-3, 3, 3001) * width
    curve = np.asarray(jax.jit(jax.vmap(lambda a: absorption(a, alpha, omega)))(fields))
    above = fields[curve >= curve.max() / 2]
    assert above[-1] - above[0] == pytest.approx(width, rel=0.003)
    assert fields[np.argmax(curve)] == pytest.approx(resonance, abs=0.005 * width)
