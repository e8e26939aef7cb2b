"""Programs that take longer to compile than to run.

XLA's optimisations are for long loops over large arrays. Where the loops are native kernels, and what is left are a few
numbers, they take four fifths of the time of a first call and win nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

Function = TypeVar("Function", bound=Callable[..., Any])
QUICK: Final = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
}
"""What has XLA compile quickly. A version of it need not have all of them."""


def quick_jit(function: Function) -> Function:
    """`equinox.filter_jit`, and for values that are known with as few of XLA's optimisations as it lets be chosen.

    Inside of `jit`, `vmap` and derivatives it is a part of the program that is compiled there.
    """
    whole = eqx.filter_jit(function)

    @functools.wraps(function)
    def called(*arguments: Any, **named: Any) -> Any:
        traced = any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves((arguments, named)))
        return (whole if traced or _is_staging() else quick(_settings()))(*arguments, **named)

    @functools.cache
    def quick(settings: tuple[tuple[str, Any], ...]) -> Any:
        options: Any = {"compiler_options": dict(settings)}
        return eqx.filter_jit(function, **options) if settings else whole

    return called  # type: ignore[return-value]


def _is_staging() -> bool:
    """Whether what is computed here of known values becomes a part of a program."""
    return isinstance(jnp.asarray(np.zeros(())), Tracer)


def _settings() -> tuple[tuple[str, Any], ...]:
    """Those of `QUICK` that serve where JAX computes: none on a GPU."""
    chosen: Any = jax.config.jax_default_device  # type: ignore[attr-defined]
    platform = chosen if isinstance(chosen, str) else jax.default_backend() if chosen is None else chosen.platform
    return _known() if platform == "cpu" else ()


@functools.cache
def _known() -> tuple[tuple[str, Any], ...]:
    """Those of `QUICK` that this version of XLA has: it refuses to compile with one that it does not know."""
    if _compiles(QUICK):
        return tuple(QUICK.items())
    return tuple((name, value) for name, value in QUICK.items() if _compiles({name: value}))


def _compiles(settings: dict[str, Any]) -> bool:
    try:
        jax.jit(lambda x: x, compiler_options=settings)(jnp.zeros(()))
    except jax.errors.JaxRuntimeError:
        return False
    return True
