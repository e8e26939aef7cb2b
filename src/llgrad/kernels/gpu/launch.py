"""A kernel's launch, as XLA's own call of PTX: operands and results are the parameters of the kernel, in this order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.kernels.gpu.thread import NAME

CALL: Final = "__gpu$xla.gpu.ptx"
"""XLA's name for it. It is not public: `probe` looks whether it is there."""
BLOCK: Final = 32
"""Threads that share a processor of the card: few, so that four thousand trajectories reach every one."""
LARGEST: Final = 2**31 - 1


def whole_blocks(threads: int) -> int:
    """So many threads, and those that fill up the last block."""
    return -(-threads // BLOCK) * BLOCK


def launch(
    text: str, counts: Sequence[int], operands: Sequence[Any], results: Sequence[Any], threads: int
) -> list[Any]:
    """The results of a kernel, of so many threads at least; `counts` are those of `thread.COUNTS`."""
    sizes = [len(counts) + 1 + len(operands) + len(results), *(math.prod(a.shape) for a in (*operands, *results))]
    numbers = jnp.asarray([min(value, LARGEST) for value in (*counts, *sizes)], jnp.int32)
    grid, places = (whole_blocks(threads) // BLOCK, 1, 1), range(1 + len(operands), 1 + len(operands) + len(results))
    along = {f"grid_{axis}": np.int32(size) for axis, size in zip("xyz", grid, strict=True)}
    along |= {f"block_{axis}": np.int32(size) for axis, size in zip("xyz", (BLOCK, 1, 1), strict=True)}
    call: Any = jax.ffi.ffi_call(CALL, [jax.ShapeDtypeStruct(result.shape, result.dtype) for result in results])
    return call(
        numbers,
        *operands,
        name=NAME,
        kernel_type="ptx",
        kernel_data=text,
        shared_mem_bytes=np.int32(0),
        output_indices=tuple(np.int32(place) for place in places),
        **along,
    )
