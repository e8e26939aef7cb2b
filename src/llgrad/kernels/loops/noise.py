"""The random numbers of `core/random.py` in a kernel: the very jaxpr that the XLA engine runs, with logarithm, sine and
cosine for just the arguments that it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.random import many_normals
from llgrad.kernels.builder import uniform
from llgrad.kernels.builder.arithmetic import Arithmetic
from llgrad.kernels.builder.expression import write
from llgrad.kernels.expression.translate import graph_of

_WORDS: Final = ("key0", "key1", "lane", "step")
_FAST: Final = {"log": uniform.log, "sin": uniform.sin, "cos": uniform.cos}


def normal_numbers(on: Arithmetic, words: Sequence[Any], count: int) -> list[Any]:
    """`count` normal numbers from (key0, key1, lane, step), whole numbers of 32 bits in every lane."""

    def numbers(key0: jax.Array, key1: jax.Array, lane: jax.Array, step: jax.Array) -> list[jax.Array]:
        return many_normals(key0, key1, lane, step, jnp.dtype(on.dtype), count)

    closed = jax.make_jaxpr(numbers)(*[jax.ShapeDtypeStruct((), np.uint32)] * 4)
    graph, inputs, outputs = graph_of(closed, _WORDS)
    return write(on, graph, dict(zip(inputs, words, strict=True)), outputs, _FAST)
