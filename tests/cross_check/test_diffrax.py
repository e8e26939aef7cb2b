"""The Diffrax engine against the XLA engine: trajectories, gradients, coupling, drives, and the same noise."""

import subprocess
import sys

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.devices.array import OscillatorArray
from llgrad.drives.drive import Drive
from llgrad.drives.sine import Sine
from llgrad.drives.step import Step
from llgrad.solve.diffrax_engine import Diffrax
from llgrad.solve.saving import End, Every
from llgrad.solve.simulate import simulate

STO = lg.presets.kubota2013()
TIGHT = Diffrax(rtol=1e-10, atol=1e-12)
START = lg.direction(1.0, 0.4)
DRIVE = Drive(current=Step(5e-4, start=0.5e-9, rise_time=50e-12), field_x=Sine(3e-3, frequency=3e9))


def array(rng) -> OscillatorArray:
    weights = 2e-3 * rng.normal(size=(3, 3)) * (1 - np.eye(3))
    return OscillatorArray(STO.replace(current=np.array([2e-3, 2.5e-3, 3e-3])), 3, lg.FieldCoupling(weights))


def both(model, **settings):
    """The same run by each engine, as NumPy arrays."""
    settings = {"duration": 3e-9, "dt": 1e-12, "m0": START, **settings}
    reference = simulate(model, stepper=lg.solvers.DormandPrince5(project=False), **settings)
    return np.asarray(simulate(model, engine=TIGHT, **settings).m), np.asarray(reference.m)


@pytest.mark.parametrize("save", [Every(100), End()], ids=repr)
def test_a_driven_oscillator(save):
    adaptive, fixed = both(STO, drive=DRIVE, save=save)
    assert adaptive.shape == fixed.shape
    assert adaptive == pytest.approx(fixed, abs=2e-8)


def test_a_coupled_array(rng):
    adaptive, fixed = both(array(rng), drive=DRIVE, save=Every(100))
    assert adaptive == pytest.approx(fixed, abs=2e-8)


def test_a_run_says_what_took_the_steps():
    run = simulate(STO, duration=0.2e-9, dt=1e-12, engine=Diffrax(solver=diffrax.Dopri5()))
    assert (run.stats.engine, run.stats.stepper) == ("Diffrax", "Dopri5")


def test_nothing_is_projected():
    run = simulate(STO, duration=3e-9, dt=1e-12, m0=START, save=Every(100), engine=Diffrax(rtol=1e-5, atol=1e-7))
    error = np.abs(np.linalg.norm(run.m, axis=-1) - 1).max()
    assert 1e-8 < error < 1e-3


def test_gradients_of_an_array(rng):
    """Both modes of diffrax, with respect to weights, current, damping and start."""
    model = array(rng)

    def end(x, engine):
        oscillator = model.oscillator.replace(current=2.5e-3 * (1 + x["current"]), alpha=0.005 * (1 + x["alpha"]))
        coupled = OscillatorArray(
            oscillator, 3, lg.FieldCoupling(jnp.asarray(model.coupling.weights) + 1e-3 * x["weights"])
        )
        m0 = lg.direction(1.0 + x["theta"], jnp.array([0.1, 0.7, 1.9]))
        settings = {"duration": 0.5e-9, "dt": 1e-12, "m0": m0, "save": End()}
        stepper = lg.solvers.DormandPrince5(project=False)
        return jnp.sum(simulate(coupled, engine=engine, stepper=stepper, **settings).m[..., :2])

    x = {"current": jnp.zeros(3), "alpha": jnp.zeros(3), "theta": jnp.zeros(3), "weights": jnp.zeros((3, 3))}
    expected = jax.jit(jax.grad(lambda x: end(x, None)))(x)
    for mode in (jax.grad, jax.jacfwd):
        found = jax.jit(mode(lambda x: end(x, TIGHT)))(x)
        for name in x:
            scale = np.abs(expected[name]).max()
            assert np.asarray(found[name]) / scale == pytest.approx(np.asarray(expected[name]) / scale, abs=2e-7), name


def test_the_checkpointed_adjoint():
    def end(current, adjoint):
        engine = Diffrax(adjoint=adjoint)
        return simulate(
            STO.replace(current=current), duration=0.5e-9, dt=1e-12, m0=START, save=End(), engine=engine
        ).mx[0]

    found = jax.jit(jax.grad(lambda i: end(i, diffrax.RecursiveCheckpointAdjoint())))(2.5e-3)
    assert float(found) == pytest.approx(
        float(jax.jit(jax.jacfwd(lambda i: end(i, diffrax.ForwardMode())))(2.5e-3)), rel=1e-8
    )


def test_the_same_noise(rng, key):
    """Heun on the same grid with the same thermal field, as a Stratonovich equation: to rounding."""
    model = array(rng).replace(temperature=300.0)
    settings = {"duration": 0.5e-9, "dt": 1e-12, "m0": START, "key": key, "drive": DRIVE}
    by_diffrax = np.asarray(simulate(model, engine=Diffrax(), **settings).m)
    by_scan = np.asarray(simulate(model, stepper=lg.solvers.Heun(project=False), **settings).m)
    cold = np.asarray(simulate(model.replace(temperature=0.0), stepper=lg.solvers.Heun(), **settings).m)
    assert by_diffrax == pytest.approx(by_scan, abs=1e-13)
    assert np.abs(by_diffrax - cold).max() > 1e-3


def test_noise_has_gradients(key):
    """And of one oscillator alone it is the same as well."""

    def end(temperature, engine, stepper):
        hot = STO.replace(temperature=temperature)
        settings = {"duration": 0.2e-9, "dt": 2e-12, "m0": START, "key": key, "save": End()}
        return simulate(hot, engine=engine, stepper=stepper, **settings).m[-1, 0]

    found, expected = (
        jax.jit(lambda t, s=settings: jax.jvp(lambda t: end(t, *s), (t,), (1.0,)))(300.0)
        for settings in ((Diffrax(), None), (None, lg.solvers.Heun(project=False)))
    )
    assert float(found[0]) == pytest.approx(float(expected[0]), rel=1e-12)
    assert float(found[1]) == pytest.approx(float(expected[1]), rel=1e-10)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [({"rtol": 0.0}, "expected positive tolerances"), ({"max_steps": 0}, "expected a positive number of steps")],
)
def test_settings_are_checked(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        Diffrax(**settings)


def test_importing_llgrad_does_not_import_diffrax():
    code = "import sys, llgrad, llgrad.solve.simulate; print('diffrax' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        == "False"
    )


@pytest.mark.float32
def test_in_float32():
    run = simulate(STO, duration=1e-9, dt=1e-12, m0=START, save=Every(100), engine=Diffrax())
    reference = simulate(STO, duration=1e-9, dt=1e-12, m0=START, save=Every(100))
    assert run.m.dtype == np.float32
    assert np.asarray(run.m) == pytest.approx(np.asarray(reference.m), abs=1e-4)
