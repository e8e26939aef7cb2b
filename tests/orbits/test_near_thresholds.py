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


def test_what_is_too_stiff_is_refused_at_once_by_name():
    own = {field.name: getattr(AMPLITUDE, field.name) for field in dataclasses.fields(AMPLITUDE)}
    assert float(lg.orbit(Followed(**own, rate_of_power=1e12)).frequency) == pytest.approx(
        float(lg.orbit(AMPLITUDE).frequency), rel=1e-9
    )
    with pytest.raises(ValueError, match=r"power of Followed moves 3\.33e\+05 times faster than .* turns"):
        lg.orbit(Followed(**own, rate_of_power=1e15))
