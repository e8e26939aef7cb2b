"""How well a network recognises images."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Key

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.random import checked_key
from llgrad.datasets.samples.kinds import SAMPLES, Samples, noun_of
from llgrad.networks.bench.design import Design
from llgrad.networks.network import Network
from llgrad.networks.prediction import BATCH, error_of, predict, targets_of


class Evaluation(NamedTuple):
    """What a network makes of images or signals.

    >>> import llgrad as lg
    >>> digits = lg.load_images("digits")
    >>> found = lg.evaluate(lg.networks.SoftmaxNetwork.create((8, 8), 10), digits.test)
    >>> found.logits.shape == (len(digits.test), 10), bool((found.predicted == 0).all())
    (True, True)
    """

    accuracy: float
    """Part of the images that were recognised; of a regression the part of the targets' variance that is told,
    the mean over the numbers."""
    loss: float
    """Mean cross entropy [nat]; of a regression mean square over variance. Infinite where an answer is not finite."""
    logits: np.ndarray
    """(n, classes); of a regression its answers (n, frames read, numbers)."""
    labels: np.ndarray
    """The right classes (n,), or what was wanted."""
    kind: str = "images"
    """What the samples are called."""

    @property
    def predicted(self) -> np.ndarray:
        """The class with the largest logit (n,)."""
        return np.argmax(self.logits, axis=1)

    @property
    def is_regression(self) -> bool:
        """Whether numbers were wanted, and no classes."""
        return self.labels.dtype.kind == "f"

    def to_json(self) -> dict[str, Any]:
        """Accuracy, loss, and the number of images right and in all; of a regression the NRMSE."""
        count = len(self.labels)
        entry = {"accuracy": self.accuracy, "loss": self.loss}
        if self.is_regression:
            return entry | {"nrmse": math.sqrt(self.loss), "count": count}
        named = {} if self.kind == "images" else {"kind": self.kind}
        return entry | {"correct": round(self.accuracy * count), "count": count} | named


def in_words(entry: dict[str, Any]) -> str:
    """An evaluation that `to_json` wrote, in words."""
    if "nrmse" in entry:
        return f"NRMSE {entry['nrmse']:.4f} over {entry['count']} signals"
    return f"accuracy {entry['accuracy']:.2%} ({entry['correct']} of {entry['count']} {entry.get('kind', 'images')})"


def evaluate(
    network: Network | Design, images: Samples, batch: int = BATCH, key: Key[jax.Array, ""] | None = None
) -> Evaluation:
    """Judge a network on images or signals.

    Args:
        network: any network, or an exported design; it computes in float32.
        images: pixels and labels (n, …), signals with labels, or signals with targets.
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
    check_kind("images", images, SAMPLES, "give (network, images), such as data.test of lg.load_images")
    if key is not None:
        checked_key(key)
    return judged_as(network, predict(network, images, batch, key), images)


def judged_as(network: Network | Design, answers: np.ndarray, images: Samples) -> Evaluation:
    """What the answers of a network to images or signals are worth."""
    wanted = np.asarray(images.labels)
    if wanted.ndim > 1:
        return told(answers, targets_of(network, images))
    return judged(answers, wanted)._replace(kind=noun_of(images))


def told(answers: np.ndarray, wanted: np.ndarray) -> Evaluation:
    """Accuracy and loss of answers (n, frames read, numbers): the loss is `error_of`, the accuracy what it leaves."""
    error = error_of(answers, wanted)
    return Evaluation(1 - error, error, answers, wanted, "signals")


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
