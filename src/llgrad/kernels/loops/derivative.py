"""Derivatives of a slope, written in place: what the tangent and the adjoint pass take at each stage."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from llvmlite import ir

from llgrad.kernels.builder.arithmetic import Arithmetic
from llgrad.kernels.builder.code import Code, Word
from llgrad.kernels.builder.expression import write
from llgrad.kernels.expression.listing import flat
from llgrad.kernels.expression.simplify import Known, is_number
from llgrad.kernels.expression.splits.keeping import KEEPING, cheapest
from llgrad.kernels.expression.splits.late import without
from llgrad.kernels.expression.translate import graph_of
from llgrad.kernels.loops.stages import looped
from llgrad.kernels.loops.step import SchemeStep

LINE: Final = 64
"""Bytes of a line of a cache: a vector that begins within one is written as two."""


class Pushed:
    """The tangents of a slope along several directions at once: each pushed forward for itself, or, where that is less
    arithmetic, by the slope's derivatives, which all directions share. They lack so many of each component's factors
    in the weights of the step as `depths` tells.

    Args:
        step: whose slope it is.
        active: what has tangents beside the state.
        directions: how many there are.
    """

    def __init__(self, step: SchemeStep, active: Sequence[str], directions: int) -> None:
        program = step.program
        wanted = tuple(program.arguments.index(name) for name in active)
        self.on, self.size = step.on, len(program.state)
        self.push = Derivative(step, program.push_forward(wanted), (*program.state, *active))
        self.push.leave_out_factors()
        self.columns, self.depths = None, self.push.depths
        if directions > 1 and not set(active) & set(program.tables):
            columns = Derivative(step, program.columns(wanted), ())
            columns.leave_out_factors()
            self.present = [not is_number(value, 0) for value in columns.outputs]
            once, each = self.push.operations
            if columns.operations[0] + directions * sum(self.present) < once + directions * each:
                self.columns, self.depths = columns, columns.depths

    def __call__(
        self, state: Sequence[Any], inputs: Mapping[str, Any], directions: Sequence[Sequence[Any]]
    ) -> list[list[Any]]:
        """The tangent of the slope along each direction: a tangent of the state and of what is active."""
        if self.columns is None:
            return [self.push(state, inputs, direction) for direction in directions]
        entries, found = self.columns(state, inputs, ()), []
        for direction in directions:
            rows = [
                [
                    self.on.mul(entries[place], part)
                    for j, part in enumerate(direction)
                    if self.present[place := j * self.size + axis]
                ]
                for axis in range(self.size)
            ]
            found.append([self.on.sum(row) for row in rows])
        return found


class Derivative:
    """A derivative of the slope, written in place: `pull_back` or `push_forward` of a program.

    It can be taken in two parts: `residuals` are what it needs of the slope, and `of_residuals` the rest, which is
    linear in the arguments after those of the slope.
    """

    def __init__(
        self,
        step: SchemeStep,
        function: Callable[..., list[Any]],
        more: Sequence[str],
        scaled: bool = False,
        keeping: int = KEEPING,
    ) -> None:
        """`more` are the names of what the arguments after those of the slope belong to. Of a derivative that is
        `scaled` they are given times factors that are in the weights of the step, where that is all they are for.
        `keeping` is the price of keeping a number.
        """
        self.step, program, self.keeping = step, step.program, keeping
        names = [*program.arguments, *(f"d{index}" for index in range(len(more)))]
        self.graph, self.nodes, self.found = graph_of(program.trace(function, more), names)
        self.outputs = [part for value in self.found for part in (flat(value) if isinstance(value, list) else [value])]
        count = len(program.arguments)
        self.slope, self.linear = self.nodes[:count], list(self.nodes[count:])
        known, held = zip(self.slope, program.arguments, strict=True), {*program.names, *program.tables}
        self.parameters = {node: name for node, name in known if name in held}
        self.depths = [0] * len(program.state)
        """How many of each component's factors in the weights are left to these."""
        if scaled:
            self._scale()

    def _factors(self, axis: int) -> list[Any]:
        """The factors of a component as operands."""
        nodes = {name: node for node, name in self.parameters.items()}
        return [nodes[f] if isinstance(f, str) else f for f in self.step.factors[axis]]

    def _scale(self) -> None:
        """Take the linear arguments times as many factors as they always have."""
        for axis, given in enumerate(self.linear):
            value, found = given, list[Any]()
            for factor in self._factors(axis):
                value = self.graph.add("mul", (value, factor), self.graph.dtype_of(given))
                found.append(value)
            for depth in range(len(found), 0, -1):
                if given not in self.graph.live(self.outputs, found[depth - 1 : depth]):
                    self.depths[axis], self.linear[axis] = depth, found[depth - 1]
                    break

    def of_step(self, step: SchemeStep) -> Derivative:
        """The same on the values of another step of its scheme."""
        found = copy.copy(self)
        found.step = step
        return found

    def leave_out_factors(self) -> None:
        """Leave out the factors that are in the weights of the step, where all that a component gives has them."""
        if len(self.found) != len(self.outputs):
            return
        size = len(self.depths)
        for axis in range(size):
            factors = self._factors(axis)
            places = [place for place in range(axis, len(self.found), size) if not is_number(self.found[place], 0)]
            rests = [without(self.graph, self.found[place], factors) for place in places]
            depth = min((len(rest) for rest in rests), default=len(factors))
            self.depths[axis] = depth
            for place, rest in zip(places, rests, strict=True) if depth else ():
                self.found[place] = rest[depth - 1]
        self.outputs = self.found

    def __call__(self, state: Sequence[Any], inputs: Mapping[str, Any], more: Sequence[Any]) -> list[Any]:
        values = dict(zip(self.slope, self.step.arguments(state, inputs), strict=True))
        return self._told(values | dict(zip(self.linear, more, strict=True)))

    def _told(self, values: Mapping[int, Any]) -> list[Any]:
        """What the derivative gives: numbers, and of a table the (place, number) that are added to its cotangent."""
        parts = iter(write(self.step.on, self.graph, values, self.outputs))
        return [
            [(self._place(index, next(parts)), next(parts)) for index, _ in value]
            if isinstance(value, list)
            else next(parts)
            for value in self.found
        ]

    @staticmethod
    def _place(index: Any, value: Any) -> Any:
        """A place that is known when the kernel is made as a plain number."""
        return int(index.value) if isinstance(index, Known) else value

    @functools.cached_property
    def cut(self) -> list[int]:
        """The nodes whose values the linear part needs and that are kept; the others are taken again from these."""
        reached, needed = set(self.linear), dict[int, None]()
        for index in self.graph.live(self.outputs):
            node = self.graph.nodes[index]
            operands = [] if node.name == "input" else [o for o in node.operands if not isinstance(o, Known)]
            if any(operand in reached for operand in operands):
                reached.add(index)
                needed |= dict.fromkeys(operand for operand in operands if operand not in reached)
        needed |= dict.fromkeys(v for v in self.outputs if not isinstance(v, Known) and v not in reached)
        return cheapest(self.graph, list(needed), self.parameters, self.keeping)

    @functools.cached_property
    def operations(self) -> tuple[int, int]:
        """How many operations it is made of: those of the slope alone, and those linear in the arguments after."""
        moved, counts = set(self.linear), [0, 0]
        for index in self.graph.live(self.outputs):
            node = self.graph.nodes[index]
            if node.name != "input":
                late = any(operand in moved for operand in node.operands if not isinstance(operand, Known))
                counts[late] += 1
                moved |= {index} if late else set()
        return counts[0], counts[1]

    @property
    def widest(self) -> int:
        """Bytes of the widest number that the linear part needs: an index into a table may be wider than the floats."""
        return max((self.graph.nodes[index].dtype.itemsize for index in self.cut), default=0)

    def residuals(self, state: Sequence[Any], inputs: Mapping[str, Any]) -> list[Any]:
        """What `of_residuals` needs."""
        values = dict(zip(self.slope, self.step.arguments(state, inputs), strict=True))
        return write(self.step.on, self.graph, values, self.cut)

    def of_residuals(self, residuals: Sequence[Any], more: Sequence[Any]) -> list[Any]:
        """The derivative."""
        values = {node: self.step.parameters[name] for node, name in self.parameters.items()}
        values |= dict(zip(self.cut, residuals, strict=True)) | dict(zip(self.linear, more, strict=True))
        return self._told(values)


