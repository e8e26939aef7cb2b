"""The memory of a tile: `width` trajectories side by side, each quantity one vector of them.

A single trajectory is a tile of width 1. Trajectories past the end of a partial tile repeat the last one; nothing of
them is written back. The blocks that operands and results stand in are those of `builder.handler`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from llvmlite import ir

from llgrad.devices.system import TIME
from llgrad.kernels.builder.arithmetic import FREE, ORDERED, Arithmetic
from llgrad.kernels.builder.code import Code, Variable, Word
from llgrad.kernels.builder.handler import Block, Item, module_of
from llgrad.kernels.expression.program import Program
from llgrad.kernels.gpu.thread import thread_module
from llgrad.kernels.loops.noise import normal_numbers
from llgrad.kernels.loops.stages import RowsOnStack
from llgrad.kernels.loops.step import Scheme, SchemeStep
from llgrad.kernels.loops.tables import TableInMemory
from llgrad.kernels.machine import ffi

NARROW: Final = 8
"""Width of a tile for a handful of trajectories."""
UINT32: Final = ir.IntType(32)


def common_operands(program: Program, interpolates: bool = False) -> list[str]:
    """Names of the operands of every pass, in order; "dense" holds the weights of the polynomial through a step."""
    dense = ["dense"] if interpolates else []
    noise = ["key0", "key1", "lane"] if program.noisy else []
    parameters = [*program.names, *program.tables]
    return ["counts", "first", "h", *dense, *program.starts, *parameters, *program.channels, *noise]


def pass_module(scheme: Scheme, operands: Sequence[str], item: Item, title: str) -> ir.Module:
    """The module of a pass over tiles, for the processors or for a GPU."""
    return thread_module(item, len(operands), title) if scheme.card else module_of(item, scheme.width, title)


class Tile:
    """One tile of a call: where its operands are, and how they are read and written.

    Args:
        code: where the instructions go.
        scheme: what the kernel is made from.
        operands: names of operands and results, in the order in which the call passes them.
        block: the words of the call.
        index: the tile's number.
    """

    def __init__(self, code: Code, scheme: Scheme, operands: Sequence[str], block: Block, index: Word) -> None:
        self.code, self.scheme, self.program, self.block, self.W = code, scheme, scheme.program, block, scheme.width
        self.on = Arithmetic(code.builder, self.program.dtype, self.W, ORDERED if self.W == 1 else FREE)
        self.bytes = self.on.bits // 8
        self.places = {name: ffi.HEADER + 2 * place for place, name in enumerate(operands)}
        self.steps, self.every, self.stride, self.lanes = (
            block.word(place) for place in (ffi.STEPS, ffi.EVERY, ffi.STRIDE, ffi.LANES)
        )
        self.base = index * self.W
        self.count = (self.lanes - self.base).min(self.W)
        self.whole = None if self.W == 1 else self.count.equals(self.W)
        self.pointers = {name: block.word(place) for name, place in self.places.items()}
        self.h = self.on.everywhere(code.load(self.pointers["h"], self.on.float_type))
        self.parameters = {name: self.each(name) for name in self.program.names}
        self.parameters |= {
            name: TableInMemory(self, name, size, self.has_own(name)) for name, size in self.program.tables.items()
        }
        self.words = self._words() if self.program.noisy else []

    def step(self) -> SchemeStep:
        """The scheme's step with the tile's parameters."""
        return SchemeStep(self.on, self.scheme, self.h, self.parameters)

    # ---- rows of memory: one number for each trajectory

    def row(self, name: str, place: Any = 0) -> Any:
        """Numbers of an operand, `place` rows of `lanes` numbers on."""
        return self._row(self.address(name, place), self.on.float_type)

    def address(self, name: str, place: Any = 0) -> Word:
        """Address of the tile's first number in a row of an operand."""
        return self.pointers[name] + (self.code.word(place) * self.lanes + self.base) * self.bytes

    def _row(self, address: Word, kind: Any) -> Any:
        if self.W == 1:
            return self.code.load(address, kind)
        wide = ir.VectorType(kind, self.W)
        align = kind.width // 8 if isinstance(kind, ir.IntType) else self.bytes
        return self.code.chosen(
            self.whole,
            wide,
            lambda: self.code.load(address, wide, align=align),
            lambda: _each(self.code, wide, address, self.code.word(1), self.count),
        )

    def own_row(self, name: str, place: Any = 0) -> Any:
        """As `row`, but zero past the end: what is summed over trajectories."""
        value = self.row(name, place)
        return value if self.W == 1 else self.on.pick(self.inside(), value, self.on.number(0.0))

    def inside(self) -> Any:
        """Which lanes of a tile of several are not past the end."""
        lanes = ir.Constant(ir.VectorType(UINT32, self.W), list(range(self.W)))
        count = self.on.everywhere(self.code.builder.trunc(self.count.value, UINT32))
        return self.code.builder.icmp_signed("<", lanes, count)

    def put_row(self, value: Any, name: str, place: Any = 0) -> None:
        """Write numbers of a result, without those past the end."""
        self.put_rows([(value, name, place)])

    def put_rows(self, rows: Sequence[tuple[Any, str, Any]]) -> None:
        """The same of several: (value, name, place) of each. Those of a partial tile are written by one loop."""
        code = self.code
        placed = [(value, self.address(name, place)) for value, name, place in rows]
        if self.W == 1:
            for value, address in placed:
                code.store(value, address)
            return
        with code.either(self.whole) as (then, otherwise):
            with then:
                for value, address in placed:
                    code.store(value, address, align=self.bytes)
            with otherwise:
                kept = [Variable(code, value.type) for value, _ in placed]
                for variable, (value, _) in zip(kept, placed, strict=True):
                    variable.set(value)
                with code.loop(self.count) as lane:
                    for variable, (_, address) in zip(kept, placed, strict=True):
                        code.store(code.builder.extract_element(variable.get(), lane.value), address, lane)

    def each(self, name: str, place: Any = 0, size: Word | None = None, kind: Any = None) -> Any:
        """Numbers of an operand that has one for all trajectories or one for each, `place` elements on; `size` is the
        number of its elements where that is not the whole operand.
        """
        kind = kind or self.on.float_type
        size = self.size(name) if size is None else size
        align = kind.width // 8 if isinstance(kind, ir.IntType) else self.bytes
        start = self.pointers[name] + self.code.word(place) * align
        by = (size - 1).min(1)
        if self.W == 1:
            return self.code.load(start + self.base * by * align, kind)
        wide = ir.VectorType(kind, self.W)
        return self.code.routine(
            f"each.{kind}.{self.W}",
            lambda code, start, by, base, count: _each(code, wide, start + base * by * align, by, count),
            *(start, by, self.base, self.count),
            result=wide,
        )

    def size(self, name: str) -> Word:
        """Number of elements of an operand."""
        return self.block.word(self.places[name] + 1)

    # ---- what changes during a run

    def _words(self) -> list[Any]:
        """The words that random numbers are made from, and the number of the run's first step."""
        words = [self.each(name, kind=UINT32) for name in ("key0", "key1", "lane")]
        return [*words, self.code.load(self.pointers["first"], UINT32)]

    def samples(self, i: Word) -> dict[str, list[Any]]:
        """By channel, the drive's samples at the nodes of a step."""
        nodes = self.scheme.nodes
        return {name: [self.sample(name, i * nodes + node) for node in range(nodes)] for name in self.program.channels}

    def has_own(self, table: str) -> bool:
        """Whether every trajectory of a tile of several has its own table."""
        return self.W > 1 and self.scheme.own[list(self.program.tables).index(table)]

    def spread(self, channel: str) -> bool:
        """Whether every trajectory has its own samples."""
        return self.scheme.spread[self.program.channels.index(channel)]

    def sample(self, channel: str, place: Word, operand: str = "") -> Any:
        """A sample, or, of another `operand` of the same shape, what stands in its place."""
        name = operand or channel
        if self.spread(channel):
            return self.row(name, place)
        return self.on.everywhere(self.code.load(self.pointers[name], self.on.float_type, place))

    def inputs(self, i: Word) -> Any:
        """What changes during a run, of a step: a function of the stage."""
        changing, random = self._changing(i), self._normals(i)
        nodes = self.scheme.tableau.node_of_stage

        def of_stage(stage: int) -> Mapping[str, Any]:
            return {name: values[nodes[stage]] for name, values in changing.items()} | random

        return of_stage

    def inputs_of_nodes(self, i: Word) -> Any:
        """The same as a function of the number of a node, which is known when the kernel runs."""
        random, memory = self._normals(i), dict[str, RowsOnStack]()
        for name, values in self._changing(i).items():
            memory[name] = RowsOnStack(self.code, self.on, len(values), 1)
            for node, value in enumerate(values):
                memory[name].put(node, [value])

        def of_node(node: Word) -> Mapping[str, Any]:
            return {name: rows.get(node)[0] for name, rows in memory.items()} | random

        return of_node

    def _changing(self, i: Word) -> dict[str, list[Any]]:
        """By name, what changes during a step, at its nodes."""
        return self.samples(i) | ({TIME: self._times(i)} if self.program.timed else {})

    def _times(self, i: Word) -> list[Any]:
        """The times of the nodes of a step."""
        on, builder = self.on, self.code.builder
        first = Word(self.code, builder.zext(self.code.load(self.pointers["first"], UINT32), i.value.type))
        step = on.everywhere(builder.sitofp((first + i).value, on.float_type))
        return [on.mul(self.h, on.add(step, on.number(node))) for node in self.scheme.tableau.nodes]

    def _normals(self, i: Word) -> dict[str, Any]:
        if not self.program.noisy:
            return {}
        *words, first = self.words
        now = self.code.builder.add(first, self.code.builder.trunc(i.value, UINT32))
        names = self.program.normals
        numbers = normal_numbers(self.on, [*words, self.on.everywhere(now)], len(names))
        return dict(zip(names, numbers, strict=True))

    # ---- variables

    def variables(self, values: Sequence[Any]) -> list[Variable]:
        """Variables with first values."""
        found = [Variable(self.code, value.type) for value in values]
        for variable, value in zip(found, values, strict=True):
            variable.set(value)
        return found

    def initial_state(self) -> list[Any]:
        """The operand m0."""
        return [self.row(name) for name in self.program.starts]

    def number(self, i: Word) -> Any:
        """A step's number as whole numbers of the lanes."""
        value = i.value if self.on.bits == 64 else self.code.builder.trunc(i.value, UINT32)
        return self.on.everywhere(value)


