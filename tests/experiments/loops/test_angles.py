"""The angle of a quasi-static experiment: what it may be, and what is refused, in every experiment that has one."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.experiments.loops.swept import angles_of

DEVICE = lg.presets.kubota2013()
BAR = lg.Stack(
    lg.Layer("free", Ms=1e6, thickness=2e-9, area=1e-12, H_k=1.5, terms=(lg.physics.SpinOrbitTorque(4.0),)),
    readouts=lg.readout.HallBar(lg.readout.Film(200.0, lg.readout.AHE(1.0)), length=10e-6, width=5e-6),
)
EXPERIMENTS = {
    "loop": lambda angle: lg.experiments.loop(DEVICE, "field", 0.1, -0.1, angle=angle, steps=10),
    "resonance_map": lambda angle: lg.experiments.resonance_map(DEVICE, 0.1, 0.2, [1e9], angle=angle, steps=4),
    "harmonic_hall": lambda angle: lg.experiments.harmonic_hall(
        BAR, "field", 0.1, 0.2, current=1e-3, angle=angle, steps=4
    ),
}


@pytest.mark.parametrize("name", EXPERIMENTS)
@pytest.mark.parametrize(
    ("angle", "said"),
    [
        ((90.0, 0.0), '90 rad is no angle within a full turn; angles are in radians, and "90deg" is in degrees'),
        ((math.nan, 0.0), "nan rad is no angle"),
        ((True, 0.0), "holds True, expected radians"),
        (("90", 0.0), "has no unit"),
        ((None, 0.0), "holds None, expected radians"),
        ("90deg", "expected a polar and an azimuthal angle in radians"),
        ((0.1, 0.2, 0.3), "expected a polar and an azimuthal angle in radians"),
        ([(0.1, 0.2), (0.3,)], "expected radians"),
    ],
)
def test_what_is_no_angle_is_refused(name, angle, said):
    with pytest.raises(ValueError, match=said):
        EXPERIMENTS[name](angle)


def test_texts_numbers_and_arrays_are_one_angle():
    expected = np.array([math.pi / 2, math.pi / 6])
    for angle in (
        ("90deg", "30deg"),
        (math.pi / 2, "30deg"),
        expected,
        jnp.asarray(expected),
        list(jnp.asarray(expected)),
    ):
        np.testing.assert_allclose(angles_of(angle), expected, rtol=1e-12)
    np.testing.assert_allclose(angles_of([("90deg", "30deg"), (0, 0)]), [expected, [0.0, 0.0]], rtol=1e-12)
    np.testing.assert_allclose(angles_of(("450deg", "30deg")), expected, rtol=1e-12)
