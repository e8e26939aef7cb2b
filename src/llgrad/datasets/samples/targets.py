"""Signals with what is wanted of them at each frame: regression, and the prediction of what comes next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import equinox as eqx
import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.arguments.numbers import checked_number
from llgrad.datasets.samples.sequences import Index

ADVICE: Final = "expected an array (n, frames, numbers), or (n, frames) of one number"


class TargetSignals(eqx.Module):
    """n signals `values` (n, T, F), and what is wanted at each of their frames, `targets` (n, T, O), in float32.

    Args:
        values: (n, T, F), or (n, T) of one feature.
        targets: (n, T, O), or (n, T) of one number.
        classes: the names of the O numbers; their places if not given.

    Raises ValueError for other shapes, and a value that is not finite.

    >>> pieces = TargetSignals.next_steps(np.sin(0.3 * np.arange(41)), frames=10)
    >>> pieces
    TargetSignals: 4 of 10 frames of 1 feature, 1 wanted number at each
    >>> bool(pieces.labels[0, 3, 0] == pieces.values[0, 4, 0])
    True
    """

    values: np.ndarray
    labels: np.ndarray
    """The targets (n, T, O)."""
    classes: tuple[str, ...] = eqx.field(static=True)

    def __init__(self, values: Any, targets: Any, classes: Iterable[str] | None = None):
        self.values, self.labels = _numbers("values", values), _numbers("targets", targets)
        if self.values.shape[:2] != self.labels.shape[:2]:
            raise ValueError(
                f"the signals have the shape {self.values.shape} and the targets {self.labels.shape}; expected targets "
                "for each frame of each signal"
            )
        names = range(self.labels.shape[2]) if classes is None else classes
        self.classes = tuple(str(name) for name in names)
        if len(self.classes) != self.labels.shape[2]:
            raise ValueError(f"there are {len(self.classes)} names and {self.labels.shape[2]} numbers at each frame")
        if twice := [name for name in self.classes if self.classes.count(name) > 1]:
            raise ValueError(f"the target {twice[0]!r} comes twice; expected other names")

    @classmethod
    def next_steps(
        cls, signal: Float[ArrayLike, "*n T F"] | Sequence[Sequence[float]], ahead: int = 1, frames: int | None = None
    ) -> TargetSignals:
        """What a signal (T, F) will be `ahead` frames later, in pieces of `frames` (one piece if None), the rest at its
        end dropped; of signals (n, T, F) each is cut.
        """
        check = checked_number("ahead", ahead, low=1, whole=True)
        array = _array("the signal", signal)
        values = _numbers("the signal", array[None] if array.ndim < 3 and array.ndim != 0 else array)
        if values.shape[1] <= check:
            raise ValueError(f"the signal has {values.shape[1]} frames, expected more than ahead = {check}")
        return cls(values[:, :-check], values[:, check:]).cut(frames)

    def cut(self, frames: int | None) -> TargetSignals:
        """The same in pieces of `frames`, what is left at the ends dropped."""
        if frames is None:
            return self
        size = checked_number("frames", frames, low=1, whole=True)
        count = self.values.shape[1] // size
        if not count:
            raise ValueError(f"frames = {size}, and the signals have {self.values.shape[1]}; give fewer")
        values, targets = (
            part[:, : count * size].reshape(-1, size, part.shape[2]) for part in (self.values, self.labels)
        )
        return TargetSignals(values, targets, self.classes)

    def __len__(self) -> int:
        return self.values.shape[0]

    @property
    def shape(self) -> tuple[int, int]:
        """Frames and features (T, F)."""
        return self.values.shape[1], self.values.shape[2]

    @property
    def mean(self) -> np.ndarray:
        """The mean frame (F,)."""
        return self.values.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)

    @property
    def spread(self) -> np.ndarray:
        """The standard deviation of each feature over all frames (F,); 1 of one that never changes."""
        found = self.values.std(axis=(0, 1), dtype=np.float64).astype(np.float32)
        return np.where(found > 0, found, np.float32(1))

    def take(self, index: Index) -> TargetSignals:
        """The signals at `index`: numbers, a slice, or a mask (n,)."""
        chosen = np.atleast_1d(np.arange(len(self))[index])
        if not chosen.size:
            raise ValueError("no signal is left; choose at least one")
        return TargetSignals(self.values[chosen], self.labels[chosen], self.classes)

    def batch(self, index: Index) -> np.ndarray:
        """What a network is given of the signals at `index`, (B, T, F)."""
        return self.values[np.atleast_1d(np.arange(len(self))[index])]

    def __repr__(self) -> str:
        frames, features = self.shape
        count = len(self.classes)
        what = "feature" if features == 1 else "features"
        return (
            f"TargetSignals: {len(self)} of {frames} frames of {features} {what}, "
            f"{count} wanted {'number' if count == 1 else 'numbers'} at each"
        )


class TargetSet(eqx.Module):
    """Signals with targets: `train` to learn from, and `test`, which is used once, at the end.

    >>> part = TargetSignals(np.zeros((2, 5)), np.zeros((2, 5)))
    >>> TargetSet(part, part)
    TargetSet targets: 2 signals to train and 2 to test, of 5 frames
    """

    train: TargetSignals
    test: TargetSignals
    name: str = eqx.field(static=True, default="targets")

    @classmethod
    def last_kept(cls, signals: TargetSignals, part: float = 0.2, name: str = "targets") -> TargetSet:
        """The last `part` of the signals, or of the pieces of a long one, are kept to test, so that what is tested
        comes after what was learned from. Raises ValueError where one side would be empty.

        >>> TargetSet.last_kept(TargetSignals.next_steps(np.sin(0.3 * np.arange(101)), frames=10), 0.3)
        TargetSet targets: 7 signals to train and 3 to test, of 10 frames
        """
        check_kind("signals", signals, TargetSignals, "such as lg.data.TargetSignals.next_steps(signal)")
        share = checked_number("part", part, low=0.0, expected="a part between 0 and 1, such as 0.2")
        held = round(share * len(signals))
        if not 0 < held < len(signals):
            raise ValueError(
                f"{held} of {len(signals)} signals would be tested; leave some on either side, by another part or by "
                "cutting long signals into pieces"
            )
        return cls(signals.take(slice(0, -held)), signals.take(slice(-held, None)), name)

    def __check_init__(self) -> None:
        for name, part in (("train", self.train), ("test", self.test)):
            check_kind(name, part, TargetSignals, "such as lg.data.TargetSignals.next_steps(signal)")
        if self.train.shape[1] != self.test.shape[1] or self.train.classes != self.test.classes:
            raise ValueError("the signals to train and to test have other features or targets; expected the same")

    @property
    def sha256(self) -> dict[str, str]:
        """Of no file."""
        return {}

    def __repr__(self) -> str:
        return (
            f"TargetSet {self.name}: {len(self.train)} signals to train and {len(self.test)} to test, of "
            f"{self.train.shape[0]} frames"
        )


def _array(what: str, given: Any) -> np.ndarray:
    try:
        return np.asarray(given)
    except ValueError:  # of NumPy, for lists of different lengths
        raise ValueError(f"{what}: lists of different lengths; {ADVICE}") from None


def _numbers(what: str, given: Any) -> np.ndarray:
    array = _array(what, given)
    if array.dtype.kind not in "buif" or array.ndim not in (2, 3) or not array.size:
        raise ValueError(f"{what}: an array of the type {array.dtype} and the shape {array.shape}; {ADVICE}")
    array = array[..., None] if array.ndim == 2 else array
    with np.errstate(over="ignore"):  # what is too large for float32 is not finite then, and refused
        found = array.astype(np.float32)
    if not np.isfinite(found).all():
        signal, frame, number = np.argwhere(~np.isfinite(found))[0]
        raise ValueError(
            f"number {number} of frame {frame} of signal {signal} of {what} is {found[signal, frame, number]}"
        )
    found.flags.writeable = False
    return found
