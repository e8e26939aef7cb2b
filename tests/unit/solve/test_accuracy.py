"""A step from an accuracy: the error of the end state is what was asked for, and the steps are as long as may be."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.unit.solve.arrays import ARRAYS

import llgrad as lg
from llgrad.solve.simulate import simulate

STO = lg.presets.kubota2013()
START = lg.direction(1.0, 0.3)
VALUES = 1e-3 * np.sin(np.arange(11.0))
MANY = 1e-3 * np.sin(np.arange(90.0))
RUN = {"duration": 5e-9, "m0": START, "save": lg.End()}
CASES = {
    "at 200 Oe": (STO, None, 1e-8),
    "at 200 Oe, loose": (STO, None, 1e-3),
    "at 2 kOe": (STO.replace(field=(0.0, 0.0, 0.2)), None, 1e-8),
    "a tone": (STO, lg.Drive(current=lg.Sine(1e-3, frequency=2e9)), 1e-7),
    "a pulse": (STO, lg.Drive(current=lg.Pulse(1e-3, start=1e-9, width=0.5e-9)), 1e-7),
    "lines between samples": (STO, lg.Drive(current=lg.drives.Sampled(np.arange(11) * 0.5e-9, VALUES)), 1e-7),
    "lines on another grid": (STO, lg.Drive(current=lg.drives.Sampled(np.arange(11) * 0.51234e-9, VALUES)), 1e-7),
    "many lines on another grid": (STO, lg.Drive(current=lg.drives.Sampled(np.arange(90) * 61.234e-12, MANY)), 1e-4),
}


@pytest.mark.parametrize("name", CASES)
def test_the_error_of_the_end_is_below_the_accuracy_and_near_it(name):
    device, drive, accuracy = CASES[name]
    run = simulate(device, accuracy=accuracy, drive=drive, **RUN)
    exact = simulate(device, dt=run.stats.dt / 6, drive=drive, stepper=lg.solvers.DormandPrince8(), **RUN)
    error = float(np.linalg.norm(run.m[-1] - exact.m[-1]))
    assert error <= accuracy
    assert 0.5 * error < run.stats.error < (4 if run.stats.reason else 1.5) * error + 1e-12
    longest = (lg.solvers.DormandPrince8 if accuracy < 1e-4 else lg.solvers.Tsitouras5)().limit
    turn = run.stats.dt * lg.solvers.suggest_dt(device) ** -1 * 0.05
    assert error > 1e-2 * accuracy or turn > 0.9 * longest or drive is not None
    assert ("the knots of the drive fall within steps" in run.stats.reason) == (name == "many lines on another grid")


def test_the_stepper_follows_the_accuracy():
    assert [simulate(STO, accuracy=a, **RUN).stats.stepper for a in (1e-3, 1e-4, 1e-5)] == [
        "Tsitouras5",
        "Tsitouras5",
        "DormandPrince8",
    ]
    assert simulate(STO, accuracy=1e-5, stepper=lg.solvers.RK4(), **RUN).stats.stepper == "RK4"


def test_steps_end_at_the_knots_of_lines():
    run = simulate(STO, accuracy=1e-7, drive=CASES["lines between samples"][1], **RUN)
    steps = 0.5e-9 / run.stats.dt
    assert steps == pytest.approx(round(steps), abs=1e-6)


def test_states_between_long_steps():
    run = simulate(STO, accuracy=1e-6, duration=2e-9, m0=START, save=lg.solvers.Interval(2e-12))
    exact = simulate(
        STO, dt=2e-12, duration=2e-9, m0=START, stepper=lg.solvers.DormandPrince8(), save=lg.solvers.Interval(2e-12)
    )
    assert run.m.shape == (1001, 3)
    assert run.stats.samples > 10
    np.testing.assert_allclose(run.m, exact.m, atol=3e-6)


def test_the_step_is_a_constant_to_derivatives():
    chosen = simulate(STO, accuracy=1e-8, **RUN).stats
    with_accuracy = jax.grad(lambda a: simulate(STO.replace(alpha=a), accuracy=1e-8, **RUN).m[-1, 0])(0.005)
    settings = {"dt": chosen.dt * (1 + 1e-12), "stepper": lg.solvers.DormandPrince8()}
    assert with_accuracy == jax.grad(lambda a: simulate(STO.replace(alpha=a), **settings, **RUN).m[-1, 0])(0.005)


def test_a_chaotic_run_says_that_it_cannot_be_told():
    weights = 0.1 * np.random.default_rng(1).normal(size=(4, 4))
    starts = np.random.default_rng(3).normal(size=(4, 3))
    starts /= np.linalg.norm(starts, axis=1)[:, None]
    array = lg.OscillatorArray(STO.replace(field=(0.0, 0.0, 0.05)), 4, lg.FieldCoupling(weights))
    run = simulate(array, duration=50e-9, accuracy=1e-9, m0=starts, save=lg.End())
    assert math.isnan(run.stats.error)
    assert "the end state cannot be told within 1e-09" in run.stats.reason


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"accuracy": 0.0}, "expected the largest error"),
        ({"accuracy": "fine"}, "expected the largest error"),
        ({"accuracy": 1e-6, "dt": 1e-12}, "leave one of the two out"),
        ({"accuracy": 1e-15}, "below the rounding of a run in float64"),
        ({"accuracy": 1e-6, "key": jax.random.key(0)}, "without noise"),
        ({"accuracy": 1e-6, "engine": lg.solvers.Diffrax()}, "rtol"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, said):
    with pytest.raises(ValueError, match=said):
        simulate(STO, **given, **RUN)


def test_traced_values_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"traced by jit or vmap; give stepper= and dt="):
        jax.jit(lambda a: simulate(STO.replace(alpha=a), accuracy=1e-6, **RUN).m)(jnp.asarray(0.005))


@pytest.mark.float32
def test_float32_has_its_rounding():
    with pytest.raises(ValueError, match=r"in float64 .* it can be reached"):
        simulate(STO, accuracy=1e-6, **RUN)


@pytest.mark.parametrize("name", ["ring", "dipoles"])
def test_of_an_array_of_systems_every_member_is_right(name):
    array, run = ARRAYS[name](3), {"duration": 1e-9, "save": lg.End()}
    found = simulate(array, accuracy=1e-7, **run)
    exact = simulate(array, dt=found.stats.dt / 8, stepper=lg.solvers.DormandPrince8(), **run)
    assert found.stats.error <= 1e-7
    for a, b in zip(jax.tree.leaves(found.state), jax.tree.leaves(exact.state), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=3e-7)
