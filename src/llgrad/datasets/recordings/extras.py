"""Libraries that are no part of llgrad, and are needed for files of one kind."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from llgrad.datasets.recordings.recording import Unreadable


def needed(module: str, extra: str, path: Path | str, done: str = "read") -> None:
    """Raise Unreadable, in a sentence that says what to install, where a library is not there."""
    if importlib.util.find_spec(module) is None:
        raise Unreadable(
            f"{path} is {done} by {module}, which is not installed; install it, as in pip install 'llgrad[{extra}]'"
        )
