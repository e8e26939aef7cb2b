"""Source of the random numbers of `core/random.py`, with logarithm, sine and cosine that LLVM can vectorise."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.random import normals
from llgrad.kernels.expression.source import Source

ARGUMENTS = ("key0", "key1", "lane", "step")


def noise_source(source: Source) -> str:
    """A function (key0, key1, lane, step) → three normal numbers: the very jaxpr that the XLA engine runs."""
    word = jax.ShapeDtypeStruct((), np.uint32)
    dtype = source.dtype

    def three(key0: jax.Array, key1: jax.Array, lane: jax.Array, step: jax.Array) -> tuple[jax.Array, ...]:
        numbers = normals(key0, key1, lane, step, jnp.dtype(dtype))
        return numbers.x, numbers.y, numbers.z

    fast = {"log": "fast_log({0})", "sin": "fast_sin({0})", "cos": "fast_cos({0})"}
    inner = Source(dtype, {name: text.replace("(", f"_{dtype.name}(") for name, text in fast.items()})
    inner.constants = source.constants
    return inner.function("normals", jax.make_jaxpr(three)(*[word] * 4), ARGUMENTS)
