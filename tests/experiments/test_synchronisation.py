"""Frequencies, lags and phase order of several oscillators: of phases that are known, and of circuits."""

import math
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg


class Tones(lg.System):
    """Two unit vectors that turn about z, the second with another frequency and a lag, with harmonics in z."""

    first: float = lg.quantity("Hz")
    second: float = lg.quantity("Hz")
    lag: float = lg.quantity("rad")
    outputs: ClassVar[dict] = {"bent": "1"}

    def start(self):
        return {
            "a": lg.systems.Spin(1.0, 0.0, 0.0),
            "b": lg.systems.Spin(jnp.cos(self.lag), -jnp.sin(self.lag), 0.0 * self.lag),
        }

    def rate(self, state, inputs):
        turns = {"a": 2 * math.pi * self.first, "b": 2 * math.pi * self.second}
        return {name: lg.Vec3(-state[name].y * w, state[name].x * w, 0.0 * w) for name, w in turns.items()}

    def fastest(self):
        return 2 * math.pi * jnp.maximum(self.first, self.second)

    def observe(self, state, inputs):
        x = state["a"].x
        return {"bent": x + 0.4 * x * x}


def run_of(second=1e9, lag=0.7, **more):
    return lg.simulate(Tones(1e9, second, lag), duration=40e-9, dt=5e-12, **more)


def test_a_lag_is_found_and_two_of_one_frequency_are_in_step():
    found = lg.experiments.synchronisation(run_of())
    assert found.signals == ("a.x", "b.x") and found.locked
    np.testing.assert_allclose(found.frequencies, 1e9, rtol=1e-6)
    np.testing.assert_allclose(found.lags, [0.0, 0.7], atol=1e-4)
    assert found.order == pytest.approx(math.cos(0.35), abs=1e-4)
    assert str(found).startswith("in step, to within ") and found.to_json()["order"] == found.order


@pytest.mark.parametrize(("lag", "order"), [(0.0, 1.0), (math.pi, 0.0), (math.pi / 2, math.sqrt(0.5))])
def test_the_order_is_that_of_the_phases(lag, order):
    assert lg.experiments.synchronisation(run_of(lag=lag)).order == pytest.approx(order, abs=1e-3)


@pytest.mark.parametrize("apart", [20e6, -20e6, 2e6])
def test_what_drifts_gains_turns_at_the_difference(apart):
    found = lg.experiments.synchronisation(run_of(1e9 + apart))
    time = found.t[-1] - found.t[0]
    assert found.drifts[1] == pytest.approx(apart * time, rel=2e-2)
    assert found.locked is bool(abs(apart) < found.resolution)


def test_harmonics_do_not_move_a_phase():
    """x + 0.4 x²: beside the same x, without a lag and with the order of one phase at every moment."""
    found = lg.experiments.synchronisation(run_of(), ["a.x", "bent"])
    assert abs(found.lags[1]) < 1e-3 and found.order > 0.9999


def test_what_rests_is_left_out():
    found = lg.experiments.synchronisation(run_of(second=0.0))
    assert np.isnan(found.frequencies[1]) and not found.locked and str(found) == "one of 2 oscillates"
    assert found.to_json()["frequencies"][1] is None


def test_what_has_no_phases_is_refused():
    with pytest.raises(ValueError, match="too few for phases"):
        lg.experiments.synchronisation(lg.simulate(Tones(1e9, 1e9, 0.0), duration=1e-10, dt=1e-11))
    charge = lg.circuits.Circuit(lg.circuits.VoltageSource(0.1, 50.0), lg.circuits.Capacitor(1e-12, voltage=0.0))
    with pytest.raises(ValueError, match="a run of Circuit has no unit vectors of its own; give the signals"):
        lg.experiments.synchronisation(lg.simulate(charge, duration=1e-9, dt=1e-12))
