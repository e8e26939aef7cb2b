"""The memory of a run of coupled arrays: its operands, and a workspace.

A run is seen as `tiles` of R rows by W lanes. With many samples a row is an oscillator and a lane a sample; a single
array (`single`) is one tile whose rows are runs of W neighbouring oscillators. So the same code serves both, and only
the products differ. The elementwise work goes from row to row, each quantity one vector of W lanes. States, slopes and
products stand in a workspace on the heap, in arrays of R × W elements. Lanes past the last sample, or oscillator,
repeat it, and their cotangents are zero.

Operands and results of a single array have their natural shapes: a call of few oscillators takes less time than XLA
needs to pad its operands. So few that a quantity fits one or two vector registers have no workspace (`local`).
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from llvmlite import ir

from llgrad.devices.system import TIME
from llgrad.kernels.builder.arithmetic import FREE, ORDERED, Arithmetic
from llgrad.kernels.builder.code import Code, Variable, Word
from llgrad.kernels.coupled.products import CHAINS, KernelProducts
from llgrad.kernels.coupled.scheme import CoupledScheme
from llgrad.kernels.loops.noise import normal_numbers
from llgrad.kernels.loops.step import SchemeStep
from llgrad.kernels.machine import ffi

OWN_COUNTS: Final = 5
"""Place of the first count that a block's header does not hold: N, R, first step, steps that a sample holds; then a
flag for each operand."""
FLAGS: Final = OWN_COUNTS + 4
MEMORY: Final = 10
"""Word of a block: address of the workspace that all threads of a call share."""
UINT32: Final = ir.IntType(32)
HUGE: Final = 1 << 21
"""Bytes of a large page of memory."""
MADV_HUGEPAGE: Final = 14
LINE: Final = 64
"""Bytes of a line of the cache."""


class Memory:
    """Where the numbers of one call are, and how they are read and written.

    Rows are walked through by contexts, which set the places `r` and `at` = r W.

    Args:
        code: where the instructions go.
        scheme: what the kernel is made from.
        operands: names of operands and results, in the order in which the call passes them.
        arrays: names of the arrays of the workspace.
        packed: packed matrices in the workspace, after the arrays.
        block: address of the call's block.
    """

    def __init__(
        self,
        code: Code,
        scheme: CoupledScheme,
        operands: Sequence[str],
        arrays: Sequence[str],
        packed: int,
        block: Word,
    ) -> None:
        self.code, self.scheme, self.program, self.block, self.W = code, scheme, scheme.program, block, scheme.width
        self.on = Arithmetic(code.builder, self.program.dtype, self.W, ORDERED if self.W == 1 else FREE)
        self.bytes, self.packed = self.on.bits // 8, packed
        self.places = {name: ffi.HEADER + 2 * place for place, name in enumerate(operands)}
        self.steps, self.every, self.stride, self.tiles = (
            code.word_at(block, place) for place in (ffi.STEPS, ffi.EVERY, ffi.STRIDE, ffi.LANES)
        )
        counts = code.word_at(block, ffi.HEADER)
        self.N, self.R, self.start, self.hold = (code.count_at(counts, OWN_COUNTS + place) for place in range(4))
        rows = self.R if scheme.single else (self.R + (scheme.block - 1)) // scheme.block * scheme.block
        self.A = rows * self.W
        self.extent = self.N if scheme.single else self.R * self.W
        """Elements of an operand, or result, of one value for each oscillator (and sample of a tile)."""
        self.pointers = {name: code.word_at(block, place) for name, place in self.places.items()}
        self.h = self.on.everywhere(code.load(self.pointers["h"], self.on.float_type))
        self.flags = {name: code.count_at(counts, FLAGS + place) for place, name in enumerate(scheme.varied)}
        self.arrays = {name: place for place, name in enumerate(dict.fromkeys([*arrays, *self._own()]))}
        lanes, across = (self.W, 1) if scheme.local else (scheme.lanes, self.W // scheme.lanes)
        self.products = KernelProducts(code, self.program.dtype, lanes, across, scheme.block)
        self.variables: dict[str, Variable] = {}
        self.r = self.at = self.tile = self.work = code.word(0)
        self.r0, self.r1 = code.word(0), self.R

    def _own(self) -> list[str]:
        """Arrays of every pass: padded parameters of a single array, random numbers of a step."""
        own = [name for name in self.program.names if name in self.scheme.inner] if self.scheme.single else []
        return [*own, *self.program.normals]

    def step(self) -> SchemeStep:
        """The scheme's step; its parameters differ from row to row."""
        return SchemeStep(self.on, self.scheme.of_step, self.h)

    # ---- the workspace

    @property
    def terms(self) -> Word:
        """Terms of a product's sums of a small array, the zeros that round their number up included."""
        return self.code.word(self.W) if self.scheme.local else (self.N + (CHAINS - 1)) // CHAINS * CHAINS

    def allocate(self) -> Word:
        """A new workspace, or 0 when there is no memory."""
        matrices = self.products.packed_size(self.N, self.terms) * self.packed if self.packed else self.code.word(0)
        return self.code.allocate((self.A * len(self.arrays) + matrices) * self.bytes + LINE)

    def use(self, memory: Word) -> None:
        """Take this workspace from here on."""
        self.work = (memory + (LINE - 1)) // LINE * LINE

    @contextlib.contextmanager
    def own(self) -> Iterator[None]:
        """A workspace for the code of the context; a call that gets none fails, and the code is left out."""
        if self.scheme.local:
            size = self.packed * self.W * self.W * self.bytes // 8
            self.use(self.code.on_stack(size + LINE // 8))
            yield
            return
        memory = self.allocate()
        self.use(memory)
        with self.code.either(memory.equals(0)) as (failed, fine):
            with failed:
                self.code.put(self.block, ffi.FAILED, 1)
            with fine:
                yield
                self.code.release(memory)

    def clear(self) -> None:
        """Zeros in all arrays of the workspace."""
        if not self.scheme.local:
            self.code.call("memset", self.work, 0, self.A * (len(self.arrays) * self.bytes))

    def array(self, name: str, index: Any = 0) -> Word:
        """Address of an element of an array."""
        return self.work + (self.A * self.arrays[name] + index) * self.bytes

    def matrix(self, number: int) -> Word:
        """Address of a packed matrix."""
        if self.scheme.local:
            return self.work + number * self.W * self.W * self.bytes
        size = self.products.packed_size(self.N, self.terms)
        return self.work + (self.A * len(self.arrays) + size * number) * self.bytes

    def get(self, name: str, kind: Any = None) -> Any:
        """The row of an array."""
        kind = kind or self.on.type
        if self.scheme.local:
            return self.variable(name, kind).get()
        return self.code.load(self.array(name, self.at), kind, align=self.bytes)

    def set(self, name: str, value: Any) -> None:
        """Write the row of an array."""
        if self.scheme.local:
            self.variable(name, value.type).set(value)
        else:
            self.code.store(value, self.array(name, self.at), align=self.bytes)

    def variable(self, name: str, kind: Any = None) -> Variable:
        """A variable of the function, by name."""
        if name not in self.variables:
            self.variables[name] = Variable(self.code, kind or self.on.type)
        return self.variables[name]

    def state(self, of: str = "{}") -> list[Any]:
        """The arrays of the components of the state, by what an axis makes of a name."""
        return [self.get(of.format(axis)) for axis in self.scheme.state]

    def put_state(self, values: Sequence[Any], of: str = "{}") -> None:
        """Write such arrays."""
        for axis, value in zip(self.scheme.state, values, strict=True):
            self.set(of.format(axis), value)

    # ---- rows

    @contextlib.contextmanager
    def blocks(self) -> Iterator[None]:
        """The rows r0 … r1 in blocks whose products are made together: those of many samples."""
        if self.scheme.single:
            yield
            return
        size = self.scheme.block
        with self.code.loop((self.R + (size - 1)) // size) as block:
            self.r0, self.r1 = block * size, (block * size + size).min(self.R)
            yield
        self.r0, self.r1 = self.code.word(0), self.R

    @contextlib.contextmanager
    def rows(self) -> Iterator[None]:
        """The rows r0 … r1."""
        if self.scheme.local:
            yield
            return
        with self.code.loop(self.r1, self.r0) as self.r:
            self.at = self.r * self.W
            yield

    # ---- operands and results

    def address(self, name: str, place: Any = 0) -> Word:
        """Address of an element of an operand or result."""
        return self.pointers[name] + self.code.word(place) * self.bytes

    def advise(self, name: str) -> None:
        """Ask for large pages under a large result: the first touch of a small page takes as long as its arithmetic."""
        if sys.platform != "linux":
            return
        start = (self.pointers[name] + (HUGE - 1)) // HUGE * HUGE
        stop = (self.pointers[name] + self.size(name) * self.bytes) // HUGE * HUGE
        with self.code.when(start < stop):
            self.code.call("madvise", start, stop - start, MADV_HUGEPAGE)

    def size(self, name: str) -> Word:
        """Number of elements of an operand."""
        return self.code.word_at(self.block, self.places[name] + 1)

    def take(self, name: str, place: Any, edge: bool = True) -> Any:
        """A row of an operand. Past the last oscillator of a single array its value is repeated, or zero."""
        address = self.address(name, place)
        if not self.scheme.single or self.W == 1:
            return self.code.load(address, self.on.type, align=self.bytes)
        count = self.N - self.at
        return self.code.chosen(
            count >= self.W,
            self.on.type,
            lambda: self.code.load(address, self.on.type, align=self.bytes),
            lambda: self._part(address, count, edge),
        )

    def _part(self, address: Word, count: Word, edge: bool) -> Any:
        """So many elements in a vector."""
        kind, dtype, width = self.on.type, self.program.dtype, self.W

        def write(code: Code, address: Word, count: Word) -> Any:
            element, buffer = Arithmetic(code.builder, dtype).type, code.on_stack(width * self.bytes // 8)
            if not edge:
                code.store(Arithmetic(code.builder, dtype, width).number(0.0), buffer, align=self.bytes)
            with code.loop(width if edge else count) as lane:
                code.store(code.load(address, element, lane.min(count - 1)), buffer, lane)
            return code.load(buffer, kind, align=self.bytes)

        return self.code.routine(f"part_{edge:d}", write, address, count, result=kind)

    def give(self, value: Any, name: str, place: Any) -> None:
        """Write a row of a result."""
        code, address, align = self.code, self.address(name, place), self.bytes
        if not self.scheme.single or self.W == 1:
            return code.store(value, address, align=align)
        count = self.N - self.at
        with code.either(count >= self.W) as (whole, part):
            with whole:
                code.store(value, address, align=align)
            with part:
                buffer = code.on_stack(self.W * align // 8)
                code.store(value, buffer, align=align)
                with code.loop(count) as lane:
                    code.store(code.load(buffer, self.on.float_type, lane), address, lane)

    def tile_place(self) -> Word:
        """Place of the row in an operand of one value for each oscillator and sample."""
        return self.tile * self.extent + self.at

    # ---- operands that may differ between rows

    def per_row(self, name: str) -> Word:
        """Elements of an operand from row to row."""
        return self.flags[name] * self.W if name in self.scheme.inner else self.flags[name]

    def per_tile(self, name: str, operand: str = "") -> Word:
        """Elements of an operand, or of what has its shape, of one tile."""
        size = self.size(operand or name)
        return size // self.tiles if name in self.scheme.inner else size

    def own_part(self, name: str, size: Word) -> Word:
        """Elements before those of this array, in an operand of so many for each array, or for all of them."""
        return self.code.pick(self.size(name) > size, self.tile, 0) * size

    def moment(self, name: str, i: Word, node: int, size: Word) -> Any:
        """Elements before those of a node of a step, in an operand of so many elements for a tile."""
        if name not in self.program.channels:
            return 0
        if self.scheme.held:
            return i // self.hold * (size // (self.steps // self.hold).max(1))
        nodes = self.scheme.nodes
        return (i * nodes + node) * (size // (self.steps * nodes).max(1))

    def values(self, i: Word, nodes: Sequence[int]) -> dict[tuple[str, int], Any]:
        """The operands of a row at nodes of a step, by name and node (0 for parameters)."""
        found = {}
        for name, node in self._moments(nodes):
            place = self.r * self.per_row(name) + self.moment(name, i, node, self.per_tile(name))
            if name not in self.scheme.inner:
                found[name, node] = self.alike(name, place)
            elif self.scheme.single and name in self.program.names:
                found[name, node] = self.get(name)
            else:
                found[name, node] = self.take(name, self.tile * self.per_tile(name) + place)
        return found

    def alike(self, name: str, place: Any) -> Any:
        """An element of an operand in every lane."""
        return self.on.everywhere(self.code.load(self.pointers[name], self.on.float_type, place))

    def _moments(self, nodes: Sequence[int]) -> list[tuple[str, int]]:
        return [(name, 0) for name in self.program.names] + [(c, node) for c in self.program.channels for node in nodes]

    def keep_parameters(self) -> None:
        """The parameters of the oscillators of a single array, padded, into the workspace."""
        for name in self.program.names if self.scheme.single else ():
            if name in self.scheme.inner:
                self.set(name, self.take(name, self.tile * self.per_tile(name) + self.at))

    def inputs(
        self, i: Word, values: Mapping[tuple[str, int], Any], random: Mapping[str, Any], stage: int
    ) -> dict[str, Any]:
        """What changes during a run, at a stage of step i, but for what is received."""
        node = self.scheme.tableau.node_of_stage[stage]
        found = {name: values[name, node] for name in self.program.channels} | dict(random)
        if self.program.timed:
            found[TIME] = self._time(i, self.scheme.tableau.nodes[node])
        return found

    def _time(self, i: Word, node: float) -> Any:
        """The time at a node of a step."""
        on, builder = self.on, self.code.builder
        first = Word(self.code, builder.zext(self.code.load(self.pointers["first"], UINT32), i.value.type))
        step = on.everywhere(builder.sitofp((first + i).value, on.float_type))
        return on.mul(self.h, on.add(step, on.number(node)))

    def parameters(self, values: Mapping[tuple[str, int], Any]) -> dict[str, Any]:
        """Parameters by name."""
        return {name: values[name, 0] for name in self.program.names}

    def random(self, i: Word, new: bool) -> dict[str, Any]:
        """The step's random numbers: drawn by the first stage that is taken, stored for the others."""
        if not self.program.noisy:
            return {}
        if new:
            numbers = normal_numbers(self.on, self._words(i), len(self.program.normals))
            for name, value in zip(self.program.normals, numbers, strict=True):
                self.set(name, value)
        return {name: self.get(name) for name in self.program.normals}

    def _words(self, i: Word) -> list[Any]:
        """The words that random numbers are made from: keys of the sample, oscillator, step."""
        code, builder = self.code, self.code.builder
        now = builder.add(code.load(self.pointers["first"], UINT32), builder.trunc(i.value, UINT32))
        if self.scheme.single:
            own = self.tile * (self.size("key0") // self.tiles)  # none where all arrays have the same
            keys = [self.on.everywhere(code.load(self.pointers[name], UINT32, own)) for name in ("key0", "key1")]
            row = self.on.everywhere(builder.trunc(self.at.value, UINT32))
            if self.W > 1:
                row = builder.add(row, ir.Constant(ir.VectorType(UINT32, self.W), list(range(self.W))))
        else:
            wide = ir.VectorType(UINT32, self.W)
            place = (self.tile * self.W) * 4
            keys = [code.load(self.pointers[name] + place, wide, align=4) for name in ("key0", "key1")]
            row = self.on.everywhere(builder.trunc(self.r.value, UINT32))
        return [*keys, row, self.on.everywhere(now)]
