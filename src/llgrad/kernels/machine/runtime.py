"""What generated code stands on: typed pointers, scratch on the stack, selects, atomics, memory. All of it is Numba
intrinsics.

Nothing here can raise: an exception inside a handler would be printed, ignored, and the output left uninitialised.
"""

from __future__ import annotations

import math
from typing import Any, Final

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic

intrinsic: Any = _intrinsic
"""Untyped: a checker would see the arguments of the generator, not those of the generated function."""

FAST: Final = {"contract", "reassoc", "arcp", "nsz", "afn"}
"""Not `nnan` or `ninf`: a kernel must be able to see its own NaN."""
WRITTEN_IN_PLACE: Final[dict[str, Any]] = {"forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Options of a function that only compiled functions call. Without its wrappers a kernel compiles in half the time."""
INLINE: Final[dict[str, Any]] = {**WRITTEN_IN_PLACE, "fastmath": FAST, "error_model": "numpy"}
LOOP: Final[dict[str, Any]] = {"fastmath": FAST, "error_model": "numpy"}
PRECISE: Final[dict[str, Any]] = INLINE | {"fastmath": {"contract"}}
ORDERED_INLINE: Final[dict[str, Any]] = INLINE | {"fastmath": FAST - {"reassoc"}}
ORDERED_LOOP: Final[dict[str, Any]] = LOOP | {"fastmath": FAST - {"reassoc"}}
"""For a single trajectory, whose time is that of its longest chain: sums stay in their written order."""

_WORD: Final = ir.IntType(64)
_BYTE_POINTER: Final = ir.IntType(8).as_pointer()


def _pointer_to(element: Any) -> Any:
    @intrinsic
    def cast(typingctx: Any, address: Any) -> Any:
        signature = types.CPointer(element)(types.int64)
        return signature, lambda context, builder, sig, args: builder.inttoptr(
            args[0], context.get_value_type(sig.return_type)
        )

    return cast


as_float64 = _pointer_to(types.float64)
as_float32 = _pointer_to(types.float32)
as_int64 = _pointer_to(types.int64)
as_int32 = _pointer_to(types.int32)
as_uint32 = _pointer_to(types.uint32)


def _scratch_of(element: Any) -> Any:
    @intrinsic(prefer_literal=True)
    def scratch(typingctx: Any, size: Any) -> Any:
        """`size` elements (a compile-time number) on the stack, 64-byte aligned: LLVM sees that nothing aliases
        them.
        """
        count = size.literal_value

        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            with builder.goto_entry_block():
                block = builder.alloca(ir.ArrayType(context.get_data_type(element), count))
                block.align = 64
            return builder.bitcast(block, context.get_value_type(sig.return_type))

        return types.CPointer(element)(types.IntegerLiteral(count)), generate

    return scratch


scratch_float64 = _scratch_of(types.float64)
scratch_float32 = _scratch_of(types.float32)
scratch_uint32 = _scratch_of(types.uint32)


@intrinsic
def pick(typingctx: Any, condition: Any, yes: Any, no: Any) -> Any:
    """`yes if condition else no` as one select instruction: both sides are computed, no branch."""
    if yes != no:
        return None
    return yes(types.boolean, yes, yes), lambda context, builder, sig, args: builder.select(*args)


@njit(**PRECISE)
def over(a: Any, b: Any) -> Any:
    """a/b, rounded once, with 1/0 and 1/∞: the fast division of float32 vectors makes NaN of both."""
    return a / b


@njit(**PRECISE)
def root(a: Any) -> Any:
    """The square root, with the same care."""
    return math.sqrt(a)


@intrinsic
def prefetch(typingctx: Any, pointer: Any, index: Any) -> Any:
    """Ask for the cache line of pointer[index], which a later iteration reads."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        address = builder.bitcast(builder.gep(args[0], [args[1]]), _BYTE_POINTER)
        flag = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [_BYTE_POINTER, flag, flag, flag])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(function, [address, flag(0), flag(3), flag(1)])
        return context.get_dummy_value()

    return types.void(pointer, types.int64), generate


def _vector(context: Any, builder: Any, pointer: Any, index: Any, kind: Any, count: int) -> tuple[Any, int]:
    """Pointer to `count` elements from an index as one vector, and the alignment of an element."""
    element = context.get_data_type(kind.dtype)
    place = builder.gep(pointer, [index])
    return builder.bitcast(place, ir.VectorType(element, count).as_pointer()), kind.dtype.bitwidth // 8


@intrinsic(prefer_literal=True)
def copy_row(typingctx: Any, target: Any, at: Any, source: Any, place: Any, count: Any) -> Any:
    """target[at : at + count] = source[place : place + count] by vector instructions; `count` is a compile-time number.

    A loop of a few iterations would be unrolled before it is vectorised, or run in its scalar remainder.
    """
    size = count.literal_value

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        origin, align = _vector(context, builder, args[2], args[3], source, size)
        goal, _ = _vector(context, builder, args[0], args[1], target, size)
        builder.store(builder.load(origin, align=align), goal, align=align)
        return context.get_dummy_value()

    return types.void(target, types.int64, source, types.int64, types.IntegerLiteral(size)), generate


@intrinsic(prefer_literal=True)
def add_row(typingctx: Any, target: Any, at: Any, source: Any, place: Any, count: Any) -> Any:
    """target[at : at + count] += source[place : place + count], as `copy_row`."""
    size = count.literal_value

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        origin, align = _vector(context, builder, args[2], args[3], source, size)
        goal, _ = _vector(context, builder, args[0], args[1], target, size)
        total = builder.fadd(builder.load(goal, align=align), builder.load(origin, align=align))
        builder.store(total, goal, align=align)
        return context.get_dummy_value()

    return types.void(target, types.int64, source, types.int64, types.IntegerLiteral(size)), generate


def _bits(source: Any, target: Any) -> Any:
    @intrinsic
    def cast(typingctx: Any, value: Any) -> Any:
        return target(source), lambda context, builder, sig, args: builder.bitcast(
            args[0], context.get_value_type(target)
        )

    return cast


float_of_int64 = _bits(types.int64, types.float64)
int64_of_float = _bits(types.float64, types.int64)
float_of_int32 = _bits(types.int32, types.float32)
int32_of_float = _bits(types.float32, types.int32)


@intrinsic
def fetch_add(typingctx: Any, address: Any, amount: Any) -> Any:
    """Atomically add to the 64-bit word at an address; returns what was there before."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], _WORD.as_pointer())
        return builder.atomic_rmw("add", pointer, args[1], "seq_cst")

    return types.int64(types.int64, types.int64), generate


def _libc(name: str, result: Any, *arguments: Any) -> Any:
    """A function of the C library, found by its name when the compiled code is loaded."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = ir.FunctionType(_WORD if result != types.void else ir.VoidType(), [_WORD] * len(arguments))
        value = builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)
        return value if result != types.void else context.get_dummy_value()

    if len(arguments) == 2:

        @intrinsic
        def two(typingctx: Any, first: Any, second: Any) -> Any:
            return result(*arguments), generate

        return two
    if arguments:

        @intrinsic
        def one(typingctx: Any, first: Any) -> Any:
            return result(*arguments), generate

        return one

    @intrinsic
    def none(typingctx: Any) -> Any:
        return result(), generate

    return none


allocate = _libc("malloc", types.int64, types.int64)
release = _libc("free", types.void, types.int64)
give_way = _libc("sched_yield", types.int64)


@njit(**INLINE)
def word(address: int, index: int) -> int:
    """The 64-bit word at an index."""
    return as_int64(address)[index]


@njit(**INLINE)
def put(address: int, index: int, value: int) -> None:
    """Write the 64-bit word at an index."""
    as_int64(address)[index] = value
