"""Threads that help with one call."""

from __future__ import annotations

from typing import Final

from numba import njit

from llgrad.kernels.machine.ffi import REFERENCES, leave, pool_size, schedule
from llgrad.kernels.machine.runtime import INLINE, fetch_add

MEMORY: Final = 10
"""Word of a block: address of the workspace that all threads of a call share."""
OPEN: Final = 11
"""Word of a block: the open phase, times `PARTS`, and a bit for each of its parts that has been taken."""
PARTS: Final = 256
"""States of the parts of a phase: there are at most eight."""
PATIENCE: Final = 2000
"""Looks at the block before a thread that waits for others gives way to them."""
WORTH_SHARING: Final = 30_000
"""Fewer steps of an oscillator than this (about a hundred microseconds) are not worth waking another thread."""


@njit(**INLINE)
def call_help(frame: int, task: int, block: int, items: int, work: int) -> None:
    """Ask the other threads of XLA's pool to help, where there is enough to do."""
    if work < WORTH_SHARING:
        return
    for _ in range(min(pool_size(frame), items) - 1):
        fetch_add(block + 8 * REFERENCES, 1)
        if not schedule(frame, task, block):
            leave(block)


@njit(**INLINE)
def nearest_free(taken: int, last: int, parts: int, upwards: int) -> int:
    """The part nearest to the `last` one whose bit is not in `taken`; of two the lower one, or the upper one."""
    for distance in range(parts):
        near, far = (last + distance, last - distance) if upwards else (last - distance, last + distance)
        if 0 <= near < parts and not (taken >> near) & 1:
            return near
        if 0 <= far < parts and not (taken >> far) & 1:
            return far
    return last
