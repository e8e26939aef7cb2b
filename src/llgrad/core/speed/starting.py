"""Whether JAX starts on what JAX_PLATFORMS names: its own words, where it does not, may be none at all."""

from __future__ import annotations

import os

import jax


class NoPlatform(RuntimeError):
    """JAX does not start on what JAX_PLATFORMS names, so that nothing can be computed."""


def platform_fault() -> str:
    """Why JAX does not start on what JAX_PLATFORMS names, in a sentence; empty where it does, or may choose."""
    chosen = os.environ.get("JAX_PLATFORMS")
    if not chosen:
        return ""
    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:  # the second, without a word, for cuda without its plug-in
        said = str(error).partition(" (set JAX_PLATFORMS")[0].partition("\n")[0] or "it finds no such device"
        return f"JAX does not start with JAX_PLATFORMS = {chosen}: {said}; unset it, or set it to cpu"
    return ""


def check_platform() -> None:
    """Raise NoPlatform where JAX does not start on what JAX_PLATFORMS names."""
    if fault := platform_fault():
        raise NoPlatform(fault)
