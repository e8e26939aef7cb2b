"""Sets by name: the digits, what comes from OpenML, and names and folders that are none."""

import types
import urllib.error

import numpy as np
import pytest
import sklearn.datasets

from llgrad.datasets.images import openml
from llgrad.datasets.images.known import FILES
from llgrad.datasets.images.load import load_images


def test_the_digits():
    found = load_images("digits")
    assert repr(found) == "ImageSet digits: 1438 images to train and 359 to test, of 8×8 pixels, 10 classes"
    assert found.train.pixels.dtype == np.uint8 and found.train.scale == 16 and found.train.scaled().max() == 1
    every = sklearn.datasets.load_digits()
    assert np.array_equal(found.train.counts + found.test.counts, np.bincount(every.target))
    assert np.ptp(found.test.counts / np.bincount(every.target)) < 0.01, "each class in the same proportion"


def test_the_splits_of_the_digits_differ_and_are_the_same_each_time():
    tests = [load_images("digits", split=split).test.pixels for split in range(5)]
    assert all(not np.array_equal(tests[0], other) for other in tests[1:])
    assert np.array_equal(load_images("digits", split=4).test.pixels, tests[4])
    assert load_images("digits", split=1).sha256 == load_images("digits", split=2).sha256


def fetched(monkeypatch, answer):
    """scikit-learn's loader in place of which `answer` speaks."""
    asked = []

    def fetch_openml(**settings):
        asked.append(settings)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch_openml)
    return asked


def table(arrays):
    """Images as OpenML has them: one row each, numbers as float64, classes as words."""
    images = np.concatenate([arrays[FILES[0]], arrays[FILES[2]]])
    labels = np.concatenate([arrays[FILES[1]], arrays[FILES[3]]])
    return types.SimpleNamespace(
        data=images.reshape(len(images), -1).astype(float), target=labels.astype(str).astype(object)
    )


@pytest.fixture
def square(monkeypatch, small):
    """The small set as OpenML has it: the loader knows sets of 60,000 + 10,000 images of 28×28 pixels."""
    made, arrays, _ = small
    monkeypatch.setattr(openml, "TRAIN", 6)
    monkeypatch.setattr(openml, "TEST", 4)
    monkeypatch.setattr(openml, "SHAPE", (3, 4))
    return made, arrays


def test_openml_gives_the_published_set(monkeypatch, square):
    made, arrays = square
    asked = fetched(monkeypatch, table(arrays))
    found = openml.fetch_known(made)
    assert asked[0]["data_id"] == 7
    assert np.array_equal(found.train.pixels, arrays[FILES[0]]) and np.array_equal(found.test.labels, arrays[FILES[3]])
    assert found.sha256 == dict(zip(FILES, made.sha256, strict=True))


def test_openml_gives_another_set(monkeypatch, square):
    made, arrays = square
    answer = table(arrays)
    answer.data[3, 2] += 1
    fetched(monkeypatch, answer)
    with pytest.raises(ValueError, match=f"what OpenML gave as its data set 7 is not {FILES[0]} of Small: the SHA-256"):
        openml.fetch_known(made)
    fetched(monkeypatch, types.SimpleNamespace(data=answer.data[1:], target=answer.target[1:]))
    with pytest.raises(ValueError, match=r"is not Small: it has the shape \(9, 12\); give the folder"):
        openml.fetch_known(made)
    fetched(monkeypatch, types.SimpleNamespace(data=answer.data, target=np.full(10, "shirt", object)))
    with pytest.raises(ValueError, match="is not Small: it holds more than numbers"):
        openml.fetch_known(made)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (urllib.error.URLError("Name or service not known"), "Name or service not known"),
        (ConnectionResetError("reset by peer"), "reset by peer"),
        (TimeoutError("timed out"), "timed out"),
        (ValueError("Dataset 554 not found."), "Dataset 554 not found."),
    ],
)
def test_without_a_network_there_is_one_sentence(monkeypatch, error, reason):
    fetched(monkeypatch, error)
    with pytest.raises(ValueError) as raised:
        load_images("mnist")
    assert str(raised.value) == (
        f"MNIST could not be fetched from OpenML ({reason}); "
        "give the folder of its IDX files: data_dir=… (--data-dir on the command line) for mnist"
    )


@pytest.mark.parametrize("name", ["minst", "digits.npy", ""])
def test_names_that_are_none(name):
    with pytest.raises(ValueError, match="is no set of images; expected digits, mnist, fashion-mnist, or the path"):
        load_images(name)


def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(ValueError, match=r"data_dir = .*none is no folder; check the name \(--data-dir\)"):
        load_images("mnist", data_dir=tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        (
            "digits",
            {"data_dir": "."},
            r"data_dir = \.: a folder \(--data-dir\) is for mnist and fashion-mnist, not for",
        ),
        ("own.npz", {"data_dir": "."}, r"not for own\.npz; leave it out"),
        ("MNIST", {"split": 1}, "split = 1: MNIST comes with its test images, there is nothing to draw; leave it out"),
    ],
)
def test_what_a_set_does_not_use_is_refused(name, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        load_images(name, **options)
