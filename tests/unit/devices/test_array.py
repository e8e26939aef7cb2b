"""Arrays: leaves for each oscillator, and the coupling against a sum written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.core.constants import MU_0
from llgrad.core.vector import unstack
from llgrad.physics.slonczewski import torque_per_ampere
from llgrad.solve.simulate import simulate

STO = lg.presets.kubota2013()
N = 4


@pytest.fixture
def weights(rng):
    return 3e-3 * rng.normal(size=(N, N)) * (1 - np.eye(N))


def test_every_leaf_has_one_value_for_each_oscillator():
    array = lg.OscillatorArray(STO.replace(current=np.linspace(2e-3, 3e-3, N)), N)
    assert {leaf.shape for leaf in jax.tree.leaves(array.oscillator)} == {(N,)}
    assert np.array_equal(array.oscillator.current, np.linspace(2e-3, 3e-3, N))
    assert np.array_equal(array.oscillator.alpha, np.full(N, 0.005))


def test_replace_takes_one_value_or_one_for_each(weights):
    array = lg.OscillatorArray(STO, N, lg.FieldCoupling(weights))
    changed = array.replace(current=1e-3, field=lg.Vec3(0.0, 0.0, np.arange(N) * 1e-3), coupling=None)
    assert np.array_equal(changed.oscillator.current, np.full(N, 1e-3))
    assert np.array_equal(changed.oscillator.field.z, np.arange(N) * 1e-3)
    assert changed.coupling is None
    assert array.replace(alpha=0.01).coupling is array.coupling


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: lg.OscillatorArray(STO, 0), "count = 0, expected the number of oscillators, a positive integer"),
        (lambda: lg.OscillatorArray(STO, 2.0), "count = 2.0, expected the number of oscillators"),
        (lambda: lg.OscillatorArray(STO.replace(alpha=np.full(3, 0.01)), 2), r"shape \(3,\), expected \(\) or \(2,\)"),
        (
            lambda: lg.OscillatorArray(STO, 2, lg.FieldCoupling(np.eye(3))),
            "coupling is for 3 oscillators, this array has 2",
        ),
        (lambda: lg.FieldCoupling(np.zeros((2, 3))), r"weights has the shape \(2, 3\), expected a square"),
        (lambda: lg.FieldCoupling(np.zeros(3)), r"weights has the shape \(3,\), expected a square"),
    ],
)
def test_what_cannot_be_an_array_gets_a_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def test_the_coupling_is_a_sum_over_the_others(weights, rng):
    m = rng.normal(size=(N, 3))
    field = lg.FieldCoupling(weights).field(unstack(m))
    written_out = [sum(weights[i, j] * m[j, 0] for j in range(N)) for i in range(N)]
    assert np.asarray(field.x) == pytest.approx(written_out)
    assert not np.any(field.y) and not np.any(field.z)


def brute_force(currents, weights, m0, steps, dt):
    """RK4 without projection of N coupled devices, every term written out in NumPy."""
    b = STO.H_k - MU_0 * STO.Ms
    per_ampere = torque_per_ampere(STO.polarization, STO.Ms, STO.volume)
    p = np.array([1.0, 0.0, 0.0])

    def slope(m):
        out = np.empty_like(m)
        for i in range(N):
            B = np.array([sum(weights[i, j] * m[j, 0] for j in range(N)), 0.0, STO.field.z + b * m[i, 2]])
            B += per_ampere * currents[i] / (1 + STO.lambda_ * m[i, 0]) * np.cross(p, m[i])
            torque = np.cross(m[i], B)
            out[i] = -STO.gamma / (1 + STO.alpha**2) * (torque + STO.alpha * np.cross(m[i], torque))
        return out

    m = m0.copy()
    for _ in range(steps):
        k1 = slope(m)
        k2 = slope(m + dt / 2 * k1)
        k3 = slope(m + dt / 2 * k2)
        k4 = slope(m + dt * k3)
        m = m + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return m


def test_a_coupled_run_against_loops(weights, rng):
    currents = np.linspace(2e-3, 3e-3, N)
    m0 = rng.normal(size=(N, 3))
    m0 /= np.linalg.norm(m0, axis=1, keepdims=True)
    array = lg.OscillatorArray(STO.replace(current=currents), N, lg.FieldCoupling(weights))
    run = simulate(array, duration=50 * 4e-12, dt=4e-12, m0=m0, stepper=lg.solvers.RK4(project=False))
    assert run.m.shape == (51, N, 3)
    assert np.asarray(run.m[-1]) == pytest.approx(brute_force(currents, weights, m0, 50, 4e-12), abs=1e-12)
    assert np.abs(brute_force(currents, 0 * weights, m0, 50, 4e-12) - run.m[-1]).max() > 1e-3


def test_uncoupled_oscillators_are_alone():
    currents = np.array([2e-3, 2.5e-3])
    array = simulate(lg.OscillatorArray(STO.replace(current=currents), 2), duration=0.5e-9, dt=2e-12)
    for i, current in enumerate(currents):
        alone = simulate(STO.replace(current=float(current)), duration=0.5e-9, dt=2e-12)
        assert np.asarray(array.m[:, i]) == pytest.approx(np.asarray(alone.m), abs=1e-13)


def test_an_array_keeps_no_state_between_runs():
    array = lg.OscillatorArray(STO, 2, lg.FieldCoupling(np.full((2, 2), 1e-3)))
    first, second = (simulate(array, duration=0.1e-9, dt=2e-12) for _ in range(2))
    assert np.array_equal(first.m, second.m)


def test_each_oscillator_has_its_own_noise(key):
    array = lg.OscillatorArray(STO.replace(temperature=300.0), 2)
    run = simulate(array, duration=0.2e-9, dt=1e-12, key=key)
    assert np.abs(run.m[:, 0] - run.m[:, 1]).max() > 1e-3
    longer = lg.OscillatorArray(STO.replace(temperature=300.0), 3)
    more = simulate(longer, duration=0.2e-9, dt=1e-12, key=key)
    assert np.asarray(more.m[:, :2]) == pytest.approx(np.asarray(run.m), abs=1e-13)


def test_traced_settings_of_each_oscillator():
    def mz(current):
        array = lg.OscillatorArray(STO.replace(current=current), 2)
        return simulate(array, duration=0.1e-9, dt=2e-12).mz[-1].sum()

    assert bool(jnp.isfinite(jax.grad(mz)(2.5e-3)))
    assert jax.grad(mz)(jnp.array([2e-3, 3e-3])).shape == (2,)
