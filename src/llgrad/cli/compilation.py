"""How a command has JAX work: on the processors unless told otherwise, and with its compiled programs kept."""

from __future__ import annotations

import os

import jax


def prefer_processors() -> None:
    """Have JAX work on the processors; not where the user has chosen by JAX_PLATFORMS.

    A run of few oscillators is a loop of thousands of short steps: the native engine takes 0.1 µs for one, a GPU 12 µs
    to 34 µs, for it is started anew for each.
    """
    if not jax.config.jax_platforms:  # type: ignore[attr-defined]
        jax.config.update("jax_platforms", "cpu")


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
