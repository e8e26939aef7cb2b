"""Tables in vector code: what stands at a place of one, and the place of a number in an increasing one, in all lanes at
once and without a branch.

Elements are gathered, by one instruction where the processor has one; those of a short table that all lanes share are
picked out of vector registers. A place is found by counting the knots below: of a table of up to `COUNTED` every one,
which costs a comparison and an addition for each; of a longer one every 2ᵏ-th, and the k halvings that are left gather.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from llvmlite import ir

COUNTED: Final = 32
"""Knots that are compared with every number."""
REGISTER: Final = 64
"""Bytes of a vector register from which the elements at any places can be picked: those of AVX-512."""
PICKED: Final = 8
"""Registers of a table out of which elements are picked."""
_WORD: Final = ir.IntType(64)


def gathered(builder: Any, kind: Any, values: Sequence[Any], index: Any, width: int) -> Any:
    """The entries of a constant table of a type at whole numbers within it."""
    module, constant = builder.module, ir.Constant(ir.ArrayType(kind, len(values)), list(values))
    table: Any = ir.GlobalVariable(module, constant.type, module.get_unique_name("table"))
    table.global_constant, table.linkage, table.initializer = True, "internal", constant

    def entry(place: Any) -> Any:
        return builder.load(builder.gep(table, [_WORD(0), place]))

    if width == 1:
        return entry(index)
    if kind != ir.IntType(1):
        return gather(builder, kind, places(builder, kind, builder.ptrtoint(table, _WORD), index, width), width)
    found: Any = ir.Constant(ir.VectorType(kind, width), ir.Undefined)
    for lane in range(width):
        at = ir.IntType(32)(lane)
        found = builder.insert_element(found, entry(builder.extract_element(index, at)), at)
    return found


def places(builder: Any, kind: Any, start: Any, index: Any, width: int) -> Any:
    """The addresses of elements of a type, from that of the first and their numbers in every lane."""
    words = ir.VectorType(_WORD, width)
    wide = index if index.type == words else builder.zext(index, words)
    steps = builder.mul(wide, ir.Constant(words, [_bits(kind) // 8] * width))
    none = ir.Constant(words, ir.Undefined)
    first = builder.insert_element(none, start, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), width), None)
    return builder.add(builder.shuffle_vector(first, none, zeros), steps)


def gather(builder: Any, kind: Any, addresses: Any, width: int) -> Any:
    """The elements of a type at an address for each lane, in one instruction where the processor has one."""
    values, pointers, every = _lanes_of(kind, width)
    function = _declared(builder, "gather", values, [pointers, ir.IntType(32), every.type, values])
    undefined = ir.Constant(values, ir.Undefined)
    return builder.call(function, [builder.inttoptr(addresses, pointers), _alignment(kind), every, undefined])


def scatter(builder: Any, kind: Any, value: Any, addresses: Any, width: int, where: Any = None) -> None:
    """Write the elements of a vector at an address for each lane, or for the lanes `where` it holds."""
    values, pointers, every = _lanes_of(kind, width)
    function = _declared(builder, "scatter", ir.VoidType(), [values, pointers, ir.IntType(32), every.type])
    given = [value, builder.inttoptr(addresses, pointers), _alignment(kind), every if where is None else where]
    builder.call(function, given)


def _lanes_of(kind: Any, width: int) -> tuple[Any, Any, Any]:
    every = ir.Constant(ir.VectorType(ir.IntType(1), width), [1] * width)
    return ir.VectorType(kind, width), ir.VectorType(kind.as_pointer(), width), every


def _declared(builder: Any, name: str, result: Any, kinds: Sequence[Any]) -> Any:
    values = next(kind for kind in (result, *kinds) if isinstance(kind, ir.VectorType))
    letter = "i" if isinstance(values.element, ir.IntType) else "f"
    full = f"llvm.masked.{name}.v{values.count}{letter}{_bits(values.element)}.v{values.count}p0"
    return builder.module.globals.get(full) or ir.Function(builder.module, ir.FunctionType(result, kinds), full)


def _alignment(kind: Any) -> Any:
    return ir.IntType(32)(_bits(kind) // 8)


def _bits(kind: Any) -> int:
    return kind.width if isinstance(kind, ir.IntType) else 32 if kind == ir.FloatType() else 64


def fits_registers(kind: Any, size: int, width: int) -> bool:
    """Whether elements of a table can be picked out of registers, on a processor that has such an instruction."""
    lanes = REGISTER * 8 // _bits(kind)
    return width % lanes == 0 and size <= PICKED * lanes


def pick(builder: Any, kind: Any, registers: Sequence[Any], index: Any, width: int) -> Any:
    """The elements of a table, which stands in so many registers, at whole numbers of the float's bits."""
    bits, lanes = _bits(kind), REGISTER * 8 // _bits(kind)
    vector, whole = ir.VectorType(kind, lanes), ir.VectorType(ir.IntType(bits), lanes)
    name = f"llvm.x86.avx512.vpermi2var.p{'d' if bits == 64 else 's'}.512"
    kinds = ir.FunctionType(vector, [vector, whole, vector])
    two = builder.module.globals.get(name) or ir.Function(builder.module, kinds, name)

    def part(places: Any) -> Any:
        found = None
        for first in range(0, len(registers), 2):
            pair = registers[first : first + 2]
            here = builder.call(two, [pair[0], places, pair[-1]])
            past = ir.Constant(whole, [first * lanes] * lanes)
            found = here if found is None else builder.select(builder.icmp_signed(">=", places, past), here, found)
        return found

    return joined(builder, [part(places) for places in parts(builder, index, lanes)])


