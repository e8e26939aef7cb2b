"""XLA's foreign-function interface, read as 64-bit words: the call frame, the metadata query, errors, the thread pool.

The layout is that of `xla/ffi/api/c_api.h`, which jaxlib ships; a test compares every offset with that file.
One call of a handler fills a *block* of words, which every thread that helps with the call reads:

    block: next item · items done · references · items · steps · every · stride · lanes · width · failed · …  (16 words)
           then (address, number of elements) of each operand and each result
"""

from __future__ import annotations

import ctypes
import pathlib
import re
from typing import Any, Final

import jaxlib
import jaxlib.version
from llvmlite import ir
from numba import njit, types

from llgrad.kernels.machine.layout import word_of
from llgrad.kernels.machine.runtime import (
    INLINE,
    allocate,
    as_int32,
    fetch_add,
    give_way,
    intrinsic,
    put,
    release,
    word,
)

TESTED: Final = ((0, 1), (0, 2), (0, 3), (0, 4), (0, 5))
"""Versions that this module was tested with, or whose structs were compared; a newer one is compared by itself."""

# Words of XLA_FFI_CallFrame and of what it points to.
FRAME_EXTENSION: Final = 1
FRAME_API: Final = 2
FRAME_CONTEXT: Final = 3
FRAME_ARGUMENT_COUNT: Final = 7
FRAME_ARGUMENTS: Final = 9
FRAME_RESULT_COUNT: Final = 12
FRAME_RESULTS: Final = 14
BUFFER_DATA: Final = 3
BUFFER_RANK: Final = 4
BUFFER_DIMENSIONS: Final = 5
EXTENSION_TYPE: Final = 1
EXTENSION_METADATA: Final = 3
METADATA_VERSION: Final = 3
METADATA_TRAITS: Final = 4
API_ERROR_CREATE: Final = 6
API_ERROR_DESTROY: Final = 8
API_SCHEDULE: Final = 17
API_THREADS: Final = 18
FRAME_BYTES: Final = 160
METADATA: Final = 1
"""Type of the extension by which XLA asks what a handler is."""
OUT_OF_MEMORY: Final = 8
WRONG_LAYOUT: Final = 9

# Words of a block.
NEXT, DONE, REFERENCES, ITEMS, STEPS, EVERY, STRIDE, LANES, WIDTH, FAILED = range(10)
HEADER: Final = 16
WORTH_SHARING: Final = 400
"""Fewer steps of a tile than this (tens of microseconds) are not worth waking another thread."""

READ: Final = (
    ("XLA_FFI_CallFrame", "extension_start", FRAME_EXTENSION),
    ("XLA_FFI_CallFrame", "api", FRAME_API),
    ("XLA_FFI_CallFrame", "ctx", FRAME_CONTEXT),
    ("XLA_FFI_Buffer", "data", BUFFER_DATA),
    ("XLA_FFI_Buffer", "rank", BUFFER_RANK),
    ("XLA_FFI_Buffer", "dims", BUFFER_DIMENSIONS),
    ("XLA_FFI_Metadata_Extension", "metadata", EXTENSION_METADATA),
    ("XLA_FFI_Metadata", "traits", METADATA_TRAITS),
    ("XLA_FFI_Api", "XLA_FFI_Error_Create", API_ERROR_CREATE),
    ("XLA_FFI_Api", "XLA_FFI_Error_Destroy", API_ERROR_DESTROY),
    ("XLA_FFI_Api", "XLA_FFI_ThreadPool_Schedule", API_SCHEDULE),
    ("XLA_FFI_Api", "XLA_FFI_ThreadPool_NumThreads", API_THREADS),
    ("XLA_FFI_Error_Create_Args", "message", 2),
    ("XLA_FFI_Error_Create_Args", "errc", 3),
    ("XLA_FFI_Error_Destroy_Args", "error", 2),
    ("XLA_FFI_ThreadPool_NumThreads_Args", "ctx", 2),
    ("XLA_FFI_ThreadPool_NumThreads_Args", "num_threads", 3),
    ("XLA_FFI_ThreadPool_Schedule_Args", "ctx", 2),
    ("XLA_FFI_ThreadPool_Schedule_Args", "task", 3),
    ("XLA_FFI_ThreadPool_Schedule_Args", "data", 4),
)
"""(struct, field, word): what is read and written by its place alone."""
READ_WITHIN: Final = (
    ("XLA_FFI_CallFrame", "args", "XLA_FFI_Args", "size", FRAME_ARGUMENT_COUNT),
    ("XLA_FFI_CallFrame", "args", "XLA_FFI_Args", "args", FRAME_ARGUMENTS),
    ("XLA_FFI_CallFrame", "rets", "XLA_FFI_Rets", "size", FRAME_RESULT_COUNT),
    ("XLA_FFI_CallFrame", "rets", "XLA_FFI_Rets", "rets", FRAME_RESULTS),
    ("XLA_FFI_Metadata", "api_version", "XLA_FFI_Api_Version", "major_version", METADATA_VERSION),
)
"""(struct, field, struct of that field, its field, word)."""