class Tape:
    """What the transposed steps of a segment need: a row for each step, and one for the state after the last.

    A row holds "now", the state before the step; "stage0", "stage1", …, what each stage keeps, for the first one
    without that state; "scales", those of the projection; "new", of a state with a tangent that tangent before the
    projection; and "slopes", those of the polynomial.
    """

    def __init__(self, code: Code, on: Arithmetic, pull_back: Derivative, slopes: int, steps: Word) -> None:
        """In memory of its own, `room`, for so many steps; `slopes` is how many numbers the polynomial needs. Where the
        stages are a loop, all keep the same.
        """
        self.code, self.bytes = code, on.bits // 8
        program, scheme, graph = pull_back.step.program, pull_back.step.scheme, pull_back.graph
        self.kinds: list[Any] = []
        size, number = len(program.state), on.type
        self.slots = {"now": self._more([number] * size)}
        state = dict(zip(pull_back.slope, self.slots["now"], strict=False))
        for stage in range(scheme.stages):
            kinds = {node: _kind(on, graph.dtype_of(node)) for node in pull_back.cut}
            given = {} if stage or looped(scheme) else state
            self.slots[f"stage{stage}"] = [
                given[node] if node in given else self._more([kind])[0] for node, kind in kinds.items()
            ]
        for name, count in {**self._groups(pull_back.step), "slopes": slopes}.items():
            self.slots[name] = self._more([number] * count)
        self.slot = on.width * max(self.bytes, pull_back.widest)
        self.room = code.allocate((steps + 1) * (len(self.kinds) * self.slot) + LINE)
        self.start = (self.room + LINE) & -LINE

    def _groups(self, step: SchemeStep) -> dict[str, int]:
        """How many numbers it holds by further names."""
        program, scheme = step.program, step.scheme
        tangents = len(program.state) - program.bare
        return {"scales": len(scheme.spins) * scheme.project, "new": tangents * scheme.project}

    def _more(self, kinds: list[Any]) -> list[int]:
        """New places in a row."""
        self.kinds += kinds
        return list(range(len(self.kinds) - len(kinds), len(self.kinds)))

    def _address(self, row: Word, slot: int) -> Word:
        """Where a number of all trajectories of a tile stands."""
        return self.start + (row * len(self.kinds) + slot) * self.slot

    def write(self, row: Word, **groups: Sequence[Any]) -> None:
        """What a row holds, by name, or some of it."""
        for name, values in groups.items():
            for slot, value in zip(self.slots[name], values, strict=True):
                if name == "now" or slot not in self.slots["now"]:
                    self.code.store(value, self._address(row, slot), align=self.bytes)

    def read(self, row: Word, name: str) -> list[Any]:
        """What a row holds by this name, read where it is asked for."""
        return [
            self.code.load(self._address(row, slot), self.kinds[slot], align=self.bytes) for slot in self.slots[name]
        ]

    def write_stage(self, row: Word, stage: Word, values: Sequence[Any]) -> None:
        """What a row holds of a stage, of those that are a loop."""
        for k, value in enumerate(values):
            self.code.store(value, self._of_stage(row, stage, k), align=self.bytes)

    def read_stage(self, row: Word, stage: Word) -> list[Any]:
        """The same, read where it is asked for."""
        kinds = [self.kinds[slot] for slot in self.slots["stage0"]]
        return [self.code.load(self._of_stage(row, stage, k), kind, align=self.bytes) for k, kind in enumerate(kinds)]

    def _of_stage(self, row: Word, stage: Word, k: int) -> Word:
        first = self.slots["stage0"]
        return self._address(row, first[k]) + stage * (len(first) * self.slot)

    def after(self, row: Word) -> list[Any]:
        """The state after a step, and of a tangent what it was before its projection."""
        after, new = self.read(row + 1, "now"), self.read(row, "new")
        return [*after[: len(after) - len(new)], *new]


def _kind(on: Arithmetic, dtype: np.dtype[Any]) -> Any:
    """The type of a number of all trajectories of a tile."""
    if dtype.kind == "f":
        return on.like(dtype).type
    return ir.IntType(8 * dtype.itemsize) if on.width == 1 else ir.VectorType(ir.IntType(8 * dtype.itemsize), on.width)
