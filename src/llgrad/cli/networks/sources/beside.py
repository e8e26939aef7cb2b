"""What is told beside a network on signals: what something linear makes of the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from llgrad.cli.networks.sources.signals import linear_beside, linear_entry, linear_in_words
from llgrad.cli.networks.sources.targets import taps_beside
from llgrad.datasets.samples.targets import TargetSet
from llgrad.datasets.signals.frames.augment import SignalAugmentation


class Beside(NamedTuple):
    """A linear softmax for classes, linear taps for targets, nothing for images."""

    words: tuple[str, ...]
    """Lines."""
    entry: Mapping[str, Any]
    """The same for JSON."""


NOTHING: Final = Beside((), {})


def beside(data: Any, network: Any, augmentation: SignalAugmentation | None = None) -> Beside:
    """What is linear on the samples of a network, trained and tested now, with the same changes of signals to train."""
    if isinstance(data, TargetSet):
        taps = taps_beside(data, network)
        return Beside((taps.in_words(),), taps.to_json())
    found = linear_beside(data, augmentation)
    if found is None:
        return NOTHING
    return Beside((linear_in_words(found, data, augmentation is not None),), linear_entry(found))
