"""What the machine itself can do, measured in the run whose figures are compared with it: memory and products."""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from llvmlite import ir

from llgrad.kernels.builder.code import VOID, WORD, Code, Word
from llgrad.kernels.coupled.products import KernelProducts
from llgrad.kernels.machine import llvm

LANES = llvm.register_bytes() // 4
TILE = 2 * LANES
THREADS = ThreadPoolExecutor(len(os.sched_getaffinity(0)))


def on_all_cores(work: Callable[[Any], Any], parts: list[Any]) -> list[Any]:
    """Results of `work` on each part, a thread for each processor."""
    return list(THREADS.map(work, parts))


@numba.njit(nogil=True, fastmath=True)
def _sum(rows: np.ndarray) -> float:
    """Eight rows at once: one after the other reaches less of the memory's rate."""
    a = b = c = d = e = f = g = h = 0.0
    for first in range(0, rows.shape[0] - 7, 8):
        for index in range(rows.shape[1]):
            a += rows[first, index]
            b += rows[first + 1, index]
            c += rows[first + 2, index]
            d += rows[first + 3, index]
            e += rows[first + 4, index]
            f += rows[first + 5, index]
            g += rows[first + 6, index]
            h += rows[first + 7, index]
    return a + b + c + d + e + f + g + h


def read(matrix: np.ndarray) -> float:
    """Read a matrix, float64, all but up to seven rows in each part, on all cores; returns the sum of its elements."""
    return sum(on_all_cores(_sum, np.array_split(matrix, THREADS._max_workers)))


@functools.cache
def _products() -> Any:
    """(addresses of C, packed weights and X, rows, columns, repeats): C = W X, as the kernels of many samples do it
    stage by stage, on one tile.
    """
    module = ir.Module("products")
    function = ir.Function(module, ir.FunctionType(VOID, [WORD] * 6), "products")
    code = Code(ir.IRBuilder(function.append_basic_block("entry")))
    C, packed, X, rows, columns, repeats = (Word(code, argument) for argument in function.args)
    with code.loop(repeats):
        KernelProducts(code, "float32", LANES).product(C, packed, X, TILE, columns, code.word(0), rows, False)
    code.builder.ret_void()
    return ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 6)(llvm.link(llvm.object_of(str(module)), "products"))


def coupling_products(count: int, samples: int, repeats: int) -> Callable[[], Any]:
    """A call that multiplies weights (N, N) with states (N, B) `repeats` times, float32, as the kernels do."""
    rng = np.random.default_rng(0)
    packed = rng.normal(size=(count, count)).astype(np.float32)
    tiles = [
        (np.zeros((count, TILE), np.float32), rng.normal(size=(count, TILE)).astype(np.float32))
        for _ in range(samples // TILE)
    ]
    run = _products()

    def one(tile: tuple[np.ndarray, np.ndarray]) -> None:
        C, X = tile
        run(C.ctypes.data, packed.ctypes.data, X.ctypes.data, count, count, repeats)

    return lambda: on_all_cores(one, tiles)


def blas_products(rows: int, inner: int, columns: int, repeats: int) -> Callable[[], Any]:
    """A call that multiplies float32 matrices (rows, inner) and (inner, columns) `repeats` times by NumPy's BLAS."""
    rng = np.random.default_rng(0)
    A, X = (rng.normal(size=shape).astype(np.float32) for shape in ((rows, inner), (inner, columns)))
    out = np.empty((rows, columns), np.float32)

    def call() -> None:
        for _ in range(repeats):
            np.dot(A, X, out=out)

    return call
