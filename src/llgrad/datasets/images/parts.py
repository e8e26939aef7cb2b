"""A set of images in two parts, each with the classes in the same proportions, the same for the same seed."""

from __future__ import annotations

from typing import Final

import numpy as np

from llgrad.core.arguments.numbers import checked_count, checked_number
from llgrad.datasets.images.images import Images

FRACTION: Final = "more than 0 and less than 1"


def validation(images: Images, fraction: float = 0.1, seed: int = 0) -> tuple[Images, Images]:
    """(train, validation): the images without, and with, a `fraction` of each class, on which choices are made.

    The images of both parts keep their order. A class of a single image stays in the first part.

    Raises ValueError for a fraction that leaves nothing on either side, or a negative seed.

    >>> images = Images(np.zeros((20, 2, 2)), np.arange(20) % 2, 1.0, ["even", "odd"])
    >>> train, held = validation(images, fraction=0.2)
    >>> len(train), len(held), held.counts.tolist()
    (16, 4, [2, 2])
    """
    kept, held = stratified(images.labels, fraction, seed)
    if not held.size:
        raise ValueError("every class has a single image, so that nothing can be held out; give more images")
    return images.take(kept), images.take(held)


def stratified(labels: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices that are kept, and a `fraction` of each class that is held out: at least one, and never all of them."""
    if not 0 < checked_number("fraction", fraction, expected=FRACTION) < 1:
        raise ValueError(f"fraction = {fraction:g}, expected {FRACTION}")
    checked_count("seed", seed, 0, "a whole number from 0")
    draws = np.random.default_rng(seed).random(labels.size)
    held = np.zeros(labels.size, bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        number = min(max(round(fraction * members.size), 1), members.size - 1)
        held[members[np.argsort(draws[members])[:number]]] = True
    return np.flatnonzero(~held), np.flatnonzero(held)
