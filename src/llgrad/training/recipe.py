"""The recipe of a training run: every number that its result depends on, besides the network and the images."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Final

from llgrad.core.record import as_count, as_number
from llgrad.datasets.signals.frames.augment import SignalAugmentation
from llgrad.training.schedules import CosineSchedule, EverySeconds, Saving, Schedule, from_entry, to_entry

LARGEST_SEED: Final = 2**32 - 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained. Two runs of the same recipe, network and images end with the same bits.

    >>> Recipe(epochs=30, learning_rate=3e-3).batch
    128
    """

    epochs: int = 20
    """How often every training image is seen."""
    batch: int = 128
    """Images in a step; what is left over of an epoch's images after its last whole batch waits for the next epoch."""
    learning_rate: float = 3e-3
    """The largest step of Adam."""
    schedule: Schedule = CosineSchedule()
    """How the learning rate goes over the run."""
    weight_decay: float = 1e-4
    """Pull of the decayed arrays towards zero, per unit of learning rate (AdamW)."""
    clip: float | None = 1.0
    """Largest norm of the gradient, to which a longer one is shortened; None leaves it."""
    shift: int = 0
    """Training images are moved by up to so many pixels each way."""
    rotation: float = 0.0
    """Training images are turned by up to this angle each way [degrees]."""
    zoom: float = 0.0
    """Training images are made larger or smaller by up to this part."""
    mirror: bool = False
    """Left and right change places in half of the training images, drawn anew each time that they are seen."""
    augmentation: SignalAugmentation | None = None
    """How training signals are changed, anew each time that they are seen; None leaves them."""
    label_smoothing: float = 0.0
    """Part of each target that is spread over all classes."""
    seed: int = 0
    """Seed of the order of the images, their augmentation and the network's imperfections."""
    validation: float = 0.0
    """Part of the training images that is held back to measure progress on."""
    checkpoint: Saving = EverySeconds()
    """How often the run is saved; it is saved at its end and when it is stopped too."""
    time_limit: float | None = None
    """Seconds after which a run is saved and stopped, to be resumed; None for no limit."""

    def __post_init__(self) -> None:
        for (name, *_), convert in [*((row, as_count) for row in _WHOLE), *((row, as_number) for row in _REAL)]:
            object.__setattr__(self, name, convert(getattr(self, name)))
        for name, low, high, expected in _WHOLE:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ValueError(f"{name} = {value!r}, expected {expected}")
        for name, low, high, expected in _REAL:
            value = getattr(self, name)
            if value is None and name in ("clip", "time_limit"):
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
                raise ValueError(f"{name} = {value!r}, expected {expected}")
        for name in ("learning_rate", "clip", "time_limit"):
            if getattr(self, name) == 0:
                raise ValueError(f"{name} = 0, expected more than 0")
        if not isinstance(self.mirror, bool):
            raise ValueError(f"mirror = {self.mirror!r}, expected True or False")
        if not isinstance(self.schedule, Schedule):
            raise ValueError(f"schedule = {self.schedule!r}, expected CosineSchedule(…) or ConstantSchedule(…)")
        if not isinstance(self.augmentation, SignalAugmentation | None):
            raise ValueError(f"augmentation = {self.augmentation!r}, expected SignalAugmentation(…) or None")
        if not isinstance(self.checkpoint, Saving):
            raise ValueError(f"checkpoint = {self.checkpoint!r}, expected EverySeconds(…) or EveryEpochs(…)")

    @property
    def augments(self) -> bool:
        """Whether training sees the images, or signals, changed at random."""
        return self.moves_images or bool(self.augmentation)

    @property
    def moves_images(self) -> bool:
        """Whether training sees images moved, turned, mirrored, or larger or smaller than they are."""
        return bool(self.shift or self.rotation or self.zoom or self.mirror)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        parts = {name: None if values[name] is None else to_entry(values[name]) for name in _PARTS}
        return values | parts

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Recipe:
        """The recipe that `to_json` wrote. Raises ValueError for an unknown name or a value that cannot be."""
        known = [field.name for field in dataclasses.fields(cls)]
        if unknown := [name for name in entry if name not in known]:
            raise ValueError(f"a recipe has no {unknown[0]!r}; it has {', '.join(known)}")
        parts = {name: from_entry(entry[name]) for name in _PARTS if entry.get(name) is not None}
        return cls(**{**entry, **parts})

    def replace(self, **changes: Any) -> Recipe:
        """A copy with the named values changed."""
        return dataclasses.replace(self, **changes)


_WHOLE: Final = (
    ("epochs", 1, math.inf, "a whole number of epochs, 1 or more"),
    ("batch", 1, math.inf, "a whole number of images, 1 or more"),
    ("shift", 0, math.inf, "a whole number of pixels, 0 or more"),
    ("seed", 0, LARGEST_SEED, f"a whole number from 0 to {LARGEST_SEED}"),
)
_PARTS: Final = ("schedule", "checkpoint", "augmentation")
_LARGEST: Final = 1e9
_REAL: Final = (
    ("learning_rate", 0.0, 10.0, "a number above 0 and up to 10, such as 3e-3"),
    ("weight_decay", 0.0, 10.0, "a number from 0 to 10, such as 1e-4"),
    ("clip", 0.0, _LARGEST, "a number above 0, or None"),
    ("rotation", 0.0, 180.0, "degrees from 0 to 180"),
    ("zoom", 0.0, 0.9, "a part from 0 to 0.9"),
    ("label_smoothing", 0.0, 0.99, "a part from 0 to 0.99"),
    ("validation", 0.0, 0.9, "a part of the training images from 0 to 0.9"),
    ("time_limit", 0.0, _LARGEST, "seconds, above 0, or None"),
)
"""Name, smallest and largest value, and what to say; a number that is not finite is outside of every range."""
