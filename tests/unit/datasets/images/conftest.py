"""A small published set in four IDX files, and the two large ones, where they are there."""

import hashlib
import pathlib

import numpy as np
import pytest

from llgrad.datasets.images import known as known_sets
from llgrad.datasets.images.idx import idx_bytes
from llgrad.datasets.images.known import FILES, KnownSet

SHARED = pathlib.Path(__file__).parents[5] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_folder():
    """The folder of the real IDX files of a set: never copied, and not a part of the project."""

    def folder(name: str) -> pathlib.Path:
        if not (SHARED / name).is_dir():
            pytest.skip(f"the IDX files of {name} are not at {SHARED / name}")
        return SHARED / name

    return folder


@pytest.fixture
def small(monkeypatch):
    """(set, arrays, bytes of its files): two classes, 6 images of 3×4 pixels to train and 4 to test."""
    rng = np.random.default_rng(0)
    arrays = {
        FILES[0]: rng.integers(0, 256, (6, 3, 4), np.uint8),
        FILES[1]: np.array([0, 1, 0, 1, 1, 0], np.uint8),
        FILES[2]: rng.integers(0, 256, (4, 3, 4), np.uint8),
        FILES[3]: np.array([1, 1, 0, 0], np.uint8),
    }
    files = {name: idx_bytes(array) for name, array in arrays.items()}
    hashes = tuple(hashlib.sha256(data).hexdigest() for data in files.values())
    made = KnownSet("small", "Small", ("zero", "one"), 7, hashes)
    monkeypatch.setitem(known_sets.KNOWN, "small", made)
    return made, arrays, files
