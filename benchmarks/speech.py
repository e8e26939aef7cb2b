"""Spoken digits by an array of oscillators that is trained through its dynamics, in counts.

Run:  python benchmarks/speech.py [PATH of recordings.zip] [--case indices|speakers] [--epochs 20] [--oscillators 64]

The cases of benchmarks/spoken_digits.py, where a linear softmax has 6 of 200 and 1,043 of 2,000 wrong: the recordings
of index 0 to 4 are tested, or a speaker who was never heard, all four ways. Log-mel frames are averaged to segments,
which are the frames of the array, read eight times; their number, and the strength of the input at the start, are
chosen on validation: a fifth of each class, or one of the speakers to train. The test signals are seen once.

`--choice 1` takes the second of CHOICES, without choosing. `--validate` makes the choice, prints what each gives on
validation, and tests nothing.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
import time
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import llgrad as lg

PATH = "../shared/data/spoken-digits/recordings.zip"
CHANNELS = 32


class Choice(NamedTuple):
    """What is chosen on validation."""

    segments: int
    """Frames of the array, into which the log-mel frames of a signal are averaged."""
    centred: bool
    """Whether the mean of each channel over a signal is taken off."""
    gain: float
    """Input gains at the start, over the usual ones."""

    def __str__(self) -> str:
        return f"{self.segments} segments{', centred' * self.centred}, input gains × {self.gain:g}"


CHOICES = (
    *(Choice(segments, centred, 0.3) for segments in (8, 16) for centred in (False, True)),
    *(Choice(segments, False, 1.0) for segments in (8, 16)),
)
HOLD, STEPS, READ = 0.05e-9, 2, 8
DEVICE = lg.presets.kubota2013()
RECIPE = lg.training.Recipe(batch=50, learning_rate=5e-3, weight_decay=0.1, label_smoothing=0.1)


def seen(data: lg.data.SignalSet, choice: Choice) -> lg.data.SignalSet:
    """What the array is given."""
    return data.through(lg.data.LogMel(CHANNELS, centred=choice.centred)).through(lg.data.Segments(choice.segments))


def trained(data: lg.data.SignalSet, choice: Choice, oscillators: int, epochs: int, seed: int = 0) -> Any:
    """A network that was trained on a set, and tested once on its part to test."""
    with jax.enable_x64(False):
        network = lg.OscillatorClassifier.create(
            DEVICE,
            shape=data.shape,
            classes=10,
            key=jax.random.key(seed),
            oscillators=oscillators,
            hold=HOLD,
            dt=HOLD / STEPS,
            frames=lg.networks.Frames.SIGNAL,
            frames_read=READ,
            every=choice.segments // READ,
            centre=data.train.mean,
            spread=data.train.spread,
        )
        first = [lambda net: net.layers[0].encoder.weights, network]
        network = eqx.tree_at(*first, replace_fn=lambda gains: choice.gain * gains)
    return lg.training.train(network, data, RECIPE.replace(epochs=epochs, seed=seed))


def chosen(data: lg.data.SignalSet, speakers: bool, oscillators: int, epochs: int) -> Choice:
    """The front end that is best on signals out of those to train."""
    names = data.train.group_names
    there = [name for number, name in enumerate(names) if number in set(np.asarray(data.train.groups).tolist())]
    part = (
        lg.data.SignalSet.by_group(data.train, there[-1])
        if speakers
        else lg.data.SignalSet.stratified(data.train, 0.2, seed=0)
    )
    found = {}
    for choice in CHOICES:
        begun = time.perf_counter()
        result = trained(seen(part, choice), choice, oscillators, epochs)
        found[choice] = (result.accuracy, -result.test.loss)
        print(
            f"  {choice}: {result.accuracy:.2%}, loss {result.test.loss:.3f} on {len(part.test)} of validation, "
            f"{time.perf_counter() - begun:.0f} s",
            flush=True,
        )
    return max(found, key=lambda one: found[one])


def judged(data: lg.data.SignalSet, speakers: bool, given: argparse.Namespace) -> int:
    """Choose, train and test: how many signals are wrong; 0 where nothing is tested."""
    fixed = None if given.choice is None else CHOICES[given.choice]
    choice = fixed or chosen(data, speakers, given.oscillators, given.epochs)
    print(f"chosen: {choice}", flush=True)
    if given.validate:
        return 0
    begun, made = time.perf_counter(), seen(data, choice)
    result = trained(made, choice, given.oscillators, given.epochs)
    wrong = len(data.test) - result.result["test"]["correct"]
    linear = lg.networks.linear_softmax(made)
    print(
        f"{wrong} of {len(data.test)} wrong ({result.accuracy:.2%}), {result.result['trained_numbers']} numbers, "
        f"{time.perf_counter() - begun:.0f} s; a linear softmax on the same features: {linear!r}",
        flush=True,
    )
    return wrong


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("path", nargs="?", default=PATH)
    parser.add_argument("--case", choices=("indices", "speakers"), default="indices")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--oscillators", type=int, default=64)
    parser.add_argument("--choice", type=int, choices=range(len(CHOICES)))
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
