"""Switching by a pulse: what runs count against the Fokker–Planck solution, and what counts as switched."""

import jax
import numpy as np
import pytest

import llgrad as lg
from llgrad.observables.estimators.counting import probability_interval

SETTINGS = {"alpha": 0.05, "polariser": (0, 0, 1), "polarization": 0.6, "temperature": 300.0}
BIT = lg.Oscillator(Ms=1e6, volume=5e-25, H_k=1.45, **SETTINGS)
PULSE = lg.Drive(current=lg.Pulse(amplitude=60e-6, start=0.1e-9, width=1e-9))
KEY = jax.random.key(3)
SCAN = {"current.amplitude": [20e-6, 40e-6, 60e-6]}


@pytest.fixture(scope="module")
def found():
    return lg.experiments.switching(BIT, PULSE, scan=SCAN, runs=4000, key=KEY)


@pytest.mark.parametrize("place", range(3))
def test_runs_count_what_the_fokker_planck_equation_says(found, place):
    pulse = lg.Drive(current=lg.Pulse(amplitude=SCAN["current.amplitude"][place], start=0.1e-9, width=1e-9))
    exact = lg.experiments.write_error_rate(BIT, pulse)
    assert exact.error < 1e-9
    deviation = np.sqrt(exact.rate * (1 - exact.rate) / found.runs)
    assert abs(found.error_rate[place] - exact.rate) < 3 * deviation


def test_a_result_tells_all(found):
    assert found.counts.shape == (3, 3) and (found.counts.sum(axis=-1) == 4000).all()
    assert (np.isfinite(found.times).sum(axis=-1) <= found.switched).all()
    assert np.isfinite(found.times).sum() > 0.9 * found.switched.sum()
    assert "60 µA" in str(found) and found["current.amplitude"].tolist() == SCAN["current.amplitude"]
    assert found.to_json()["probability"] == found.probability.tolist()
    with pytest.raises(ValueError, match="was not scanned"):
        found["current.width"]


def test_no_error_is_a_bound():
    low, high = probability_interval([0, 1000, 5], 1000)
    assert (
        low[0] == 0
        and high[0] == pytest.approx(1 - 0.05**1e-3)
        and high[1] == 1
        and low[1] == pytest.approx(0.05**1e-3)
    )
    assert low[2] < 5e-3 < high[2]


def test_intervals_cover_as_often_as_they_say(rng):
    counts = rng.binomial(400, 0.03, 4000)
    low, high = probability_interval(counts, 400)
    assert 0.93 < np.mean((low <= 0.03) & (high >= 0.03)) < 0.97


def test_a_field_switches_to_the_state_on_its_side():
    pulse = lg.Drive(field_z=lg.drives.GaussianPulse(amplitude=-0.8, centre=3e-9, width=1.5e-9))
    found = lg.experiments.switching(BIT, pulse, runs=64, key=KEY)
    end = found.states[np.argmax(found.counts[:-1])]
    assert end[2] < -0.9 and found.states[found.start][2] > 0.9 and found.probability > 0.9


def test_the_error_of_a_long_pulse_falls_as_butler_says():
    # Exponentially, with twice the growth rate αγ'(b)(i − 1) of the square of the angle: Butler et al. (2012).
    volume, b = 2e-24, 1.45 - 4e-7 * np.pi * 1e6
    device = BIT.replace(volume=volume)
    gamma = device.gamma / (1 + device.alpha**2)
    critical = 2 * 1.602176634e-19 * 1e6 * volume * device.alpha * b / (1.054571817e-34 * 0.6)
    over = 3.0
    rates = []
    for width in (2.0e-9, 2.3e-9):
        pulse = lg.Drive(current=lg.Pulse(amplitude=over * critical, start=0.1e-9, width=width))
        rates.append(lg.experiments.write_error_rate(device, pulse, wait=1e-9).rate)
    slope = np.log(rates[0] / rates[1]) / 0.3e-9
    assert rates[1] < rates[0] < 0.1
    assert slope == pytest.approx(2 * gamma * device.alpha * b * (over - 1), rel=0.05)


def test_a_stack_is_switched_by_its_terminal():
    torque = lg.physics.SpinOrbitTorque(400.0, spin=(0.0, 0.0, 1.0))
    free = lg.Layer("free", Ms=1e6, thickness=1e-9, area=5e-16, alpha=0.1, H_k=1.45, m=(0, 0, 1), terms=(torque,))
    stack = lg.Stack(layers=(free,), temperature=300.0)
    pulse = {"heavy_metal_current": lg.Pulse(amplitude=-2e-4, start=0.1e-9, width=1e-9)}
    found = lg.experiments.switching(stack, pulse, runs=64, key=KEY)
    assert found.probability > 0.9


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"temperature": 0.0}, "temperature = 0.0"),
        ({"pulse": lg.Drive(current=lg.drives.Constant(1e-3))}, "does not end by itself"),
        ({"pulse": lg.Pulse(1e-3, 1e-9, 1e-9)}, "write lg.Drive"),
        ({"device": BIT.replace(field=(0, 0, 0.5))}, "1 stable state"),
        ({"scan": {"current.height": [1, 2]}}, "unknown parameter"),
        ({"runs": 0}, "positive integer"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, said):
    settings = {"device": BIT, "pulse": PULSE, "key": KEY} | given
    with pytest.raises(ValueError, match=said):
        lg.experiments.switching(**settings)


def test_an_error_rate_that_would_need_too_many_harmonics_is_refused():
    film = lg.Oscillator(Ms=1e6, volume=2e-23, alpha=0.1, demag=(0.0, 0.05, 0.95), temperature=300.0)
    with pytest.raises(ValueError, match=r"too many spherical harmonics; count it in runs with lg\.experiments"):
        lg.experiments.write_error_rate(film, lg.Drive(current=lg.Pulse(1e-3, 1e-10, 1e-9)))


def test_in_the_cold_an_error_rate_goes_as_the_angles_that_the_pulse_begins_with():
    """Who is within θ_c of the pole does not switch: of a density κ θ e^(−κ θ²/2), κ θ_c²/2, and κ ∝ 1/T."""
    pulse = lg.Drive(current=lg.Pulse(amplitude=100e-6, start=0.1e-9, width=2e-9))
    cold, colder = (lg.experiments.write_error_rate(BIT, pulse, temperature=T).rate * T for T in (8.0, 4.0))
    assert colder == pytest.approx(cold, rel=5e-3) and 1e-9 < cold < 1e-2
    with pytest.raises(
        ValueError, match=r"at 0\.1 K the wells .* is found from 0\.95 K on, and below there is"
    ) as raised:
        lg.experiments.write_error_rate(BIT, pulse, temperature=0.1)
    assert "\n" not in str(raised.value)
