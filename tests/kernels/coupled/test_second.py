"""Second derivatives of coupled arrays: how the gradient of a run changes along a direction of all that it depends on,
against its differences; over arrays of oscillators and of systems, computed and plain emissions, matrices and sums.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.kernels.coupled import test_engines_agree as oscillators
from tests.kernels.coupled.arrays import assert_close
from tests.unit.solve import test_arrays_of_systems as of_systems

import llgrad as lg

CASES = {
    name: oscillators.CASES[name]
    for name in (
        "one of three, one sample",
        "one of seventeen, the end",
        "one whose rows are shared out, drive and noise",
        "three, seventeen samples, drive and noise",
    )
}
CASES |= {
    f"{name}, {N}" + (f", {B} samples" if B else ""): of_systems.Case(name, N, lg.solvers.Heun(), B, steps=3)
    for name, N, B in (("powers", 3, None), ("amplitudes", 3, 9), ("layers", 17, None), ("series", 3, None))
}


def differences(gradient, point, direction):
    """(exact to the fourth order) how the gradient changes along the direction."""

    def centred(size):
        ahead, behind = (
            gradient(jax.tree.map(lambda p, d, way=way: p + way * d, point, direction)) for way in (size, -size)
        )
        return jax.tree.map(lambda a, b: (a - b) / (2 * size), ahead, behind)

    return jax.tree.map(lambda coarse, fine: (4 * fine - coarse) / 3, centred(2e-3), centred(1e-3))


@pytest.mark.parametrize("name", CASES)
def test_the_gradient_changes_as_its_differences_do(name):
    case = CASES[name]
    rng = np.random.default_rng(3)
    direction = jax.tree.map(lambda p: jnp.asarray(rng.normal(size=p.shape)) * p, case.parameters)
    weights = jnp.asarray(
        rng.normal(size=jax.eval_shape(lambda p: case.run(lg.solvers.Native(), p), case.parameters).shape)
    )

    def loss(parameters):
        return jnp.sum(weights * jnp.sin(2 * case.run(lg.solvers.Native(), parameters)))

    gradient = jax.jit(jax.grad(loss))
    changed = jax.jit(lambda p, d: jax.jvp(jax.grad(loss), (p,), (d,))[1])(case.parameters, direction)
    assert_close(changed, differences(gradient, case.parameters, direction), 1e-6)
