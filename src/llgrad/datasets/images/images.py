"""Labelled images as they are stored, and the two parts of a set: what is learned from, and what is kept to the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import EllipsisType
from typing import Any

import equinox as eqx
import numpy as np

from llgrad.core.arguments.numbers import checked_count
from llgrad.datasets.samples.sequences import Index


class Images(eqx.Module):
    """Grey images `pixels` (n, H, W), NumPy uint8 or float32, each with the number of its class, `labels` (n,) int32.

    `scale` is the pixel value that means 1 (255 for bytes), and `classes` are the names of the classes. The arrays are
    read-only.

    Raises ValueError for another shape, no image, a pixel that is not finite or outside 0 … scale, a label that is no
    class.

    >>> images = Images(np.array([[[0, 255]], [[51, 0]]], np.uint8), [1, 0], 255.0, ["right", "left"])
    >>> images
    Images: 2 of 1×2 pixels, 2 classes
    >>> images.scaled(0).tolist()
    [[0.0, 1.0]]
    >>> len(images.take([1])), images.counts.tolist(), float(images.mean.max())
    (1, [1, 1], 0.5)
    """

    pixels: np.ndarray
    labels: np.ndarray
    scale: float = eqx.field(static=True)
    classes: tuple[str, ...] = eqx.field(static=True)

    def __init__(self, pixels: Any, labels: Any, scale: float, classes: Iterable[str]):
        self.pixels = _read_only(_pixels(np.asarray(pixels)))
        self.classes = tuple(str(name) for name in classes)
        self.labels = _read_only(_labels(np.asarray(labels), self.classes))
        self.scale = float(scale)

    def __check_init__(self) -> None:
        if self.labels.shape != self.pixels.shape[:1]:
            raise ValueError(
                f"there are {self.pixels.shape[0]} images and labels of the shape {self.labels.shape}; "
                "expected one label for each image"
            )
        if not (np.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"scale = {self.scale:g}, expected the pixel value that means 1, such as 255")
        low, high = self.pixels.min(), self.pixels.max()  # not a number is the largest and the smallest
        if not np.isfinite([low, high]).all():
            bad = np.argwhere(~np.isfinite(self.pixels))[0]
            raise ValueError(f"pixel ({bad[1]}, {bad[2]}) of image {bad[0]} is {self.pixels[tuple(bad)]}; repair it")
        if low < 0 or high > np.float32(self.scale):
            raise ValueError(
                f"the pixels go from {low:g} to {high:g}, expected 0 to scale = {self.scale:g}; "
                "give the scale that the images have"
            )

    def __len__(self) -> int:
        return self.labels.size

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width (H, W) [pixels]."""
        return self.pixels.shape[1], self.pixels.shape[2]

    @property
    def counts(self) -> np.ndarray:
        """How many images each class has (classes,)."""
        return np.bincount(self.labels, minlength=len(self.classes))

    @property
    def mean(self) -> np.ndarray:
        """The mean image (H, W), from 0 to 1: float32."""
        return (self.pixels.mean(axis=0, dtype=np.float64) / self.scale).astype(np.float32)

    def take(self, index: Index) -> Images:
        """The images at `index`: numbers, a slice, or a mask (n,)."""
        index = np.atleast_1d(index) if not isinstance(index, slice) and np.ndim(index) == 0 else index
        return Images(self.pixels[index], self.labels[index], self.scale, self.classes)

    def permuted(self, seed: int) -> Images:
        """The same with their pixels in the order `numpy.random.default_rng(seed).permutation(H * W)`, line after line.

        Raises ValueError for a seed that is none.

        >>> images = Images(np.array([[[0, 1], [2, 3]]], np.uint8), [0], 3.0, ["one"])
        >>> images.permuted(0).pixels.tolist()
        [[[2, 0], [1, 3]]]
        """
        seed = checked_count("permuted", seed, 0, "the seed of the permutation, a whole number from 0")
        count, height, width = self.pixels.shape
        order = np.random.default_rng(seed).permutation(height * width)
        pixels = self.pixels.reshape(count, -1)[:, order].reshape(count, height, width)
        return Images(pixels, self.labels, self.scale, self.classes)

    def scaled(self, index: Index | EllipsisType = ...) -> np.ndarray:
        """The pixels at `index` from 0 to 1: float32 (…, H, W), all of them without an index."""
        return np.divide(self.pixels[index], np.float32(self.scale), dtype=np.float32)

    def batch(self, index: Index) -> np.ndarray:
        """What a network is given of the images at `index`: (B, H, W)."""
        return self.scaled(np.atleast_1d(np.arange(len(self))[index]))

    def __repr__(self) -> str:
        height, width = self.shape
        return f"Images: {len(self)} of {height}×{width} pixels, {len(self.classes)} classes"


