"""Where there is no cycle, or more to say about it: one sentence that says why."""

import numpy as np
import pytest
from tests.orbits.devices import PRESET, reference
from tests.unit.solve.systems import MEMBERS

import llgrad as lg
from llgrad.orbits.cycle.finding import cycle_from

CASES = {
    "below": (PRESET.replace(current=0.38e-3), "380 µA is below the threshold, 395.998 µA; it comes to rest at m = "),
    "death": (
        reference(0.02, 3.6e-3),
        "3.6 mA is beyond oscillation death, which is at 3.55026 mA: the torque holds m",
    ),
    "sign": (
        reference(0.02, -2.5e-3),
        "a current of -2.5 mA has the wrong sign: reverse the current, or the polariser",
    ),
    "beyond": (reference(0.006, 2e-3), "2 mA is beyond oscillation death, which is at 1.06508 mA: the torque holds m"),
    "both": (
        reference(0.006, -2e-3),
        "the wrong sign: reverse the current, or the polariser, and make it smaller (it oscillates at 655.36 µA)",
    ),
    "neither": (
        reference(0.0, 4e-3),
        "no cycle: at 4 mA, at smaller currents and at those of the other sign none was found; it comes to rest at ",
    ),
    "neither, turned": (reference(0.0, -1e-3), "no cycle: at -1 mA, at smaller currents and at those of the other"),
    "sign below": (
        PRESET.replace(current=-0.3e-3),
        "reverse the current, or the polariser (the threshold is 395.998 µA)",
    ),
    "none": (reference(0.02, 0.0), "no current flows, and it comes to rest at m = (0, 0, 1)"),
    "time": (MEMBERS["Stack"], "the rate of Stack depends on the time, so its orbits are not closed"),
    "apart": (lg.OscillatorArray(PRESET, 2), "the oscillators of this array are not coupled"),
    "system": (MEMBERS["Hopf"].replace(gain=-1e9), "it comes to rest at im = "),
}


@pytest.mark.parametrize("name", CASES)
def test_sentence(name):
    model, sentence = CASES[name]
    with pytest.raises(ValueError, match=r"^(no |the rate)") as caught:
        lg.orbit(model)
    assert sentence in str(caught.value)


def test_thresholds_are_exact():
    """The Hopf current of the exact Jacobian, 1.5538392 mA; 1.5550980 mA is its leading order in α and the torque."""
    with pytest.raises(ValueError, match=r"threshold, 1\.55384 mA"):
        lg.orbit(PRESET.replace(field=(0.0, 0.0, 0.2), current=1.5e-3))


def test_bistable_below_the_critical_field():
    found = lg.orbit(PRESET.replace(field=(0.0, 0.0, 0.002), current=0.278e-3))
    assert found.note == "bistable: the state at rest attracts too, and a run from its neighbourhood stays there"
    assert bool(found.attracts)
    assert found.found and found.status.sentence == f"found; {found.note}"


@pytest.mark.parametrize("current", [0.397e-3, 3.5e-3])
def test_near_a_threshold(current):
    """Where a run takes long: the cycle of small amplitude above the Hopf current, and the slow one below death."""
    found = lg.orbit(reference(0.02, current))
    assert float(found.error) < 1e-9
    run = lg.simulate(
        found.model.replace(temperature=0.0),
        duration=3 * float(found.period),
        m0=np.asarray(found.m[0]),
        accuracy=1e-10,
    )
    np.testing.assert_allclose(run.m[-1], found.m[0], atol=1e-7)


def test_arguments():
    with pytest.raises(ValueError, match="model is a str, expected an Oscillator"):
        lg.orbit("kubota2013")
    with pytest.raises(ValueError, match="accuracy = 0, expected a relative error"):
        lg.orbit(PRESET, accuracy=0)
    with pytest.raises(ValueError, match="steps = 3, expected the number of states"):
        lg.orbit(PRESET, steps=3)


@pytest.mark.parametrize("name", ("below", "death", "sign", "beyond", "none", "system"))
def test_a_search_that_is_asked_for_no_reason_finds_none_either(name):
    assert cycle_from(CASES[name][0], None, 64) is None


@pytest.mark.parametrize("model", (PRESET, MEMBERS["Hopf"]), ids=("device", "system"))
def test_a_search_that_is_asked_for_no_reason_finds_the_same_orbit(model):
    states, period = cycle_from(model, None, 64)
    found = lg.orbit(model, steps=64).closed
    np.testing.assert_allclose(states, found.states, rtol=1e-9, atol=1e-9 * np.abs(states).max())
    assert period == pytest.approx(float(found.period), rel=1e-9)
