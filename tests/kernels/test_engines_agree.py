"""Every kernel against a plain scan: value, derivative in a direction, and gradient.

What needs a kernel of its own (equation, stepper, width of a tile, dtype, channels) is listed; numbers of trajectories,
of steps, of saves and of states kept are arguments of a kernel, and Hypothesis chooses them.
"""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.kernels.reference import FULL, SMALL, WRITTEN, Case, H, assert_close, kept, quick_jit

import llgrad as lg
from llgrad.core.vector import Vec3
from llgrad.kernels.integrate import integrate
from llgrad.physics.equation import equation_of_motion

LONGEST = 12
CASES = {
    # name: (numbers of trajectories, what is fixed)
    "one, full device, RK4": ((None,), {"device": FULL, "stepper": lg.solvers.RK4()}),
    "a few, fifth order, no projection, a drive": (
        (2, 3),
        {"stepper": lg.solvers.DormandPrince5(project=False), "channels": ("field_y",)},
    ),
    "many, a user's functions, drives of all and of each": (
        (15, 16, 17),
        {"device": WRITTEN, "channels": ("current", "field_x"), "spread": ("field_x",)},
    ),
    "one, noise, drive of current": ((1,), {"noisy": True, "channels": ("current",)}),
    "many, float32, noise": ((15, 33), {"dtype": jnp.float32, "noisy": True}),
}
ALONE = {"one, full device, RK4", "many, float32, noise"}
"""Cases whose run is also done without keeping its states: that takes one more kernel."""


@functools.cache
def reference(name, many):
    """(case, tangent, states after every step, their tangents, pull back of their cotangents), compiled once for all
    numbers of trajectories: fewer ones are the first of the most.
    """
    case = Case(N=CASES[name][0][-1] if many else None, longest=LONGEST, **CASES[name][1])
    tangent = case.random_like(case.parameters, relative=True)
    states, tangents = quick_jit(lambda p, t: jax.jvp(case.states, (p,), (t,)))(case.parameters, tangent)
    pull_back = quick_jit(lambda p, cotangent: jax.vjp(case.states, p)[1](cotangent)[0])
    return case, tangent, states, tangents, functools.partial(pull_back, case.parameters)


def first_lanes(tree, case, N):
    """The first N trajectories of every leaf that has one value for each."""
    if case.N is None:
        return tree
    return jax.tree.map(lambda a: a[..., :N] if a.ndim and a.shape[-1] == case.N else a, tree)


def cotangent_of_states(cotangent, steps, every, states):
    """The cotangent of the states after every step of all trajectories from that of the saved and final ones."""

    def spread(saved, final, like):
        whole = np.zeros(like.shape, like.dtype)
        lanes = tuple(map(slice, np.shape(final)))
        whole[(slice(every - 1, steps, every), *lanes)] += np.asarray(saved)
        whole[(steps - 1, *lanes)] += np.asarray(final)
        return jnp.asarray(whole)

    return jax.tree.map(spread, *cotangent, states)


def check(name, N, steps, every, states_kept):
    case, tangent, states, tangents, pull_back = reference(name, N is not None)
    parameters, direction, expected, expected_tangents = (
        first_lanes(tree, case, N)
        for tree in (case.parameters, tangent, kept(states, steps, every), kept(tangents, steps, every))
    )
    tolerance = 1e-12 if case.dtype == jnp.float64 else 1e-5
    cotangent = case.random_like(expected)
    memory = states_kept * 3 * (N or 1) * np.dtype(case.dtype).itemsize

    @quick_jit
    def everything(parameters):
        run = lambda p: case.native(p, steps, every, memory=memory)  # noqa: E731
        value, back = jax.vjp(run, parameters)
        if name in ALONE:
            alone, pushed = jax.jvp(run, (parameters,), (direction,))
        else:
            alone, push = jax.linearize(run, parameters)
            pushed = push(direction)
        return alone, value, pushed, back(cotangent)[0]

    alone, value, pushed, pulled = everything(parameters)
    assert_close(alone, value, 0.1 * tolerance)
    assert_close(value, expected, tolerance)
    assert_close(pushed, expected_tangents, 100 * tolerance)
    back = first_lanes(pull_back(cotangent_of_states(cotangent, steps, every, states)), case, N)
    assert_close(pulled, back, 100 * tolerance)
    pairs = [zip(*map(jax.tree.leaves, trees), strict=True) for trees in ((pushed, cotangent), (pulled, direction))]
    left, right = (sum(float(jnp.vdot(a, b)) for a, b in pair) for pair in pairs)
    np.testing.assert_allclose(left, right, rtol=10 * tolerance, atol=10 * tolerance)


