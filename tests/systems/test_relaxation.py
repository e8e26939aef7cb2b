"""Simulated relaxation equals the exact one, state and gradient, to 1e-9, for every engine and high-order stepper."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.systems import relaxation
from tests.systems.relaxation import SYSTEMS, TIME

import llgrad as lg
from llgrad.solve.saving import End, Every
from llgrad.solve.simulate import simulate

STEPPERS = {"RK4": (lg.solvers.RK4(), 0.4e-12), "DormandPrince5": (lg.solvers.DormandPrince5(), 2e-12)}
# At b = 0 or a = 0 the special laws hold only there: they have no derivative off it.
FREE = {
    "field only": ("field", "alpha", "theta"),
    "anisotropy only": ("H_k", "alpha", "theta"),
    "field and anisotropy": ("field", "H_k", "alpha", "theta"),
}


def simulated(p, stepper, dt):
    m0 = lg.direction(p["theta"], relaxation.START_AZIMUTH)
    return simulate(relaxation.device(p), duration=TIME, dt=dt, m0=m0, stepper=stepper, save=End()).m[-1]


def state_and_gradients(function, system, free):
    """m, and {parameter: ∂m/∂parameter}, as NumPy arrays."""
    fixed = system.parameters

    def of(values):
        m = function({**fixed, **values})
        return m, m

    gradients, m = jax.jacfwd(of, has_aux=True)({name: fixed[name] for name in free})
    return np.asarray(m), jax.tree.map(np.asarray, gradients)


@pytest.fixture(scope="module", params=STEPPERS)
def run(request):
    stepper, dt = STEPPERS[request.param]
    return jax.jit(lambda p: simulated(p, stepper, dt))


@pytest.mark.parametrize("name", SYSTEMS)
def test_state_and_gradient(run, name):
    system = SYSTEMS[name]
    m, gradients = state_and_gradients(run, system, FREE[name])
    expected, exact = state_and_gradients(lambda p: relaxation.exact(system, p), system, FREE[name])
    assert expected[2] - math.cos(system.parameters["theta"]) > 0.1
    assert m == pytest.approx(expected, abs=1e-9)
    for leaf in FREE[name]:
        scale = np.abs(exact[leaf]).max()
        assert gradients[leaf] / scale == pytest.approx(exact[leaf] / scale, abs=1e-9), leaf


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_exact_gradient_is_that_of_the_exact_state(name):
    """The implicit function theorem as written here, against differences of the solved law."""
    system = SYSTEMS[name]
    _, exact = state_and_gradients(lambda p: relaxation.exact(system, p), system, ("theta",))
    step = 1e-5
    moved = [
        np.asarray(relaxation.exact(shifted, shifted.parameters))
        for shifted in (system._replace(theta=system.theta + sign * step) for sign in (1, -1))
    ]
    assert (moved[0] - moved[1]) / (2 * step) == pytest.approx(exact["theta"], rel=1e-6, abs=1e-8)


def test_larmor_azimuth():
    """Without damping the azimuth turns at γ(a + b cosθ), at a constant θ."""
    theta, a, b = 0.7, 0.05, 0.04
    p = {"field": a, "H_k": b + relaxation.MU_0 * relaxation.MS, "alpha": 0.0}
    run = simulate(
        relaxation.device(p),
        duration=1e-9,
        dt=0.5e-12,
        m0=lg.direction(theta, 0.0),
        save=Every(100),
        stepper=lg.solvers.DormandPrince5(),
    )
    azimuth = np.unwrap(np.arctan2(run.my, run.mx))
    assert azimuth == pytest.approx(relaxation.GAMMA * (a + b * math.cos(theta)) * np.asarray(run.t), abs=1e-9)
    assert np.asarray(run.mz) == pytest.approx(np.full(len(run.t), math.cos(theta)), abs=1e-11)


def test_larmor_azimuth_with_damping():
    """At every time φ − φ₀ = (artanh u − artanh u₀)/α, whatever the field and the anisotropy."""
    p = SYSTEMS["field and anisotropy"].parameters
    start = lg.direction(p["theta"], 0.0)
    run = simulate(relaxation.device(p), duration=TIME, dt=1e-12, m0=start, stepper=lg.solvers.DormandPrince5())
    azimuth = np.unwrap(np.arctan2(run.my, run.mx))
    turned = (np.arctanh(run.mz) - np.arctanh(np.cos(p["theta"]))) / p["alpha"]
    assert azimuth == pytest.approx(turned, abs=1e-8)
    assert bool(jnp.all(run.status.ok))
