"""A set of images by its name, or from a file of your own."""

from __future__ import annotations

import os
from pathlib import Path

from llgrad.core.arguments.kinds import checked_path
from llgrad.core.arguments.numbers import checked_count
from llgrad.datasets.images.digits import read_digits
from llgrad.datasets.images.images import ImageSet
from llgrad.datasets.images.known import KNOWN, read_known
from llgrad.datasets.images.openml import fetch_known
from llgrad.datasets.images.own import read_own


def load_images(
    name_or_path: str | os.PathLike[str], data_dir: str | os.PathLike[str] | None = None, split: int = 0
) -> ImageSet:
    """A set of images to learn from, and its test images.

    Args:
        name_or_path: "digits" (8×8, comes with scikit-learn), "mnist" or "fashion-mnist" (28×28), or the path of an
            `.npz` file of your own (see `llgrad.datasets.images.own.read_own`).
        data_dir: the folder of the IDX files of "mnist" and "fashion-mnist", gzipped or not. None fetches them from
            OpenML, which needs a network the first time.
        split: draws which images are kept to test (0, 1, …), for the sets that do not come in two parts: "digits", and
            a file of yours with images and labels.

    Raises ValueError, in one sentence, for a name that is none, a folder or a file that is missing, damaged, or not
    what it should be.

    >>> load_images("digits", split=3).test.shape
    (8, 8)
    """
    name = os.fspath(checked_path("name_or_path", name_or_path))
    split = checked_count("split", split, 0)
    if data_dir is not None and name.lower() not in KNOWN:
        raise ValueError(
            f"data_dir = {os.fspath(data_dir)}: a folder (--data-dir) is for {' and '.join(KNOWN)}, not for {name}; "
            "leave it out"
        )
    if data_dir is not None and not Path(data_dir).is_dir():
        raise ValueError(f"data_dir = {os.fspath(data_dir)} is no folder; check the name (--data-dir)")
    if split and name.lower() in KNOWN:
        raise ValueError(f"split = {split}: {name} comes with its test images, there is nothing to draw; leave it out")
    if name.lower() == "digits":
        return read_digits(split)
    if name.lower() in KNOWN:
        known = KNOWN[name.lower()]
        return fetch_known(known) if data_dir is None else read_known(known, Path(data_dir))
    if Path(name).suffix.lower() == ".npz":
        return read_own(name, split)
    raise ValueError(
        f"{name!r} is no set of images; expected digits, {', '.join(KNOWN)}, or the path of an .npz file of your own"
    )
