"""One formula for both: NumPy does the arithmetic of numbers that are known, JAX that of numbers that are traced.

JAX compiles each operation on known numbers when it meets it first, which takes a thousand times as long as NumPy needs
for it. A formula that is wanted once for a run takes its functions from `namespace`, and is differentiable still.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer


def namespace(*trees: Any) -> Any:
    """`jax.numpy` where a leaf of the trees is traced, by `jit`, `vmap` or a derivative; else `numpy`.

    >>> namespace(jnp.ones(3), 1.0).__name__
    'numpy'
    >>> jax.eval_shape(lambda x: x + len(namespace(x).__name__), 1.0).shape, jax.grad(lambda x: x**2)(1.0).shape
    ((), ())
    """
    return jnp if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(trees)) else np


def known(tree: Any) -> Any:
    """A tree of known arrays, as NumPy's, in the types in which JAX would compute."""
    return jax.tree.map(lambda leaf: np.asarray(leaf, jax.dtypes.canonicalize_dtype(leaf.dtype)), tree)


def fixed(tree: Any) -> Any:
    """The values of a tree, which derivatives do not see: known under `grad`, traced under `jit` and `vmap`."""
    return jax.tree.map(lambda leaf: jax.lax.stop_gradient(leaf) if isinstance(leaf, Tracer) else leaf, tree)


def repeated(xp: Any, count: int, body: Callable[[Any, Any], Any], state: Any) -> Any:
    """`state = body(i, state)` for i = 0 … count − 1."""
    if xp is not np:
        return jax.lax.fori_loop(0, count, body, state)
    for i in range(count):
        state = body(i, state)
    return state
