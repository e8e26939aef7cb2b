"""Which float type the results of orbits are computed in."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import jax

from llgrad.solve.step_size import is_traced

Method = TypeVar("Method", bound=Callable[..., Any])


def without_tangents(tree: Any) -> Any:
    """The values of a tree, which derivatives do not see: concrete under `grad`, traced under `jit` and `vmap`."""
    return jax.tree.map(lambda leaf: jax.lax.stop_gradient(leaf) if is_traced(leaf) else leaf, tree)


@contextlib.contextmanager
def working(*trees: Any) -> Iterator[None]:
    """Float64 for values that are known, else JAX's default; promotion and ranks as JAX has them by itself."""
    double = jax.config.jax_enable_x64 if is_traced(without_tangents(trees)) else True  # type: ignore[attr-defined]
    with jax.enable_x64(double), jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def precise(method: Method) -> Method:
    """A method that computes in the float type of what it belongs to."""

    @functools.wraps(method)
    def wrapped(self: Any, *arguments: Any, **options: Any) -> Any:
        with working(self):
            return method(self, *arguments, **options)

    return wrapped  # type: ignore[return-value]
