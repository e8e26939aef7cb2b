"""How well a network recognises images."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.datasets.images.images import Images
from llgrad.networks.bench.design import Design
from llgrad.networks.network import Network
from llgrad.networks.prediction import BATCH, predict


class Evaluation(NamedTuple):
    """What a network makes of images.

    >>> import llgrad as lg
    >>> digits = lg.load_images("digits")
    >>> found = lg.evaluate(lg.networks.SoftmaxNetwork.create((8, 8), 10), digits.test)
    >>> found.logits.shape == (len(digits.test), 10), bool((found.predicted == 0).all())
    (True, True)
    """

    accuracy: float
    """Part of the images that were recognised."""
    loss: float
    """Mean cross entropy [nat]; infinite where a logit is not finite."""
    logits: np.ndarray
    """(n, classes)."""
    labels: np.ndarray
    """The right classes (n,)."""

    @property
    def predicted(self) -> np.ndarray:
        """The class with the largest logit (n,)."""
        return np.argmax(self.logits, axis=1)

    def to_json(self) -> dict[str, Any]:
        """Accuracy, loss, and the number of images right and in all."""
        count = len(self.labels)
        right = round(self.accuracy * count)
        return {"accuracy": self.accuracy, "loss": self.loss, "correct": right, "count": count}


def evaluate(network: Network | Design, images: Images, batch: int = BATCH, key: Any = None) -> Evaluation:
    """Judge a network on images.

    Args:
        network: any network, or an exported design; it computes in float32.
        images: pixels and labels (n, …).
        batch: images at once; the last batch is filled up.
        key: turns on the network's imperfections, drawn anew for each batch; None is the ideal network.

    >>> import llgrad as lg
    >>> digits = lg.load_images("digits")
    >>> network = lg.networks.SoftmaxNetwork.create((8, 8), 10)
    >>> found = lg.evaluate(network, digits.test)  # of zero weights: it guesses
    >>> round(found.loss, 3)  # ln 10
    2.303
    """
    check_kind("network", network, (Network, Design), "give (network, images)")
    check_kind("images", images, Images, "give (network, images), such as data.test of lg.load_images")
    return judged(predict(network, images, batch, key), np.asarray(images.labels))


def judged(logits: np.ndarray, labels: np.ndarray) -> Evaluation:
    """Accuracy and loss of logits (n, classes). An image with a logit that is not finite is not recognised."""
    finite = np.isfinite(logits).all(axis=1)
    right = finite & (np.argmax(logits, axis=1) == labels)
    if not finite.all():
        return Evaluation(float(np.mean(right)), math.inf, logits, labels)
    wide = logits.astype(np.float64)
    top = wide.max(axis=1)
    loss = top + np.log(np.exp(wide - top[:, None]).sum(axis=1)) - wide[np.arange(len(labels)), labels]
    return Evaluation(float(np.mean(right)), float(np.mean(loss)), logits, labels)
