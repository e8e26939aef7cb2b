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
from typing import Final

import jaxlib
import jaxlib.version

from llgrad.kernels.machine.layout import word_of

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
METADATA: Final = 1
"""Type of the extension by which XLA asks what a handler is."""
INVALID_ARGUMENT: Final = 3
OUT_OF_MEMORY: Final = 8

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
