"""Signals changed at random: what each change does, and that it depends on the key and the signal's number alone."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llgrad.datasets.samples.sequences import Sequences
from llgrad.datasets.signals.frames.augment import SignalAugmentation
from llgrad.datasets.signals.signals import Signals

RNG = np.random.default_rng(0)
SIGNALS = RNG.normal(size=(40, 12, 6)).astype(np.float32)
EACH = [
    SignalAugmentation(**{name: value})
    for name, value in {
        "stretch": 0.3, "shift": 2.0, "warp": 0.2, "time_mask": 3, "feature_mask": 2, "noise": 0.1
    }.items()
]  # fmt: skip
ALL = SignalAugmentation(stretch=0.3, shift=2.0, warp=0.2, time_mask=3, feature_mask=2, noise=0.1)


@pytest.fixture(autouse=True)
def in_float32():
    with jax.enable_x64(False):
        yield


@pytest.mark.parametrize("change", [*EACH, ALL], ids=repr)
def test_a_part_of_a_batch_is_changed_as_in_the_whole(change):
    key = jax.random.key(3)
    whole = change(key, SIGNALS)
    assert whole.shape == SIGNALS.shape and whole.dtype == jnp.float32
    assert np.array_equal(change(key, SIGNALS[30:], 30), whole[30:])
    assert not np.array_equal(change(jax.random.key(4), SIGNALS), whole)


@pytest.mark.parametrize("change", [*EACH, ALL], ids=repr)
def test_what_is_behind_an_end_means_nothing(change):
    key, lengths = jax.random.key(0), jnp.full(40, 7)
    found = change(key, Sequences(SIGNALS, lengths)).values[:, :7]
    other = SIGNALS.copy()
    other[:, 7:] = 1e6
    assert np.array_equal(change(key, Sequences(other, lengths)).values[:, :7], found)


@pytest.mark.parametrize("change", [one for one in EACH if not one.noise], ids=repr)
def test_a_signal_that_is_the_same_everywhere_stays(change):
    steady = np.full((9, 12, 6), 1.5, np.float32)
    assert change(jax.random.key(0), steady) == pytest.approx(steady, abs=1e-6)


def ramps(axis):
    shape = (12, 1) if axis == 1 else (1, 6)
    return np.broadcast_to(np.arange(12.0 if axis == 1 else 6.0, dtype=np.float32).reshape(shape), (200, 12, 6))


def test_a_ramp_tells_stretch_shift_and_warp():
    key = jax.random.key(1)
    stretched = np.asarray(SignalAugmentation(stretch=0.3)(key, ramps(1)))[:, :, 0]
    slopes = stretched[:, 6] - stretched[:, 5]
    assert 0.7 <= slopes.min() < 0.75 and 1.25 < slopes.max() <= 1.3
    assert stretched[:, 5:7].mean(axis=1) == pytest.approx(5.5, abs=1e-5)  # about the middle
    moved = np.asarray(SignalAugmentation(shift=2.0)(key, ramps(1)))[:, 5, 0] - 5
    assert -2 <= moved.min() < -1.8 and 1.8 < moved.max() <= 2
    warped = np.asarray(SignalAugmentation(warp=0.2)(key, ramps(2)))[:, 0]
    scales = warped[:, 3] / 3
    assert 0.8 <= scales.min() < 0.82 and 1.18 < scales.max() <= 1.2 + 1e-6
    assert warped[:, 2] == pytest.approx(2 * scales, abs=1e-5)


@pytest.mark.parametrize(("name", "axis"), [("time_mask", 1), ("feature_mask", 2)])
def test_masks_are_in_a_row_of_every_length_and_show_the_mean(name, axis):
    found = np.asarray(SignalAugmentation(**{name: 3})(jax.random.key(0), SIGNALS))
    changed = (found != SIGNALS).any(axis=3 - axis)
    assert {*changed.sum(axis=1).tolist()} == {0, 1, 2, 3}
    for row in changed:
        places = np.flatnonzero(row)
        assert places.size == 0 or places[-1] - places[0] + 1 == places.size
    means = np.broadcast_to(SIGNALS.mean(axis=1, keepdims=True), SIGNALS.shape)
    assert found[found != SIGNALS] == pytest.approx(means[found != SIGNALS], abs=1e-5)


def test_noise_is_measured_in_the_spread_of_a_feature():
    wide = SIGNALS * np.array([1, 2, 4, 8, 16, 32], np.float32)
    noise = np.asarray(SignalAugmentation(noise=0.5)(jax.random.key(0), wide)) - wide
    assert (noise / wide.std(axis=1, keepdims=True)).std(axis=(0, 1)) == pytest.approx(0.5, rel=0.15)


def test_copies_stand_behind_the_signals_that_they_are_of():
    signals = Signals([SIGNALS[0, :9], SIGNALS[1], SIGNALS[2, :1]], [0, 1, 1], groups=[*"aab"], rate=50.0)
    found = ALL.copies(signals, 2, seed=5)
    assert np.array_equal(found.take(range(3)).values, signals.values)
    for number, other in ((3, 0), (4, 1), (5, 2), (6, 0)):
        assert found.lengths[number] == signals.lengths[other] and found.labels[number] == signals.labels[other]
        assert found.groups[number] == signals.groups[other]
    assert not np.array_equal(found.one(4), found.one(1)) and not np.array_equal(found.one(4), found.one(7))
    assert np.array_equal(ALL.copies(signals, 2, seed=5).values, found.values) and "2 copies by" in found.made[-1]


def test_nothing_changes_nothing():
    nothing = SignalAugmentation()
    assert not nothing and nothing(None, SIGNALS) is SIGNALS
    assert all(map(bool, EACH)) and len(EACH) == len(dataclasses.fields(SignalAugmentation))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"stretch": 1.0}, "stretch = 1.0, expected a part from 0 to 0.9"),
        ({"stretch": True}, "stretch = True, expected a part"),
        ({"shift": -1}, "shift = -1, expected a number of frames from 0"),
        ({"warp": float("nan")}, "warp = nan, expected a part"),
        ({"time_mask": 1.5}, "time_mask = 1.5, expected a whole number of frames"),
        ({"feature_mask": "x"}, "feature_mask = 'x', expected a whole number of features"),
        ({"noise": -0.1}, "noise = -0.1, expected a part of the standard deviation"),
    ],
)
def test_changes_that_cannot_be(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        SignalAugmentation(**changes)
