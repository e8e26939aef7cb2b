"""Imports without garbage collections between them."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def without_collections() -> Iterator[None]:
    """In this block no garbage is collected on its own.

    What modules make as they are imported lives until the process ends, and is so much that Python looks through all
    of it, and through all of JAX, more than once: a quarter of the time of `import llgrad`.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
