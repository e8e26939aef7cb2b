"""What the kernels that search for an orbit have in common: an item is a device, whose states have two coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from llgrad.kernels.builder.arithmetic import FREE, ORDERED, Arithmetic
from llgrad.kernels.builder.code import Code, Variable, Word
from llgrad.kernels.builder.handler import Block
from llgrad.kernels.closing.memory import OrbitNumbers, ScratchRows
from llgrad.kernels.loops.step import Scheme, SchemeStep
from llgrad.kernels.machine import ffi

D: Final = 2
"""Coordinates of a state without a constraint."""


class Search:
    """One device of a call.

    Args:
        code: where the instructions go.
        scheme: what the kernel is made from; its `width` is that of a vector of states.
        names: of operands and results, in the order in which the call passes them.
        rows: how many rows of scratch memory each quantity has.
        length: numbers of a row.
        block: the words of the call.
        index: which device it is.
    """

    def __init__(
        self,
        code: Code,
        scheme: Scheme,
        names: Sequence[str],
        rows: dict[str, int],
        length: Any,
        block: Block,
        index: Word,
    ) -> None:
        self.code, self.scheme, self.index = code, scheme, index
        program = scheme.program
        self.n, self.spins = len(program.state), program.spins
        self.one = Arithmetic(code.builder, program.dtype, 1, ORDERED)
        self.wide = Arithmetic(code.builder, program.dtype, scheme.width, FREE)
        self.bytes = self.one.bits // 8
        self.count, self.inner = block.word(ffi.EVERY), block.word(ffi.STRIDE)
        places = {name: ffi.HEADER + 2 * place for place, name in enumerate(names)}
        self.pointers = {name: block.word(place) for name, place in places.items()}
        self.parameters = {}
        for name in program.names:
            place = (block.word(places[name] + 1) - 1).min(1) * index
            self.parameters[name] = code.load(self.pointers[name], self.one.float_type, place)
        self.whole = (code.word(length) + (scheme.width - 1)) // scheme.width * scheme.width
        memory = self.pointers["scratch"] + index * self.whole * (sum(rows.values()) * self.bytes)
        own, first = ScratchRows(code, self.one, self.wide, memory, self.whole), 0
        self.rows = {}
        for name, count in rows.items():
            self.rows[name], first = own.part(first, count), first + count

    def variable(self, value: Any) -> Variable:
        """A variable with a first value."""
        found = Variable(self.code, value.type)
        found.set(value)
        return found

    def array(self, name: str, places: Any, count: int) -> OrbitNumbers:
        """The part of an array that is this device's: at so many places, so many numbers."""
        start = self.pointers[name] + self.index * places * (count * self.bytes)
        return OrbitNumbers(self.code, self.one.float_type, start, count)

    def number_of(self, word: Word) -> Any:
        """A whole number as a float."""
        return self.code.builder.sitofp(word.value, self.one.float_type)

    def step_of(self, on: Arithmetic, h: Any) -> SchemeStep:
        """A step of a length, in the arithmetic of one state or of a vector of them."""
        return SchemeStep(on, self.scheme, h, {name: on.everywhere(v) for name, v in self.parameters.items()})

    def slope(self, step: SchemeStep, y: Sequence[Any]) -> list[Any]:
        """f at a state."""
        return self.with_factors(step, step.slope(y, {}).whole, [len(own) for own in step.factors])

    @staticmethod
    def with_factors(step: SchemeStep, values: Sequence[Any], depths: Sequence[int]) -> list[Any]:
        """Slopes times what they lack: so many of the factors of each component that a step has in its weights."""
        return [step.times(own[:depth], value) for own, depth, value in zip(step.factors, depths, values, strict=True)]

    def run(self, step: SchemeStep, state: Sequence[Variable]) -> None:
        """Take so many steps as there are from a state to the next."""
        with self.code.loop(self.inner):
            now = [value.get() for value in state]
            for variable, value in zip(state, step.finish(now, step.take(now, lambda _: {}).new)[0], strict=True):
                variable.set(value)

    def basis(self, on: Arithmetic, y: Sequence[Any]) -> list[list[Any]]:
        """The directions in which a state can move: two unit vectors across a unit vector, or both axes."""
        zero, unit = on.number(0.0), on.number(1.0)
        if not self.spins:
            return [[unit, zero], [zero, unit]]
        places = self.spins[0]
        x, y_, z = (y[i] for i in places)
        side = on.pick(on.at_most(zero, z), unit, on.number(-1.0))
        a = on.neg(on.div(unit, on.add(side, z)))
        b, turned = on.mul(on.mul(x, y_), a), on.mul(side, x)
        first = [on.add(unit, on.mul(on.mul(turned, x), a)), on.mul(side, b), on.neg(turned)]
        second = [b, on.add(side, on.mul(on.mul(y_, y_), a)), on.neg(y_)]
        columns = []
        for values in (first, second):
            column = [zero] * self.n
            for i, value in zip(places, values, strict=True):
                column[i] = value
            columns.append(column)
        return columns

    def on_sphere(self, y: Sequence[Any]) -> list[Any]:
        """A state with its unit vector brought back to length 1."""
        one, found = self.one, list(y)
        for spin in self.spins:
            size = self.norm([y[i] for i in spin])
            for i in spin:
                found[i] = one.div(y[i], size)
        return found

    def norm(self, values: Sequence[Any]) -> Any:
        """√Σv²."""
        return self.one.sqrt(self.one.dot(values, values))
