"""What training needs of a network, be it of oscillators or a baseline."""

from __future__ import annotations

import abc
from typing import Any

import equinox as eqx


class Network(eqx.Module):
    """A function from images to the logits of classes, with weights that training changes."""

    @abc.abstractmethod
    def __call__(self, images: Any, key: Any = None, first: Any = 0) -> Any:
        """Logits (B, classes) of images (B, H, W) in [0, 1].

        `key` turns the imperfections on that training should see; None is the ideal network. `first` is the number of
        the first image within the whole batch, where this is a part of one: noise is drawn by the number of an image.
        """

    def built(self) -> Any:
        """What is built of the network, and evaluated: a function of images (B, H, W), called with None for the key.

        It holds the numbers that the weights stand for; here they are those numbers themselves.
        """
        return self

    @abc.abstractmethod
    def trainable(self) -> Any:
        """A tree like this one with True where training may change an array."""

    @abc.abstractmethod
    def spec(self) -> dict[str, Any]:
        """Everything but the arrays, ready for JSON: `network_from_spec` makes a network of the same shape."""
