"""Second derivatives: a run with its tangent, against the second derivatives of a plain scan and finite differences of
the gradient; over devices and systems, steppers, numbers of trajectories, dtypes, drives, tables and noise.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.kernels.gpu.threads import SYSTEMS, by_threads
from tests.kernels.reference import FULL, SMALL, WRITTEN, Case, assert_close, quick_jit
from tests.unit.solve.systems import DRIVES

import llgrad as lg
from llgrad.core.vector import Vec3
from llgrad.kernels import plain
from llgrad.kernels.integrate import integrate
from llgrad.physics.equation import equation_of_motion

CASES = {
    "one, a user's functions": ({"device": WRITTEN, "longest": 4}, {}),
    "a few, no projection, drives of all and of each": (
        {
            "N": 3,
            "stepper": lg.solvers.Heun(project=False),
            "channels": ("current", "field_y"),
            "spread": ("field_y",),
            "longest": 3,
        },
        {},
    ),
    "many, noise": ({"N": 17, "noisy": True, "longest": 4}, {}),
    "many, little memory": ({"N": 9, "longest": 7}, {"memory": 2 * 6 * 9 * 8}),
    "float32": ({"N": 5, "dtype": jnp.float32, "longest": 4}, {}),
}


def loss(run, weights):
    """A number that the states of a run enter in a bent way."""

    def total(parameters):
        states = jax.tree.leaves(run(parameters))
        return sum(jnp.vdot(w, jnp.sin(2 * a) + a) for w, a in zip(weights, states, strict=True))

    return total


def turned(function, point, direction):
    """The gradient, and how it changes along a direction."""
    return jax.jvp(jax.grad(function), (point,), (direction,))


def second(settings, options):
    """(native, of a scan): functions of parameters, and parameters and direction."""
    case = Case(**settings)
    steps, every = case.longest, 2
    runs = [
        lambda p: case.native(p, steps, every, **options),
        lambda p: case.scan(p, steps, every),
    ]
    weights = jax.tree.leaves(case.random_like(jax.eval_shape(runs[1], case.parameters)))
    direction = case.random_like(case.parameters, relative=True)
    return [loss(run, weights) for run in runs], case.parameters, direction


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.float32 if "32" in n else ()) for n in CASES])
def test_the_gradient_changes_as_that_of_a_scan_does(name):
    (native, scan), point, direction = second(*CASES[name])
    found = quick_jit(lambda: turned(native, point, direction))()
    expected = quick_jit(lambda: turned(scan, point, direction))()
    assert_close(found, expected, 2e-4 if "32" in name else 1e-10)


def test_the_gradient_changes_as_its_finite_differences_do():
    (native, _), point, direction = second({"device": FULL, "stepper": lg.solvers.RK4(), "longest": 4}, {})
    size, gradient = 1e-4, quick_jit(jax.grad(native))
    ends = [
        gradient(jax.tree.map(lambda p, d, s=sign: p + s * size * d, point, direction)) for sign in (1, -1, 0.5, -0.5)
    ]
    coarse, fine = (
        jax.tree.map(lambda a, b, s=s: (a - b) / s, *pair) for pair, s in ((ends[:2], 2 * size), (ends[2:], size))
    )
    assert_close(
        quick_jit(lambda: turned(native, point, direction))()[1],
        jax.tree.map(lambda c, f: (4 * f - c) / 3, coarse, fine),
        1e-7,
    )


def states_of(system, name, engine, **options):
    run = lg.simulate(system, duration=9e-12, dt=3e-12, drive=DRIVES.get(name), engine=engine, **options)
    return sum(jnp.sum(jnp.sin(2 * a / jnp.max(jnp.abs(a)))) for a in jax.tree.leaves(run.state))


@pytest.mark.parametrize("name", ["Hopf", "Stack", "Vortex", "Table"])
def test_the_hessian_of_a_system_is_that_of_a_scan(name):
    """In its numbers, in units of each, of a table in all its values; of the largest one times a direction."""
    leaves, tree = jax.tree.flatten(SYSTEMS[name])
    point = [jnp.ones_like(jnp.asarray(leaf, float)) for leaf in leaves]
    options = {"stepper": lg.solvers.Heun()} if name == "Stack" else {}

    def total(point, engine):
        scaled = [jnp.asarray(leaf) * factor for leaf, factor in zip(leaves, point, strict=True)]
        return states_of(jax.tree.unflatten(tree, scaled), name, engine, **options)

    def second(engine):
        function = lambda p: total(p, engine)  # noqa: E731
        if name == "Stack":
            return quick_jit(lambda p: turned(function, p, [0.3 * a for a in p]))(point)
        return quick_jit(jax.hessian(function))(point)

    found, expected = (second(engine) for engine in (lg.solvers.Native(), lg.solvers.XLA()))
    size = max(float(jnp.max(jnp.abs(a))) for a in jax.tree.leaves(expected))
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-9 * size)


def test_states_between_the_steps_have_second_derivatives():
    def total(point, engine):
        device = SMALL.replace(alpha=0.02 * point)
        options = {
            "m0": [0.6, 0.0, 0.8],
            "save": lg.solvers.Interval(5e-12),
            "stepper": lg.solvers.Tsitouras5(),
            "engine": engine,
        }
        return jnp.sum(jnp.sin(2 * lg.simulate(device, duration=30e-12, dt=15e-12, **options).m))

    found, expected = (
        quick_jit(lambda p, engine=engine: turned(lambda q: total(q, engine), p, 1.0))(1.0)
        for engine in (lg.solvers.Native(), lg.solvers.XLA())
    )
    assert_close(found, expected, 1e-9)


def test_threads_of_a_card_compute_the_same():
    (native, _), point, direction = second(*CASES["many, noise"])
    found = by_threads(lambda p, d: turned(native, p, d))(point, direction)
    assert_close(found, quick_jit(lambda: turned(native, point, direction))(), 1e-12)


def test_a_tangent_off_the_sphere_is_projected_with_the_state():
    """A run from an initial state of another length is that of the unit vector, after the first step; its second
    derivative along that length is none, and along two directions it is that of the scan.
    """
    equation = equation_of_motion(FULL)

    def end(m0):
        run = integrate(equation, Vec3(*m0), stepper=lg.solvers.RK4(), h=1e-3, steps=1, every=1)
        return jnp.stack([run.final.x, run.final.y, run.final.z])

    m0 = jnp.asarray([0.6, 0.0, 0.8])
    curved = jax.jacfwd(jax.jacrev(end))(m0)
    size = 1e-4
    differences = [(jax.jacrev(end)(m0 + size * e) - jax.jacrev(end)(m0 - size * e)) / (2 * size) for e in jnp.eye(3)]
    np.testing.assert_allclose(curved, jnp.stack(differences, -1), atol=1e-6)
    np.testing.assert_allclose(curved, jnp.swapaxes(curved, 1, 2), atol=1e-12)


def test_third_derivatives_are_done_in_plain_jax_with_a_reason():
    plain.say_once.cache_clear()

    def total(point, engine):
        system = SYSTEMS["Hopf"].replace(gain=1e9 * point)
        return states_of(system, "Hopf", engine, stepper=lg.solvers.Heun())

    third = lambda engine: quick_jit(jax.grad(jax.grad(jax.grad(lambda p: total(p, engine)))))(1.0)  # noqa: E731
    with pytest.warns(UserWarning, match="third derivatives have no native kernel; the XLA engine takes over"):
        found = third(lg.solvers.Native())
    np.testing.assert_allclose(found, third(lg.solvers.XLA()), rtol=1e-9)
