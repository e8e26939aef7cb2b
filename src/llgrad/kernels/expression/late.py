"""A slope as a sum that waits for its slow part as late as it can, times the factor that all components share.

    slope = f · (P + r Q)

f is a parameter that multiplies every component (−γ/(1+α²)): it goes into the weights of the Runge–Kutta step, once
for all stages. r is the result of the only division; P and Q do not depend on it. A single trajectory is one chain of
dependent operations. Written so, a division is followed by one multiply–add instead of the whole cross product, and P
and Q are computed while it runs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from llgrad.kernels.expression.graph import Graph
from llgrad.kernels.expression.simplify import Known, is_number


class Split(NamedTuple):
    """The parts of a slope, as operands of a graph; `late` and `rates` are empty where nothing is split off."""

    factor: int | None
    early: list[Any]
    """P, or the whole slope without the factor."""
    late: int | None
    rates: list[Any]
    """Q."""


def split(graph: Graph, outputs: Sequence[Any], parameters: Collection[int], wait: bool) -> Split:
    """The parts of a slope. `parameters` are the nodes that may be the factor; with `wait` a division is split off."""
    factor, outputs = common_factor(graph, outputs, parameters)
    found = _linear_in_division(graph, outputs) if wait else None
    if found is None:
        return Split(factor, list(outputs), None, [])
    late, forms = found
    return Split(factor, [early for early, _ in forms], late, [rate for _, rate in forms])


def common_factor(graph: Graph, outputs: Sequence[Any], parameters: Collection[int]) -> tuple[int | None, list[Any]]:
    """The parameter that multiplies every output, and the outputs without it."""
    outputs = list(outputs)
    products = [value for value in outputs if not is_number(value, 0)]
    shared = set(parameters)
    for value in products:
        node = None if isinstance(value, Known) else graph.nodes[value]
        shared &= {o for o in node.operands if not isinstance(o, Known)} if node and node.name == "mul" else set()
    if not shared or not products:
        return None, outputs
    factor = min(shared)
    rest = [value if is_number(value, 0) else _other(graph.nodes[value].operands, factor) for value in outputs]
    return factor, rest


def _other(operands: Sequence[Any], factor: int) -> Any:
    left, right = operands
    return right if left == factor else left


def _linear_in_division(graph: Graph, outputs: Sequence[Any]) -> tuple[int, list[tuple[Any, Any]]] | None:
    """The only division, and every output as (P, Q) of P + r Q; None where there is another one, or a power of r."""
    live = graph.live(outputs)
    slow = [index for index in live if graph.nodes[index].name in ("div", "quotient", "sqrt", "pow")]
    if len(slow) != 1 or graph.nodes[slow[0]].name != "div":
        return None
    (late,) = slow
    kind = graph.nodes[late].dtype
    zero, one = Known(kind.type(0), kind), Known(kind.type(1), kind)
    forms: dict[Any, tuple[Any, Any]] = {late: (zero, one)}
    uses = [index for index in live if late in graph.nodes[index].operands]
    if len(uses) == 1 and graph.nodes[uses[0]].name == "mul":  # c (1/d) is c/d
        forms = {uses[0]: (zero, one)}
        over = _other(graph.nodes[uses[0]].operands, late)
        late = graph.quotient(over, graph.nodes[late].operands[1], kind)

    def form(value: Any) -> tuple[Any, Any]:
        return forms.get(value, (value, zero))

    for index in live:
        node = graph.nodes[index]
        if index in forms or not any(o in forms for o in node.operands if not isinstance(o, Known)):
            continue
        pairs = [form(operand) for operand in node.operands]
        if node.name in ("add", "sub", "neg"):
            forms[index] = tuple(graph.add(node.name, part, kind) for part in zip(*pairs, strict=True))  # type: ignore[assignment]
        elif node.name == "mul" and sum(not is_number(rate, 0) for _, rate in pairs) == 1:
            (left, left_rate), (right, right_rate) = pairs
            rate = (left, right_rate) if is_number(left_rate, 0) else (left_rate, right)
            forms[index] = (graph.add("mul", (left, right), kind), graph.add("mul", rate, kind))
        else:
            return None
    return late, [form(value) for value in outputs]
