"""Logits of many images, in batches of one size, so that one program is compiled.

Everything that is evaluated goes this way: a network in training, a run, an exported design, a drawn array.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import equinox as eqx
import jax
import numpy as np

from llgrad.core.arguments.numbers import checked_count
from llgrad.datasets.samples.kinds import Samples
from llgrad.networks.network import Network

BATCH: Final = 500


def predict(function: Callable[..., Any], images: Samples, batch: int = BATCH, key: Any = None) -> np.ndarray:
    """Logits (n, classes) of images or signals, in float32; of a regression its answers (n, frames, numbers).

    Args:
        function: a network, a `Design`, or another pytree that is called with pixels (B, H, W) in [0, 1] and a key.
            Of a network without a key it is what is built of it that predicts.
        images: (n, H, W), or signals.
        batch: images at once; the last batch is filled up.
        key: of the noise, another for each batch; None for none.
    """
    count = len(images)
    size = min(checked_count("batch", batch, 1), count)
    parts = []
    with jax.enable_x64(False):
        if key is None and isinstance(function, Network):
            function = function.built()
        for number, first in enumerate(range(0, count, size)):
            index = np.minimum(np.arange(first, first + size), count - 1)
            own = None if key is None else jax.random.fold_in(key, number)
            parts.append(np.asarray(_logits(function, images.batch(index), own))[: count - first])
    return np.concatenate(parts)


def targets_of(network: Any, signals: Samples) -> np.ndarray:
    """What a regressor shall answer (n, frames read, numbers). Raises ValueError for a number that never changes."""
    read = network.answered(signals.shape[0])
    wanted = np.asarray(signals.labels)[:, read.start : read.stop : read.step]
    if (flat := np.flatnonzero(np.ptp(wanted, axis=(0, 1)) == 0)).size:
        raise ValueError(
            f"the target {signals.classes[flat[0]]!r} is {wanted[0, 0, flat[0]]:g} at each frame that is read of all "
            f"{len(wanted)} signals, so that an error has no measure; give signals in which it changes, or leave it out"
        )
    return wanted


def error_of(answers: np.ndarray, wanted: np.ndarray) -> float:
    """The normalised mean square error of answers (n, frames read, numbers), over the numbers the mean of

        Σ (answer − wanted)² / Σ (wanted − mean)²,

    the sums and the mean over all signals and frames, so that no number counts for more by its unit; infinite where an
    answer is not finite.
    """
    if not np.isfinite(answers).all():
        return math.inf
    wide = wanted.astype(np.float64)
    missed, spread = (np.square(wide - of).sum(axis=(0, 1)) for of in (answers, wide.mean(axis=(0, 1))))
    return float(np.mean(missed / spread))


@eqx.filter_jit
def _logits(function: Any, pixels: Any, key: Any) -> Any:
    return function(pixels, key)
