"""A graph as straight-line formulas: what tells programs apart, and what a reader of a kernel sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from llgrad.kernels.expression.graph import Graph, Node
from llgrad.kernels.expression.simplify import Known
from llgrad.kernels.expression.translate import graph_of

_INFIX: Final = {
    **{"add": "+", "sub": "-", "mul": "*", "div": "/", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">"},
    **{"ge": ">=", "and": "&", "or": "|", "xor": "^", "shift_left": "<<"},
}


def flat(parts: Sequence[tuple[Any, Any]]) -> list[Any]:
    """Pairs one after another."""
    return [value for part in parts for value in part]


def formulas(closed: Any, arguments: Sequence[str]) -> str:
    """The lines of a jaxpr of named scalars and tables, and its outputs; of an array the numbers at its places."""
    graph, inputs, found = graph_of(closed, arguments)
    outputs = [part for value in found for part in (flat(value) if isinstance(value, list) else [value])]
    return listing(graph, dict(zip(inputs, arguments, strict=True)), outputs)


def listing(graph: Graph, inputs: Mapping[int, str], outputs: Sequence[Any]) -> str:
    """The lines of a graph whose inputs have names: one operation each, in a type where it is not the usual one."""
    names = dict(inputs)
    lines = []
    for index in graph.live(outputs):
        if index not in names:
            names[index] = f"v{index}"
            lines.append(f"v{index} = {_operation(graph, graph.nodes[index], names)}")
    return "\n".join([*lines, f"return {', '.join(_text(value, names) for value in outputs)}"])


def _text(value: Any, names: Mapping[int, str]) -> str:
    if not isinstance(value, Known):
        return names[value]
    number = value.value
    text = repr(float(number)) if value.dtype.kind == "f" else repr(int(number))
    return text if value.dtype == np.float64 else f"{value.dtype.name}({text})"


def _operation(graph: Graph, node: Node, names: Mapping[int, str]) -> str:
    operands = [_text(operand, names) for operand in node.operands]
    if node.name == "lookup":
        table = graph.tables[int(node.operands[1].value)]
        return f"{table.dtype.name}{table.tolist()}[{operands[0]}]"
    if node.name == "rank" and isinstance(node.operands[1], Known):
        operands[1] = f"{graph.tables[int(node.operands[1].value)].tolist()}"
    if node.name == "fetch":
        return f"{operands[1]}[{operands[0]}]"
    if node.name in _INFIX:
        return f"{operands[0]} {_INFIX[node.name]} {operands[1]}"
    kind = f" as {node.dtype.name}" if node.name in ("convert_element_type", "bitcast_convert_type") else ""
    return f"{node.name}({', '.join(operands)}){kind}"
