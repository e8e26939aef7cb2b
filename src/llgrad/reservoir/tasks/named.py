"""The tasks by name: the one table that the command and the benchmarks share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from llgrad.reservoir.tasks.memory import parity, short_term_memory
from llgrad.reservoir.tasks.narma import narma
from llgrad.reservoir.tasks.task import SignalTask
from llgrad.reservoir.tasks.waves import mackey_glass, sine_square

TASKS: Final[dict[str, Callable[..., SignalTask]]] = {
    "narma2": partial(narma, 2),
    "narma5": partial(narma, 5),
    "narma10": partial(narma, 10),
    "stm": short_term_memory,
    "parity": parity,
    "mackey-glass": mackey_glass,
    "sine-square": sine_square,
}


def task_of(name: str, length: int, seed: int = 0) -> SignalTask:
    """A task of this name. Raises ValueError for another one, with those that there are.

    >>> task_of("narma5", 100).name
    'narma5'
    """
    if name not in TASKS:
        raise ValueError(f"task {name!r}: expected one of {', '.join(TASKS)}")
    return TASKS[name](length=length, seed=seed)
