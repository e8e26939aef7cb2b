"""A drive that is held for several steps, against the same drive sampled at the nodes of each of them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.kernels.coupled.arrays import DEVICE, DT, assert_close

import llgrad as lg
from llgrad.kernels import plain
from llgrad.kernels.integrate import integrate
from llgrad.kernels.steppers import Heun
from llgrad.solve.held import states_of_held
from llgrad.solve.native import as_operands
from llgrad.solve.saving import TimeGrid
from llgrad.solve.simulate import task_of_device

PIECES, HOLD, NODES = 5, 3, len(Heun.tableau.nodes)
SHAPES = {
    "one array in registers": (3, None),
    "one array": (40, None),
    "one whose rows are shared out": (200, None),
    "many samples": (3, 17),
    "many samples in tiles of one register": (16, 19),
}


def task_of(N, weights, m0):
    array = lg.OscillatorArray(DEVICE, N, lg.FieldCoupling(weights))
    grid = TimeGrid(PIECES * HOLD, DT, HOLD, keep_initial=False)
    start = lg.Vec3(*(jnp.full(N, component) for component in m0))
    return task_of_device(array, DEVICE, None, Heun(), grid, start, None)


def held(N, weights, m0, values, memory):
    return states_of_held(task_of(N, weights, m0), "field_x", values, HOLD, memory).stack()


def sampled(N, weights, m0, values, memory):
    task = as_operands(task_of(N, weights, m0))
    samples = jnp.repeat(jnp.broadcast_to(values[:, None], (PIECES, NODES, N)), HOLD, axis=0)
    run = integrate(
        task.equation,
        task.m0,
        stepper=task.stepper,
        h=task.grid.dt * 1e9,
        steps=task.grid.steps,
        every=task.grid.save_every,
        drive={"field_x": samples},
        mix=task.mixing.products(),
        memory=memory,
    )
    return run.saved.stack()


def everything(way, N, B, memory=2**28):
    """Value, derivative in a direction, gradient, and how the gradient changes in that direction."""
    rng = np.random.default_rng(0)
    one = functools.partial(way, N, memory=memory)
    run = one if B is None else jax.vmap(one, in_axes=(None, None, 0))
    values = jnp.asarray(0.05 * rng.normal(size=(PIECES, N) if B is None else (B, PIECES, N)))
    given = (jnp.asarray(0.1 * rng.normal(size=(N, N)) / np.sqrt(N)), jnp.asarray([0.6, 0.0, 0.8]), values)
    direction = jax.tree.map(lambda leaf: jnp.asarray(rng.normal(size=leaf.shape)), given)

    def size(*given):
        return jnp.sum(run(*given)[..., 0] ** 2)

    def compute(*given):
        pushed = jax.jvp(run, given, direction)
        return pushed, jax.jvp(jax.grad(size, argnums=(0, 1, 2)), given, direction)

    return jax.jit(compute)(*given)


@pytest.mark.parametrize("name", SHAPES)
def test_it_is_the_drive_sampled_at_every_node(name):
    found, expected = (everything(way, *SHAPES[name]) for way in (held, sampled))
    assert np.abs(np.diff(np.asarray(found[0][0]), axis=-3)).max() > 1e-3
    assert_close(found, expected, 1e-12)


@pytest.mark.parametrize("name", ["one array", "many samples"])
def test_segments_are_whole_pieces(name):
    assert_close(everything(held, *SHAPES[name], memory=1), everything(held, *SHAPES[name]), 1e-12)


def test_in_plain_jax_where_there_is_no_kernel(monkeypatch):
    expected = everything(held, *SHAPES["many samples"])
    monkeypatch.setattr(plain, "failure_of", lambda program: "no kernel")
    monkeypatch.setattr(plain, "say_once", lambda reason: None)
    jax.clear_caches()
    assert_close(everything(held, *SHAPES["many samples"]), expected, 1e-11)
    jax.clear_caches()
