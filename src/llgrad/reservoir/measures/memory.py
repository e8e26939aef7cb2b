"""Capacities of short-term memory and parity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.reservoir.estimator import WithReadout
from llgrad.reservoir.tasks.task import SignalTask, checked_cut


@dataclass(frozen=True)
class MemoryCapacity:
    """Squared correlations by delay, and their sum.

    >>> import llgrad as lg
    >>> task = lg.reservoir.short_term_memory(length=400, delays=10, seed=1)
    >>> found = lg.reservoir.memory_capacity(lg.reservoir.LinearTaps(taps=6, washout=10), task)
    >>> found.delays[:3], found.values[:3].round(2).tolist()
    ((0, 1, 2), [1.0, 1.0, 1.0])
    """

    name: str
    delays: tuple[int, ...]
    values: np.ndarray
    """r²(d) on symbols that the read-out was not fitted on."""

    @property
    def total(self) -> float:
        """Σ_{d ≥ 1} r²(d): what is shown now needs no memory."""
        return float(sum(value for delay, value in zip(self.delays, self.values, strict=True) if delay >= 1))

    def __repr__(self) -> str:
        return f"{self.name} capacity {self.total:.2f} (delays 1 to {max(self.delays)})"

    __str__ = __repr__

    def to_json(self) -> dict[str, Any]:
        """Numbers by name."""
        return {"name": self.name, "total": self.total, "delays": list(self.delays), "values": self.values}


def memory_capacity(reservoir: WithReadout, task: SignalTask, fraction: float = 0.5) -> MemoryCapacity:
    """The capacity of a task of `short_term_memory` or `parity`: C = Σ_{d ≥ 1} r²(d), with

        r²(d) = cov²(y_d, ŷ_d)/(var(y_d) var(ŷ_d))

    of target and answer, on the symbols after the first `fraction`, which the read-out is fitted on. r² of independent
    series is 1/T on average, so each delay adds about that by chance. The whole signal is run once: the washout is
    before the fitted part only.

    Source: H. Jaeger, GMD Report 152 (2001) (recalled).

    >>> from llgrad.reservoir import LinearTaps, short_term_memory
    >>> found = memory_capacity(LinearTaps(taps=6, washout=10), short_term_memory(length=400, delays=10, seed=1))
    >>> round(found.total, 1)
    5.0
    """
    check_kind("reservoir", reservoir, WithReadout, "give a Reservoir, EchoStateNetwork or LinearTaps")
    check_kind("task", task, SignalTask, "give what short_term_memory or parity makes")
    if not task.labels or not all(label.isdecimal() for label in task.labels):
        raise ValueError(
            f"the task {task.name!r} has no delays (its targets are {task.labels}), expected what short_term_memory or "
            "parity makes"
        )
    states = reservoir.states(task.signal)
    answer, wanted = answers(reservoir, states, task, fraction)
    return MemoryCapacity(task.name, tuple(int(one) for one in task.labels), correlations(answer, wanted))


def answers(
    reservoir: WithReadout, states: np.ndarray, task: SignalTask, fraction: float
) -> tuple[np.ndarray, np.ndarray]:
    """Answers and targets (T', Y) on the symbols after the first `fraction`, of a read-out fitted on those."""
    cut = checked_cut(fraction, len(task))
    reservoir.fit_states(states[:cut], task.target[:cut])
    return reservoir.readout_(states[cut:]), task.target[cut:]


def correlations(answer: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """r² (Y,) of the columns of answers and targets; 0 where an answer is constant."""
    a, b = answer - answer.mean(axis=0), wanted - wanted.mean(axis=0)
    product = (a**2).sum(axis=0) * (b**2).sum(axis=0)
    return np.where(product > 0, (a * b).sum(axis=0) ** 2 / np.where(product > 0, product, 1.0), 0.0)
