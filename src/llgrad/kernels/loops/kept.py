"""States kept for the gradient of a run: a row that tells how many steps are between them, then the states.

A run alone and the same run beside thousands of others have as much room, so that `vmap` may come at any time; many
fill less of it, from the start on. Who takes a gradient reads how many steps are between the states, and need not have
been there when they were kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from llgrad.kernels.builder.code import Word
from llgrad.kernels.loops.tile import Tile

NAME: Final = "kept"
"""Of the operand."""
ROWS_BEFORE: Final = 1
"""Rows before the first state."""


class Kept:
    """The states kept of a tile's runs."""

    def __init__(self, tile: Tile) -> None:
        self.tile, self.code, self.size = tile, tile.code, len(tile.program.state)

    def begin(self, apart: Word) -> None:
        """Tell how many steps are between the states that will be kept."""
        number = self.code.builder.sitofp(apart.value, self.tile.on.float_type)
        self.tile.put_row(self.tile.on.everywhere(number), NAME)

    def put(self, number: Word, state: Sequence[Any]) -> None:
        """Keep a state as the so-many-th."""
        self.tile.put_rows([(value, NAME, self._row(number, axis)) for axis, value in enumerate(state)])

    def component(self, number: Word, axis: int) -> Any:
        """A component of the so-many-th state."""
        return self.tile.row(NAME, self._row(number, axis))

    def steps_apart(self) -> Word:
        """The steps between the states."""
        number = self.code.load(self.tile.address(NAME), self.tile.on.float_type)
        return Word(self.code, self.code.builder.fptosi(number, self.tile.steps.value.type))

    def _row(self, number: Word, axis: int) -> Word:
        return (number + ROWS_BEFORE) * self.size + axis
