"""Small sets of images, small networks, and runs that take a second."""

from __future__ import annotations

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llgrad.datasets.images.images import Images, ImageSet
from llgrad.networks.baselines import TanhNetwork
from llgrad.networks.network import Network
from llgrad.training.recipe import Recipe

SHAPE, CLASSES = (6, 5), 3


def random_images(count: int, seed: int = 0) -> Images:
    """Images of which each class is bright in a row of its own."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int32) % CLASSES
    pixels = rng.integers(0, 120, (count, *SHAPE)).astype(np.uint8)
    pixels[np.arange(count), 2 * labels] += 80
    return Images(pixels, labels, 255.0, "abc")


def random_set(train: int = 96, test: int = 31) -> ImageSet:
    return ImageSet("rows", random_images(train), random_images(test, 1), {"rows": "no file"})


class Strict(TanhNetwork):
    """The same without any promotion of ranks, so that what is around it is held to the strict settings."""

    def __call__(self, images: Any, key: Any = None, first: Any = 0) -> Any:
        hidden = jnp.tanh(images.reshape(images.shape[0], -1) @ self.gains + self.bias[None])
        second = jnp.tanh(hidden @ self.coupling + self.shift[None])
        return jnp.concatenate([hidden, second, hidden * second], axis=1) @ self.weights + self.offset[None]


def tanh_network(count: int = 7) -> TanhNetwork:
    """A network that files know."""
    with jax.enable_x64(False):
        return TanhNetwork.create(SHAPE, CLASSES, count, jax.random.key(3))


def strict_network() -> Strict:
    network = tanh_network()
    return Strict(*(getattr(network, field.name) for field in dataclasses.fields(network)))


class Poisoned(Network):
    """A linear classifier that goes wrong where an image has a white first pixel."""

    weights: Any
    in_gradient: bool = eqx.field(static=True, default=False)
    """Whether only the gradient is not finite."""

    def __call__(self, images: Any, key: Any = None, first: Any = 0) -> Any:
        logits = images.reshape(images.shape[0], -1) @ self.weights
        bad = jnp.any(images[:, 0, 0] > 0.99)
        if not self.in_gradient:
            return jnp.where(bad, jnp.float32(jnp.nan), logits)
        # At zero the root is finite and its slope is not.
        return logits + jnp.sqrt(jnp.where(bad, 0 * jnp.sum(self.weights), jnp.float32(1)))

    def trainable(self) -> Any:
        return jax.tree.map(lambda _: True, self)

    def spec(self) -> dict[str, Any]:
        return {"type": "Poisoned"}


def poisoned(in_gradient: bool = False) -> Poisoned:
    return Poisoned(jnp.zeros((SHAPE[0] * SHAPE[1], CLASSES), jnp.float32), in_gradient)


def with_white_pixels(data: ImageSet, index: Any) -> ImageSet:
    """The set with the first pixel of some training images white."""
    pixels = np.array(data.train.pixels)
    pixels[:, 0, 0] = 0
    pixels[index, 0, 0] = 255
    return ImageSet(data.name, Images(pixels, data.train.labels, 255.0, "abc"), data.test, data.sha256)


def numbers(network: Network) -> list[bytes]:
    """The bits of every array."""
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(eqx.filter(network, eqx.is_array))]


def without_time(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


@pytest.fixture
def data() -> ImageSet:
    return random_set()


@pytest.fixture
def recipe() -> Recipe:
    """Three epochs of six steps, with everything random in them."""
    return Recipe(epochs=3, batch=14, learning_rate=0.02, shift=1, rotation=5.0, validation=0.1, seed=5)
