"""The 1797 handwritten digits of 8×8 pixels that come with scikit-learn: the set that needs no download.

E. Alpaydin, C. Kaynak, Optical recognition of handwritten digits, UCI Machine Learning Repository (1998).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from llgrad.core.run_record import hash_of
from llgrad.datasets.images.images import Images, ImageSet
from llgrad.datasets.images.parts import validation

TEST_FRACTION: Final = 0.2
LARGEST_PIXEL: Final = 16.0


def read_digits(split: int = 0) -> ImageSet:
    """The digits, four fifths of each to train and one to test; `split` (0, 1, …) draws which.

    >>> read_digits()
    ImageSet digits: 1438 images to train and 359 to test, of 8×8 pixels, 10 classes
    """
    from sklearn.datasets import load_digits  # slow to import, and only this set needs it

    found: Any = load_digits()
    images = Images(found.images.astype(np.uint8), found.target, LARGEST_PIXEL, "0123456789")
    train, test = validation(images, TEST_FRACTION, split)
    return ImageSet("digits", train, test, {"digits": hash_of([images.pixels, images.labels]).removeprefix("sha256:")})
