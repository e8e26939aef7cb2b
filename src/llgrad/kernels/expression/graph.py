"""An expression as a graph of scalar operations: built from a jaxpr, with common subexpressions shared and dead
ones dropped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from jax.core import Tracer
from jax.extend import core as jex

from llgrad.kernels.expression.simplify import Known, Negated, simplify

NESTED: Final = {
    # calls whose body is written out in place, and where the body stands in the equation's parameters
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "custom_vjp_call_jaxpr": "fun_jaxpr",
    "remat": "jaxpr",
    "remat2": "jaxpr",
    "checkpoint": "jaxpr",
}
SAME: Final = {
    "copy",
    "copy_p",
    "stop_gradient",
    "reduce_precision",
    "broadcast_in_dim",
    "reshape",
    "squeeze",
    "optimization_barrier",
}
COMMUTATIVE: Final = {"add", "mul", "max", "min", "eq", "ne", "and", "or", "xor"}
DIRECT: Final = {
    *("add", "sub", "mul", "div", "max", "min", "pow", "rem", "atan2"),
    *("neg", "abs", "sign", "sqrt", "cbrt", "exp", "exp2", "expm1", "log", "log1p", "floor", "ceil", "round"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc"),
    *("eq", "ne", "lt", "le", "gt", "ge", "and", "or", "xor", "not", "select_n", "is_finite"),
    *("shift_left", "shift_right_logical", "convert_element_type", "bitcast_convert_type"),
}
SUPPORTED: Final = frozenset(
    {
        *NESTED,
        *SAME,
        *DIRECT,
        "add_any",
        "integer_pow",
        "square",
        "one_minus_square",
        "polynomial",
        "log2",
        "rsqrt",
        "logistic",
        "clamp",
        "eq_to",
        "le_to",
        "lt_to",
    }
)


class UnsupportedOperation(ValueError):
    """A right-hand side uses an operation that the native engine has no code for. The XLA engine runs it."""


class Node(NamedTuple):
    """One operation; its operands are indices of earlier nodes, or known numbers."""

    name: str
    operands: tuple[Any, ...]
    dtype: np.dtype[Any]


class Graph:
    """Operations in the order they were first needed; equal operations are one node."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
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

    def quotient(self, over: Any, under: Any, dtype: np.dtype[Any]) -> int:
        """a/b as one division."""
        return self._node("div", (over, under), dtype)

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

    def extend(self, closed: Any, arguments: Sequence[Any]) -> list[Any]:
        """Add all operations of a jaxpr of scalars; returns the values of its outputs."""
        constants = [_constant(value) for value in closed.consts]
        return self._walk(closed.jaxpr, constants, list(arguments))

    def _walk(self, jaxpr: Any, constants: list[Any], arguments: list[Any]) -> list[Any]:
        values: dict[Any, Any] = dict(zip(jaxpr.constvars, constants, strict=True))
        values |= dict(zip(jaxpr.invars, arguments, strict=True))

        def read(atom: Any) -> Any:
            literal = isinstance(atom, jex.Literal)
            return _constant(atom.val, dtype_of_literal(atom)) if literal else values[atom]

        for equation in jaxpr.eqns:
            operands = [read(atom) for atom in equation.invars]
            values |= dict(zip(equation.outvars, self._equation(equation, operands), strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def _equation(self, equation: Any, operands: list[Any]) -> list[Any]:
        name, result = equation.primitive.name, equation.outvars[0].aval
        if name in NESTED:
            return self.extend(_closed(equation.params[NESTED[name]]), operands)
        if name not in SUPPORTED or any(out.aval.shape for out in equation.outvars):
            raise UnsupportedOperation(name)
        if name in SAME:
            return operands[: len(equation.outvars)]
        return [self._operation(name, operands, np.dtype(result.dtype), equation.params)]

    def _operation(self, name: str, operands: list[Any], dtype: np.dtype[Any], params: dict[str, Any]) -> Any:
        one = Known(dtype.type(1), dtype)
        if name == "integer_pow":
            return self.power(operands[0], params["y"], dtype)
        if name == "square":
            return self.add("mul", (operands[0], operands[0]), dtype)
        if name == "one_minus_square":
            factors = [self.add(sign, (one, operands[0]), dtype) for sign in ("add", "sub")]
            return self.add("mul", tuple(factors), dtype)
        if name == "polynomial":
            return self._polynomial(operands[0], operands[1:], dtype)
        if name == "log2":
            return self.add("div", (self.add("log", operands, dtype), Known(dtype.type(math.log(2)), dtype)), dtype)
        if name == "rsqrt":
            return self.add("div", (one, self.add("sqrt", operands, dtype)), dtype)
        if name == "logistic":
            exponential = self.add("exp", (self.add("neg", operands, dtype),), dtype)
            return self.add("div", (one, self.add("add", (one, exponential), dtype)), dtype)
        if name == "clamp":
            return self.add("min", (self.add("max", (operands[0], operands[1]), dtype), operands[2]), dtype)
        if name == "select_n" and len(operands) != 3:
            raise UnsupportedOperation("select_n of more than two cases")
        if name == "convert_element_type":
            if self.dtype_of(operands[0]) == dtype:
                return operands[0]
            if isinstance(operands[0], Known):
                return Known(dtype.type(operands[0].value), dtype)
        return self.add(name, operands, dtype)

    def _polynomial(self, x: Any, coefficients: Sequence[Any], dtype: np.dtype[Any]) -> Any:
        """Σ aₖ xᵏ by Horner's rule."""
        *rest, value = coefficients
        for coefficient in reversed(rest):
            value = self.add("add", (coefficient, self.add("mul", (x, value), dtype)), dtype)
        return value

    def live(self, outputs: Sequence[Any]) -> list[int]:
        """The nodes that the outputs need, in order."""
        needed: set[int] = set()
        waiting = [value for value in outputs if not isinstance(value, Known)]
        while waiting:
            index = waiting.pop()
            if index in needed:
                continue
            needed.add(index)
            node = self.nodes[index]
            waiting += [] if node.name == "input" else [o for o in node.operands if not isinstance(o, Known)]
        return sorted(needed)


def dtype_of_literal(atom: Any) -> np.dtype[Any]:
    """The dtype of a literal of a jaxpr."""
    return np.dtype(atom.aval.dtype)


def _closed(jaxpr: Any) -> Any:
    return jaxpr if hasattr(jaxpr, "consts") else jex.ClosedJaxpr(jaxpr, ())


def _constant(value: Any, dtype: Any = None) -> Known:
    if isinstance(value, Tracer):
        raise UnsupportedOperation("a traced value captured by a field term (make it a parameter, with quantity(unit))")
    array = np.asarray(value)
    if array.shape:
        raise UnsupportedOperation(f"a constant array of shape {array.shape}")
    kind = np.dtype(dtype if dtype is not None else array.dtype)
    return Known(kind.type(array), kind)
