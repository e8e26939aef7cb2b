"""What a derivative keeps of its function, and what it takes again: the cheapest cut of the graph between the two.

Every value that is needed is kept (written and read once) or taken again from operands that are themselves kept or
taken again. Which is cheapest in all is a minimum cut: each value is an edge of the price of keeping it, and behind it
an edge of the price of its operation to the sink and unlimited edges to its operands. Found by augmenting paths
(L. R. Ford, D. R. Fulkerson, Can. J. Math. 8, 399 (1956)), the shortest first (J. Edmonds, R. M. Karp, J. ACM 19, 248
(1972)).
"""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Collection, Iterator
from typing import Any, Final

import numpy as np

from llgrad.kernels.expression.graph import Graph
from llgrad.kernels.expression.simplify import Known

CHEAP: Final = {"add", "sub", "mul", "neg", "abs", "max", "min", "select_n"}
"""Operations of one instruction, or of none: a product that goes into one sum is part of it."""
KEEPING: Final = 4
"""Price, in sums and products, of writing and reading a vector."""
COSTLY: Final = 30
"""Of a division or an elementary function."""
NEVER: Final = 1 << 40
SOURCE: Final = ("source", 0)
SINK: Final = ("sink", 0)


def cheapest(graph: Graph, needed: Collection[int], given: Collection[int], keeping: int = KEEPING) -> list[int]:
    """The nodes whose values to keep, each at the price `keeping`, so that all that is `needed` follows from them and
    from what is `given`.
    """
    edges = _edges(graph, needed, set(given), keeping)
    while path := _shortest(edges):
        pairs = list(itertools.pairwise(path))
        least = min(edges[a][b] for a, b in pairs)
        for a, b in pairs:
            edges[a][b] -= least
            edges[b][a] = edges[b].get(a, 0) + least
    reached = _reached(edges)
    return sorted(node for kind, node in reached if kind == "value" and ("operation", node) not in reached)


def _edges(graph: Graph, needed: Collection[int], given: set[int], keeping: int) -> dict[Any, dict[Any, int]]:
    """The network: by node, the nodes that edges go to and what still passes through them."""
    live = [index for index in graph.live(list(needed), given) if index not in given]
    held = set(given)
    for index in live:
        if graph.nodes[index].name != "input" and held.issuperset(_operands(graph, index)):
            held.add(index)
    uses = Counter(operand for index in live for operand in _operands(graph, index))
    users = {operand: graph.nodes[index].name for index in live for operand in _operands(graph, index)}
    edges: dict[Any, dict[Any, int]] = {SINK: {}, SOURCE: {("value", n): NEVER for n in needed if n not in held}}
    for index in live:
        if index in held:
            continue
        node = graph.nodes[index]
        value, operation = ("value", index), ("operation", index)
        edges[value] = {operation: NEVER if node.dtype == np.bool_ and node.name != "input" else keeping}
        fused = node.name == "mul" and index not in needed and uses[index] == 1 and users[index] in ("add", "sub")
        price = NEVER if node.name == "input" else 0 if fused else 1
        edges[operation] = {SINK: price if node.name in CHEAP or price == NEVER or _is_truth(node) else COSTLY}
        edges[operation] |= {("value", operand): NEVER for operand in _operands(graph, index) if operand not in held}
    return edges


def _is_truth(node: Any) -> bool:
    return node.dtype == np.bool_


def _operands(graph: Graph, index: int) -> Iterator[int]:
    node = graph.nodes[index]
    return iter([] if node.name == "input" else [o for o in node.operands if not isinstance(o, Known)])


def _reached(edges: dict[Any, dict[Any, int]]) -> dict[Any, Any]:
    """What an edge that is not full leads to, from the source on, and from where it was reached."""
    found: dict[Any, Any] = {SOURCE: None}
    waiting = deque([SOURCE])
    while waiting and SINK not in found:
        here: Any = waiting.popleft()
        for there, left in edges[here].items():
            if left > 0 and there not in found:
                found[there] = here
                waiting.append(there)
    return found


def _shortest(edges: dict[Any, dict[Any, int]]) -> list[Any]:
    """The shortest path from the source to the sink that something still passes through; empty where there is none."""
    found = _reached(edges)
    path = [SINK] if SINK in found else []
    while path and path[-1] != SOURCE:
        path.append(found[path[-1]])
    return path[::-1]
