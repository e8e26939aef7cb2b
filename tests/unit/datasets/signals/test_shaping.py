"""Front ends on frames: normalised, slopes, trimmed; and what all of them keep."""

import numpy as np
import pytest

from llgrad.datasets.signals.frames.shaping import DECIBEL, Deltas, Normalised, Trimmed
from llgrad.datasets.signals.signals import Signals

RNG = np.random.default_rng(0)
RAGGED = Signals([RNG.normal(2.0, 3.0, (count, 5)) for count in (9, 1, 4)], [0, 1, 1], groups=[*"aab"], rate=50.0)
PARTLY = [Normalised(share=0.4, together=True), Normalised(variance=False, share=0.7), Normalised(together=True)]
FRONTS = [Normalised(), Normalised(variance=False), *PARTLY, Deltas(), Deltas(3, order=2), Trimmed(10.0, 15.0)]


@pytest.mark.parametrize("front", FRONTS, ids=repr)
def test_each_signal_is_seen_alone_and_stays_what_it_is(front):
    found = front(RAGGED)
    assert (found.labels.tolist(), found.groups.tolist(), found.rate) == ([0, 1, 1], [0, 0, 1], 50.0)
    assert found.made == (repr(front),)
    for number in range(3):
        assert np.array_equal(front(RAGGED.take([number])).one(0), found.one(number))


@pytest.mark.parametrize("front", [Normalised(), Normalised(variance=False), Deltas()], ids=repr)
def test_what_multiplies_every_power_goes(front):
    moved = Signals([piece + np.arange(5.0) for piece in RAGGED.pieces()], RAGGED.labels)
    new = slice(5, None) if isinstance(front, Deltas) else slice(None)
    assert front(moved).values[:, new] == pytest.approx(front(RAGGED).values[:, new], abs=1e-5)


def test_normalised_features_have_no_mean_and_the_spread_one():
    one = Normalised()(RAGGED).one(0)
    assert one.mean(axis=0) == pytest.approx(0.0, abs=1e-6) and one.std(axis=0) == pytest.approx(1.0, abs=1e-5)
    steady = Signals([1.0 + 1e-4 * RNG.normal(size=(6, 1))], [0])
    assert np.abs(Normalised(floor=0.1)(steady).values).max() < 0.01


@pytest.mark.parametrize("front", PARTLY, ids=repr)
def test_a_share_keeps_the_rest_of_each_mean_and_no_loudness(front):
    frames, found = RAGGED.one(0).astype(np.float64), front(RAGGED).one(0)
    left = (1 - front.share) * (frames.mean(axis=0) - frames.mean())
    centred = frames - frames.mean(axis=0) + left
    size = centred.std() if front.variance else 1.0
    assert found == pytest.approx(centred / size, abs=1e-5)
    louder = Signals([piece + 7.0 for piece in RAGGED.pieces()], RAGGED.labels)
    assert front(louder).values == pytest.approx(front(RAGGED).values, abs=1e-5)
    if front.together:
        assert np.square(found).mean() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("width", [1, 2, 4])
def test_slopes_of_a_line_and_of_a_parabola(width):
    t = np.arange(20.0)
    found = Deltas(width, order=2)(Signals([np.stack([3 * t, t**2], axis=1)], [0])).one(0)
    inside = slice(2 * width, -2 * width)
    expected = np.stack([3 * t, t**2, np.full(20, 3.0), 2 * t, np.zeros(20), np.full(20, 2.0)], axis=1)
    assert found[inside] == pytest.approx(expected[inside], abs=1e-4)


def test_silent_ends_are_cut_and_the_depth_is_limited():
    levels = np.array([-50.0, -20.0, 0.0, -60.0, -30.0, -40.0])  # dB
    found = Trimmed(below=30.5, depth=35.0)(Signals([levels * DECIBEL], [0])).one(0)[:, 0] / DECIBEL
    assert found == pytest.approx([-20.0, 0.0, -35.0, -30.0], abs=1e-4)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Normalised(variance=1), "variance is an int, expected a bool"),
        (lambda: Normalised(floor=0), "floor = 0, expected a number above 0"),
        (lambda: Normalised(share=1.5), r"share = 1\.5, expected a part from 0 to 1"),
        (lambda: Normalised(share="x"), "share = 'x', expected a part from 0 to 1"),
        (lambda: Normalised(share=0.5), "share = 0.5 keeps a part of each mean, .*; give together = True, or variance"),
        (lambda: Normalised(together=1), "together is an int, expected a bool"),
        (lambda: Normalised(variance=False, together=True), "together = True says by what to divide"),
        (lambda: Deltas(0), "width = 0, expected a whole number of at least 1"),
        (lambda: Deltas(order=1.5), "order = 1.5, expected a whole number"),
        (lambda: Trimmed(below=-1), "below = -1, expected decibels from 0"),
        (lambda: Trimmed(depth="x"), "depth = 'x', expected decibels"),
        (lambda: Normalised()(RAGGED.values), "signals is a ndarray, expected a Signals"),
    ],
)
def test_front_ends_that_cannot_be(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
