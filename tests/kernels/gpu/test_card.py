"""Runs on a GPU, where JAX finds one: `JAX_PLATFORMS=cpu,cuda python -m pytest -m gpu`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.kernels.gpu.threads import SYSTEMS
from tests.kernels.reference import FULL
from tests.unit.solve.systems import DRIVES

import llgrad as lg

pytestmark = pytest.mark.gpu


@pytest.fixture
def card():
    """JAX's first GPU, on which it computes."""
    try:
        (device, *_) = jax.devices("gpu")
    except RuntimeError as problem:
        pytest.skip(f"JAX finds no GPU here; JAX_PLATFORMS=cpu,cuda lets these tests look for one ({problem})")
    with jax.default_device(device):
        yield device


@pytest.mark.parametrize("bits", [64, 32])
def test_value_gradient_and_jacobian_are_those_of_the_scan(card, bits):
    with jax.enable_x64(bits == 64):
        values = jnp.linspace(0.01, 0.05, 75)
        runs = [
            lambda alpha, engine=engine: (
                lg.simulate(FULL.replace(alpha=alpha), duration=100e-12, dt=1e-12, engine=engine, save=lg.Every(10)).m
            )
            for engine in (lg.solvers.Native(), lg.solvers.XLA())
        ]
        for derived in (lambda f: f, lambda f: jax.grad(lambda a: jnp.sum(f(a) ** 3)), jax.jacfwd):
            found, expected = (jax.jit(jax.vmap(derived(run)))(values) for run in runs)
            assert found.devices() == {card}
            scale = float(jnp.max(jnp.abs(expected)))
            np.testing.assert_allclose(found, expected, rtol=0, atol=scale * (1e-12 if bits == 64 else 1e-4))


@pytest.mark.parametrize("name", ["Stack", "Table"])
def test_a_system_of_ones_own_runs_native(card, name):
    found, expected = (
        lg.simulate(SYSTEMS[name], duration=50e-12, dt=1e-12, drive=DRIVES.get(name), engine=engine)
        for engine in (lg.solvers.Native(), lg.solvers.XLA())
    )
    assert found.stats.engine == "native"
    for a, b in zip(jax.tree.leaves(found.state), jax.tree.leaves(expected.state), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_noise_is_the_same_as_on_the_processors(card):
    run = lambda: lg.simulate(  # noqa: E731
        FULL.replace(temperature=300.0), duration=100e-12, dt=1e-12, key=jax.random.key(3), stepper=lg.solvers.Heun()
    )
    found = run()
    with jax.default_device(jax.devices("cpu")[0]):
        expected = run()
    assert found.stats.engine == expected.stats.engine == "native"
    np.testing.assert_allclose(np.asarray(found.m), np.asarray(expected.m), rtol=0, atol=1e-11)
