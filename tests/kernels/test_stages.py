"""Steps of many stages, which are a loop in the adjoint of a tile of several and written out for one trajectory."""

import jax
import numpy as np
import pytest
from tests.kernels.reference import FULL, SMALL, Case

import llgrad as lg

N, STEPS = 17, 20
"""More trajectories than a tile has, and more steps than a segment."""


CASES = {
    "drives of all and of each": ({"device": SMALL, "channels": ("current", "field_x"), "spread": ("field_x",)}, {}),
    "states within a step": ({"device": FULL}, {"samples": 3}),
}


@pytest.mark.parametrize(("fixed", "options"), CASES.values(), ids=CASES)
def test_the_gradient_of_a_tile_is_that_of_each_trajectory_alone(fixed, options):
    case = Case(N=N, stepper=lg.solvers.DormandPrince8(), longest=STEPS, **fixed)
    # what jumps from stage to stage is magnified by this tableau's weights, and so is its rounding
    parameters = (*case.parameters[:2], jax.tree.map(lambda samples: samples / 50, case.parameters[2]), None)

    def run(given):
        return case.native(given, STEPS, 1, memory=0, **options)

    value, back = jax.vjp(run, parameters)
    cotangent = case.random_like(jax.eval_shape(run, parameters))
    together = back(cotangent)[0]
    for lane in (0, N - 1):

        def alone(tree, lane=lane):
            return jax.tree.map(lambda a: a[..., lane] if a.ndim and a.shape[-1] == N else a, tree)

        one, back = jax.vjp(run, alone(parameters))
        for found, expected in zip(jax.tree.leaves(one), jax.tree.leaves(alone(value)), strict=True):
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)  # of unit vectors
        pairs = zip(*map(jax.tree.leaves, (parameters, together, back(alone(cotangent))[0])), strict=True)
        own = [(of_all, of_one) for given, of_all, of_one in pairs if given.ndim and given.shape[-1] == N]
        assert len(own) >= 4
        for of_all, of_one in own:
            largest = float(np.max(np.abs(of_all)))
            np.testing.assert_allclose(of_one, of_all[..., lane], rtol=0, atol=1e-12 * largest)
