"""Front ends of signals, and the linear classifier beside them."""

import numpy as np
import pytest

from llgrad.datasets.signals.frames.augment import SignalAugmentation
from llgrad.datasets.signals.fronts import LogMel, RawSamples, Segments
from llgrad.datasets.signals.sets import SignalSet
from llgrad.datasets.signals.signals import Signals
from llgrad.networks.linear import linear_softmax

N = np.arange(600)
CHIRP = np.sin(0.02 * N + 1e-4 * N**2) * 0.5
# np.log(np.maximum(librosa.feature.melspectrogram(y=CHIRP, sr=8000, n_fft=256, hop_length=128, win_length=256,
#     window="hann", center=False, power=2, n_mels=3, fmin=0, fmax=4000, htk=True, norm=None), 1e-6)), librosa 0.11.0
LIBROSA = [[5.343433, 5.787781, 6.094826], [-12.118932, -12.812106, -13.106932], [-13.815511] * 3]
RAGGED = Signals([CHIRP[:400], CHIRP[:100], CHIRP], [0, 1, 1], rate=8e3)


def test_log_mel_gives_the_numbers_of_librosa():
    found = LogMel(channels=3)(Signals([CHIRP[:400], CHIRP], [0, 0], rate=8e3))
    assert pytest.approx(np.array(LIBROSA), abs=1e-5) == found.one(1).T  # the signal is rounded to float32
    assert found.one(0) == pytest.approx(found.one(1)[:2], abs=1e-6) and found.rate == 62.5


@pytest.mark.parametrize("channels", [1, 16, 40, 64, 128])
def test_every_band_holds_a_point_and_bands_add_to_one(channels):
    weights = LogMel(channels).weights(8e3)
    assert weights.shape[0] == channels and (weights.sum(axis=1) > 0).all() and weights.max() <= 1
    first, last = weights[0].argmax(), weights[-1].argmax()
    if channels > 1:  # between the first and the last top, two triangles overlap to one
        assert weights.sum(axis=0)[first : last + 1][1:-1] == pytest.approx(1.0)


def test_a_short_signal_is_followed_by_zeros_and_loudness_can_go():
    front = LogMel(16, centred=True)
    found = front(RAGGED)
    assert found.lengths.tolist() == [2, 1, 3] and found.labels.tolist() == [0, 1, 1]
    assert [np.abs(piece.mean(axis=0)).max() for piece in found.pieces()] == pytest.approx([0, 0, 0], abs=1e-5)
    padded = Signals([np.append(CHIRP[:100], np.zeros(156))], [0], rate=8e3)
    assert np.array_equal(LogMel(16)(RAGGED).one(1), LogMel(16)(padded).one(0))
    steady = LogMel(16, floor=1e-30)
    assert steady(Signals([2 * CHIRP], [0], rate=8e3)).values - steady(RAGGED).one(2) == pytest.approx(
        np.log(4), abs=1e-3
    )
    assert "centred=True" in found.made[-1]


