"""An expression as a graph of scalar operations, with common subexpressions shared and dead ones dropped."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from llgrad.kernels.expression.simplify import Known, Negated, is_number, simplify

COMMUTATIVE: Final = {"add", "mul", "max", "min", "eq", "ne", "and", "or", "xor"}

JUMPING: Final = {"floor", "ceil", "round", "sign", "eq", "ne", "lt", "le", "gt", "ge", "convert_element_type"}
"""Operations whose result jumps where an operand changes by its last digit."""


class UnsupportedOperation(ValueError):
    """A right-hand side uses an operation that the native engine has no code for. The XLA engine runs it."""


class OnlyBackwards(UnsupportedOperation):
    """A function with `custom_vjp`, which has no push-forward in any engine."""


class Node(NamedTuple):
    """One operation; its operands are indices of earlier nodes, or known numbers."""

    name: str
    operands: tuple[Any, ...]
    dtype: np.dtype[Any]


class Graph:
    """Operations in the order they were first needed; equal operations are one node."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.tables: list[np.ndarray] = []
        """Constant tables, from which the operation `lookup` takes an element."""
        self._index: dict[Any, int] = {}

    def input(self, name: str, dtype: Any) -> int:
        """A new argument of the expression."""
        self.nodes.append(Node("input", (name,), np.dtype(dtype)))
        return len(self.nodes) - 1

    def dtype_of(self, value: Any) -> np.dtype[Any]:
        """The dtype of an operand."""
        return value.dtype if isinstance(value, Known) else self.nodes[value].dtype

    def add(self, name: str, operands: Sequence[Any], dtype: np.dtype[Any]) -> Any:
        """The value of an operation: a known number, an earlier node, or a new one."""
        name = "add" if name == "add_any" else name
        shorter = simplify(name, operands, dtype)
        if isinstance(shorter, Negated):
            return self.add("neg", (shorter.operand,), dtype)
        if shorter is not None:
            return shorter
        if name in JUMPING:
            operands = [self._exact(operand) for operand in operands]
        name, operands = self._without_negatives(name, tuple(operands))
        if name == "div" and dtype.kind == "f":
            return self.add("mul", (operands[0], self._reciprocal(operands[1], dtype)), dtype)
        if name in COMMUTATIVE:
            operands = tuple(sorted(operands, key=repr))
        if name == "neg" and self._is(operands[0], "neg"):
            return self.nodes[operands[0]].operands[0]
        return self._node(name, operands, dtype)

    def _node(self, name: str, operands: tuple[Any, ...], dtype: np.dtype[Any]) -> int:
        key = (name, operands, dtype)
        if key not in self._index:
            self.nodes.append(Node(name, operands, dtype))
            self._index[key] = len(self.nodes) - 1
        return self._index[key]

    def _is(self, value: Any, name: str) -> bool:
        return not isinstance(value, Known) and self.nodes[value].name == name

    def _reciprocal(self, value: Any, dtype: np.dtype[Any]) -> Any:
        """1/x, shared by all quotients with this denominator; 1/(x x) is (1/x)(1/x). A division costs ten
        multiplications.
        """
        one = Known(dtype.type(1), dtype)
        if self._is(value, "mul") and self.nodes[value].operands[0] == self.nodes[value].operands[1]:
            root = self._reciprocal(self.nodes[value].operands[0], dtype)
            return self.add("mul", (root, root), dtype)
        return self._node("div", (one, value), dtype)

    def _exact(self, value: Any) -> Any:
        """A quotient that was written as a·(1/b), as one division that is rounded once: 49/49 is 1."""
        if isinstance(value, Known):
            return value
        node = self.nodes[value]
        if node.name in ("neg", "abs"):
            return self._node(node.name, (self._exact(node.operands[0]),), node.dtype)
        for place in (0, 1) if node.name == "mul" and node.dtype.kind == "f" else ():
            under = node.operands[place]
            if self._is(under, "div") and is_number(self.nodes[under].operands[0], 1):
                return self._node("quotient", (node.operands[1 - place], self.nodes[under].operands[1]), node.dtype)
        return value

    def quotient(self, over: Any, under: Any, dtype: np.dtype[Any]) -> int:
        """a/b as one division."""
        return self._node("div", (over, under), dtype)

    def lookup(self, table: np.ndarray, index: Any) -> int:
        """The element of a constant table at an index that is within it."""
        return self._node("lookup", (index, self.constant_table(table)), table.dtype)

    def constant_table(self, table: np.ndarray) -> Known:
        """The number of a constant table."""
        same = (place for place, other in enumerate(self.tables) if _alike(other, table))
        place = next(same, len(self.tables))
        if place == len(self.tables):
            self.tables.append(table)
        return Known(np.int64(place), np.dtype(np.int64))

    def rank(self, table: Any, x: Any, dtype: np.dtype[Any]) -> int:
        """How many elements of an increasing table, in memory or constant, are at most x; all, of a NaN."""
        return self._node("rank", (self._exact(x), table), dtype)

    def fetch(self, table: int, index: Any, dtype: np.dtype[Any]) -> int:
        """The element of a table in memory, an input, at an index that is within it."""
        return self._node("fetch", (index, table), np.dtype(dtype))

    def _without_negatives(self, name: str, operands: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
        """a + (−b) is a − b, a − (−b) is a + b, (−a)(−b) is a b."""
        if name in ("add", "sub") and self._is(operands[1], "neg"):
            return ("sub" if name == "add" else "add"), (operands[0], self.nodes[operands[1]].operands[0])
        if name == "add" and self._is(operands[0], "neg"):
            return "sub", (operands[1], self.nodes[operands[0]].operands[0])
        if name in ("mul", "div") and self._is(operands[0], "neg") and self._is(operands[1], "neg"):
            return name, (self.nodes[operands[0]].operands[0], self.nodes[operands[1]].operands[0])
        return name, operands

    def power(self, base: Any, exponent: int, dtype: np.dtype[Any]) -> Any:
        """A whole power by repeated squaring."""
        if exponent < 0:
            return self.add("div", (Known(dtype.type(1), dtype), self.power(base, -exponent, dtype)), dtype)
        if exponent == 0:
            return Known(dtype.type(1), dtype)
        half = self.power(base, exponent // 2, dtype)
        square = self.add("mul", (half, half), dtype)
        return self.add("mul", (square, base), dtype) if exponent % 2 else square

    def live(self, outputs: Sequence[Any], given: Collection[int] = ()) -> list[int]:
        """The nodes that the outputs need, in order; what stands before `given` ones is not needed for these."""
        needed: set[int] = set()
        waiting = [value for value in outputs if not isinstance(value, Known)]
        while waiting:
            index = waiting.pop()
            if index in needed:
                continue
            needed.add(index)
            node = self.nodes[index]
            waiting += (
                [] if node.name == "input" or index in given else [o for o in node.operands if not isinstance(o, Known)]
            )
        return sorted(needed)


def _alike(left: np.ndarray, right: np.ndarray) -> bool:
    return left.dtype == right.dtype and left.tobytes() == right.tobytes()
