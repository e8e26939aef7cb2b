"""Steps of one trajectory side by side: what the transposed steps need of them, taken for many steps at once.

Where every state was kept, steps do not wait for each other: their stages are vectors, one lane for each step. Only
the transposed steps, from the last to the first, are one chain.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

from llvmlite import ir

from llgrad.devices.system import TIME
from llgrad.kernels.builder.arithmetic import FREE, Arithmetic
from llgrad.kernels.builder.code import Word
from llgrad.kernels.loops.derivative import Derivative, Tape
from llgrad.kernels.loops.kept import Kept
from llgrad.kernels.loops.noise import normal_numbers
from llgrad.kernels.loops.step import Inputs, SchemeStep
from llgrad.kernels.loops.tables import TableInMemory
from llgrad.kernels.loops.tile import UINT32, Tile
from llgrad.kernels.machine import llvm

REGISTERS: Final = 2
"""Vector registers for each quantity."""
KEEPING: Final = 1
"""Price, in sums and products of one trajectory, of writing and reading a number: it is written with those of other
steps.
"""


def width_of(tile: Tile) -> int:
    """Steps side by side."""
    return REGISTERS * llvm.register_bytes() // tile.bytes


class StepsAbreast:
    """So many steps of the trajectory of a tile of one, of which every state is kept; those past the end repeat the
    last one.
    """

    def __init__(self, tile: Tile) -> None:
        self.tile, self.code, self.program, self.W = tile, tile.code, tile.program, width_of(tile)
        self.scheme = dataclasses.replace(tile.scheme, width=self.W)
        self.on = Arithmetic(tile.code.builder, tile.program.dtype, self.W, FREE)
        self.bytes, self.pointers = tile.bytes, tile.pointers
        self.h = self.on.everywhere(tile.h)
        self.parameters = {name: self.on.everywhere(tile.parameters[name]) for name in tile.program.names}
        self.parameters |= {
            name: TableInMemory(self, name, size, own=False) for name, size in tile.program.tables.items()
        }

    def step(self) -> SchemeStep:
        """The scheme's step."""
        return SchemeStep(self.on, self.scheme, self.h, self.parameters)

    def states(self, start: Word) -> list[Any]:
        """The states before the steps from `start` on."""
        kept, numbers = Kept(self.tile), self._numbers(start)
        return [self._joined([kept.component(i, axis) for i in numbers]) for axis in range(kept.size)]

    def inputs(self, start: Word) -> Inputs:
        """What changes during a run, of these steps: a function of the stage."""
        tile, nodes, numbers = self.tile, self.scheme.nodes, self._numbers(start)
        changing = {
            name: [self._joined([tile.sample(name, i * nodes + node) for i in numbers]) for node in range(nodes)]
            for name in self.program.channels
        }
        if self.program.timed:
            changing[TIME] = self._times(numbers)
        random = self._normals(numbers) if self.program.noisy else {}
        places = self.scheme.tableau.node_of_stage

        def of_stage(stage: int) -> Mapping[str, Any]:
            return {name: values[places[stage]] for name, values in changing.items()} | random

        return of_stage

    def _numbers(self, start: Word) -> list[Word]:
        """The numbers of the steps."""
        last = self.tile.steps - 1
        return [(start + lane).min(last) for lane in range(self.W)]

    def _joined(self, values: Sequence[Any]) -> Any:
        """One number for each step as a vector."""
        builder = self.code.builder
        found = ir.Constant(ir.VectorType(values[0].type, self.W), ir.Undefined)
        for lane, value in enumerate(values):
            found = builder.insert_element(found, value, UINT32(lane))
        return found

    def _times(self, numbers: Sequence[Word]) -> list[Any]:
        """The times of the nodes of each step."""
        on, code, builder = self.on, self.code, self.code.builder
        first = Word(code, builder.zext(code.load(self.pointers["first"], UINT32), numbers[0].value.type))
        step = builder.sitofp(self._joined([(first + i).value for i in numbers]), on.type)
        return [on.mul(self.h, on.add(step, on.number(node))) for node in self.scheme.tableau.nodes]

    def _normals(self, numbers: Sequence[Word]) -> dict[str, Any]:
        builder, names = self.code.builder, self.program.normals
        *words, first = self.tile.words
        now = self._joined([builder.add(first, builder.trunc(i.value, UINT32)) for i in numbers])
        found = normal_numbers(self.on, [*map(self.on.everywhere, words), now], len(names))
        return dict(zip(names, found, strict=True))


class TapeAbreast(Tape):
    """A tape of steps side by side: each of its numbers is written for all of them at once, and read for one."""

    def __init__(self, tile: Tile, pull_back: Derivative, slopes: int) -> None:
        self.width = width_of(tile)
        super().__init__(tile.code, tile.on, pull_back, slopes, tile.code.word(self.width))

    def _groups(self, step: SchemeStep) -> dict[str, int]:
        return super()._groups(step) | {"new": len(step.program.state) * step.scheme.project}

    def _address(self, row: Word, slot: int) -> Word:
        kind = self.kinds[slot]
        size = kind.width // 8 if isinstance(kind, ir.IntType) else self.bytes
        return self.start + (row * size + slot * self.width * self.slot)

    def after(self, row: Word) -> list[Any]:
        """The state after a step, and of a tangent what it was before its projection."""
        return self.read(row, "new")
