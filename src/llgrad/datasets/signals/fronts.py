"""Front ends: what a network is given of a signal. Each is a frozen value that makes signals of signals."""

from __future__ import annotations

import math
from typing import Any, Final

import equinox as eqx
import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.arguments.numbers import checked_number
from llgrad.datasets.signals.signals import Signals

AT_ONCE: Final = 4096
"""Windows that are transformed together."""
LONGEST: Final = 10.0
"""Windows and hops are shorter [s]: longer ones were meant in milliseconds."""
MOST_POINTS: Final = 65536
"""Of a Fourier transform, where bands are narrower than the window resolves."""


class LogMel(eqx.Module):
    """The logarithm of the power in bands that are evenly spaced on the HTK mel scale, frame after frame.

    A signal x of one feature is cut into windows of W = `window` × rate samples, one every `hop` × rate, without
    padding: what is left at the end of a signal is dropped, and a signal shorter than one window is followed by zeros.
    With Hann's w[n] = sin²(π n / W), and K points, a power of two, at least W and twice `channels`,

        P[k] = |Σ_n w[n] x[n] exp(−2πi k n / K)|²,
        E_c = Σ_k max(0, min((f_k − a_{c−1}) / (a_c − a_{c−1}), (a_{c+1} − f_k) / (a_{c+1} − a_c))) P[k],
        feature c = ln max(E_c, floor),

    where f_k = k rate / K, and the edges a_0 … a_{channels+1} are evenly spaced from `low` to `high` in
    mel(f) = 2595 log₁₀(1 + f / 700 Hz). Triangles have the height 1. K is doubled until every band holds a point.

    Source: the mel scale and the triangles are those of HTK (S. Young et al., The HTK Book, version 3.4, section 5.6,
    recalled); the numbers are those of librosa 0.11.0, `librosa.feature.melspectrogram(center=False, htk=True,
    norm=None, power=2)`, and not those of its default, Slaney's scale with triangles of equal area.

    Args:
        channels: bands, and features of a frame; 16 to 64 are usual.
        window: length of a window [s].
        hop: from one window to the next [s].
        low: lower end of the lowest band [Hz].
        high: upper end of the highest band [Hz]; half the rate if None.
        floor: least power in a band. 1e-6 is 96 dB below a sine of full scale in 256 samples.
        centred: whether the mean of each channel over each signal is subtracted: loudness and the colour of the
            microphone and of the voice go with it.

    Raises ValueError for numbers outside their range; when called, for signals without a rate or of several features,
    and bands above half the rate.

    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(4000) / 8000)
    >>> seen = LogMel(channels=16)(Signals([tone], [0], rate=8e3))
    >>> seen
    Signals: 1 of 30 frames of 16 features, 1 classes, 62.5 Hz
    >>> int(seen.one(0)[0].argmax())
    7
    """

    channels: int = eqx.field(static=True)
    window: float = eqx.field(static=True)
    hop: float = eqx.field(static=True)
    low: float = eqx.field(static=True)
    high: float | None = eqx.field(static=True)
    floor: float = eqx.field(static=True)
    centred: bool = eqx.field(static=True)

    def __init__(
        self,
        channels: int = 32,
        window: float = 0.032,
        hop: float = 0.016,
        low: float = 0.0,
        high: float | None = None,
        floor: float = 1e-6,
        centred: bool = False,
    ):
        self.channels = checked_number("channels", channels, low=1, whole=True)
        self.window = _positive("window", window, "seconds below 10, such as 0.032 (32 ms)", LONGEST)
        self.hop = _positive("hop", hop, "seconds below 10, such as 0.016 (16 ms)", LONGEST)
        self.low = checked_number("low", low, low=0.0)
        self.high = None if high is None else _positive("high", high, "hertz, or None for half the rate")
        self.floor = _positive("floor", floor, "a power, such as 1e-6")
        check_kind("centred", centred, bool, "give True or False")
        self.centred = centred

    def __call__(self, signals: Signals) -> Signals:
        """The signals of `channels` features, one frame every `hop`."""
        rate = _samples(signals, "LogMel")
        width, hop = round(self.window * rate), round(self.hop * rate)
        if width < 2 or hop < 1:
            raise ValueError(
                f"window = {self.window:g} s and hop = {self.hop:g} s are {width} and {hop} samples at {rate:g} Hz, "
                "expected at least 2 and 1; give longer ones"
            )
        weights = self.weights(rate)
        lengths = 1 + (np.maximum(signals.lengths, width) - width) // hop
        features = np.log(np.maximum(_powers(signals, lengths, width, hop, weights), self.floor))
        if self.centred:
            starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
            features -= np.repeat(np.add.reduceat(features, starts) / lengths[:, None], lengths, axis=0)
        return signals.replaced(features, lengths, rate / hop, repr(self))

    def weights(self, rate: float) -> np.ndarray:
        """The triangles (channels, K/2 + 1) for signals of a rate [Hz]. Raises ValueError for bands above its half."""
        high = rate / 2 if self.high is None else self.high
        if not self.low < high <= rate / 2:
            raise ValueError(
                f"the bands go from {self.low:g} to {high:g} Hz, expected low < high ≤ {rate / 2:g} Hz, half the rate"
            )
        ends = 2595 * np.log10(1 + np.array([self.low, high]) / 700)
        edges = 700 * (10 ** (np.linspace(ends[0], ends[1], self.channels + 2) / 2595) - 1)
        points = 1 << (max(round(self.window * rate), 2 * self.channels) - 1).bit_length()
        while points <= MOST_POINTS:
            places = np.arange(points // 2 + 1) * rate / points
            rising = (places - edges[:-2, None]) / np.diff(edges)[:-1, None]
            falling = (edges[2:, None] - places) / np.diff(edges)[1:, None]
            weights = np.maximum(0.0, np.minimum(rising, falling))
            if (weights.sum(axis=1) > 0).all():
                return weights
            points *= 2
        raise ValueError(
            f"channels = {self.channels} in windows of {self.window:g} s need more than "
            f"{MOST_POINTS} points; give fewer, or a shorter window"
        )


class RawSamples(eqx.Module):
    """The samples themselves: frames of `width` features, each given `hold` times, as a bench holds what it plays.

    What is left at the end of a signal is dropped, and a signal shorter than `width` is followed by zeros.

    Args:
        width: frames that become one, whose features stand one behind the other.
        hold: how often each is given.

    >>> RawSamples(width=2, hold=2)(Signals([[1.0, 2.0, 3.0, 4.0, 5.0]], [0])).one(0).tolist()
    [[1.0, 2.0], [1.0, 2.0], [3.0, 4.0], [3.0, 4.0]]
    """

    width: int = eqx.field(static=True)
    hold: int = eqx.field(static=True)

    def __init__(self, width: int = 1, hold: int = 1):
        self.width = checked_number("width", width, low=1, whole=True)
        self.hold = checked_number("hold", hold, low=1, whole=True)

    def __call__(self, signals: Signals) -> Signals:
        """The signals of `width` times as many features."""
        _check(signals)
        counts = np.maximum(1, signals.lengths // self.width)
        values = np.zeros((int(counts.sum()) * self.width, signals.features), np.float32)
        offset = np.arange(values.shape[0]) - np.repeat((np.cumsum(counts) - counts) * self.width, counts * self.width)
        there = offset < np.repeat(signals.lengths, counts * self.width)
        values[there] = signals.values[(np.repeat(signals.starts, counts * self.width) + offset)[there]]
        frames = np.repeat(values.reshape(-1, self.width * signals.features), self.hold, axis=0)
        rate = None if signals.rate is None else signals.rate * self.hold / self.width
        return signals.replaced(frames, counts * self.hold, rate, repr(self))


class Segments(eqx.Module):
    """Each signal cut into `count` parts of equal length, and the mean of each: signals of one number of frames.

    A frame that lies across a border counts for both sides, by its shares. The frames have no rate any more.

    >>> Segments(2)(Signals([[0.0, 3.0, 6.0], [2.0]], [0, 0])).padded()[0][..., 0].tolist()
    [[1.0, 5.0], [2.0, 2.0]]
    """

    count: int = eqx.field(static=True)

    def __init__(self, count: int = 8):
        self.count = checked_number("count", count, low=1, whole=True)

    def __call__(self, signals: Signals) -> Signals:
        """The signals of `count` frames each."""
        _check(signals)
        summed = np.concatenate([np.zeros((1, signals.features)), np.cumsum(signals.values, axis=0, dtype=np.float64)])
        borders = np.arange(self.count + 1) / self.count * signals.lengths[:, None]
        whole = np.minimum(borders.astype(np.int64), signals.lengths[:, None] - 1)
        places = signals.starts[:, None] + whole
        below = summed[places] + (borders - whole)[..., None] * signals.values[places]
        means = np.diff(below, axis=1) * (self.count / signals.lengths)[:, None, None]
        return signals.replaced(
            means.reshape(-1, signals.features), np.full(len(signals), self.count), None, repr(self)
        )


def _powers(signals: Signals, lengths: np.ndarray, width: int, hop: int, weights: np.ndarray) -> np.ndarray:
    """The power in each band of every window of all signals (windows, channels)."""
    shape = np.sin(np.pi * np.arange(width) / width) ** 2
    first = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    left = np.repeat(signals.lengths, lengths) - first * hop
    starts = np.repeat(signals.starts, lengths) + first * hop
    samples, found = np.append(signals.values[:, 0], np.zeros(width, np.float32)), np.empty((starts.size, len(weights)))
    for some in range(0, starts.size, AT_ONCE):
        part = slice(some, some + AT_ONCE)
        there = np.arange(width) < left[part, None]
        windows = np.where(there, samples[starts[part, None] + np.arange(width)], 0) * shape
        spectrum = np.fft.rfft(windows, 2 * (weights.shape[1] - 1), axis=1)
        found[part] = np.square(np.abs(spectrum)) @ weights.T
    return found


def _samples(signals: Any, who: str) -> float:
    """The rate of signals that are samples of one feature."""
    _check(signals)
    if signals.features != 1:
        raise ValueError(f"the frames have {signals.features} features, expected one for {who}: samples of a recording")
    if signals.rate is None:
        raise ValueError(f"the signals have no rate, which {who} needs; give it, as in read_signals(…, rate=8000)")
    return signals.rate


def _check(signals: Any) -> None:
    check_kind("signals", signals, Signals, "give signals, or data.through(front end) for a SignalSet")


def _positive(name: str, value: Any, expected: str, below: float = math.inf) -> float:
    number = checked_number(name, value, expected=expected)
    if not 0 < number < below:
        raise ValueError(f"{name} = {value!r}, expected {expected}")
    return number
