"""Parameters that are tables, in the memory of a tile: as [entry, lane], or as [entry] where all trajectories have one.

Reading gathers; the adjoint adds into a row of entries for each lane, so that no two lanes write to one place. Of a
table with a row for each lane, a tile has a copy side by side on the stack, where it is not too long for that.
"""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir

from llgrad.kernels.builder.code import WORD, Word
from llgrad.kernels.builder.tables import REGISTER, fits_registers, gather, pick, places, scatter
from llgrad.kernels.machine import llvm

ON_STACK: Final = 2**15
"""Bytes of a tile's own copy of a table."""


class TableInMemory:
    """A table of the operand `name`, `number` tables of its size on: a table, one of its tangents, or its cotangent.

    Args:
        tile: whose memory it is.
        name: name of the operand.
        size: numbers of the table.
        own: whether every trajectory has its own, of a tile of several.
        number, of: which of how many tables of the operand.
        cleared: whether it begins with zeros in every lane, as what is added to does, and is written back by `keep`.
    """

    def __init__(
        self, tile: Any, name: str, size: int, own: bool, number: int = 0, of: int = 1, cleared: bool = False
    ) -> None:
        self.tile, self.code, self.builder, self.W = tile, tile.code, tile.code.builder, tile.W
        self.name, self.size, self.first, self.kind = name, size, size * number, tile.on.float_type
        self.own = own
        self.local = None
        if self.W > 1 and own and size * self.W * tile.bytes <= ON_STACK:
            self._take(cleared)
        elif cleared:
            with self.code.loop(size) as row:
                tile.put_row(tile.on.number(0.0), name, row)
        if self.W == 1:
            mine = tile.size(name) > size * of
            self.stride = tile.code.pick(mine, tile.lanes, 1)
            base = tile.code.pick(mine, tile.base, 0)
            self.start = tile.pointers[name] + (self.stride * self.first + base) * tile.bytes
        elif not own:
            self.start = tile.pointers[name] + self.first * tile.bytes
        self.registers = self._in_registers()

    def _take(self, cleared: bool) -> None:
        """A copy of the tile's own, side by side."""
        tile, kind = self.tile, ir.VectorType(self.kind, self.W)
        with self.builder.goto_entry_block():
            place = self.builder.alloca(ir.ArrayType(kind, self.size))
        self.local = self.start = Word(self.code, self.builder.ptrtoint(place, WORD))
        with self.code.loop(self.size) as row:
            value = tile.on.number(0.0) if cleared else tile.row(self.name, row + self.first)
            self.code.store(value, self.start, row, align=tile.bytes)

    def _in_registers(self) -> list[Any]:
        """A short table that all lanes share, in vector registers, where elements can be picked out of such."""
        shared = self.W > 1 and not self.own and llvm.register_bytes() == REGISTER
        if not shared or not fits_registers(self.kind, self.size, self.W):
            return []
        lanes = REGISTER // self.tile.bytes
        count = -(-self.size // lanes)
        with self.builder.goto_entry_block():
            room = self.builder.alloca(ir.ArrayType(ir.VectorType(self.kind, lanes), count))
        place = Word(self.code, self.builder.ptrtoint(room, WORD))
        with self.code.loop(count * lanes) as entry:
            self.code.store(self.code.load(self.start, self.kind, entry.min(self.size - 1)), place, entry)
        kind = ir.VectorType(self.kind, lanes)
        return [self.code.load(place, kind, number) for number in range(count)]

    def keep(self) -> None:
        """Write a table that was added to where it belongs."""
        if self.local is None:
            return
        with self.code.loop(self.size) as row:
            self.tile.put_row(self._row(row), self.name, row + self.first)

    def _row(self, row: Any) -> Any:
        return self.code.load(self.local, ir.VectorType(self.kind, self.W), row, align=self.tile.bytes)

    def get(self, index: Any) -> Any:
        """The numbers at a place, known when the kernel is made or in every lane."""
        if self.W == 1:
            return self.code.load(self.start, self.kind, self._place(index))
        if self.registers and not isinstance(index, int):
            return pick(self.builder, self.kind, self.registers, self._whole(index), self.W)
        if not isinstance(index, int):
            return gather(self.builder, self.kind, self._addresses(index), self.W)
        if not self.own:
            number = self.code.load(self.start, self.kind, index)
            number.set_metadata(
                "invariant.load", self.builder.module.add_metadata([])
            )  # no result's writing changes it
            return self.tile.on.everywhere(number)
        return self.tile.row(self.name, index + self.first) if self.local is None else self._row(index)

    def add(self, index: Any, value: Any) -> None:
        """Add numbers to those at a place."""
        tile = self.tile
        if self.W == 1:
            place = self._place(index)
            self.code.store(self.builder.fadd(self.code.load(self.start, self.kind, place), value), self.start, place)
        elif not isinstance(index, int):
            addresses = self._addresses(index)
            total = self.builder.fadd(gather(self.builder, self.kind, addresses, self.W), value)
            scatter(self.builder, self.kind, total, addresses, self.W, None if self.local else tile.inside())
        elif self.local is None:
            tile.put_row(self.builder.fadd(tile.row(self.name, index + self.first), value), self.name, index)
        else:
            total = self.builder.fadd(self._row(index), value)
            self.code.store(total, self.local, index, align=tile.bytes)

    def _whole(self, index: Any) -> Any:
        """Places as whole numbers of as many bits as the floats have."""
        kind = ir.VectorType(ir.IntType(8 * self.tile.bytes), self.W)
        if index.type == kind:
            return index
        wide = index.type.element.width > 8 * self.tile.bytes
        return (self.builder.trunc if wide else self.builder.zext)(index, kind)

    def _place(self, index: Any) -> Word:
        """Of a tile of one lane, the number of the element."""
        if isinstance(index, int):
            return self.code.word(index) * self.stride
        return Word(self.code, index if index.type == WORD else self.builder.zext(index, WORD)) * self.stride

    def _addresses(self, index: Any) -> Any:
        """Of every lane, the address of the element; lanes past the end have that of the last one."""
        builder, tile = self.builder, self.tile
        start, words = self.code.word(self.start).value if not self._far else None, ir.VectorType(WORD, self.W)
        wide = index if index.type == words else builder.zext(index, words)
        if not self.own:
            return places(builder, self.kind, start, wide, self.W)
        lanes = ir.Constant(words, list(range(self.W)))
        if not self._far:
            number = builder.add(builder.mul(wide, ir.Constant(words, [self.W] * self.W)), lanes)
            return places(builder, self.kind, start, number, self.W)
        last = tile.on.everywhere((tile.count - 1).value)
        lanes = builder.select(builder.icmp_signed("<", lanes, last), lanes, last)
        number = builder.add(builder.mul(wide, tile.on.everywhere(tile.lanes.value)), lanes)
        start = tile.address(self.name, self.first).value
        return places(builder, self.kind, start, number, self.W)

    @property
    def _far(self) -> bool:
        """Whether it stands among those of other tiles."""
        return self.own and self.local is None
