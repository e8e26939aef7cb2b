"""The record of labelled signals, its parts, and images as signals."""

import dataclasses

import numpy as np
import pytest

from llgrad.datasets.images.images import Images, ImageSet
from llgrad.datasets.signals.sets import SignalSet
from llgrad.datasets.signals.signals import Signals

RAGGED = [np.arange(6.0).reshape(3, 2), [[7.0, 8.0]], np.ones((2, 2))]
NAMED = {"groups": ["b", "a", "b"], "indices": [0, 1, 2], "rate": 100.0}


@pytest.fixture
def signals():
    return Signals(RAGGED, [0, 1, 1], ["x", "y"], **NAMED)


def test_what_it_holds(signals):
    assert (len(signals), signals.features, signals.longest, signals.rate) == (3, 2, 3, 100.0)
    assert signals.lengths.tolist() == [3, 1, 2] and signals.counts.tolist() == [1, 2]
    assert (signals.group_names, signals.groups.tolist()) == (("a", "b"), [1, 0, 1])
    assert repr(signals) == "Signals: 3 of 1 to 3 frames of 2 features, 2 classes, 2 groups, 100 Hz"
    assert [piece.tolist() for piece in signals.pieces()] == [np.asarray(one).tolist() for one in RAGGED]
    assert signals.values.dtype == np.float32 and signals.labels.dtype == np.int32


