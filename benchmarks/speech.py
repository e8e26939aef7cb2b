"""Spoken digits by an array of oscillators that is trained through its dynamics, in counts.

Run:  python benchmarks/speech.py [PATH of recordings.zip] [--case indices|speakers] [--epochs 20] [--oscillators 128]

The cases of benchmarks/spoken_digits.py, where a linear softmax has 6 of 200 and 1,043 of 2,000 wrong: the recordings
of index 0 to 4 are tested, or a speaker who was never heard, all four ways. The signals to train are also heard faster
and slower. Log-mel frames are averaged to segments, which are the frames of the array; front end and damping are
chosen on validation: a fifth of each class, or one of the speakers to train. The test signals are seen once.

`--validate` makes the choice, prints what each front end gives on validation, and tests nothing.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
import time
from typing import Any

import jax
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import llgrad as lg

PATH = "../shared/data/spoken-digits/recordings.zip"
SPEEDS = (0.87, 1.0, 1.15)
CHOICES = ((32, False, 10.0), (32, True, 10.0), (32, False, 1.0))
"""Channels, whether the mean of each channel over a signal is taken off, and the damping over the device's own."""
SEGMENTS = 16
HOLD, STEPS, EVERY = 0.05e-9, 2, 2
DEVICE = lg.presets.kubota2013()
RECIPE = lg.training.Recipe(batch=50, learning_rate=5e-3, weight_decay=0.1, label_smoothing=0.1)


def at_speeds(signals: lg.data.Signals, speeds: tuple[float, ...] = SPEEDS) -> lg.data.Signals:
    """The recordings played at several speeds: voices higher and faster, or lower and slower."""
    pieces = signals.pieces()
    played = [_played(piece[:, 0], speed) for speed in speeds for piece in pieces]
    groups = None if signals.groups is None else np.tile(np.array(signals.group_names)[signals.groups], len(speeds))
    labels = np.tile(signals.labels, len(speeds))
    return lg.data.Signals(played, labels, signals.classes, groups=groups, rate=signals.rate, name=signals.name)


def _played(samples: np.ndarray, speed: float) -> np.ndarray:
    places = np.arange(0, len(samples) - 1, speed)
    return np.interp(places, np.arange(len(samples)), samples)


def seen(data: lg.data.SignalSet, front: tuple[int, bool, float]) -> lg.data.SignalSet:
    """What the array is given: the signals to train at several speeds, those to test as they are."""
    channels, centred, _ = front
    both = lg.data.SignalSet(at_speeds(data.train), data.test)
    return both.through(lg.data.LogMel(channels, centred=centred)).through(lg.data.Segments(SEGMENTS))


def trained(data: lg.data.SignalSet, damping: float, oscillators: int, epochs: int, seed: int = 0) -> Any:
    """A network that was trained on a set, and tested once on its part to test."""
    with jax.enable_x64(False):
        network = lg.OscillatorClassifier.create(
            DEVICE.replace(alpha=damping * DEVICE.alpha),
            shape=data.shape,
            classes=10,
            key=jax.random.key(seed),
            oscillators=oscillators,
            hold=HOLD,
            dt=HOLD / STEPS,
            frames=lg.networks.Frames.SIGNAL,
            frames_read=data.shape[0] // EVERY,
            every=EVERY,
            centre=data.train.mean,
            spread=data.train.spread,
        )
    return lg.training.train(network, data, RECIPE.replace(epochs=epochs, seed=seed))


def chosen(data: lg.data.SignalSet, speakers: bool, oscillators: int, epochs: int) -> tuple[int, bool, float]:
    """The front end that is best on signals out of those to train."""
    names = data.train.group_names
    there = [name for number, name in enumerate(names) if number in set(np.asarray(data.train.groups).tolist())]
    part = (
        lg.data.SignalSet.by_group(data.train, there[-1])
        if speakers
        else lg.data.SignalSet.stratified(data.train, 0.2, seed=0)
    )
    found = {}
    for front in CHOICES:
        begun = time.perf_counter()
        result = trained(seen(part, front), front[2], oscillators, epochs)
        found[front] = (result.accuracy, -result.test.loss)
        print(
            f"  {_words(front)}: {result.accuracy:.2%}, loss {result.test.loss:.3f} on {len(part.test)} of validation, "
            f"{time.perf_counter() - begun:.0f} s",
            flush=True,
        )
    return max(found, key=lambda one: found[one])


def _words(front: tuple[int, bool, float]) -> str:
    channels, centred, damping = front
    return f"{channels} channels{', centred' * centred}, damping × {damping:g}"


def judged(data: lg.data.SignalSet, speakers: bool, given: argparse.Namespace) -> int:
    """Choose, train and test: how many signals are wrong; 0 where nothing is tested."""
    front = chosen(data, speakers, given.oscillators, given.epochs)
    print(f"chosen: {_words(front)}", flush=True)
    if given.validate:
        return 0
    begun, made = time.perf_counter(), seen(data, front)
    result = trained(made, front[2], given.oscillators, given.epochs)
    wrong = len(data.test) - result.result["test"]["correct"]
    linear = lg.networks.linear_softmax(made)
    print(
        f"{wrong} of {len(data.test)} wrong ({result.accuracy:.2%}), {result.result['trained_numbers']} numbers, "
        f"{time.perf_counter() - begun:.0f} s; a linear softmax on the same features and speeds: {linear!r}",
        flush=True,
    )
    return wrong


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("path", nargs="?", default=PATH)
    parser.add_argument("--case", choices=("indices", "speakers"), default="indices")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--oscillators", type=int, default=128)
    parser.add_argument("--validate", action="store_true")
    given = parser.parse_args()
    signals = lg.data.read_signals(given.path)
    if given.case == "indices":
        judged(lg.data.SignalSet.by_index(signals, range(5)), False, given)
        return
    wrong = 0
    for data in lg.data.SignalSet.each_group(signals):
        print(f"speaker {data.test.group_names[np.asarray(data.test.groups)[0]]} tested", flush=True)
        wrong += judged(data, True, given)
    if not given.validate:
        print(f"speakers never heard, all four ways: {wrong} of {len(signals)} wrong ({1 - wrong / len(signals):.2%})")


if __name__ == "__main__":
    main()
