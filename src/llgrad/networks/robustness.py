"""How well real arrays recognise images: accuracy over many arrays drawn from the imperfections of a design."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Key

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.arguments.numbers import checked_count
from llgrad.core.random import checked_key
from llgrad.datasets.samples.kinds import SAMPLES, Samples
from llgrad.datasets.samples.targets import TargetSignals
from llgrad.networks.bench.design import Design
from llgrad.networks.imperfections import TOO_WIDE, Imperfections
from llgrad.networks.prediction import BATCH, error_of, predict, targets_of

Told = Callable[[float], None]
"""Hears how much of the work is done, from 0 to 1."""

QUANTILES: Final = (0.05, 0.5, 0.95)
SPREADS: Final = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
"""Points of the curve, in units of the spread that was asked for."""


class Robustness(NamedTuple):
    """The accuracies of drawn arrays (arrays,), and the imperfections that they were drawn from."""

    accuracies: np.ndarray
    imperfections: Imperfections

    @property
    def mean(self) -> float:
        return float(np.mean(self.accuracies))

    @property
    def std(self) -> float:
        """Standard deviation from array to array; 0 of a single one."""
        return float(np.std(self.accuracies, ddof=1)) if len(self.accuracies) > 1 else 0.0

    def to_json(self) -> dict[str, Any]:
        """Mean, standard deviation and quantiles of the accuracy, and each one."""
        quantiles = np.quantile(self.accuracies, QUANTILES)
        return {
            "spread": self.imperfections.spread,
            "arrays": len(self.accuracies),
            "mean": self.mean,
            "std": self.std,
            "quantiles": {f"{level:g}": float(value) for level, value in zip(QUANTILES, quantiles, strict=True)},
            "worst": float(self.accuracies.min()),
            "accuracies": self.accuracies.tolist(),
        }


def accuracy_of_arrays(
    design: Design,
    imperfections: Imperfections,
    images: Samples,
    *,
    key: Key[jax.Array, ""],
    arrays: int = 20,
    batch: int = BATCH,
    told: Told | None = None,
) -> np.ndarray:
    """The part of the images that each of several drawn arrays recognises, (arrays,); of signals with targets the part
    of their variance that it tells, 1 − NRMSE².

    All arrays share one compiled program. The same key draws the same arrays and the same noise; a larger spread moves
    each setting further the same way.

    Args:
        design: the network as it was meant.
        imperfections: how real arrays differ from it.
        images: (n, H, W), or signals, with classes or targets, each seen once by each array.
        key: of the arrays and the noise, a `jax.random.key`.
        arrays: how many are drawn.
        batch: images at once.
        told: hears how far it is.

    >>> import jax, llgrad as lg
    >>> digits = lg.load_images("digits")
    >>> with jax.enable_x64(False):
    ...     network = lg.OscillatorClassifier.create(
    ...         lg.presets.kubota2013(), shape=(8, 8), classes=10, key=jax.random.key(0), oscillators=16
    ...     )
    ...     found = lg.networks.accuracy_of_arrays(
    ...         network.design(), lg.networks.Imperfections(spread=0.1), digits.test.take(range(2)),
    ...         key=jax.random.key(1), arrays=2, batch=2,
    ...     )
    >>> found.shape
    (2,)
    """
    check_kind("design", design, Design, "give (design, imperfections, images), as network.design() makes one")
    check_kind("imperfections", imperfections, Imperfections, "give (design, imperfections, images)")
    check_kind("images", images, SAMPLES, "such as data.test of lg.load_images")
    checked_key(key)
    arrays = checked_count("arrays", arrays, 1, "one or more arrays")
    found = []
    for number in range(arrays):
        with jax.enable_x64(False):
            made, run = jax.random.split(jax.random.fold_in(key, number))
            drawn = Drawn(imperfections.drawn(design, made), imperfections.replace(spread=0.0, bits=None))
        logits = predict(drawn, images, batch, run)
        found.append(_accuracy(design, logits, images))
        if told is not None:
            told((number + 1) / arrays)
    return np.array(found)


def robustness(
    design: Design,
    imperfections: Imperfections,
    images: Samples,
    *,
    key: Key[jax.Array, ""],
    arrays: int = 20,
    batch: int = BATCH,
    told: Told | None = None,
) -> Robustness:
    """`accuracy_of_arrays` with its statistics."""
    found = accuracy_of_arrays(design, imperfections, images, key=key, arrays=arrays, batch=batch, told=told)
    return Robustness(found, imperfections)


def curve(
    design: Design,
    imperfections: Imperfections,
    images: Samples,
    *,
    key: Key[jax.Array, ""],
    arrays: int = 20,
    spreads: Sequence[float] | None = None,
    batch: int = BATCH,
    told: Told | None = None,
) -> list[Robustness]:
    """Accuracy against spread: from zero to twice that of the imperfections, which keep all else, as far as
    a spread can be; or at `spreads`.
    """
    if spreads is None:
        spreads = [point for factor in SPREADS if (point := imperfections.spread * factor) < TOO_WIDE]
    points = list(spreads)
    if not points or not max(points) > 0:
        raise ValueError("a curve of accuracy against spread needs a spread; such as spread=0.1 for 10 %")
    found = []
    for number, spread in enumerate(points):

        def here(done: float, number: int = number) -> None:
            if told is not None:
                told((number + done) / len(points))

        one = imperfections.replace(spread=spread)
        found.append(robustness(design, one, images, key=key, arrays=arrays, batch=batch, told=here))
    return found


def _accuracy(design: Design, answers: np.ndarray, samples: Samples) -> float:
    if isinstance(samples, TargetSignals):
        return 1 - error_of(answers, targets_of(design, samples))
    right = np.isfinite(answers).all(axis=1) & (np.argmax(answers, axis=1) == samples.labels)
    return float(np.mean(right))


class Drawn(eqx.Module):
    """A drawn array, with noise by a key."""

    design: Design
    imperfections: Imperfections

    def __call__(self, images: Any, key: Any) -> Any:
        return self.imperfections.logits(self.design, images, key)
