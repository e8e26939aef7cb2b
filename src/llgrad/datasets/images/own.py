"""Images of your own, from an `.npz` file of plain arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from llgrad.core.files import load_arrays
from llgrad.datasets.images.images import Images, ImageSet
from llgrad.datasets.images.parts import validation

Arrays = Mapping[str, np.ndarray]

PARTS: Final = ("train_images", "train_labels", "test_images", "test_labels")
WHOLE: Final = ("images", "labels")
TEST_FRACTION: Final = 0.2
DARK: Final = 128
"""Bytes whose largest is below this are not taken to be of 0 … 255 without being told."""


def read_own(path: str | Path, split: int = 0) -> ImageSet:
    """The set in an `.npz` file, with the arrays train_images, train_labels, test_images, test_labels.

    In place of these, images and labels may stand: a fifth of each class is kept to test, and `split` (0, 1, …) draws
    which. Images are (n, height, width), labels whole numbers from 0. Two arrays may stand beside them: `classes`, the
    names of the classes, and `scale`, the pixel value that means 1; without it that is 255 for whole numbers and 1 for
    fractions.

    Raises ValueError, in one sentence that names the file, for arrays that are missing or do not fit, pixels that are
    not finite or outside 0 … scale, labels that are no class, and a class without an image to train.

    >>> np.savez("bars.npz", images=np.eye(10).reshape(10, 2, 5), labels=np.arange(10) % 2, classes=["even", "odd"])
    >>> read_own("bars.npz")
    ImageSet bars: 8 images to train and 2 to test, of 2×5 pixels, 2 classes
    """
    path = Path(path)
    data, arrays = _loaded(path)
    whole = _is_whole(path, arrays)
    try:
        classes = _classes(arrays, WHOLE[1:] if whole else PARTS[1::2])
        scale = _scale(arrays, WHOLE[:1] if whole else PARTS[::2])
        if whole:
            images = _part(arrays, *WHOLE, scale, classes)
            train, test = validation(images, TEST_FRACTION, split)
        else:
            train, test = _part(arrays, *PARTS[:2], scale, classes), _part(arrays, *PARTS[2:], scale, classes)
        if (empty := np.flatnonzero(train.counts == 0)).size:
            raise ValueError(
                f"class {empty[0]} ({classes[empty[0]]}) has no image to train; number the classes from 0 without a gap"
            )
        return ImageSet(path.stem, train, test, {path.name: hashlib.sha256(data).hexdigest()})
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _loaded(path: Path) -> tuple[bytes, Arrays]:
    """The bytes of the file, and the arrays in them."""
    if not path.exists():
        raise ValueError(f"{path} does not exist; check the name and the folder")
    if not path.is_file():
        raise ValueError(f"{path} cannot be read: it is no file; expected an NPZ file of arrays")
    data = path.read_bytes()
    return data, load_arrays(path)


def _is_whole(path: Path, arrays: Arrays) -> bool:
    """Whether the file has images and labels, rather than a part to train and one to test."""
    wanted = PARTS if any(name in arrays for name in PARTS) else WHOLE
    if missing := [name for name in wanted if name not in arrays]:
        raise ValueError(
            f"{path} has no array {missing[0]!r}; it has {', '.join(arrays) or 'nothing'}; "
            f"expected {', '.join(PARTS)}, or {' and '.join(WHOLE)}"
        )
    return wanted is WHOLE


def _classes(arrays: Arrays, labels: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the classes; their numbers, up to the largest label, where the file names none."""
    if "classes" not in arrays:
        largest = max((int(arrays[name].max()) for name in labels if _counts(arrays[name])), default=0)
        most = max(arrays[name].size for name in labels)
        if largest > most:
            raise ValueError(f"the largest label is {largest}, with {most} images; number the classes from 0")
        return tuple(str(number) for number in range(largest + 1))
    names = arrays["classes"]
    if names.ndim != 1 or names.dtype.kind not in "Uui" or len(set(names.tolist())) != names.size:
        raise ValueError(f"classes has the shape {names.shape}, expected different names (classes,)")
    return tuple(str(name) for name in names.tolist())


def _counts(labels: np.ndarray) -> bool:
    return labels.dtype.kind in "ui" and labels.size > 0


def _scale(arrays: Arrays, images: tuple[str, ...]) -> float:
    """The pixel value that means 1: what the file says, or 255 for bytes and 1 for fractions and yes or no."""
    if "scale" in arrays:
        scale = arrays["scale"]
        if scale.size != 1 or scale.dtype.kind not in "uif":
            raise ValueError(f"scale has the shape {scale.shape} and the type {scale.dtype}, expected one number")
        return float(scale.reshape(-1)[0])
    numbers = [arrays[name] for name in images]
    if not all(array.dtype.kind in "ui" and array.size for array in numbers):
        return 1.0
    largest = max(int(array.max()) for array in numbers)
    if largest < DARK:
        raise ValueError(
            f"the pixels are whole numbers up to {largest}, and what means 1 cannot be told; "
            f"save it beside them, as in scale={max(largest, 1)}"
        )
    return 255.0


def _part(arrays: Arrays, images: str, labels: str, scale: float, classes: tuple[str, ...]) -> Images:
    try:
        return Images(arrays[images], arrays[labels], scale, classes)
    except ValueError as error:
        raise ValueError(f"{images} and {labels}: {error}") from None
