"""Memory of past symbols, and of their parity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llgrad.core.arguments.numbers import checked_count
from llgrad.reservoir.tasks.task import SignalTask, checked_delays, checked_length, delayed


def short_term_memory(
    length: int = 4000, delays: int | Sequence[int] = 20, seed: int = 0, binary: bool = True
) -> SignalTask:
    """The symbols of before: the target of delay d is u_{t−d}.

    Symbols are −1 or 1, as in experiments, or drawn evenly from −1 to 1 (`binary=False`). Its capacity is
    `memory_capacity`: the sum over d ≥ 1 of the squared correlation of target and answer.

    Args:
        length: symbols. delays: the largest delay, or a list of delays; 0 is the symbol that is shown itself.

    Source: H. Jaeger, GMD Report 152 (2001) (recalled).

    >>> task = short_term_memory(length=100, delays=[1, 2])
    >>> bool((task.target[2:, 1] == task.signal[:-2, 0]).all())
    True
    """
    u = _symbols(length, seed, binary)
    found = checked_delays(delays, length)
    targets = np.stack([delayed(u, d) for d in found], axis=1)
    return SignalTask("stm", u[:, None], targets, tuple(str(d) for d in found), "u(t − d)")


def parity(length: int = 4000, delays: int | Sequence[int] = 8, seed: int = 0) -> SignalTask:
    """The parity of the last symbols: the target of delay d is Π_{i=0}^{d} u_{t−i} of symbols −1 or 1.

    (Of bits 0, 1 it is Σ_{i=0}^{d} u_{t−i} mod 2.) Linear read-outs of a linear system have none of it. Its
    capacity is `memory_capacity`, the sum over d ≥ 1.

    Source: N. Bertschinger, T. Natschläger, Neural Comput. 16, 1413 (2004) (recalled); as a capacity of magnetic
    reservoirs T. Furuta et al., Phys. Rev. Applied 10, 034063 (2018) (recalled).

    >>> task = parity(length=100, delays=[1])
    >>> bool((task.target[1:, 0] == task.signal[1:, 0] * task.signal[:-1, 0]).all())
    True
    """
    u = _symbols(length, seed, True)
    found = checked_delays(delays, length)
    targets = np.stack([np.prod([delayed(u, i) for i in range(d + 1)], axis=0) for d in found], axis=1)
    return SignalTask("parity", u[:, None], targets, tuple(str(d) for d in found), "u(t) u(t − 1) … u(t − d)")


def _symbols(length: int, seed: int, binary: bool) -> np.ndarray:
    length = checked_length(length, 2)
    rng = np.random.default_rng(checked_count("seed", seed, 0))
    return rng.choice([-1.0, 1.0], length) if binary else rng.uniform(-1, 1, length)
