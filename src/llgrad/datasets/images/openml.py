"""MNIST and Fashion-MNIST by scikit-learn's loader from openml.org, where no folder is given and there is a network."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from llgrad.datasets.images.idx import idx_bytes
from llgrad.datasets.images.images import ImageSet
from llgrad.datasets.images.known import FILES, KnownSet, check_hash, set_of

TRAIN, TEST, SHAPE = 60_000, 10_000, (28, 28)


def fetch_known(known: KnownSet) -> ImageSet:
    """The set from OpenML, once; scikit-learn keeps it in its own folder (see `sklearn.datasets.get_data_home`).

    What comes is checked against the hashes of the published files, as a file is.

    Raises ValueError, in one sentence, without a network, and for images that are not the published ones.
    """
    pixels, labels = _fetched(known)
    where = f"what OpenML gave as its data set {known.openml}"
    if pixels.shape != (TRAIN + TEST, math.prod(SHAPE)) or labels.shape != (TRAIN + TEST,):
        raise ValueError(f"{where} is not {known.title}: it has the shape {pixels.shape}; {_advice(known)}")
    try:
        images, marks = (np.asarray(part, np.float64).astype(np.uint8) for part in (pixels, labels))
    except (ValueError, TypeError):
        raise ValueError(f"{where} is not {known.title}: it holds more than numbers; {_advice(known)}") from None
    images = images.reshape(-1, *SHAPE)
    arrays = dict(zip(FILES, (images[:TRAIN], marks[:TRAIN], images[TRAIN:], marks[TRAIN:]), strict=True))
    for file, array in arrays.items():
        check_hash(known, file, idx_bytes(array), where)
    return set_of(known, arrays)


def _fetched(known: KnownSet) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, H·W) and labels (n,) as they came."""
    from sklearn.datasets import fetch_openml  # slow to import, and only a download needs it

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it says of each attempt is in the sentence below
            found: Any = fetch_openml(data_id=known.openml, as_frame=False, parser="liac-arff", n_retries=1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise ValueError(f"{known.title} could not be fetched from OpenML ({reason}); {_advice(known)}") from None
    return np.asarray(found.data), np.asarray(found.target)


def _advice(known: KnownSet) -> str:
    return f"give the folder of its IDX files: data_dir=… (--data-dir on the command line) for {known.name}"