def choose(name):
    """Numbers of trajectories, of steps, of steps to a save (more than there are: none is saved), of states kept."""
    number = st.integers(1, LONGEST)
    return given(st.sampled_from(CASES[name][0]), number, st.integers(1, LONGEST + 1), number)


@pytest.mark.parametrize("name", CASES)
def test_value_tangent_and_gradient(name):
    first, last = CASES[name][0][0], CASES[name][0][-1]

    @settings(max_examples=3, deadline=None, derandomize=True, database=None)
    @choose(name)
    @example(first, 1, 1, 1)
    @example(last, 11, 3, 4)
    def run(N, steps, every, states_kept):
        check(name, N, steps, every, states_kept)

    run()


@pytest.mark.parametrize("dtype", [jnp.float64, jnp.float32])
def test_steps_side_by_side_give_the_gradient_of_steps_one_after_the_other(dtype):
    """Of one trajectory whose states are all kept, and of one that keeps few, in runs that end within their vectors."""
    case = Case(N=1, noisy=True, channels=("current",), dtype=dtype, longest=70)

    def gradient(steps, memory):
        saved, final = jax.eval_shape(lambda p: case.native(p, steps, 3), case.parameters)
        cotangent = jax.tree.map(lambda a: jnp.cos(jnp.arange(a.size, dtype=dtype)).reshape(a.shape), (saved, final))
        return jax.vjp(lambda p: case.native(p, steps, 3, memory=memory), case.parameters)[1](cotangent)[0]

    for steps in (1, 15, 16, 17, 33, 64, 70):
        assert_close(gradient(steps, 2**28), gradient(steps, 100), 1e-12 if dtype == jnp.float64 else 1e-5)


@pytest.mark.parametrize("stepper", [lg.solvers.RK4(), lg.solvers.DormandPrince5()], ids=lambda s: type(s).__name__)
def test_steppers_in_float32(stepper):
    case = Case(N=3, stepper=stepper, dtype=jnp.float32, longest=5)
    cotangent = case.random_like(jax.eval_shape(lambda p: case.scan(p, 5, 2), case.parameters))
    by = lambda run: quick_jit(lambda p: (lambda v, back: (v, back(cotangent)[0]))(*jax.vjp(run, p)))  # noqa: E731
    found = by(lambda p: case.native(p, 5, 2))(case.parameters)
    assert_close(found, by(lambda p: case.scan(p, 5, 2))(case.parameters), 1e-4)
    assert_close(found[0], case.scan(case.parameters, 5, 2), 1e-6)


def rounding(tableau, angle, steps):
    """A bound on the rounding of some steps in float32, relative to |m|, where m turns by an angle θ in a step.

    A stage's slope h k, of size θ, is a product of sums of products: four roundings deep, 4 u θ. What the stages before
    it add to its state is wrong by that times Σ_j |a_ij|, which turns its own slope by θ times as much. The step sums
    the stages with |b_i|, and rounds the state once: u [1 + 4 θ Σ_i |b_i| (1 + θ Σ_j |a_ij|)]. Weights of both signs
    are what high orders are made of: Σ_i |b_i| Σ_j |a_ij| is 0.5 for RK4, 16 for DormandPrince5, 61 for DormandPrince8,
    163 for Tsitouras5.
    """
    through = [abs(b) * (1 + angle * sum(map(abs, row))) for b, row in zip(tableau.b, tableau.a, strict=True)]
    return steps * 2.0**-24 * (1 + 4 * angle * sum(through))


