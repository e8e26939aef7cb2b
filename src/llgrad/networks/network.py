"""What training needs of a network, be it of oscillators or a baseline."""

from __future__ import annotations

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp


class Network(eqx.Module):
    """A function from images, or signals, to the logits of classes, with weights that training changes."""

    @abc.abstractmethod
    def __call__(self, images: Any, key: Any = None, first: Any = 0) -> Any:
        """Logits (B, classes) of images (B, H, W) in [0, 1], of signals (B, T, F) or `Sequences`.

        `key` turns the imperfections on that training should see; None is the ideal network. `first` is the number of
        the first image within the whole batch, where this is a part of one: noise is drawn by the number of an image.
        """

    def built(self) -> Any:
        """What is built of the network, and evaluated: a function of images (B, H, W), called with None for the key.

        It holds the numbers that the weights stand for; here they are those numbers themselves.
        """
        return self

    def losses(self, answers: Any, targets: Any, smoothing: float = 0.0) -> Any:
        """What training makes small, of each sample (B,): of classes the cross entropy [nat]."""
        return cross_entropy(answers, targets, smoothing)

    def score(self, answers: Any, targets: Any) -> Any:
        """How good the answers to a batch are, summed over its samples: how many were recognised."""
        return jnp.sum((jnp.argmax(answers, axis=1).astype(targets.dtype) == targets).astype(jnp.float32))

    def answered(self, frames: int) -> range:
        """Of a signal of so many frames those that are answered; none where there is one answer to all of it."""
        return range(0)

    @abc.abstractmethod
    def trainable(self) -> Any:
        """A tree like this one with True where training may change an array."""

    @abc.abstractmethod
    def spec(self) -> dict[str, Any]:
        """Everything but the arrays, ready for JSON: `network_from_spec` makes a network of the same shape."""


def cross_entropy(logits: Any, labels: Any, smoothing: float = 0.0) -> Any:
    """Cross entropy (B,) of logits (B, C) with labels (B,), a part of each target spread over all classes [nat]."""
    log_p = jax.nn.log_softmax(logits, axis=1)
    chosen = jnp.take_along_axis(log_p, labels[:, None], axis=1)[:, 0]
    return -(1 - smoothing) * chosen - smoothing * jnp.mean(log_p, axis=1)
