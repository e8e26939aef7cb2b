"""Signals in two parts: what is learned from, and what is kept to the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import equinox as eqx
import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.arguments.numbers import checked_count
from llgrad.datasets.images.images import ImageSet
from llgrad.datasets.images.parts import stratified
from llgrad.datasets.signals.signals import Signals, size_of

INDEX: Final = "an index, or several: whole numbers from 0"


class SignalSet(eqx.Module):
    """A set of signals: `train` to learn from, and `test`, which is used once, at the end.

    It is made of two `Signals`, or by `by_index`, `by_group`, `stratified` or `from_images`. `SignalSet.stratified` of
    the part to train gives a part on which choices are made.

    Raises ValueError for parts with frames of another length, other classes or another rate.

    >>> signals = Signals(np.zeros((6, 5)), [0, 0, 0, 1, 1, 1], groups=["a", "b", "c"] * 2, indices=[0, 1, 2] * 2)
    >>> SignalSet.by_index(signals, test=[0])
    SignalSet signals: 4 signals to train and 2 to test, of 5 frames of 1 feature, 2 classes
    >>> [len(part.test) for part in SignalSet.each_group(signals)]
    [2, 2, 2]
    """

    train: Signals
    test: Signals

    def __init__(self, train: Signals, test: Signals):
        for name, part in (("train", train), ("test", test)):
            check_kind(name, part, Signals, "give what lg.data.read_signals gives")
        self.train = train
        self.test = test

    def __check_init__(self) -> None:
        if self.train.features != self.test.features:
            raise ValueError(
                f"the signals to train have frames of {self.train.features} features and those to test of "
                f"{self.test.features}; expected frames of one length"
            )
        if self.train.classes != self.test.classes:
            raise ValueError("the signals to train and to test have other classes; expected the same")
        if self.train.rate != self.test.rate:
            raise ValueError(
                f"the signals to train have {self.train.rate} Hz and those to test {self.test.rate} Hz; "
                "expected one rate of frames"
            )

    @property
    def name(self) -> str:
        """What the signals are called."""
        return self.train.name

    @property
    def sha256(self) -> dict[str, str]:
        """The hash of the file that they came from, by its name."""
        return self.train.sha256

    @property
    def shape(self) -> tuple[int, int]:
        """Frames of the longest signal of both parts, and features of a frame (T, F)."""
        return max(self.train.longest, self.test.longest), self.train.features

    @classmethod
    def by_index(cls, signals: Signals, test: int | Iterable[int]) -> SignalSet:
        """The signals whose index (which repetition they are) is in `test` are kept to test."""
        _check(signals)
        if signals.indices is None:
            raise ValueError("the signals have no indices; give them, as in Signals(…, indices=…), or split otherwise")
        several = [*test] if isinstance(test, Iterable) and not isinstance(test, str) else [test]
        wanted = np.unique(np.array([checked_count("test", one, 0, INDEX) for one in several], int))
        if missing := [index for index in wanted.tolist() if index not in signals.indices]:
            there = f"{signals.indices.min()} to {signals.indices.max()}"
            raise ValueError(f"test holds {missing[0]!r}, and no signal has that index; there are {there}")
        return cls._of(signals, np.isin(signals.indices, wanted))

    @classmethod
    def by_group(cls, signals: Signals, test: str | Iterable[str]) -> SignalSet:
        """The signals of a group, or of several, are kept to test: a speaker who was never heard."""
        _check(signals)
        if signals.groups is None:
            raise ValueError("the signals have no groups; give them, as in Signals(…, groups=…), or split otherwise")
        wanted = [test] if isinstance(test, str) else [str(name) for name in test]
        if missing := [name for name in wanted if name not in signals.group_names]:
            raise ValueError(f"test = {missing[0]!r} is no group; there are {', '.join(signals.group_names)}")
        return cls._of(signals, np.isin(signals.groups, [signals.group_names.index(name) for name in wanted]))

    @classmethod
    def each_group(cls, signals: Signals) -> list[SignalSet]:
        """One set for each group that has a signal, with that group to test."""
        _check(signals)
        there = [] if signals.groups is None else np.unique(signals.groups).tolist()
        if len(there) < 2:
            raise ValueError(f"the signals have {len(there)} groups, expected at least two; split them otherwise")
        return [cls.by_group(signals, signals.group_names[code]) for code in there]

    @classmethod
    def stratified(cls, signals: Signals, fraction: float = 0.2, seed: int = 0) -> SignalSet:
        """A `fraction` of each class is kept to test; `seed` (0, 1, …) draws which."""
        _check(signals)
        kept, held = stratified(signals.labels, fraction, seed)
        if not held.size:
            raise ValueError("every class has a single signal, so that nothing can be held out; give more signals")
        return cls(signals.take(kept), signals.take(held))

    @classmethod
    def from_images(
        cls, images: ImageSet, by: str | None = None, frames: int | None = None, permuted: int | None = None
    ) -> SignalSet:
        """Images (H, W) as signals: their pixels from 0 to 1, line after line, cut into frames of one length.

        Args:
            images: what `lg.load_images` gives.
            by: "rows", H frames of W pixels, or "pixels", H W frames of one.
            frames: in place of `by`, into how many frames an image is cut: a divisor of H W. One frame is the image.
            permuted: the seed of a permutation of the pixels, the same for all images, drawn by
                `numpy.random.default_rng(seed).permutation(H * W)` before they are cut. None leaves them in order.

        Raises ValueError where neither or both of `by` and `frames` are given, or a number does not divide the pixels.

        >>> from llgrad.datasets.images.load import load_images
        >>> SignalSet.from_images(load_images("digits"), by="pixels", permuted=0)
        SignalSet digits: 1438 signals to train and 359 to test, of 64 frames of 1 feature, 10 classes
        """
        check_kind("images", images, ImageSet, "give what lg.load_images gives")
        known = {"name": images.name, "sha256": images.sha256}
        return cls(*(Signals.from_images(part, by, frames, permuted, **known) for part in (images.train, images.test)))

    def through(self, front: Callable[[Signals], Signals]) -> SignalSet:
        """Both parts seen through a front end, such as `LogMel()`."""
        check_kind("front", front, Callable, "give a front end, such as lg.data.LogMel()")  # type: ignore[arg-type]
        return SignalSet(front(self.train), front(self.test))

    @classmethod
    def _of(cls, signals: Signals, held: np.ndarray) -> SignalSet:
        if held.all() or not held.any():
            raise ValueError(f"{int(held.sum())} of {held.size} signals would be tested; leave some on either side")
        return cls(signals.take(~held), signals.take(held))

    def __repr__(self) -> str:
        both = np.concatenate([self.train.lengths, self.test.lengths])
        return (
            f"SignalSet {self.name}: {len(self.train)} signals to train and {len(self.test)} to test, "
            f"of {size_of(both, self.train.features)}, {len(self.train.classes)} classes"
        )


def _check(signals: Any) -> None:
    check_kind("signals", signals, Signals, "give what lg.data.read_signals gives")