class ImageSet(eqx.Module):
    """A set of images: `train` to learn from, and `test`, which is used once, at the end.

    `sha256` holds the hash of the data by the name of the file; a set that is in no file has its own name there.

    >>> part = Images(np.zeros((2, 4, 4)), [0, 1], 1.0, ["a", "b"])
    >>> ImageSet("mine", part, part, {})
    ImageSet mine: 2 images to train and 2 to test, of 4×4 pixels, 2 classes
    """

    name: str = eqx.field(static=True)
    train: Images
    test: Images
    sha256: dict[str, str] = eqx.field(static=True)

    def __init__(self, name: str, train: Images, test: Images, sha256: Mapping[str, str]):
        self.name = name
        self.train = train
        self.test = test
        self.sha256 = dict(sha256)

    def __check_init__(self) -> None:
        if self.train.shape != self.test.shape:
            raise ValueError(
                "the images to train have {}×{} pixels and those to test {}×{}; expected the same".format(
                    *self.train.shape, *self.test.shape
                )
            )
        if (self.train.scale, self.train.classes) != (self.test.scale, self.test.classes):
            raise ValueError("the images to train and to test have other classes or another scale; expected the same")

    def permuted(self, seed: int) -> ImageSet:
        """The same with the pixels of all images in one order drawn by `seed`, as `Images.permuted` does."""
        return ImageSet(self.name, self.train.permuted(seed), self.test.permuted(seed), self.sha256)

    def __repr__(self) -> str:
        height, width = self.train.shape
        return (
            f"ImageSet {self.name}: {len(self.train)} images to train and {len(self.test)} to test, "
            f"of {height}×{width} pixels, {len(self.train.classes)} classes"
        )


def _pixels(pixels: np.ndarray) -> np.ndarray:
    """Bytes stay bytes, also where they came as wider whole numbers; other numbers become float32."""
    if pixels.dtype.kind not in "buif":
        raise ValueError(f"the pixels hold no real numbers (their type is {pixels.dtype})")
    if pixels.ndim == 4 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim != 3 or not pixels.size:
        advice = "; average the colours" if pixels.ndim == 4 else ""
        raise ValueError(
            f"the pixels have the shape {pixels.shape}, expected grey images (n, height, width), at least one{advice}"
        )
    if pixels.dtype == np.uint8 or pixels.dtype == np.float32:
        return pixels
    whole = pixels.dtype.kind == "b" or (pixels.dtype.kind in "ui" and pixels.min() >= 0 and pixels.max() <= 255)
    with np.errstate(over="ignore"):  # what is too large for float32 is not finite then, and refused below
        return pixels.astype(np.uint8 if whole else np.float32)


def _labels(labels: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    if labels.dtype.kind not in "ui" or labels.ndim != 1:
        raise ValueError(
            f"the labels have the type {labels.dtype} and the shape {labels.shape}, "
            "expected whole numbers (n,): the class of each image, from 0"
        )
    if (bad := np.flatnonzero((labels < 0) | (labels >= len(classes)))).size:
        raise ValueError(
            f"label {bad[0]} is {labels[bad[0]]}, expected 0 to {len(classes) - 1}: there are {len(classes)} classes"
        )
    return labels.astype(np.int32)


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view
