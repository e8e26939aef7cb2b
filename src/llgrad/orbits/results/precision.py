"""Which float type the results of orbits are computed in."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from llgrad.core.speed.namespace import fixed
from llgrad.solve.step_size import is_traced

Method = TypeVar("Method", bound=Callable[..., Any])


@contextlib.contextmanager
def working(*trees: Any) -> Iterator[None]:
    """Float64 for values that are known and not differentiated, else JAX's default, in which it goes back through what
    was computed; promotion and ranks as JAX has them by itself."""
    double = jax.config.jax_enable_x64 if is_traced(trees) else True  # type: ignore[attr-defined]
    with jax.enable_x64(double), jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def searching(*trees: Any) -> Any:
    """`working`, for what of the trees derivatives do not see."""
    return working(fixed(trees))


def in_default(tree: Any) -> Any:
    """A tree whose floats have JAX's default type."""
    dtype = jnp.result_type(float)
    return jax.tree.map(
        lambda leaf: jnp.asarray(leaf, dtype) if jnp.issubdtype(jnp.result_type(leaf), jnp.floating) else leaf, tree
    )


def _as_numpy(leaf: Any) -> Any:
    """A known number or array as one of NumPy, which keeps its 64 bits whatever JAX is set to."""
    return leaf if isinstance(leaf, Tracer) or not isinstance(leaf, jax.Array) else np.asarray(leaf)[()]


def precise(method: Method) -> Method:
    """A method that computes in the float type of what it belongs to."""

    @functools.wraps(method)
    def wrapped(self: Any, *arguments: Any, **options: Any) -> Any:
        with working(self):
            return jax.tree.map(_as_numpy, method(self, *arguments, **options))

    return wrapped  # type: ignore[return-value]
