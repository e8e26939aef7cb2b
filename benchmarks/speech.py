"""Spoken digits by an array of oscillators that is trained through its dynamics, in counts.

Run:  python benchmarks/speech.py [PATH of recordings.zip] [--case indices|speakers] [--epochs 40] [--oscillators 64]

Two cases: the recordings of index 0 to 4 are tested (200 of 2000), or a speaker who was never heard, all four ways.
What is chosen is front end and random changes of the signals to train (CHOICES), by the errors on signals out of those
to train alone: a fifth of each class, or each of the speakers to train in turn, left out of training. The test signals
are seen once. Beside it a linear softmax with the same front ends, changes and validation, and its own penalty; what it
makes of the front ends without `Trimmed` stands in benchmarks/spoken_digits.py.

The list itself was drawn up on recordings of three of the speakers (two to train, the third to look at).

`--choice 1` takes the second of CHOICES, without choosing. `--validate` makes the choice, prints what each gives on
validation, and tests nothing. `--network-only` leaves the linear softmax out.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import llgrad as lg

PATH = "../shared/data/spoken-digits/recordings.zip"
GENTLE = lg.training.SignalAugmentation(warp=0.1, stretch=0.1, shift=1.0)


class Choice(NamedTuple):
    """What is chosen on validation."""

    channels: int
    segments: int
    """Frames of the array, into which the log-mel frames of a signal are averaged."""
    changes: lg.training.SignalAugmentation | None = None

    def fronts(self) -> Iterable[Any]:
        """What a recording goes through."""
        yield lg.data.LogMel(self.channels, hop=0.008, low=100.0, high=3800.0)
        yield lg.data.Trimmed(35.0, 45.0)
        yield lg.data.Normalised(variance=False)
        yield lg.data.Segments(self.segments)

    def seen(self, data: lg.data.SignalSet) -> lg.data.SignalSet:
        """What the array is given."""
        for front in self.fronts():
            data = data.through(front)
        return data

    def __str__(self) -> str:
        how = f"{self.channels} channels, {self.segments} segments"
        return how if self.changes is None else f"{how}, changed"


CHOICES = {
    "indices": tuple(Choice(channels, 16, changes) for channels in (16, 32) for changes in (None, GENTLE)),
    "speakers": tuple(Choice(16, 16, changes) for changes in (None, GENTLE)),
}
HOLD, STEPS, READ, GAIN = 0.05e-9, 2, 8, 0.3
DEVICE = lg.presets.kubota2013()
RECIPE = lg.training.Recipe(batch=50, learning_rate=5e-3, weight_decay=1e-2, label_smoothing=0.1)
PENALTIES = (100.0, 1000.0)


def trained(data: lg.data.SignalSet, choice: Choice, given: argparse.Namespace) -> Any:
    """A network that was trained on a set, and tested once on its part to test."""
    made = choice.seen(data)
    with jax.enable_x64(False):
        network = lg.OscillatorClassifier.create(
            DEVICE,
            shape=made.shape,
            classes=10,
            key=jax.random.key(given.seed),
            oscillators=given.oscillators,
            hold=HOLD,
            dt=HOLD / STEPS,
            frames=lg.networks.Frames.SIGNAL,
            frames_read=READ,
            every=choice.segments // READ,
            centre=made.train.mean,
            spread=made.train.spread,
        )
        gains = [lambda net: net.layers[0].encoder.weights, network]
        network = eqx.tree_at(*gains, replace_fn=lambda drawn: GAIN * drawn)
    recipe = RECIPE.replace(epochs=given.epochs, seed=given.seed, augmentation=choice.changes)
    return lg.training.train(network, made, recipe)


def wrong_of(result: Any) -> int:
    """Signals to test that a trained network does not recognise."""
    return result.result["test"]["count"] - result.result["test"]["correct"]


def chosen(data: lg.data.SignalSet, given: argparse.Namespace) -> Choice:
    """The choice with the fewest errors on signals out of those to train."""
    sets = lg.data.SignalSet
    parts = sets.each_group(data.train) if given.case == "speakers" else [sets.stratified(data.train, 0.2, seed=0)]
    found: dict[Choice, tuple[int, float]] = {}
    for choice in CHOICES[given.case]:
        begun = time.process_time()
        results = [trained(part, choice, given) for part in parts]
        errors, loss = [wrong_of(one) for one in results], float(np.mean([one.test.loss for one in results]))
        found[choice] = (sum(errors), loss)
        print(
            f"  {choice}: wrong {errors} of {[len(part.test) for part in parts]} of validation, loss {loss:.3f}, "
            f"{time.process_time() - begun:.0f} s of processor",
            flush=True,
        )
    return min(found, key=lambda one: found[one])


def linear(data: lg.data.SignalSet, case: str) -> Any:
    """A linear softmax with the choice, and the penalty, that are best on validation."""
    by, found = "groups" if case == "speakers" else "stratified", []
    for choice in CHOICES[case]:
        result = lg.networks.linear_softmax(choice.seen(data), PENALTIES, by=by, augmentation=choice.changes)
        found.append((result.validation[result.penalty], str(choice), result))
    return max(found, key=lambda one: one[0])


def judged(data: lg.data.SignalSet, given: argparse.Namespace) -> tuple[int, int]:
    """Choose, train and test: how many signals are wrong, and how many of the linear softmax; 0 of what is not told."""
    choice = chosen(data, given) if given.choice is None else CHOICES[given.case][given.choice]
    print(f"chosen: {choice}", flush=True)
    if given.validate:
        return 0, 0
    result = trained(data, choice, given)
    wrong = wrong_of(result)
    print(
        f"{wrong} of {len(data.test)} wrong ({result.accuracy:.2%}), {result.result['trained_numbers']} numbers, "
        f"training {result.history[-1]['accuracy']:.2%}",
        flush=True,
    )
    if given.network_only:
        return wrong, 0
    right, how, beside = linear(data, given.case)
    print(f"a linear softmax, chosen on validation ({right:.2%}): {how}: {beside!r}", flush=True)
    return wrong, beside.errors


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("path", nargs="?", default=PATH)
    parser.add_argument("--case", choices=("indices", "speakers"), default="indices")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--oscillators", type=int, default=64)
    parser.add_argument("--choice", type=int, choices=range(4))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--network-only", action="store_true")
    parser.add_argument("--tested", nargs="+", help="of the speakers, those that are tested")
    given = parser.parse_args()
    signals = lg.data.read_signals(given.path)
    if given.case == "indices":
        judged(lg.data.SignalSet.by_index(signals, range(5)), given)
        return
    wrong, tested = np.zeros(2, int), 0
    for data in lg.data.SignalSet.each_group(signals):
        name = data.test.group_names[np.asarray(data.test.groups)[0]]
        if given.tested and name not in given.tested:
            continue
        print(f"speaker {name} tested", flush=True)
        wrong += judged(data, given)
        tested += len(data.test)
    if not given.validate:
        print(f"speakers never heard: {wrong[0]} of {tested} wrong ({1 - wrong[0] / tested:.2%}); linear {wrong[1]}")


if __name__ == "__main__":
    main()
