"""The door by which a user came: an advice names an argument in Python, and an option on the command line."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final

_COMMAND: Final = ContextVar("command", default=False)


@contextlib.contextmanager
def command_line() -> Iterator[None]:
    """In this block, and in threads that take its context along, advice is for the command line."""
    token = _COMMAND.set(True)
    try:
        yield
    finally:
        _COMMAND.reset(token)


def by_door(python: str, command: str) -> str:
    """The advice in the terms of the door by which the user came.

    >>> by_door("segment=1e-9", "--segment 1ns")
    'segment=1e-9'
    >>> with command_line():
    ...     by_door("segment=1e-9", "--segment 1ns")
    '--segment 1ns'
    """
    return command if _COMMAND.get() else python
