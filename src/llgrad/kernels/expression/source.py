"""From a jaxpr of scalars to straight-line Python source that Numba compiles."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from llgrad.kernels.builder.functions import FUNCTIONS
from llgrad.kernels.expression.graph import Graph, Node
from llgrad.kernels.expression.simplify import Known
from llgrad.kernels.expression.translate import graph_of

TEMPLATES: Final[dict[str, str]] = (
    {
        "add": "{0} + {1}",
        "sub": "{0} - {1}",
        "mul": "{0} * {1}",
        "div": "{0} / {1}",
        "quotient": "over({0}, {1})",
        "sqrt": "root({0})",
        "neg": "-{0}",
        "abs": "abs({0})",
        "max": "pick(({0} > {1}) | ({0} != {0}), {0}, {1})",
        "min": "pick(({0} < {1}) | ({0} != {0}), {0}, {1})",
        "sign": "pick({0} > {zero}, {one}, pick({0} < {zero}, -{one}, {0}))",
        "pow": "elementary.power({0}, {1})",
        "rem": "np.fmod({0}, {1})",
        "floor": "np.floor({0})",
        "ceil": "np.ceil({0})",
        "atan2": "elementary.atan2({0}, {1})",
        "exp2": "np.exp2({0})",
        "round": "np.rint({0})",
        "eq": "{0} == {1}",
        "ne": "{0} != {1}",
        "lt": "{0} < {1}",
        "le": "{0} <= {1}",
        "gt": "{0} > {1}",
        "ge": "{0} >= {1}",
        "and": "{0} & {1}",
        "or": "{0} | {1}",
        "xor": "{0} ^ {1}",
        "select_n": "pick({0}, {2}, {1})",
        "is_finite": "({0} - {0}) == {zero}",
        "shift_left": "{0} << {1}",
        "shift_right_logical": "{0} >> {1}",
        "shift_right_arithmetic": "{0} >> {1}",
    }
    | {name: f"math.{name}({{0}})" for name in ("asinh", "acosh", "atanh")}
    | {name: f"elementary.{name}({{0}})" for name in FUNCTIONS if name not in ("pow", "atan2")}
)


class Source:
    """Generated functions that share one table of constants.

    Numbers of a dtype other than float64 are module constants: a bare literal would promote a float32 expression.
    """

    def __init__(self, dtype: Any, replacements: dict[str, str] | None = None) -> None:
        self.dtype = np.dtype(dtype)
        self.constants: dict[str, str] = {}
        self.replacements = replacements or {}

    def number(self, value: Any, dtype: Any = None) -> str:
        """The text of a number in a dtype (that of the loops if not given)."""
        kind = self.dtype if dtype is None else np.dtype(dtype)
        if kind == np.bool_:
            return repr(bool(value))
        if kind == np.float64 and math.isfinite(value):
            return repr(float(value))
        text = f"np.{kind.name}({_plain(value, kind)})"
        return self.constants.setdefault(text, f"C{len(self.constants)}")

    def table(self, values: np.ndarray) -> str:
        """The name of a table of constants."""
        numbers = ", ".join(_plain(value, values.dtype) for value in values)
        return self.constants.setdefault(f"np.array([{numbers}], np.{values.dtype.name})", f"C{len(self.constants)}")

    def function(self, name: str, closed: Any, arguments: Sequence[str]) -> str:
        """The source of a function of the named scalars that returns the outputs of a jaxpr."""
        graph, inputs, outputs = graph_of(closed, arguments)
        return self.text(name, graph, dict(zip(inputs, arguments, strict=True)), outputs)

    def text(self, name: str, graph: Graph, inputs: Mapping[int, str], outputs: Sequence[Any]) -> str:
        """The source of a function that returns values of a graph; `inputs` are the names of its arguments."""
        names = dict(inputs)

        def text(value: Any) -> str:
            return self.number(value.value, value.dtype) if isinstance(value, Known) else names[value]

        lines = []
        for index in graph.live(outputs):
            if index not in names:
                names[index] = f"v{index}"
                lines.append(f"    v{index} = {self._operation(graph, graph.nodes[index], text)}")
        returned = ", ".join(text(value) for value in outputs)
        head = f"@njit(**INLINE)\ndef {name}({', '.join(inputs.values())}):"
        return "\n".join([head, *lines, f"    return ({returned},)"])

    def _operation(self, graph: Graph, node: Node, text: Callable[[Any], str]) -> str:
        operands = [text(operand) for operand in node.operands]
        kind = graph.dtype_of(node.operands[0])
        if node.name == "convert_element_type":
            return f"np.{node.dtype.name}({operands[0]})"
        if node.name == "bitcast_convert_type":
            bits = 8 * kind.itemsize
            if kind.kind == "f":
                return f"np.{node.dtype.name}(int{bits}_of_float({operands[0]}))"
            words = f"np.int{bits}({operands[0]})"
            return f"float_of_int{bits}({words})" if node.dtype.kind == "f" else f"np.{node.dtype.name}({operands[0]})"
        if node.name == "lookup":
            return f"{self.table(graph.tables[int(node.operands[1].value)])}[np.uint64({operands[0]})]"
        if node.name in ("div", "rem") and kind.kind in "iu":
            return f"np.{node.dtype.name}({_whole_division(node.name, kind).format(*operands)})"
        if node.name == "not":
            return f"not {operands[0]}" if node.dtype == np.bool_ else f"~{operands[0]}"
        name = "quotient" if node.name == "div" and kind == np.float32 else node.name
        template = self.replacements.get(name, TEMPLATES[name])
        result = template.format(*operands, zero=self.number(0, kind), one=self.number(1, kind))
        # Numba computes with integers in 64 bits; the cast back keeps the jaxpr's wrap-around
        return f"np.{node.dtype.name}({result})" if node.dtype.kind in "iu" else result

    def constant_lines(self) -> str:
        """The assignments of the module's constants."""
        return "\n".join(f"{name} = {text}" for text, name in self.constants.items())


def _whole_division(name: str, kind: np.dtype[Any]) -> str:
    """The quotient of whole numbers, rounded towards zero, or what it leaves; the divisor is positive."""
    quotient = "({0} // {1})" if kind.kind == "u" else "({0} // {1} + (({0} < 0) & ({0} % {1} != 0)))"
    return quotient if name == "div" else f"{{0}} - {quotient} * {{1}}"


def _plain(value: Any, kind: np.dtype[Any]) -> str:
    if kind.kind == "f":
        return repr(float(value)) if math.isfinite(value) else f'float("{float(value)}")'
    return repr(bool(value)) if kind.kind == "b" else repr(int(value))
