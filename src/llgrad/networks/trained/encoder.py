"""How pixels reach the oscillators: the matrix of input gains, from what is trained."""

from __future__ import annotations

import abc
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np


class Encoder(eqx.Module):
    """A parametrisation of the input gains of an array, in units of its natural field.

    The field of pixels u is gains · (u − centre) + bias: with the mean image as the centre, training changes gains and
    bias independently, and so takes far fewer steps. Features of other sizes than pixels are divided by their spread:
    the gains are those of (u − centre)/spread over the spread.
    """

    centre: tuple[float, ...] | None = eqx.field(static=True, default=None, kw_only=True)
    """Pixels (F,) of which the field is the bias; None for zeros."""

    spread: tuple[float, ...] | None = eqx.field(static=True, default=None, kw_only=True)
    """What each number of a frame is divided by (F,); None for ones."""

    @abc.abstractmethod
    def gains(self) -> Any:
        """Gains (F, N)."""

    def offset(self) -> Any:
        """Offsets (N,): the fields where all pixels are zero."""
        bias = self.biases()
        return bias if self.centre is None else bias - jnp.asarray(self.centre, bias.dtype) @ self.gains()

    @abc.abstractmethod
    def biases(self) -> Any:
        """The bias of each oscillator (N,)."""


class DenseEncoder(Encoder):
    """Every pixel acts on every oscillator: gains (F, N) and biases (N,), both free."""

    weights: Any
    bias: Any

    @classmethod
    def create(
        cls,
        inputs: int,
        count: int,
        key: Any,
        scale: float,
        centre: tuple[float, ...] | None = None,
        spread: tuple[float, ...] | None = None,
    ) -> Self:
        """Normal gains of standard deviation `scale`, biases of zero."""
        weights = scale * jax.random.normal(key, (inputs, count), jnp.float32)
        return cls(weights, jnp.zeros(count, jnp.float32), centre=centre, spread=spread)

    def gains(self) -> Any:
        if self.spread is None:
            return self.weights
        return self.weights / jnp.asarray(self.spread, self.weights.dtype)[:, None]

    def biases(self) -> Any:
        return self.bias


class PatchEncoder(Encoder):
    """A convolution: oscillator (channel c, place p) sees the patch at place p through the kernel c.

    Kernels (C, P·P) and biases (C,) are shared by all places; N = C · places, the place running fastest.
    """

    kernels: Any
    bias: Any
    shape: tuple[int, int] = eqx.field(static=True)
    """Size of the image (H, W)."""
    patch: int = eqx.field(static=True)
    """Side of a patch, P pixels."""
    stride: int = eqx.field(static=True)
    """Pixels from one place to the next."""

    @classmethod
    def create(
        cls,
        shape: tuple[int, int],
        channels: int,
        patch: int,
        stride: int,
        key: Any,
        scale: float,
        centre: tuple[float, ...] | None = None,
    ) -> Self:
        """Normal kernels of standard deviation `scale`, biases of zero."""
        if not (0 < patch <= min(shape) and stride > 0):
            raise ValueError(f"patch = {patch} and stride = {stride} do not fit images of {shape[0]}×{shape[1]} pixels")
        kernels = scale * jax.random.normal(key, (channels, patch * patch), jnp.float32)
        return cls(kernels, jnp.zeros(channels, jnp.float32), shape, patch, stride, centre=centre)

    @property
    def places(self) -> int:
        """Number of places of the patch in an image."""
        rows, columns = ((size - self.patch) // self.stride + 1 for size in self.shape)
        return rows * columns

    def _pixels(self) -> np.ndarray:
        """Index (places, P·P) of the pixels of each patch."""
        H, W = self.shape
        corner = np.add.outer(
            np.arange(0, H - self.patch + 1, self.stride) * W, np.arange(0, W - self.patch + 1, self.stride)
        )
        within = np.add.outer(np.arange(self.patch) * W, np.arange(self.patch))
        return corner.reshape(-1, 1) + within.reshape(1, -1)

    def gains(self) -> Any:
        pixels, (H, W) = self._pixels(), self.shape
        places, channels = np.arange(len(pixels)), self.kernels.shape[0]
        matrix = jnp.zeros((H * W, channels, len(pixels)), self.kernels.dtype)
        spread = jnp.broadcast_to(self.kernels.T[None], (*pixels.shape, channels))
        return matrix.at[pixels, :, places[:, None]].set(spread).reshape(H * W, -1)

    def biases(self) -> Any:
        return jnp.repeat(self.bias, self.places)