@pytest.mark.parametrize(
    "stepper", [lg.solvers.RK4(), lg.solvers.Tsitouras5(), lg.solvers.DormandPrince8()], ids=lambda s: type(s).__name__
)
def test_the_rounding_of_a_stepper_in_float32(stepper):
    """Of the same numbers in float64. Terms of a gradient cancel to a tenth of their size or so."""
    steps, found = 5, {}
    for dtype in (jnp.float64, jnp.float32):
        case = Case(N=3, stepper=stepper, dtype=jnp.float32, longest=steps)
        cotangent = case.random_like(jax.eval_shape(lambda p, c=case: c.native(p, steps, 2), case.parameters))
        case.fixed, parameters, cotangent = jax.tree.map(
            lambda a, dtype=dtype: a.astype(dtype) if eqx.is_array(a) else a, (case.fixed, case.parameters, cotangent)
        )
        value, back = jax.vjp(lambda p, case=case: case.native(p, steps, 2), parameters)
        found[dtype] = jax.tree.map(lambda a: np.asarray(a, float), (value, back(cotangent)[0]))
    field = np.hypot(0.2, 50.0 * 2.5e-3)  # of the device [T]
    bound = rounding(stepper.tableau, 176.0 * field * H, steps)
    assert_close(found[jnp.float32][0], found[jnp.float64][0], bound)
    assert_close(found[jnp.float32][1], found[jnp.float64][1], 20 * bound)
    assert bound < 1e-4


def test_no_step_at_all():
    case = Case(channels=("current",))
    saved, final = case.native(case.parameters, 0, 1)
    assert saved.x.shape == (0,)
    assert final == case.parameters[1]
    _, pull_back = jax.vjp(lambda p: case.native(p, 0, 1)[1].x, case.parameters)
    gradient = pull_back(jnp.ones(()))[0]
    assert float(gradient[1].x) == 1.0
    assert all(not np.any(leaf) for leaf in jax.tree.leaves((gradient[0], gradient[2])))


def test_every_state_is_kept_within_the_memory():
    from llgrad.kernels.calls import CallPlan
    from llgrad.kernels.expression.equations import compile_equation

    program, _ = compile_equation(equation_of_motion(SMALL), np.float64)

    def plan(steps):
        return CallPlan(program, lg.solvers.RK4.tableau, True, steps, 1)

    assert plan(10**6).stride(1) == plan(10**6).stride(8) == plan(1000).stride(4096) == 1
    for lanes, steps in ((1, 10**9), (4096, 10**6), (10**6, 100), (10**8, 7)):
        chosen = plan(steps)
        apart = chosen.apart(lanes, chosen.stride(lanes), card=False)
        assert apart % chosen.stride(lanes) == 0 and (lanes == 1 or apart >= 16)
        assert chosen.apart(lanes, chosen.stride(lanes), card=True) == chosen.stride(lanes)
        assert 2 <= chosen.kept(lanes) <= max(chosen.memory // (lanes * 24), 2)
        assert (chosen.kept(lanes) - 1) * chosen.stride(lanes) < steps <= chosen.kept(lanes) * chosen.stride(lanes)


def test_a_step_that_is_too_coarse_is_reported():
    start = Vec3(*map(jnp.asarray, ([0.6, 0.0], [0.0, 0.8], [0.8, 0.6])))

    def first_bad(m0, h):
        run = integrate(equation_of_motion(SMALL), m0, stepper=lg.solvers.Heun(), h=h, steps=4, every=4)
        return run.first_bad.tolist(), bool(jnp.isfinite(run.final.x).all())

    assert first_bad(start, 1e-3) == ([-1, -1], True)
    assert first_bad(Vec3(start.x, start.y, start.z.at[1].set(jnp.nan)), 1e-3) == ([-1, 0], False)
    assert first_bad(start, 0.2) == ([0, 0], True)
