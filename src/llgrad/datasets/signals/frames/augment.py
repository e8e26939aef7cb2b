"""Signals stretched, moved, warped, masked and disturbed at random, so that a network learns what stays the same."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.arguments.numbers import checked_count
from llgrad.core.record import as_count, as_number
from llgrad.core.speed.starting import check_platform
from llgrad.datasets.samples.sequences import Sequences
from llgrad.datasets.signals.signals import Signals

DRAWN: Final = 7
"""Even numbers for each signal."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SignalAugmentation:
    """How training changes frames, anew each time that a signal is seen. Zero turns a change off.

    A frame of signal x, of T frames and F features, is looked up at another time and along another axis of features,
    between two of them linearly, and at an end where it would be outside:

        y[t, c] = x[t₀ + (t − t₀)(1 + s) − d, c (1 + w)],   t₀ = (T − 1)/2,

    with s, w and d drawn evenly within ± `stretch`, ± `warp` and ± `shift`. On bands that are ordered by frequency the
    warp is that of a longer or shorter vocal tract (vocal-tract-length perturbation). Then up to `time_mask` frames
    and up to `feature_mask` features in a row become the mean of their feature over the signal (SpecAugment), and
    normal noise of `noise` × the feature's standard deviation over the signal is added.

    Sources: N. Jaitly and G. E. Hinton, ICML workshop WDLASL (2013); D. S. Park et al., Interspeech (2019), p. 2613;
    both recalled.

    >>> SignalAugmentation(stretch=0.1, time_mask=3).feature_mask
    0
    """

    stretch: float = 0.0
    """Largest change of the duration, either way, as a part."""
    shift: float = 0.0
    """Most frames by which a signal is moved, either way."""
    warp: float = 0.0
    """Largest change of the scale of the features, either way, as a part."""
    time_mask: int = 0
    """Most frames in a row that are masked."""
    feature_mask: int = 0
    """Most features in a row that are masked."""
    noise: float = 0.0
    """Noise (1σ) over the standard deviation of a feature."""

    def __post_init__(self) -> None:
        for name, high, expected in _RANGES:
            count = name.endswith("_mask")
            value = (as_count if count else as_number)(getattr(self, name))
            object.__setattr__(self, name, value)
            kind = int if count else (int, float)
            if isinstance(value, bool) or not isinstance(value, kind) or not 0 <= value <= high:
                raise ValueError(f"{name} = {value!r}, expected {expected}")

    def __bool__(self) -> bool:
        return any(dataclasses.astuple(self))

    def __call__(self, key: Any, signals: Any, first: Any = 0) -> Any:
        """Signals (B, T, F), or `Sequences`, changed at random.

        What becomes of a signal depends on the key and its number alone, so a batch may be split over processes.
        `first` is the number of the first signal within the whole batch.
        """
        if not self:
            return signals
        if isinstance(signals, Sequences):
            return signals._replace(values=self._changed(key, signals.values, signals.lengths, first))
        values = jnp.asarray(signals)
        return self._changed(key, values, jnp.full(values.shape[0], values.shape[1], jnp.int32), first)

    def copies(self, signals: Signals, count: int = 1, seed: int = 0) -> Signals:
        """The signals, and behind them `count` changed copies of all of them, for what learns without steps.

        >>> some = Signals(np.random.default_rng(0).random((4, 6, 3)), [0, 1, 0, 1])
        >>> SignalAugmentation(noise=0.1).copies(some, 2)
        Signals: 12 of 6 frames of 3 features, 2 classes
        """
        check_platform()
        check_kind("signals", signals, Signals, "give a part of a lg.data.SignalSet")
        count, seed = checked_count("count", count, 1), checked_count("seed", seed, 0)
        taken = signals.take(np.tile(np.arange(len(signals)), count + 1))
        values, mask = signals.padded()
        with jax.enable_x64(False):
            keys = [jax.random.fold_in(jax.random.key(seed), number) for number in range(count)]
            changed = [np.asarray(self._changed(key, values, jnp.asarray(signals.lengths), 0))[mask] for key in keys]
        how = f"{count} copies by {self!r}, seed {seed}"
        return taken.replaced(np.concatenate([signals.values, *changed]), taken.lengths, taken.rate, how)

    def _changed(self, key: Any, values: Any, lengths: Any, first: Any) -> Any:
        numbers = jnp.arange(values.shape[0], dtype=jnp.uint32) + jnp.asarray(first).astype(jnp.uint32)
        keys = jax.vmap(lambda number: jax.random.fold_in(key, number))(numbers)
        return jax.vmap(self._one)(keys, values, lengths)

    def _one(self, key: Any, frames: Any, length: Any) -> Any:
        """One signal (T, F), of whose frames the first `length` count."""
        for_numbers, for_noise = jax.random.split(key)
        drawn = jax.random.uniform(for_numbers, (DRAWN,), frames.dtype)
        stretch, shift, warp = (2 * drawn[:3] - 1) * jnp.array([self.stretch, self.shift, self.warp], frames.dtype)
        rows, bands = (jnp.arange(size, dtype=frames.dtype) for size in frames.shape)
        end = (length - 1).astype(frames.dtype)
        if self.stretch or self.shift:
            frames = _between(frames, end / 2 + (rows - end / 2) * (1 + stretch) - shift, end)
        if self.warp:
            frames = _between(frames.T, bands * (1 + warp), bands[-1]).T
        if not (self.time_mask or self.feature_mask or self.noise):
            return frames
        there = (rows <= end)[:, None]
        mean = jnp.sum(frames, axis=0, where=there, keepdims=True) / (end + 1)
        square = jnp.sum(jnp.square(frames - mean), axis=0, where=there, keepdims=True)
        spread = jnp.sqrt(square / (end + 1))
        masked = _within(rows, drawn[3:5], self.time_mask, end + 1)[:, None]
        masked |= _within(bands, drawn[5:7], self.feature_mask, bands[-1] + 1)[None]
        noise = jax.random.normal(for_noise, frames.shape, frames.dtype)
        return jnp.where(masked, mean, frames) + jnp.asarray(self.noise, frames.dtype) * spread * noise


def _between(rows: Any, places: Any, end: Any) -> Any:
    """What stands at places among rows, the first `end` + 1 of which count: linear between two of them."""
    held = jnp.clip(places, 0, end)
    below = jnp.floor(held)
    above = jnp.minimum(below + 1, end).astype(jnp.int32)
    share = (held - below)[:, None]
    return (1 - share) * rows[below.astype(jnp.int32)] + share * rows[above]


def _within(places: Any, drawn: Any, most: int, count: Any) -> Any:
    """Where up to `most` of `count` places in a row are, by two even numbers: how many, and where they begin."""
    width = jnp.minimum(jnp.floor(drawn[0] * (most + 1)), count)
    begin = jnp.floor(drawn[1] * (count - width + 1))
    return (places >= begin) & (places < begin + width)


_LARGEST: Final = 1e6
_RANGES: Final = (
    ("stretch", 0.9, "a part from 0 to 0.9, such as 0.1"),
    ("shift", _LARGEST, "a number of frames from 0"),
    ("warp", 0.9, "a part from 0 to 0.9, such as 0.1"),
    ("time_mask", _LARGEST, "a whole number of frames from 0"),
    ("feature_mask", _LARGEST, "a whole number of features from 0"),
    ("noise", 10.0, "a part of the standard deviation from 0 to 10, such as 0.1"),
)
"""Name, largest value, and what to say; a number that is not finite is outside of every range."""
