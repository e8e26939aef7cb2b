"""Products with the coupling matrix as vector code: register tiles written as LLVM vectors, so that no BLAS is needed.

A BLAS brings threads of its own, picks its kernels once for the process, and sums in an order that depends on how
many threads it has. These run inside a tile, on any thread, and always add in the same order.
"""

from __future__ import annotations

import functools
import hashlib
import pathlib
from typing import Any, Final

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils

from llgrad.kernels.machine.runtime import intrinsic

ROWS: Final = 8
"""Rows of a register tile of `multiply`; weights are packed in blocks of so many rows."""
CHAINS: Final = 4
"""Sums that `columns` keeps apart, so that few additions wait for each other."""
_WORD: Final = ir.IntType(64)


@functools.cache
def register_bytes() -> int:
    """Bytes of a vector register of this machine."""
    return 64 if llvm.get_host_cpu_features().get("avx512f") else 32


@functools.cache
def digest() -> str:
    """Hash of the files whose code a kernel takes in: part of every generated text, by which kernels are cached."""
    files = (pathlib.Path(__file__).with_name(name) for name in ("products.py", "team.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


class _Vectors:
    """Vectors of one kind in a builder."""

    def __init__(self, builder: Any, kind: Any, lanes: int) -> None:
        self.builder, self.size, self.lanes = builder, kind.bitwidth // 8, lanes
        self.element = ir.FloatType() if kind == types.float32 else ir.DoubleType()
        self.vector = ir.VectorType(self.element, lanes)
        self.zero = ir.Constant(self.vector, [0.0] * lanes)
        self.suffix = f"v{lanes}f{kind.bitwidth}"

    def word(self, value: int) -> Any:
        return ir.Constant(_WORD, value)

    def offset(self, base: Any, *parts: Any) -> Any:
        for part in parts:
            base = self.builder.add(base, part)
        return base

    def load(self, address: Any) -> Any:
        return self.builder.load(self.builder.inttoptr(address, self.vector.as_pointer()), align=self.size)

    def store(self, value: Any, address: Any) -> None:
        self.builder.store(value, self.builder.inttoptr(address, self.vector.as_pointer()), align=self.size)

    def load_one(self, address: Any) -> Any:
        return self.builder.load(self.builder.inttoptr(address, self.element.as_pointer()), align=self.size)

    def spread(self, address: Any) -> Any:
        """One element in every place of a vector."""
        one = self.builder.insert_element(self.zero, self.load_one(address), ir.Constant(ir.IntType(32), 0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(one, self.zero, mask)

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        function = cgutils.get_or_insert_function(self.builder.module, kind, f"llvm.fma.{self.suffix}")
        return self.builder.call(function, [a, b, c])

    def pairwise(self, totals: list[Any], count: int) -> list[Any]:
        """Interleaved sums added up to `count` of them, in pairs, so that few additions wait for each other."""
        while len(totals) > count:
            half = len(totals) // 2
            totals = [self.builder.fadd(a, b) for a, b in zip(totals[:half], totals[half:], strict=True)]
        return totals

    def sum(self, value: Any) -> Any:
        kind = ir.FunctionType(self.element, [self.element, self.vector])
        function = cgutils.get_or_insert_function(self.builder.module, kind, f"llvm.vector.reduce.fadd.{self.suffix}")
        return self.builder.call(function, [ir.Constant(self.element, 0.0), value], fastmath=("reassoc",))

    def loop(self, count: Any, starts: list[Any], body: Any) -> list[Any]:
        """Carry vectors through `body(index, carried)` while index < count (at least once); returns the last ones."""
        builder = self.builder
        before = builder.block
        block, after = builder.append_basic_block("product"), builder.append_basic_block("done")
        builder.branch(block)
        builder.position_at_end(block)
        index = builder.phi(_WORD)
        index.add_incoming(self.word(0), before)
        carried = [builder.phi(start.type) for start in starts]
        results, step = body(index, carried)
        following = builder.add(index, self.word(step))
        index.add_incoming(following, builder.block)
        for phi, start, result in zip(carried, starts, results, strict=True):
            phi.add_incoming(start, before)
            phi.add_incoming(result, builder.block)
        builder.cbranch(builder.icmp_signed("<", following, count), block, after)
        builder.position_at_end(after)
        return results


def _multiply(kind: Any) -> Any:
    @intrinsic(prefer_literal=True)
    def multiply(typingctx: Any, C: Any, ldc: Any, A: Any, X: Any, ldx: Any, K: Any, add: Any, lanes: Any) -> Any:
        """C[8, 2·lanes] (+)= A[K, 8]ᵀ X[K, 2·lanes]: addresses, and row pitches in elements; `add` is 0 or 1."""
        adds, count = add.literal_value, lanes.literal_value
        signature = types.void(*[types.int64] * 6, types.IntegerLiteral(adds), types.IntegerLiteral(count))

        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            v = _Vectors(builder, kind, count)
            pitch_c, pitch_x = (builder.mul(args[i], v.word(v.size)) for i in (1, 4))
            places = [
                v.offset(args[0], builder.mul(pitch_c, v.word(row)), v.word(j * count * v.size))
                for row in range(ROWS)
                for j in range(2)
            ]

            def body(index: Any, carried: list[Any]) -> Any:
                here = v.offset(args[3], builder.mul(index, pitch_x))
                pair = [v.load(v.offset(here, v.word(j * count * v.size))) for j in range(2)]
                column = v.offset(args[2], builder.mul(index, v.word(ROWS * v.size)))
                results = []
                for row in range(ROWS):
                    weight = v.spread(v.offset(column, v.word(row * v.size)))
                    results += [v.fma(weight, pair[j], carried[2 * row + j]) for j in range(2)]
                return results, 1

            totals = v.loop(args[5], [v.load(p) if adds else v.zero for p in places], body)
            for place, total in zip(places, totals, strict=True):
                v.store(total, place)
            return context.get_dummy_value()

        return signature, generate

    return multiply


def _dots(kind: Any) -> Any:
    @intrinsic(prefer_literal=True)
    def dots(
        typingctx: Any, D: Any, ldd: Any, A: Any, lda: Any, X: Any, ldx: Any, K: Any, rows: Any, columns: Any,
        add: Any, lanes: Any,
    ) -> Any:  # fmt: skip
        """D[rows, columns] (+)= A[rows, K] X[columns, K]ᵀ, summed over K, a multiple of `lanes`; pitches in
        elements."""
        R, C, adds, count = (value.literal_value for value in (rows, columns, add, lanes))
        signature = types.void(*[types.int64] * 7, *map(types.IntegerLiteral, (R, C, adds, count)))

        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            v = _Vectors(builder, kind, count)
            pitch_d, pitch_a, pitch_x = (builder.mul(args[i], v.word(v.size)) for i in (1, 3, 5))
            A_rows = [v.offset(args[2], builder.mul(pitch_a, v.word(row))) for row in range(R)]
            X_rows = [v.offset(args[4], builder.mul(pitch_x, v.word(row))) for row in range(C)]

            def body(index: Any, carried: list[Any]) -> Any:
                here = builder.mul(index, v.word(v.size))
                right = [v.load(v.offset(row, here)) for row in X_rows]
                results = []
                for i, row in enumerate(A_rows):
                    left = v.load(v.offset(row, here))
                    results += [v.fma(left, right[j], carried[i * C + j]) for j in range(C)]
                return results, count

            totals = v.loop(args[6], [v.zero] * (R * C), body)
            for i in range(R):
                for j in range(C):
                    place = v.offset(args[0], builder.mul(pitch_d, v.word(i)), v.word(j * v.size))
                    total = v.sum(totals[i * C + j])
                    total = builder.fadd(v.load_one(place), total) if adds else total
                    builder.store(total, builder.inttoptr(place, v.element.as_pointer()), align=v.size)
            return context.get_dummy_value()

        return signature, generate

    return dots


def _columns(kind: Any) -> Any:
    @intrinsic(prefer_literal=True)
    def columns(
        typingctx: Any, C: Any, A: Any, X: Any, K: Any, vectors: Any, add: Any, back: Any, lanes: Any
    ) -> Any:  # fmt: skip
        """C[vectors·lanes] (+)= Σ_k X[k] A[k, :], in up to `CHAINS` interleaved sums; K is a multiple of `CHAINS`.

        With `back` from the last k to the first: what the cache still holds of A from a product before is read first.
        """
        width, adds, turned, count = (value.literal_value for value in (vectors, add, back, lanes))
        signature = types.void(*[types.int64] * 4, *map(types.IntegerLiteral, (width, adds, turned, count)))
        chains = min(CHAINS, 8 // width)

        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            v = _Vectors(builder, kind, count)
            places = [v.offset(args[0], v.word(j * count * v.size)) for j in range(width)]
            last = builder.sub(args[3], v.word(chains))

            def body(index: Any, carried: list[Any]) -> Any:
                first, results = builder.sub(last, index) if turned else index, []
                for chain in range(chains):
                    k = builder.add(first, v.word(chain))
                    factor = v.spread(v.offset(args[2], builder.mul(k, v.word(v.size))))
                    row = v.offset(args[1], builder.mul(k, v.word(width * count * v.size)))
                    for j in range(width):
                        value = v.load(v.offset(row, v.word(j * count * v.size)))
                        results.append(v.fma(factor, value, carried[chain * width + j]))
                return results, chains

            starts = [v.load(place) if adds else v.zero for place in places] + [v.zero] * (width * (chains - 1))
            totals = v.loop(args[3], starts, body)
            for total, place in zip(v.pairwise(totals, width), places, strict=True):
                v.store(total, place)
            return context.get_dummy_value()

        return signature, generate

    return columns


@intrinsic(prefer_literal=True)
def few_columns(typingctx: Any, S: Any, goal: Any, given: Any, A: Any, vectors: Any, lanes: Any) -> Any:
    """S[goal + …] = Σ_k S[given + k] A[k, :] for k < vectors·lanes, all in registers: a load of one element out of a
    vector that was stored just before would wait for the store to reach the cache.
    """
    width, count = vectors.literal_value, lanes.literal_value
    signature = types.void(S, *[types.int64] * 3, types.IntegerLiteral(width), types.IntegerLiteral(count))

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        v = _Vectors(builder, S.dtype, count)
        index = ir.VectorType(ir.IntType(32), count)

        def place(first: Any, j: int) -> Any:
            pointer = builder.gep(args[0], [builder.add(first, v.word(j * count))])
            return builder.bitcast(pointer, v.vector.as_pointer())

        given = [builder.load(place(args[2], j), align=v.size) for j in range(width)]
        totals = [v.zero] * (width * CHAINS)
        for k in range(width * count):
            factor = builder.shuffle_vector(given[k // count], v.zero, ir.Constant(index, [k % count] * count))
            for j in range(width):
                value = v.load(v.offset(args[3], v.word((k * width + j) * count * v.size)))
                total = k % CHAINS * width + j
                totals[total] = v.fma(factor, value, totals[total])
        for j, total in enumerate(v.pairwise(totals, width)):
            builder.store(total, place(args[1], j), align=v.size)
        return context.get_dummy_value()

    return signature, generate


columns_float32, columns_float64 = _columns(types.float32), _columns(types.float64)
multiply_float32, multiply_float64 = _multiply(types.float32), _multiply(types.float64)
dots_float32, dots_float64 = _dots(types.float32), _dots(types.float64)


@intrinsic
def peek(typingctx: Any, address: Any) -> Any:
    """The 64-bit word at an address, read anew each time."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], _WORD.as_pointer())
        return builder.load_atomic(pointer, "seq_cst", 8)

    return types.int64(types.int64), generate


@intrinsic
def claim(typingctx: Any, address: Any, expected: Any, new: Any) -> Any:
    """Change the word at an address from `expected` to `new`, if nobody changed it before; whether it was done."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], _WORD.as_pointer())
        pair = builder.cmpxchg(pointer, args[1], args[2], "seq_cst", "seq_cst")
        return builder.extract_value(pair, 1)

    return types.boolean(types.int64, types.int64, types.int64), generate
