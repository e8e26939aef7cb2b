"""Small networks, of few shapes so that few kernels are compiled, and images for them."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import numpy as np

import llgrad as lg
from llgrad.networks.trained.layer import natural_field

SHAPE, CLASSES, COUNT = (4, 4), 3, 5
HOLD = 0.2e-9
DEVICE = lg.presets.kubota2013().replace(junction=lg.devices.ConductanceJunction(R_P=1e3, tmr=1.0))
UNIT = natural_field(DEVICE, HOLD)
ROWS: dict[str, Any] = {"frames": lg.networks.Frames.ROWS, "frames_read": 2, "readouts": 2}
XLA_ENGINE = lg.solvers.XLA()
PARTS: dict[lg.networks.Part, Any] = {
    lg.networks.Part.INPUT: lambda net: [net.layers[0].encoder.weights, net.layers[0].encoder.bias],
    lg.networks.Part.COUPLING: lambda net: [net.layers[0].coupling],
    lg.networks.Part.FIELD: lambda net: [net.layers[0].field],
    lg.networks.Part.CURRENT: lambda net: [net.layers[0].current],
    lg.networks.Part.DAMPING: lambda net: [net.layers[0].alpha],
    lg.networks.Part.READOUT: lambda net: [net.readout.weights, net.readout.bias],
}
"""The arrays behind each part, of a network of one array with a dense encoder."""


def classifier(engine: Any = XLA_ENGINE, **options: Any) -> lg.OscillatorClassifier:
    """A network of 5 oscillators for images of 4×4 pixels in 3 classes, by the XLA engine unless said otherwise."""
    options = {"shape": SHAPE, "classes": CLASSES, "oscillators": COUNT, "hold": HOLD, "dt": 25e-12, **options}
    with jax.enable_x64(False):
        made = lg.OscillatorClassifier.create(DEVICE, key=jax.random.key(3), **options)
    return dataclasses.replace(made, engine=engine)


def pixels(count: int, shape: tuple[int, int] = SHAPE, seed: int = 0) -> np.ndarray:
    """Random images (count, H, W)."""
    return np.random.default_rng(seed).random((count, *shape), np.float32)


def labelled(count: int) -> lg.data.Images:
    """Random images with classes in turn."""
    return lg.data.Images(pixels(count), np.arange(count) % CLASSES, 1.0, "abc")


def bits(tree: Any) -> list[bytes]:
    """The bits of every array."""
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(tree) if hasattr(leaf, "dtype")]
