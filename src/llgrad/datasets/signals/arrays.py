"""Signals from an `.npz` file of plain arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from llgrad.core.files import load_arrays
from llgrad.datasets.signals.naming import numbered
from llgrad.datasets.signals.signals import Signals

KNOWN: Final = ("signals", "labels", "lengths", "mask", "classes", "groups", "indices", "rate")


def read_arrays(path: Path, rate: float | None = None) -> Signals:
    """The signals in the arrays of a file; `read_signals` says which. Raises ValueError, naming the file."""
    arrays = load_arrays(path)
    if missing := [name for name in KNOWN[:2] if name not in arrays]:
        raise ValueError(
            f"{path} has no array {missing[0]!r}; it has {', '.join(arrays) or 'nothing'}; expected signals and "
            f"labels, and, where known, {', '.join(KNOWN[2:])}"
        )
    if strange := [name for name in arrays if name not in KNOWN]:
        raise ValueError(f"{path} has an array {strange[0]!r}, which has no meaning; expected {', '.join(KNOWN)}")
    try:
        labels, classes = _labels(arrays)
        return Signals(
            arrays["signals"],
            labels,
            classes,
            lengths=_lengths(arrays),
            groups=arrays.get("groups"),
            indices=arrays.get("indices"),
            rate=_rate(arrays, rate),
            name=path.stem,
            sha256={path.name: hashlib.sha256(path.read_bytes()).hexdigest()},
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _labels(arrays: Mapping[str, np.ndarray]) -> tuple[Any, Any]:
    """Labels as numbers and the names of the classes; labels that are names are looked up among them."""
    labels, classes = arrays["labels"], arrays.get("classes")
    if classes is not None and (classes.ndim != 1 or classes.dtype.kind not in "Uui"):
        raise ValueError(f"classes has the shape {classes.shape}, expected different names (classes,)")
    names = None if classes is None else [str(name) for name in classes.tolist()]
    if labels.dtype.kind != "U" or labels.ndim != 1:
        return labels, names
    if (empty := np.flatnonzero(labels == "")).size:
        raise ValueError(f"the label of signal {empty[0]} is missing; fill it in")
    if names is None:
        return numbered(labels.tolist())
    if unknown := [name for name in labels.tolist() if name not in names]:
        raise ValueError(f"the label {unknown[0]!r} is none of the classes {', '.join(names)}")
    return np.array([names.index(name) for name in labels.tolist()], np.int32), names


def _lengths(arrays: Mapping[str, np.ndarray]) -> Any:
    if "mask" not in arrays:
        return arrays.get("lengths")
    if "lengths" in arrays:
        raise ValueError("there are lengths and a mask, which say the same; keep one of them")
    mask, shape = arrays["mask"], arrays["signals"].shape[:2]
    if mask.ndim != 2 or mask.shape != shape or not np.isin(mask, (0, 1)).all():
        raise ValueError(
            f"mask has the shape {mask.shape} and signals {arrays['signals'].shape}, expected yes or no for each "
            "frame, (n, frames)"
        )
    mask = mask.astype(bool)
    if (holes := np.flatnonzero((mask[:, 1:] & ~mask[:, :-1]).any(axis=1))).size:
        raise ValueError(f"the mask of signal {holes[0]} has a hole; expected frames from the first to a last one")
    return mask.sum(axis=1)


def _rate(arrays: Mapping[str, np.ndarray], given: float | None) -> float | None:
    if "rate" not in arrays:
        return given
    found = arrays["rate"]
    if found.size != 1 or found.dtype.kind not in "uif":
        raise ValueError(f"rate has the shape {found.shape} and the type {found.dtype}, expected one number [Hz]")
    own = float(found.reshape(-1)[0])
    if given is not None and given != own:
        raise ValueError(f"its rate is {own:g} Hz, and rate = {given!r} was given; leave it out")
    return own
