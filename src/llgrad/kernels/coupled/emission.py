"""What oscillators of an array emit, and how what they receive is mixed of it: in every pass."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jax.extend import core as jex

from llgrad.devices.arrays.mix import ALL
from llgrad.kernels.builder.arithmetic import Arithmetic
from llgrad.kernels.builder.code import Word
from llgrad.kernels.builder.expression import write
from llgrad.kernels.coupled.memory import Memory
from llgrad.kernels.expression.program import Program
from llgrad.kernels.expression.translate import graph_of


class Emission:
    """The emitted numbers of a state, and their derivatives, written in place.

    Args:
        on: the arithmetic of the values.
        program: the run's.
        wanted: parameters with tangents or cotangents.
    """

    def __init__(self, on: Arithmetic, program: Program, wanted: Sequence[str] = ()) -> None:
        self.on, self.whole, self.program = on, program, program.of_emission
        self.names, self.size = self.program.arguments, len(program.state)
        self.places = tuple(self.names.index(name) for name in wanted)
        self.wanted = len(wanted)

    @functools.cached_property
    def plain(self) -> tuple[int, ...] | None:
        """The components that are emitted, where each number is just one; None where any is computed."""
        return plain_emission(self.whole)

    def __call__(self, state: Sequence[Any], parameters: Mapping[str, Any]) -> list[Any]:
        if self.plain is not None:
            return [state[place] for place in self.plain]
        return self._write(self.program.function, 0, state, parameters, ())

    def push(self, state: Sequence[Any], parameters: Mapping[str, Any], tangents: Sequence[Any]) -> list[Any]:
        """The tangents of what is emitted, of those of the state and of the wanted parameters."""
        if self.plain is not None:
            return [tangents[place] for place in self.plain]
        function = self.program.push_forward(self.places)
        return self._write(function, self.size + self.wanted, state, parameters, tangents)

    def pull(self, state: Sequence[Any], parameters: Mapping[str, Any], cotangents: Sequence[Any]) -> list[Any]:
        """The cotangents of the state and of the wanted parameters, of those of what is emitted."""
        function = self.program.pull_back(self.places)
        return self._write(function, self.program.emits, state, parameters, cotangents)

    def _write(
        self, function: Callable[..., Any], more: int, state: Any, parameters: Mapping[str, Any], values: Sequence[Any]
    ) -> list[Any]:
        names = [*self.names, *(f"d{place}" for place in range(more))]
        graph, nodes, outputs = graph_of(self.program.trace(function, self.program.state[:1] * more), names)
        given = [*state, *(parameters[name] for name in self.names[self.size :]), *values]
        return write(self.on, graph, dict(zip(nodes, given, strict=True)), outputs)


def plain_emission(program: Program) -> tuple[int, ...] | None:
    """The components of the state that a program emits; None where it emits anything else."""
    emission = program.of_emission
    jaxpr = emission.trace(emission.function).jaxpr
    given = list(jaxpr.invars[: len(program.state)])
    if any(isinstance(atom, jex.Literal) or atom not in given for atom in jaxpr.outvars):
        return None
    return tuple(given.index(atom) for atom in jaxpr.outvars)


class Mixer:
    """The products of a mix, of operands in the workspace or in registers.

    Args:
        memory: the memory of the pass.
        turned: whether they go from what is received to what is emitted, by the transposed matrices.
    """

    def __init__(self, memory: Memory, turned: bool) -> None:
        self.memory, self.code, self.turned = memory, memory.code, turned
        scheme = self.scheme = memory.scheme
        terms = [(e, r, number) if turned else (r, e, number) for r, e, number in scheme.terms]
        self.sums = [(goal, source) for goal, source, number in terms if number == ALL]
        self.products = [term for term in terms if term[2] != ALL]

    def pack(self, matrices: int, address: Callable[[int], Word], first: int = 0) -> None:
        """Pack matrices of a small single array."""
        m = self.memory
        for number in range(matrices if m.packed else 0):
            m.products.pack(m.matrix(first + number), address(number), m.N, m.terms, turned=self.turned)

    def weights(self, number: int) -> Word:
        """Address of a matrix of weights, of this array where each has its own."""
        m, M = self.memory, self.scheme.matrices
        if not m.packed:
            return m.address("weights", m.size("weights") // M * number)
        return m.address("weights", m.own_part("weights", m.N * m.N * M) + m.N * m.N * number)

    def add_sums(self, goals: Sequence[Word], sources: Sequence[Word], pitch: Any, add: bool) -> None:
        """The sums over all oscillators, in the rows r0 … r1."""
        m = self.memory
        touched: set[int] = set()
        for goal, source in self.sums:
            more = add or goal in touched
            touched.add(goal)
            if self.scheme.single:
                stop = (m.r1 * m.W).min(m.N) if self.turned else m.r1 * m.W
                m.products.total(goals[goal], sources[source], m.N, m.r0 * m.W, stop, more)
            else:
                m.products.total_rows(goals[goal], sources[source], pitch, m.N, m.r0, m.r1, more)

    def add_products(
        self,
        goals: Sequence[Word],
        sources: Sequence[Word],
        pitch: Any,
        add: bool,
        back: Any,
        first: int = 0,
        weights: Callable[[int], Word] | None = None,
    ) -> None:
        """The products with the matrices in the rows r0 … r1, after the sums; `first` is the number of the first of
        them that are packed, and `weights` tells where those are that are not.
        """
        m = self.memory
        touched = {goal for goal, _ in self.sums}
        for goal, source, number in self.products:
            more = add or goal in touched
            touched.add(goal)
            C, X = goals[goal], sources[source]
            W = (weights or self.weights)(number) if not m.packed else m.matrix(first + number)
            if self.scheme.shared:
                m.products.rows(C, W, m.N, X, m.r0 * m.W, m.r1 * m.W, more, back, not self.turned)
            elif self.scheme.single:
                m.products.columns(C, W, m.A, X, m.N, m.terms, more, back, not self.turned)
            else:
                m.products.product(C, W, X, pitch, m.N, m.r0, m.r1, more)

    def few(self, sources: Sequence[Any], starts: Sequence[Any], first: int = 0, sums: bool = True) -> list[Any]:
        """All of it for a few oscillators in registers, added to `starts`, which may be None."""
        m, found = self.memory, list(starts)
        for goal, source in self.sums if sums else ():
            total = m.products.total_of(sources[source], m.N, self.turned)
            found[goal] = total if found[goal] is None else m.on.add(found[goal], total)
        for goal, source, number in self.products:
            found[goal] = m.products.few(m.matrix(first + number), sources[source], found[goal])
        return found
