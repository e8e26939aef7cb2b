"""Spoken digits by an array of oscillators that is trained through its dynamics, in counts.

Run:  python benchmarks/speech.py [PATH of recordings.zip] [--case indices|speakers] [--epochs 40] [--oscillators 64]

Two cases: the recordings of index 0 to 4 are tested (200 of 2000), or a speaker who was never heard, all four ways.
What is chosen is front ends and random changes of the signals to train (CHOICES), by the errors on signals out of those
to train alone: a fifth of each class, or each of the speakers to train in turn, left out of training. Where there are
several front ends, each has an array of its own, and the arrays answer as a committee. The test signals are seen once.
Beside it linear softmaxes with the same front ends and changes and their own penalties: the best on validation, and the
committee of those of the choice; what they make of front ends without `Trimmed` stands in benchmarks/spoken_digits.py.

The list itself was drawn up by training on pairs of the four speakers and looking at the other two, so each speaker has
had a part in the lists that the other three were tested with. The last two choices of "speakers" were drawn up, in that
way, after three arrays had been tested: `--choice 5`, fixed on validation alone, is a second look at the test.

`--choice 1` takes the second of CHOICES, without choosing. `--validate` makes the choice, prints what each gives on
validation, and tests nothing. `--network-only` leaves the linear softmax out. `--keep FOLDER` keeps what each network
makes of its part to test, and reads it where it is there: another committee of the same networks trains nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import pathlib
import sys
import time
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import llgrad as lg
from benchmarks.finished import finished
from llgrad.training.evaluation import Evaluation
from llgrad.training.evaluation import judged as evaluated

PATH = "../shared/data/spoken-digits/recordings.zip"
GENTLE = lg.training.SignalAugmentation(warp=0.1, stretch=0.1, shift=1.0)
NOISY = lg.training.SignalAugmentation(warp=0.1, stretch=0.1, shift=1.0, noise=0.4)


class Front(NamedTuple):
    """What a recording goes through before an array: log-mel frames, without silent ends, normalised, averaged."""

    channels: int = 16
    window: float = 0.032
    trimmed: tuple[float, float] = (35.0, 45.0)
    """Decibels under the loudest frame, and under the largest feature."""
    normalised: lg.data.Normalised = lg.data.Normalised(variance=False)
    segments: int = 16
    """Frames of the array, into which those of a signal are averaged."""
    seed: int = 0
    """Added to that of the script, for a second array on the same front end."""

    def seen(self, data: lg.data.SignalSet) -> lg.data.SignalSet:
        """What the array is given."""
        bands = lg.data.LogMel(self.channels, self.window, hop=0.008, low=100.0, high=3800.0)
        for front in (bands, lg.data.Trimmed(*self.trimmed), self.normalised, lg.data.Segments(self.segments)):
            data = data.through(front)
        return data

    def __str__(self) -> str:
        below, depth = self.trimmed
        how = f"{self.channels} channels of {1e3 * self.window:g} ms, cut {below:g} of {depth:g} dB"
        return f"{how}, {1 - self.normalised.share:.0%} of the mean kept" + (f", seed {self.seed}" if self.seed else "")


class Choice(NamedTuple):
    """What is chosen on validation."""

    fronts: tuple[Front, ...]
    changes: lg.training.SignalAugmentation | None = None

    def __str__(self) -> str:
        return "; ".join(map(str, self.fronts)) + ("" if self.changes is None else f"; changed, {self.changes.noise:g}")


PARTLY = lg.data.Normalised(share=0.6, together=True)
CUT = tuple(
    Front(window=window, trimmed=trimmed, normalised=PARTLY)
    for window, trimmed in ((0.016, (20.0, 40.0)), (0.02, (18.0, 35.0)), (0.016, (18.0, 40.0)))
)
WIDE = Front(20, 0.025, (22.0, 45.0), lg.data.Normalised(share=0.8, together=True))
CHOICES = {
    "indices": (
        *(Choice((Front(channels),), changes) for channels in (16, 32) for changes in (None, GENTLE)),
        Choice(CUT, GENTLE),
        Choice(CUT, NOISY),
    ),
    "speakers": (
        *(Choice((Front(),), changes) for changes in (None, GENTLE)),
        *(Choice(fronts, NOISY) for fronts in (CUT[:1], CUT, (*CUT, WIDE), (*CUT, WIDE, CUT[0]._replace(seed=1)))),
    ),
}


class Member(NamedTuple):
    """A network of a committee, as it is kept."""

    test: Evaluation
    numbers: int
    """How many were trained."""
    training: float
    """Part of the signals to train that it recognises in its last epoch."""


HOLD, STEPS, READ, GAIN = 0.05e-9, 2, 8, 0.3
DEVICE = lg.presets.kubota2013()
RECIPE = lg.training.Recipe(batch=50, learning_rate=5e-3, weight_decay=1e-2, label_smoothing=0.1)
PENALTIES = (100.0, 1000.0)


def trained(data: lg.data.SignalSet, choice: Choice, given: argparse.Namespace) -> tuple[Evaluation, list[Member]]:
    """What the networks of a choice, one for each front end, make of the part to test together; and each of them."""
    members = [member(front.seen(data), choice.changes, given, front.seed) for front in choice.fronts]
    return lg.training.committee(one.test for one in members), members


def member(made: lg.data.SignalSet, changes: Any, given: argparse.Namespace, seed: int) -> Member:
    """A network that was trained on what a front end made, or what was kept of it."""
    if given.keep is None:
        return member_of(trained_on(made, changes, given, seed))
    given.keep.mkdir(parents=True, exist_ok=True)
    settings = (HOLD, STEPS, READ, GAIN, RECIPE, changes, given.epochs, given.oscillators, given.seed + seed)
    parts = [np.asarray(one) for part in (made.train, made.test) for one in (part.values, part.lengths, part.labels)]
    content = repr(settings).encode() + b"".join(one.tobytes() for one in parts)
    file = given.keep / f"{hashlib.sha256(content).hexdigest()[:16]}.npz"
    if not file.is_file():
        found = member_of(trained_on(made, changes, given, seed))
        logits, labels = found.test.logits, found.test.labels
        np.savez(file, logits=logits, labels=labels, numbers=found.numbers, training=found.training)
    with np.load(file) as kept:
        test = evaluated(kept["logits"], kept["labels"])._replace(kind="signals")
        return Member(test, int(kept["numbers"]), float(kept["training"]))


def member_of(run: Any) -> Member:
    """What is kept of a run."""
    return Member(run.test, run.result["trained_numbers"], run.history[-1]["accuracy"])


def trained_on(made: lg.data.SignalSet, changes: Any, given: argparse.Namespace, seed: int) -> Any:
    """A network that was trained on what a front end made, and tested once on its part to test."""
    with jax.enable_x64(False):
        network = lg.OscillatorClassifier.create(
            DEVICE,
            shape=made.shape,
            classes=10,
            key=jax.random.key(given.seed + seed),
            oscillators=given.oscillators,
            hold=HOLD,
            dt=HOLD / STEPS,
            frames=lg.networks.Frames.SIGNAL,
            frames_read=READ,
            every=made.shape[0] // READ,
            centre=made.train.mean,
            spread=made.train.spread,
        )
        gains = [lambda net: net.layers[0].encoder.weights, network]
        network = eqx.tree_at(*gains, replace_fn=lambda drawn: GAIN * drawn)
    recipe = RECIPE.replace(epochs=given.epochs, seed=given.seed + seed, augmentation=changes)
    return finished(lg.training.train(network, made, recipe))


def wrong_of(found: Any) -> int:
    """Signals that are not recognised."""
    return found.to_json()["count"] - found.to_json()["correct"]


def chosen(data: lg.data.SignalSet, given: argparse.Namespace) -> Choice:
    """The choice with the fewest errors on signals out of those to train."""
    sets = lg.data.SignalSet
    parts = sets.each_group(data.train) if given.case == "speakers" else [sets.stratified(data.train, 0.2, seed=0)]
    found: dict[Choice, tuple[int, float]] = {}
    for choice in CHOICES[given.case]:
        begun = time.process_time()
        results = [trained(part, choice, given)[0] for part in parts]
        errors, loss = [wrong_of(one) for one in results], float(np.mean([one.loss for one in results]))
        found[choice] = (sum(errors), loss)
        print(
            f"  {choice}: wrong {errors} of {[len(part.test) for part in parts]} of validation, loss {loss:.3f}, "
            f"{time.process_time() - begun:.0f} s of processor",
            flush=True,
        )
    return min(found, key=lambda one: found[one])


def linear(data: lg.data.SignalSet, choice: Choice, case: str) -> tuple[int, int]:
    """Errors of the linear softmax that is best on validation, over all front ends and changes, and of the committee of
    those with the front ends of a choice.
    """
    by, found = "groups" if case == "speakers" else "stratified", {}
    for one in CHOICES[case]:
        for front in seedless(one):
            if (front, one.changes) not in found:
                result = lg.networks.linear_softmax(front.seen(data), PENALTIES, by=by, augmentation=one.changes)
                found[front, one.changes] = result
    best = max(found, key=lambda one: found[one].validation[found[one].penalty])
    logits = np.mean([found[front, choice.changes].logits for front in seedless(choice)], axis=0)
    together = int((logits.argmax(axis=1) != np.asarray(data.test.labels)).sum())
    print(f"a linear softmax, chosen on validation: {Choice(best[:1], best[1])}: {found[best]!r}")
    print(f"the linear softmaxes of the choice together: {together} wrong", flush=True)
    return found[best].errors, together


def seedless(choice: Choice) -> list[Front]:
    """The front ends of a choice, each once: a linear softmax has one minimum, whatever the seed."""
    return list(dict.fromkeys(front._replace(seed=0) for front in choice.fronts))


def judged(data: lg.data.SignalSet, given: argparse.Namespace) -> tuple[int, int, int]:
    """Choose, train and test: signals that are wrong, and those of the linear softmaxes; 0 of what is not told."""
    choice = chosen(data, given) if given.choice is None else CHOICES[given.case][given.choice]
    print(f"chosen: {choice}", flush=True)
    if given.validate:
        return 0, 0, 0
    result, members = trained(data, choice, given)
    wrong, alone = wrong_of(result), [wrong_of(one.test) for one in members]
    print(
        f"{wrong} of {len(data.test)} wrong ({result.accuracy:.2%}; each alone {alone}), "
        f"{sum(one.numbers for one in members)} numbers, "
        f"training {min(one.training for one in members):.2%}",
        flush=True,
    )
    return wrong, *((0, 0) if given.network_only else linear(data, choice, given.case))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("path", nargs="?", default=PATH)
    parser.add_argument("--case", choices=("indices", "speakers"), default="indices")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--oscillators", type=int, default=64)
    parser.add_argument("--choice", type=int, choices=range(6))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--network-only", action="store_true")
    parser.add_argument("--keep", type=pathlib.Path, help="folder of what each network makes of its part to test")
    parser.add_argument("--tested", nargs="+", help="of the speakers, those that are tested")
    given = parser.parse_args()
    signals = lg.data.read_signals(given.path)
    if given.case == "indices":
        judged(lg.data.SignalSet.by_index(signals, range(5)), given)
        return
    wrong, tested = np.zeros(3, int), 0
    for data in lg.data.SignalSet.each_group(signals):
        name = data.test.group_names[np.asarray(data.test.groups)[0]]
        if given.tested and name not in given.tested:
            continue
        print(f"speaker {name} tested", flush=True)
        wrong += judged(data, given)
        tested += len(data.test)
    if not given.validate:
        print(
            f"speakers never heard: {wrong[0]} of {tested} wrong ({1 - wrong[0] / tested:.2%}); linear {wrong[1]}, "
            f"linear committee {wrong[2]}"
        )


if __name__ == "__main__":
    main()
