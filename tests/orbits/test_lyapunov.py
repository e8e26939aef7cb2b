"""The largest Lyapunov exponent: of Lorenz' system, at rest, and on a cycle."""

import pytest
from tests.orbits.systems import Lorenz
from tests.unit.solve.systems import MEMBERS

import llgrad as lg

STO = lg.presets.kubota2013()


def test_the_exponent_of_lorenz():
    """0.9056: J. C. Sprott, Chaos and Time-Series Analysis (2003)."""
    found = lg.orbits.lyapunov(Lorenz(), 2000e-9, segments=4000, dt=5e-12)
    assert found.error < 0.01e9
    assert abs(found.exponent - 0.9056e9) < 3 * found.error
    assert str(found).endswith("chaos")


def test_at_rest_it_is_the_slowest_decay():
    device = STO.replace(current=0.0, alpha=0.05)
    rest = lg.orbits.lyapunov(device, 10e-9, settling=20e-9)
    assert rest.exponent == pytest.approx(lg.equilibria(device)[0].growth, rel=1e-6)
    assert str(rest).endswith("runs come together")


def test_on_a_cycle_it_is_nothing():
    found = lg.orbits.lyapunov(STO, 100e-9, settling=20e-9)
    assert abs(found.exponent) < 3 * found.error < 0.2e9
    assert "chaos" not in str(found)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: lg.orbits.lyapunov(STO, -1e-9), "duration = -1e-09"),
        (lambda: lg.orbits.lyapunov(STO, 1e-9, segments=3), "segments = 3"),
        (lambda: lg.orbits.lyapunov(STO, 1e-9, settling=-1.0), "settling = -1.0"),
        (lambda: lg.orbits.lyapunov(1.0, 1e-9), "device is a float"),
        (lambda: lg.orbits.lyapunov(MEMBERS["Stack"], 1e-9), "depends on the time"),
    ],
)
def test_mistakes_are_sentences(call, words):
    with pytest.raises(ValueError, match=words):
        call()
