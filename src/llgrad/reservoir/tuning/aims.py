"""What a reservoir is tuned for: a loss of its readings, differentiable through the ridge regression."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, Final

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.arguments.numbers import checked_count, checked_number
from llgrad.reservoir.measures.information import checked_degrees, legendre, products, targets
from llgrad.reservoir.readout import ridge
from llgrad.reservoir.tasks.task import SignalTask, checked_cut, checked_length

PENALTY: Final = 1e-8
"""Of the ridge regression while tuning: the noise of the read-out is what keeps its weights small."""


class TuningAim(eqx.Module):
    """A signal (T, F), targets (T, Y), and a loss of the part of the targets that is not explained."""

    signal: Any
    targets: Any
    cut: int = eqx.field(static=True)
    """Symbol from which on the loss is taken; the read-out is fitted on those before."""
    penalty: float = eqx.field(static=True, default=PENALTY)

    @abc.abstractmethod
    def loss(self, unexplained: Any) -> Any:
        """Of the normalised squared error (Y,) of each target."""

    @abc.abstractmethod
    def told(self, loss: float) -> str:
        """A loss in words."""

    def of(self, read: Any, washout: int) -> Any:
        """The loss of readings (T, K): the read-out fitted on the symbols from the washout to the cut, and its error
        Σ_t (ŷ − y)²/Σ_t (y − ȳ)² on the rest. What is not finite is infinitely bad.
        """
        weights, offset = ridge(read[washout : self.cut], self.targets[washout : self.cut], self.penalty)
        wanted = self.targets[self.cut :]
        wrong = ((read[self.cut :] @ weights + offset[None] - wanted) ** 2).mean(axis=0)
        return self.loss(wrong / ((wanted - wanted.mean(axis=0)[None]) ** 2).mean(axis=0))


class TaskAim(TuningAim):
    """The error of a task: the mean NMSE of its targets."""

    def loss(self, unexplained: Any) -> Any:
        return unexplained.mean()

    def told(self, loss: float) -> str:
        return f"NRMSE {max(loss, 0.0) ** 0.5:.4f}"


class CapacityAim(TuningAim):
    """A capacity: minus the sum over the targets of 1 − NMSE on symbols that were not fitted, where that is above 0."""

    def loss(self, unexplained: Any) -> Any:
        return -jnp.maximum(1 - unexplained, 0.0).sum()

    def told(self, loss: float) -> str:
        return f"capacity {-loss:.3f}"


def aim_of_task(task: SignalTask, fraction: float = 0.6, penalty: float = PENALTY) -> TuningAim:
    """What a task aims at: the sum of capacities for stm and parity, the error for any other.

    The read-out is fitted on the first `fraction` of the symbols, and the loss taken on the rest.

    >>> from llgrad.reservoir import narma
    >>> aim_of_task(narma(2, length=200)).told(0.04)
    'NRMSE 0.2000'
    """
    check_kind("task", task, SignalTask, "give what narma and its like make")
    kind = CapacityAim if task.name in ("stm", "parity") else TaskAim
    return kind(task.signal, task.target, checked_cut(fraction, len(task)), checked_number("penalty", penalty, low=0))


def capacity_aim(
    length: int = 2000,
    delays: Mapping[int, int] = {1: 20, 2: 8, 3: 4},
    *,
    seed: int = 0,
    fraction: float = 0.6,
    penalty: float = PENALTY,
) -> TuningAim:
    """The information processing capacity as an aim: the products of `information_capacity`, the capacity of each that
    of held-out symbols, 1 − NMSE, so that what is overfitted does not count.

    >>> capacity_aim(200, {1: 2, 2: 1}).targets.shape
    (200, 6)
    """
    delays = checked_degrees(delays)
    most = max(delays.values())
    length = checked_length(length, 2 * most + 2)
    u = np.random.default_rng(checked_count("seed", seed, 0)).uniform(-1, 1, length)
    past = np.concatenate([np.zeros(most), u])
    z = targets(products(delays), legendre(past, max(delays)), most)
    return CapacityAim(u[:, None], z, checked_cut(fraction, length), checked_number("penalty", penalty, low=0))