HANDLER: Final = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)


def header_file() -> pathlib.Path:
    """The C header that the installed jaxlib was built with."""
    return pathlib.Path(jaxlib.__file__).parent / "include" / "xla" / "ffi" / "api" / "c_api.h"


def api_version() -> tuple[int, int]:
    """Version of the interface that the installed jaxlib speaks. Raises ValueError where it cannot be found out."""
    path = header_file()
    text = path.read_text() if path.exists() else ""
    found = [re.search(rf"#define XLA_FFI_API_{part} (\d+)", text) for part in ("MAJOR", "MINOR")]
    if not all(found):
        raise ValueError(
            f"no version of XLA's foreign-function interface in {path}; the XLA engine still runs everything"
        )
    return int(found[0][1]), int(found[1][1])  # type: ignore[index]


def misplaced(text: str) -> list[str]:
    """What the C header of an interface does not put where this module reads it; empty where it can be used."""
    problems = []
    for struct, field, *within, expected in (*READ, *READ_WITHIN):
        try:
            word = word_of(text, struct, field) + (word_of(text, *within) if within else 0)
        except ValueError as problem:
            problems.append(str(problem))
        else:
            if word != expected:
                problems.append(f"{field} of {struct} is word {word}, not {expected}")
    return problems


def check_interface() -> None:
    """Raise ValueError where the installed jaxlib speaks a version of the interface that cannot be used: another major
    one, or a newer one whose header puts what is read here in other places.
    """
    version = api_version()
    if version in TESTED:
        return
    problems = misplaced(header_file().read_text())
    if version[0] != TESTED[-1][0]:
        problems.insert(0, "its major version is another")
    if problems or version < TESTED[-1]:
        raise ValueError(
            f"jaxlib {jaxlib.version.__version__} has version {version[0]}.{version[1]} of XLA's "
            f"foreign-function interface; tested are {', '.join(f'{major}.{minor}' for major, minor in TESTED)}"
            + "".join(f"; {problem}" for problem in problems[:1])
        )


@njit(**INLINE)
def answers_metadata(frame: int, version: int) -> bool:
    """Answer XLA's question for the handler's API version; whether that was the question."""
    extension = word(frame, FRAME_EXTENSION)
    if extension == 0 or (word(extension, EXTENSION_TYPE) & 0xFFFFFFFF) != 1:
        return False
    metadata = word(extension, EXTENSION_METADATA)
    put(metadata, METADATA_VERSION, version)
    as_int32(metadata + 8 * METADATA_TRAITS)[0] = 0
    return True


@njit(**INLINE)
def open_block(frame: int, width: int) -> int:
    """A new block with the operands and results of this call, or 0 when there is no memory."""
    arguments, results = word(frame, FRAME_ARGUMENT_COUNT), word(frame, FRAME_RESULT_COUNT)
    block = allocate(8 * (HEADER + 2 * (arguments + results)))
    if block == 0:
        return 0
    for index in range(arguments + results):
        if index < arguments:
            buffer = word(word(frame, FRAME_ARGUMENTS), index)
        else:
            buffer = word(word(frame, FRAME_RESULTS), index - arguments)
        size, dimensions = 1, word(buffer, BUFFER_DIMENSIONS)
        for axis in range(word(buffer, BUFFER_RANK)):
            size *= word(dimensions, axis)
        put(block, HEADER + 2 * index, word(buffer, BUFFER_DATA))
        put(block, HEADER + 2 * index + 1, size)
    counts = as_int32(word(block, HEADER))
    put(block, NEXT, 0)
    put(block, DONE, 0)
    put(block, REFERENCES, 1)
    put(block, STEPS, counts[0])
    put(block, EVERY, counts[1])
    put(block, STRIDE, counts[2])
    put(block, ITEMS, counts[3])
    put(block, LANES, counts[4])
    put(block, WIDTH, width)
    put(block, FAILED, 0)
    return block


