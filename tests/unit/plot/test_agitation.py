"""Pictures of switching and of telegraph signals."""

import numpy as np
from tests.unit.plot.conftest import check_whole

import llgrad as lg
from llgrad import plot
from llgrad.experiments.sweeps.axes import Axis

BIT = lg.Oscillator(Ms=1e6, volume=5e-25, H_k=1.45, temperature=300.0)
STATES = np.array([[0.0, 0, 1], [0, 0, -1]])


def made(counts, axes):
    counts = np.array(counts)
    times = np.where(np.arange(100) < counts[..., 1:2], 1e-9 + 1e-11 * np.arange(100), np.nan)
    return lg.experiments.Switching(BIT, lg.Drive(), axes, STATES, 0, 100, counts, times, ("m.x", "m.y", "m.z"))


def test_pictures_of_switching_are_whole():
    amplitude = Axis("current.amplitude", "A", np.array([1e-5, 2e-5, 3e-5]))
    width = Axis("current.width", "s", np.array([1e-9, 2e-9]))
    curve = plot.switching(made([[90, 10, 0], [40, 60, 0], [0, 100, 0]], (amplitude,)))
    check_whole("curve", curve)
    np.testing.assert_allclose(curve.axes[0].lines[0].get_xdata(), [10, 20, 30])
    assert curve.axes[1].get_xlabel() == "current amplitude (µA)"
    check_whole("map", plot.switching(made(np.full((3, 2, 3), [50, 50, 0]), (amplitude, width))))
    check_whole("times", plot.switching(made([40, 60, 0], ())))


def test_the_picture_of_a_telegraph_signal_is_whole(rng):
    jumps = np.repeat(np.arange(200) % 2, rng.exponential(100, 200).astype(int) + 1)
    signal = jumps + 0.05 * rng.normal(size=jumps.size)
    check_whole("telegraph", plot.telegraph(lg.observables.telegraph(signal, dt=1e-9), signal, dt=1e-9))
    check_whole("dwells", plot.telegraph(lg.observables.telegraph(signal, dt=1e-9)))
