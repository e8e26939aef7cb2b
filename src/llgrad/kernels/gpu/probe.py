"""Whether XLA's call of PTX, which is no public interface, is there and works: one thread is run to see."""

from __future__ import annotations

import functools
from typing import Any, Final

import jax
import numpy as np
from llvmlite import ir

from llgrad.kernels.builder.code import Code, Word
from llgrad.kernels.builder.handler import Block
from llgrad.kernels.gpu.launch import launch
from llgrad.kernels.gpu.thread import thread_module
from llgrad.kernels.machine import ffi
from llgrad.kernels.machine.nvptx import ptx_of

SHARE: Final = 4
"""One part in so many of a card's memory is for the states that a gradient keeps, and as much for what it takes again.
"""
UNKNOWN: Final = 2**32
"""Bytes of memory of a card that does not say how much it has."""


def reason_against(device: Any) -> str:
    """Why no kernel can be launched on a device; empty where one can."""
    return _reason_against(device)


@functools.lru_cache(maxsize=64)
def _reason_against(device: Any) -> str:
    try:
        given = np.arange(3, dtype=np.float32)
        with jax.ensure_compile_time_eval(), jax.default_device(device):
            found = np.asarray(jax.jit(_doubled)(jax.device_put(given, device)))
    except Exception as problem:  # a call that XLA does not know, a driver that refuses the text, …
        lines = str(problem).strip().splitlines() or [""]
        return f"XLA launches no PTX on {device.device_kind} ({type(problem).__name__}: {lines[0]})"
    if not np.array_equal(found, 2 * given):
        return f"a kernel of PTX on {device.device_kind} gave {found.tolist()} instead of {(2 * given).tolist()}"
    return ""


def memory(device: Any) -> int:
    """Bytes that the states which a gradient keeps may take on a device."""
    told = device.memory_stats() or {}
    return int(told.get("bytes_limit", UNKNOWN)) // SHARE


def _doubled(values: Any) -> Any:
    """Twice some numbers, by a kernel that is written as every pass is."""

    def item(code: Code, block: Block, index: Word) -> None:
        given, made = (block.word(ffi.HEADER + 2 * place) for place in (1, 2))
        value = code.load(given, ir.FloatType(), index)
        code.store(code.builder.fadd(value, value), made, index)

    text = ptx_of(str(thread_module(item, 3, "probe"))).decode()
    return launch(text, [1, 1, 1, values.size, values.size], [values], [values], values.size)[0]
