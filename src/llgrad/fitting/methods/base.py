"""What every method of a fit takes and gives."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np

from llgrad.fitting.problem import Problem

Progress = Callable[[dict[str, Any]], None]


class Search(NamedTuple):
    """Where a method ended, for each of S starts."""

    u: np.ndarray
    """Unbounded parameters (S, p)."""
    cost: np.ndarray
    """Σr² over the whole trace (S,); infinite where the run could not be simulated."""
    converged: np.ndarray
    """Whether the method's own criterion was met (S,)."""
    history: list[dict[str, Any]]
    """One entry an iteration: stage, iteration, cost (of the best start)."""
    simulations: int
    """Simulations of the trace, each tangent counted as one."""


class Method(eqx.Module):
    """A way to solve a fit. Methods are frozen values: `LevenbergMarquardt()`, `GradientDescent(steps=500)`."""

    @abc.abstractmethod
    def search(self, problem: Problem, u: np.ndarray, progress: Progress | None) -> Search:
        """Search from each of the starts u (S, p)."""


def note(history: list[dict[str, Any]], progress: Progress | None, fraction: float, **entry: Any) -> None:
    """Add an entry to the history and tell the progress callback."""
    history.append(entry)
    if progress is not None:
        progress({**entry, "fraction": fraction})
