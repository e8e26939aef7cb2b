"""The frame of a generated file: imports, constants, functions, and the handler that XLA calls.

With many samples the items are tiles, or runs of tiles, which threads take one after the other; a small single array
is one item. A large one (`shared`) is one tile whose rows are shared out: every stage is a *phase* of `blocks`
tickets, and the caller opens the next phase when all tickets of the last are done. A thread takes a ticket only of an
open phase and only while it runs, so the caller never waits for a task that has not begun.
"""

from __future__ import annotations

from llgrad.kernels.coupled.products import ROWS, digest
from llgrad.kernels.coupled.scheme import Emitter
from llgrad.kernels.loops.tile import indent
from llgrad.kernels.machine.ffi import api_version


def many_file(emitter: Emitter, functions: list[str], item: list[str], title: str) -> str:
    """The text of a module whose `handler` runs `item` for each `index` of a block."""
    body = [
        f"memory = allocate(64 + {emitter.size * max(len(emitter.arrays), 1)} * A)",
        "if memory == 0:",
        "    leave(block)",
        "    return 0 if helping else error(frame, OUT_OF_MEMORY)",
        *WORK,
        "if not helping:",
        "    call_help(frame, task_address(), block, word(block, ITEMS), N * L * steps)",
        "while True:",
        "    index = fetch_add(block + 8 * NEXT, 1)",
        "    if index >= word(block, ITEMS):",
        "        break",
        *indent(item),
        "    fetch_add(block + 8 * DONE, 1)",
        "release(memory)",
        "if helping:",
        "    leave(block)",
        "    return 0",
        "wait(block)",
        "leave(block)",
        "return 0",
    ]
    return _file(emitter, functions, [*emitter.open(), *body], title)


def shared_file(
    emitter: Emitter, functions: list[str], prepare: list[str], phases: str, phase: list[str], title: str
) -> str:
    """The text of a module whose `handler` runs `phase` for the rows r0 … r1 of every phase, in order."""
    setup = [
        f"memory = allocate(64 + {emitter.size * max(len(emitter.arrays), 1)} * A)",
        "if memory == 0:",
        "    leave(block)",
        "    return error(frame, OUT_OF_MEMORY)",
        "put(block, MEMORY, memory)",
        "put(block, OPEN, word(block, ITEMS))",
        *WORK,
        "tile, r0, r1 = 0, 0, R",
        *prepare,
        f"call_help(frame, task_address(), block, word(block, ITEMS), N * N * ({phases}) // 16)",
    ]
    body = [
        "if not helping:",
        *indent(setup),
        "memory, tile, blocks = word(block, MEMORY), 0, word(block, ITEMS)",
        *WORK,
        f"total, patience = ({phases}) * blocks, 0",
        "while True:",
        "    opened, ticket = peek(block + 8 * OPEN), peek(block + 8 * NEXT)",
        "    if ticket < min(opened, total):",
        "        if claim(block + 8 * NEXT, ticket):",
        "            phase = ticket // blocks",
        "            part = ticket - phase * blocks",
        "            r0, r1 = part * R // blocks, (part + 1) * R // blocks",
        *indent(phase, 3),
        "            fetch_add(block + 8 * DONE, 1)",
        "            patience = 0",
        "        continue",
        "    if opened >= total:",
        "        if helping or peek(block + 8 * DONE) >= total:",
        "            break",
        "    elif not helping and peek(block + 8 * DONE) == opened:",
        "        fetch_add(block + 8 * OPEN, blocks)",
        "        continue",
        "    patience += 1",
        "    if patience > PATIENCE:",
        "        give_way()",
        "if not helping:",
        "    release(memory)",
        "leave(block)",
        "return 0",
    ]
    return _file(emitter, functions, [*emitter.open(), *body], title)


WORK = ["work = (memory + 63) // 64 * 64", "work_ = as_KIND(work)"]


