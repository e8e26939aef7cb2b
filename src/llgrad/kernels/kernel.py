"""Kernels by what they compute: each is generated, compiled or read from the cache, and registered with XLA once."""

from __future__ import annotations

import functools
import hashlib
import os
import threading
from collections.abc import Callable
from typing import Any, Final

import jax
import numpy as np

from llgrad.kernels.expression.listing import formulas
from llgrad.kernels.expression.program import Program
from llgrad.kernels.loops.adjoint import adjoint_module
from llgrad.kernels.loops.forward import forward_module
from llgrad.kernels.loops.step import Scheme
from llgrad.kernels.loops.tangent import tangent_module
from llgrad.kernels.loops.tile import NARROW
from llgrad.kernels.machine import cache, llvm
from llgrad.kernels.machine.ffi import HANDLER

REGISTERS: Final = 4
"""Vector registers for each quantity of a wide tile: one's latency hides behind the others. With two a run of many
trajectories of a small equation takes up to a sixth longer, with six or eight half as long again. A derivative has so
many quantities at once that half the registers do better: the gradient of 4,096 stacks of two layers by 39 numbers took
144 ns a step with four and 94 with two, that of an oscillator by 3 numbers 22.4 and 21.5; three tangents 3.9 and 3.7
times the forward pass; a gradient's change 19 and 9 times.
"""
_KEPT: Final[dict[str, Any]] = {}
"""Handlers must outlive their registration, which is for the rest of the process."""


_LOCK: Final = threading.RLock()


def width_for(lanes: int, dtype: str, registers: int = REGISTERS) -> int:
    """Trajectories side by side in a tile, for a run of so many: one, or a power of two up to so many registers."""
    if lanes == 1:
        return 1
    most = registers * llvm.register_bytes() // np.dtype(dtype).itemsize
    return min(most, max(NARROW, 1 << (lanes - 1).bit_length()))


@functools.lru_cache(maxsize=512)
def forward_kernel(scheme: Scheme, keep: bool) -> str:
    """Name of the FFI target of a forward pass; its PTX, of a scheme for a GPU."""
    return target("kept" if keep else "forward", scheme, forward_module, keep)


@functools.lru_cache(maxsize=512)
def adjoint_kernel(scheme: Scheme, wanted: tuple[str, ...], taped: bool) -> str:
    """Name of the FFI target of an adjoint pass; its PTX, of a scheme for a GPU."""
    return target("adjoint", scheme, adjoint_module, wanted, taped)


@functools.lru_cache(maxsize=512)
def tangent_kernel(scheme: Scheme, wanted: tuple[str, ...], directions: int) -> str:
    """Name of the FFI target of a tangent pass; its PTX, of a scheme for a GPU."""
    return target("tangent", scheme, tangent_module, wanted, directions)


def target(kind: str, scheme: Any, write: Callable[..., Any], *options: Any) -> str:
    """Name of the FFI target of the module that `write` (scheme, options…) gives; its PTX, of a scheme for a GPU."""
    key = f"{kind} {options}\n{scheme}"
    if getattr(scheme, "card", False):
        return cache.ptx(key, kind, lambda: write(scheme, *options), lambda: _equation(scheme.program))
    return _registered(
        key, kind, lambda: cache.load(key, kind, lambda: write(scheme, *options), lambda: _equation(scheme.program))
    )


def _equation(program: Program) -> str:
    """The slope of a program for a reader: straight-line formulas."""
    names = program.arguments
    return f"slope({', '.join(names)}):\n{formulas(program.trace(program.function), names)}"


def _registered(key: str, kind: str, address: Callable[[], int]) -> str:
    name = f"llgrad_{kind}_{hashlib.sha256(key.encode()).hexdigest()[:20]}"
    with _LOCK:  # two threads may trace the same run at once
        if name not in _KEPT:
            handler = HANDLER(address())
            jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(handler), platform="cpu")
            _KEPT[name] = (handler, os.getpid())
    return name
