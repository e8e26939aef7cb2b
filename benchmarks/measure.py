"""Timing: candidates take turns, so that a machine whose speed drifts is fair to all; medians are compared."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax


def paired(
    candidates: dict[str, Callable[[], Any]], repeats: int = 7, least: float = 0.02, rest: float = 0.0
) -> dict[str, float]:
    """Median seconds of one call of each candidate, called in turns; short calls are looped to `least` seconds.

    `rest` seconds pass before each turn: the threads of some libraries go on spinning after a call, on cores that the
    next candidate would use.
    """
    loops = {}
    for name, call in candidates.items():
        jax.block_until_ready(call())
        began = time.perf_counter()
        jax.block_until_ready(call())
        loops[name] = max(1, int(least / max(time.perf_counter() - began, 1e-7)))
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(repeats):
        for name, call in candidates.items():
            time.sleep(rest)
            began = time.perf_counter()
            for _ in range(loops[name]):
                jax.block_until_ready(call())
            times[name].append((time.perf_counter() - began) / loops[name])
    return {name: statistics.median(values) for name, values in times.items()}


class cores:
    """Run the block on the first `count` of the processors that this process may use."""

    def __init__(self, count: int):
        self.count = count

    def __enter__(self) -> None:
        self.before = os.sched_getaffinity(0)
        chosen = set(sorted(self.before)[: self.count])
        for thread in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(thread), chosen)

    def __exit__(self, *_: object) -> None:
        for thread in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(thread), self.before)
