"""A cycle is found as near to its threshold as it can be told from rest, and beyond that the threshold is said."""

import dataclasses
import math

import numpy as np
import pytest
from tests.unit.solve.systems import MEMBERS

import llgrad as lg

AMPLITUDE = MEMBERS["Amplitude"]
STO = lg.presets.kubota2013().replace(field=(0, 0, 0.2))
THRESHOLD = 1.5538394511092e-3
"""[A], the Hopf point of `STO`, by its own equations; the frequency there, and its slope by the current over it."""
RINGING, SLOPE = 6.777680160e9, -1.675e9


@pytest.mark.parametrize("above", (1e-1, 1e-3, 1e-5, 1e-7))
def test_a_small_cycle_is_that_of_the_amplitude_model(above):
    found = lg.orbit(AMPLITUDE.replace(supercriticality=1 + above))
    p = above / (1 + above + AMPLITUDE.nonlinear)
    assert float(found.frequency) == pytest.approx((AMPLITUDE.omega + AMPLITUDE.shift * p) / (2 * math.pi), rel=1e-12)
    assert float(np.mean(np.sum(np.asarray(found.closed.states) ** 2, axis=1))) == pytest.approx(p, rel=1e-4)


@pytest.mark.parametrize("above", (1e-4, 1e-6, 1e-8))
def test_a_small_cycle_of_a_device_is_on_the_line_from_its_threshold(above):
    found = lg.orbit(STO.replace(current=THRESHOLD * (1 + above)))
    shift = SLOPE * above
    assert float(found.frequency) - RINGING == pytest.approx(shift, abs=0.01 * abs(shift) + 1.0)


@pytest.mark.parametrize(
    "device, words",
    (
        (STO.replace(current=THRESHOLD * (1 + 1e-11)), r"is at a threshold, 1\.55383945\d* mA, .* turn at 6\.778 GHz"),
        (STO.replace(current=THRESHOLD * (1 - 1e-9)), r"1\.553839449\d* mA is below the threshold, 1\.553839451\d* mA"),
        (STO.replace(current=THRESHOLD * (1 - 1e-3)), r"1\.55229 mA is below the threshold, 1\.55384 mA;"),
        (AMPLITUDE.replace(supercriticality=1.0), r"Amplitude is at a threshold where .* turn at 0\.4775 GHz"),
    ),
    ids=("at", "below by little", "below", "system"),
)
def test_what_is_at_a_threshold_is_told_so(device, words):
    with pytest.raises(ValueError, match=words):
        lg.orbit(device)


class Followed(type(AMPLITUDE)):
    """The amplitude model with a number that follows its power at once."""

    rate_of_power: float = lg.quantity("1/s")

    def start(self):
        return super().start() | {"power": 0.2}

    def rate(self, state, inputs):
        power = state["re"] ** 2 + state["im"] ** 2
        return super().rate(state, inputs) | {"power": self.rate_of_power * (power - state["power"])}


def followed(rate):
    own = {field.name: getattr(AMPLITUDE, field.name) for field in dataclasses.fields(AMPLITUDE)}
    return Followed(**own, rate_of_power=rate)


@pytest.mark.parametrize("rate", [1e12, 5e13], ids=["333 times", "17,000 times"])
def test_what_follows_at_once_changes_no_orbit(rate):
    found, known = lg.orbit(followed(rate)), lg.orbit(AMPLITUDE)
    numbers = [[float(one.frequency), float(one.return_rate)] for one in (found, known)]
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-8)


def test_what_is_too_stiff_is_refused_at_once_by_name():
    with pytest.raises(ValueError, match=r"power of Followed moves 3\.33e\+05 times faster than .* turns"):
        lg.orbit(followed(1e15))


def test_a_run_that_was_cut_short_by_what_is_fast_is_no_chaos():
    """A hundred turns to the cycle are more than a run beside what is 33,000 times faster is long."""
    slow = followed(1e14).replace(supercriticality=1.0 + 1e-4)
    with pytest.raises(
        ValueError, match=r"no longer run was made, as power of it moves 3\.\d+e\+04 times faster"
    ) as told:
        lg.orbit(slow)
    assert "chaotic" not in str(told.value)


def test_a_map_says_where_its_runs_are_too_short_for_what_is_fast():
    found = lg.sweep(followed(1e12), {"supercriticality": [2.0, 3.0]}, quantities="frequency")
    assert (found.regions == lg.experiments.Region.NEITHER).all(), "no orbit is found so far, and this is said"
    assert "at 2 points that neither rest nor repeat themselves the fastest motion is up to 333 times faster" in str(
        found
    )
