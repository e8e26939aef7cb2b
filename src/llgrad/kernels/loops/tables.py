"""Parameters that are tables, in the memory of a tile: as [entry, lane], or as [entry] where all trajectories have one.

Reading gathers; the adjoint adds into a row of entries for each lane, so that no two lanes write to one place.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from llgrad.kernels.builder.code import WORD, Word


class TableInMemory:
    """A table of the operand `name`, `number` tables of its size on: a table, or one of its tangents.

    Args:
        tile: whose memory it is.
        name: name of the operand.
        size: numbers of the table.
        number, of: which of how many tables of the operand.
    """

    def __init__(self, tile: Any, name: str, size: int, number: int = 0, of: int = 1) -> None:
        self.tile, self.code, self.builder, self.W = tile, tile.code, tile.code.builder, tile.W
        own = tile.size(name) > size * of
        self.stride = tile.code.pick(own, tile.lanes, 1)
        self.start = tile.pointers[name] + self.stride * (size * number * tile.bytes)
        base = tile.code.pick(own, tile.base, 0)
        last = tile.code.pick(own, tile.lanes - 1, 0)
        self.lanes = [(base + lane).min(last).value for lane in range(self.W)]

    def get(self, index: Any) -> Any:
        """The numbers at a place, known when the kernel is made or in every lane."""
        kind, found = self.tile.on.float_type, None
        for lane, place in enumerate(self._places(index)):
            number = self.code.load(self.start, kind, place)
            if self.W == 1:
                return number
            start = ir.Constant(ir.VectorType(kind, self.W), ir.Undefined) if found is None else found
            found = self.builder.insert_element(start, number, WORD(lane))
        return found

    def add(self, index: Any, value: Any) -> None:
        """Add numbers to those at a place, one lane after the other."""
        kind = self.tile.on.float_type
        for lane, place in enumerate(self._places(index)):
            more = value if self.W == 1 else self.builder.extract_element(value, WORD(lane))
            total = self.builder.fadd(self.code.load(self.start, kind, place), more)
            self.code.store(total, self.start, place)

    def _places(self, index: Any) -> list[Word]:
        """Of every lane, the number of the element."""
        code, found = self.code, []
        for lane, own in enumerate(self.lanes):
            if isinstance(index, int):
                at = code.word(index)
            else:
                one = index if self.W == 1 else self.builder.extract_element(index, WORD(lane))
                at = Word(code, one if one.type == WORD else self.builder.zext(one, WORD))
            found.append(at * self.stride + Word(code, own))
        return found
