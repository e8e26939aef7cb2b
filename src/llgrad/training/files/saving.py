"""A file of a run that cannot be written: one sentence that says what is kept and how to go on."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator


@contextlib.contextmanager
def saving(path: pathlib.Path) -> Iterator[None]:
    """Whatever the file system says inside the block becomes a sentence. A file that was there before is still whole.

    Raises OSError.
    """
    try:
        yield
    except OSError as error:
        kept = f"the {path.name} before it is kept; " if path.exists() else ""
        raise OSError(
            f"{path} could not be written: {error.strerror or error}; {kept}make room, then resume the run"
        ) from None
