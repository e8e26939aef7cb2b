"""Programs that take longer to compile than to run.

XLA's optimisations are for long loops over large arrays. Where the loops are native kernels, and what is left are a few
numbers, they take four fifths of the time of a first call and win nothing.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, Final, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from llgrad.core.speed.starting import check_platform

Function = TypeVar("Function", bound=Callable[..., Any])
LIGHT: Final = {"xla_cpu_use_fusion_emitters": False, "xla_cpu_parallel_codegen_split_count": 1}
"""What has XLA compile in half the time, to programs as fast. A version of it need not have all of them."""
QUICK: Final = {**LIGHT, "xla_backend_optimization_level": 0}
"""What has it compile in a sixth, to programs of half the speed beside the kernels."""
_many: Final = ContextVar("many", default=False)


@contextlib.contextmanager
def for_many(many: bool = True) -> Iterator[None]:
    """In here programs work on so many values, or are called so often, that half the speed would be noticed."""
    before = _many.set(many)
    try:
        yield
    finally:
        _many.reset(before)


def quick_jit(function: Function, *, compiled: Callable[..., Any] = eqx.filter_jit) -> Function:
    """`equinox.filter_jit`, and for values that are known with as few of XLA's optimisations as it lets be chosen
    (see `for_many`).

    Inside of `jit`, `vmap` and derivatives it is a part of the program that is compiled there.

    Args:
        function: what is compiled.
        compiled: `jax.jit` where floats are no constants of the program.
    """
    whole = compiled(function)

    @functools.wraps(function)
    def called(*arguments: Any, **named: Any) -> Any:
        check_platform()
        traced = any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves((arguments, named)))
        return (whole if traced or _is_staging() else quick(settings_here()))(*arguments, **named)

    @functools.cache
    def quick(settings: tuple[tuple[str, Any], ...]) -> Any:
        return compiled(function, compiler_options=dict(settings)) if settings else whole

    return called  # type: ignore[return-value]


def _is_staging() -> bool:
    """Whether what is computed here of known values becomes a part of a program."""
    return isinstance(jnp.asarray(np.zeros(())), Tracer)


def settings_here(often: bool = False) -> tuple[tuple[str, Any], ...]:
    """Those settings that serve where JAX computes: none on a GPU. `often` is as in `for_many`."""
    chosen: Any = jax.config.jax_default_device  # type: ignore[attr-defined]
    platform = chosen if isinstance(chosen, str) else jax.default_backend() if chosen is None else chosen.platform
    return _known(often or _many.get()) if platform == "cpu" else ()


@functools.cache
def _known(many: bool) -> tuple[tuple[str, Any], ...]:
    """Those that this version of XLA has: it refuses to compile with one that it does not know."""
    settings = LIGHT if many else QUICK
    if _compiles(settings):
        return tuple(settings.items())
    return tuple((name, value) for name, value in settings.items() if _compiles({name: value}))


def _compiles(settings: dict[str, Any]) -> bool:
    try:
        jax.jit(lambda x: x, compiler_options=settings)(jnp.zeros(()))
    except jax.errors.JaxRuntimeError:
        return False
    return True
