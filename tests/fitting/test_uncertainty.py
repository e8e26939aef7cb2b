"""What the data cannot tell apart is named."""

import numpy as np
import pytest

from llgrad import presets
from llgrad.fitting.answers.uncertainty import uncertainty
from llgrad.fitting.fit import fit
from llgrad.fitting.methods.least_squares import LevenbergMarquardt

QUICK = LevenbergMarquardt(grow=False, iterations=4)


def test_errors_of_a_straight_line_are_the_textbook_ones():
    x = np.linspace(1, 3, 50)
    jacobian = np.stack([np.ones_like(x), x], axis=1)
    sure = uncertainty(("offset", "slope"), np.array([1.0, 2.0]), jacobian / 0.1)
    covariance = 0.1**2 * np.linalg.inv(jacobian.T @ jacobian)
    assert np.allclose(sure.errors, np.sqrt(np.diag(covariance)))
    assert sure.correlation[0, 1] == pytest.approx(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))


@pytest.mark.parametrize(
    ("names", "fixed"),
    [
        (("alpha", "current"), "only alpha/current is fixed"),
        (("delay", "m0.polar"), "only 1 of their combinations is fixed"),  # a tilt of -8 mrad has no power
        (("m0.azimuthal[b]", "alpha"), "only 1 of their combinations is fixed"),
    ],
)
def test_products_are_told_of_what_has_a_size(names, fixed):
    values, slope = np.array([2.0, 3.0]), np.linspace(1, 2, 20)
    sure = uncertainty(names, values, slope[:, None] / values * [1.0, -1.0])
    assert sure.verdict == (f"{', '.join(names)} cannot be told apart by these data: {fixed}",)


@pytest.mark.parametrize(
    ("free", "combination"),
    [
        (["current", "polarization"], "current·polarization"),
        (["current", "volume"], "current/volume"),
        (["polarization", "volume", "alpha"], "volume/polarization"),
    ],
)
def test_inseparable_parameters_are_named(teacher, first_state, free, combination):
    result = fit(presets.kubota2013(), teacher, free=free, m0=first_state, method=QUICK)
    sentence = " ".join(result.verdict)
    inverse = "/".join(reversed(combination.split("/")))
    assert "cannot be told apart" in sentence
    assert combination in sentence or inverse in sentence
    assert all(np.isinf(result.errors[name]) for name in free if name != "alpha")
    assert np.isfinite(result.errors.get("alpha", 0.0))
    assert "not fixed by the data" in str(result)


def test_a_parameter_without_effect_is_named():
    sure = uncertainty(("alpha", "temperature"), np.array([0.005, 300.0]), np.array([[1.0, 0.0], [2.0, 0.0]]))
    assert any("do not depend on temperature" in sentence for sentence in sure.verdict)
    assert np.isfinite(sure.errors).tolist() == [True, False]
