"""Locking ranges against simulations: locked just inside of the edges, slipping just outside."""

import math

import numpy as np
import pytest
from tests.orbits.devices import PRESET

import llgrad as lg

WEAK = 0.01
"""Half width over Γ: what is left out is of this order."""


@pytest.fixture(scope="module")
def orbit():
    return lg.orbit(PRESET)


def strengthened(orbit, ratio):
    """The amplitude of a field along x, and its locking, whose half width is WEAK Γ."""
    h = 1e-5
    for _ in range(2):
        lock = orbit.locking({"field_x": h}, ratio)
        h *= (WEAK / float(lock.strength)) ** (0.5 if ratio == 0.5 else 1)
    return h, orbit.locking({"field_x": h}, ratio)


def drift(orbit, h, lock, place):
    """By how much [rad] the oscillator's phase runs away from the drive's, `place` half widths off the centre, in the
    last half of a run; and how far it lags behind it at the end."""
    frequency = lock.ratio * float(lock.centre + place * lock.half_width)
    slip = 2 * math.pi * float(lock.half_width) * math.sqrt(abs(place**2 - 1))
    dt = float(orbit.period) / 20
    duration = round(4 * 2 * math.pi / slip / dt) * dt
    run = lg.simulate(
        orbit.model,
        duration=duration,
        dt=dt,
        m0=np.asarray(orbit.m[0]),
        drive=lg.Drive(field_x=lg.Sine(h, frequency=frequency, phase=math.pi / 2)),  # a cosine
        stepper=lg.solvers.DormandPrince8(),
        save=lg.Every(2),
    )
    phase = np.unwrap(np.angle(np.asarray(run.mx) + 1j * np.asarray(run.my)))
    late = 2 * math.pi * frequency / lock.ratio * np.asarray(run.t) - phase * np.sign(phase[-1] - phase[0])
    return late[-1] - late[len(late) // 2]


@pytest.mark.parametrize("ratio", [1, 2, 0.5])
def test_edges_of_the_range(orbit, ratio):
    h, lock = strengthened(orbit, ratio)
    assert abs(float(lock.strength) - WEAK) < 1e-3 * WEAK
    for place in (-1.03, -0.97, 0.97, 1.03):
        ran = abs(drift(orbit, h, lock, place))
        assert (ran > 2 * math.pi) if abs(place) > 1 else (ran < 2.0), (place, ran)


def test_second_order_is_quadratic_and_shifts(orbit):
    one, two = (orbit.locking({"field_x": h}, 0.5) for h in (1e-5, 2e-5))
    np.testing.assert_allclose(two.half_width / one.half_width, 4.0, rtol=1e-9)
    np.testing.assert_allclose((two.centre - orbit.frequency) / (one.centre - orbit.frequency), 4.0, rtol=1e-4)
    assert abs(float(one.centre - orbit.frequency)) > 0.1 * float(one.half_width)


def test_lag_grows_over_the_range(orbit):
    lock = orbit.locking({"field_x": 1e-6})
    low, high = lock.drive_range
    np.testing.assert_allclose((lock.lag(high) - lock.lag(low)) % (2 * math.pi), math.pi, atol=1e-6)
    assert np.isnan(lock.lag(high * 1.1))


def test_arguments(orbit):
    with pytest.raises(ValueError, match="'voltage' is no input of Oscillator; it has current, field_x"):
        orbit.locking({"voltage": 1.0})
    with pytest.raises(ValueError, match=r"ratio = 3\.5, expected 1, 2, 3"):
        orbit.locking({"field_x": 1e-5}, 3.5)
    with pytest.raises(ValueError, match="drive = 1e-05, expected amplitudes by input"):
        orbit.locking(1e-5)
    with pytest.raises(ValueError, match="this device has no junction"):
        orbit.power()
    with pytest.raises(ValueError, match="expected offset frequencies in hertz above 0"):
        orbit.phase_noise([0.0])


@pytest.mark.parametrize(
    "amplitude",
    [
        lg.drives.Sine(1e-5, 1e9),
        "1mT",
        None,
        True,
        [1e-5, 2e-5],
        np.ones(2) * 1e-5,
        math.nan,
        np.inf,
        complex(0, math.nan),
    ],
    ids=repr,
)
def test_what_is_no_amplitude_is_refused(orbit, amplitude):
    with pytest.raises(ValueError, match=r"drive\['field_x'\] = .*expected the amplitude of one tone, a finite number"):
        orbit.locking({"field_x": amplitude})


@pytest.mark.parametrize("number", [1e-5, np.float32(1e-5), np.asarray(1e-5), 1e-5 + 0j])
def test_a_number_of_any_kind_is_an_amplitude(orbit, number):
    assert float(orbit.locking({"field_x": number}).half_width) == pytest.approx(
        float(orbit.locking({"field_x": 1e-5}).half_width), rel=1e-6
    )
