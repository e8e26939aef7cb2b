"""Where the searches begin."""

from __future__ import annotations

from typing import Any, Final

import equinox as eqx
import jax
import numpy as np

from llgrad.core.arguments.numbers import checked_count, checked_size
from llgrad.core.record import as_count, as_number
from llgrad.fitting.problem import Problem

SPREAD: Final = 0.5


class Starts(eqx.Module):
    """`count` starts: the given one, and others drawn evenly within ±`spread` of it, inside the bounds.

    The spread is relative to the given value; to the size of a change that matters (`Bound.reach`) where that is zero.

    >>> import llgrad as lg
    >>> starts = lg.fitting.Starts(count=4, spread=0.2)  # lg.fit(…, starts=starts, key=jax.random.key(0))
    >>> starts.count, starts.spread
    (4, 0.2)
    """

    count: int = eqx.field(static=True, default=1, converter=as_count)
    spread: float = eqx.field(static=True, default=SPREAD, converter=as_number)

    def __check_init__(self) -> None:
        checked_count("the count of Starts", self.count, 1)
        checked_size("the relative spread of Starts", self.spread, 10.0)
        if self.count == 1 and self.spread != SPREAD:
            raise ValueError(
                f"Starts(spread={self.spread}): one start is the given one, and nothing is spread; give a count too"
            )


def draw_starts(problem: Problem, values: np.ndarray, starts: Starts, key: Any) -> np.ndarray:
    """Unbounded starting parameters (S, p); the first row is the given start. `key` is needed for more than one.

    Tilts of the starting state begin at zero.
    """
    if starts.count > 1 and key is None:
        raise ValueError(f"{starts.count} starts are drawn at random; give key=jax.random.key(0)")
    rows = [values]
    if starts.count > 1:
        unit = np.asarray(
            jax.random.uniform(key, (starts.count - 1, len(values)), minval=-1.0, maxval=1.0), dtype=float
        )
        rows += list(values + starts.spread * reaches(problem, values) * unit)
    return np.array(
        [
            [_inside(bound, v, values[i]) for i, (bound, v) in enumerate(zip(problem.bounds, row, strict=True))]
            for row in rows
        ]
    )


def reaches(problem: Problem, values: np.ndarray) -> np.ndarray:
    """How far [SI] each parameter (p,) may be from its start; the spread of starts and grids is relative to it."""
    return np.array([bound.reach(float(value)) for bound, value in zip(problem.bounds, values, strict=True)])


def _inside(bound: Any, value: float, fallback: float) -> float:
    """The unbounded number of a drawn value, drawn half-way back to the start until it lies inside the bound."""
    while not bound.contains(value):
        value = (value + fallback) / 2
    return bound.free(float(value))
