"""Classes by their names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def numbered(names: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """The number of each name among the different ones, and these: in the order of their numbers, or of the alphabet.

    >>> numbered(["10", "9", "10"])
    (array([1, 0, 1], dtype=int32), ('9', '10'))
    """
    whole = all(name.isdecimal() for name in names)
    known = sorted({*names}, key=(lambda name: (int(name), name)) if whole else None)
    places = {name: place for place, name in enumerate(known)}
    return np.array([places[name] for name in names], np.int32), tuple(known)
