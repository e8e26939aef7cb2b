"""MNIST and Fashion-MNIST: their files, the hashes of these, the names of their classes, and how they are read.

MNIST: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Proc. IEEE 86, 2278 (1998). Fashion-MNIST: H. Xiao, K. Rasul,
R. Vollgraf, arXiv:1708.07747 (2017).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from llgrad.datasets.images.idx import parse_idx, unpacked
from llgrad.datasets.images.images import Images, ImageSet

FILES: Final[tuple[str, ...]] = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


class KnownSet(NamedTuple):
    """A published set of images in four IDX files."""

    name: str
    title: str
    classes: tuple[str, ...]
    openml: int
    """Its number at OpenML."""
    sha256: tuple[str, ...]
    """Of the unpacked files, in the order of FILES."""


MNIST: Final = KnownSet(
    "mnist",
    "MNIST",
    tuple("0123456789"),
    554,
    (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)
FASHION_MNIST: Final = KnownSet(
    "fashion-mnist",
    "Fashion-MNIST",
    ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"),
    40996,
    (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
)
KNOWN: Final = {known.name: known for known in (MNIST, FASHION_MNIST)}


def read_known(known: KnownSet, folder: Path) -> ImageSet:
    """The set from its four IDX files in `folder`, or in the folder of its name there, gzipped or not.

    Raises ValueError, in one sentence that names the file, for one that is missing, damaged, or not the published one.
    """
    inside = folder / known.name
    folder = inside if inside.is_dir() else folder
    arrays = {}
    for file in FILES:
        path = _find(folder, file, known)
        data = unpacked(path)
        arrays[file] = parse_idx(data, path)
        check_hash(known, file, data, str(path))
    return set_of(known, arrays)


def set_of(known: KnownSet, arrays: Mapping[str, np.ndarray]) -> ImageSet:
    """The set of its four arrays."""
    train, test = (
        Images(arrays[images], arrays[labels], 255.0, known.classes) for images, labels in (FILES[:2], FILES[2:])
    )
    return ImageSet(known.name, train, test, dict(zip(FILES, known.sha256, strict=True)))


def check_hash(known: KnownSet, file: str, data: bytes, where: str) -> None:
    """Raises ValueError unless `data` are the bytes of the published file, unpacked; `where` they came from."""
    expected, found = known.sha256[FILES.index(file)], hashlib.sha256(data).hexdigest()
    if found == expected:
        return
    others = [other for other in KNOWN.values() if found in other.sha256]
    advice = f"it is of {others[0].title}: ask for {others[0].name}" if others else "fetch the file again"
    raise ValueError(
        f"{where} is not {file} of {known.title}: the SHA-256 of its unpacked bytes is {found}, "
        f"expected {expected}; {advice}"
    )


def _find(folder: Path, file: str, known: KnownSet) -> Path:
    """The file under one of the names that it is distributed by."""
    dotted = file.replace("-idx", ".idx")
    names = (file, f"{file}.gz", dotted, f"{dotted}.gz")
    for name in names:
        if (folder / name).exists():
            return folder / name
    raise ValueError(
        f"{folder} has no file {file} or {file}.gz, which {known.title} needs; "
        f"give the folder with its {len(FILES)} IDX files"
    )
