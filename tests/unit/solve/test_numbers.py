"""A number is a number, whichever library made it: in every argument of `simulate`, drive and record."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.core.record import quantity
from llgrad.devices.array import OscillatorArray
from llgrad.experiments.rectification import Microwave
from llgrad.experiments.simulated_rectification import _drive

STO = lg.presets.kubota2013()
KINDS = {
    "float64": np.float64,
    "float32": np.float32,
    "array": np.asarray,
    "jax": jnp.asarray,
}
COUNTS = {"int64": np.int64, "int32": np.int32, "uint8": np.uint8, "array": np.asarray, "jax": jnp.asarray}


def grid(**settings):
    run = lg.simulate(
        STO, engine=lg.solvers.XLA(), **({"duration": 8e-12, "dt": 1e-12, "save": lg.Every(2)} | settings)
    )
    return run.stats.steps, run.m.shape, type(run.stats.dt)


@pytest.mark.parametrize("kind", KINDS)
def test_duration_and_step(kind):
    number = KINDS[kind]
    assert grid(duration=number(8e-12), dt=number(1.001e-12)) == grid(dt=1.001e-12)


@pytest.mark.float32
@pytest.mark.parametrize("kind", KINDS)
def test_duration_and_step_in_float32(kind):
    assert grid(duration=KINDS[kind](8e-12), dt=KINDS[kind](1.001e-12)) == grid(dt=1.001e-12)


@pytest.mark.parametrize("kind", COUNTS)
def test_counts(kind):
    number = COUNTS[kind]
    assert grid(save=lg.Every(number(2))) == grid()
    assert lg.Every(number(2)) == lg.Every(2)
    assert OscillatorArray(STO, number(3)).count == 3
    assert lg.solvers.Diffrax(max_steps=number(99)).max_steps == 99


@pytest.mark.parametrize("wrong", [True, 2.0, np.float64(2.0), np.array([2, 3]), "2", np.int64(0)])
def test_what_is_no_count_is_refused(wrong):
    with pytest.raises(ValueError, match="expected a positive number of steps"):
        lg.Every(wrong)


@pytest.mark.parametrize("wrong", [True, np.array([1e-12, 2e-12]), "1e-12", -1e-12])
def test_what_is_no_time_is_refused(wrong):
    with pytest.raises(ValueError, match="expected a time in seconds"):
        lg.simulate(STO, duration=wrong, dt=1e-12)
    with pytest.raises(ValueError, match=r"dt = .*expected a positive number"):
        lg.simulate(STO, duration=4e-12, dt=wrong)


RECORDS = {
    "Sine": lambda one, zero: lg.Sine(one(1), one(10**9), one(5)),
    "Step": lambda one, zero: lg.drives.Step(one(1), zero(0)),
    "Pulse": lambda one, zero: lg.Pulse(one(1), zero(0), 1e-9),
    "Chirp": lambda one, zero: lg.drives.Chirp(one(1), one(10**9), one(2 * 10**9), 1e-9, one(5)),
    "Constant": lambda one, zero: lg.drives.Constant(one(1)),
}


@pytest.mark.parametrize("name", RECORDS)
def test_whole_numbers_in_drives(name):
    times = jnp.asarray([0.3e-9, 0.9e-9])
    expected = RECORDS[name](float, float)
    for kind in (int, np.int64, np.float32, np.asarray, jnp.asarray):
        found = RECORDS[name](kind, kind)
        assert all(jnp.issubdtype(jnp.result_type(leaf), jnp.floating) for leaf in jax.tree.leaves(found))
        np.testing.assert_allclose(found(times), expected(times), rtol=1e-6)
        np.testing.assert_allclose(found.peak(), expected.peak())


class Number(lg.physics.FieldTerm):
    value: float = quantity("T")

    def field(self, m, inputs):
        return lg.Vec3(self.value * m.x, 0.0 * m.y, 0.0 * m.z)


@pytest.mark.parametrize("kind", [int, np.int64, np.uint8, np.float32, np.asarray, jnp.asarray])
def test_whole_numbers_in_records(kind):
    assert float(Number(kind(3)).value) == 3.0
    assert jnp.issubdtype(jnp.result_type(Number(kind(3)).value), jnp.floating)


@pytest.mark.parametrize("phase", [5, 5.0, np.int64(6), -6.2, 0.0])
def test_every_phase_of_a_microwave_within_a_turn_can_be_simulated(phase):
    driven = _drive(Microwave(current=1e-4, field=(0.0, 0.0, 1e-3), phase=phase), 5e9).field_z
    times = np.array([0.0, 3e-11, 8e-11])
    np.testing.assert_allclose(driven(times), 1e-3 * np.cos(2 * np.pi * 5e9 * times + phase), atol=1e-12)


def test_a_phase_of_a_microwave_in_degrees_is_refused():
    with pytest.raises(ValueError, match="phases are in radians"):
        Microwave(phase=90)