def _file(emitter: Emitter, functions: list[str], body: list[str], title: str) -> str:
    major, minor = api_version()
    scheme, kind = emitter.scheme, emitter.kind
    text = "\n".join(indent(body)).replace("(ROWS)", f"({len(emitter.rows) * emitter.W})")
    what = "one coupled array" if scheme.single else "coupled arrays, many samples"
    return (
        FRAME.format(
            title=f"{title} of {what}: {scheme.stages} stages, {kind}",
            digest=digest(),
            constants=emitter.source.constant_lines(),
            functions="\n\n\n".join([PRODUCTS.format(R=ROWS, size=emitter.size, lanes=scheme.lanes), *functions]),
            body=text,
            width=emitter.W,
            version=major | minor << 32,
        )
        .replace("as_KIND", f"as_{kind}")
        .replace("_KIND", f"_{kind}")
    )


PRODUCTS = '''@njit(**INLINE)
def product(C, packed, X, ldx, N, R, L, add):
    """C[R, L] (+)= weights X[N, L], with packed weights."""
    for c in range(0, L, {lanes} * 2):
        for r in range(0, R, {R}):
            multiply_KIND(
                C + {size} * (r * L + c), L, packed + {size} * r * N, X + {size} * c, ldx, N, add, {lanes}
            )


@njit(**INLINE)
def outer(D, pitch, G, X, K):
    """D[pitch, pitch] += G[pitch, K] X[pitch, K]ᵀ."""
    for r in range(0, pitch, 4):
        for q in range(0, pitch, 4):
            dots_KIND(
                D + {size} * (r * pitch + q), pitch, G + {size} * r * K, K, X + {size} * q * K, K, K, 4, 4, 1, {lanes}
            )


@njit(**INLINE)
def columns_product(C, transposed, pitch, X, N, add):
    """C[pitch] (+)= weights X[N] of a small array, with transposed weights."""
    c = 0
    while c + 8 * {lanes} <= pitch:
        columns_KIND(C + {size} * c, transposed + {size} * c, pitch, X, N, 8, add, {lanes})
        c += 8 * {lanes}
    if c + 4 * {lanes} <= pitch:
        columns_KIND(C + {size} * c, transposed + {size} * c, pitch, X, (N + 1) // 2 * 2, 4, add, {lanes})
        c += 4 * {lanes}
    if c < pitch:
        columns_KIND(C + {size} * c, transposed + {size} * c, pitch, X, (N + 3) // 4 * 4, 2, add, {lanes})


@njit(**INLINE)
def rows_product(C, weights, pitch, X, r0, r1, add):
    """C[r0 … r1] (+)= weights[r0 … r1, :] X."""
    for r in range(r0, r1, {R}):
        dots_KIND(
            C + {size} * r, 1, weights + {size} * r * pitch, pitch, X, 0, pitch, {R}, 1, add, {lanes}
        )'''

FRAME = '''"""Generated by llgrad.kernels; {title}; products {digest}."""

import math

import numpy as np
from numba import cfunc, njit, types

from llgrad.kernels.coupled.products import (
    claim, columns_float32, columns_float64, dots_float32, dots_float64, multiply_float32, multiply_float64, peek,
)
from llgrad.kernels.coupled.team import MEMORY, OPEN, PATIENCE, call_help
from llgrad.kernels.machine.ffi import (
    DONE, EVERY, HEADER, ITEMS, LANES, NEXT, OUT_OF_MEMORY, STEPS, STRIDE,
    answers_metadata, error, leave, open_block, task_address, wait,
)
from llgrad.kernels.machine.runtime import (
    INLINE, LOOP, add_row, allocate, as_float32, as_float64, as_int32, as_uint32, copy_row, fetch_add, give_way, pick,
    put, release, scratch_float32, scratch_float64, word,
)
from llgrad.kernels.machine.vector_math import (
    fast_cos_float32, fast_cos_float64, fast_log_float32, fast_log_float64, fast_sin_float32, fast_sin_float64,
)

{constants}


{functions}


@cfunc(types.int64(types.int64), cache=True, **LOOP)
def handler(frame):
    helping = frame & 1
    block = frame - helping
    if not helping:
        if answers_metadata(frame, {version}):
            return 0
        block = open_block(frame, {width})
        if block == 0:
            return error(frame, OUT_OF_MEMORY)
{body}
'''
