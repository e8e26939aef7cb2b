"""What a thread of a GPU computes, run by the processor: values and both derivatives are those of the processor's own
kernels, whatever the state, the drive, the noise, the method, and however many trajectories a thread takes.
"""

import jax
import jax.numpy as jnp
import pytest
from tests.kernels.gpu.threads import SYSTEMS, by_threads
from tests.kernels.reference import FULL, Case, assert_close, quick_jit
from tests.unit.solve.systems import DRIVES

import llgrad as lg

STEPS = 11
LITTLE = 2000
"""Bytes of memory that are too few for every state, and for every trajectory at once."""
CASES = {
    "one trajectory": (Case(device=FULL), {}),
    "odd number": (Case(N=37, spread=("current",), channels=("current",)), {}),
    "shared samples": (Case(N=40, channels=("current", "field_x"), stepper=lg.solvers.RK4()), {"memory": LITTLE}),
    "noise": (Case(N=5, noisy=True), {}),
    "little memory": (Case(device=FULL, N=40), {"memory": LITTLE}),
    "float32": (Case(N=3, dtype=jnp.float32, noisy=True), {}),
    "dense output": (Case(N=3, stepper=lg.solvers.DormandPrince8(), longest=5), {"memory": 300, "samples": 3}),
}
"""Options are those of `integrate`."""


def passes(run, point, direction, cotangent):
    """Value, tangent and cotangents of a run."""
    value, push = jax.linearize(run, point)
    return value, push(direction), jax.linear_transpose(push, point)(cotangent)


@pytest.mark.parametrize("name", CASES)
def test_threads_compute_what_the_processors_tiles_do(name):
    case, options = CASES[name]
    steps = min(STEPS, case.longest)
    run = lambda p: case.native(p, steps, 1 if "samples" in options else 3, **options)  # noqa: E731
    cotangent = case.random_like(jax.eval_shape(run, case.parameters))
    arguments = case.parameters, case.random_like(case.parameters, relative=True), cotangent
    found = by_threads(lambda *given: passes(run, *given))(*arguments)
    expected = quick_jit(lambda *given: passes(run, *given))(*arguments)
    assert_close(found, expected, 1e-13 if case.dtype == jnp.float64 else 2e-5)


@pytest.mark.parametrize("name", ["Stack", "Table"])
def test_a_system_of_ones_own_runs_on_threads(name):
    def cubes(system):  # squares of a unit vector add up to 1, whose derivatives are rounding alone
        run = lg.simulate(system, duration=30e-12, dt=1e-12, drive=DRIVES.get(name), engine=lg.solvers.Native())
        return sum(jnp.sum(a * a * a) for a in jax.tree.leaves(run.state))

    found, expected = by_threads(jax.value_and_grad(cubes))(SYSTEMS[name]), jax.value_and_grad(cubes)(SYSTEMS[name])
    assert_close(found, expected, 1e-12)


def test_a_comparison_of_threads_can_fail():
    case = Case(N=3)
    run = lambda p: case.native(p, 4, 2)  # noqa: E731
    wrong = lambda p: case.native((p[0], -p[1], *p[2:]), 4, 2)  # noqa: E731
    with pytest.raises(AssertionError):
        assert_close(by_threads(run)(case.parameters), quick_jit(wrong)(case.parameters), 1e-13)
