"""Images of one's own in `.npz` files."""

import hashlib

import numpy as np
import pytest

from llgrad.datasets.images.load import load_images
from llgrad.datasets.images.own import read_own

PIXELS = np.random.default_rng(0).integers(0, 256, (10, 3, 4)).astype(np.uint8)
LABELS = np.arange(10) % 2
PARTS = {"train_images": PIXELS, "train_labels": LABELS, "test_images": PIXELS[:4], "test_labels": LABELS[:4]}
WHOLE = {"images": PIXELS, "labels": LABELS}


def saved(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_two_parts(tmp_path):
    path = saved(tmp_path / "mine.npz", **PARTS, classes=["even", "odd"])
    found = load_images(path)
    assert repr(found) == "ImageSet mine: 10 images to train and 4 to test, of 3×4 pixels, 2 classes"
    assert np.array_equal(found.test.pixels, PIXELS[:4]) and found.train.labels.tolist() == LABELS.tolist()
    assert found.train.scale == 255 and found.train.classes == ("even", "odd")
    assert found.sha256 == {"mine.npz": hashlib.sha256(path.read_bytes()).hexdigest()}


def test_one_part_is_divided(tmp_path):
    path = saved(tmp_path / "mine.npz", **WHOLE)
    found = load_images(str(path), split=3)
    assert found.train.classes == ("0", "1")
    assert (found.train.counts.tolist(), found.test.counts.tolist()) == ([4, 4], [1, 1])
    together = np.concatenate([found.train.pixels, found.test.pixels])
    assert np.array_equal(np.sort(together, axis=0), np.sort(PIXELS, axis=0))
    assert np.array_equal(load_images(path, split=3).test.pixels, found.test.pixels)


@pytest.mark.parametrize(
    ("pixels", "scale", "expected"),
    [
        (PIXELS / 255, {}, 1.0),
        (PIXELS > 100, {}, 1.0),
        (PIXELS.astype(int), {}, 255.0),
        (PIXELS // 16, {"scale": 16}, 16.0),
        (PIXELS * 0.5, {"scale": [127.5]}, 127.5),
        (PIXELS.astype(np.uint16) * 16, {"scale": 4095}, 4095.0),
    ],
)
def test_the_scale(tmp_path, pixels, scale, expected):
    found = read_own(saved(tmp_path / "mine.npz", images=pixels, labels=LABELS, **scale))
    assert found.train.scale == expected and 0 <= found.train.scaled().min() < found.train.scaled().max() <= 1


def test_a_test_part_may_lack_a_class(tmp_path):
    found = read_own(saved(tmp_path / "mine.npz", **PARTS | {"test_labels": np.zeros(4, int)}))
    assert found.test.counts.tolist() == [4, 0]


def with_nan():
    array = PIXELS / 255
    array[3, 1, 2] = np.nan
    return array


BAD = {
    "nothing": ({"x": PIXELS}, "has no array 'images'; it has x; expected train_images, .* or images and labels"),
    "a part missing": (
        {name: PARTS[name] for name in ("train_images", "test_images", "test_labels")},
        "has no array 'train_labels'; it has train_images, test_images, test_labels",
    ),
    "labels missing": ({"images": PIXELS}, "has no array 'labels'"),
    "flat images": (WHOLE | {"images": PIXELS.reshape(10, 12)}, "images and labels: the pixels have the shape"),
    "sizes differ": (PARTS | {"test_images": np.zeros((4, 4, 3), np.uint8)}, "to train have 3×4 pixels and those to t"),
    "fewer labels": (PARTS | {"test_labels": LABELS[:3]}, "test_images and test_labels: there are 4 images and labels"),
    "label outside": (WHOLE | {"labels": LABELS + 1, "classes": ["a", "b"]}, "label 1 is 2, expected 0 to 1: there"),
    "label negative": (WHOLE | {"labels": LABELS - 1}, "label 0 is -1, expected 0 to 0"),
    "label far": (WHOLE | {"labels": LABELS * 2**40}, "the largest label is 1099511627776, with 10 images; number the"),
    "labels as fractions": (WHOLE | {"labels": LABELS / 1}, "the labels have the type float64"),
    "labels in words": (WHOLE | {"labels": LABELS.astype(str)}, "the labels have the type <U"),
    "not finite": (WHOLE | {"images": with_nan()}, r"pixel \(1, 2\) of image 3 is nan"),
    "above the scale": (
        WHOLE | {"images": PIXELS / 1},
        "the pixels go from .* expected 0 to scale = 1; give the scale",
    ),
    "unclear scale": (
        WHOLE | {"images": PIXELS // 16},
        "whole numbers up to 15, and what means 1 cannot be told; save",
    ),
    "scale in words": (WHOLE | {"scale": "one"}, "scale has the shape .* expected one number"),
    "a class without an image": (
        WHOLE | {"classes": ["even", "odd", "neither"]},
        r"class 2 \(neither\) has no image to train; number the classes",
    ),
    "a gap in the labels": (WHOLE | {"labels": LABELS * 2}, r"class 1 \(1\) has no image to train"),
    "one name twice": (WHOLE | {"classes": ["a", "a"]}, r"classes has the shape \(2,\), expected different names"),
    "no image": ({"images": PIXELS[:0], "labels": LABELS[:0]}, "at least one"),
    "single images": ({"images": PIXELS[:2], "labels": LABELS[:2]}, "every class has a single image"),
}


@pytest.mark.parametrize(("arrays", "sentence"), BAD.values(), ids=BAD)
def test_arrays_that_do_not_fit_get_a_sentence(tmp_path, arrays, sentence):
    path = saved(tmp_path / "mine.npz", **arrays)
    with pytest.raises(ValueError, match=sentence) as error:
        read_own(path)
    assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)


def test_objects_are_never_loaded(tmp_path):
    path = saved(tmp_path / "mine.npz", images=np.array([{}, []], dtype=object), labels=LABELS[:2])
    with pytest.raises(ValueError, match="is not an NPZ file of plain arrays"):
        read_own(path)


def test_a_damaged_file_gets_a_sentence_wherever_the_damage_is(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez_compressed(path, **WHOLE)
    whole = path.read_bytes()
    sentences = set()
    for place in range(0, len(whole), 3):
        path.write_bytes(bytes(b ^ (0xFF * (i == place)) for i, b in enumerate(whole)))
        try:
            assert len(read_own(path).train) == 8
        except ValueError as error:
            assert str(error).startswith(str(path))
            sentences.add(str(error))
    assert sentences
    for length in range(0, len(whole), 50):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="is not an NPZ file of plain arrays"):
            read_own(path)


def test_a_missing_file():
    with pytest.raises(ValueError, match=r"nowhere.npz does not exist; check the name"):
        load_images("nowhere.npz")