class Health:
    """The first bad step of each trajectory."""

    def __init__(self, tile: Tile) -> None:
        self.tile = tile
        self.never = (1 << (tile.on.bits - 1)) - 1
        self.first = tile.variables([tile.on.integer(self.never)])[0]

    def note(self, fine: Any, i: Word) -> None:
        """Whether step i was fine."""
        builder, bad = self.tile.code.builder, self.first.get()
        now = self.tile.number(i)
        earlier = builder.select(builder.icmp_signed("<", bad, now), bad, now)
        self.first.set(builder.select(fine, bad, earlier))

    def write(self, name: str) -> None:
        """The result: −1 where no step was bad."""
        tile, builder = self.tile, self.tile.code.builder
        kept = Variable(tile.code, self.first.get().type)
        kept.set(self.first.get())
        address = tile.pointers[name] + tile.base * 4
        with tile.code.loop(tile.count) as lane:
            value = kept.get() if tile.W == 1 else builder.extract_element(kept.get(), lane.value)
            never = builder.icmp_signed("==", value, value.type(self.never))
            value = value if tile.on.bits == 32 else builder.trunc(value, UINT32)
            tile.code.store(builder.select(never, UINT32(-1), value), address, lane)


def _each(code: Code, wide: Any, address: Word, by: Word, count: Word) -> Any:
    """Numbers `by` elements apart (0 or 1); those past the end repeat the last one."""
    found = Variable(code, wide)
    with code.loop(wide.count) as lane:
        value = code.load(address, wide.element, lane.min(count - 1) * by)
        found.set(code.builder.insert_element(found.get(), value, lane.value))
    return found.get()
