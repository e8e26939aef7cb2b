"""What a derivative keeps of its function costs the least of all that would do."""

import itertools

import numpy as np
import pytest

from llgrad.kernels.expression.graph import Graph
from llgrad.kernels.expression.splits.keeping import COSTLY, KEEPING, cheapest

REAL = np.dtype(np.float64)
PRICES = {"max": 1, "atan2": COSTLY}


def drawn(rng, size):
    """A graph of operations on two inputs, the second of which is given, and what is needed of it."""
    graph = Graph()
    state, given = (graph.input(name, REAL) for name in ("state", "given"))
    nodes = [state, given]
    while len(graph.nodes) < size:
        name = str(rng.choice(list(PRICES), p=[0.8, 0.2]))
        nodes.append(graph.add(name, tuple(int(n) for n in rng.choice(nodes, 2)), REAL))
    needed = sorted({int(n) for n in rng.choice(nodes[2:], 4)})
    return graph, needed, given


def price(graph, needed, given, kept):
    """Of keeping some nodes and taking again what else is needed; None where the state is needed and not kept."""
    again = [n for n in graph.live(needed, {*kept, given}) if n not in kept and n != given]
    if any(graph.nodes[n].name == "input" for n in again):
        return None
    alone = {given}
    for n in range(len(graph.nodes)):
        if graph.nodes[n].name != "input" and set(graph.nodes[n].operands) <= alone:
            alone.add(n)
    return KEEPING * len(kept) + sum(PRICES[graph.nodes[n].name] for n in again if n not in alone)


@pytest.mark.parametrize("seed", range(30))
def test_nothing_cheaper_would_do(seed):
    graph, needed, given = drawn(np.random.default_rng(seed), 11)
    found = price(graph, needed, given, cheapest(graph, needed, {given}))
    some = [n for n in range(len(graph.nodes)) if n != given]
    choices = itertools.chain.from_iterable(itertools.combinations(some, k) for k in range(len(some) + 1))
    prices = [price(graph, needed, given, set(kept)) for kept in choices]
    assert found == min(p for p in prices if p is not None)


def test_a_product_within_a_sum_is_free_and_a_truth_value_is_never_kept():
    graph = Graph()
    x, y = graph.input("x", REAL), graph.input("y", REAL)
    low = graph.add("lt", (x, y), np.dtype(bool))
    chosen = graph.add("select_n", (low, x, y), REAL)
    fused = graph.add("add", (graph.add("mul", (x, y), REAL), chosen), REAL)
    assert cheapest(graph, [low, chosen, fused], ()) == [x, y]
