"""Law: m · dm/dt = 0, to rounding, for every field term: the length of m cannot change."""

import numpy as np
import pytest
from tests.physics.terms import INPUTS, TERMS, array_of, random_states

from llgrad.physics.llg import llg

COUNT = 200


def worst_radial_part(field, m, alpha=0.1):
    """Largest |m · dm/dt| over the largest |dm/dt|, for γ = 1."""
    slope = array_of(llg(m, field, 1.0, alpha), COUNT)
    radial = np.sum(slope * array_of(m, COUNT), axis=0)
    return np.max(np.abs(radial)) / np.max(np.linalg.norm(slope, axis=0))


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("alpha", [0.0, 0.005, 1.0])
def test_the_slope_has_no_radial_part(name, alpha, rng):
    m = random_states(rng, COUNT)
    assert worst_radial_part(TERMS[name].term.field(m, INPUTS), m, alpha) < 1e-15 * 4


def test_the_measure_can_fail(rng):
    m = random_states(rng, COUNT)
    slope = llg(m, TERMS["applied"].term.field(m, INPUTS), 1.0, 0.1)
    radial = np.sum(array_of(slope + m * 1e-6, COUNT) * array_of(m, COUNT), axis=0)
    assert np.max(np.abs(radial)) > 1e-7
