"""What the methods of an orbit are given and cannot mean is a sentence, and so is a number that is none."""

import re

import jax
import numpy as np
import pytest
from tests.orbits.devices import AMPLITUDE, PRESET

import llgrad as lg

JUNCTION = lg.devices.ConductanceJunction(R_P=1e3, tmr=1.0)
WRONG = {
    "the amplitude of one tone": (lambda o, v: o.locking({"field_x": v}), (np.nan, np.inf, True, "1e-5", None, [1e-5])),
    "by input": (lambda o, v: o.locking(v), ({}, None, 1e-5, ["field_x"])),
    "offset frequencies": (lambda o, v: o.phase_noise(v), (0.0, -1.0, np.inf, [1e6, np.nan], "1MHz", [[1e6]], None)),
    "modulation": (lambda o, v: o.modulation("current", v), (0.0, np.inf, "1MHz")),
    "the density at 1 Hz": (
        lambda o, v: o.phase_noise([1e6], flicker={"current": v}),
        (-1e-14, np.nan, "1e-14", None, True, 1e-14j),
    ),
    "density at 1 Hz by input": (lambda o, v: o.phase_noise([1e6], flicker=v), (1e-14, [1e-14], "current")),
    "an impedance": (lambda o, v: o.power(load=v, junction=JUNCTION), (0.0, -50.0, np.nan, np.inf, "50", None, True)),
    "a law of the resistance": (lambda o, v: o.power(junction=v), (5, "tmr")),
    "the fundamental": (lambda o, v: o.power(harmonic=v, junction=JUNCTION), (0, -1, 1.5, True, 99, "1")),
    "one number": (lambda o, v: o.harmonics(lambda m: v(m)), (lambda m: m, lambda m: (m.x, m.y), lambda m: m.stack())),
}


@pytest.fixture(scope="module")
def orbit():
    return lg.orbit(PRESET.replace(temperature=300.0))


@pytest.mark.parametrize(("what", "value"), [(what, value) for what, (_, values) in WRONG.items() for value in values])
def test_a_mistake_is_a_sentence(orbit, what, value):
    said = "offset frequencies" if what == "modulation" else what
    with pytest.raises(ValueError, match=f"expected .*{re.escape(said)}"):
        WRONG[what][0](orbit, value)


@pytest.mark.parametrize("ask", ["phase_noise", "modulation", "nonlinearity", "frequency_by_power"])
@pytest.mark.parametrize(
    ("signal", "said"),
    [
        (lambda m: 1.0, "it does not change along the orbit"),
        (lambda state: state["re"] ** 2, "its largest harmonic is number 2"),
    ],
)
def test_a_signal_without_a_fundamental_has_no_phase(ask, signal, said):
    """The amplitude model goes round a circle: the square of a component has the second harmonic only."""
    found = lg.orbit(AMPLITUDE)
    given = {"phase_noise": ([1e6],), "modulation": ("power", [1e6])}.get(ask, ())
    with pytest.raises(ValueError, match=f"no fundamental, and so no phase: {said}"):
        getattr(found, ask)(*given, observable=signal)


class Pushed(lg.System):
    """A normal form with a third number that follows it, on which the noise acts too, or not (0)."""

    third: float = lg.quantity("1")
    noises = 3

    def start(self):
        return {"x": 0.5, "y": 0.0, "z": 0.0}

    def rate(self, state, inputs):
        x, y, z = state["x"], state["y"], state["z"]
        p = x * x + y * y
        noise = [1e3 * value for value in inputs.noise]
        return {
            "x": 1e9 * ((0.1 - p) * x - y) + noise[0],
            "y": 1e9 * ((0.1 - p) * y + x) + noise[1],
            "z": 1e9 * (p - z) + self.third * noise[2],
        }


def test_a_width_is_split_where_the_noise_acts_on_all_of_the_state():
    """The frequency does not depend on the power: ν = 0, and the linear width is the whole one."""
    whole = lg.orbit(Pushed(third=1.0))
    assert not whole.reason_against_split
    np.testing.assert_allclose(whole.linear_width, whole.line_width, rtol=1e-9)
    part = lg.orbit(Pushed(third=0.0))
    np.testing.assert_allclose(part.line_width, whole.line_width, rtol=1e-9)
    for ask in (lambda: part.nonlinearity("x"), lambda: part.linear_width):
        with pytest.raises(ValueError, match="does not act on every number of the state"):
            ask()
    assert np.isnan(jax.jit(lambda model: lg.orbit(model).linear_width)(Pushed(third=0.0)))
    lg.plot.phase_noise(part, observable="x")


@pytest.mark.parametrize("ask", [lambda o: o.linear_width, lambda o: o.nonlinearity()])
def test_what_comes_from_the_noise_is_not_told_without_it(ask):
    """The nonlinearity was told to be 0 at 0 K."""
    cold = lg.orbit(PRESET)
    with pytest.raises(ValueError, match="not told: there is no noise; give the device a temperature"):
        ask(cold)


def test_what_a_symmetry_makes_nothing_is_told_so():
    """A vortex in the middle of its disk goes round a circle."""
    vortex = lg.orbit(lg.presets.guslienko2014())
    for ratio, order in ((2, "first"), (3, "first"), (0.5, "second")):
        lock = vortex.locking({"field_x": 1e-5}, ratio)
        assert lock.half_width == 0 and np.isnan(lock.lag(ratio * lock.centre))
        assert repr(lock) == f"Locking: no drive near {ratio:g} f locks it, in {order} order"
    assert vortex.locking({"field_x": 1e-5}).half_width > 1e6
    with pytest.raises(ValueError, match="a slow change of field_x does not change the frequency"):
        vortex.modulation_bandwidth("field_x")
    assert 0 < vortex.modulation_bandwidth("current") < vortex.frequency / 2


def test_an_orbit_that_repels_has_no_line():
    branches = lg.follow(PRESET.replace(field=(0.0, 0.0, 3e-3), temperature=300.0), "current", 0.2e-3, 0.5e-3)
    branch, place = next((b, int(np.flatnonzero(b.growing)[3])) for b in branches.cycles if b.growing.any())
    repels = branch.orbit(place)
    assert repels.line_width_holds == "this orbit repels: no oscillator stays on it, so there is no line"
    assert repr(repels.locking({"field_x": 1e-7})).endswith("and the orbit repels")
    with pytest.raises(ValueError, match="this orbit repels"):
        lg.plot.phase_noise(repels)
