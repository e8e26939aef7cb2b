"""Front ends that take frames: normalised over a signal, with their slopes, without silent ends."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import equinox as eqx
import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.arguments.numbers import checked_number
from llgrad.datasets.signals.signals import Signals

DECIBEL: Final = math.log(10) / 10
"""Of a natural logarithm of a power."""


class Normalised(eqx.Module):
    """Each feature less its mean over the signal, and over its standard deviation there: of cepstra, or of the
    logarithm of powers, what is known as cepstral mean and variance normalisation.

        y_t = z_t / max(√⟨z²⟩, floor),   z_t = x_t − a ⟨x⟩ − (1 − a) ⟨⟨x⟩⟩,   a = share,

    ⟨x⟩ over the frames of the signal, ⟨⟨x⟩⟩ over its frames and features. The mean of log powers is what microphone,
    loudness and voice multiply every frame by; in a short word it also tells the vowel, of which a share below 1 keeps
    a part, without the loudness. A signal of one frame is zero where the share is 1.

    Args:
        variance: whether to divide; False takes off the mean alone.
        floor: the least that is divided by: a feature that hardly changes is not blown up.
        share: the part of each feature's own mean that is taken off, 0 to 1; of the rest, the mean over the features.
        together: whether all features are divided by one number, √⟨⟨z²⟩⟩, which leaves their sizes in proportion.

    >>> Normalised()(Signals([[1.0, 3.0], [5.0, 5.0]], [0, 0])).padded()[0][..., 0].tolist()
    [[-1.0, 1.0], [0.0, 0.0]]
    >>> Normalised(variance=False, share=0.5)(Signals([[[1.0, 4.0], [3.0, 4.0]]], [0])).one(0).tolist()
    [[-1.5, 0.5], [0.5, 0.5]]
    """

    variance: bool = eqx.field(static=True)
    floor: float = eqx.field(static=True)
    share: float = eqx.field(static=True)
    together: bool = eqx.field(static=True)

    def __init__(self, variance: bool = True, floor: float = 1e-3, share: float = 1.0, together: bool = False):
        check_kind("variance", variance, bool, "give True or False")
        check_kind("together", together, bool, "give True or False")
        self.variance, self.together = variance, together
        self.floor = checked_number("floor", floor, low=0.0, expected="a number above 0, such as 1e-3")
        if self.floor == 0:
            raise ValueError(f"floor = {floor!r}, expected a number above 0, such as 1e-3")
        self.share = checked_number("share", share, low=0.0, expected="a part from 0 to 1")
        if self.share > 1:
            raise ValueError(f"share = {share!r}, expected a part from 0 to 1")
        if together and not variance:
            raise ValueError("together = True says by what to divide, and variance = False divides by nothing")
        if self.share < 1 and variance and not together:
            raise ValueError(
                f"share = {share!r} keeps a part of each mean, which the deviation of a feature that hardly changes "
                "would blow up; give together = True, or variance = False"
            )

    def __call__(self, signals: Signals) -> Signals:
        """The same frames, normalised."""
        return _each(signals, self._one, self)

    def _one(self, frames: np.ndarray) -> np.ndarray:
        own = frames.mean(axis=0)
        centred = frames - self.share * own - (1 - self.share) * own.mean()
        if not self.variance:
            return centred
        return centred / np.maximum(centred.std() if self.together else centred.std(axis=0), self.floor)


class Deltas(eqx.Module):
    """The features, and behind them their slopes over time, the least-squares line over 2 `width` + 1 frames:

        Δ_t = Σ_{k=1}^{K} k (x_{t+k} − x_{t−k}) / (2 Σ_{k=1}^{K} k²),   K = width,

    where the first and the last frame stand for those outside. `order` 2 adds the slopes of the slopes.

    Source: S. Young et al., The HTK Book, version 3.4, equation 5.16, recalled.

    >>> Deltas(width=1)(Signals([[0.0, 1.0, 4.0, 5.0]], [0])).one(0).tolist()
    [[0.0, 0.5], [1.0, 2.0], [4.0, 2.0], [5.0, 0.5]]
    """

    width: int = eqx.field(static=True)
    order: int = eqx.field(static=True)

    def __init__(self, width: int = 2, order: int = 1):
        self.width = checked_number("width", width, low=1, whole=True)
        self.order = checked_number("order", order, low=1, whole=True)

    def __call__(self, signals: Signals) -> Signals:
        """The signals of `order` + 1 times as many features."""
        return _each(signals, self._one, self)

    def _one(self, frames: np.ndarray) -> np.ndarray:
        found = [frames]
        for _ in range(self.order):
            found.append(self._slopes(found[-1]))
        return np.concatenate(found, axis=1)

    def _slopes(self, frames: np.ndarray) -> np.ndarray:
        count, steps = len(frames), range(1, self.width + 1)
        wide = np.pad(frames, ((self.width, self.width), (0, 0)), mode="edge")
        rises = [
            k * (wide[self.width + k : self.width + k + count] - wide[self.width - k : self.width - k + count])
            for k in steps
        ]
        return np.sum(rises, axis=0) / (2 * sum(k * k for k in steps))


class Trimmed(eqx.Module):
    """Frames of log powers without the silence before and behind: from the first to the last one whose power, the mean
    over the bands, is at most `below` [dB] under that of the loudest frame.

    What is more than `depth` [dB] under the largest feature of a signal is raised to there, so that the noise of one
    room looks like that of another.

    Args:
        below: how far a frame at an end may be under the loudest one [dB].
        depth: how far a feature may be under the largest one [dB].

    >>> quiet, loud = [-9.0, -9.0], [0.0, -2.0]
    >>> found = Trimmed(below=20.0, depth=30.0)(Signals([[quiet, loud, quiet, loud, quiet]], [0])).one(0)
    >>> [[round(float(number), 3) for number in frame] for frame in found]
    [[0.0, -2.0], [-6.908, -6.908], [0.0, -2.0]]
    """

    below: float = eqx.field(static=True)
    depth: float = eqx.field(static=True)

    def __init__(self, below: float = 35.0, depth: float = 45.0):
        self.below = checked_number("below", below, low=0.0, expected="decibels from 0, such as 35")
        self.depth = checked_number("depth", depth, low=0.0, expected="decibels from 0, such as 45")

    def __call__(self, signals: Signals) -> Signals:
        """Shorter signals of the same features."""
        return _each(signals, self._one, self)

    def _one(self, frames: np.ndarray) -> np.ndarray:
        largest = frames.max()
        raised = np.maximum(frames, largest - self.depth * DECIBEL)
        powers = np.log(np.exp(raised - largest).mean(axis=1))
        loud = np.flatnonzero(powers >= powers.max() - self.below * DECIBEL)
        return raised[loud[0] : loud[-1] + 1]


def _each(signals: Signals, one: Callable[[np.ndarray], np.ndarray], how: Any) -> Signals:
    """Signals of what each becomes alone, computed in float64."""
    _check(signals)
    pieces = [one(piece.astype(np.float64)) for piece in signals.pieces()]
    lengths = np.array([len(piece) for piece in pieces])
    return signals.replaced(np.concatenate(pieces), lengths, signals.rate, repr(how))


def _check(signals: Any) -> None:
    check_kind("signals", signals, Signals, "give signals, or data.through(front end) for a SignalSet")