@pytest.mark.parametrize(("width", "hold"), [(1, 1), (3, 1), (7, 2), (200, 1)])
def test_raw_samples(width, hold):
    found = RawSamples(width, hold)(RAGGED)
    for made, given in zip(found.pieces(), RAGGED.pieces(), strict=True):
        frames = max(1, len(given) // width)
        expected = np.append(given, np.zeros(width))[: frames * width].reshape(frames, width)
        assert np.array_equal(made, np.repeat(expected, hold, axis=0))
    assert found.rate == 8e3 * hold / width


@pytest.mark.parametrize("count", [1, 3, 8])
def test_segments_keep_the_mean(count):
    found = Segments(count)(RAGGED)
    assert found.lengths.tolist() == [count] * 3 and found.rate is None
    for made, given in zip(found.pieces(), RAGGED.pieces(), strict=True):
        assert made.mean() == pytest.approx(given.mean(), abs=1e-6)
    fine = Signals([np.repeat([1.0, 2.0, 4.0], 8)], [0])
    assert Segments(3)(fine).one(0)[:, 0].tolist() == [1, 2, 4]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: LogMel(0), "channels = 0, expected a whole number of at least 1"),
        (lambda: LogMel(window=0), "window = 0, expected seconds below 10, such as 0.032"),
        (lambda: LogMel(hop="x"), "hop = 'x', expected seconds"),
        (lambda: LogMel(window=25), r"window = 25, expected seconds below 10, such as 0.032 \(32 ms\)"),
        (lambda: LogMel(hop=10), r"hop = 10, expected seconds below 10, such as 0.016 \(16 ms\)"),
        (lambda: LogMel(floor=-1), "floor = -1, expected a power"),
        (lambda: LogMel(centred=1), "centred is an int, expected a bool"),
        (lambda: LogMel(high=5e3)(RAGGED), "from 0 to 5000 Hz, expected low < high ≤ 4000 Hz, half the rate"),
        (lambda: LogMel(hop=1e-6)(RAGGED), "are 256 and 0 samples at 8000 Hz, expected at least 2 and 1"),
        (lambda: LogMel(40000)(RAGGED), "channels = 40000 in windows of 0.032 s need more than 65536 points; give"),
        (lambda: LogMel()(Signals([CHIRP], [0])), "the signals have no rate, which LogMel needs; give it"),
        (lambda: LogMel()(LogMel()(RAGGED)), "the frames have 32 features, expected one for LogMel"),
        (lambda: LogMel()(CHIRP), "signals is a ndarray, expected a Signals"),
        (lambda: RawSamples(hold=0), "hold = 0, expected a whole number of at least 1"),
        (lambda: Segments(2.5), "count = 2.5, expected a whole number"),
    ],
)
def test_front_ends_that_cannot_be(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def tones(groups=None):
    """Two classes that differ in pitch, of different lengths."""
    rng = np.random.default_rng(0)
    lengths, labels = rng.integers(300, 600, 40), np.arange(40) % 2
    heard = [np.sin((0.3 + 0.4 * c) * np.arange(n)) + rng.normal(size=n) for n, c in zip(lengths, labels, strict=True)]
    return Signals(heard, labels, groups=groups, rate=8e3)


@pytest.mark.parametrize("by", ["stratified", "groups"])
def test_a_linear_softmax_learns_what_is_linear(by):
    data = SignalSet.stratified(tones([*"aabb"] * 10), 0.25).through(LogMel(16)).through(Segments(2))
    found = linear_softmax(data, penalties=(1.0, 100.0), by=by)
    assert found.errors == 0 and found.tested == 10 and found.accuracy == 1.0
    assert found.predictions.tolist() == data.test.labels.tolist() and found.penalty == 100.0
    assert np.exp(found.logits).sum(axis=1) == pytest.approx(1.0)
    assert found.logits.argmax(axis=1).tolist() == found.predictions.tolist()
    assert repr(found) == "LinearSoftmax: 0 of 10 wrong (100.00% right), λ = 100 with 100.00% on validation"


def test_a_linear_softmax_learns_from_changed_copies_too():
    data = SignalSet.stratified(tones(), 0.25).through(LogMel(16))
    changes = SignalAugmentation(warp=0.05, time_mask=2)
    found = linear_softmax(data, (10.0,), augmentation=changes, copies=2, front=Segments(2))
    assert found.errors == 0 and found.predictions.tolist() == data.test.labels.tolist()
    nothing = linear_softmax(data, (10.0,), augmentation=SignalAugmentation(), copies=2, front=Segments(2))
    assert nothing.validation == linear_softmax(data.through(Segments(2)), (10.0,)).validation


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({}, r"frames, expected one number for a linear softmax; cut them into equal numbers, as by data.through\(Se"),
        ({"by": "speakers"}, "by = 'speakers', expected 'stratified' or 'groups'"),
        ({"by": "groups"}, "the signals have 0 groups, expected at least two"),
        ({"penalties": [0.0]}, r"penalties = \[0.0\], expected positive numbers"),
    ],
)
def test_a_linear_softmax_that_cannot_be(how, sentence):
    with pytest.raises(ValueError, match=sentence):
        linear_softmax(SignalSet.stratified(tones()), **how)
