"""Stopping between two steps: Ctrl-C and a time limit end a run when its state is whole."""

from __future__ import annotations

import contextlib
import enum
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

from llgrad.core.status import SimulationError


class Ending(enum.StrEnum):
    """How a run came to its end."""

    finished = "finished"
    interrupted = "interrupted"
    out_of_time = "out of time"
    failed = "failed"


class TrainingError(SimulationError):
    """Training that could not go on; its text says where and what to do. What was reached is saved.

    >>> import llgrad as lg
    >>> issubclass(lg.training.TrainingError, RuntimeError)
    True
    """


class Stop:
    """Asked between two steps whether to go on."""

    def __init__(self, time_limit: float | None = None):
        self._began = time.monotonic()
        self._limit = time_limit
        self._asked = False
        self.heard = False
        """Whether Ctrl-C or SIGTERM asked, and not the program."""

    def ask(self) -> None:
        """Stop after the step that is running."""
        self._asked = True

    @property
    def ending(self) -> Ending | None:
        """Why to stop now, or None to go on."""
        if self._asked:
            return Ending.interrupted
        late = self._limit is not None and time.monotonic() - self._began >= self._limit
        return Ending.out_of_time if late else None

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """While the block runs, Ctrl-C and SIGTERM ask to stop; a second one interrupts at once.

        Only the main thread of a process hears signals; in another one this does nothing.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def hear(number: int, frame: Any) -> None:
            if self._asked:
                raise KeyboardInterrupt
            self.heard = True
            self.ask()

        before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
