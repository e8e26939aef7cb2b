"""A slope as a sum that waits for its slow part as late as it can, times what multiplies each component.

    slope = f · (P + r Q)

f is a parameter or a number of each component (−γ/(1+α²) of its layer, 10⁻⁹ of its unit), or a product of such: it goes
into the weights of the Runge–Kutta step, once for all stages. r is the result of the only division; P and Q do not
depend on it. A single trajectory is one chain of dependent operations. Written so, a division is followed by one
multiply–add instead of the whole cross product, and P and Q are computed while it runs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from llgrad.kernels.expression.graph import Graph
from llgrad.kernels.expression.simplify import Known, is_number


class Split(NamedTuple):
    """The parts of a slope, as operands of a graph; `late` and `rates` are empty where nothing is split off."""

    factors: list[tuple[Any, ...]]
    """Of each component the parameters and known numbers of f, the last one that multiplies first."""
    early: list[Any]
    """P, or the whole slope without the factors."""
    late: int | None
    rates: list[Any]
    """Q."""


def split(graph: Graph, outputs: Sequence[Any], parameters: Collection[int], wait: bool) -> Split:
    """The parts of a slope. `parameters` are the nodes that may be factors; with `wait` a division is split off."""
    pairs = [_without_factors(graph, value, parameters) for value in outputs]
    factors, outputs = [factors for factors, _ in pairs], [rest for _, rest in pairs]
    found = _linear_in_division(graph, outputs) if wait else None
    if found is None:
        return Split(factors, outputs, None, [])
    late, forms = found
    return Split(factors, [early for early, _ in forms], late, [rate for _, rate in forms])


def _without_factors(graph: Graph, value: Any, parameters: Collection[int]) -> tuple[tuple[Any, ...], Any]:
    """The parameters and known numbers that multiply a value, from the outermost on, and what they multiply."""
    found = []
    while operands := _product(graph, value):
        factors = [o for o in operands if o in parameters or isinstance(o, Known)]
        if not factors:
            break
        found.append(factors[0])
        value = _other(operands, factors[0])
    return tuple(found), value


def without(graph: Graph, value: Any, factors: Sequence[Any]) -> list[Any]:
    """A value without the first of these factors, without the first two, and so on, while it is a product with them."""
    found: list[Any] = []
    for factor in factors:
        operands = _product(graph, value)
        if factor not in operands:
            break
        value = _other(operands, factor)
        found.append(value)
    return found


def _product(graph: Graph, value: Any) -> Sequence[Any]:
    """The operands of a product; none of another value."""
    node = None if isinstance(value, Known) else graph.nodes[value]
    return node.operands if node is not None and node.name == "mul" else ()


def _other(operands: Sequence[Any], factor: Any) -> Any:
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
