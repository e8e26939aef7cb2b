"""Nonlinear autoregressive moving averages, NARMA: memory and products of the input at once."""

from __future__ import annotations

from typing import Final

import numpy as np

from llgrad.core.arguments.numbers import checked_count
from llgrad.reservoir.tasks.task import SignalTask, checked_length

ORDERS: Final = (2, 5, 10)
TRIES: Final = 100
BEFORE: Final = 200
"""Symbols before the first that is given, in which the start is forgotten."""
LARGEST: Final = 1.0
"""A NARMA10 that leaves this behind does not come back: its mean is 0.4, its deviation 0.1."""


def narma(order: int, length: int = 4000, seed: int = 0) -> SignalTask:
    """NARMA of an order: the target of the symbols u_t, drawn evenly from 0 to 0.5, is y_{t+1} with

        NARMA2:       y_{t+1} = 0.4 y_t + 0.4 y_t y_{t−1} + 0.6 u_t³ + 0.1
        NARMA5, 10:   y_{t+1} = 0.3 y_t + 0.05 y_t Σ_{i=0}^{n−1} y_{t−i} + 1.5 u_t u_{t−n+1} + 0.1.

    Its error is NRMSE = √(⟨(ŷ − y)²⟩/⟨(y − ȳ)²⟩).

    The recurrence of order 10 diverges for some inputs: a draw whose |y| exceeds 1 is thrown away, and the next one of
    the same seed taken, so that all targets are finite. 200 symbols go before the first.

    The input is given to a reservoir as it is, u_t from 0 to 0.5.

    Args:
        order: 2, 5 or 10. length: symbols. seed: of the input.

    Source: A. F. Atiya, A. G. Parlos, IEEE Trans. Neural Netw. 11, 697 (2000) (recalled); the third form as in the
    review of C. Wringe, M. Trefzer, S. Stepney, arXiv:2405.06561 (recalled).

    >>> task = narma(10, length=500, seed=0)
    >>> task.signal.shape, task.target.shape, bool(np.abs(task.target).max() < 1)
    ((500, 1), (500, 1), True)
    """
    if isinstance(order, bool) or not isinstance(order, int | np.integer) or order not in ORDERS:
        raise ValueError(f"order = {order!r}, expected 2, 5 or 10")
    length = checked_length(length, order + 1)
    rng = np.random.default_rng(checked_count("seed", seed, 0))
    for _ in range(TRIES):
        u = rng.uniform(0, 0.5, BEFORE + length)
        y = _second(u) if order == 2 else _higher(u, order)
        if np.abs(y).max() <= LARGEST:
            break
    else:
        raise ValueError(f"NARMA{order} of {length} symbols diverged for {TRIES} inputs; give fewer symbols")
    about = f"y(t+1) of NARMA{order}, input even in [0, 0.5]"
    return SignalTask(f"narma{order}", u[BEFORE:, None], y[BEFORE + 1 :, None], (f"NARMA{order}",), about)


def _second(u: np.ndarray) -> np.ndarray:
    """y_0 … y_T of T symbols, each from the symbols before it."""
    y = np.zeros(len(u) + 1)
    for t in range(1, len(u)):
        y[t + 1] = 0.4 * y[t] + 0.4 * y[t] * y[t - 1] + 0.6 * u[t] ** 3 + 0.1
    return y


def _higher(u: np.ndarray, order: int) -> np.ndarray:
    y = np.zeros(len(u) + 1)
    for t in range(order - 1, len(u)):
        y[t + 1] = 0.3 * y[t] + 0.05 * y[t] * y[t - order + 1 : t + 1].sum() + 1.5 * u[t - order + 1] * u[t] + 0.1
        if abs(y[t + 1]) > LARGEST:
            return y
    return y
