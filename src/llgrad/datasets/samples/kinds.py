"""The kinds of samples that a network learns from, and what all of them tell."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import numpy as np

from llgrad.datasets.images.images import Images, ImageSet
from llgrad.datasets.images.parts import stratified
from llgrad.datasets.samples.targets import TargetSet, TargetSignals
from llgrad.datasets.signals.sets import SignalSet
from llgrad.datasets.signals.signals import Signals

Samples = Images | Signals | TargetSignals
SampleSet = ImageSet | SignalSet | TargetSet
SAMPLES: Final = (Images, Signals, TargetSignals)
SETS: Final = (ImageSet, SignalSet, TargetSet)


def held_back(samples: Samples, fraction: float, seed: int) -> tuple[Samples, Samples]:
    """(the samples without, and with, a `fraction`) on which choices are made: of each class, where there are classes.

    Raises ValueError where nothing can be held out.
    """
    classes = np.zeros(len(samples), int) if isinstance(samples, TargetSignals) else samples.labels
    kept, held = stratified(classes, fraction, seed)
    if not held.size:
        kind = noun_of(samples)
        raise ValueError(f"every class has a single {kind[:-1]}, so that nothing can be held out; give more {kind}")
    return samples.take(kept), samples.take(held)


def noun_of(samples: Samples | SampleSet) -> str:
    """What the samples are called."""
    return "images" if isinstance(samples, (Images, ImageSet)) else "signals"


def size_in_words(samples: Samples) -> str:
    """The size of a sample: "8×8 pixels"."""
    unit = "pixels" if isinstance(samples, Images) else "(frames × features)"
    return f"{samples.shape[0]}×{samples.shape[1]} {unit}"


def data_hash(data: SampleSet) -> str:
    """SHA-256 of the samples and labels to train and to test, as they are stored."""
    digest = hashlib.sha256()
    for samples in (data.train, data.test):
        arrays, rest = _stored(samples)
        for array in arrays:
            little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
            digest.update(f"{little.dtype.str}{little.shape}".encode())
            digest.update(little.tobytes())
        digest.update(repr(rest).encode())
    return f"sha256:{digest.hexdigest()}"


def _stored(samples: Samples) -> tuple[tuple[np.ndarray, ...], Any]:
    if isinstance(samples, Images):
        return (samples.pixels, samples.labels), (samples.scale, samples.classes)
    if isinstance(samples, Signals):
        return (samples.values, samples.lengths, samples.labels), (samples.rate, samples.classes)
    return (samples.values, samples.labels), samples.classes
