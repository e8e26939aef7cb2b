"""Texts of generated loops: their operands, their random numbers, their indentation."""

from __future__ import annotations

import textwrap
from typing import Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.random import normals
from llgrad.kernels.expression.source import Source
from llgrad.kernels.machine.ffi import HEADER

LIMIT: Final = 0.1
"""Largest relative change of |m|² by a step before the projection; beyond it the step is too coarse."""
NEVER: Final = 3e9
"""Larger than any step index: no bad step so far."""
ARGUMENTS: Final = ("key0", "key1", "lane", "step")


class Operands:
    """Places of operands and results in a block, by name, in the order in which the call passes them."""

    def __init__(self, names: list[str]) -> None:
        self.places = {name: HEADER + 2 * index for index, name in enumerate(names)}

    def pointer(self, name: str, kind: str) -> str:
        """Text of the typed pointer to an operand."""
        return f"as_{kind}(word(block, {self.places[name]}))"

    def stride(self, name: str) -> str:
        """Text of 0 for a value that all trajectories share, 1 for one of each."""
        return f"min(word(block, {self.places[name] + 1}) - 1, 1)"


def indent(lines: list[str], levels: int = 1) -> list[str]:
    """Lines, indented."""
    return textwrap.indent("\n".join(lines), "    " * levels).split("\n") if lines else []


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
