"""How a command has JAX work: on the processors where they are faster, and with its compiled programs kept."""

from __future__ import annotations

import os
from typing import Final

import jax

ENOUGH: Final = 1000
"""Trajectories for each processor from which on a GPU is worth its start: a step of them all takes a processor about
6 µs, a GPU 0.5 µs to 1 µs, but JAX needs some seconds to come up on it."""


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def prefer_processors() -> None:
    """Have JAX work on the processors; not where the user has chosen by JAX_PLATFORMS.

    A run of few oscillators is a loop of thousands of short steps: a processor takes 0.1 µs for one, a thread of a GPU
    0.5 µs.
    """
    if not jax.config.jax_platforms:  # type: ignore[attr-defined]
        jax.config.update("jax_platforms", "cpu")


def prefer_gpu_for(trajectories: int) -> None:
    """Take that back, so that JAX works on the GPU where it finds one, for so many trajectories at once that it pays;
    not where the user has chosen by JAX_PLATFORMS.
    """
    if trajectories >= ENOUGH * cores() and not os.environ.get("JAX_PLATFORMS"):
        jax.config.update("jax_platforms", None)


def keep_compiled() -> None:
    """XLA's compiled programs are kept between commands, beside the native kernels: a second command starts fast.

    Turn JAX's own compilation cache on, in the folder of llgrad's kernels; not where the user has set one.

    A folder that cannot be made or written is left out in silence: the command only takes a little longer.
    """
    settings = jax.config.values
    if settings["jax_compilation_cache_dir"] is not None or not settings["jax_enable_compilation_cache"]:
        return
    from llgrad.kernels.machine.cache import folder

    target = folder() / "xla"
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return
    if os.access(target, os.W_OK):
        jax.config.update("jax_compilation_cache_dir", str(target))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
