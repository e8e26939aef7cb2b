"""MNIST as one signal of 784 numbers, in order and permuted: an array of 128 that sees a single pixel at a time.

Run:  python benchmarks/images_by_pixels.py [--order pixels] [--kind trained] [--data ../shared/data] [--runs runs]

A pixel is held for 50 ps, one step of RK4; the array is read after every 28th pixel (28 times), and reset between
images only. The permutation is that of `numpy.random.default_rng(0)`, the same for all images.

As drawn, the array of the preset is chaotic over so many frames (`pixels.py --rounding`). So the damping is 0.03, the
current zero, the coupling weak, and an image begins with all magnetisations along z: what came in is forgotten within
some 80 frames. Fields are drawn from -30 to 60 mT (permuted: 120 mT), for one turn in 60 pixels up to one in seven (in
four), by which the 28 read-outs tell most of what the pixels were.

The read-out is a ridge regression, its penalty chosen on a tenth of the training images. It begins with that of 10,000
images. While it stays, input, coupling, fields and currents are trained by gradient on the first 20,000 of them,
each seen once; the gradient goes back 112 frames at most. In the end the read-out is fitted anew to all 60,000, as that
of the array as drawn is. All of this was chosen on training images.

Told are, each on all test images, once: the array as drawn with its read-out fitted; the network after its last step,
with the read-out that it began with; the same with its read-out fitted. A linear softmax on the same pixels, which no
permutation changes, is `images.py --case softmax`. With --runs a training that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import pathlib
import sys
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import llgrad as lg
from benchmarks.finished import finished
from llgrad.networks.bench.response import respond

Part = lg.networks.Part
COUNT, EVERY = 128, 28
HOLD = 0.05e-9
DEVICE = lg.presets.kubota2013().replace(alpha=0.03)
LIMITS = lg.networks.Limits(input=0.1, coupling=0.005, field=(-0.06, 0.15), current=(-2e-3, 2e-3))
FIELDS = {"pixels": (-0.03, 0.06), "permuted": (-0.03, 0.12)}
GAIN, COUPLING, COUPLING_UNIT = 10e-3, 44e-6, 0.4e-3
"""Standard deviations of the input fields [T] per unit of a pixel, and of the coupling fields [T] per unit emitted; and
the unit in which the latter are trained."""
RECIPE = lg.training.Recipe(
    epochs=1, batch=50, learning_rate=2e-3, weight_decay=0.0, schedule=lg.training.CosineSchedule(warmup=0.1)
)
ORDERS = {"pixels": None, "permuted": 0}
"""The seed of the permutation of each order."""
BARS = {"pixels": 0.96, "permuted": 0.92}
AS_DRAWN, TRAINED = "array as drawn, read-out fitted", "array trained by gradient, read-out fitted"
PARTS = (Part.INPUT, Part.COUPLING, Part.FIELD, Part.CURRENT)
KINDS = ("drawn", "trained")
FITTED, SHOWN, CHUNK = 10_000, 20_000, 2_000
"""Training images from which the read-out begins, that the gradient sees, and that are run together."""
PENALTIES = (0.001, 0.003, 0.01, 0.03, 0.1)
SHARPNESS = 8.0
"""What answers of the ridge regression, of targets 0 and 1, are multiplied by to be logits."""


def drawn(data: lg.data.SignalSet, order: str, seed: int) -> Any:
    """The network before training, its read-out of no meaning yet."""
    with jax.enable_x64(False):
        network = lg.OscillatorClassifier.create(
            DEVICE,
            shape=data.shape,
            classes=10,
            key=jax.random.key(seed),
            oscillators=COUNT,
            hold=HOLD,
            dt=HOLD,
            frames=lg.networks.Frames.SIGNAL,
            frames_read=data.shape[0] // EVERY,
            every=EVERY,
            truncate=4 * EVERY,
            centre=data.train.mean,
            limits=LIMITS,
            coupling_unit=COUPLING_UNIT,
            trained=PARTS,
            start=(0.0, 0.0, 1.0),
        )
        (layer,) = network.layers
        encoder: Any = layer.encoder
        gains, coupling = encoder.weights, layer.coupling
        gains = gains * (GAIN / layer.scales.input / jnp.std(gains))
        fields = np.random.default_rng(seed).uniform(*FIELDS[order], COUNT)
        layer = layer.replace(
            encoder=dataclasses.replace(encoder, weights=gains),
            coupling=coupling * (COUPLING / layer.scales.coupling / jnp.std(coupling)),
            field=unbounded(fields, *layer.bounds[0]),
            current=jnp.zeros(COUNT, jnp.float32),
        )
        return dataclasses.replace(network, layers=(layer,))


def unbounded(values: Any, low: float, high: float) -> Any:
    """What is trained of settings between two limits: u of low + (high − low)/(1 + e^{−u})."""
    part = (np.asarray(values) - low) / (high - low)
    return jnp.asarray(np.log(part / (1 - part)), jnp.float32)


def fitted(network: Any, signals: lg.data.Signals, count: int) -> tuple[Any, str]:
    """(the network with a ridge regression of its states in the first `count` signals as its read-out, how it went):

        minimise Σ |y − 0.1 − z W|² + λ n |W|²,   y = 1 at the class and else 0,

    over z, the n numbers read, each less its mean and divided by its spread in the first signals. λ is the best of
    `PENALTIES` on the last tenth of them, which is learned from after that.
    """
    from scipy.linalg import solve

    later, labels = range(count - count // 10, count), signals.labels
    with jax.enable_x64(False):
        first = states_of(network, signals, range(min(CHUNK, later.start)))
        mean, spread = first.mean(axis=0), first.std(axis=0) + np.float32(1e-3)
        size = len(mean)
        products, wanted = np.zeros((size, size), np.float32), np.zeros((size, 10), np.float32)

        def solved(penalty: float) -> np.ndarray:
            shifted = products + np.float32(penalty * size) * np.eye(size, dtype=np.float32)
            return solve(shifted, wanted, overwrite_a=True, assume_a="pos")

        def add(seen: np.ndarray, of: np.ndarray) -> None:
            nonlocal products, wanted
            products += seen.T @ seen
            wanted += seen.T @ (np.eye(10, dtype=np.float32)[of] - np.float32(0.1))

        for start in range(0, later.start, CHUNK):
            part = range(start, min(start + CHUNK, later.start))
            add((states_of(network, signals, part) - mean) / spread, labels[part.start : part.stop])
        held = (states_of(network, signals, later) - mean) / spread
        right = {
            penalty: float(((held @ solved(penalty)).argmax(axis=1) == labels[later.start : count]).mean())
            for penalty in PENALTIES
        }
        best = max(PENALTIES, key=lambda penalty: right[penalty])
        add(held, labels[later.start : count])
        weights = SHARPNESS * solved(best) / spread[:, None]
        readout = dataclasses.replace(network.readout, weights=jnp.asarray(weights), bias=jnp.asarray(-mean @ weights))
    told = ", ".join(f"{penalty:g}: {part:.2%}" for penalty, part in right.items())
    return dataclasses.replace(network, readout=readout), f"λ of {count} images by validation: {told}"


def states_of(network: Any, signals: lg.data.Signals, index: range, batch: int = 100) -> np.ndarray:
    """What the read-out sees of signals, (n, read-outs · N · 3)."""
    (stage,) = network.design().stages

    @eqx.filter_jit
    def read(stage: Any, values: Any) -> Any:
        frames = jnp.swapaxes(values, 0, 1)
        states = respond(stage.device, stage.settings, stage.timeline, frames)[EVERY - 1 :: EVERY, 0]
        return jnp.swapaxes(states, 0, 1).reshape(len(values), -1)

    parts = [np.arange(start, min(start + batch, index.stop)) for start in range(index.start, index.stop, batch)]
    return np.concatenate([np.asarray(read(stage, signals.batch(part))) for part in parts])


def measured(order: str, data: lg.data.SignalSet, given: argparse.Namespace, tell: Callable[..., None]) -> None:
    """Train and test one network, and tell of each figure as soon as it is known."""
    out, network = None if given.runs is None else given.runs / order, drawn(data, order, given.seed)
    shown = lg.data.SignalSet(data.train.take(np.arange(min(given.images, len(data.train)))), data.test)
    if out is not None and (out / "run.json").is_file():
        trained = finished(lg.training.resume(out, shown))
    else:
        recipe = RECIPE.replace(epochs=given.epochs, seed=given.seed)
        network, how = fitted(network, data.train, min(FITTED, len(data.train)))
        print(f"{order}, to begin with: {how}", flush=True)
        trained = finished(lg.train(network, shown, recipe, out=out))
    tell(order, "array trained by gradient, read-out as it began", trained.accuracy, f"{trained.history[-1]}")
    tell(order, TRAINED, *tested(trained.network, data))
    part = data.train.take(np.arange(CHUNK))
    answers = [lg.evaluate(one, part).predicted for one in (trained.network, finer(trained.network))]
    differ = int((answers[0] != answers[1]).sum())
    print(f"{order}: in four steps a frame {differ} of {CHUNK} training images get another answer", flush=True)


def tested(network: Any, data: lg.data.SignalSet) -> tuple[float, str]:
    """(part of the test images that are right, how the read-out was fitted to all images to train)."""
    network, how = fitted(network, data.train, len(data.train))
    return lg.evaluate(network, data.test).accuracy, how


def finer(network: Any) -> Any:
    """The same network with a quarter of the time step."""
    (layer,) = network.layers
    line = layer.timeline.replace(dt=layer.timeline.dt / 4)
    return dataclasses.replace(network, layers=(dataclasses.replace(layer, timeline=line),))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--order", action="append", choices=tuple(ORDERS), help="both where none is named")
    parser.add_argument("--kind", action="append", choices=KINDS, help="both where none is named")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=RECIPE.epochs)
    parser.add_argument("--images", type=int, default=SHOWN, help="that the gradient sees")
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("../shared/data"))
    parser.add_argument("--runs", type=pathlib.Path, default=None, help="keep the runs in this folder")
    parser.add_argument("--out", type=pathlib.Path, default=None, help="a JSON line for each figure")
    given = parser.parse_args()

    def tell(order: str, what: str, accuracy: float, how: str) -> None:
        bar = "" if what != TRAINED else f" (bar {BARS[order]:.0%}: {'met' if accuracy >= BARS[order] else 'missed'})"
        print(f"{order}, {what}: {accuracy:.2%}{bar}; {how}", flush=True)
        if given.out is not None:
            row = {"order": order, "what": what, "seed": given.seed, "accuracy": accuracy, "how": how}
            with given.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")

    images = lg.load_images("mnist", given.data / "mnist")
    orders = {
        order: lg.data.SignalSet.from_images(images, by="pixels", permuted=ORDERS[order])
        for order in given.order or ORDERS
    }
    for kind, (order, data) in itertools.product(given.kind or KINDS, orders.items()):
        if kind == "drawn":
            tell(order, AS_DRAWN, *tested(drawn(data, order, given.seed), data))
        else:
            measured(order, data, given, tell)


if __name__ == "__main__":
    main()
