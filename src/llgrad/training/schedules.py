"""How the learning rate goes over a run, and how often the run is saved: frozen values of a recipe."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float

from llgrad.core.record import as_count, as_number
from llgrad.datasets.signals.frames.augment import SignalAugmentation


@dataclasses.dataclass(frozen=True)
class CosineSchedule:
    """The learning rate rises in a straight line over the first epochs, then falls to its last value along a cosine.

    >>> import llgrad as lg
    >>> lg.training.CosineSchedule(warmup=1.0, last=0.1)  # lg.Recipe(schedule=…)
    CosineSchedule(warmup=1.0, last=0.1)
    """

    warmup: float = 1.0
    """Epochs over which the rate rises from nothing."""
    last: float = 0.0
    """Part of the learning rate that is left at the end."""

    def __post_init__(self) -> None:
        _within("warmup", self.warmup, 0.0, math.inf, "epochs, 0 or more")
        _within("last", self.last, 0.0, 1.0, "a part of the learning rate, from 0 to 1")

    def factor(self, epoch: float | Float[jax.Array, ""], epochs: int) -> Float[jax.Array, ""]:
        """What the learning rate is multiplied by at a time in epochs (float32, fractions included)."""
        rising = (epoch + 1e-3) / max(self.warmup, 1e-3)
        passed = jnp.clip((epoch - self.warmup) / max(epochs - self.warmup, 1e-3), 0.0, 1.0)
        falling = self.last + (1 - self.last) * 0.5 * (1 + jnp.cos(math.pi * passed))
        return jnp.where(epoch < self.warmup, jnp.minimum(rising, 1.0), falling)


@dataclasses.dataclass(frozen=True)
class ConstantSchedule:
    """The learning rate rises in a straight line over the first epochs, and stays.

    >>> import llgrad as lg
    >>> lg.training.ConstantSchedule(warmup=2.0)  # lg.Recipe(schedule=…)
    ConstantSchedule(warmup=2.0)
    """

    warmup: float = 0.0
    """Epochs over which the rate rises from nothing."""

    def __post_init__(self) -> None:
        _within("warmup", self.warmup, 0.0, math.inf, "epochs, 0 or more")

    def factor(self, epoch: float | Float[jax.Array, ""], epochs: int) -> Float[jax.Array, ""]:
        """What the learning rate is multiplied by at a time in epochs (float32, fractions included)."""
        return jnp.minimum((epoch + 1e-3) / max(self.warmup, 1e-3), 1.0)


Schedule = CosineSchedule | ConstantSchedule


@dataclasses.dataclass(frozen=True)
class EverySeconds:
    """Save when this many seconds have passed since the last time.

    >>> import llgrad as lg
    >>> lg.training.EverySeconds(60.0)  # lg.Recipe(checkpoint=…)
    EverySeconds(seconds=60.0)
    """

    seconds: float = 30.0

    def __post_init__(self) -> None:
        _within("seconds", self.seconds, 0.0, math.inf, "0 or more")

    def due(self, seconds: float, epochs: float) -> bool:
        """Whether to save now, so many seconds and epochs after the last time."""
        return seconds >= self.seconds


@dataclasses.dataclass(frozen=True)
class EveryEpochs:
    """Save at the end of every so many epochs.

    >>> import llgrad as lg
    >>> lg.training.EveryEpochs(5)  # lg.Recipe(checkpoint=…)
    EveryEpochs(epochs=5)
    """

    epochs: int = 1

    def __post_init__(self) -> None:
        found = as_count(self.epochs)
        if isinstance(found, bool) or not isinstance(found, int) or found < 1:
            raise ValueError(f"epochs = {self.epochs!r} between two checkpoints, expected 1 or more, a whole number")
        object.__setattr__(self, "epochs", found)

    def due(self, seconds: float, epochs: float) -> bool:
        """Whether to save now, so many seconds and epochs after the last time."""
        return epochs >= self.epochs


Saving = EverySeconds | EveryEpochs

KINDS: Mapping[str, type] = {
    kind.__name__: kind for kind in (CosineSchedule, ConstantSchedule, EverySeconds, EveryEpochs, SignalAugmentation)
}


def to_entry(value: Any) -> dict[str, Any]:
    """JSON-ready: the class's name and its numbers."""
    return {"type": type(value).__name__, **dataclasses.asdict(value)}


def from_entry(entry: Mapping[str, Any]) -> Any:
    """The value that `to_entry` wrote."""
    kind = KINDS.get(str(entry.get("type")))
    if kind is None:
        raise ValueError(f"unknown type {entry.get('type')!r}, expected one of {', '.join(KINDS)}")
    return kind(**{name: value for name, value in entry.items() if name != "type"})


def _within(name: str, value: float, low: float, high: float, expected: str) -> None:
    found = as_number(value)
    if (
        isinstance(found, bool)
        or not isinstance(found, (int, float))
        or not (math.isfinite(found) and low <= found <= high)
    ):
        raise ValueError(f"{name} = {value!r}, expected {expected}")
