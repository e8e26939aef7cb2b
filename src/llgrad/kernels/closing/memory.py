"""Where a kernel of Newton's method has its numbers: arrays of the call, and rows of scratch memory of an orbit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from llgrad.kernels.builder.arithmetic import Arithmetic
from llgrad.kernels.builder.code import Code, Word


class ScratchRows:
    """Rows of numbers, one after another, each as long as a whole number of vectors; row r is a quantity of every
    state round an orbit.
    """

    def __init__(self, code: Code, one: Arithmetic, wide: Arithmetic, address: Word, length: Word) -> None:
        self.code, self.one, self.wide, self.address, self.length = code, one, wide, address, length
        self.bytes = one.bits // 8

    def part(self, first: int, count: int) -> Quantity:
        """The rows of one quantity."""
        return Quantity(self, first, count)

    def place(self, row: int, k: Word) -> Word:
        """Address of the k-th number of a row."""
        return self.address + (self.length * row + k) * self.bytes


class Quantity:
    """Some numbers at each state round an orbit."""

    def __init__(self, rows: ScratchRows, first: int, count: int) -> None:
        self.rows, self.first, self.count = rows, first, count

    def __getitem__(self, k: Word) -> list[Any]:
        """The numbers at the state k."""
        rows = self.rows
        return [rows.code.load(rows.place(self.first + r, k), rows.one.float_type) for r in range(self.count)]

    def __setitem__(self, k: Word, values: Sequence[Any]) -> None:
        for r, value in enumerate(values):
            self.rows.code.store(value, self.rows.place(self.first + r, k))

    def vectors(self, k: Word) -> list[Any]:
        """The numbers at as many states from k on as a vector has lanes."""
        rows = self.rows
        return [
            rows.code.load(rows.place(self.first + r, k), rows.wide.type, align=rows.bytes) for r in range(self.count)
        ]

    def put(self, k: Word, vectors: Sequence[Any]) -> None:
        """Write the numbers at these states."""
        for r, value in enumerate(vectors):
            self.rows.code.store(value, self.rows.place(self.first + r, k), align=self.rows.bytes)


class OrbitNumbers:
    """An operand or a result with some numbers for each state of each orbit, in the order of JAX's arrays."""

    def __init__(self, code: Code, kind: ir.Type, address: Word, count: int) -> None:
        self.code, self.kind, self.address, self.count = code, kind, address, count

    def get(self, k: Word) -> list[Any]:
        """The numbers at place k."""
        return [self.code.load(self.address, self.kind, k * self.count + j) for j in range(self.count)]

    def put(self, k: Word, values: Sequence[Any]) -> None:
        """Write the numbers at place k."""
        for j, value in enumerate(values):
            self.code.store(value, self.address, k * self.count + j)
