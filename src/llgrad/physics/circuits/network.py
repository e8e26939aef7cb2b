"""Kirchhoff's laws for parts in series and in parallel, solved exactly: inwards to what the whole is, and out again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from llgrad.devices.bias import Law, Linear, Tangent, polished, settled
from llgrad.physics.circuits.connections import Parallel, Part, Series

OHMIC: Final = "ohmic"
"""V = E + R I."""
VOLTAGE: Final = "voltage"
"""V = E, whatever the current: a capacitor, a source without resistance."""
CURRENT: Final = "current"
"""I = J, whatever the voltage: an inductor, a source of current."""
FOLLOWING: Final = "following"
"""I = f(V), which rises: a junction whose resistance follows its voltage."""


class Port(NamedTuple):
    """What a part is from outside, at one moment."""

    kind: str
    value: Any
    """E [V], J [A] of one that keeps its current, or f of one whose resistance follows its voltage."""
    resistance: Any = None
    """R [Ω] of an ohmic one."""


class CircuitNode(NamedTuple):
    """A part with its port, and those of its parts."""

    what: str
    port: Port
    in_series: bool = False
    inner: tuple[CircuitNode, ...] = ()


def solved(source: Part, network: Part, ports: Sequence[Port]) -> list[tuple[Any, Any]]:
    """Voltage [V] and current [A] of the source and of every element of what it drives, by their ports, in order.

    Raises ValueError, in one sentence, where they contradict each other, and where nothing limits the current.
    """
    each = iter(ports)
    inner = _reduced(source, each), _reduced(network, each)
    port = _in_series(inner)
    if port.kind == VOLTAGE:
        raise ValueError(
            "this circuit is a short circuit: nothing limits the current of its source; put a resistor or a junction "
            "in its way, or give the source a resistance"
        )
    current = port.value if port.kind == CURRENT else -port.value / port.resistance
    return _elements(CircuitNode("circuit", port, True, inner), 0.0, current)


def solved_by_voltages(
    source: Part, network: Part, ports: Sequence[Port], constant: Sequence[Port], steps: int
) -> list[tuple[Any, Any]]:
    """`solved` where some follow their voltages, in so many steps; `constant` are the ports without derivatives."""
    places = [place for place, port in enumerate(ports) if port.kind == FOLLOWING]

    def with_tangents(ports: Sequence[Port], tangents: list[Tangent]) -> list[tuple[Any, Any]]:
        ohmic = list(ports)
        for place, at in zip(places, tangents, strict=True):
            ohmic[place] = Port(OHMIC, at.source, 1 / at.conductance)
        return solved(source, network, ohmic)

    def laws_and_linear(ports: Sequence[Port]) -> tuple[list[Law], Linear]:
        def linear(tangents: list[Tangent]) -> list[tuple[Any, Any]]:
            found = with_tangents(ports, tangents)
            return [found[place] for place in places]

        return [ports[place].value for place in places], linear

    volts = settled(*laws_and_linear(constant), steps)
    return with_tangents(ports, polished(*laws_and_linear(ports), volts))


def _reduced(part: Part, ports: Iterator[Port]) -> CircuitNode:
    """A part as its ports make it."""
    if not isinstance(part, (Series, Parallel)):
        return CircuitNode(type(part).__name__, next(ports))
    inner, in_series = tuple(_reduced(one, ports) for one in part.parts), isinstance(part, Series)
    return CircuitNode(type(part).__name__, _in_series(inner) if in_series else _in_parallel(inner), in_series, inner)


def _of_kind(nodes: tuple[CircuitNode, ...], kind: str) -> list[CircuitNode]:
    return [node for node in nodes if node.port.kind == kind]


def _in_series(nodes: tuple[CircuitNode, ...]) -> Port:
    keeping = _of_kind(nodes, CURRENT)
    if len(keeping) > 1:
        raise ValueError(
            f"{_listed(keeping)} are in series, and each keeps a current of its own; leave one out, or put a resistor "
            "beside it"
        )
    if keeping:
        return keeping[0].port
    ohmic = _of_kind(nodes, OHMIC)
    value = sum(node.port.value for node in nodes)
    return Port(OHMIC, value, sum(node.port.resistance for node in ohmic)) if ohmic else Port(VOLTAGE, value)


def _in_parallel(nodes: tuple[CircuitNode, ...]) -> Port:
    keeping = _of_kind(nodes, VOLTAGE)
    if len(keeping) > 1:
        raise ValueError(
            f"{_listed(keeping)} are in parallel, and each keeps a voltage of its own: a short circuit; leave one out, "
            "or put a resistor before it"
        )
    if keeping:
        return keeping[0].port
    ohmic, currents = _of_kind(nodes, OHMIC), _of_kind(nodes, CURRENT)
    total = sum(node.port.value for node in currents)
    if not ohmic:
        return Port(CURRENT, total)
    if len(ohmic) == 1:
        (_, value, resistance) = ohmic[0].port
        return Port(OHMIC, value - resistance * total, resistance)
    conductances = [1 / node.port.resistance for node in ohmic]
    resistance = 1 / sum(conductances)
    driven = sum(g * node.port.value for g, node in zip(conductances, ohmic, strict=True))
    return Port(OHMIC, resistance * (driven - total), resistance)


def _listed(nodes: list[CircuitNode]) -> str:
    return " and ".join(node.what for node in nodes)


def _elements(node: CircuitNode, voltage: Any, current: Any) -> list[tuple[Any, Any]]:
    """Voltage and current of each element of a part, in order, of the whole's voltage and current."""
    if not node.inner:
        return [(voltage, current)]
    found: list[tuple[Any, Any]] = []
    shared = _voltages if node.in_series else _currents
    for inner, (v, i) in zip(node.inner, shared(node.inner, voltage, current), strict=True):
        found += _elements(inner, v, i)
    return found


def _voltages(nodes: tuple[CircuitNode, ...], voltage: Any, current: Any) -> list[tuple[Any, Any]]:
    """Voltage and current of parts in series: what keeps its current takes the voltage that the others leave."""
    drops = [None if p.kind == CURRENT else p.value if p.kind == VOLTAGE else p.value + p.resistance * current
             for p in (node.port for node in nodes)]  # fmt: skip
    rest = voltage - sum(drop for drop in drops if drop is not None)
    return [(rest if drop is None else drop, current) for drop in drops]


def _currents(nodes: tuple[CircuitNode, ...], voltage: Any, current: Any) -> list[tuple[Any, Any]]:
    """Voltage and current of parts in parallel: what keeps its voltage takes the current that the others leave."""
    flows = [None if p.kind == VOLTAGE else p.value if p.kind == CURRENT else (voltage - p.value) / p.resistance
             for p in (node.port for node in nodes)]  # fmt: skip
    rest = current - sum(flow for flow in flows if flow is not None)
    return [(voltage, rest if flow is None else flow) for flow in flows]
