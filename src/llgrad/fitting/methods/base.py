"""What every method of a fit takes and gives."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import numpy as np

from llgrad.fitting.problem import Problem

Progress = Callable[[dict[str, Any]], None]


class Begin(NamedTuple):
    """Where S searches begin."""

    u: np.ndarray
    """Unbounded parameters (S, p)."""
    m0: np.ndarray
    """Reference starting states (S, R, 3)."""
    horizon: float | None = None
    """Window [s] on which these were found to fit, where they come from a screening."""
    near: tuple[Any, ...] | None = None
    """Orbits to begin from, of each recording, (S, …); None takes the problem's own."""

    @property
    def size(self) -> int:
        """Number of starts, S."""
        return len(self.u)


class MethodEnd(NamedTuple):
    """Where a method ended, for each of S starts."""

    u: np.ndarray
    """Unbounded parameters (S, p)."""
    m0: np.ndarray
    """Reference starting states (S, R, 3)."""
    cost: np.ndarray
    """Σr² over the whole traces (S,); infinite where the run could not be simulated."""
    converged: np.ndarray
    """Whether the method's own criterion was met (S,)."""
    interrupted: str
    """Why the search was ended before its end ("interrupted", "out of time"), or empty."""
    near: tuple[Any, ...] | None = None
    """The orbits there, of each recording, (S, …)."""


class Method(eqx.Module):
    """A way to solve a fit. Methods are frozen values: `LevenbergMarquardt()`, `GradientDescent(steps=500)`."""

    from_slopes: ClassVar[bool] = False
    """Whether a fit begins, by default, at the values that fit the recorded slopes too."""

    @abc.abstractmethod
    def search(self, problem: Problem, begin: Begin, log: Log) -> MethodEnd:
        """Search from each of the starts."""


class Stopped(Exception):
    """A search is to end now, with the best that it has."""


class Log:
    """The history of a fit, the count of its simulations, who is told of its progress, and when it has to end."""

    def __init__(self, progress: Progress | None = None, out_of_time: Callable[[], bool] = lambda: False):
        self.history: list[dict[str, Any]] = []
        self.simulations = 0
        self.progress = progress
        self.out_of_time = out_of_time
        self.stopped = ""
        """Why the fit was ended before its end ("interrupted", "out of time"), or empty."""
        self.known: dict[tuple[Any, ...], Any] = {}
        """The orbits that were looked for already."""

    def count(self, runs: int, tangents: int = 0) -> None:
        """Count simulations, each tangent as one."""
        self.simulations += runs * (1 + tangents)

    def note(self, fraction: float, *, stage: str, iteration: int, cost: float) -> None:
        """Add an entry, tell the progress callback, and raise Stopped where the time is over."""
        entry = {"stage": stage, "iteration": iteration, "cost": cost}
        self.history.append(entry)
        if self.progress is not None:
            self.progress({**entry, "fraction": min(fraction, 1.0)})
        self.check()

    def check(self) -> None:
        """Raise Stopped where the fit was interrupted, in whatever part of it, or its time is over."""
        if not self.stopped and self.out_of_time():
            self.stopped = "out of time"
        if self.stopped:
            raise Stopped

    @contextlib.contextmanager
    def stoppable(self) -> Iterator[None]:
        """A part of a fit that Ctrl-C and the time limit end; `stopped` says so, and later parts end at once."""
        try:
            yield
        except KeyboardInterrupt:
            self.stopped = "interrupted"
        except Stopped:
            return
