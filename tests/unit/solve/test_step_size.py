"""The time step: chosen from the largest field, and refused where it is too long."""

import math

import jax
import numpy as np
import pytest
from tests.physics.terms import TERMS

import llgrad as lg
from llgrad.core.constants import MU_0
from llgrad.drives.constant import Constant
from llgrad.drives.drive import Drive
from llgrad.drives.sine import Sine
from llgrad.solve.simulate import simulate
from llgrad.solve.step_size import ANGLE, largest_rate, suggest_dt

STO = lg.presets.kubota2013()
B = STO.H_k - MU_0 * STO.Ms
STILL = STO.replace(current=0.0)


def test_the_largest_rate_is_that_of_the_largest_field():
    assert largest_rate(STILL) == pytest.approx(STO.gamma * (20e-3 + B), rel=1e-6)
    assert largest_rate(STILL.replace(field=(0.3, 0.0, 0.0))) == pytest.approx(STO.gamma * math.hypot(0.3, B), rel=1e-3)


def test_the_spin_torque_counts():
    torque = 134.87e-4 / (1 - STO.lambda_**2) ** 0.5
    alone = STO.replace(H_k=MU_0 * STO.Ms, field=(0.0, 0.0, 0.0))
    assert largest_rate(alone) == pytest.approx(STO.gamma * torque, rel=1e-2)


def test_a_drive_and_a_coupling_count():
    driven = Drive(current=Sine(1e-3, frequency=1e9), field_z=Constant(30e-3))
    assert largest_rate(STILL, driven) > STO.gamma * (50e-3 + B)
    weights = np.array([[0.0, 0.1, 0.05], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    array = lg.OscillatorArray(STILL, 3, lg.FieldCoupling(weights))
    assert largest_rate(array) == pytest.approx(STO.gamma * (20e-3 + B + 0.15), rel=1e-6)


@pytest.mark.parametrize(
    "stepper", [lg.solvers.RK4(), lg.solvers.Heun(), lg.solvers.DormandPrince5(), lg.solvers.DormandPrince8()], ids=repr
)
def test_the_suggestion_turns_m_by_a_stated_angle(stepper):
    assert suggest_dt(STO, stepper=stepper) * largest_rate(STO) == pytest.approx(ANGLE[stepper.tableau.order])


def test_a_fast_drive_shortens_the_step():
    assert suggest_dt(STO, Drive(current=Sine(1e-4, frequency=1e11))) == pytest.approx(1e-11 / 20)


def test_without_any_field_there_is_a_step():
    nothing = STILL.replace(H_k=MU_0 * STO.Ms, field=(0.0, 0.0, 0.0))
    assert 0 < suggest_dt(nothing) < math.inf
    assert simulate(nothing, duration=1e-9).stats.steps >= 1


def test_the_default_step_is_accurate():
    """Errors near 1e-5 after 50 ns at 200 Oe."""
    coarse = simulate(STO, duration=50e-9)
    fine = simulate(STO, duration=50e-9, dt=1e-12)
    assert coarse.stats.dt <= suggest_dt(STO)
    assert np.abs(coarse.m[-1] - fine.m[-1]).max() < 3e-5


def test_a_step_that_is_too_long_names_the_largest_safe_one():
    with pytest.raises(
        ValueError, match=r"dt = 50 ps turns m by .* rad in a step at the largest field, more than 0.3 rad"
    ) as error:
        simulate(STO, duration=1e-9, dt=50e-12)
    safe = float(str(error.value).split("the largest safe dt is ")[1].split(" ps")[0]) * 1e-12
    assert safe * largest_rate(STO) == pytest.approx(0.3, rel=1e-3)
    simulate(STO, duration=1e-9, dt=safe * 0.999)
    assert f"suggest_dt gives {suggest_dt(STO) * 1e12:.4g} ps" in str(error.value)


@pytest.mark.parametrize("dt", [0.0, -1e-12, float("nan"), "1ps"])
def test_a_step_is_a_positive_number(dt):
    with pytest.raises(ValueError, match=r"dt = .*, expected a positive number of seconds known before the run"):
        simulate(STO, duration=1e-9, dt=dt)


def test_under_jit_an_explicit_step_is_asked_for():
    with pytest.raises(
        ValueError, match="the step cannot be chosen from traced values; under jit, vmap and grad give dt=…"
    ):
        jax.grad(lambda i: simulate(STO.replace(current=i), duration=1e-10).mx[-1])(2.5e-3)


def test_a_term_with_jax_functions_inside_jit():
    """The device is concrete, so the step is checked, though jit traces every jax.numpy function."""
    device = STO.replace(terms=(TERMS["user"].term,))
    end = jax.jit(lambda theta: simulate(device, duration=1e-10, m0=lg.direction(theta, 0.0)).mx[-1])
    assert math.isfinite(float(end(1.0)))


@pytest.mark.parametrize("limit", [0.0, -0.1, 3.0])
def test_the_limit_of_a_stepper_is_an_angle(limit):
    with pytest.raises(ValueError, match=r"expected an angle γ\|B\|dt per step between 0 and 2.5 rad"):
        lg.solvers.RK4(limit=limit)
