"""Coupled arrays by native kernels against the XLA engine: value, derivative in a direction, gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.kernels.coupled.arrays import DEVICE, DT, Case, assert_close

import llgrad as lg
from llgrad.core.status import Outcome
from llgrad.kernels.coupled import calls
from llgrad.kernels.integrate import integrate

FREE = lg.solvers.Heun(project=False)
CASES = {
    "one array of two": Case(N=2, save=lg.Every(1), steps=3),
    "one of three, one sample": Case(N=3, B=1),
    "one of seventeen, the end": Case(N=17, save=lg.End()),
    "one of a hundred": Case(N=100),
    "one whose rows are shared out, drive and noise": Case(N=200, driven=True, noisy=True, stepper=FREE, steps=3),
    "two, fifteen samples": Case(N=2, B=15),
    "seventeen, seventeen samples, the end": Case(N=17, B=17, save=lg.End()),
    "sixteen, twenty samples: tiles of one register": Case(N=16, B=20),
    "a hundred, more samples than a tile": Case(N=100, B=40, steps=2),
    "three, seventeen samples, drive and noise": Case(N=3, B=17, driven=True, noisy=True, steps=3),
    "a single oscillator": Case(N=1, save=lg.Every(5)),
}


@pytest.mark.parametrize("name", CASES)
def test_value_tangent_and_gradient(name):
    found, (left, right) = CASES[name].everything(lg.solvers.Native())
    expected, _ = CASES[name].everything(lg.solvers.XLA())
    assert_close(found, expected, 1e-10)
    np.testing.assert_allclose(left, right, rtol=1e-11)


@pytest.mark.float32
@pytest.mark.parametrize("B", [None, 15])
def test_float32(B):
    case = Case(N=17, B=B, stepper=lg.solvers.RK4())
    assert case.parameters["weights"].dtype == jnp.float32
    found, (left, right) = case.everything(lg.solvers.Native())
    assert_close(found, case.everything(lg.solvers.XLA())[0], 1e-3)
    np.testing.assert_allclose(left, right, rtol=1e-4)


def test_the_run_is_native_and_says_when_it_goes_wrong():
    array = lg.OscillatorArray(DEVICE, 3, lg.FieldCoupling(np.zeros((3, 3))))
    settings = {
        "duration": 4 * DT,
        "dt": DT,
        "stepper": lg.solvers.Heun(),
        "engine": lg.solvers.Native(),
        "throw": False,
    }
    run = lg.simulate(array, **settings)
    assert (run.stats.engine, run.stats.reason, bool(run.status.ok)) == ("native", "", True)
    wrong = jax.jit(lambda m0: lg.simulate(array, m0=m0, **settings).status.code)(jnp.full((3, 3), jnp.nan))
    assert int(wrong) == int(Outcome.NON_FINITE)


@pytest.mark.parametrize(("N", "B"), [(17, None), (17, 17)])
def test_segments_do_not_change_the_gradient(N, B, monkeypatch):
    case = Case(N=N, B=B)
    whole = jax.grad(lambda p: jnp.sum(case.run(lg.solvers.Native(), p)[..., 0] ** 2))(case.parameters)
    monkeypatch.setattr(integrate, "__kwdefaults__", integrate.__kwdefaults__ | {"memory": 1})
    jax.clear_caches()
    parts = jax.grad(lambda p: jnp.sum(case.run(lg.solvers.Native(), p)[..., 0] ** 2))(case.parameters)
    assert_close(parts, whole, 1e-12)
    jax.clear_caches()


def test_the_width_of_tiles_changes_no_bit_of_a_state(monkeypatch):
    case, found = Case(N=16, B=40), []
    for factor in (0.0, 9.0):  # tiles of one register, and of two
        monkeypatch.setattr(calls, "NARROW", factor)
        jax.clear_caches()
        found.append(case.everything(lg.solvers.Native())[0])
    jax.clear_caches()
    assert np.array_equal(found[0][0], found[1][0])
    assert_close(found[0], found[1], 1e-12)
