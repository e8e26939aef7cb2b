"""Kernel rank and generalisation rank: what a reservoir tells apart, and what it should not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.arguments.numbers import checked_number
from llgrad.reservoir.checking import check_states
from llgrad.reservoir.estimator import Reservoir
from llgrad.reservoir.measures.dynamics import _shown
from llgrad.reservoir.running import begun


@dataclass(frozen=True)
class Ranks:
    """Effective ranks of the readings at the end of signals.

    >>> import llgrad as lg
    >>> device = lg.presets.kubota2013().replace(current=0.0, alpha=0.05, field=(0, 0, 2.5))
    >>> reservoir = lg.reservoir.Reservoir(device, hold=1e-9, input="field_x", gain=0.1, nodes=4, read="mx")
    >>> found = lg.reservoir.ranks(reservoir, streams=8, length=20)
    >>> found.kernel_sizes.shape, found.generalisation <= found.kernel
    ((4,), True)
    """

    kernel: int
    """Of signals that have nothing to do with each other: large is good."""
    generalisation: int
    """Of signals that are one but for a small noise: small is good."""
    kernel_sizes: np.ndarray
    generalisation_sizes: np.ndarray
    """Singular values of the two matrices, the largest first."""

    def __repr__(self) -> str:
        return f"kernel rank {self.kernel}, generalisation rank {self.generalisation}"

    __str__ = __repr__


def ranks(
    reservoir: Reservoir,
    *,
    streams: int = 50,
    length: int = 100,
    deviation: float = 0.1,
    threshold: float = 0.01,
    seed: int = 0,
) -> Ranks:
    """The kernel rank and the generalisation rank of a reservoir.

    Readings at the end of `streams` signals of `length` symbols, even in [−1, 1], are the rows of a matrix, without
    their means; its effective rank is the number of singular values above `threshold` of the largest one of the kernel
    matrix. For the kernel rank each signal is drawn anew; for the generalisation rank all are one signal, each with its
    own noise, even in ±`deviation`.

    Source: R. Legenstein, W. Maass, Neural Netw. 20, 323 (2007) (recalled: there the rank itself, of spiking networks;
    the threshold is for readings that are numbers).

    >>> import llgrad as lg
    >>> device = lg.presets.kubota2013().replace(current=0.0, alpha=0.05, field=(0, 0, 2.5))
    >>> reservoir = Reservoir(device, hold=1e-9, input="field_x", gain=0.1, nodes=4, read="mx")
    >>> found = ranks(reservoir, streams=8, length=20)
    >>> found.kernel >= found.generalisation
    True
    """
    check_kind("reservoir", reservoir, Reservoir, "give a Reservoir, fitted or not")
    streams = checked_number("streams", streams, low=2, whole=True)
    length = checked_number("length", length, low=1, whole=True)
    deviation, threshold = (
        checked_number(name, value, low=0) for name, value in (("deviation", deviation), ("threshold", threshold))
    )
    if threshold >= 1:
        raise ValueError(f"threshold = {threshold:g}, expected a part of the largest singular value, below 1")
    rng = np.random.default_rng(checked_number("seed", seed, low=0, whole=True))
    apart = rng.uniform(-1, 1, (streams, length, 1))
    near = rng.uniform(-1, 1, (1, length, 1)) + deviation * rng.uniform(-1, 1, (streams, length, 1))
    held = begun(reservoir.model, reservoir.wiring(1), reservoir.reading)
    many: Any = jax.tree.map(lambda part: jnp.broadcast_to(part, (2 * streams, *part.shape)), held)._replace(
        node=held.node
    )
    read, failed = _shown(reservoir, jnp.asarray(np.concatenate([apart, near])), many)
    check_states(read[0], int(failed.max()), float(reservoir.hold))
    ends = read[:, -1]
    sizes = [np.linalg.svd(part - part.mean(axis=0), compute_uv=False) for part in (ends[:streams], ends[streams:])]
    if sizes[0][0] <= 1e-12 * max(1.0, np.abs(ends).max()):
        raise ValueError(
            "all signals end in one state: the signal does not reach what is read; check input, gain, mask and read"
        )
    counts = [int((one > threshold * sizes[0][0]).sum()) for one in sizes]
    return Ranks(counts[0], counts[1], sizes[0], sizes[1])
