"""`jit`, `vmap`, `grad`, `jacfwd`, `jacrev` and their nestings, against the same transforms of a plain scan."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.kernels.reference import Case, assert_close, quick_jit

from llgrad import presets
from llgrad.kernels import calls
from llgrad.solve.simulate import simulate

CASE = Case(channels=("current",), longest=40)


def trace(run, values, steps=40):
    """(saved m_x …, final m) as functions of damping, current and one drive sample."""
    free, m0, drive, sigma = CASE.parameters
    free = eqx.tree_at(lambda e: (e.alpha, e.current), free, (values[0], values[1] * 1e-3))
    drive = {"current": drive["current"].at[1, 1].set(values[2] * 1e-3)}
    saved, final = run((free, m0, drive, sigma), steps, max(steps // 2, 1))
    return jnp.stack([saved.x[0], saved.x[-1], saved.z[0], final.y])


def loss(run, values):
    return jnp.sum(jnp.sin(trace(run, values)))


POINT = jnp.asarray([0.02, 2.5, 1.0])
POINTS = jnp.stack([POINT, POINT * 1.1])
DEEP = jnp.stack([POINTS, POINTS * 0.9, POINTS * 1.2])
WIDE = jnp.stack([DEEP * (1 + 0.01 * place) for place in range(3)])
"""More in all than a narrow tile takes, and each axis fewer."""


@pytest.fixture(autouse=True)
def three_directions_to_a_sweep(monkeypatch):
    """As many as a Jacobian of `trace` has: kernels for other numbers need not be compiled."""
    monkeypatch.setattr(calls, "MOST", 3)


TRANSFORMS = {
    "jit": lambda f, g: (jax.jit(f), POINT),
    "vmap": lambda f, g: (jax.vmap(f), POINTS),
    "vmap vmap": lambda f, g: (jax.vmap(jax.vmap(f)), DEEP),
    "vmap of one argument, last axis": lambda f, g: (
        jax.vmap(lambda x: f(POINT.at[1].set(x)), out_axes=1),
        POINTS[:, 1],
    ),
    "grad": lambda f, g: (jax.grad(g), POINT),
    "jit grad": lambda f, g: (jax.jit(jax.grad(g)), POINT),
    "jacfwd": lambda f, g: (jax.jacfwd(f), POINT),
    "jacfwd of jit": lambda f, g: (jax.jacfwd(jax.jit(f)), POINT),
    "jvp of jit": lambda f, g: (lambda x: jax.jvp(jax.jit(f), (x,), (x,))[1], POINT),
    "vmap vmap grad": lambda f, g: (jax.vmap(jax.vmap(jax.grad(g))), DEEP),
    "vmap vmap vmap grad": lambda f, g: (jax.vmap(jax.vmap(jax.vmap(jax.grad(g)))), WIDE),
    "vmap jit vmap vmap grad jit": lambda f, g: (jax.vmap(jax.jit(jax.vmap(jax.vmap(jax.grad(jax.jit(g)))))), WIDE),
    "vmap jit jacrev": lambda f, g: (jax.vmap(jax.jit(jax.jacrev(f))), WIDE.reshape(-1, 3)),
    "vmap jit hessian jit": lambda f, g: (jax.vmap(jax.jit(jax.hessian(jax.jit(g)))), WIDE.reshape(-1, 3)),
    "jacrev": lambda f, g: (jax.jacrev(f), POINT),
    "vmap grad": lambda f, g: (jax.vmap(jax.grad(g)), POINTS),
    "grad vmap": lambda f, g: (jax.grad(lambda x: jax.vmap(g)(x).sum()), POINTS),
    "vmap jacfwd": lambda f, g: (jax.vmap(jax.jacfwd(f)), POINTS),
    "vmap jacrev": lambda f, g: (jax.vmap(jax.jacrev(f)), POINTS),
    "jacfwd vmap": lambda f, g: (jax.jacfwd(jax.vmap(f)), POINTS),
    "grad of a sum over a shared parameter": lambda f, g: (
        jax.grad(lambda x: jax.vmap(lambda y: g(y.at[0].set(x)))(POINTS).sum()),
        POINT[0],
    ),
    "linearize": lambda f, g: (lambda x: jax.linearize(f, x)[1](x), POINT),
    "checkpoint grad": lambda f, g: (jax.grad(jax.checkpoint(g)), POINT),
    "grad of a scan": lambda f, g: (
        jax.grad(lambda x: jax.lax.scan(lambda c, _: (c + 1e-3 * g(c), None), x, None, length=2)[0].sum()),
        POINT,
    ),
    "hessian": lambda f, g: (jax.hessian(g), POINT),
    "jacrev of grad": lambda f, g: (jax.jacrev(jax.grad(g)), POINT),
    "jacfwd of jacfwd": lambda f, g: (jax.jacfwd(jax.jacfwd(g)), POINT),
    "jacrev of jacfwd": lambda f, g: (jax.jacrev(jax.jacfwd(g)), POINT),
    "grad of jvp": lambda f, g: (jax.grad(lambda x: jax.jvp(g, (x,), (x,))[1]), POINT),
    "vmap hessian": lambda f, g: (jax.vmap(jax.hessian(g)), POINTS),
    "hessian over a shared parameter": lambda f, g: (
        jax.hessian(lambda x: jax.vmap(lambda y: g(y.at[0].set(x[0]).at[1].mul(x[1])))(POINTS).sum()),
        POINT[:2],
    ),
    "grad of jvp, linear in the direction": lambda f, g: (
        jax.grad(lambda d: jnp.sum(jax.jvp(f, (POINT,), (d,))[1] ** 2)),
        POINT,
    ),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transform(name):
    found, point = TRANSFORMS[name](lambda x: trace(CASE.native, x), lambda x: loss(CASE.native, x))
    expected, _ = TRANSFORMS[name](lambda x: trace(CASE.scan, x), lambda x: loss(CASE.scan, x))
    assert_close(found(point), quick_jit(expected)(point), 1e-10)


def test_fewer_states_beside_others_than_alone_are_refused_or_right():
    def jacobians(run):
        return jax.vmap(jax.jit(jax.jacrev(lambda x: trace(run, x))))

    def little(parameters, steps, every):
        return CASE.native(parameters, steps, every, memory=40 * 3 * 8)  # all states of one run, not of eighteen

    points = WIDE.reshape(-1, 3)
    try:
        found = jacobians(little)(points)
    except (TypeError, ValueError) as refused:
        assert "shape" in str(refused) or "Cannot lower" in str(refused)
    else:
        assert_close(found, quick_jit(jacobians(CASE.scan))(points), 1e-10)


@pytest.mark.parametrize("steps", [1, 7, 16, 40])
def test_a_pull_back_taken_out_of_a_batch_is_right_or_refused(steps):
    """Many runs keep every sixteenth state, which is too little for the gradient of one."""
    points, weight = WIDE.reshape(-1, 3), jnp.asarray([0.3, -1.0, 0.7, 0.2])

    def pull_back_of(x):
        return jax.vjp(lambda y: trace(CASE.native, y, steps), x)[1]

    first = jax.tree.map(lambda leaf: leaf[0], jax.vmap(pull_back_of)(points))
    if steps == 1:
        np.testing.assert_allclose(first(weight)[0], pull_back_of(points[0])(weight)[0], rtol=1e-12)
    else:
        with pytest.raises(Exception, match="too few states for the gradient of one: call it within the vmap"):
            jax.block_until_ready(first(weight))


def test_all_directions_of_a_jacobian_share_one_run():
    text = str(jax.make_jaxpr(jax.jacfwd(lambda x: trace(CASE.native, x)))(POINT))
    assert text.count("llgrad_solve") == 1
    assert text.count("llgrad_tangent") == 1


def test_more_directions_than_one_sweep_takes():
    push = lambda run: jax.vmap(lambda t: jax.jvp(lambda x: trace(run, x), (POINT,), (t,))[1])  # noqa: E731
    directions = jnp.concatenate([jnp.eye(3), jnp.asarray([[1.0, -2.0, 0.5]])])
    text = str(jax.make_jaxpr(push(CASE.native))(directions))
    assert text.count("llgrad_tangent") == 1
    pushed = push(CASE.native)(directions)
    assert_close(pushed, quick_jit(push(CASE.scan))(directions), 1e-10)
    np.testing.assert_allclose(pushed[3], pushed[0] - 2.0 * pushed[1] + 0.5 * pushed[2], rtol=1e-12)


def test_pull_backs_that_are_mapped_over_are_refused_with_what_does_the_same():
    """What a pull-back keeps has the time step in it, once for all runs; both other ways give its derivative."""
    device, weights = presets.kubota2013(), jnp.asarray([1.0, 2.0])
    currents = jnp.asarray([1e-3, 2e-3])

    def end(current):
        return simulate(device.replace(current=current), duration=2e-11, dt=2e-12).mz[-1]

    pull_backs = jax.vmap(lambda current: jax.vjp(end, current))(currents)[1]
    with pytest.raises(
        ValueError, match=r"In place of `vmap` over pull-backs of runs, map a function that calls its own"
    ):
        jax.vmap(lambda pull_back, weight: pull_back(weight))(pull_backs, weights)
    (own,) = jax.vmap(lambda current, weight: jax.vjp(end, current)[1](weight))(currents, weights)
    (of_all,) = jax.vjp(jax.vmap(end), currents)[1](weights)
    np.testing.assert_allclose(own, of_all, rtol=1e-12)
    np.testing.assert_allclose(own, weights * jnp.stack([jax.grad(end)(current) for current in currents]), rtol=1e-12)
