"""States between the steps: as accurate as their polynomial, the same in every engine, and differentiated with it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.kernels.reference import assert_close

import llgrad as lg
from llgrad.kernels import plain
from llgrad.kernels.integrate import integrate
from llgrad.physics.equation import equation_of_motion
from llgrad.solve.simulate import simulate

STO = lg.presets.kubota2013().replace(alpha=0.05)
DRIVE = lg.Drive(current=lg.Sine(1e-3, frequency=4e9))
START = lg.direction(1.0, 0.3)


def states(stepper, samples, steps, duration=0.4e-9):
    save = lg.solvers.Interval(duration / steps / samples)
    run = simulate(STO, duration=duration, dt=duration / steps, m0=START, drive=DRIVE, stepper=stepper, save=save)
    assert (run.stats.steps, run.stats.samples) == (steps, samples)
    return np.asarray(run.m[1:]).reshape(steps, samples, 3)


@pytest.mark.parametrize("kind", [lg.solvers.Tsitouras5, lg.solvers.DormandPrince5, lg.solvers.DormandPrince8])
def test_the_order_within_a_step(kind):
    """The states within have an order of at most one below the ends'; errors of the ends are in all of them."""
    steps, samples = 16 if kind is lg.solvers.DormandPrince8 else 64, 5
    exact = states(lg.solvers.DormandPrince8(), 1, 2 * steps * samples).reshape(2 * steps, samples, 3)
    coarse = np.abs(states(kind(limit=2.5), samples, steps) - exact.reshape(steps, samples, 2, 3)[:, :, 1]).max((0, 2))
    fine = np.abs(states(kind(limit=2.5), samples, 2 * steps) - exact).max((0, 2))
    measured = np.log2(coarse / fine)
    assert np.all(measured > kind.tableau.order - 0.8) and np.all(measured < kind.tableau.order + 1)


def of_engine(engine, stepper):
    def run(p):
        device, m0 = STO.replace(alpha=p[0], current=p[1]), lg.Vec3(*p[2])
        drive = lg.Drive(current=lg.Sine(p[3], frequency=4e9))
        settings = {"stepper": stepper, "engine": engine, "save": lg.solvers.Interval(1e-11)}
        return simulate(device, duration=1.3e-10, dt=4e-11, m0=m0, drive=drive, throw=False, **settings).m

    return run


ONE = (jnp.asarray(0.05), jnp.asarray(1e-3), jnp.asarray([0.6, 0.0, 0.8]), jnp.asarray(1e-3))
COTANGENT = jnp.asarray(np.random.default_rng(1).normal(size=(14, 3)))


def everything(engine, stepper, parameters):
    """Value, gradient and Jacobian of runs of four samples a step, whose last step has one."""
    run = of_engine(engine, stepper)
    return jax.jit(lambda p: (run(p), jax.grad(lambda p: (run(p) * COTANGENT).sum())(p), jax.jacfwd(run)(p)))(
        parameters
    )


def test_engines_agree():
    found = everything(lg.solvers.Native(), lg.solvers.Tsitouras5(limit=1.0), ONE)
    assert_close(found, everything(lg.solvers.XLA(), lg.solvers.Tsitouras5(limit=1.0), ONE), 1e-11)
    gradient = jax.tree.map(lambda d: jnp.tensordot(COTANGENT, d, 2), found[2])
    assert_close(found[1], gradient, 1e-11)


def test_the_eighth_order_in_a_batch():
    """Gradient and Jacobian of three runs side by side are each other's transposes, and those of each alone."""
    scale = jnp.asarray([1.0, 1.1, 0.9])
    many = (*(jnp.multiply.outer(scale, p) for p in ONE[:2]), jnp.stack([ONE[2]] * 3), scale * ONE[3])
    run = of_engine(lg.solvers.Native(), lg.solvers.DormandPrince8())
    value, back = jax.vjp(jax.vmap(run), many)
    gradient = back(jnp.stack([COTANGENT] * 3))[0]
    jacobian = jax.vmap(jax.jacfwd(run))(many)
    assert_close(gradient, jax.tree.map(lambda d: jnp.tensordot(COTANGENT, jnp.moveaxis(d, 0, 2), 2), jacobian), 1e-11)
    assert_close(value[0], run(ONE), 1e-13)


def test_plain_jax_computes_the_same(monkeypatch):
    found = everything(lg.solvers.Native(), lg.solvers.Tsitouras5(limit=1.0), ONE)
    monkeypatch.setattr(plain, "failure_of", lambda program: "no kernels here")
    jax.clear_caches()
    assert_close(found, everything(lg.solvers.Native(), lg.solvers.Tsitouras5(limit=1.0), ONE), 1e-11)
    jax.clear_caches()


def test_what_has_no_polynomial_steps_to_every_state():
    run = simulate(STO, duration=1e-10, dt=4e-12, save=lg.solvers.Interval(1e-11))
    assert (run.stats.samples, run.stats.save_every, run.stats.dt) == (1, 3, pytest.approx(1e-11 / 3))
    pair = lg.OscillatorArray(STO, 2, lg.FieldCoupling(np.array([[0.0, 0.01], [0.01, 0.0]])))
    run = simulate(pair, duration=1e-10, dt=4e-11, save=lg.solvers.Interval(1e-11), stepper=lg.solvers.DormandPrince8())
    assert (run.stats.samples, run.stats.steps, run.m.shape) == (1, 10, (11, 2, 3))
    assert run.t[-1] == pytest.approx(1e-10)


def test_a_duration_that_is_no_whole_number_of_intervals():
    with pytest.raises(ValueError, match=r"10\.5 intervals of 1e-11 s; expected a whole number: give duration=1e-10"):
        simulate(STO, duration=1.05e-10, dt=4e-12, save=lg.solvers.Interval(1e-11))
    with pytest.raises(ValueError, match=r"Interval.*expected a positive time in seconds"):
        lg.solvers.Interval(-1e-11)


def test_a_gradient_that_keeps_few_states_is_the_same():
    """With three states of five kept: what the polynomial goes through is then taken from the tape."""
    equation = equation_of_motion(STO)

    def gradient(memory):
        def total(m0):
            settings = {"stepper": lg.solvers.Tsitouras5(), "h": 0.02, "steps": 5, "every": 1, "samples": 3}
            run = integrate(equation, lg.Vec3(*m0), memory=memory, **settings)
            return (jnp.stack([run.saved.x, run.saved.y, run.saved.z]) * weights).sum()

        return jax.grad(total)(ONE[2])

    weights = jnp.asarray(np.random.default_rng(2).normal(size=(3, 15)))
    assert_close(gradient(3 * 24), gradient(2**20), 1e-13)
