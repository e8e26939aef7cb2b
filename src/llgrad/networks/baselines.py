"""What an oscillator network is compared with: the same without oscillators, and the plainest of classifiers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float, Key, PyTree

from llgrad.core.arguments.numbers import checked_count, checked_pair
from llgrad.core.random import checked_key
from llgrad.core.speed.starting import check_platform
from llgrad.datasets.samples.sequences import Sequences
from llgrad.networks.network import Network
from llgrad.networks.trained.layer import Part

SHAPE: Final = "the size (H, W) of the images"


class TanhNetwork(Network):
    """A static layer of equal width and (to about 1 %) equal trained numbers in place of the array:

        a = W (u − c) + b,  h = tanh a,  s = tanh(a + C h + d),  logits = read-out of (h, s, h s).

    C (N, N) stands for the coupling, seen once; d (N,) for the settings of each oscillator; c is the centre of the
    images, as that of the encoder of an array.

    >>> import jax, llgrad as lg
    >>> import numpy as np
    >>> network = lg.networks.TanhNetwork.create((8, 8), 10, 16, jax.random.key(0))
    >>> network(np.zeros((2, 8, 8), np.float32)).shape
    (2, 10)
    """

    gains: Float[jax.Array, "F N"]
    bias: Float[jax.Array, "N"]
    coupling: Float[jax.Array, "N N"]
    shift: Float[jax.Array, "N"]
    weights: Float[jax.Array, "3*N C"]
    offset: Float[jax.Array, "C"]
    centre: tuple[float, ...] | None = eqx.field(static=True, default=None)

    @classmethod
    def create(
        cls,
        shape: tuple[int, int],
        classes: int,
        count: int,
        key: Key[jax.Array, ""],
        centre: Float[ArrayLike, "H W"] | None = None,
    ) -> Self:
        """A network with random weights for images (H, W), of which `centre` is the mean."""
        shape, classes = checked_pair("shape", shape, SHAPE), checked_count("classes", classes, 1)
        count, inputs = checked_count("count", count, 1), shape[0] * shape[1]
        if centre is not None and np.size(centre) != inputs:
            raise ValueError(f"centre has the shape {np.shape(centre)}, expected an image {shape}")
        keys = jax.random.split(checked_key(key), 3)
        normal = jax.random.normal
        return cls(
            1.4 * inputs**-0.5 * normal(keys[0], (inputs, count), jnp.float32),
            jnp.zeros(count, jnp.float32),
            0.5 * count**-0.5 * normal(keys[1], (count, count), jnp.float32),
            jnp.zeros(count, jnp.float32),
            (3 * count) ** -0.5 * normal(keys[2], (3 * count, classes), jnp.float32),
            jnp.zeros(classes, jnp.float32),
            None if centre is None else tuple(np.asarray(centre, np.float32).ravel().tolist()),
        )

    def __call__(self, images: Any, key: Any = None, first: Any = 0) -> Any:
        pixels = _flat(images, self.gains.shape[0])
        if self.centre is not None:
            pixels = pixels - jnp.asarray(self.centre, pixels.dtype)[None]
        pre = pixels @ self.gains + self.bias[None]
        first = jnp.tanh(pre)
        second = jnp.tanh(pre + first @ self.coupling.T + self.shift[None])
        return jnp.concatenate([first, second, first * second], axis=1) @ self.weights + self.offset[None]

    def trainable(self) -> PyTree[bool]:
        return jax.tree.map(lambda _: True, self)

    def spec(self) -> dict[str, Any]:
        inputs, count = self.gains.shape
        centre = None if self.centre is None else list(self.centre)
        return {
            "type": type(self).__name__,
            "inputs": inputs,
            "count": count,
            "classes": self.offset.shape[0],
            "centre": centre,
        }

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Self:
        """A network of the shape of a spec, with weights of no meaning."""
        centre = spec.get("centre")
        return cls.create((spec["inputs"], 1), spec["classes"], spec["count"], jax.random.key(0), centre)


class SoftmaxNetwork(Network):
    """logits = W u + b: a linear classifier of the pixels.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> network = lg.networks.SoftmaxNetwork.create((8, 8), 10)
    >>> network(np.zeros((2, 8, 8), np.float32)).shape
    (2, 10)
    """

    weights: Float[jax.Array, "F C"]
    bias: Float[jax.Array, "C"]

    @classmethod
    def create(cls, shape: tuple[int, int], classes: int) -> Self:
        """A network with zero weights for images (H, W)."""
        check_platform()
        shape, classes = checked_pair("shape", shape, SHAPE), checked_count("classes", classes, 1)
        return cls(jnp.zeros((shape[0] * shape[1], classes), jnp.float32), jnp.zeros(classes, jnp.float32))

    def __call__(self, images: Any, key: Any = None, first: Any = 0) -> Any:
        return _flat(images, self.weights.shape[0]) @ self.weights + self.bias[None]

    def trainable(self) -> PyTree[bool]:
        return jax.tree.map(lambda _: True, self)

    def spec(self) -> dict[str, Any]:
        return {"type": type(self).__name__, "inputs": self.weights.shape[0], "classes": self.bias.shape[0]}

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Self:
        """A network of the shape of a spec."""
        return cls.create((spec["inputs"], 1), spec["classes"])


def _flat(images: Any, inputs: int) -> Any:
    """Images (B, H, W), or signals of one number of frames, as rows (B, F). Raises ValueError for others."""
    if isinstance(images, Sequences):
        raise ValueError(
            "the signals have different lengths, and this network is made for one number of frames; cut them, as by "
            "data.through(lg.data.Segments(8))"
        )
    if int(np.prod(images.shape[1:])) != inputs:
        raise ValueError(
            f"the images have the shape {'×'.join(map(str, images.shape[1:]))}, and the network is made for {inputs} "
            "numbers"
        )
    return images.reshape(images.shape[0], -1)


def uncoupled(network: Any) -> Any:
    """The same oscillator network with nothing between its devices, and so none of the work for a coupling of zero."""
    layers = tuple(
        layer.replace(
            coupling=0.0 * layer.coupling,
            wiring=layer.wiring._replace(coupling=None),
            scales=layer.scales._replace(coupling=1.0),
        )
        for layer in network.layers
    )
    trained = tuple(part for part in network.trained if part is not Part.COUPLING)
    return dataclasses.replace(network, layers=layers, trained=trained)
