"""What a trace can and cannot say: inseparable combinations, correlations, and a symmetry that singular values miss."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.physics import reference

import llgrad as lg
from llgrad.core.record import get_leaf, set_leaf
from llgrad.solve.saving import Every
from llgrad.solve.simulate import simulate

LEAVES = ("current", "polarization", "volume", "Ms", "H_k", "alpha", "field.z")
FIELDS = {"200 Oe": 20e-3, "2 kOe": 0.2}


def scaled(factors):
    """The reference device with each of LEAVES times (1 + factor)."""
    device = reference.STO
    for path, factor in zip(LEAVES, factors, strict=True):
        device = set_leaf(device, path, get_leaf(reference.STO, path) * (1 + factor))
    return device


def start(a):
    """At 200 Oe 1 rad off the pole; at 2 kOe on the settled orbit, as it crosses azimuth 0 (growth is slow there)."""
    if a == FIELDS["200 Oe"]:
        return lg.direction(1.0, 0.0)
    near = lg.direction(math.acos(reference.orbit(2.5e-3, a)[1]), 0.0)
    m = np.asarray(simulate(reference.STO.replace(field=(0.0, 0.0, a)), duration=60e-9, dt=1e-12, m0=near).m)
    crossing = np.flatnonzero((m[:-1, 1] < 0) & (m[1:, 1] >= 0))[-1]
    return lg.Vec3(*m[crossing + 1].tolist())


def trace(factors, a, m0):
    """20 ns sampled every 10 ps, (T · 3,)."""
    device = set_leaf(scaled(factors), "field.z", a * (1 + factors[-1]))
    return simulate(device, duration=20e-9, dt=1e-12, save=Every(10), m0=m0).m.reshape(-1)


@pytest.fixture(scope="module")
def jacobians():
    """∂m/∂ln(leaf) of the trace at both fields: {name: (T · 3, leaves)}."""
    sensitivity = jax.jit(jax.jacfwd(trace))
    return {name: np.asarray(sensitivity(jnp.zeros(7), a, start(a))) for name, a in FIELDS.items()}


def columns(jacobian, *names):
    return jacobian[:, [LEAVES.index(name) for name in names]]


def lost_directions(matrix):
    """Number of combinations that the data do not see: singular values below rounding."""
    values = np.linalg.svd(matrix / np.linalg.norm(matrix, axis=0), compute_uv=False)
    return int(np.sum(values < 1e-9 * values[0]))


def standard_errors(jacobian, noise=0.01):
    covariance = np.linalg.inv(jacobian.T @ jacobian) * noise**2
    errors = np.sqrt(np.diag(covariance))
    return errors, covariance / np.outer(errors, errors)


@pytest.mark.parametrize("name", FIELDS)
def test_current_polarisation_and_volume_cannot_be_told_apart(jacobians, name):
    assert lost_directions(columns(jacobians[name], "current", "polarization", "volume")) == 2


@pytest.mark.parametrize("name", FIELDS)
def test_nor_can_Ms_where_H_k_is_free(jacobians, name):
    j = jacobians[name]
    assert lost_directions(columns(j, "current", "polarization", "volume", "Ms", "H_k")) == 3
    assert lost_directions(columns(j, "current", "Ms")) == 0


@pytest.mark.parametrize("name", FIELDS)
def test_field_current_and_damping_can_be_told_apart(jacobians, name):
    assert lost_directions(columns(jacobians[name], "field.z", "current", "alpha")) == 0


def test_current_and_damping_are_correlated_at_2_kOe(jacobians):
    _, correlation = standard_errors(columns(jacobians["2 kOe"], "field.z", "current", "alpha"))
    assert correlation[1, 2] > 0.999


def test_less_so_at_200_Oe(jacobians):
    _, correlation = standard_errors(columns(jacobians["200 Oe"], "field.z", "current", "alpha"))
    assert 0.5 < abs(correlation[1, 2]) < 0.9


def test_cramer_rao_bounds_at_200_Oe(jacobians):
    """Noise 0.01 a sample, 10 ps sampling, 20 ns: relative errors of field, current and damping, given to one digit."""
    errors, _ = standard_errors(columns(jacobians["200 Oe"], "field.z", "current", "alpha"))
    assert errors == pytest.approx(np.array([9e-5, 1e-4, 1.9e-3]), rel=0.1)


def test_cramer_rao_bounds_at_2_kOe(jacobians):
    """The field is known best, current and damping equally badly: they shift together by 2e-3 to 5e-3, as m starts."""
    field, current, alpha = standard_errors(columns(jacobians["2 kOe"], "field.z", "current", "alpha"))[0]
    assert field == pytest.approx(2e-5, rel=0.1)
    assert current == pytest.approx(alpha, rel=0.05)
    assert 2e-3 < current < 5e-3


def test_a_table_of_frequencies_fixes_damping_over_torque_only():
    """f(I) at 2 kOe, the mean turning rate once the orbit has settled: α and η leave the same mark."""

    def rate(factors, current):
        device = set_leaf(scaled(factors), "field.z", FIELDS["2 kOe"])
        device = set_leaf(device, "current", current)
        u = jnp.interp(current, grid, jnp.asarray(cosines))
        m0 = jnp.stack([jnp.sqrt(1 - u * u), jnp.zeros(()), u])
        run = simulate(device, duration=60e-9, dt=2e-12, save=Every(5), m0=m0)
        late = jnp.unwrap(jnp.arctan2(run.my, run.mx))[2000:]
        return (late[-1] - late[0]) / (run.dt * (late.shape[0] - 1))

    grid = jnp.linspace(1.8e-3, 3.2e-3, 8)
    cosines = [reference.orbit(float(i), FIELDS["2 kOe"])[1] for i in grid]
    jacobian = np.asarray(jax.jit(jax.vmap(jax.jacfwd(rate), in_axes=(None, 0)))(jnp.zeros(7), grid))
    alpha, eta = columns(jacobian, "alpha", "polarization").T
    assert -(alpha @ eta) / math.sqrt((alpha @ alpha) * (eta @ eta)) > 0.999


def test_a_discrete_symmetry_leaves_mx_the_same():
    """(H_z, m_y, m_z) → −(H_z, m_y, m_z): the sign of the field cannot be found from m_x or the voltage."""
    m0 = lg.direction(0.4, 0.3)
    run = simulate(reference.STO, duration=10e-9, dt=5e-12, m0=m0)
    mirrored = simulate(
        reference.STO.replace(field=(0.0, 0.0, -20e-3)), duration=10e-9, dt=5e-12, m0=lg.Vec3(m0.x, -m0.y, -m0.z)
    )
    assert np.ptp(run.mx) > 1
    assert np.array_equal(np.asarray(run.m) * np.array([1.0, -1.0, -1.0]), np.asarray(mirrored.m))
