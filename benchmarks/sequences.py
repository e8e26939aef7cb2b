"""Handwritten digits pixel by pixel: what trained oscillators, their coupling and their low damping give, in counts.

Run:  python benchmarks/sequences.py [--seeds 3] [--epochs 30] [--kinds trained GRU] [--stream]

The 1797 digits of 8×8 pixels of scikit-learn, 64 frames of one pixel, four fifths of each class to train and one to
test (the seed draws which). An array of 64 is read after every eighth pixel; the state is reset between images only.
Learning rate, weight decay and what is read were chosen on a validation part of the images to train of seed 0; the test
images are seen once by each network. Beside it, of equal size and the same frames:

    as drawn             coupling, fields and currents stay as they were drawn; encoder and read-out are trained
    without coupling     everything else trained
    damping tenfold      everything trained, with a memory ten times shorter
    tanh                 a static layer that sees all 64 pixels at once
    echo state           64 tanh units, spectral radius, gain and leak chosen on validation; read at the same frames
    GRU                  64 gated recurrent units (Equinox), read at the same frames, learning rate chosen on validation

`--stream` shows 10^6 frames to a trained network in pieces, and what memory that takes.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import pathlib
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import llgrad as lg
from benchmarks.finished import finished
from llgrad.networks.baselines import TanhNetwork, uncoupled

Part, SIGNAL = lg.networks.Part, lg.networks.Frames.SIGNAL
COUNT, EVERY = 64, 8
HOLD, STEPS = 0.05e-9, 2
DEVICE = lg.presets.kubota2013()
RECIPE = lg.training.Recipe(batch=50, learning_rate=5e-3, weight_decay=0.1, label_smoothing=0.1)
KINDS = ("trained", "as drawn", "without coupling", "damping tenfold", "tanh", "echo state", "GRU")
RATES = (2e-3, 5e-3, 1e-2)


class GatedNetwork(lg.networks.SoftmaxNetwork):
    """A gated recurrent unit cell over the frames of a signal, and a linear read-out of every eighth of its states."""

    cell: Any = None

    @classmethod
    def gated(cls, shape: tuple[int, int], classes: int, count: int, key: Any) -> GatedNetwork:
        """With random weights."""
        inside, outside = jax.random.split(key)
        width = shape[0] // EVERY * count
        weights = width**-0.5 * jax.random.normal(outside, (width, classes), jnp.float32)
        cell = eqx.nn.GRUCell(shape[1], count, key=inside)
        return cls(weights, jnp.zeros(classes, jnp.float32), cell)

    def __call__(self, images: Any, key: Any = None, first: Any = 0) -> Any:
        centred = images - 0.3

        def step(states: Any, frame: Any) -> tuple[Any, Any]:
            states = jax.vmap(self.cell)(frame, states)
            return states, states

        start = jnp.zeros((images.shape[0], self.cell.hidden_size), jnp.float32)
        states = jax.lax.scan(step, start, jnp.swapaxes(centred, 0, 1))[1][EVERY - 1 :: EVERY]
        return super().__call__(jnp.swapaxes(states, 0, 1))


def digits(seed: int) -> lg.data.SignalSet:
    """The digits as signals of 64 frames."""
    return lg.data.SignalSet.from_images(lg.load_images("digits", split=seed), by="pixels")


def network(data: lg.data.SignalSet, seed: int, kind: str = "trained") -> Any:
    """The network of a kind, before training."""
    with jax.enable_x64(False):
        if kind == "tanh":
            return TanhNetwork.create(data.shape, 10, COUNT, jax.random.key(seed), data.train.padded()[0].mean(axis=0))
        made = lg.OscillatorClassifier.create(
            DEVICE.replace(alpha=10 * DEVICE.alpha) if kind == "damping tenfold" else DEVICE,
            shape=data.shape,
            classes=10,
            key=jax.random.key(seed),
            oscillators=COUNT,
            hold=HOLD,
            dt=HOLD / STEPS,
            frames=SIGNAL,
            frames_read=data.shape[0] // EVERY,
            every=EVERY,
            centre=data.train.mean,
        )
        if kind == "as drawn":
            return dataclasses.replace(made, trained=(Part.INPUT, Part.READOUT))
        if kind == "without coupling":
            return uncoupled(made)
    return made


def errors_of(data: lg.data.SignalSet, seed: int, epochs: int, kind: str) -> tuple[int, str]:
    """(wrong of the test images, how it went)."""
    if kind == "echo state":
        return echo_state(data, seed)
    if kind == "GRU":
        return gated_units(data, seed, epochs)
    found = finished(lg.training.train(network(data, seed, kind), data, RECIPE.replace(epochs=epochs, seed=seed)))
    test, last = found.result["test"], found.history[-1]
    trained = found.result["trained_numbers"]
    return test["count"] - test["correct"], f"{trained} numbers trained, {last['accuracy']:.2%} on images to train"


def gated_units(data: lg.data.SignalSet, seed: int, epochs: int) -> tuple[int, str]:
    """The same of a GRU, its learning rate chosen on a fifth of the images to train."""
    chosen = lg.data.SignalSet.stratified(data.train, 0.2, seed)

    def trained(of: lg.data.SignalSet, rate: float) -> Any:
        with jax.enable_x64(False):
            begun = GatedNetwork.gated(data.shape, 10, COUNT, jax.random.key(seed))
        return finished(lg.training.train(begun, of, RECIPE.replace(epochs=epochs, seed=seed, learning_rate=rate)))

    rate = max(RATES, key=lambda one: trained(chosen, one).accuracy)
    found = trained(data, rate)
    test = found.result["test"]
    numbers = found.result["trained_numbers"]
    return test["count"] - test["correct"], f"{numbers} numbers trained, learning rate {rate:g}"


def echo_state(data: lg.data.SignalSet, seed: int) -> tuple[int, str]:
    """The same of an echo-state network with a softmax, its settings chosen on validation."""
    found = []
    for radius, gain, leak in itertools.product((0.9, 1.1), (0.3, 1.0), (0.3, 1.0)):
        reservoir = lg.reservoir.EchoStateNetwork(COUNT, radius=radius, gain=gain, leak=leak, washout=0, seed=seed)
        result = lg.networks.linear_softmax(data.through(states_of(reservoir)), seed=seed)
        found.append((result.validation[result.penalty], result, f"radius {radius}, gain {gain}, leak {leak}"))
    _, result, how = max(found, key=lambda one: one[0])
    return result.errors, how


def states_of(reservoir: Any) -> Callable[[lg.data.Signals], lg.data.Signals]:
    """The states of a reservoir at every eighth frame, as a front end. Signals are run together, one after the other,
    with so many frames of zero between them that nothing is left of the one before.
    """

    def seen(signals: lg.data.Signals) -> lg.data.Signals:
        values = signals.padded()[0]
        count, frames, features = values.shape
        apart = np.concatenate([np.zeros((count, 4 * frames, features)), values], axis=1)
        states = reservoir.states(apart.reshape(-1, features)).reshape(count, 5 * frames, -1)
        read = states[:, 4 * frames + EVERY - 1 :: EVERY]
        return signals.replaced(read.reshape(-1, read.shape[2]), np.full(count, read.shape[1]), None, "states")

    return seen


def compare(seeds: int, epochs: int, kinds: tuple[str, ...]) -> None:
    """Train and test the kinds, and print counts."""
    wrong: dict[str, list[int]] = {kind: [] for kind in kinds}
    tested = 0
    for seed, kind in itertools.product(range(seeds), kinds):
        data, begun = digits(seed), time.perf_counter()
        errors, how = errors_of(data, seed, epochs, kind)
        wrong[kind].append(errors)
        tested = len(data.test)
        spent = time.perf_counter() - begun
        print(
            f"seed {seed}, {kind}: {errors} of {tested} wrong ({1 - errors / tested:.2%}), {how}, {spent:.0f} s",
            flush=True,
        )
    for kind, errors in wrong.items():
        right = 100 * (1 - np.array(errors) / tested)
        print(f"{kind:18} {right.mean():.2f} ± {right.std(ddof=min(1, len(right) - 1)):.2f} %, wrong {errors}")


def show_endless(frames: int = 10**6, piece: int = 10**4) -> None:
    """A signal of many frames in pieces: time, and the most memory that the process has taken, after each tenth."""
    data = digits(0)
    endless, rng, held = network(data, 0).design(), np.random.default_rng(0), None
    begun = time.perf_counter()
    for number in range(frames // piece):
        held = lg.networks.stream(endless, rng.random((piece, 1)), held).held
        if (number + 1) % (frames // piece // 10) == 0:
            most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            done, spent = (number + 1) * piece, time.perf_counter() - begun
            print(f"{done:9,} frames, {spent:6.1f} s, at most {most:.1f} MiB", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--stream", action="store_true")
    given = parser.parse_args()
    show_endless() if given.stream else compare(given.seeds, given.epochs, tuple(given.kinds))


if __name__ == "__main__":
    main()