def parts(builder: Any, value: Any, lanes: int) -> list[Any]:
    """A vector as several of so many lanes."""
    i32, none = ir.IntType(32), ir.Constant(value.type, ir.Undefined)
    chosen = [list(range(first, first + lanes)) for first in range(0, value.type.count, lanes)]
    return [builder.shuffle_vector(value, none, ir.Constant(ir.VectorType(i32, lanes), numbers)) for numbers in chosen]


def joined(builder: Any, vectors: Sequence[Any]) -> Any:
    """Vectors of so many lanes, a power of two, as one."""
    while len(vectors) > 1:
        count = 2 * vectors[0].type.count
        together = ir.Constant(ir.VectorType(ir.IntType(32), count), list(range(count)))
        vectors = [builder.shuffle_vector(a, b, together) for a, b in zip(vectors[::2], vectors[1::2], strict=True)]
    return vectors[0]


class Constants:
    """A table of numbers that are known when the kernel is made."""

    def __init__(self, on: Any, values: Sequence[float]) -> None:
        self.on, self.values, self.size = on, values, len(values)

    def get(self, index: Any) -> Any:
        """The numbers at a place, known when the kernel is made or in every lane."""
        return self.on.number(self.values[index]) if isinstance(index, int) else self.on.table(self.values, index)


def rank(on: Any, table: Any, x: Any) -> Any:
    """How many numbers of an increasing table are at most x, as an integer of the float's bits; all, where x is NaN.

    A table has a `size` and `get`s its numbers at a place.
    """
    builder, size, stride = on.builder, table.size, 1
    while size > COUNTED * stride:
        stride *= 2
    place = on.integer(0)
    for knot in range(stride - 1, size, stride):
        reached = on.at_most(table.get(knot), x)
        place = on.pick(reached, builder.add(place, on.integer(stride)), place)
    while stride > 1:
        # of the next stride − 1 numbers those before the middle are counted at once, where the middle is
        stride //= 2
        middle = builder.add(place, on.integer(stride - 1))
        inside = builder.icmp_signed("<", middle, on.integer(size))
        reached = on.at_most(table.get(on.pick(inside, middle, on.integer(size - 1))), x)
        place = on.pick(on.both(inside, reached), builder.add(place, on.integer(stride)), place)
    return on.pick(on.is_nan(x), on.integer(size), place)
