"""The frame of a generated file: imports, constants, functions, and the handler that XLA calls.

With many samples the items are tiles, or runs of tiles, which threads take one after the other; a small single array
is one item. A large one (`shared`) is one tile whose rows are shared out: every stage is a *phase* of `blocks` parts,
and the caller opens the next phase when all parts of the last are done. A thread takes a part only of the open phase
and only while it runs, so the caller never waits for a task that has not begun. It takes the free part nearest to its
last one: so it goes to and fro over its own rows, and what its cache still holds of the weights is read first.
"""

from __future__ import annotations

from llgrad.kernels.coupled.products import CHAINS, ROWS, digest
from llgrad.kernels.coupled.scheme import PACKED, Emitter
from llgrad.kernels.coupled.text import indent
from llgrad.kernels.machine.ffi import api_version


def many_file(emitter: Emitter, functions: list[str], item: list[str], title: str) -> str:
    """The text of a module whose `handler` runs `item` for each `index` of a block."""
    body = [
        f"memory = allocate({_size(emitter)})",
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
        f"memory = allocate({_size(emitter)})",
        "if memory == 0:",
        "    leave(block)",
        "    return error(frame, OUT_OF_MEMORY)",
        "put(block, MEMORY, memory)",
        "put(block, OPEN, 0)",
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
        "patience, mine, full = 0, (blocks - 1) * helping, (1 << blocks) - 1",
        "while True:",
        "    state = peek(block + 8 * OPEN)",
        "    phase, taken = state // PARTS, state % PARTS",
        f"    if phase >= {phases}:",
        "        break",
        "    if taken < full:",
        "        part = nearest_free(taken, mine, blocks, helping)",
        "        if claim(block + 8 * OPEN, state, state | 1 << part):",
        "            r0, r1, mine = part * R // blocks, (part + 1) * R // blocks, part",
        *indent(phase, 3),
        "            fetch_add(block + 8 * DONE, 1)",
        "            patience = 0",
        "        continue",
        "    if not helping and peek(block + 8 * DONE) == (phase + 1) * blocks:",
        "        fetch_add(block + 8 * OPEN, PARTS - full)",
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


def _size(emitter: Emitter) -> str:
    """Text of the bytes of a workspace."""
    packed = f" + {emitter.packed} * {PACKED}" if emitter.packed else ""
    return f"64 + {emitter.size} * ({max(len(emitter.arrays), 1)} * A{packed})"


WORK = ["work = (memory + 63) // 64 * 64", "work_ = as_KIND(work)"]


def _file(emitter: Emitter, functions: list[str], body: list[str], title: str) -> str:
    major, minor = api_version()
    scheme, kind = emitter.scheme, emitter.kind
    text = "\n".join(indent(body)).replace("(ROWS)", f"({len(emitter.rows) * emitter.W})")
    text = text.replace("ARRAYS", str(len(emitter.arrays)))
    what = "one coupled array" if scheme.single else "coupled arrays, many samples"
    return (
        FRAME.format(
            title=f"{title} of {what}: {scheme.stages} stages, {kind}",
            digest=digest(),
            constants=emitter.source.constant_lines(),
            functions="\n\n\n".join([_products(emitter), *functions]),
            body=text,
            width=emitter.W,
            version=major | minor << 32,
        )
        .replace("as_KIND", f"as_{kind}")
        .replace("_KIND", f"_{kind}")
    )


def _products(emitter: Emitter) -> str:
    """Source of the products that the scheme has."""
    scheme = emitter.scheme
    chosen = [PRODUCT, OUTER] if not scheme.single else [PART_ROWS, ROWS_PRODUCT if scheme.shared else COLUMNS]
    terms = str(scheme.width) if emitter.local else f"(N + {CHAINS - 1}) // {CHAINS} * {CHAINS}"
    values = {"R": ROWS, "size": emitter.size, "lanes": scheme.lanes, "width": scheme.width, "terms": terms}
    return "\n\n\n".join(text.format(**values) for text in chosen)


PRODUCT = '''@njit(**INLINE)
def product(C, packed, X, ldx, N, R, L, add):
    """C[R, L] (+)= weights X[N, L], with packed weights."""
    for c in range(0, L, {lanes} * 2):
        for r in range(0, R, {R}):
            multiply_KIND(
                C + {size} * (r * L + c), L, packed + {size} * r * N, X + {size} * c, ldx, N, add, {lanes}
            )'''

OUTER = '''@njit(**INLINE)
def outer(D, pitch, G, X, K):
    """D[pitch, pitch] += G[pitch, K] X[pitch, K]ᵀ."""
    for r in range(0, pitch, 4):
        for q in range(0, pitch, 4):
            dots_KIND(
                D + {size} * (r * pitch + q), pitch, G + {size} * r * K, K, X + {size} * q * K, K, K, 4, 4, 1, {lanes}
            )'''

PART_ROWS = '''@njit(**INLINE)
def load_row(S, row, P, place, count, edge):
    """A chunk from memory, `count` elements of it; past them the last one, or zero without `edge`."""
    if count >= {width}:
        copy_row(S, row, P, place, {width})
    else:
        for l in range({width}):
            S[row + l] = P[place + min(l, count - 1)]
            if l >= count and not edge:
                S[row + l] = 0


@njit(**INLINE)
def store_row(P, place, S, row, count):
    if count >= {width}:
        copy_row(P, place, S, row, {width})
    else:
        for l in range(count):
            P[place + l] = S[row + l]'''

COLUMNS = '''@njit(**INLINE)
def terms(N):
    """Terms of a product's sums, the zeros that round their number up included."""
    return {terms}


@njit(**INLINE)
def packed_size(N):
    """Elements of a packed matrix."""
    return (N + {lanes} - 1) // {lanes} * {lanes} * terms(N)


@njit(**INLINE)
def pack_columns(packed, weights, N, turned):
    """The matrix W in blocks of 8, 4, 2 or 1 vectors of rows, k by k; past the last row that row again. With `turned`
    Wᵀ, and zeros past the last row.
    """
    P, W, K = as_KIND(packed), as_KIND(weights), terms(N)
    first, place, vectors = 0, 0, (N + {lanes} - 1) // {lanes}
    while vectors > 0:
        block = 8 if vectors >= 8 else 4 if vectors >= 4 else 2 if vectors >= 2 else 1
        for k in range(K):
            for c in range(first, first + block * {lanes}):
                P[place] = 0
                if k < N and turned:
                    if c < N:
                        P[place] = W[k * N + c]
                elif k < N:
                    P[place] = W[min(c, N - 1) * N + k]
                place += 1
        first += block * {lanes}
        vectors -= block


@njit(**INLINE)
def columns_product(C, packed, A, X, N, add, back):
    """C[A] (+)= W X[N] of a small array; `back` reads W from its end. Past the last block the last value again."""
    K, vectors = terms(N), (N + {lanes} - 1) // {lanes}
    full, rest = vectors // 8, vectors % 8
    if not back:
        for b in range(full):
            c = b * 8 * {lanes}
            columns_KIND(C + {size} * c, packed + {size} * c * K, X, K, 8, add, back, {lanes})
    c = full * 8 * {lanes}
    if rest & 4:
        columns_KIND(C + {size} * c, packed + {size} * c * K, X, K, 4, add, back, {lanes})
        c += 4 * {lanes}
    if rest & 2:
        columns_KIND(C + {size} * c, packed + {size} * c * K, X, K, 2, add, back, {lanes})
        c += 2 * {lanes}
    if rest & 1:
        columns_KIND(C + {size} * c, packed + {size} * c * K, X, K, 1, add, back, {lanes})
    if back:
        for b in range(full - 1, -1, -1):
            c = b * 8 * {lanes}
            columns_KIND(C + {size} * c, packed + {size} * c * K, X, K, 8, add, back, {lanes})
    if not add:
        C_ = as_KIND(C)
        for c in range(vectors * {lanes}, A):
            C_[c] = C_[N - 1]'''

ROWS_PRODUCT = '''@njit(**INLINE)
def rows_product(C, weights, N, X, r0, r1, add, back):
    """C[r0 … r1] (+)= weights[r0 … r1, :] X of a large array; `back` from the last rows to the first."""
    pitch, last = (N + {lanes} - 1) // {lanes} * {lanes}, min(r1, (N + {R} - 1) // {R} * {R})
    blocks = (last - r0) // {R}
    for b in range(blocks):
        r = r0 + {R} * (blocks - 1 - b if back else b)
        dots_KIND(
            C + {size} * r, 1, weights + {size} * r * pitch, pitch, X, 0, pitch, {R}, 1, add, {lanes}
        )
    if not add:
        C_ = as_KIND(C)
        for r in range(max(r0, last), r1):
            C_[r] = C_[N - 1]'''

FRAME = '''"""Generated by llgrad.kernels; {title}; products {digest}."""

import math

import numpy as np
from numba import cfunc, njit, types

from llgrad.kernels.coupled.products import (
    claim, columns_float32, columns_float64, dots_float32, dots_float64, few_columns, multiply_float32,
    multiply_float64, peek,
)
from llgrad.kernels.coupled.team import MEMORY, OPEN, PARTS, PATIENCE, call_help, nearest_free
from llgrad.kernels.machine.ffi import (
    DONE, EVERY, HEADER, ITEMS, LANES, NEXT, OUT_OF_MEMORY, STEPS, STRIDE,
    answers_metadata, error, leave, open_block, task_address, wait,
)
from llgrad.kernels.machine.runtime import (
    INLINE, LOOP, float_of_int32, float_of_int64, int32_of_float, int64_of_float, over, root,
    add_row, allocate, as_float32, as_float64, as_int32, as_uint32, copy_row, fetch_add, give_way, pick,
    put, release, scratch_float32, scratch_float64, word,
)
from llgrad.kernels.machine import elementary
from llgrad.kernels.machine.vector_math import (
    fast_cos_float32, fast_cos_float64, fast_log_float32, fast_log_float64, fast_sin_float32, fast_sin_float64,
)

{constants}


{functions}


@cfunc(types.int64(types.int64), **LOOP)
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
