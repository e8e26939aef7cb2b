"""`simulate` converts, checks, then runs: the shapes that come back, and the sentence for what cannot be meant."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.drives.constant import Constant
from llgrad.drives.drive import Drive
from llgrad.drives.sampled import Sampled
from llgrad.drives.sine import Sine
from llgrad.solve.saving import Every
from llgrad.solve.simulate import simulate

STO = lg.presets.kubota2013()
HOT = STO.replace(temperature=300.0)


@pytest.mark.parametrize(
    ("model", "settings", "sentence"),
    [
        (STO, {"duration": -1e-9}, "duration = -1e-09, expected a time in seconds, zero or more, such as 20e-9"),
        (STO, {"duration": float("inf")}, "duration = inf, expected a time in seconds"),
        (STO, {"duration": 20.0}, "it is in seconds: 20 ns is 20e-9"),
        (HOT, {"duration": 1e-9}, r"temperature = 300 K needs random numbers; give key=jax.random.key\(0\)"),
        ("kubota2013", {"duration": 1e-9}, "expected an Oscillator or an OscillatorArray, got str; see llgrad.presets"),
        (STO.replace(alpha=np.array([0.1, 0.2])), {"duration": 1e-9}, "for N coupled devices use OscillatorArray"),
    ],
)
def test_what_cannot_be_meant_gets_a_sentence(model, settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        simulate(model, **settings)


def test_the_duration_is_known_before_the_run():
    with pytest.raises(ValueError, match="duration is traced; it sets the number of steps"):
        jax.jit(lambda d: simulate(STO, duration=d, dt=1e-12).m)(1e-9)


def test_the_shapes_of_a_run():
    run = simulate(STO, duration=1e-10, dt=1e-12, save=Every(10))
    assert (run.t.shape, run.m.shape, run.mx.shape) == ((11,), (11, 3), (11,))
    assert np.array_equal(run.m, np.stack([run.mx, run.my, run.mz], axis=-1))
    assert run.dt == pytest.approx(1e-11)
    assert float(run.t[-1]) == pytest.approx(1e-10)
    assert (run.stats.stepper, run.stats.steps, run.stats.save_every) == ("RK4", 100, 10)
    array = simulate(lg.OscillatorArray(STO, 2), duration=1e-10, dt=1e-12)
    assert array.m.shape == (101, 2, 3)
    assert array.mz.shape == (101, 2)


def test_a_run_remembers_its_model_and_drive():
    drive = Drive(current=Sine(1e-4, frequency=1e9))
    run = simulate(STO, duration=1e-11, dt=1e-12, drive=drive)
    assert run.model is STO
    assert run.drive is drive
    assert "10 steps of 1 ps, saved every 1" in repr(run)


def test_noise_takes_heun():
    run = simulate(HOT, duration=1e-11, dt=1e-12, key=jax.random.key(0))
    assert run.stats.stepper == "Heun"


def test_a_key_without_temperature_is_the_cold_run():
    cold = simulate(STO, duration=1e-10, dt=1e-12, stepper=lg.solvers.Heun())
    keyed = simulate(STO, duration=1e-10, dt=1e-12, key=jax.random.key(0))
    assert np.asarray(cold.m) == pytest.approx(np.asarray(keyed.m), abs=1e-14)


def test_noise_does_not_depend_on_what_is_saved():
    settings = {"duration": 3e-10, "dt": 1e-12, "key": jax.random.key(2)}
    every, sparse = simulate(HOT, **settings), simulate(HOT, save=Every(30), **settings)
    assert np.asarray(every.m[::30]) == pytest.approx(np.asarray(sparse.m), abs=1e-13)


def test_batches_come_first():
    run = jax.vmap(lambda i: simulate(STO.replace(current=i), duration=1e-10, dt=1e-12))(jnp.array([1e-3, 2e-3, 3e-3]))
    assert run.m.shape == (3, 101, 3)
    alone = simulate(STO.replace(current=2e-3), duration=1e-10, dt=1e-12)
    assert np.asarray(run.m[1]) == pytest.approx(np.asarray(alone.m), abs=1e-14)


def test_each_oscillator_has_its_own_input_field():
    array = lg.OscillatorArray(STO, 2)
    values = np.array([[0.0, 0.0], [5e-3, -5e-3]])
    run = simulate(array, duration=1e-10, dt=1e-12, drive=Drive(field_x=Sampled([0.0, 1e-10], values)))
    for i in range(2):
        drive = Drive(field_x=Sampled([0.0, 1e-10], values[:, i]))
        alone = simulate(STO, duration=1e-10, dt=1e-12, drive=drive)
        assert np.asarray(run.m[:, i]) == pytest.approx(np.asarray(alone.m), abs=1e-14)


def test_a_driven_current_adds_to_the_direct_one():
    driven = simulate(STO.replace(current=2e-3), duration=1e-10, dt=1e-12, drive=Drive(current=Constant(0.5e-3)))
    assert np.asarray(driven.m) == pytest.approx(np.asarray(simulate(STO, duration=1e-10, dt=1e-12).m), abs=1e-14)


@pytest.mark.float32
def test_the_float_type_is_the_default_one():
    run = simulate(STO, duration=1e-10, dt=1e-12)
    assert (run.m.dtype, run.t.dtype) == (np.float32, np.float32)
    with jax.enable_x64(True):
        assert simulate(STO, duration=1e-10, dt=1e-12).m.dtype == np.float64
