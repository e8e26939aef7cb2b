"""Pictures of limit cycles."""

import numpy as np
import pytest
from tests.orbits.devices import AMPLITUDE
from tests.unit.plot.conftest import check_whole

import llgrad as lg
from llgrad import plot


@pytest.fixture(scope="module")
def orbit():
    return lg.orbit(AMPLITUDE)


def test_pictures_are_whole(orbit):
    for draw in (plot.cycle, plot.phase_noise):
        check_whole(draw.__name__, draw(orbit))


def test_the_cycle_and_its_responses_are_drawn(orbit):
    states, pushes, powers = plot.cycle(orbit).axes
    assert [line.get_label() for line in states.lines] == ["im", "re"]
    np.testing.assert_allclose(states.lines[1].get_ydata()[:-1], orbit.state["re"])
    assert pushes.get_ylabel() == "ωR (rad/ns per 1/µs)" and powers.get_ylabel() == "ωR (rad/ns)"
    np.testing.assert_allclose(pushes.lines[0].get_ydata()[:-1], np.asarray(orbit.phase_response("push")) * 1e-3)
    np.testing.assert_allclose(powers.lines[0].get_ydata()[:-1], np.asarray(orbit.phase_response("power")) * 1e-9)


def test_what_cannot_be_drawn_is_told(orbit):
    with pytest.raises(ValueError, match="orbit is a str"):
        plot.cycle("orbit")
    still = lg.orbit(AMPLITUDE.replace(heat=0.0))
    with pytest.raises(ValueError, match="this orbit has no noise"):
        plot.phase_noise(still)