@intrinsic
def call_pointer(typingctx: Any, function: Any, argument: Any) -> Any:
    """Call a C function of one pointer argument, by its address."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(64), [ir.IntType(64)])
        return builder.call(builder.inttoptr(args[0], kind.as_pointer()), [args[1]])

    return types.int64(types.int64, types.int64), generate


@intrinsic(prefer_literal=True)
def stack_words(typingctx: Any, count: Any) -> Any:
    """Address of a few words on the stack (a compile-time number of them)."""
    size = count.literal_value

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        with builder.goto_entry_block():
            block = builder.alloca(ir.ArrayType(ir.IntType(64), size))
        return builder.ptrtoint(block, ir.IntType(64))

    return types.int64(types.IntegerLiteral(size)), generate


@intrinsic
def message_address(typingctx: Any) -> Any:
    """Address of the text of an error, as a C string."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        text = context.insert_const_string(
            builder.module, "llgrad: a native kernel got no memory, or a call frame it does not know"
        )
        return builder.ptrtoint(text, ir.IntType(64))

    return types.int64(), generate


@njit(**INLINE)
def error(frame: int, code: int) -> int:
    """A new XLA error of a code: what a handler returns when it could not do its work."""
    request = stack_words(4)
    put(request, 0, 28)
    put(request, 1, 0)
    put(request, 2, message_address())
    put(request, 3, code)
    return call_pointer(word(word(frame, FRAME_API), API_ERROR_CREATE), request)


@njit(**INLINE)
def drop_error(frame: int, problem: int) -> None:
    """Hand an error of an API call back to XLA."""
    request = stack_words(3)
    put(request, 0, 24)
    put(request, 1, 0)
    put(request, 2, problem)
    call_pointer(word(word(frame, FRAME_API), API_ERROR_DESTROY), request)


@njit(**INLINE)
def pool_size(frame: int) -> int:
    """Number of threads in XLA's pool for this call; 1 where there is none."""
    request, answer = stack_words(4), stack_words(1)
    put(answer, 0, 1)
    put(request, 0, 32)
    put(request, 1, 0)
    put(request, 2, word(frame, FRAME_CONTEXT))
    put(request, 3, answer)
    problem = call_pointer(word(word(frame, FRAME_API), API_THREADS), request)
    if problem != 0:
        drop_error(frame, problem)
        return 1
    return word(answer, 0)


@njit(**INLINE)
def schedule(frame: int, task: int, block: int) -> bool:
    """Ask XLA's pool to run a task on a block, some time, on some thread; whether it was taken."""
    request = stack_words(5)
    put(request, 0, 40)
    put(request, 1, 0)
    put(request, 2, word(frame, FRAME_CONTEXT))
    put(request, 3, task)
    put(request, 4, block)
    problem = call_pointer(word(word(frame, FRAME_API), API_SCHEDULE), request)
    if problem != 0:
        drop_error(frame, problem)
    return problem == 0


@njit(**INLINE)
def leave(block: int) -> None:
    """Give up one reference; the last one frees the block."""
    if fetch_add(block + 8 * REFERENCES, -1) == 1:
        release(block)


@intrinsic
def task_address(typingctx: Any) -> Any:
    """Address of a C function that enters the function where this stands, its argument's lowest bit set.

    It is generated inside the module that asks for it, so that compiled code can be cached: the address of another
    Numba function would be frozen into it.
    """

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        inner = builder.function
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(64)])
        task = ir.Function(builder.module, kind, name=builder.module.get_unique_name("llgrad_task"))
        task.linkage = "internal"
        inside = ir.IRBuilder(task.append_basic_block("entry"))
        marked = inside.or_(task.args[0], ir.Constant(ir.IntType(64), 1))
        context.call_conv.call_function(inside, inner, types.int64, (types.int64,), (marked,))
        inside.ret_void()
        return builder.ptrtoint(task, ir.IntType(64))

    return types.int64(), generate


@njit(**INLINE)
def wait(block: int) -> None:
    """Until all items are done. Whoever took an item is running, so this never waits for a task that has not
    started.
    """
    while fetch_add(block + 8 * DONE, 0) < word(block, ITEMS):
        give_way()


@njit(**INLINE)
def invite(frame: int, task: int, block: int) -> None:
    """Ask other threads to help with the items, where that is worth their waking."""
    items = word(block, ITEMS)
    if items * word(block, STEPS) < WORTH_SHARING:
        return
    for _ in range(min(pool_size(frame), items) - 1):
        fetch_add(block + 8 * REFERENCES, 1)
        if not schedule(frame, task, block):
            leave(block)
