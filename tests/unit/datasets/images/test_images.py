"""The record of labelled images, and the set of two."""

import dataclasses

import numpy as np
import pytest

from llgrad.datasets.images.images import Images, ImageSet

PIXELS = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
LABELS = [0, 1, 2, 1]


@pytest.fixture
def images():
    return Images(PIXELS, LABELS, 255.0, "abc")


def test_what_it_holds(images):
    assert len(images) == 4 and images.shape == (2, 3) and images.classes == ("a", "b", "c")
    assert images.pixels.dtype == np.uint8 and images.labels.dtype == np.int32
    assert images.counts.tolist() == [1, 2, 1]
    assert repr(images) == "Images: 4 of 2×3 pixels, 3 classes"


def test_it_is_frozen_and_leaves_the_array_that_came_as_it_was(images):
    with pytest.raises(ValueError, match="read-only"):
        images.pixels[0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        images.scale = 1.0
    assert PIXELS.flags.writeable and np.shares_memory(PIXELS, images.pixels)


@pytest.mark.parametrize("index", [[2, 0], slice(1, 3), np.array([True, False, False, True]), np.array([3]), -1])
def test_take(images, index):
    taken = images.take(index)
    assert np.array_equal(taken.pixels, np.atleast_3d(PIXELS[index]).reshape(-1, 2, 3))
    assert taken.labels.tolist() == np.atleast_1d(np.array(LABELS)[index]).tolist()
    assert (taken.scale, taken.classes) == (images.scale, images.classes)


@pytest.mark.parametrize("index", [..., 1, [2, 0], np.array([[0, 1], [2, 3]])])
def test_scaled(images, index):
    scaled = images.scaled(index)
    assert scaled.dtype == np.float32 and scaled.shape == PIXELS[index].shape
    assert scaled == pytest.approx(PIXELS[index] / 255, rel=1e-7)


def test_scaled_is_exact_at_both_ends():
    images = Images(np.array([[[0.0, 0.1]]]), [0], 0.1, ["a"])
    assert images.pixels.dtype == np.float32
    assert images.scaled().tolist() == [[[0, 1]]]


@pytest.mark.parametrize(
    ("dtype", "stored"), [(bool, np.uint8), (np.int64, np.uint8), (np.float64, np.float32), (np.uint16, np.uint8)]
)
def test_numbers_become_bytes_or_float32(dtype, stored):
    assert Images(np.ones((1, 2, 2), dtype), [0], 1.0, ["a"]).pixels.dtype == stored


def test_wide_whole_numbers_become_float32():
    images = Images(np.full((1, 2, 2), 4095, np.uint16), [0], 4095.0, ["a"])
    assert images.pixels.dtype == np.float32 and images.scaled().max() == 1


def test_a_single_channel_is_left_out():
    assert Images(PIXELS[..., None], LABELS, 255.0, "abc").shape == (2, 3)


def changed(place, value):
    array = PIXELS.astype(np.float32)
    array[place] = value
    return array


BAD = {
    "flat": ((PIXELS.reshape(4, 6), LABELS, 255.0, "abc"), r"the shape \(4, 6\), expected grey images \(n, height"),
    "colour": ((np.zeros((4, 2, 2, 3)), LABELS, 1.0, "abc"), "at least one; average the colours"),
    "none": ((np.zeros((0, 2, 2)), np.zeros(0, int), 1.0, "abc"), "at least one"),
    "words": ((np.full((1, 1, 1), "x"), [0], 1.0, "abc"), "the pixels hold no real numbers"),
    "complex": ((np.full((1, 1, 1), 1j), [0], 1.0, "abc"), "the pixels hold no real numbers"),
    "fewer labels": ((PIXELS, [0, 1], 255.0, "abc"), r"there are 4 images and labels of the shape \(2,\)"),
    "label too large": ((PIXELS, [0, 1, 3, 1], 255.0, "abc"), "label 2 is 3, expected 0 to 2: there are 3 classes"),
    "label negative": ((PIXELS, [-1, 1, 0, 1], 255.0, "abc"), "label 0 is -1, expected 0 to 2"),
    "labels in one-hot form": ((PIXELS, np.eye(4, dtype=int), 255.0, "abc"), r"the shape \(4, 4\), expected whole"),
    "labels as fractions": ((PIXELS, [0.0, 1, 2, 1], 255.0, "abc"), "the type float64"),
    "scale too small": ((PIXELS, LABELS, 1.0, "abc"), "the pixels go from 0 to 23, expected 0 to scale = 1"),
    "scale of zero": ((PIXELS, LABELS, 0.0, "abc"), "scale = 0, expected the pixel value that means 1"),
    "scale not a number": ((PIXELS, LABELS, np.nan, "abc"), "scale = nan, expected"),
    "negative": ((changed((0, 0, 0), -1), LABELS, 255.0, "abc"), "the pixels go from -1 to 23, expected 0 to"),
    "not a number": ((changed((2, 1, 0), np.nan), LABELS, 255.0, "abc"), r"pixel \(1, 0\) of image 2 is nan; repair"),
    "infinite": ((changed((1, 0, 2), np.inf), LABELS, 255.0, "abc"), r"pixel \(0, 2\) of image 1 is inf; repair"),
}


@pytest.mark.parametrize(("values", "sentence"), BAD.values(), ids=BAD)
def test_what_does_not_fit_gets_a_sentence(values, sentence):
    with pytest.raises(ValueError, match=sentence):
        Images(*values)


def test_both_parts_of_a_set_fit_together(images):
    assert repr(ImageSet("mine", images, images, {"f": "0"})) == (
        "ImageSet mine: 4 images to train and 4 to test, of 2×3 pixels, 3 classes"
    )
    with pytest.raises(ValueError, match="to train have 2×3 pixels and those to test 3×2; expected the same"):
        ImageSet("mine", images, Images(PIXELS.reshape(4, 3, 2), LABELS, 255.0, "abc"), {})
    with pytest.raises(ValueError, match="other classes or another scale"):
        ImageSet("mine", images, Images(PIXELS, LABELS, 100.0, "abc"), {})
    with pytest.raises(ValueError, match="other classes or another scale"):
        ImageSet("mine", images, Images(PIXELS, LABELS, 255.0, "abd"), {})


def test_pixels_in_one_order(images):
    order = np.random.default_rng(5).permutation(6)
    moved = ImageSet("mine", images, images.take([1]), {"file": "00"}).permuted(5)
    assert np.array_equal(moved.train.pixels.reshape(4, 6), PIXELS.reshape(4, 6)[:, order])
    assert np.array_equal(moved.test.pixels[0], moved.train.pixels[1])
    assert (moved.name, moved.sha256, moved.train.scale) == ("mine", {"file": "00"}, 255.0)
    for seed in (-1, True, 1.0):
        with pytest.raises(ValueError, match=f"permuted = {seed!r}, expected the seed of the permutation"):
            images.permuted(seed)