def test_it_is_frozen(signals):
    for array in (signals.values, signals.lengths, signals.labels, signals.take([0]).values, signals.take([0]).labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        signals.rate = 1.0


@pytest.mark.parametrize("index", [None, [2, 0], slice(1, 3), np.array([True, False, True]), 1])
def test_padded_and_taken_agree_with_each_signal(signals, index):
    values, mask = signals.padded(index)
    taken = signals if index is None else signals.take(index)
    chosen = np.atleast_1d(np.arange(3)[slice(None) if index is None else index])
    assert values.shape == (*mask.shape, 2) and len(taken) == chosen.size and not values[~mask].any()
    for place, number in enumerate(chosen):
        assert np.array_equal(values[place][mask[place]], signals.one(number))
        assert np.array_equal(taken.one(place), signals.one(number))
    assert taken.labels.tolist() == signals.labels[chosen].tolist()
    assert taken.group_names == signals.group_names and taken.rate == 100.0


def test_padded_to_a_number_of_frames(signals):
    assert signals.padded(frames=5)[0].shape == (3, 5, 2)
    with pytest.raises(ValueError, match=r"signal 0 has 3 frames, expected at most frames = 2; give more frames"):
        signals.padded(frames=2)


def test_what_stands_behind_the_end_is_dropped():
    padded = np.array([[1.0, 2.0, np.nan], [3.0, np.nan, np.nan]])
    signals = Signals(padded, [0, 1], lengths=[2, 1])
    assert [piece[:, 0].tolist() for piece in signals.pieces()] == [[1, 2], [3]]


BAD = {
    "widths": (
        ([[[1.0]], [[1.0, 2.0]]], [0, 0]),
        {},
        "signal 1 has frames of 2 features and signal 0 of 1; expected f",
    ),
    "frames of a list": (([[[1.0], [1.0, 2.0]]], [0]), {}, "signal 0 has frames of different lengths; expected"),
    "nan": ((np.array([[0.0, 0], [0, np.nan]]), [0, 1]), {}, "feature 0 of frame 1 of signal 1 is nan; repair it, or"),
    "infinite": (([[0.0], [0.0, 1e300]], [0, 1]), {}, "feature 0 of frame 1 of signal 1 is inf"),
    "no labels": ((RAGGED, None), {}, r"labels are missing; expected whole numbers \(3,\)"),
    "few labels": ((RAGGED, [0, 1]), {}, r"labels have the type int64 and the shape \(2,\), expected whole numbers \("),
    "labels in words": ((RAGGED, ["a", "b", "c"]), {}, "labels have the type <U1"),
    "negative": ((RAGGED, [0, 1, -1]), {}, "labels go to -1, expected whole numbers from 0"),
    "far label": ((RAGGED, [0, 1, 10**6]), {}, "the largest label is 1000000, with 3 signals; number"),
    "no class": ((RAGGED, [0, 1, 2], ["a", "b"]), {}, "label 2 is 2, expected 0 to 1: there are 2 classes"),
    "class twice": ((RAGGED, [0, 1, 0], ["a", "a"]), {}, "the class a comes twice"),
    "empty": (([[]], [0]), {}, r"signal 0 has the shape \(0,\), expected \(frames, features\), at least one frame"),
    "none": (([], []), {}, "the signals are no array and no list"),
    "flat": ((np.zeros(3), [0]), {}, r"the signals have the shape \(3,\), expected \(n, frames, features\)"),
    "complex": ((np.zeros((1, 2), complex), [0]), {}, "the signals hold no real numbers"),
    "lengths": ((np.zeros((2, 3)), [0, 0]), {"lengths": [3, 4]}, "length 1 is 4, expected 1 to 3"),
    "lengths of a list": ((RAGGED, [0, 0, 0]), {"lengths": [1, 1, 1]}, "lengths are for an array of padded signals"),
    "groups": ((RAGGED, [0, 0, 0]), {"groups": ["a"]}, r"groups have the type <U1 and the shape \(1,\), expected"),
    "indices": ((RAGGED, [0, 0, 0]), {"indices": [0.5, 1, 2]}, "indices have the type float64"),
    "rate": ((RAGGED, [0, 0, 0]), {"rate": 0}, r"rate = 0, expected frames per second \[Hz\], a positive number"),
}


@pytest.mark.parametrize(("given", "named", "sentence"), BAD.values(), ids=BAD)
def test_what_does_not_fit_gets_a_sentence(given, named, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        Signals(*given, **named)
    assert "\n" not in str(raised.value)


MANY = Signals(
    np.arange(48.0).reshape(24, 2), np.arange(24) % 2, groups=[*"abc"] * 8, indices=np.arange(24) // 6, name="many"
)


@pytest.mark.parametrize(
    "data",
    [SignalSet.by_index(MANY, [3]), SignalSet.by_group(MANY, "b"), SignalSet.stratified(MANY, 0.25, 3)],
    ids=["index", "group", "stratified"],
)
def test_a_division_holds_every_signal_once(data):
    both = np.concatenate([data.train.values[::2, 0], data.test.values[::2, 0]])
    assert sorted(both) == MANY.values[::2, 0].tolist() and len(data.test) < len(data.train)
    assert data.name == "many" and data.train.classes == data.test.classes == ("0", "1")


def test_divisions_hold_out_what_they_say():
    assert {*SignalSet.by_index(MANY, [1, 3]).test.indices.tolist()} == {1, 3}
    assert [{*part.test.groups.tolist()} for part in SignalSet.each_group(MANY)] == [{0}, {1}, {2}]
    assert len(SignalSet.each_group(SignalSet.by_group(MANY, "a").train)) == 2
    assert SignalSet.stratified(MANY, 0.25).test.counts.tolist() == [3, 3]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: SignalSet.by_index(MANY, [7]), "test holds 7, and no signal has that index; there are 0 to 3"),
        (lambda: SignalSet.by_index(MANY, range(4)), "24 of 24 signals would be tested; leave some on either side"),
        (lambda: SignalSet.by_group(MANY, "z"), "test = 'z' is no group; there are a, b, c"),
        (lambda: SignalSet.by_index(Signals(RAGGED, [0, 0, 0]), [0]), "the signals have no indices"),
        (lambda: SignalSet.by_group(Signals(RAGGED, [0, 0, 0]), "a"), "the signals have no groups"),
        (lambda: SignalSet.each_group(Signals(RAGGED, [0, 0, 0])), "have 0 groups, expected at least two"),
        (lambda: SignalSet.stratified(MANY, 1.5), "fraction = 1.5, expected more than 0 and less than 1"),
        (lambda: SignalSet.stratified(Signals(RAGGED, [0, 1, 2])), "every class has a single signal"),
        (lambda: SignalSet(MANY, Signals(RAGGED, [0, 1, 1])), "frames of 1 features and those to test of 2; expected"),
        (lambda: SignalSet(MANY, Signals([[1.0]], [0])), "have other classes; expected the same"),
        (lambda: SignalSet(MANY, Signals([[1.0]], [0], "01", rate=8e3)), "None Hz and those to test 8000.0 Hz"),
        (lambda: SignalSet(MANY, None), "test is None, expected a Signals"),
        (lambda: MANY.take([]), "no signal is left"),
        (lambda: SignalSet(MANY, MANY).through("logmel"), "front is a str, expected a Callable; give a front end"),
    ],
)
def test_a_division_that_cannot_be(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


PART = Images(np.arange(48, dtype=np.uint8).reshape(2, 4, 6), [1, 0], 255.0, "ab")
IMAGES = ImageSet("mine", PART, PART.take([1]), {"mine.npz": "0"})


@pytest.mark.parametrize(
    ("how", "shape"),
    [({"by": "rows"}, (4, 6)), ({"by": "pixels"}, (24, 1)), ({"frames": 1}, (1, 24)), ({"frames": 8}, (8, 3))],
)
def test_images_as_signals(how, shape):
    data = SignalSet.from_images(IMAGES, **how)
    assert np.array_equal(data.train.padded()[0], PART.scaled().reshape(2, *shape)) and len(data.test) == 1
    assert (data.name, data.train.sha256, data.train.classes) == ("mine", IMAGES.sha256, ("a", "b"))
    moved = SignalSet.from_images(IMAGES, permuted=5, **how)
    order = np.random.default_rng(5).permutation(24)
    assert np.array_equal(moved.train.values.reshape(2, 24), PART.scaled().reshape(2, 24)[:, order])
    assert np.array_equal(moved.test.values, moved.train.take([1]).values) and "seed 5" in moved.train.made[0]


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({}, r'give one of by= \("rows" or "pixels"\) and frames='),
        ({"by": "rows", "frames": 4}, "give one of by="),
        ({"by": "columns"}, "by = 'columns', expected 'rows' or 'pixels'"),
        ({"frames": 5}, "frames = 5, expected a number that divides the 4×6 = 24 pixels"),
        ({"frames": 4, "permuted": -1}, "permuted = -1, expected the seed"),
    ],
)
def test_images_that_cannot_be_cut(how, sentence):
    with pytest.raises(ValueError, match=sentence):
        SignalSet.from_images(IMAGES, **how)
