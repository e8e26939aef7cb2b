"""All fixed points: laws of their number, where they are, derivatives, and sentences where there are none."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.orbits.systems import Lorenz, Pair
from tests.unit.solve.systems import MEMBERS

import llgrad as lg
from llgrad.core.constants import MU_0
from llgrad.orbits.equilibria.cover import left_over
from llgrad.orbits.equilibria.domain import domain_of
from llgrad.orbits.equilibria.search import covering, find
from llgrad.orbits.flow import flow_of
from llgrad.physics.slonczewski import torque_per_ampere

STO = lg.presets.kubota2013()
SKEW = STO.replace(field=(0.01, 0.02, 0.003))
B = STO.H_k - MU_0 * STO.Ms
MOMENT = STO.Ms * STO.volume
DEVICES = {
    "at rest": STO.replace(current=0.3e-3),
    "oscillating": STO,
    "beyond death": STO.replace(current=3.6e-3),
    "skew": SKEW.replace(current=0.3e-3),
    "skew, no current": SKEW.replace(current=0.0),
    "field-like": SKEW.replace(field_like=0.4, current=-2e-3, demag=(0.02, 0.05, 0.93)),
    "strong field": STO.replace(field=(0.0, 0.3, 0.4), H_k2=0.1),
    "one more term": SKEW.replace(terms=(lg.physics.UniaxialAnisotropy(H_k=0.03),)),
}


@pytest.mark.parametrize("name", DEVICES)
def test_the_indices_add_up_to_two_and_no_cell_is_left(name):
    """Poincaré and Hopf: on a sphere there are two more foci and nodes than saddles."""
    found = lg.equilibria(DEVICES[name])
    assert found.complete, found.notes
    assert sum(point.index for point in found) == 2


@pytest.mark.parametrize("name", MEMBERS)
def test_nothing_moves_in_the_fixed_points_of_any_system(name):
    found = lg.equilibria(MEMBERS[name], time=0.0 if name == "Stack" else None)
    assert found.complete and len(found), found.notes
    flow = flow_of(MEMBERS[name], 0.0 if name == "Stack" else None)
    fastest = max(np.abs(point.matrix).max() for point in found)
    for point in found:
        assert np.abs(np.asarray(flow.slope(jnp.asarray(point.y)))).max() < 1e-10 * fastest
        assert jax.tree.structure(point.state) == jax.tree.structure(MEMBERS[name].start())


def test_a_fixed_point_that_was_missed_is_found_cell_by_cell():
    flow = flow_of(DEVICES["skew"])
    domain = domain_of(flow, None)
    starts = covering(flow, domain.centre, domain.half_width, 256)
    all_ = find(flow, starts).states
    assert len(all_) == 4
    rest = left_over(flow, domain, all_[:1], starts)
    assert not len(rest.centres)
    for state in all_[1:]:
        assert np.abs(rest.missed - state).max(axis=1).min() < 1e-9


def test_energies_are_those_of_the_closed_form():
    """E = −Ms V (a u + ½ b u²) with u = m_z: from the upper pole to the lower, and to the circle u = −a/b."""
    up, down, circle = lg.equilibria(STO.replace(current=0.0))
    a = STO.field.z
    assert up.energy == 0.0
    assert down.energy == pytest.approx(2 * MOMENT * a, rel=1e-12)
    assert circle.curve and circle.energy == pytest.approx(MOMENT * (a + B) ** 2 / (2 * B), rel=1e-12)
    assert circle.y[2] == pytest.approx(-a / B, rel=1e-12)
    assert [point.energy is None for point in lg.equilibria(STO)] == [True, True], "a spin torque has no energy"


def test_an_easy_plane_is_a_curve_of_states_that_are_stable_across():
    plane, *poles = lg.equilibria(STO.replace(current=0.0, H_k=1.7, field=(0.0, 0.0, 0.0)))
    assert plane.curve and plane.kind == "stable" and not plane.stable
    assert [pole.kind for pole in poles] == ["unstable", "unstable"]


def test_beyond_death_the_layer_lies_in_the_plane():
    """m_z = 0, m_y = −a/B_s and |m| = 1: PHYSICS of oscillation death; it lies antiparallel to the polariser."""
    device = STO.replace(current=3.6e-3)
    (rest,) = lg.equilibria(device).stable
    k = STO.field.z / (torque_per_ampere(STO.polarization, STO.Ms, STO.volume) * 3.6e-3)
    x, y, z = rest.state
    assert (abs(z) < 1e-12) and y == pytest.approx(-k * (1 + STO.lambda_ * x), rel=1e-11)
    assert x**2 + y**2 == pytest.approx(1.0, rel=1e-12)
    run = lg.simulate(device, duration=40e-9, dt=5e-12)
    assert np.abs(np.asarray(run.m[-1]) - rest.state).max() < 1e-6


@pytest.mark.parametrize("alpha", [0.005, 0.3])
@pytest.mark.parametrize(
    ("field", "factors"),
    [((0.0, 0.0, 0.02), (0.0, 0.0, 1.0)), ((0.3, 0.0, 0.0), (0.0, 0.0, 1.0)), ((0.3, 0.0, 0.0), (0.02, 0.03, 0.95))],
)
def test_frequency_width_and_ellipticity_are_kittels(alpha, field, factors):
    """With the stiffness fields H₁, H₂ across m: |λ|² = γ² H₁H₂/(1+α²), −Re λ = αγ(H₁+H₂)/(2(1+α²)), axes as √H₁ to
    √H₂.

    C. Kittel, Phys. Rev. 73, 155 (1948); the field's line width 2αω/γ is that of H₁ + H₂.
    """
    device = STO.replace(alpha=alpha, field=field, demag=factors, current=0.0)
    axis = int(np.argmax(field))
    point = next(point for point in lg.equilibria(device) if point.y[axis] > 1 - 1e-9)
    own = np.array([-MU_0 * STO.Ms * n for n in factors]) + np.array([0.0, 0.0, STO.H_k])
    along = max(field) + own[axis]
    stiff = [along - own[i] for i in range(3) if i != axis]
    gamma = STO.gamma / (1 + alpha**2)
    size, decay = gamma * math.sqrt(stiff[0] * stiff[1] * (1 + alpha**2)), alpha * gamma * sum(stiff) / 2
    assert point.widths[0] == pytest.approx(decay / math.pi, rel=1e-11)
    if decay < size:
        assert point.frequencies[0] == pytest.approx(math.sqrt(size**2 - decay**2) / math.tau, rel=1e-11)
    if alpha < 0.01:
        expected = math.sqrt(min(stiff) / max(stiff))
        assert point.ellipticities[0, 0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("exchange", [0.03, -0.05])
def test_two_layers_ring_as_smit_and_beljers_have_it(exchange):
    """J. Smit, H. G. Beljers, Philips Res. Rep. 10, 113 (1955): without damping, ω from the second derivatives of E
    by the
    angles of both layers, (γ/sin θ)² det: here as the eigenvalues of that matrix, independently of the rate."""
    device = Pair(exchange=exchange, anisotropy=-0.4, field_x=0.2)
    point = next(p for p in lg.equilibria(device) if p.kind == "neutral" and np.abs(p.eigenvalues.imag).min() > 0)

    def energy(angles):
        (t1, p1), (t2, p2) = angles
        m = [jnp.stack([jnp.sin(t) * jnp.cos(p), jnp.sin(t) * jnp.sin(p), jnp.cos(t)]) for t, p in ((t1, p1), (t2, p2))]
        plane = sum(-device.anisotropy / 2 * part[2] ** 2 - device.field_x * part[0] for part in m)
        return plane - exchange * jnp.dot(m[0], m[1])

    m = point.y.reshape(2, 3)
    angles = jnp.asarray([[math.acos(part[2]), math.atan2(part[1], part[0])] for part in m])
    slopes = np.asarray(jax.hessian(energy)(angles)).reshape(4, 4)
    turn = np.zeros((4, 4))
    for k in range(2):
        sine = math.sin(float(angles[k, 0]))
        turn[2 * k, 2 * k + 1], turn[2 * k + 1, 2 * k] = -1 / sine, 1 / sine
    omega = np.sort(np.linalg.eigvals(device.gamma * turn @ slopes).imag)[2:]
    assert np.sort(point.frequencies) == pytest.approx(omega / math.tau, rel=1e-9)


def test_lorenz_has_three_fixed_points():
    found = lg.equilibria(Lorenz())
    c = math.sqrt(8 / 3 * 27)
    where = sorted(tuple(point.state.values()) for point in found)
    assert np.array(where) == pytest.approx(np.array([(-c, -c, 27.0), (0.0, 0.0, 0.0), (c, c, 27.0)]), abs=1e-9)
    assert sorted(point.index for point in found) == [-1, -1, 1]


def test_every_result_has_its_derivative():
    """Implicit function theorem and perturbation against differences, in field, damping and anisotropy at once."""

    def results(values):
        device = STO.replace(current=0.0, field=lg.Vec3(values[0], 0.02, 0.003), alpha=values[1], H_k=values[2])
        first, second, *_ = lg.equilibria(device)
        scaled = [first.frequencies[0] / 1e9, first.widths[0] / 1e7, first.ellipticities[0, 0], second.energy / 1e-19]
        return jnp.stack([jnp.asarray(part) for part in (*scaled, first.growth / 1e7, *second.state)])

    at = jnp.array([0.01, 0.02, STO.H_k])
    slope = np.asarray(jax.jacfwd(results)(at))
    for i in range(3):
        step = 1e-5
        wide, narrow = ((results(at.at[i].add(h)) - results(at.at[i].add(-h))) / (2 * h) for h in (2 * step, step))
        difference = (4 * narrow - wide) / 3
        assert slope[:, i] == pytest.approx(np.asarray(difference), rel=1e-7, abs=1e-8)


@pytest.mark.float32
def test_under_jaxs_own_defaults_values_are_those_of_float64():
    point = lg.equilibria(STO.replace(current=0.0))[0]
    assert point.frequencies[0] == pytest.approx(
        STO.gamma * (STO.field.z + B) / (1 + STO.alpha**2) / math.tau, rel=1e-13
    )

    def frequency(field):
        return lg.equilibria(STO.replace(current=0.0, field=lg.Vec3(field, 0.0, 0.01)))[0].frequencies[0]

    difference = (frequency(0.015 + 1e-6) - frequency(0.015 - 1e-6)) / 2e-6
    assert float(jax.grad(frequency)(0.015)) == pytest.approx(difference, rel=1e-4)


def test_an_array_is_searched_as_a_whole():
    """Two alike, coupled along x, in a field along x: m_x = H_x/(b − W) where both lie up, by symmetry."""
    weights = 1e-3 * (np.ones((2, 2)) - np.eye(2))
    single = STO.replace(current=0.0, field=(0.01, 0.0, 0.0))
    found = lg.equilibria(lg.OscillatorArray(single, 2, lg.FieldCoupling(weights)))
    assert found.complete and len(found) == 16 and len(found.stable) == 4
    assert found[0].state.shape == (2, 3)
    assert found[0].state[:, 0] == pytest.approx(0.01 / (B - 1e-3), rel=1e-12)
    assert all(point.energy is not None for point in found)


def refused(call):
    with pytest.raises(ValueError) as error:
        call()
    return str(error.value)


def test_what_cannot_be_answered_is_a_sentence():
    free = STO.replace(current=0.0, field=(0.0, 0.0, 0.0), H_k=0.0, demag=(0.0, 0.0, 0.0))
    frequency = lambda i: lg.equilibria(SKEW.replace(current=i))[0].frequencies[0]  # noqa: E731
    twins = lambda h: lg.equilibria(lg.OscillatorArray(STO.replace(current=0.0, field=lg.Vec3(0.01, 0.0, h)), 2))[0]  # noqa: E731
    assert "every state is an equilibrium" in refused(lambda: lg.equilibria(free))
    assert "inside jax.jit or jax.vmap" in refused(lambda: jax.jit(frequency)(1e-4))
    assert "can be differentiated once" in refused(lambda: jax.hessian(frequency)(1e-4))
    assert "depends on the time" in refused(lambda: lg.equilibria(MEMBERS["Stack"]))
    assert "within has 'm'" in refused(lambda: lg.equilibria(STO, within={"m": (0, 1)}))
    assert "low < high" in refused(lambda: lg.equilibria(MEMBERS["Hopf"], within={"re": (1, 0)}))
    assert "expected an Oscillator" in refused(lambda: lg.equilibria(3.0))
    assert "starts = 0" in refused(lambda: lg.equilibria(STO, starts=0))
    assert "is for a System" in refused(lambda: lg.equilibria(STO, time=0.0))
    assert "neither has a derivative" in refused(lambda: jax.grad(lambda h: twins(h).frequencies[0])(0.003))
    upright = lambda h: lg.equilibria(STO.replace(current=0.0, field=lg.Vec3(0.0, 0.0, h)))[0].energy  # noqa: E731
    assert "has no derivative" in refused(lambda: jax.grad(upright)(0.02))
