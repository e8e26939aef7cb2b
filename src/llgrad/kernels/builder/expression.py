"""A graph of scalar operations, written in place on values of any width."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from llvmlite import ir

from llgrad.kernels.builder.arithmetic import Arithmetic
from llgrad.kernels.builder.functions import FUNCTIONS, apply, called
from llgrad.kernels.builder.tables import Constants, gathered, rank
from llgrad.kernels.expression.graph import Graph, Node
from llgrad.kernels.expression.simplify import Known

_COMPARED: Final = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_WHOLE: Final = {
    **{"add": "add", "sub": "sub", "mul": "mul", "and": "and_", "or": "or_", "xor": "xor", "shift_left": "shl"},
    **{"shift_right_logical": "lshr", "shift_right_arithmetic": "ashr"},
}


def write(
    on: Arithmetic,
    graph: Graph,
    inputs: Mapping[int, Any],
    outputs: Sequence[Any],
    replacements: Mapping[str, Callable[..., Any]] | None = None,
) -> list[Any]:
    """The values of a graph's `outputs` for those of its inputs, or of other nodes; of a table the value is what `get`s
    its number at a place, known or not, and has its `size`.

    `replacements` are functions (arithmetic, operands…) that stand in for operations of the name.
    """
    return _Writer(on, graph, dict(inputs), dict(replacements or {})).values(outputs)


class _Writer:
    def __init__(self, on: Arithmetic, graph: Graph, values: dict[int, Any], replacements: dict[str, Any]) -> None:
        self.on, self.builder, self.graph = on, on.builder, graph
        self.found, self.replacements = values, replacements

    def values(self, outputs: Sequence[Any]) -> list[Any]:
        for index in self.graph.live(outputs, self.found):
            if index not in self.found:
                self.found[index] = self._operation(self.graph.nodes[index])
        return [self._value(value) for value in outputs]

    def _value(self, operand: Any) -> Any:
        return self._number(operand.value, operand.dtype) if isinstance(operand, Known) else self.found[operand]

    def _type(self, dtype: np.dtype[Any]) -> Any:
        if dtype.kind == "f":
            return self.on.like(dtype).type
        bits = ir.IntType(1 if dtype.kind == "b" else 8 * dtype.itemsize)
        return bits if self.on.width == 1 else ir.VectorType(bits, self.on.width)

    def _number(self, value: Any, dtype: np.dtype[Any]) -> Any:
        if dtype.kind == "f":
            return self.on.like(dtype).number(value)
        kind, whole = self._type(dtype), int(value)
        return ir.Constant(kind, whole if self.on.width == 1 else [whole] * self.on.width)

    def _operation(self, node: Node) -> Any:
        if node.name == "fetch":
            index, table = node.operands
            return self.found[table].get(int(index.value) if isinstance(index, Known) else self.found[index])
        if node.name == "rank":
            return self._rank(node)
        operands, kind = [self._value(o) for o in node.operands], self.graph.dtype_of(node.operands[0])
        if node.name == "lookup":
            return self._lookup(operands[0], self.graph.tables[int(node.operands[1].value)])
        if node.name == "convert_element_type":
            return self._converted(operands[0], kind, node.dtype)
        if node.name == "bitcast_convert_type":
            return self.builder.bitcast(operands[0], self._type(node.dtype))
        if node.name == "select_n":
            return self.builder.select(operands[0], operands[2], operands[1])
        if node.name in _COMPARED:
            return self._compared(_COMPARED[node.name], *operands, kind=kind)
        if kind.kind == "f":
            return self._real(node.name, operands, self.on.like(kind))
        return self._whole(node.name, operands, kind)

    def _real(self, name: str, operands: list[Any], on: Arithmetic) -> Any:
        if name in self.replacements:
            return self.replacements[name](on.strict(), *operands)
        if name in FUNCTIONS:
            return called(on, name, *operands) if on.width > 1 else apply(on, name, *operands)
        if name in REAL:
            return REAL[name](on, *operands)
        return getattr(on, name)(*operands)

    def _whole(self, name: str, operands: list[Any], kind: np.dtype[Any]) -> Any:
        signed, builder = kind.kind == "i", self.builder
        if name in _WHOLE:
            return getattr(builder, _WHOLE[name])(*operands)
        if name in ("div", "rem"):
            return getattr(builder, ("s" if signed else "u") + name)(*operands)
        if name == "not":
            return builder.not_(*operands)
        if name == "neg":
            return builder.neg(*operands)
        if name == "abs":
            return builder.select(
                self._compared("<", operands[0], self._number(0, kind), kind=kind),
                builder.neg(operands[0]),
                operands[0],
            )
        if name in ("max", "min"):
            first = self._compared(">" if name == "max" else "<", *operands, kind=kind)
            return builder.select(first, *operands)
        if name == "is_finite":
            return self._number(1, np.dtype(bool))
        raise KeyError(f"{name} of {kind.name}")

    def _compared(self, sign: str, left: Any, right: Any, *, kind: np.dtype[Any]) -> Any:
        if kind.kind == "f":
            return (self.builder.fcmp_unordered if sign == "!=" else self.builder.fcmp_ordered)(sign, left, right)
        return (self.builder.icmp_signed if kind.kind == "i" else self.builder.icmp_unsigned)(sign, left, right)

    def _converted(self, value: Any, kind: np.dtype[Any], dtype: np.dtype[Any]) -> Any:
        """What a float out of range gives is undefined; `translate` picks another number then."""
        target, builder = self._type(dtype), self.builder
        if kind.kind == "f" and dtype.kind == "f":
            return (builder.fpext if dtype.itemsize > kind.itemsize else builder.fptrunc)(value, target)
        if kind.kind == "f":
            return (builder.fptosi if dtype.kind == "i" else builder.fptoui)(value, target)
        if dtype.kind == "f":
            return (builder.sitofp if kind.kind == "i" else builder.uitofp)(value, target)
        if kind.kind != "b" and dtype.itemsize == kind.itemsize:
            return value
        if kind.kind != "b" and dtype.itemsize < kind.itemsize:
            return builder.trunc(value, target)
        return (builder.sext if kind.kind == "i" else builder.zext)(value, target)

    def _rank(self, node: Node) -> Any:
        x, table = node.operands
        on = self.on.like(self.graph.dtype_of(x)).strict()
        constant = isinstance(table, Known)
        knots = Constants(on, self.graph.tables[int(table.value)].tolist()) if constant else self.found[table]
        return self._converted(rank(on, knots, self._value(x)), np.dtype(f"int{on.bits}"), node.dtype)

    def _lookup(self, index: Any, table: np.ndarray) -> Any:
        kind = table.dtype
        element = (
            self.on.like(kind).float_type
            if kind.kind == "f"
            else ir.IntType(1 if kind.kind == "b" else 8 * kind.itemsize)
        )
        values = [float(value) if kind.kind == "f" else int(value) for value in table]
        return gathered(self.builder, element, values, index, self.on.width)


def _sign(on: Arithmetic, x: Any) -> Any:
    zero, one = on.number(0.0), on.number(1.0)
    return on.pick(on.less(zero, x), one, on.pick(on.less(x, zero), on.number(-1.0), x))


def _larger(on: Arithmetic, x: Any, y: Any) -> Any:
    """The larger of two; NaN where one is."""
    return on.pick(on.either(on.less(y, x), on.is_nan(x)), x, y)


def _smaller(on: Arithmetic, x: Any, y: Any) -> Any:
    return on.pick(on.either(on.less(x, y), on.is_nan(x)), x, y)


def _finite(on: Arithmetic, x: Any) -> Any:
    return on.equal(on.strict().sub(x, x), on.number(0.0))


REAL: Final[Mapping[str, Callable[..., Any]]] = {
    "quotient": lambda on, x, y: on.strict().div(x, y),
    "round": lambda on, x: on.rint(x),
    "rem": lambda on, x, y: on.builder.frem(x, y),
    "sign": _sign,
    "max": _larger,
    "min": _smaller,
    "is_finite": _finite,
}
